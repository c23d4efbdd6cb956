// Where a model fails: all slices, the map, and one slice with everything behind it.

import type { Slice } from "../data/document.ts";
import { allSlices, datasets, findings } from "../data/findings.ts";
import { source } from "../data/open.ts";
import { exampleCards } from "../examples/sections.ts";
import { categoryLink, currentRoute, inScope, link, note, sliceLink } from "../route.ts";
import { el } from "../ui/dom.ts";
import { count, percent, pValue } from "../ui/format.ts";
import { crumbs, notFound, page, section } from "../ui/layout.ts";
import { litSlices, promptMap, SLICE_COLORS } from "../ui/map.ts";
import { dataTable, selectField } from "../ui/tables.ts";
import { mostSliced, sliceFacts, sliceRates, sliceValue, sliceWhy } from "./slice_parts.ts";

export async function slicesView() {
  const slices = allSlices().filter(inScope);
  const place = el("div", { class: "map-place" });
  let map: { light: (name: string | null) => void; dataset: string; model: string } | null = null;
  const table = sliceTable(slices, (row) => {
    if (map && (!row || (row.dataset === map.dataset && row.model === map.model))) map.light(row ? row.name : null);
  });
  const audits = findings.audits.filter(inScope);
  if (audits.length) {
    const examples = await source.map();
    let chosen =
      audits.find((audit) => `${audit.dataset} ${audit.model}` === currentRoute().parameters.map) ?? mostSliced(audits);
    const draw = () => {
      const rows = examples.of(chosen.dataset, chosen.model);
      const made = promptMap(
        examples,
        rows,
        litSlices(examples, rows, chosen.slices),
        `Map of the prompts of ${chosen.dataset}, as ${chosen.model} answers them`,
      );
      map = { light: made.light, dataset: chosen.dataset, model: chosen.model };
      place.replaceChildren(mapHead(), made.element);
    };
    const names = audits.map((audit) => `${audit.dataset} ${audit.model}`);
    const mapHead = () =>
      el(
        "div",
        { class: "map-head" },
        el("h2", null, `${chosen.model} on ${chosen.dataset}`),
        names.length > 1 &&
          selectField(
            "map",
            names,
            `${chosen.dataset} ${chosen.model}`,
            (name) => {
              chosen = audits[names.indexOf(name)];
              note({ map: name });
              draw();
            },
            { all: false },
          ),
      );
    draw();
  }
  return page(
    "Failure slices",
    el(
      "p",
      { class: "lead" },
      "Weak spots: groups of prompts in which a model fails more often than on all its other prompts, beyond chance.",
    ),
    table,
    place,
  );
}

/** Failures to expect beyond the rest's rate; what was observed where no estimate is stored. */
function expectedExcess(row: Slice) {
  return row.estimated_excess_failures ?? row.excess_failures;
}

function sliceTable(slices: Slice[], hover: (row: Slice | null) => void) {
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
      {
        key: "baseline_rate",
        title: "elsewhere",
        number: true,
        value: (row) => row.baseline_rate,
        render: (row) => row.claim.outside_text,
      },
      { key: "size", title: "examples", number: true, value: (row) => row.size, render: (row) => count(row.size) },
      {
        key: "estimated_excess_failures",
        title: "failures beyond the rest",
        number: true,
        value: expectedExcess,
        render: (row) => `+${Math.round(expectedExcess(row))}`,
      },
      {
        key: "adjusted_p_value",
        title: "adj. p",
        number: true,
        value: (row) => row.adjusted_p_value,
        render: (row) => pValue(row.adjusted_p_value),
      },
      { key: "slice_id", title: "id", hidden: true, value: (row) => row.slice_id },
    ],
  });
}

export async function sliceView() {
  const { dataset, model, id } = currentRoute().parameters;
  const found = allSlices().find((row) => row.slice_id === id && row.dataset === dataset && row.model === model);
  if (!found) return notFound("slice", "slices");
  const examples = await source.map();
  const number = examples.names.slice.indexOf(found.slice_id);
  const all = examples.of(dataset, model);
  const members = all.filter((row) => examples.columns.slice[row].includes(number));
  const map = promptMap(
    examples,
    all,
    [{ name: found.name, color: SLICE_COLORS[0], rows: members }],
    `Map of ${dataset} with the slice ${found.name}`,
  );
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
    section("Examples", ...sliceExamples(found)),
    sliceFacts(found),
  );
}

function sliceErrors(found: Slice) {
  const kinds = findings.signatures.filter(
    (row) =>
      row.scope === "slice" &&
      row.significant &&
      row.slice_id === found.slice_id &&
      row.model === found.model &&
      row.dataset === found.dataset,
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
        .map((row) =>
          el(
            "li",
            null,
            el("a", { href: categoryLink(row.category_id) }, row.category),
            el(
              "span",
              { class: "faint" },
              ` ${percent(row.rate)} of the errors here, ${percent(row.rest_rate)} elsewhere`,
            ),
          ),
        ),
    ),
  );
}

/** All of a slice's examples: failures first, of those the typical ones. */
function sliceExamples(found: Slice) {
  const verdicts = [found.failures > 0 ? "failed" : "", found.failures < found.size ? "passed" : ""].filter(Boolean);
  return exampleCards({
    name: `slice-${found.slice_id}`,
    question: {
      dataset: found.dataset,
      model: found.model,
      slice: found.slice_id,
      sort: "-verdict",
      first: found.examples.map((example) => example.example_id),
    },
    unit: "example",
    total: found.size,
    verdicts,
    chosen: currentRoute().parameters.show ?? "",
    change: (verdict) => note({ show: verdict }),
  });
}
