// Why does it fail? The tree of the kinds of error, one kind, and who makes which more often.

/** The categories with the counts of the chosen dataset and model; null where nothing was judged. */
function scopedTaxonomy() {
  const taxonomy = findings.taxonomy;
  if (!taxonomy) return null;
  /** @type {Map<string, number>} */
  const errors = new Map();
  for (const row of taxonomy.counts) {
    if (inScope(row)) errors.set(row.category_id, (errors.get(row.category_id) ?? 0) + row.errors);
  }
  const { dataset, model } = chosenScope();
  const unclassified = dataset || model ? 0 : taxonomy.unclassified;
  const top = taxonomy.categories.filter((/** @type {Row} */ row) => row.depth === 1);
  const total = top.reduce((/** @type {number} */ sum, /** @type {Row} */ row) => sum + (errors.get(row.category_id) ?? 0), unclassified);
  const rows = taxonomy.categories
    .map((/** @type {Row} */ row) => ({ ...row, errors: errors.get(row.category_id) ?? 0, share: total ? (errors.get(row.category_id) ?? 0) / total : 0 }))
    .filter((/** @type {Row} */ row) => row.errors > 0);
  return { rows: inTreeOrder(rows), total, unclassified };
}

/** Parents before children, the larger first, "Other" last. @param {Row[]} rows @returns {Row[]} */
function inTreeOrder(rows) {
  /** @param {string | null} parent @returns {Row[]} */
  const below = (parent) =>
    rows
      .filter((row) => row.parent_id === parent)
      .sort((a, b) => Number(a.other) - Number(b.other) || b.errors - a.errors || compareValues(a.category_id, b.category_id))
      .flatMap((row) => [row, ...below(row.category_id)]);
  return below(null);
}

async function taxonomyView() {
  const taxonomy = scopedTaxonomy();
  if (!taxonomy || !taxonomy.total) return page("Kinds of error", el("p", { class: "empty" }, "No failure has been judged yet."));
  const deepest = Math.max(...taxonomy.rows.map((row) => row.depth));
  const state = {
    depth: Number(currentRoute().parameters.depth) || Math.min(2, deepest),
    least: Number(currentRoute().parameters.least) || 1,
    query: currentRoute().parameters.q ?? "",
    open: new Set(/** @type {string[]} */ ([])),
  };
  const tree = el("div", { class: "tree" });
  const tally = el("span", { class: "tally", role: "status" });
  /** @type {Row[]} */
  let shown = [];
  const draw = () => {
    shown = taxonomy.rows.filter((row) => isShown(row, state));
    tree.replaceChildren(...shown.map((row) => treeRow(row, taxonomy.rows, state, draw)));
    tally.textContent = `${count(shown.length)} of ${counted(taxonomy.rows.length, "kind")}`;
  };
  draw();
  return page(
    "Kinds of error",
    el("p", { class: "lead" }, `${counted(taxonomy.total, "judged error")}, grouped. A count holds everything below it.`),
    treeTools(taxonomy, state, deepest, draw, tally, () => shown),
    tree,
    taxonomy.unclassified > 0 && el("p", { class: "note" }, `${count(taxonomy.unclassified)} fit no kind.`),
    findings.taxonomy.blind_spot && el("p", { class: "note" }, findings.taxonomy.blind_spot),
  );
}

/** @param {Row} row @param {{depth: number, least: number, query: string, open: Set<string>}} state */
function isShown(row, state) {
  if (row.errors < state.least) return false;
  if (state.query) return `${row.name} ${row.description}`.toLowerCase().includes(state.query.toLowerCase());
  return row.depth <= state.depth || (row.parent_id !== null && state.open.has(row.parent_id));
}

/**
 * @param {{rows: Row[], total: number}} taxonomy
 * @param {{depth: number, least: number, query: string, open: Set<string>}} state
 * @param {number} deepest
 * @param {() => void} draw
 * @param {HTMLElement} tally
 * @param {() => Row[]} shown
 */
function treeTools(taxonomy, state, deepest, draw, tally, shown) {
  const search = /** @type {HTMLInputElement} */ (
    el("input", { type: "search", placeholder: "Search", "aria-label": "Search kinds of error", value: state.query, input: () => {
      state.query = search.value.trim();
      note({ q: state.query });
      draw();
    } })
  );
  const least = /** @type {HTMLInputElement} */ (
    el("input", { type: "number", min: 1, max: taxonomy.total, value: state.least, class: "short", input: () => {
      state.least = Math.max(1, Number(least.value) || 1);
      note({ least: state.least > 1 ? state.least : null });
      draw();
    } })
  );
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
      ["category_id", "parent_id", "depth", "name", "description", "errors", "share"].map((key) => ({ key, title: key, value: (/** @type {Row} */ row) => row[key] })),
      shown,
    ),
  );
}

/**
 * @param {Row} row
 * @param {Row[]} rows
 * @param {{depth: number, least: number, query: string, open: Set<string>}} state
 * @param {() => void} draw
 */
