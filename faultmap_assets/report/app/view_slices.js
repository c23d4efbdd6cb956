// Where does a model fail? All slices, the map, and one slice with everything behind it.

async function slicesView() {
  const slices = allSlices().filter(inScope);
  const place = el("div", { class: "map-place" });
  /** @type {{light: (name: string | null) => void, dataset: string, model: string} | null} */
  let map = null;
  const table = sliceTable(slices, (row) => {
    if (map && (!row || (row.dataset === map.dataset && row.model === map.model))) map.light(row ? row.name : null);
  });
  const audits = findings.audits.filter(inScope);
  if (audits.length) {
    const packed = await examples();
    let chosen = audits.find((/** @type {Row} */ audit) => `${audit.dataset} ${audit.model}` === currentRoute().parameters.map) ?? mostSliced(audits);
    const draw = () => {
      const rows = rowsOf(packed, chosen.dataset, chosen.model);
      const made = promptMap(packed, rows, litSlices(packed, rows, chosen.slices), `Map of the prompts of ${chosen.dataset}, as ${chosen.model} answers them`);
      map = { light: made.light, dataset: chosen.dataset, model: chosen.model };
      place.replaceChildren(mapHead(), made.element);
    };
    const names = audits.map((/** @type {Row} */ audit) => `${audit.dataset} ${audit.model}`);
    const mapHead = () =>
      el(
        "div",
        { class: "map-head" },
        el("h2", null, `${chosen.model} on ${chosen.dataset}`),
        names.length > 1 &&
          selectField("map", names, `${chosen.dataset} ${chosen.model}`, (name) => {
            chosen = audits[names.indexOf(name)];
            note({ map: name });
            draw();
          }, { all: false }),
      );
    draw();
  }
  return page(
    "Failure slices",
    el("p", { class: "lead" }, "Weak spots: groups of prompts in which a model fails more often than on all its other prompts, beyond chance."),
    table,
    place,
  );
}

/** @param {Row[]} audits */
function mostSliced(audits) {
  return audits.reduce((best, audit) => (audit.slices.length > best.slices.length ? audit : best), audits[0]);
}

/** Failures to expect beyond the rest's rate; what was observed where no estimate is stored. @param {Row} row */
function expectedExcess(row) {
  return row.estimated_excess_failures ?? row.excess_failures;
}

/** @param {Row[]} slices @param {(row: Row | null) => void} hover */
function sliceTable(slices, hover) {
  return dataTable({
    name: "failure slices",
    unit: "slice",
    rows: slices,
    href: sliceLink,
    hover,
    sort: "-estimated_excess_failures",
    text: (row) => [row.name, row.description, row.root_cause, row.dataset, row.model, row.slice_id].join(" "),
    empty: "No region fails significantly more than the rest.",
    columns: [
      { key: "name", title: "slice", first: true, value: (row) => row.name },
      { key: "model", title: "model", value: (row) => row.model },
      { key: "dataset", title: "dataset", value: (row) => row.dataset, minor: datasets().length < 2 },
      {
        key: "failure_rate",
        title: "here",
        value: (row) => row.failure_rate,
        render: sliceValue,
      },
      { key: "baseline_rate", title: "elsewhere", number: true, value: (row) => row.baseline_rate, render: (row) => row.claim.outside_text },
      { key: "size", title: "examples", number: true, value: (row) => row.size, render: (row) => count(row.size) },
      { key: "estimated_excess_failures", title: "failures beyond the rest", number: true, value: expectedExcess, render: (row) => `+${Math.round(expectedExcess(row))}` },
      { key: "adjusted_p_value", title: "adj. p", number: true, value: (row) => row.adjusted_p_value, render: (row) => pValue(row.adjusted_p_value) },
      { key: "slice_id", title: "id", hidden: true, value: (row) => row.slice_id },
    ],
  });
}

/** The value that a slice's test was of. @param {Row} row */
function sliceValue(row) {
  return row.claim.statistic === "score" ? `score ${row.claim.inside_text}` : rateCell({ rate: row.failure_rate, mark: row.baseline_rate });
}

async function sliceView() {
  const { dataset, model, id } = currentRoute().parameters;
  const found = allSlices().find((row) => row.slice_id === id && row.dataset === dataset && row.model === model);
  if (!found) return notFound("slice", "slices");
  const packed = await examples();
  const number = packed.names.slice.indexOf(found.slice_id);
  const all = rowsOf(packed, dataset, model);
  const members = all.filter((row) => packed.columns.slice[row].includes(number));
  const map = promptMap(packed, all, [{ name: found.name, color: SLICE_COLORS[0], rows: members }], `Map of ${dataset} with the slice ${found.name}`);
  return page(
    found.name,
    crumbs([["Failure slices", link("slices")]]),
    el("p", { class: "lead" }, `${found.model} on ${found.dataset}`, found.description && `. ${found.description}`),
    el(
      "div",
      { class: "columns" },
      el("div", null, sliceRates(found), sliceWhy(found), sliceErrors(found)),
      map.element,
    ),
    section("Examples", served ? servedSliceExamples(found) : sliceExamples(packed, found, members)),
    sliceFacts(found),
  );
}

