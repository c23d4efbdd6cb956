// Every example of the report: found by its texts, and one with all models' answers.

async function examplesView() {
  return served ? servedExamplesView() : packedExamplesView();
}

async function packedExamplesView() {
  const packed = await examples();
  const state = { ...currentRoute().parameters };
  const place = el("div");
  const tally = el("span", { class: "tally", role: "status" });
  /** @type {number[]} */
  let shown = [];
  /** @type {string[] | null} */
  let texts = null;

  const draw = () => {
    shown = matchingRows(packed, state, texts);
    tally.textContent = shown.length === packed.n ? counted(packed.n, "answer") : `${count(shown.length)} of ${count(packed.n)} answers`;
    place.replaceChildren(exampleTable(packed, shown));
  };
  const search = /** @type {HTMLInputElement} */ (
    el("input", { type: "search", placeholder: "Search prompts and answers", "aria-label": "Search prompts and answers", value: state.q ?? "", input: onInput })
  );
  async function onInput() {
    state.q = search.value.trim();
    note({ q: state.q });
    texts ??= await searchableTexts(packed);
    draw();
  }
  if (state.q) texts = await searchableTexts(packed);
  draw();
  const filter = (/** @type {string} */ key) => (/** @type {string} */ chosen) => {
    state[key] = chosen;
    note({ [key]: chosen });
    draw();
  };
  const top = (findings.taxonomy?.categories ?? []).filter((/** @type {Row} */ row) => row.depth === 1);
  return page(
    "Examples",
    el("p", { class: "lead" }, sampleSentence()),
    el(
      "div",
      { class: "tools" },
      search,
      selectField("verdicts", ["failed", "passed", "no score"], state.verdict ?? "", filter("verdict")),
      top.length > 0 && kindField(top, state.kind ?? "", filter("kind")),
      packed.columns.label.some(Boolean) && selectField("labels", Object.keys(LABEL_FILTERS), state.label ?? "", filter("label")),
      tally,
      exampleExports("examples", packed, () => shown),
    ),
    place,
  );
}

/** @param {Row[]} top @param {string} chosen @param {(id: string) => void} change */
function kindField(top, chosen, change) {
  const field = /** @type {HTMLSelectElement} */ (
    el(
      "select",
      { "aria-label": "kinds of error", change: () => change(field.value) },
      el("option", { value: "" }, "All kinds of error"),
      top.map((row) => el("option", { value: row.category_id, selected: row.category_id === chosen }, shortened(row.name, 50))),
    )
  );
  return field;
}

function sampleSentence() {
  const { total, shown, sampled, seed } = findings.examples;
  if (!sampled) return `${counted(total, "answer")}, one per model and example.`;
  return `${count(shown)} of ${count(total)} answers: those that findings cite, and a sample of the rest (seed ${seed}). Counts elsewhere are of all.`;
}

/** @param {Packed} packed @returns {Promise<string[]>} by text number, in lower case */
async function searchableTexts(packed) {
  return (await allTexts(packed)).map((text) => text.toLowerCase());
}

/**
 * @param {Packed} packed
 * @param {Record<string, string>} state
 * @param {string[] | null} texts
 */