function treeRow(row, rows, state, draw) {
  const inside = rows.some((one) => one.parent_id === row.category_id && one.errors >= state.least);
  const open = state.depth > row.depth || state.open.has(row.category_id);
  const toggle = () => {
    if (!state.open.delete(row.category_id)) state.open.add(row.category_id);
    draw();
    /** @type {HTMLElement | null} */ (document.querySelector(`.fold[data-id="${CSS.escape(row.category_id)}"]`))?.focus();
  };
  const foldable = inside && state.depth <= row.depth && !state.query;
  return el(
    "div",
    { class: `tree-row depth-${Math.min(row.depth, 6)}` },
    foldable
      ? el("button", { type: "button", class: "fold", "data-id": row.category_id, "aria-expanded": String(open), "aria-label": `What is in ${row.name}`, click: toggle }, open ? "▾" : "▸")
      : el("span", { class: "fold", "aria-hidden": "true" }),
    el("a", { class: "row-link name", href: categoryLink(row.category_id) }, row.name),
    el("span", { class: "number" }, count(row.errors)),
    el("span", { class: "number faint" }, percent(row.share)),
    rateBar({ rate: row.share }),
  );
}

async function categoryView() {
  const { id = "" } = currentRoute().parameters;
  const category = categoryOf(id);
  const taxonomy = scopedTaxonomy();
  if (!category || !taxonomy) return notFound("kind of error", "taxonomy");
  const own = taxonomy.rows.find((row) => row.category_id === id);
  const below = taxonomy.rows.filter((row) => row.parent_id === id);
  return page(
    category.name,
    crumbs([["Kinds of error", link("taxonomy")], ...categoryPath(id).slice(0, -1).map((one) => /** @type {[string, string]} */ ([one.name, categoryLink(one.category_id)]))]),
    category.description && el("p", { class: "lead" }, category.description),
    el("p", { class: "note" }, own ? `${counted(own.errors, "error")}, ${percent(own.share)} of all.` : "None in what is chosen."),
    el("div", { class: "columns" }, section("By model", countsTable(id)), below.length ? section("Inside", smallTree(below)) : null),
    section("Errors", served ? servedCards("errors", () => ({ ...chosenScope(), kind: id }), { unit: "error", withModel: true }) : await categoryErrors(id, own?.errors ?? 0)),
  );
}

/** The errors of a kind that are in this file. @param {string} id @param {number} errors */
async function categoryErrors(id, errors) {
  const packed = await examples();
  const members = rowsWhere(packed, (row) => {
    const about = { dataset: nameAt(packed, "dataset", row), model: nameAt(packed, "model", row) };
    return inScope(about) && isWithin(nameAt(packed, "category_id", row), id);
  });
  return [
    el(
      "div",
      { class: "tools" },
      el("span", { class: "tally" }, members.length < errors ? `${count(members.length)} of ${count(errors)} are in this report's sample` : counted(members.length, "error")),
      exampleExports("errors", packed, () => members),
    ),
    pagedList(members, (row) => exampleCard(packed, row, { withModel: true }), { step: 6 }),
  ];
}

/** @param {Row[]} rows */
function smallTree(rows) {
  return el(
    "ul",
    { class: "plain-list" },
    rows.map((row) => el("li", null, el("a", { href: categoryLink(row.category_id) }, row.name), el("span", { class: "faint" }, ` ${count(row.errors)} · ${percent(row.share)}`))),
  );
}

/** @param {string} id */
function countsTable(id) {
  const rows = findings.taxonomy.counts
    .filter((/** @type {Row} */ row) => row.category_id === id && inScope(row))
    .map((/** @type {Row} */ row) => ({ ...row, scored: auditOf(row.dataset, row.model)?.scored ?? null }));
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

async function signaturesView() {
  const rows = findings.signatures.filter(inScope);
  const scopes = ["model", "slice"];
  const state = { scope: currentRoute().parameters.of || "model", all: currentRoute().parameters.all === "1" };
  const place = el("div");
  const draw = () => {
    const shown = rows.filter((/** @type {Row} */ row) => row.scope === state.scope && (state.all || row.significant));
    place.replaceChildren(signatureTable(shown, state.scope));
  };
  draw();
  return page(
    "Signatures",
    el("p", { class: "lead" }, "Which kinds of error a model makes more often than the other models, and which gather in its slices."),
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

/** @param {Row[]} rows @param {string} scope */
function signatureTable(rows, scope) {
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
      ...(ofModel ? [] : [{ key: "slice", title: "slice", value: (/** @type {Row} */ row) => row.slice ?? row.slice_id }]),
      { key: "errors", title: "errors", number: true, value: (row) => row.errors, render: (row) => count(row.errors) },
      {
        key: "rate",
        title: ofModel ? "of its examples" : "of the errors in it",
        value: (row) => row.rate,
        render: (row) => rateCell({ rate: row.rate, mark: row.rest_rate }),
      },
      { key: "rest_rate", title: ofModel ? "others" : "elsewhere", number: true, value: (row) => row.rest_rate, render: (row) => percent(row.rest_rate) },
      {
        key: "risk_ratio",
        title: "ratio",
        number: true,
        value: (row) => row.risk_ratio,
        render: (row) => (row.risk_ratio === null ? "–" : [`${figure(row.risk_ratio)} `, !row.claim?.flaw && el("small", null, `${figure(row.risk_ratio_low)}–${figure(row.risk_ratio_high)}`)]),
      },
      { key: "adjusted_p_value", title: "adj. p", number: true, value: (row) => row.adjusted_p_value, render: (row) => pValue(row.adjusted_p_value) },
    ],
  });
}
