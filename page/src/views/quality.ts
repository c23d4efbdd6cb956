// What a dataset itself gets wrong: its figures, and the items that want a look.

import { datasets, findings, type Quality } from "../data/findings.ts";
import { exampleLink, inScope } from "../route.ts";
import { el } from "../ui/dom.ts";
import { figure, percent, spoken } from "../ui/format.ts";
import { fact, page, section } from "../ui/layout.ts";
import { dataTable } from "../ui/tables.ts";

export async function qualityView() {
  const shown = findings.quality.filter((row) => inScope({ dataset: row.dataset }));
  const items = shown.flatMap((row) => row.items);
  return page(
    "Dataset quality",
    el(
      "p",
      { class: "lead" },
      "What the answers say about the datasets themselves: labels that look wrong, copies, items that tell nothing.",
    ),
    shown.length === 0 && el("p", { class: "empty" }, "Not measured yet."),
    shown.length > 0 && section("Figures", ...shown.map((row) => measures(row, shown.length > 1))),
    shown.length > 0 && section("Items that want a look", itemTable(items)),
  );
}

function measures(quality: Quality, named: boolean) {
  return el(
    "div",
    { class: "panel" },
    named && el("h3", null, quality.dataset),
    el(
      "dl",
      { class: "facts measures" },
      quality.measures.map((row) =>
        fact(
          spoken(row.measure),
          el("strong", null, measureValue(row)),
          el("span", { class: "faint" }, ` ${row.meaning}`),
        ),
      ),
    ),
  );
}

function measureValue(row: Quality["measures"][number]) {
  return /share|agreement|difference|rate/.test(row.measure) ? percent(row.value) : figure(row.value);
}

/** What most likely wants mending comes first. */
const FLAGS = [
  "contradictory_label",
  "suspect_label",
  "misjudged_answer",
  "no_error_found",
  "negative_discrimination",
  "duplicate",
  "near_duplicate",
  "all_models_fail",
];

function itemTable(items: Quality["items"]) {
  return dataTable({
    name: "items that want a look",
    unit: "item",
    rows: [...items].sort((a, b) => FLAGS.indexOf(a.flag) - FLAGS.indexOf(b.flag)),
    href: (row) => exampleLink(row.dataset, row.example_id),
    text: (row) => [row.example_id, row.evidence, row.flag].join(" "),
    filters: [
      {
        key: "flag",
        label: "flags",
        options: FLAGS.filter((flag) => items.some((item) => item.flag === flag)),
        matches: (row, flag) => row.flag === flag,
      },
    ],
    empty: "None.",
    columns: [
      { key: "example_id", title: "example", first: true, value: (row) => row.example_id },
      { key: "flag", title: "flag", value: (row) => row.flag, render: (row) => spoken(row.flag) },
      { key: "dataset", title: "dataset", value: (row) => row.dataset, minor: datasets().length < 2 },
      { key: "evidence", title: "evidence", value: (row) => row.evidence },
      {
        key: "rank_score",
        title: "score",
        number: true,
        value: (row) => row.rank_score,
        render: (row) => figure(row.rank_score),
      },
    ],
  });
}
