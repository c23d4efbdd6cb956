// The map of prompts: similar ones lie close. Points of slices are lit, failures filled.

import type { Slice } from "../data/document.ts";
import type { Examples } from "../data/examples.ts";
import { currentRoute, exampleLink, note } from "../route.ts";
import { el } from "./dom.ts";
import { shortened, verdictName } from "./format.ts";

export type Lit = { rows: number[]; name: string; color: string };

export const SLICE_COLORS = ["--slice-1", "--slice-2", "--slice-3", "--slice-4", "--slice-5", "--slice-6"];

const REACH_PIXELS = 12;

/** Empty stretches longer than this share of an axis are shortened to it: distances between islands mean little. */
const LONGEST_GAP = 0.05;

/** In space, this share of the points fills the picture; islands farther out may need turning. */
const WITHIN = 0.9;

const TURN = Math.PI / 8;

const HIGHEST_TILT = Math.PI / 2;

/**
 * Draw a map.
 * @param rows one model's examples on one dataset
 */
export function promptMap(
  examples: Examples,
  rows: number[],
  lit: Lit[],
  label: string,
): { element: HTMLElement; light: (name: string | null) => void } {
  const placed = rows.filter((row) => examples.columns.x[row] !== null);
  const places = { x: withoutGaps(placed, examples.columns.x), y: withoutGaps(placed, examples.columns.y) };
  const space = spaceOf(examples, placed);
  const canvas = el("canvas", { role: "img", "aria-label": label });
  const tip = el("div", { class: "tip", hidden: true });
  const view = { zoom: 1, x: 0.5, y: 0.5, named: null as string | null, solid: false, turn: 0.6, tilt: 0.35 };
  const colors = new Map(lit.flatMap((one) => one.rows.map((row) => [row, one])));

  /** @returns pixels, and how near it is: 0 at the back to 1 */
  function pixel(index: number): [number, number, number] {
    const { clientWidth: width, clientHeight: height } = canvas;
    const [w, h] = [width - 24, height - 24];
    if (view.solid && space) {
      const [x, y, near] = turned(space, index, view.turn, view.tilt);
      const side = Math.min(w, h) * view.zoom;
      return [width / 2 + side * (x - (view.x - 0.5)), height / 2 + side * (y - (view.y - 0.5)), near];
    }
    return [
      12 + w * ((places.x[index] - view.x) * view.zoom + 0.5),
      12 + h * ((1 - places.y[index] - view.y) * view.zoom + 0.5),
      1,
    ];
  }

  function draw() {
    if (!canvas.isConnected || !canvas.clientWidth) return;
    const density = devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * density;
    canvas.height = canvas.clientHeight * density;
    const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
    pen.scale(density, density);
    const style = getComputedStyle(document.documentElement);
    const size = placed.length > 4000 ? 1.6 : placed.length > 800 ? 2.4 : 3.2;
    // What is lit is drawn last, so that nothing hides it.
    const order = placed.map((row, index) => ({ row, one: colors.get(row), at: pixel(index) }));
    order.sort((a, b) => Number(isLit(a.one)) - Number(isLit(b.one)) || a.at[2] - b.at[2]);
    for (const { row, one, at } of order) {
      const [x, y, near] = at;
      const failed = examples.columns.failed[row] === 1;
      const shown = isLit(one) ? one : undefined;
      pen.beginPath();
      pen.arc(x, y, (shown ? size * 1.35 : size) * (0.6 + 0.4 * near), 0, 2 * Math.PI);
      const color = style.getPropertyValue(shown ? shown.color : failed ? "--point-failed" : "--point").trim();
      pen.globalAlpha = (view.named && !shown ? 0.45 : 1) * (0.35 + 0.65 * near);
      if (shown && !failed) {
        pen.strokeStyle = color;
        pen.lineWidth = 1.2;
        pen.stroke();
      } else {
        pen.fillStyle = color;
        pen.fill();
      }
    }
  }

  function isLit(one: Lit | undefined) {
    return one !== undefined && (view.named === null || one.name === view.named);
  }

  function nearest(event: MouseEvent) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let [best, least] = [-1, REACH_PIXELS ** 2];
    placed.forEach((_, index) => {
      const [px, py] = pixel(index);
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < least) [best, least] = [index, distance];
    });
    return best;
  }

  let pointed = -1;
  function onMove(event: MouseEvent) {
    pointed = nearest(event);
    canvas.classList.toggle("pointing", pointed >= 0);
    if (pointed < 0) {
      tip.hidden = true;
      return;
    }
    const row = placed[pointed];
    const [x, y] = pixel(pointed);
    tip.hidden = false;
    tip.style.left = `${Math.min(x + 12, canvas.clientWidth - 240)}px`;
    tip.style.top = `${y + 12}px`;
    const verdict = verdictName(examples.columns.failed[row]);
    const head = el("strong", null, `${examples.columns.example_id[row]} · ${verdict}`);
    tip.replaceChildren(head);
    void examples.text(examples.columns.prompt[row]).then((text) => {
      if (pointed >= 0 && placed[pointed] === row && text)
        tip.replaceChildren(head, el("span", null, shortened(text, 140)));
    });
  }

  function onClick(event: MouseEvent) {
    // What ends a drag is no click.
    const index = dragged > 4 ? -1 : nearest(event);
    if (index >= 0)
      location.hash = exampleLink(examples.name("dataset", placed[index]), examples.columns.example_id[placed[index]]);
  }

  function zoom(factor: number) {
    view.zoom = Math.min(32, Math.max(1, view.zoom * factor));
    if (view.zoom === 1) [view.x, view.y] = [0.5, 0.5];
    draw();
  }

  function rotate(turn: number, tilt = 0) {
    view.turn += turn;
    view.tilt = Math.min(HIGHEST_TILT, Math.max(-HIGHEST_TILT, view.tilt + tilt));
    draw();
  }

  function setSolid(solid: boolean) {
    Object.assign(view, { solid, zoom: 1, x: 0.5, y: 0.5 });
    canvas.classList.toggle("solid", solid);
    solidButton.setAttribute("aria-pressed", String(solid));
    for (const button of turning) button.hidden = !solid;
    draw();
  }

  let held = null as { x: number; y: number } | null;
  let dragged = 0;
  canvas.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, y: event.clientY };
    dragged = 0;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", () => (held = null));
  canvas.addEventListener("pointercancel", () => (held = null));
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    const [x, y] = [event.clientX - held.x, event.clientY - held.y];
    dragged += Math.abs(x) + Math.abs(y);
    held = { x: event.clientX, y: event.clientY };
    if (view.solid) {
      rotate((x / canvas.clientWidth) * Math.PI, (y / canvas.clientHeight) * Math.PI);
    } else if (view.zoom > 1) {
      view.x -= x / (canvas.clientWidth * view.zoom);
      view.y -= y / (canvas.clientHeight * view.zoom);
      draw();
    }
  });
  canvas.addEventListener("mousemove", onMove);
  canvas.addEventListener("mouseleave", () => (tip.hidden = true));
  canvas.addEventListener("click", onClick);
  new ResizeObserver(draw).observe(canvas);
  addEventListener("themechange", draw);

  const turning = [
    el("button", { type: "button", hidden: true, "aria-label": "Turn left", click: () => rotate(-TURN) }, "◁"),
    el("button", { type: "button", hidden: true, "aria-label": "Turn right", click: () => rotate(TURN) }, "▷"),
    el(
      "button",
      {
        type: "button",
        hidden: true,
        "aria-label": "Tilt",
        click: () => rotate(0, view.tilt + TURN > HIGHEST_TILT ? -2 * HIGHEST_TILT : TURN),
      },
      "△",
    ),
  ];
  const solidButton = el(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      title: "The same prompts in space; drag to turn",
      hidden: !space,
      click: () => {
        setSolid(!view.solid);
        note({ space: view.solid ? 1 : null });
      },
    },
    "3-D",
  );
  const buttons = el(
    "div",
    { class: "map-buttons" },
    solidButton,
    turning,
    el("button", { type: "button", "aria-label": "Zoom in", click: () => zoom(2) }, "+"),
    el("button", { type: "button", "aria-label": "Zoom out", click: () => zoom(0.5) }, "−"),
  );
  const element = el(
    "figure",
    { class: "map" },
    el("div", { class: "map-canvas" }, canvas, tip),
    el(
      "figcaption",
      null,
      buttons,
      legend(lit),
      "Each point is a prompt; similar ones lie close. Of the lit ones, filled have failed.",
    ),
  );
  if (space && currentRoute().parameters.space) setSolid(true);
  return {
    element,
    light(name) {
      view.named = name;
      draw();
    },
  };
}

