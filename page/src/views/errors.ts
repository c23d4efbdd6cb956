// Why answers fail: the tree of the kinds of error, one kind, and who makes which more often.

import type { Category, Signature } from "../data/document.ts";
import { auditOf, datasets, findings } from "../data/findings.ts";
import { categoryOf, categoryPath, scopedTaxonomy } from "../data/taxonomy.ts";
import { exampleCards } from "../examples/sections.ts";
import { categoryLink, chosenScope, currentRoute, inScope, link, note } from "../route.ts";
import { rateBar, rateCell } from "../ui/charts.ts";
import { el } from "../ui/dom.ts";
import { exportButtons } from "../ui/export.ts";
import { count, counted, figure, percent, pValue } from "../ui/format.ts";
import { crumbs, notFound, page, section, segmented, toggle } from "../ui/layout.ts";
import { dataTable } from "../ui/tables.ts";

export async function taxonomyView() {
  const taxonomy = scopedTaxonomy();
  if (!taxonomy || !taxonomy.total)
    return page("Kinds of error", el("p", { class: "empty" }, "No failure has been judged yet."));
  const deepest = Math.max(...taxonomy.rows.map((row) => row.depth));
  const state = {
    depth: Number(currentRoute().parameters.depth) || Math.min(2, deepest),
    least: Number(currentRoute().parameters.least) || 1,
    query: currentRoute().parameters.q ?? "",
    open: new Set([] as string[]),
  };
  const tree = el("div", { class: "tree" });
  const tally = el("span", { class: "tally", role: "status" });
  let shown: Category[] = [];
  const draw = () => {
    shown = taxonomy.rows.filter((row) => isShown(row, state));
    tree.replaceChildren(...shown.map((row) => treeRow(row, taxonomy.rows, state, draw)));
    tally.textContent = `${count(shown.length)} of ${counted(taxonomy.rows.length, "kind")}`;
  };
  draw();
  return page(
    "Kinds of error",
    el(
      "p",
      { class: "lead" },
      `${counted(taxonomy.total, "judged error")}, grouped. A count holds everything below it.`,
    ),
    treeTools(taxonomy, state, deepest, draw, tally, () => shown),
    tree,
    taxonomy.unclassified > 0 && el("p", { class: "note" }, `${count(taxonomy.unclassified)} fit no kind.`),
    taxonomy.blindSpot && el("p", { class: "note" }, taxonomy.blindSpot),
  );
}

function isShown(row: Category, state: { depth: number; least: number; query: string; open: Set<string> }) {
  if (row.errors < state.least) return false;
  if (state.query) return `${row.name} ${row.description}`.toLowerCase().includes(state.query.toLowerCase());
  return row.depth <= state.depth || (row.parent_id !== null && state.open.has(row.parent_id));
}

function treeTools(
  taxonomy: { rows: Category[]; total: number },
  state: { depth: number; least: number; query: string; open: Set<string> },
  deepest: number,
  draw: () => void,
  tally: HTMLElement,
  shown: () => Category[],
) {
  const search = el("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search kinds of error",
    value: state.query,
    input: () => {
      state.query = search.value.trim();
      note({ q: state.query });
      draw();
    },
  });
  const least = el("input", {
    type: "number",
    min: 1,
    max: taxonomy.total,
    value: state.least,
    class: "short",
    input: () => {
      state.least = Math.max(1, Number(least.value) || 1);
      note({ least: state.least > 1 ? state.least : null });
      draw();
    },
  });
  const levels = Array.from({ length: deepest }, (_, index) => String(index + 1));
  return el(
    "div",
    { class: "tools" },
    search,
    segmented("Depth", levels, String(state.depth), (level) => {
      state.depth = Number(level);
      state.open.clear();
      note({ depth: level });
      draw();
    }),
    el("label", { class: "field" }, "at least", least, "errors"),
    tally,
    exportButtons(
      "kinds-of-error",
      (["category_id", "parent_id", "depth", "name", "description", "errors", "share"] as const).map((key) => ({
        key,
        title: key,
        value: (row: Category) => row[key],
      })),
      shown,
    ),
  );
}

function treeRow(
  row: Category,
  rows: Category[],
  state: { depth: number; least: number; query: string; open: Set<string> },
  draw: () => void,
) {
  const inside = rows.some((one) => one.parent_id === row.category_id && one.errors >= state.least);
  const open = state.depth > row.depth || state.open.has(row.category_id);
  const toggle = () => {
    if (!state.open.delete(row.category_id)) state.open.add(row.category_id);
    draw();
    document.querySelector<HTMLElement>(`.fold[data-id="${CSS.escape(row.category_id)}"]`)?.focus();
  };
  const foldable = inside && state.depth <= row.depth && !state.query;
  return el(
    "div",
    { class: `tree-row depth-${Math.min(row.depth, 6)}` },
    foldable
      ? el(
          "button",
          {
            type: "button",
            class: "fold",
            "data-id": row.category_id,
            "aria-expanded": String(open),
            "aria-label": `What is in ${row.name}`,
            click: toggle,
          },
          open ? "▾" : "▸",
        )
      : el("span", { class: "fold", "aria-hidden": "true" }),
    el("a", { class: "row-link name", href: categoryLink(row.category_id) }, row.name),
    el("span", { class: "number" }, count(row.errors)),
    el("span", { class: "number faint" }, percent(row.share)),
    rateBar({ rate: row.share }),
  );
}

