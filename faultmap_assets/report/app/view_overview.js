// The first page: what to know, how often each model fails on each dataset, and what changed.

async function overviewView() {
  const audits = findings.audits.filter(inScope);
  if (!findings.audits.length) {
    return page("Where the models fail", el("p", { class: "empty" }, "Nothing has been audited yet: run ", el("code", null, "faultmap audit FILE"), "."));
  }
  const slices = audits.reduce((/** @type {number} */ sum, /** @type {Row} */ audit) => sum + audit.slices.length, 0);
  const answers = audits.reduce((/** @type {number} */ sum, /** @type {Row} */ audit) => sum + audit.examples, 0);
  const modelCount = new Set(audits.map((/** @type {Row} */ audit) => audit.model)).size;
  const datasetCount = new Set(audits.map((/** @type {Row} */ audit) => audit.dataset)).size;
  return page(
    "Where the models fail",
    el(
      "p",
      { class: "lead" },
      `${counted(modelCount, "model")} on ${counted(datasetCount, "dataset")}, ${counted(answers, "answer")}. ` +
        `${counted(slices, "failure slice")}: regions of prompts in which a model fails significantly more than on the rest.`,
    ),
    section("What to know", keyFindings(audits)),
    findings.changes && section("What changed", changesList(findings.changes)),
    section("Failure rates", rateMatrix(audits), el("p", { class: "note" }, "The share of scored examples that failed, with its 95% interval.")),
  );
}

/** @param {Row[]} audits */
function keyFindings(audits) {
  const slices = audits.flatMap((audit) => audit.slices).sort((a, b) => expectedExcess(b) - expectedExcess(a));
  /** @type {(HTMLElement | null)[]} */
  const items = [...slices.slice(0, 4).map(sliceFinding), ...bestPairs(), topError(), topGap(), topQuality()];
  const told = items.filter((item) => item !== null);
  return told.length ? el("ul", { class: "findings" }, told) : el("p", { class: "empty" }, "Nothing stands out.");
}

/** @param {string} kind @param {string} href @param {...(Child | Child[])} told */
function finding(kind, href, ...told) {
  return el("li", null, el("a", { class: "row-link finding", href }, el("span", { class: "kind" }, kind), el("span", { class: "told" }, ...told)));
}

/** @param {Row} found */
function sliceFinding(found) {
  return finding(
    "fails",
    sliceLink(found),
    el("strong", null, found.name),
    `: ${found.model} fails ${percent(found.failure_rate)} of ${count(found.size)}, ${percent(found.baseline_rate)} of the rest`,
    datasets().length > 1 && ` (${found.dataset})`,
  );
}

function bestPairs() {
  return findings.comparisons
    .filter((/** @type {Row} */ pair) => inScope({ dataset: pair.dataset }) && pair.winner !== "unresolved" && pair.winner !== "tie")
    .sort((/** @type {Row} */ a, /** @type {Row} */ b) => Math.abs(b.difference) - Math.abs(a.difference))
    .slice(0, 2)
    .filter((/** @type {Row} */ pair) => [pair.model_a, pair.model_b].includes(pair.winner))
    .map((/** @type {Row} */ pair) => {
      const first = pair.winner === pair.model_a;
      const [better, worse] = first ? [pair.failure_rate_a, pair.failure_rate_b] : [pair.failure_rate_b, pair.failure_rate_a];
      const loser = first ? pair.model_b : pair.model_a;
      return finding("wins", pairLink(pair), el("strong", null, pair.winner), ` beats ${loser} on ${pair.dataset}: ${percent(better)} against ${percent(worse)} failed`);
    });
}

function topError() {
  const taxonomy = scopedTaxonomy();
  const kinds = (taxonomy?.rows ?? []).filter((/** @type {Row} */ row) => row.depth === 1 && !row.other).slice(0, 3);
  if (!taxonomy || !kinds.length) return null;
  const told = kinds.map((row, index) => [index ? ", " : null, el("strong", null, row.name), ` ${percent(row.share)}`]).flat();
  return finding("why", link("taxonomy"), ...told, ` of ${counted(taxonomy.total, "error")}`);
}

function topGap() {
  const day = findings.coverage.at(-1);
  if (!day) return null;
  const [gap] = day.gaps;
  if (!gap) return finding("tested", link("coverage"), `About ${percent(day.coverage)} of production on ${day.day} is like something that is tested`);
  return finding("untested", gapLink({ ...gap, day: day.day }), el("strong", null, gap.name), `: ${percent(gap.traffic_share)} of production on ${day.day}; the tests cover about ${percent(day.coverage)} of that day`);
}