function matchingRows(packed, state, texts) {
  const { columns, names } = packed;
  const { dataset, model } = chosenScope();
  const [d, m] = [dataset ? names.dataset.indexOf(dataset) : -1, model ? names.model.indexOf(model) : -1];
  const verdicts = /** @type {Record<string, number>} */ ({ failed: 1, passed: 0, "no score": -1 });
  const wanted = state.verdict ? verdicts[state.verdict] : null;
  const inKind = state.kind ? names.category_id.map((id) => isWithin(id, state.kind)) : null;
  const sought = (state.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  // A text that many rows share is looked through once.
  const known = sought.map(() => new Map());
  const holds = (/** @type {number} */ word, /** @type {number} */ number) => {
    if (number < 0 || !texts) return false;
    let found = known[word].get(number);
    if (found === undefined) known[word].set(number, (found = texts[number].includes(sought[word])));
    return found;
  };
  return rowsWhere(packed, (row) => {
    if (dataset && columns.dataset[row] !== d) return false;
    if (model && columns.model[row] !== m) return false;
    if (wanted !== null && columns.failed[row] !== wanted) return false;
    if (inKind && !inKind[columns.category_id[row]]) return false;
    if (state.label && !LABEL_FILTERS[state.label]?.(packed, row)) return false;
    return sought.every(
      (word, index) =>
        holds(index, columns.prompt[row]) ||
        holds(index, columns.response[row]) ||
        holds(index, columns.reference[row]) ||
        columns.example_id[row].toLowerCase().includes(word) ||
        nameAt(packed, "error_title", row).toLowerCase().includes(word),
    );
  });
}

/** @param {Packed} packed @param {number[]} rows */
function exampleTable(packed, rows) {
  return dataTable({ ...exampleColumns(packed), plain: true, rows });
}

/** What a table of examples shows. @param {Packed} packed @returns {TableOptions} */
function exampleColumns(packed) {
  const { columns } = packed;
  return {
    name: "examples",
    rows: [],
    href: (row) => exampleLink(nameAt(packed, "dataset", row), columns.example_id[row]),
    empty: "No example fits.",
    columns: [
      { key: "example_id", title: "example", first: true, value: (row) => columns.example_id[row] },
      { key: "model", title: "model", value: (row) => nameAt(packed, "model", row) },
      { key: "dataset", title: "dataset", value: (row) => nameAt(packed, "dataset", row), minor: datasets().length < 2 },
      { key: "verdict", title: "verdict", value: (row) => verdictName(columns.failed[row]), render: (row) => verdict(columns.failed[row]) },
      ...(findings.scope.texts
        ? [
            {
              key: "prompt",
              title: "prompt",
              value: () => null,
              render: (/** @type {number} */ row) => whenRead(packed, columns.prompt[row], (text) => el("span", null, shortened(text ?? "", 110))),
            },
          ]
        : []),
      { key: "error", title: "error", value: (row) => nameAt(packed, "error_title", row), render: (row) => shortened(nameAt(packed, "error_title", row), 60) },
      ...(columns.label.some(Boolean) ? [{ key: "label", title: "label", value: (/** @type {number} */ row) => labelName(columns.label[row]) }] : []),
    ],
  };
}

/** What is taken along of examples. @param {Packed} packed @returns {Exported[]} */
function exampleExport(packed) {
  const { columns } = packed;
  const texts = ["prompt", "response", "reference", "error_summary"];
  return [
    { key: "dataset", title: "dataset", value: (row) => nameAt(packed, "dataset", row) },
    { key: "model", title: "model", value: (row) => nameAt(packed, "model", row) },
    { key: "example_id", title: "example_id", value: (row) => columns.example_id[row] },
    { key: "failed", title: "failed", value: (row) => (columns.failed[row] < 0 ? null : columns.failed[row] === 1) },
    { key: "score", title: "score", value: (row) => columns.score[row] },
    { key: "category_id", title: "category_id", value: (row) => nameAt(packed, "category_id", row) || null },
    { key: "error_title", title: "error_title", value: (row) => nameAt(packed, "error_title", row) || null },
    { key: "label", title: "label", value: (row) => labelName(columns.label[row]) || null },
    { key: "slices", title: "slices", value: (row) => columns.slice[row].map((/** @type {number} */ one) => packed.names.slice[one]).join(" ") },
    ...(findings.scope.texts ? texts.map((key) => ({ key, title: key, value: (/** @type {number} */ row) => textNow(packed, columns[key][row]) })) : []),
  ];
}

/**
 * The buttons that take along examples, texts and all.
 * @param {string} name
 * @param {Packed} packed
 * @param {() => number[]} shown
 * @param {() => Promise<unknown>} [ready] what the texts wait for
 */
function exampleExports(name, packed, shown, ready = () => allTexts(packed)) {
  return exportButtons(name, exampleExport(packed), shown, { ready });
}

const SEARCH_MILLISECONDS = 250;

/** All examples of the warehouse: the server searches, sorts and pages. */
async function servedExamplesView() {
  const state = { ...currentRoute().parameters };
  const [place, more, tally] = [el("div"), el("div"), el("span", { class: "tally", role: "status" })];
  const exports = el("div", { class: "exports" });
  let asked = new AbortController();

  const draw = async () => {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    const { dataset, model } = chosenScope();
    const found = findExamples({ dataset, model, q: state.q, verdict: state.verdict, kind: state.kind, label: state.label, sort: state.sort });
    tally.textContent = "Reading …";
    try {
      await servedTable(found, state, sortBy, { place, more, tally, signal });
    } catch (error) {
      if (signal.aborted) return;
      tally.textContent = "";
      place.replaceChildren(trouble(error, () => void draw()));
      more.replaceChildren();
    }
    exports.replaceChildren(exampleExports("examples", found.packed, () => found.rows.slice(0, MOST_EXPORTED), found.ready));
  };
  const choice = (/** @type {string} */ key) => (/** @type {string} */ chosen) => {
    state[key] = chosen;
    note({ [key]: chosen });
    void draw();
  };
  const sortBy = (/** @type {string} */ key) => choice("sort")(state.sort === key ? `-${key}` : state.sort === `-${key}` ? "" : key);
  let typing = 0;
  const search = /** @type {HTMLInputElement} */ (
    el("input", { type: "search", maxlength: 200, placeholder: "Search prompts and answers", "aria-label": "Search prompts and answers", value: state.q ?? "", input: onInput })
  );
  function onInput() {
    clearTimeout(typing);
    typing = setTimeout(() => choice("q")(search.value.trim()), SEARCH_MILLISECONDS);
  }
  await draw();
  const top = (findings.taxonomy?.categories ?? []).filter((/** @type {Row} */ row) => row.depth === 1);
  return page(
    "Examples",
    el("p", { class: "lead" }, sampleSentence()),
    el(
      "div",
      { class: "tools" },
      search,
      selectField("verdicts", ["failed", "passed", "no score"], state.verdict ?? "", choice("verdict")),
      top.length > 0 && kindField(top, state.kind ?? "", choice("kind")),
      selectField("labels", Object.keys(LABEL_FILTERS), state.label ?? "", choice("label")),
      tally,
      exports,
    ),
    place,
    more,
  );
}

/**
 * The table of what was found, and the means to see more of it.
 * @param {Found} found
 * @param {Record<string, string>} state
 * @param {(key: string) => void} sortBy
 * @param {{place: HTMLElement, more: HTMLElement, tally: HTMLElement, signal: AbortSignal}} at
 */
async function servedTable(found, state, sortBy, { place, more, tally, signal }) {
  const rows = await found.more(ROWS_AT_ONCE, signal);
  const options = exampleColumns(found.packed);
  const sortable = { sort: state.sort ?? "" };
  const body = el("tbody", null, rows.map((row) => tableRow(options, row)));
  const { total } = findings.examples;
  const head = visible(options.columns).map((column) =>
    column.key === "prompt" ? el("th", { scope: "col" }, el("span", { class: "sort" }, column.title)) : headCell(column, sortable, () => sortBy(column.key)),
  );
  tally.textContent = found.total === total ? counted(total, "answer") : `${count(found.total)} of ${counted(total, "answer")}`;
  place.replaceChildren(
    found.total
      ? el("table", { class: "data" }, el("caption", { class: "off-screen" }, "examples"), el("thead", null, el("tr", null, head)), body)
      : el("p", { class: "empty" }, "No example fits."),
  );
  const offer = () => {
    const left = found.total - found.rows.length;
    more.replaceChildren(...(left > 0 ? [el("div", { class: "more" }, el("button", { type: "button", class: "quiet", click: advance }, `Show more (${count(left)} left)`))] : []));
  };
  async function advance() {
    try {
      body.append(...(await found.more(4 * ROWS_AT_ONCE)).map((row) => tableRow(options, row)));
      offer();
    } catch (error) {
      more.replaceChildren(trouble(error, advance));
    }
  }
  offer();
}

/**
 * Cards of the examples that the server finds, with a choice of verdicts where `change` hears of it.
 * @param {string} name of the exported file
 * @param {(verdict: string) => Asked} query
 * @param {{unit?: string, withModel?: boolean, chosen?: string, change?: (verdict: string) => void}} [options]
 */
function servedCards(name, query, { unit = "example", withModel = false, chosen = "", change } = {}) {
  const [place, more, tally] = [el("div", { class: "list" }), el("div"), el("span", { class: "tally", role: "status" })];
  const exports = el("div", { class: "exports" });
  const draw = async (/** @type {string} */ verdict) => {
    const found = findExamples(query(verdict));
    place.replaceChildren();
    exports.replaceChildren(exampleExports(name, found.packed, () => found.rows, found.ready));
    const show = (/** @type {number[]} */ rows) => rows.map((row) => exampleCard(found.packed, row, { withModel }));
    more.replaceChildren(await foundList(found, show, { step: 6, place, empty: "None.", tell: () => (tally.textContent = counted(found.total, unit)) }));
  };
  void draw(chosen);
  const choice = change
    ? segmented("Show", ["", "failed", "passed"], chosen, (verdict) => {
        change(verdict);
        void draw(verdict);
      })
    : null;
  return [el("div", { class: "tools" }, choice, tally, exports), place, more];
}

async function exampleView() {
  const { dataset = "", id = "" } = currentRoute().parameters;
  const packed = await examplesNamed(dataset, [id]);
  const rows = rowsOfExample(packed, dataset, id);
  if (!rows.length) return notFound(findings.examples.sampled ? "example in this report's sample" : "example", "examples");
  const { columns } = packed;
  const [first] = rows;
  return page(
    id,
    crumbs([["Examples", link("examples", { dataset })]]),
    el("p", { class: "lead" }, `Of ${dataset}, answered by ${counted(rows.length, "model")}.`),
    findings.scope.texts &&
      el(
        "dl",
        { class: "facts" },
        fact("prompt", whenRead(packed, columns.prompt[first], (text) => textBlock(text))),
        columns.full_prompt[first] >= 0 && fact("in full", folded("The whole prompt as it was sent", () => whenRead(packed, columns.full_prompt[first], (text) => textBlock(text)))),
        columns.reference[first] >= 0 && fact("expected", whenRead(packed, columns.reference[first], (text) => textBlock(text))),
      ),
    ...rows.map((row) => answerSection(packed, row)),
  );
}

/** @param {Packed} packed @param {number} row */
function answerSection(packed, row) {
  const { columns } = packed;
  const slices = columns.slice[row]
    .map((/** @type {number} */ one) => allSlices().find((found) => found.slice_id === packed.names.slice[one] && found.model === nameAt(packed, "model", row) && found.dataset === nameAt(packed, "dataset", row)))
    .filter(Boolean);
  return el(
    "article",
    { class: `example ${verdictClass(columns.failed[row])}` },
    el(
      "header",
      null,
      el("h2", null, nameAt(packed, "model", row)),
      verdict(columns.failed[row]),
      columns.score[row] !== null && el("span", { class: "faint" }, `score ${figure(columns.score[row])}`),
      columns.epochs[row] > 1 && el("span", { class: "faint" }, `mean of ${columns.epochs[row]} repeats; the first is shown`),
    ),
    el(
      "dl",
      { class: "facts" },
      findings.scope.texts && fact("answer", whenRead(packed, columns.response[row], (text) => textBlock(text))),
      judgmentFact(packed, row),
      columns.outcome[row] && labelFact(packed, row),
      slices.length > 0 && fact("slices", slices.map((/** @type {Row} */ found, /** @type {number} */ index) => [index ? ", " : null, el("a", { href: sliceLink(found) }, found.name)]).flat()),
    ),
    columns.details[row] >= 0 && whenRead(packed, columns.details[row], (text) => details(text)),
  );
}

/** @param {string | null} text */
function details(text) {
  const told = JSON.parse(text ?? "{}");
  return el(
    "dl",
    { class: "facts" },
    told.criteria && fact("criteria", folded(counted(told.criteria.length, "criterion", "criteria"), () => criteriaList(told.criteria))),
    told.reason && fact("reason", told.reason),
    told.metadata && fact("metadata", folded("What the file says of it", () => el("pre", null, JSON.stringify(told.metadata, null, 2)))),
  );
}