function legend(lit: Lit[]) {
  return el(
    "ul",
    { class: "legend" },
    lit.map((one, index) =>
      el(
        "li",
        null,
        el("span", { class: `swatch slice-${(index % SLICE_COLORS.length) + 1}`, "aria-hidden": "true" }),
        one.name,
      ),
    ),
  );
}

/** One coordinate of each row in [0, 1], long empty stretches shortened. */
function withoutGaps(rows: number[], column: (number | null)[]) {
  const values = rows.map((row) => column[row] ?? 0);
  const order = values.map((_, index) => index).sort((a, b) => values[a] - values[b]);
  const range = order.length ? values[order[order.length - 1]] - values[order[0]] : 0;
  const places = new Float64Array(values.length);
  for (let position = 1; position < order.length; position++) {
    const step = values[order[position]] - values[order[position - 1]];
    places[order[position]] = places[order[position - 1]] + Math.min(step, LONGEST_GAP * range);
  }
  const last = order.length ? places[order[order.length - 1]] : 0;
  return places.map((place) => (last ? place / last : 0.5));
}

/** Places about their mean, most of them in a ball of radius 0.9; null where the map has no third dimension. */
function spaceOf(examples: Examples, rows: number[]) {
  const columns = [examples.columns.x_3d, examples.columns.y_3d, examples.columns.z_3d];
  if (!rows.length || columns.some((column) => !column || rows.some((row) => column[row] === null))) return null;
  const axes = columns.map((column) => {
    const places = withoutGaps(rows, column);
    const mean = places.reduce((sum, place) => sum + place, 0) / places.length;
    return places.map((place) => place - mean);
  });
  const reach = rows.map((_, index) => Math.hypot(...axes.map((axis) => axis[index]))).sort((a, b) => a - b);
  const radius = Math.max(1e-9, reach[Math.floor(WITHIN * (reach.length - 1))]);
  return axes.map((axis) => axis.map((place) => (0.9 * place) / radius));
}

/**
 * Where a point in space is seen: x and y in [-0.5, 0.5], and how near it is, in [0, 1].
 * @param turn about the upright axis
 * @param tilt towards the reader
 */
function turned(space: Float64Array[], index: number, turn: number, tilt: number): [number, number, number] {
  const [x, y, z] = space.map((places) => places[index]);
  const across = x * Math.cos(turn) + z * Math.sin(turn);
  const depth = z * Math.cos(turn) - x * Math.sin(turn);
  const upright = y * Math.cos(tilt) - depth * Math.sin(tilt);
  const near = depth * Math.cos(tilt) + y * Math.sin(tilt);
  return [across / 2, -upright / 2, Math.min(1, Math.max(0, near / 2 + 0.5))];
}

/** The slices of one audit as points to light. */
export function litSlices(examples: Examples, rows: number[], slices: Slice[]): Lit[] {
  return slices.slice(0, SLICE_COLORS.length).map((found, index) => {
    const number = examples.names.slice.indexOf(found.slice_id);
    return {
      name: found.name,
      color: SLICE_COLORS[index],
      rows: rows.filter((row) => examples.columns.slice[row].includes(number)),
    };
  });
}
