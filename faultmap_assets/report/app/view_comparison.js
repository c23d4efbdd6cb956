// Which model wins where? A ranking with a win matrix, all pairs, one pair, and the prompts on which they disagree.

const MATRIX_MODELS = 16;

async function comparisonView() {
  const { dataset, model } = chosenScope();
  const pairs = findings.comparisons.filter(
    (/** @type {Row} */ pair) => (!dataset || pair.dataset === dataset) && (!model || pair.model_a === model || pair.model_b === model),
  );
  const matrices = (findings.memo?.rankings ?? []).filter(
    (/** @type {Row} */ ranking) => inScope({ dataset: ranking.dataset }) && ranking.models.length > 2 && ranking.models.length <= MATRIX_MODELS,
  );
  const table = pairTable(pairs);
  return page(
    "Comparison",
    el("p", { class: "lead" }, "Pairs of models that answered the same prompts. A winner is named only where the difference is more than chance."),
    matrices.map(winMatrix),
    matrices.length && !model ? folded(`All ${counted(pairs.length, "pair")}`, () => table) : table,
  );
}

/** Models down and, by their place, across. @param {Row} ranking */
function winMatrix(ranking) {
  const models = ranking.models;
  const number = (/** @type {Row} */ one) => models.indexOf(one) + 1;
  return el(
    "section",
    null,
    el("h2", null, ranking.dataset),
    ranking.told && el("p", null, ranking.told),
    el(
      "table",
      { class: "matrix" },
      el("caption", { class: "off-screen" }, `who beats whom on ${ranking.dataset}`),
      el("thead", null, el("tr", null, el("th", { scope: "col" }, "model"), el("th", { scope: "col" }, "failed"), models.map((/** @type {Row} */ one) => el("th", { scope: "col" }, el("span", { class: "off-screen" }, `against ${one.model}`), el("span", { "aria-hidden": "true" }, number(one)))))),
      el(
        "tbody",
        null,
        models.map((/** @type {Row} */ one) =>
          el("tr", null, el("th", { scope: "row" }, `${number(one)} `, breakable(one.model)), el("td", null, percent(one.failure_rate)), models.map((/** @type {Row} */ other) => matrixCell(ranking.dataset, one, other))),
        ),
      ),
    ),
    el("p", { class: "note" }, "Each row against the model of the column's number: + is better, − is worse, = cannot be told apart, ? no common example. Each mark leads to the pair."),
  );
}

/** @param {string} dataset @param {Row} one @param {Row} other */
function matrixCell(dataset, one, other) {
  if (one === other) return el("td", { class: "self" });
  const [mark, kind, said] = one.beats.includes(other.model)
    ? ["+", "better", "is better than"]
    : one.loses_to.includes(other.model)
      ? ["−", "worse", "is worse than"]
      : one.open.includes(other.model)
        ? ["=", "open", "cannot be told apart from"]
        : ["?", "open", "was not compared with"];
  const pair = findings.comparisons.find((/** @type {Row} */ row) => row.dataset === dataset && [row.model_a, row.model_b].includes(one.model) && [row.model_a, row.model_b].includes(other.model));
  const label = `${one.model} ${said} ${other.model}`;
  return el("td", { class: kind }, pair ? el("a", { href: pairLink(pair), "aria-label": label, title: label }, mark) : el("span", { title: label }, mark));
}

/** @param {Row[]} pairs */
function pairTable(pairs) {
  return dataTable({
    name: "comparisons",
    unit: "pair",
    rows: pairs,
    href: pairLink,
    text: (row) => `${row.dataset} ${row.model_a} ${row.model_b} ${row.winner}`,
    empty: "No two models answered the same prompts.",
    columns: [
      { key: "pair", title: "models", first: true, value: (row) => `${row.model_a} or ${row.model_b}`, render: (row) => [breakable(row.model_a), " or ", breakable(row.model_b)].flat() },
      { key: "dataset", title: "dataset", value: (row) => row.dataset, minor: datasets().length < 2 },
      { key: "compared", title: "pairs", number: true, value: (row) => row.compared, render: (row) => count(row.compared) },
      { key: "failure_rate_a", title: "first", value: (row) => (row.compared ? row.claim.inside : null), render: (row) => sideValue(row, "inside") },
      { key: "failure_rate_b", title: "second", value: (row) => (row.compared ? row.claim.outside : null), render: (row) => sideValue(row, "outside") },
      { key: "winner", title: "winner", value: (row) => row.winner, render: (row) => breakable(winnerOf(row)) },
      { key: "slices", title: "differs in", number: true, value: (row) => row.slices.length },
      { key: "adjusted_p_value", title: "adj. p", number: true, value: (row) => (row.compared ? row.adjusted_p_value : null), render: (row) => (row.compared ? pValue(row.adjusted_p_value) : "–") },
    ],
  });
}

