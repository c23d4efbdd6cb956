// Two models' answers to the same prompts, side by side.

import type { Examples } from "../data/examples.ts";
import { findings, type Pair } from "../data/findings.ts";
import { source } from "../data/open.ts";
import type { Sides } from "../data/source.ts";
import { foundSection } from "../examples/found_section.ts";
import { currentRoute, exampleLink, note } from "../route.ts";
import { markedDifferences } from "../ui/diff.ts";
import { el } from "../ui/dom.ts";
import { exportButtons, type Exported } from "../ui/export.ts";
import { count, counted } from "../ui/format.ts";
import { fact, toggle, verdict, verdictClass } from "../ui/layout.ts";
import { textBlock, whenRead } from "../ui/texts.ts";

export function sidesOf(examples: Examples, pair: Pair, exampleId: string): Sides | null {
  const rows = examples.ofExample(pair.dataset, exampleId);
  const a = rows.find((row) => examples.name("model", row) === pair.model_a);
  const b = rows.find((row) => examples.name("model", row) === pair.model_b);
  return a === undefined || b === undefined ? null : { a, b };
}

export function disagreements(pair: Pair) {
  const kinds = ["", `only ${pair.model_a} right`, `only ${pair.model_b} right`];
  const chosen = Number(currentRoute().parameters.only) || 0;
  const total = pair.discordant_a_wins + pair.discordant_b_wins;
  const about = { dataset: pair.dataset, a: pair.model_a, b: pair.model_b };
  return foundSection({
    find: (kind, limit) =>
      source.disagreements({ ...about, right: ["", pair.model_a, pair.model_b][kinds.indexOf(kind)] }, limit),
    show: ({ examples }, sides) => sideBySide(examples, pair, sides),
    tell: (found, kind) =>
      !kind && found.total < total
        ? `${count(found.total)} of ${counted(total, "disagreement")} are in this report's sample`
        : counted(found.total, "disagreement"),
    exports: (found) => exportButtons("disagreements", sidesExport(found.examples), () => found.all()),
    step: 5,
    kinds,
    chosen: kinds[chosen],
    change: (kind) => note({ only: kinds.indexOf(kind) || null }),
  });
}

function sidesExport(examples: Examples): Exported<Sides>[] {
  const { columns } = examples;
  return [
    { key: "dataset", title: "dataset", value: (sides) => examples.name("dataset", sides.a) },
    { key: "example_id", title: "example_id", value: (sides) => columns.example_id[sides.a] },
    { key: "model_a", title: "model_a", value: (sides) => examples.name("model", sides.a) },
    { key: "model_b", title: "model_b", value: (sides) => examples.name("model", sides.b) },
    { key: "failed_a", title: "failed_a", value: (sides) => columns.failed[sides.a] === 1 },
    { key: "failed_b", title: "failed_b", value: (sides) => columns.failed[sides.b] === 1 },
    ...(findings.scope.texts
      ? [
          { key: "prompt", title: "prompt", value: (sides: Sides) => examples.textNow(columns.prompt[sides.a]) },
          {
            key: "reference",
            title: "reference",
            value: (sides: Sides) => examples.textNow(columns.reference[sides.a]),
          },
          {
            key: "response_a",
            title: "response_a",
            value: (sides: Sides) => examples.textNow(columns.response[sides.a]),
          },
          {
            key: "response_b",
            title: "response_b",
            value: (sides: Sides) => examples.textNow(columns.response[sides.b]),
          },
        ]
      : []),
  ];
}

export function sideBySide(examples: Examples, pair: Pair, { a, b }: Sides) {
  const { columns } = examples;
  const place = el("div", { class: "sides" });
  const state = { diff: false };
  const draw = async () => {
    const [left, right] = await Promise.all([examples.text(columns.response[a]), examples.text(columns.response[b])]);
    const pieces = state.diff && left !== null && right !== null ? markedDifferences(left, right) : null;
    place.replaceChildren(
      side(pair.model_a, columns.failed[a], left, pieces?.left),
      side(pair.model_b, columns.failed[b], right, pieces?.right),
    );
  };
  if (findings.scope.texts) void draw();
  return el(
    "article",
    { class: "example" },
    el(
      "header",
      null,
      el("a", { class: "row-link", href: exampleLink(pair.dataset, columns.example_id[a]) }, columns.example_id[a]),
      findings.scope.texts &&
        toggle("mark differences", false, (on) => {
          state.diff = on;
          void draw();
        }),
    ),
    findings.scope.texts &&
      el(
        "dl",
        { class: "facts" },
        fact(
          "prompt",
          whenRead(examples, columns.prompt[a], (text) => textBlock(text)),
        ),
        columns.reference[a] >= 0 &&
          fact(
            "expected",
            whenRead(examples, columns.reference[a], (text) => textBlock(text)),
          ),
      ),
    place,
  );
}

function side(model: string, failed: number, text: string | null, pieces?: (Node | string)[]) {
  return el(
    "div",
    { class: `side ${verdictClass(failed)}` },
    el("p", { class: "side-head" }, el("span", null, model), verdict(failed)),
    textBlock(text, { pieces }),
  );
}