export async function categoryView() {
  const { id = "" } = currentRoute().parameters;
  const category = categoryOf(id);
  const taxonomy = scopedTaxonomy();
  if (!category || !taxonomy) return notFound("kind of error", "taxonomy");
  const own = taxonomy.rows.find((row) => row.category_id === id);
  const below = taxonomy.rows.filter((row) => row.parent_id === id);
  return page(
    category.name,
    crumbs([
      ["Kinds of error", link("taxonomy")],
      ...categoryPath(id)
        .slice(0, -1)
        .map((one) => [one.name, categoryLink(one.category_id)] as [string, string]),
    ]),
    category.description && el("p", { class: "lead" }, category.description),
    el(
      "p",
      { class: "note" },
      own ? `${counted(own.errors, "error")}, ${percent(own.share)} of all.` : "None in what is chosen.",
    ),
    el(
      "div",
      { class: "columns" },
      section("By model", countsTable(id)),
      below.length ? section("Inside", smallTree(below)) : null,
    ),
    section(
      "Errors",
      ...exampleCards({
        name: "errors",
        question: { ...chosenScope(), kind: id },
        unit: "error",
        total: own?.errors ?? 0,
        withModel: true,
      }),
    ),
  );
}

function smallTree(rows: Category[]) {
  return el(
    "ul",
    { class: "plain-list" },
    rows.map((row) =>
      el(
        "li",
        null,
        el("a", { href: categoryLink(row.category_id) }, row.name),
        el("span", { class: "faint" }, ` ${count(row.errors)} · ${percent(row.share)}`),
      ),
    ),
  );
}

function countsTable(id: string) {
  const rows = (findings.taxonomy?.counts ?? [])
    .filter((row) => row.category_id === id && inScope(row))
    .map((row) => ({ ...row, scored: auditOf(row.dataset, row.model)?.scored ?? null }));
  return dataTable({
    name: "errors by model",
    plain: true,
    rows,
    sort: "-errors",
    empty: "None.",
    columns: [
      { key: "model", title: "model", first: true, value: (row) => row.model },
      { key: "dataset", title: "dataset", value: (row) => row.dataset, minor: datasets().length < 2 },
      { key: "errors", title: "errors", number: true, value: (row) => row.errors, render: (row) => count(row.errors) },
      {
        key: "rate",
        title: "of its examples",
        value: (row) => (row.scored ? row.errors / row.scored : null),
        render: (row) => rateCell({ rate: row.scored ? row.errors / row.scored : null }),
      },
    ],
  });
}

export async function signaturesView() {
  const rows = findings.signatures.filter(inScope);
  const scopes = ["model", "slice"];
  const state = { scope: currentRoute().parameters.of || "model", all: currentRoute().parameters.all === "1" };
  const place = el("div");
  const draw = () => {
    const shown = rows.filter((row) => row.scope === state.scope && (state.all || row.significant));
    place.replaceChildren(signatureTable(shown, state.scope));
  };
  draw();
  return page(
    "Signatures",
    el(
      "p",
      { class: "lead" },
      "Which kinds of error a model makes more often than the other models, and which gather in its slices.",
    ),
    el(
      "div",
      { class: "tools" },
      segmented("Of", scopes, state.scope, (scope) => {
        state.scope = scope;
        note({ of: scope, sort: null });
        draw();
      }),
      toggle("not significant, too", state.all, (on) => {
        state.all = on;
        note({ all: on ? "1" : null });
        draw();
      }),
    ),
    place,
  );
}

function signatureTable(rows: Signature[], scope: string) {
  const ofModel = scope === "model";
  return dataTable({
    name: ofModel ? "signatures of models" : "signatures of slices",
    unit: "signature",
    rows,
    href: (row) => categoryLink(row.category_id),
    text: (row) => `${row.category} ${row.model} ${row.dataset} ${row.slice ?? ""}`,
    sort: "adjusted_p_value",
    empty: "No kind of error stands out.",
    columns: [
      { key: "category", title: "kind of error", first: true, value: (row) => row.category },
      { key: "model", title: "model", value: (row) => row.model },
      { key: "dataset", title: "dataset", value: (row) => row.dataset, minor: datasets().length < 2 },
      ...(ofModel ? [] : [{ key: "slice", title: "slice", value: (row: Signature) => row.slice ?? row.slice_id }]),
      { key: "errors", title: "errors", number: true, value: (row) => row.errors, render: (row) => count(row.errors) },
      {
        key: "rate",
        title: ofModel ? "of its examples" : "of the errors in it",
        value: (row) => row.rate,
        render: (row) => rateCell({ rate: row.rate, mark: row.rest_rate }),
      },
      {
        key: "rest_rate",
        title: ofModel ? "others" : "elsewhere",
        number: true,
        value: (row) => row.rest_rate,
        render: (row) => percent(row.rest_rate),
      },
      {
        key: "risk_ratio",
        title: "ratio",
        number: true,
        value: (row) => row.risk_ratio,
        render: (row) =>
          row.risk_ratio === null
            ? "–"
            : [
                `${figure(row.risk_ratio)} `,
                !row.claim?.flaw && el("small", null, `${figure(row.risk_ratio_low)}–${figure(row.risk_ratio_high)}`),
              ],
      },
      {
        key: "adjusted_p_value",
        title: "adj. p",
        number: true,
        value: (row) => row.adjusted_p_value,
        render: (row) => pValue(row.adjusted_p_value),
      },
    ],
  });
}
