// Which model wins: a ranking with a win matrix, and all pairs.

import type { Claim } from "../data/document.ts";
import { datasets, findings, type Pair, type Ranked, type Ranking } from "../data/findings.ts";
import { chosenScope, inScope, pairLink } from "../route.ts";
import { rateCell } from "../ui/charts.ts";
import { el } from "../ui/dom.ts";
import { count, counted, percent, pValue } from "../ui/format.ts";
import { breakable, folded, page } from "../ui/layout.ts";
import { dataTable } from "../ui/tables.ts";

const MATRIX_MODELS = 16;

export async function comparisonView() {
  const { dataset, model } = chosenScope();
  const pairs = findings.comparisons.filter(
    (pair) => (!dataset || pair.dataset === dataset) && (!model || pair.model_a === model || pair.model_b === model),
  );
  const matrices = (findings.memo?.rankings ?? []).filter(
    (ranking) =>
      inScope({ dataset: ranking.dataset }) && ranking.models.length > 2 && ranking.models.length <= MATRIX_MODELS,
  );
  const table = pairTable(pairs);
  return page(
    "Comparison",
    el(
      "p",
      { class: "lead" },
      "Pairs of models that answered the same prompts. A winner is named only where the difference is more than chance.",
    ),
    matrices.map(winMatrix),
    matrices.length && !model ? folded(`All ${counted(pairs.length, "pair")}`, () => table) : table,
  );
}

/** Models down and, by their place, across. */
function winMatrix(ranking: Ranking) {
  const models = ranking.models;
  const number = (one: Ranked) => models.indexOf(one) + 1;
  return el(
    "section",
    null,
    el("h2", null, ranking.dataset),
    ranking.told && el("p", null, ranking.told),
    el(
      "table",
      { class: "matrix" },
      el("caption", { class: "off-screen" }, `who beats whom on ${ranking.dataset}`),
      el(
        "thead",
        null,
        el(
          "tr",
          null,
          el("th", { scope: "col" }, "model"),
          el("th", { scope: "col" }, "failed"),
          models.map((one) =>
            el(
              "th",
              { scope: "col" },
              el("span", { class: "off-screen" }, `against ${one.model}`),
              el("span", { "aria-hidden": "true" }, number(one)),
            ),
          ),
        ),
      ),
      el(
        "tbody",
        null,
        models.map((one) =>
          el(
            "tr",
            null,
            el("th", { scope: "row" }, `${number(one)} `, breakable(one.model)),
            el("td", null, percent(one.failure_rate)),
            models.map((other) => matrixCell(ranking.dataset, one, other)),
          ),
        ),
      ),
    ),
    el(
      "p",
      { class: "note" },
      "Each row against the model of the column's number: + is better, − is worse, = cannot be told apart, ? no common example. Each mark leads to the pair.",
    ),
  );
}

function matrixCell(dataset: string, one: Ranked, other: Ranked) {
  if (one === other) return el("td", { class: "self" });
  const [mark, kind, said] = one.beats.includes(other.model)
    ? ["+", "better", "is better than"]
    : one.loses_to.includes(other.model)
      ? ["−", "worse", "is worse than"]
      : one.open.includes(other.model)
        ? ["=", "open", "cannot be told apart from"]
        : ["?", "open", "was not compared with"];
  const pair = findings.comparisons.find(
    (row) =>
      row.dataset === dataset &&
      [row.model_a, row.model_b].includes(one.model) &&
      [row.model_a, row.model_b].includes(other.model),
  );
  const label = `${one.model} ${said} ${other.model}`;
  return el(
    "td",
    { class: kind },
    pair
      ? el("a", { href: pairLink(pair), "aria-label": label, title: label }, mark)
      : el("span", { title: label }, mark),
  );
}

function pairTable(pairs: Pair[]) {
  return dataTable({
    name: "comparisons",
    unit: "pair",
    rows: pairs,
    href: pairLink,
    text: (row) => `${row.dataset} ${row.model_a} ${row.model_b} ${row.winner}`,
    empty: "No two models answered the same prompts.",
    columns: [
      {
        key: "pair",
        title: "models",
        first: true,
        value: (row) => `${row.model_a} or ${row.model_b}`,
        render: (row) => [breakable(row.model_a), " or ", breakable(row.model_b)].flat(),
      },
      { key: "dataset", title: "dataset", value: (row) => row.dataset, minor: datasets().length < 2 },
      {
        key: "compared",
        title: "pairs",
        number: true,
        value: (row) => row.compared,
        render: (row) => count(row.compared),
      },
      {
        key: "failure_rate_a",
        title: "first",
        value: (row) => (row.compared ? row.claim.inside : null),
        render: (row) => sideValue(row, "inside"),
      },
      {
        key: "failure_rate_b",
        title: "second",
        value: (row) => (row.compared ? row.claim.outside : null),
        render: (row) => sideValue(row, "outside"),
      },
      { key: "winner", title: "winner", value: (row) => row.winner, render: (row) => breakable(winnerOf(row)) },
      { key: "slices", title: "differs in", number: true, value: (row) => row.slices.length },
      {
        key: "adjusted_p_value",
        title: "adj. p",
        number: true,
        value: (row) => (row.compared ? row.adjusted_p_value : null),
        render: (row) => (row.compared ? pValue(row.adjusted_p_value) : "–"),
      },
    ],
  });
}
/** A side's value where there is one: of no pair, and of scores in pairs, there is none. */
export function sideValue(row: { compared: number; claim: Claim }, side: "inside" | "outside") {
  return row.compared && row.claim[side] !== null ? rateCell({ rate: row.claim[side] }) : "–";
}

/** @param row of a pair or of a slice of one */
export function winnerOf(row: { compared?: number; winner: string }) {
  if (row.compared === 0) return "not compared";
  return row.winner === "tie" ? "about equal" : row.winner === "unresolved" ? "not shown" : row.winner;
}