/** A side's value where there is one: of no pair, and of scores in pairs, there is none. @param {Row} row @param {"inside" | "outside"} side */
function sideValue(row, side) {
  return row.compared && row.claim[side] !== null ? rateCell({ rate: row.claim[side] }) : "–";
}

/** @param {Row} row of a pair or of a slice of one */
function winnerOf(row) {
  if (row.compared === 0) return "not compared";
  return row.winner === "tie" ? "about equal" : row.winner === "unresolved" ? "not shown" : row.winner;
}

/** @returns {Row | undefined} */
function chosenPair() {
  const { dataset, a, b } = currentRoute().parameters;
  return findings.comparisons.find((/** @type {Row} */ one) => one.dataset === dataset && one.model_a === a && one.model_b === b);
}

async function pairView() {
  const pair = chosenPair();
  if (!pair) return notFound("comparison", "comparison");
  return page(
    `${pair.model_a} or ${pair.model_b}`,
    crumbs([["Comparison", link("comparison")]]),
    el("p", { class: "lead" }, pair.compared > 0 ? [pair.claim.told, pair.note, pair.pairing].filter(Boolean).join(" ") : pair.pairing || pair.claim.told),
    pair.compared > 0 && pairRates(pair),
    pair.slices.length > 0 && section("Where that changes", pairSlices(pair)),
    pair.compared > 0 && section("Where they disagree", served ? servedDiscordant(pair) : discordant(await examples(), pair)),
  );
}

/** @param {Row} pair */
function pairRates(pair) {
  return el(
    "div",
    { class: "panel" },
    pair.claim.inside !== null &&
      twoRates(
        { label: pair.model_a, rate: pair.failure_rate_a, note: `failed of ${count(pair.compared)}` },
        { label: pair.model_b, rate: pair.failure_rate_b, note: `failed of ${count(pair.compared)}` },
      ),
    !pair.claim.flaw && differenceBar({ difference: pair.difference, low: pair.difference_low, high: pair.difference_high, left: `${pair.model_b} better`, right: `${pair.model_a} better` }),
    el("p", { class: "note" }, `Only ${pair.model_a} is right on ${count(pair.discordant_a_wins)}, only ${pair.model_b} on ${count(pair.discordant_b_wins)}.`),
    claimBasis(pair.claim),
  );
}

/** @param {Row} pair */
function pairSlices(pair) {
  return dataTable({
    name: "slices of the comparison",
    plain: true,
    rows: pair.slices,
    href: (row) => address("pairslice", { dataset: pair.dataset, a: pair.model_a, b: pair.model_b, id: row.slice_id }),
    columns: [
      { key: "name", title: "slice", first: true, value: (row) => row.name },
      { key: "size", title: "examples", number: true, value: (row) => row.size, render: (row) => count(row.size) },
      { key: "failure_rate_a", title: pair.model_a, value: (row) => row.claim.inside, render: (row) => sideValue({ ...row, compared: row.size }, "inside") },
      { key: "failure_rate_b", title: pair.model_b, value: (row) => row.claim.outside, render: (row) => sideValue({ ...row, compared: row.size }, "outside") },
      { key: "winner", title: "winner here", value: (row) => row.winner, render: winnerOf },
      { key: "adjusted_p_value", title: "adj. p", number: true, value: (row) => row.selection_adjusted_p_value, render: (row) => pValue(row.selection_adjusted_p_value) },
    ],
  });
}

