// The map of prompts: similar ones lie close. Points of slices are lit, failures filled.

/** @typedef {{rows: number[], name: string, color: string}} Lit */

const SLICE_COLORS = ["--slice-1", "--slice-2", "--slice-3", "--slice-4", "--slice-5", "--slice-6"];
const REACH_PIXELS = 12;
/** Empty stretches longer than this share of an axis are shortened to it: distances between islands mean little. */
const LONGEST_GAP = 0.05;

/**
 * Draw a map.
 * @param {Packed} packed
 * @param {number[]} rows one model's examples on one dataset
 * @param {Lit[]} lit
 * @param {string} label
 * @returns {{element: HTMLElement, light: (name: string | null) => void}}
 */
function promptMap(packed, rows, lit, label) {
  const placed = rows.filter((row) => packed.columns.x[row] !== null);
  const places = { x: withoutGaps(placed, packed.columns.x), y: withoutGaps(placed, packed.columns.y) };
  const canvas = /** @type {HTMLCanvasElement} */ (el("canvas", { role: "img", "aria-label": label }));
  const tip = el("div", { class: "tip", hidden: true });
  const view = { zoom: 1, x: 0.5, y: 0.5, named: /** @type {string | null} */ (null) };
  const colors = new Map(lit.flatMap((one) => one.rows.map((row) => [row, one])));

  /** @param {number} index @returns {[number, number]} pixels */
  function pixel(index) {
    const { clientWidth: width, clientHeight: height } = canvas;
    const [w, h] = [width - 24, height - 24];
    return [
      12 + w * ((places.x[index] - view.x) * view.zoom + 0.5),
      12 + h * ((1 - places.y[index] - view.y) * view.zoom + 0.5),
    ];
  }

  function draw() {
    if (!canvas.isConnected || !canvas.clientWidth) return;
    const density = devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * density;
    canvas.height = canvas.clientHeight * density;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.scale(density, density);
    const style = getComputedStyle(document.documentElement);
    const size = placed.length > 4000 ? 1.6 : placed.length > 800 ? 2.4 : 3.2;
    // What is lit is drawn last, so that nothing hides it.
    const order = placed.map((row, index) => ({ row, index, one: colors.get(row) }));
    order.sort((a, b) => Number(isLit(a.one)) - Number(isLit(b.one)));
    for (const { row, index, one } of order) {
      const [x, y] = pixel(index);
      const failed = packed.columns.failed[row] === 1;
      const shown = isLit(one) ? one : undefined;
      pen.beginPath();
      pen.arc(x, y, shown ? size * 1.35 : size, 0, 2 * Math.PI);
      const color = style.getPropertyValue(shown ? shown.color : failed ? "--point-failed" : "--point").trim();
      pen.globalAlpha = view.named && !shown ? 0.45 : 1;
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

  /** @param {Lit | undefined} one */
  function isLit(one) {
    return one !== undefined && (view.named === null || one.name === view.named);
  }

  /** @param {MouseEvent} event */
  function nearest(event) {
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
  function onMove(/** @type {MouseEvent} */ event) {
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
    const verdict = verdictName(packed.columns.failed[row]);
    const head = el("strong", null, `${packed.columns.example_id[row]} · ${verdict}`);
    tip.replaceChildren(head);
    void textOf(packed, packed.columns.prompt[row]).then((text) => {
      if (pointed >= 0 && placed[pointed] === row && text) tip.replaceChildren(head, el("span", null, shortened(text, 140)));
    });
  }

  function onClick(/** @type {MouseEvent} */ event) {
    const index = nearest(event);
    if (index >= 0) location.hash = exampleLink(nameAt(packed, "dataset", placed[index]), packed.columns.example_id[placed[index]]);
  }

  /** @param {number} factor */
  function zoom(factor) {
    view.zoom = Math.min(32, Math.max(1, view.zoom * factor));
    if (view.zoom === 1) [view.x, view.y] = [0.5, 0.5];
    draw();
  }

  let held = /** @type {{x: number, y: number} | null} */ (null);
  canvas.addEventListener("pointerdown", (event) => (held = { x: event.clientX, y: event.clientY }));
  canvas.addEventListener("pointerup", () => (held = null));
  canvas.addEventListener("pointermove", (event) => {
    if (held && view.zoom > 1) {
      view.x -= (event.clientX - held.x) / (canvas.clientWidth * view.zoom);
      view.y -= (event.clientY - held.y) / (canvas.clientHeight * view.zoom);
      held = { x: event.clientX, y: event.clientY };
      draw();
    }
  });
  canvas.addEventListener("mousemove", onMove);
  canvas.addEventListener("mouseleave", () => (tip.hidden = true));
  canvas.addEventListener("click", onClick);
  new ResizeObserver(draw).observe(canvas);
  addEventListener("themechange", draw);

  const buttons = el(
    "div",
    { class: "map-buttons" },
    el("button", { type: "button", "aria-label": "Zoom in", click: () => zoom(2) }, "+"),
    el("button", { type: "button", "aria-label": "Zoom out", click: () => zoom(0.5) }, "−"),
  );
  const element = el(
    "figure",
    { class: "map" },
    el("div", { class: "map-canvas" }, canvas, tip),
    el("figcaption", null, buttons, legend(lit), "Each point is a prompt; similar ones lie close. Of the lit ones, filled have failed."),
  );
  return {
    element,
    light(name) {
      view.named = name;
      draw();
    },
  };
}

/** @param {Lit[]} lit */
function legend(lit) {
  return el(
    "ul",
    { class: "legend" },
    lit.map((one, index) => el("li", null, el("span", { class: `swatch slice-${(index % SLICE_COLORS.length) + 1}`, "aria-hidden": "true" }), one.name)),
  );
}

/**
 * One coordinate of each row in [0, 1], long empty stretches shortened.
 * @param {number[]} rows
 * @param {number[]} column
 */
function withoutGaps(rows, column) {
  const values = rows.map((row) => column[row]);
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

/** @param {number} failed 1, 0 or -1 */
function verdictName(failed) {
  return failed === 1 ? "failed" : failed === 0 ? "passed" : "no score";
}

/**
 * The slices of one audit as points to light.
 * @param {Packed} packed
 * @param {number[]} rows
 * @param {Row[]} slices
 * @returns {Lit[]}
 */
function litSlices(packed, rows, slices) {
  return slices.slice(0, SLICE_COLORS.length).map((found, index) => {
    const number = packed.names.slice.indexOf(found.slice_id);
    return {
      name: found.name,
      color: SLICE_COLORS[index],
      rows: rows.filter((row) => packed.columns.slice[row].includes(number)),
    };
  });
}
