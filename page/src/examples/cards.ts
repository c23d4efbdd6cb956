// One example: what was asked, what was answered, what was expected, and what the judge says.

import type { Examples } from "../data/examples.ts";
import { findings, type Judgment } from "../data/findings.ts";
import { exampleLink } from "../route.ts";
import { el } from "../ui/dom.ts";
import { figure, spoken } from "../ui/format.ts";
import { fact, verdict, verdictClass } from "../ui/layout.ts";
import { textBlock, whenRead } from "../ui/texts.ts";
import { labelFact } from "./labels.ts";
import { categoryTrail } from "./trail.ts";

export function exampleCard(examples: Examples, row: number, { withModel = false }: { withModel?: boolean } = {}) {
  const columns = examples.columns;
  const dataset = examples.name("dataset", row);
  return el(
    "article",
    { class: `example ${verdictClass(columns.failed[row])}` },
    el(
      "header",
      null,
      el("a", { class: "row-link", href: exampleLink(dataset, columns.example_id[row]) }, columns.example_id[row]),
      verdict(columns.failed[row]),
      withModel && el("span", { class: "faint" }, `${examples.name("model", row)} on ${dataset}`),
      columns.score[row] !== null && el("span", { class: "faint" }, `score ${figure(columns.score[row])}`),
      columns.epochs[row] > 1 &&
        el("span", { class: "faint" }, `mean of ${columns.epochs[row]} repeats; the first is shown`),
    ),
    findings.scope.texts
      ? el(
          "dl",
          { class: "facts" },
          fact(
            "prompt",
            whenRead(examples, columns.prompt[row], (text) => textBlock(text)),
          ),
          fact(
            "answer",
            whenRead(examples, columns.response[row], (text) => textBlock(text)),
          ),
          columns.reference[row] >= 0 &&
            fact(
              "expected",
              whenRead(examples, columns.reference[row], (text) => textBlock(text)),
            ),
          judgmentFact(examples, row),
          examples.columns.outcome[row] && labelFact(examples, row),
        )
      : el("dl", { class: "facts" }, judgmentFact(examples, row) ?? fact("texts", "left out of this report")),
  );
}

export function judgmentFact(examples: Examples, row: number) {
  const outcome = examples.columns.outcome[row];
  if (!outcome) return null;
  const title = examples.name("error_title", row);
  const category = examples.name("category_id", row);
  return fact(
    "judgment",
    el(
      "div",
      { class: "judgment" },
      el("p", null, title ? el("strong", null, title) : spoken(outcome)),
      examples.columns.error_summary[row] >= 0 &&
        whenRead(examples, examples.columns.error_summary[row], (text) => el("p", null, text)),
      el(
        "p",
        { class: "faint" },
        category && category !== "unclassified" ? [...categoryTrail(category), " · "] : null,
        `judged by ${examples.columns.judged_by[row]}`,
      ),
    ),
  );
}

/** The judge's criteria. */
export function criteriaList(criteria: Judgment["criteria"]) {
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