async function pairSliceView() {
  const pair = chosenPair();
  const found = pair?.slices.find((/** @type {Row} */ one) => one.slice_id === currentRoute().parameters.id);
  if (!pair || !found) return notFound("slice of a comparison", "comparison");
  const packed = await examplesNamed(pair.dataset, found.examples.map((/** @type {Row} */ example) => example.example_id));
  const shown = found.examples.map((/** @type {Row} */ example) => sidesOf(packed, pair, example.example_id)).filter(Boolean);
  return page(
    found.name,
    crumbs([["Comparison", link("comparison")], [`${pair.model_a} or ${pair.model_b}`, pairLink(pair)]]),
    found.description && el("p", { class: "lead" }, found.description),
    el(
      "div",
      { class: "panel" },
      found.claim.inside !== null &&
        twoRates(
          { label: pair.model_a, rate: found.failure_rate_a, note: `failed of ${count(found.size)}` },
          { label: pair.model_b, rate: found.failure_rate_b, note: `failed of ${count(found.size)}` },
        ),
      el("p", null, found.claim.told),
      found.claim.inside !== null &&
        el(
          "p",
          { class: "note" },
          `Only ${pair.model_a} right: ${count(found.discordant_a_wins)}; only ${pair.model_b} right: ${count(found.discordant_b_wins)}; both right: ${count(found.concordant_pass)}; both wrong: ${count(found.concordant_fail)}. ` +
            `Of the disagreements ${percent(found.advantage_rate)} go to ${pair.model_a}, elsewhere ${percent(found.rest_advantage_rate)} (adjusted p ${pValue(found.selection_adjusted_p_value)}).`,
        ),
      claimBasis(found.claim),
    ),
    sliceWhy({ ...found, dataset: pair.dataset }),
    section("Examples", pagedList(shown, (sides) => sideBySide(packed, pair, sides), { step: 5 })),
  );
}

/** @typedef {{a: number, b: number}} Sides the two models' rows of one example */

/** @param {Packed} packed @param {Row} pair @param {string} exampleId @returns {Sides | null} */
function sidesOf(packed, pair, exampleId) {
  const rows = rowsOfExample(packed, pair.dataset, exampleId);
  const a = rows.find((row) => nameAt(packed, "model", row) === pair.model_a);
  const b = rows.find((row) => nameAt(packed, "model", row) === pair.model_b);
  return a === undefined || b === undefined ? null : { a, b };
}

/** Copies of a prompt share one place on the map. @param {Packed} packed @param {number} a @param {number} b */
function samePrompt({ columns }, a, b) {
  return columns.x[a] === columns.x[b] && columns.y[a] === columns.y[b];
}

/** @param {Packed} packed @param {Row} pair */
function discordant(packed, pair) {
  const ofB = new Map(rowsOf(packed, pair.dataset, pair.model_b).map((row) => [packed.columns.example_id[row], row]));
  const all = rowsOf(packed, pair.dataset, pair.model_a)
    .map((a) => ({ a, b: ofB.get(packed.columns.example_id[a]) }))
    .filter((sides) => sides.b !== undefined && samePrompt(packed, sides.a, sides.b) && packed.columns.failed[sides.a] + packed.columns.failed[sides.b] === 1)
    .map((sides) => /** @type {Sides} */ (sides));
  const kinds = ["", `only ${pair.model_a} right`, `only ${pair.model_b} right`];
  const chosen = Number(currentRoute().parameters.only) || 0;
  const place = el("div");
  let shown = all;
  const draw = (/** @type {number} */ kind) => {
    shown = all.filter((sides) => !kind || packed.columns.failed[kind === 1 ? sides.a : sides.b] === 0);
    place.replaceChildren(pagedList(shown, (sides) => sideBySide(packed, pair, sides), { step: 5, empty: "None in this report." }));
  };
  draw(chosen);
  return [
    el(
      "div",
      { class: "tools" },
      segmented("Show", kinds, kinds[chosen], (kind) => {
        note({ only: kinds.indexOf(kind) || null });
        draw(kinds.indexOf(kind));
      }),
      exportButtons("disagreements", sidesExport(packed), () => shown, { ready: () => allTexts(packed) }),
    ),
    place,
  ];
}

