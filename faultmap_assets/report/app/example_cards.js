// One example: what was asked, what was answered, what was expected, and what the judge says.

/**
 * @param {Packed} packed
 * @param {number} row
 * @param {{withModel?: boolean}} [options]
 */
function exampleCard(packed, row, { withModel = false } = {}) {
  const columns = packed.columns;
  const dataset = nameAt(packed, "dataset", row);
  return el(
    "article",
    { class: `example ${verdictClass(columns.failed[row])}` },
    el(
      "header",
      null,
      el("a", { class: "row-link", href: exampleLink(dataset, columns.example_id[row]) }, columns.example_id[row]),
      verdict(columns.failed[row]),
      withModel && el("span", { class: "faint" }, `${nameAt(packed, "model", row)} on ${dataset}`),
      columns.score[row] !== null && el("span", { class: "faint" }, `score ${figure(columns.score[row])}`),
      columns.epochs[row] > 1 && el("span", { class: "faint" }, `mean of ${columns.epochs[row]} repeats; the first is shown`),
    ),
    findings.scope.texts
      ? el(
          "dl",
          { class: "facts" },
          fact("prompt", whenRead(packed, columns.prompt[row], (text) => textBlock(text))),
          fact("answer", whenRead(packed, columns.response[row], (text) => textBlock(text))),
          columns.reference[row] >= 0 && fact("expected", whenRead(packed, columns.reference[row], (text) => textBlock(text))),
          judgmentFact(packed, row),
          packed.columns.outcome[row] && labelFact(packed, row),
        )
      : el("dl", { class: "facts" }, judgmentFact(packed, row) ?? fact("texts", "left out of this report")),
  );
}

/** @param {number} failed */
function verdictClass(failed) {
  return failed === 1 ? "failed" : failed === 0 ? "passed" : "unscored";
}

/** @param {number} failed */
function verdict(failed) {
  return el("span", { class: `verdict ${verdictClass(failed)}` }, verdictName(failed));
}

/** @param {string} name @param {...(Child | Child[])} told */
function fact(name, ...told) {
  return el("div", null, el("dt", null, name), el("dd", null, ...told));
}

/** @param {Packed} packed @param {number} row */
function judgmentFact(packed, row) {
  const outcome = packed.columns.outcome[row];
  if (!outcome) return null;
  const title = nameAt(packed, "error_title", row);
  const category = nameAt(packed, "category_id", row);
  return fact(
    "judgment",
    el(
      "div",
      { class: "judgment" },
      el("p", null, title ? el("strong", null, title) : spoken(outcome)),
      packed.columns.error_summary[row] >= 0 &&
        whenRead(packed, packed.columns.error_summary[row], (text) => el("p", null, text)),
      el(
        "p",
        { class: "faint" },
        category && category !== "unclassified" ? [...categoryTrail(category), " · "] : null,
        `judged by ${packed.columns.judged_by[row]}`,
      ),
    ),
  );
}

/** Where an error stands in the taxonomy. @param {string} id @returns {Child[]} */
function categoryTrail(id) {
  const path = categoryPath(id);
  if (!path.length) return [spoken(id)];
  return path.map((one, index) => [index ? " › " : null, el("a", { href: categoryLink(one.category_id) }, one.name)]).flat();
}

/** The judge's criteria. @param {Row[]} criteria */
function criteriaList(criteria) {
  return el(
    "ul",
    { class: "criteria" },
    criteria.map((one) =>
      el(
        "li",
        null,
        el("span", { class: `quality ${one.quality}` }, spoken(one.quality)),
        ` ${one.criterion}`,
        one.comment && el("span", { class: "faint" }, `: ${one.comment}`),
        one.evidence && el("q", null, one.evidence),
        one.evidence && !one.evidence_found && el("span", { class: "faint" }, " (not in the answer)"),
      ),
    ),
  );
}