/** @param {Row} found */
function sliceRates(found) {
  return el(
    "div",
    { class: "panel" },
    found.claim.statistic !== "score" &&
      twoRates(
        { label: "in the slice", rate: found.failure_rate, note: `failed of ${count(found.size)}` },
        { label: "the rest", rate: found.baseline_rate, note: `failed of ${count(found.claim.n_other)}` },
      ),
    el("p", { class: "note" }, found.claim.told),
    claimBasis(found.claim),
  );
}

/** @param {Row} found a slice or gap */
function sliceWhy(found) {
  if (!findings.scope.texts) return null;
  if (!found.root_cause && !found.suggested_remediation) {
    const named = found.named_by === "keywords" || found.named_by === "metadata";
    return named ? el("p", { class: "note" }, `Named by ${found.named_by}. With a language model configured, a root cause and a remedy stand here.`) : null;
  }
  return el(
    "dl",
    { class: "facts why" },
    found.root_cause && fact("root cause", found.root_cause),
    found.suggested_remediation && fact("remedy", found.suggested_remediation),
    found.cited_examples.length > 0 &&
      fact(
        "rests on",
        found.cited_examples.map((/** @type {string} */ id, /** @type {number} */ index) => [index ? ", " : null, found.dataset ? el("a", { href: exampleLink(found.dataset, id) }, id) : id]).flat(),
      ),
  );
}

/** @param {Row} found */
function sliceErrors(found) {
  const kinds = findings.signatures.filter(
    (/** @type {Row} */ row) => row.scope === "slice" && row.significant && row.slice_id === found.slice_id && row.model === found.model && row.dataset === found.dataset,
  );
  if (!kinds.length) return null;
  return el(
    "div",
    null,
    el("h2", null, "Kinds of error that gather here"),
    el(
      "ul",
      { class: "plain-list" },
      kinds
        .slice(0, 6)
        .map((/** @type {Row} */ row) =>
          el("li", null, el("a", { href: categoryLink(row.category_id) }, row.category), el("span", { class: "faint" }, ` ${percent(row.rate)} of the errors here, ${percent(row.rest_rate)} elsewhere`)),
        ),
    ),
  );
}

/** @param {Packed} packed @param {Row} found @param {number[]} members */
function sliceExamples(packed, found, members) {
  const typical = found.examples.map((/** @type {Row} */ example) => example.example_id);
  const place = el("div");
  const rank = (/** @type {number} */ row) => {
    const position = typical.indexOf(packed.columns.example_id[row]);
    return position < 0 ? typical.length : position;
  };
  const ordered = [...members].sort((a, b) => packed.columns.failed[b] - packed.columns.failed[a] || rank(a) - rank(b));
  const draw = (/** @type {string} */ kind) => {
    const shown = ordered.filter((row) => !kind || verdictName(packed.columns.failed[row]) === kind);
    place.replaceChildren(pagedList(shown, (row) => exampleCard(packed, row), { step: 6, empty: "None in this report." }));
  };
  const { show = "" } = currentRoute().parameters;
  draw(show);
  const kinds = ["failed", "passed"].filter((kind) => members.some((row) => verdictName(packed.columns.failed[row]) === kind));
  return [
    el(
      "div",
      { class: "tools" },
      segmented("Show", ["", ...kinds], show, (kind) => {
        note({ show: kind });
        draw(kind);
      }),
      el("span", { class: "tally" }, members.length < found.size ? `${count(members.length)} of ${count(found.size)} are in this report's sample` : counted(members.length, "example")),
      exampleExports(`slice-${found.slice_id}`, packed, () => ordered),
    ),
    place,
  ];
}

/** All of a slice's examples, from the server: failures first, of those the typical ones. @param {Row} found */
function servedSliceExamples(found) {
  const first = found.examples.slice(0, 50).map((/** @type {Row} */ example) => example.example_id);
  const { show = "" } = currentRoute().parameters;
  return servedCards(`slice-${found.slice_id}`, (verdict) => ({ dataset: found.dataset, model: found.model, slice: found.slice_id, sort: "-verdict", first, verdict }), {
    chosen: show,
    change: (verdict) => note({ show: verdict }),
  });
}

/** @param {Row} found */
function sliceFacts(found) {
  return section(
    "How it was found",
    el(
      "dl",
      { class: "facts compact" },
      fact("distinct prompts", count(found.prompts)),
      fact("failures", `${count(found.failures)} of ${count(found.size)}`),
      fact("test", `${found.test_used}, p ${pValue(found.p_value)}, adjusted ${pValue(found.adjusted_p_value)}`),
      fact("times as often as the rest", figure(found.effect_size)),
      fact("named by", found.named_by, found.naming_note && ` (${found.naming_note})`),
      fact("id", el("code", null, found.slice_id)),
    ),
  );
}