/** The disagreements of a served page. @param {Row} pair */
function servedDiscordant(pair) {
  const kinds = ["", `only ${pair.model_a} right`, `only ${pair.model_b} right`];
  const chosen = Number(currentRoute().parameters.only) || 0;
  const [place, more, tally] = [el("div"), el("div"), el("span", { class: "tally", role: "status" })];
  const exports = el("div", { class: "exports" });
  const draw = async (/** @type {number} */ kind) => {
    const found = findExamples({ dataset: pair.dataset, a: pair.model_a, b: pair.model_b, right: ["", pair.model_a, pair.model_b][kind] }, "disagreements");
    const sidesIn = (/** @type {number[]} */ rows) => rows.filter((_, index) => index % 2 === 0).map((a) => ({ a, b: a + 1 }));
    place.replaceChildren();
    exports.replaceChildren(exportButtons("disagreements", sidesExport(found.packed), () => sidesIn(found.rows), { ready: found.ready }));
    const show = (/** @type {number[]} */ rows) => sidesIn(rows).map((sides) => sideBySide(found.packed, pair, sides));
    more.replaceChildren(await foundList(found, show, { step: 5, place, empty: "None.", each: 2, tell: () => (tally.textContent = counted(found.total, "disagreement")) }));
  };
  void draw(chosen);
  return [
    el(
      "div",
      { class: "tools" },
      segmented("Show", kinds, kinds[chosen], (kind) => {
        note({ only: kinds.indexOf(kind) || null });
        void draw(kinds.indexOf(kind));
      }),
      tally,
      exports,
    ),
    place,
    more,
  ];
}

/** @param {Packed} packed @returns {Exported[]} */
function sidesExport(packed) {
  const { columns } = packed;
  return [
    { key: "dataset", title: "dataset", value: (sides) => nameAt(packed, "dataset", sides.a) },
    { key: "example_id", title: "example_id", value: (sides) => columns.example_id[sides.a] },
    { key: "model_a", title: "model_a", value: (sides) => nameAt(packed, "model", sides.a) },
    { key: "model_b", title: "model_b", value: (sides) => nameAt(packed, "model", sides.b) },
    { key: "failed_a", title: "failed_a", value: (sides) => columns.failed[sides.a] === 1 },
    { key: "failed_b", title: "failed_b", value: (sides) => columns.failed[sides.b] === 1 },
    ...(findings.scope.texts
      ? [
          { key: "prompt", title: "prompt", value: (/** @type {Sides} */ sides) => textNow(packed, columns.prompt[sides.a]) },
          { key: "reference", title: "reference", value: (/** @type {Sides} */ sides) => textNow(packed, columns.reference[sides.a]) },
          { key: "response_a", title: "response_a", value: (/** @type {Sides} */ sides) => textNow(packed, columns.response[sides.a]) },
          { key: "response_b", title: "response_b", value: (/** @type {Sides} */ sides) => textNow(packed, columns.response[sides.b]) },
        ]
      : []),
  ];
}

/** @param {Packed} packed @param {Row} pair @param {Sides} sides */
function sideBySide(packed, pair, { a, b }) {
  const { columns } = packed;
  const place = el("div", { class: "sides" });
  const state = { diff: false };
  const draw = async () => {
    const [left, right] = await Promise.all([textOf(packed, columns.response[a]), textOf(packed, columns.response[b])]);
    const pieces = state.diff && left !== null && right !== null ? wordDiff(left, right) : null;
    place.replaceChildren(
      side(pair.model_a, columns.failed[a], left, pieces && diffSide(pieces, "left")),
      side(pair.model_b, columns.failed[b], right, pieces && diffSide(pieces, "right")),
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
        fact("prompt", whenRead(packed, columns.prompt[a], (text) => textBlock(text))),
        columns.reference[a] >= 0 && fact("expected", whenRead(packed, columns.reference[a], (text) => textBlock(text))),
      ),
    place,
  );
}

/** @param {string} model @param {number} failed @param {string | null} text @param {(Node | string)[] | null} pieces */
function side(model, failed, text, pieces) {
  return el("div", { class: `side ${verdictClass(failed)}` }, el("p", { class: "side-head" }, el("span", null, model), verdict(failed)), textBlock(text, pieces ? { pieces } : {}));
}
