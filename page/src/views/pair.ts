// One pair of models: who wins, where that changes, and a slice of the comparison.

import { findings, type Pair } from "../data/findings.ts";
import { source } from "../data/open.ts";
import type { Sides } from "../data/source.ts";
import { address, currentRoute, link, pairLink } from "../route.ts";
import { differenceBar, twoRates } from "../ui/charts.ts";
import { el } from "../ui/dom.ts";
import { count, percent, pValue } from "../ui/format.ts";
import { claimBasis, crumbs, notFound, page, section } from "../ui/layout.ts";
import { dataTable, pagedList } from "../ui/tables.ts";
import { sideValue, winnerOf } from "./comparison.ts";
import { disagreements, sideBySide, sidesOf } from "./disagreements.ts";
import { sliceWhy } from "./slice_parts.ts";

/** The most answers to the examples of one slice that are asked for. */
const MAX_ANSWERS = 500;

function chosenPair(): Pair | undefined {
  const { dataset, a, b } = currentRoute().parameters;
  return findings.comparisons.find((one) => one.dataset === dataset && one.model_a === a && one.model_b === b);
}

export async function pairView() {
  const pair = chosenPair();
  if (!pair) return notFound("comparison", "comparison");
  return page(
    `${pair.model_a} or ${pair.model_b}`,
    crumbs([["Comparison", link("comparison")]]),
    el(
      "p",
      { class: "lead" },
      pair.compared > 0
        ? [pair.claim.told, pair.note, pair.pairing].filter(Boolean).join(" ")
        : pair.pairing || pair.claim.told,
    ),
    pair.compared > 0 && pairRates(pair),
    pair.slices.length > 0 && section("Where that changes", pairSlices(pair)),
    pair.compared > 0 && section("Where they disagree", disagreements(pair)),
  );
}

function pairRates(pair: Pair) {
  return el(
    "div",
    { class: "panel" },
    pair.claim.inside !== null &&
      twoRates(
        { label: pair.model_a, rate: pair.failure_rate_a, note: `failed of ${count(pair.compared)}` },
        { label: pair.model_b, rate: pair.failure_rate_b, note: `failed of ${count(pair.compared)}` },
      ),
    !pair.claim.flaw &&
      differenceBar({
        difference: pair.difference,
        low: pair.difference_low,
        high: pair.difference_high,
        left: `${pair.model_b} better`,
        right: `${pair.model_a} better`,
      }),
    el(
      "p",
      { class: "note" },
      `Only ${pair.model_a} is right on ${count(pair.discordant_a_wins)}, only ${pair.model_b} on ${count(pair.discordant_b_wins)}.`,
    ),
    claimBasis(pair.claim),
  );
}

function pairSlices(pair: Pair) {
  return dataTable({
    name: "slices of the comparison",
    plain: true,
    rows: pair.slices,
    href: (row) => address("pairslice", { dataset: pair.dataset, a: pair.model_a, b: pair.model_b, id: row.slice_id }),
    columns: [
      { key: "name", title: "slice", first: true, value: (row) => row.name },
      { key: "size", title: "examples", number: true, value: (row) => row.size, render: (row) => count(row.size) },
      {
        key: "failure_rate_a",
        title: pair.model_a,
        value: (row) => row.claim.inside,
        render: (row) => sideValue({ ...row, compared: row.size }, "inside"),
      },
      {
        key: "failure_rate_b",
        title: pair.model_b,
        value: (row) => row.claim.outside,
        render: (row) => sideValue({ ...row, compared: row.size }, "outside"),
      },
      { key: "winner", title: "winner here", value: (row) => row.winner, render: winnerOf },
      {
        key: "adjusted_p_value",
        title: "adj. p",
        number: true,
        value: (row) => row.selection_adjusted_p_value,
        render: (row) => pValue(row.selection_adjusted_p_value),
      },
    ],
  });
}

export async function pairSliceView() {
  const pair = chosenPair();
  const found = pair?.slices.find((one) => one.slice_id === currentRoute().parameters.id);
  if (!pair || !found) return notFound("slice of a comparison", "comparison");
  const ids = found.examples.map((example) => example.example_id);
  const { examples } = await source.find({ dataset: pair.dataset, ids }, MAX_ANSWERS);
  const shown: Sides[] = ids.flatMap((id) => sidesOf(examples, pair, id) ?? []);
  return page(
    found.name,
    crumbs([
      ["Comparison", link("comparison")],
      [`${pair.model_a} or ${pair.model_b}`, pairLink(pair)],
    ]),
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
    section(
      "Examples",
      pagedList(shown, (sides) => sideBySide(examples, pair, sides), { step: 5 }),
    ),
  );
}