function topQuality() {
  const suspects = findings.quality
    .filter((/** @type {Row} */ row) => inScope({ dataset: row.dataset }))
    .flatMap((/** @type {Row} */ row) => row.items.filter((/** @type {Row} */ item) => item.flag === "suspect_label" || item.flag === "contradictory_label"));
  if (!suspects.length) return null;
  return finding("doubtful", link("quality", { flag: suspects[0].flag }), el("strong", null, counted(suspects.length, "label")), " may be wrong: the models agree on another answer, or copies contradict each other");
}

/** Datasets down, models across. @param {Row[]} audits */
function rateMatrix(audits) {
  const across = [...new Set(audits.map((audit) => audit.model))].sort();
  const down = [...new Set(audits.map((audit) => audit.dataset))];
  const rows = down.map((dataset) => ({
    dataset,
    of: Object.fromEntries(audits.filter((audit) => audit.dataset === dataset).map((audit) => [audit.model, audit])),
  }));
  /** @type {Column[]} */
  const columns = [
    { key: "dataset", title: "dataset", first: true, value: (row) => row.dataset },
    ...across.map((model) => ({
      key: model,
      title: model,
      value: (/** @type {Row} */ row) => row.of[model]?.failure_rate,
      render: (/** @type {Row} */ row) => rateOf(row.of[model]),
    })),
  ];
  return dataTable({
    name: "failure rates",
    unit: "dataset",
    columns,
    rows,
    href: (row) => link("slices", { dataset: row.dataset }),
    text: rows.length > 8 ? (row) => row.dataset : undefined,
    sort: rows.length > 1 ? `-${across[0]}` : "",
  });
}

/** @param {Row | undefined} audit */
function rateOf(audit) {
  if (!audit) return el("span", { class: "faint" }, "–");
  const unscored = audit.examples - audit.scored;
  return [
    rateCell({ rate: audit.failure_rate, low: audit.failure_rate_low, high: audit.failure_rate_high }),
    el("small", { class: "under" }, `${count(audit.failures)} of ${count(audit.scored)}`, unscored > 0 && `, ${count(unscored)} without a score`),
  ];
}

/** @param {Row} changes */
function changesList(changes) {
  const { dataset, model } = chosenScope();
  const told = changes.findings.filter(
    (/** @type {Row} */ one) => (!dataset || !one.dataset || one.dataset === dataset) && (!model || !one.model || one.model.split("|").includes(model)),
  );
  return [
    el("p", { class: "note" }, `The audit of ${changes.audited_at} against the one of ${changes.since}.`),
    changes.alerts.length > 0 &&
      el("ul", { class: "plain-list alerts" }, changes.alerts.map((/** @type {Row} */ alert) => el("li", null, el("strong", null, spoken(alert.severity.toLowerCase())), `: ${alert.message}`))),
    told.length
      ? pagedList(told, changeLine, { step: 8 })
      : el("p", { class: "empty" }, "Nothing: every finding stands as before."),
  ].filter((part) => part !== false);
}

/** @param {Row} one */
function changeLine(one) {
  const href = changeLink(one);
  const where = [one.name === one.kind ? "" : spoken(one.kind), one.model, one.dataset, one.day].filter(Boolean).join(" · ");
  const name = findingName(one);
  const values = one.value === null ? "" : one.before === null || one.before === undefined ? percent(one.value) : `${percent(one.before)} → ${percent(one.value)}`;
  return el(
    "div",
    { class: "change" },
    el("span", { class: `status ${one.status}` }, one.status),
    el("span", null, href ? el("a", { class: "row-link", href }, name) : el("strong", null, name), values && ` ${values}`, el("small", null, ` ${where}`)),
  );
}

/** What is counted of a whole dataset or day is named by its kind. @param {Row} one */
function findingName(one) {
  return one.name === one.kind ? spoken(one.name) : one.name;
}

/** Where the finding stands in this report, if it does. @param {Row} one */
function changeLink(one) {
  if (one.status === "gone" || !one.source_id) return null;
  const found = allSlices().find((row) => row.slice_id === one.source_id && row.dataset === one.dataset && row.model === one.model);
  if (found) return sliceLink(found);
  if (one.kind === "error_category") {
    const category = (findings.taxonomy?.categories ?? []).find((/** @type {Row} */ row) => row.name === one.name);
    return category ? categoryLink(category.category_id) : null;
  }
  const gap = allGaps().find((row) => row.gap_id === one.source_id && row.day === one.day);
  return gap ? gapLink(gap) : null;
}
