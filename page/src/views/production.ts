// What production itself says: where its feedback is worse than elsewhere, and which topics come and go.

import type { ProductionSlice, SliceExample, Topic } from "../data/document.ts";
import { findings } from "../data/findings.ts";
import { address, currentRoute, link } from "../route.ts";
import { rateCell, twoRates } from "../ui/charts.ts";
import { el } from "../ui/dom.ts";
import { count, counted, percent, percentRange, pValue, spoken } from "../ui/format.ts";
import { claimBasis, crumbs, fact, notFound, page, section, verdict, verdictClass } from "../ui/layout.ts";
import { dataTable, pagedList } from "../ui/tables.ts";
import { textBlock } from "../ui/texts.ts";
import { sliceFacts, sliceRates, sliceValue, sliceWhy } from "./slice_parts.ts";

/** The slices of all windows, the latest first, each with its day. */
function feedbackSlices(): ProductionSlice[] {
  return [...findings.production_slices].reverse().flatMap((day) => day.slices);
}

function driftingTopics(): Topic[] {
  return [...findings.topic_drift].reverse().flatMap((day) => day.topics);
}

export function productionSlices() {
  const last = findings.production_slices.at(-1);
  if (!last) return null;
  const rows = feedbackSlices();
  const told = last.with_feedback
    ? `In the ${counted(last.days, "day")} up to ${last.day}, ${percent(last.failure_rate)} of ${counted(last.with_feedback, "answer")} with feedback were bad.`
    : last.note || "The logs have no feedback that the settings know.";
  return section(
    "Where users were unhappy",
    el("p", { class: "note" }, told),
    rows.length > 0 &&
      dataTable({
        name: "slices of production",
        plain: true,
        rows,
        href: (row) => address("production", { day: row.day, id: row.slice_id }),
        columns: [
          { key: "name", title: "slice", first: true, value: (row) => row.name },
          { key: "day", title: "days up to", value: (row) => row.day },
          { key: "failure_rate", title: "here", value: (row) => row.failure_rate, render: sliceValue },
          {
            key: "baseline_rate",
            title: "elsewhere",
            number: true,
            value: (row) => row.baseline_rate,
            render: (row) => row.claim.outside_text,
          },
          { key: "size", title: "answers", number: true, value: (row) => row.size, render: (row) => count(row.size) },
          {
            key: "adjusted_p_value",
            title: "adj. p",
            number: true,
            value: (row) => row.adjusted_p_value,
            render: (row) => pValue(row.adjusted_p_value),
          },
        ],
      }),
  );
}

export function driftSection() {
  const rows = driftingTopics();
  if (!rows.length) return null;
  return section(
    "Topics that changed",
    el("p", { class: "note" }, "The share of a topic in the days up to the one named, against the days before them."),
    dataTable({
      name: "topics that changed",
      plain: true,
      rows,
      href: (row) => address("topic", { day: row.day, id: row.topic_id }),
      columns: [
        { key: "name", title: "topic", first: true, value: (row) => row.name },
        { key: "kind", title: "change", value: (row) => row.kind, render: (row) => spoken(row.kind) },
        { key: "day", title: "days up to", value: (row) => row.day },
        {
          key: "previous_share",
          title: "before",
          number: true,
          value: (row) => row.previous_share,
          render: (row) => percent(row.previous_share),
        },
        {
          key: "current_share",
          title: "now",
          value: (row) => row.current_share,
          render: (row) =>
            rateCell({
              rate: row.current_share,
              low: row.current_share_low,
              high: row.current_share_high,
              mark: row.previous_share,
            }),
        },
        {
          key: "adjusted_p_value",
          title: "adj. p",
          number: true,
          value: (row) => row.adjusted_p_value,
          render: (row) => pValue(row.adjusted_p_value),
        },
      ],
    }),
  );
}

export async function productionSliceView() {
  const { day, id } = currentRoute().parameters;
  const found = feedbackSlices().find((one) => one.day === day && one.slice_id === id);
  if (!found) return notFound("slice of production", "coverage");
  return page(
    found.name,
    crumbs([["What the tests never ask", link("coverage")]]),
    el("p", { class: "lead" }, `Production up to ${found.day}`, found.description && `. ${found.description}`),
    el("div", { class: "columns" }, el("div", null, sliceRates(found), sliceWhy({ ...found, dataset: "" })), el("div")),
    findings.scope.texts && section("Examples", pagedList(found.examples, loggedAnswer, { step: 6 })),
    sliceFacts(found),
  );
}

function loggedAnswer(example: SliceExample) {
  const failed = example.failed === null ? -1 : Number(example.failed);
  return el(
    "article",
    { class: `example ${verdictClass(failed)}` },
    el("header", null, el("strong", null, example.example_id), verdict(failed)),
    el(
      "dl",
      { class: "facts" },
      fact("prompt", textBlock(example.prompt)),
      fact("answer", textBlock(example.response)),
      example.reference && fact("expected", textBlock(example.reference)),
    ),
  );
}

export async function topicView() {
  const { day, id } = currentRoute().parameters;
  const topic = driftingTopics().find((one) => one.day === day && one.topic_id === id);
  if (!topic) return notFound("topic", "coverage");
  return page(
    topic.name,
    crumbs([["What the tests never ask", link("coverage")]]),
    el("p", { class: "lead" }, `${spoken(topic.kind)} in the days up to ${topic.day}. ${topic.description}`),
    el(
      "div",
      { class: "panel" },
      twoRates(
        {
          label: "now",
          rate: topic.current_share,
          note: `of traffic (${percentRange(topic.current_share_low, topic.current_share_high)}), ${counted(topic.current_rows, "prompt")}`,
        },
        {
          label: "before",
          rate: topic.previous_share,
          note: `(${percentRange(topic.previous_share_low, topic.previous_share_high)}), ${counted(topic.previous_rows, "prompt")}`,
        },
      ),
      el("p", { class: "note" }, `${topic.claim.told} Named by ${topic.named_by}.`),
      claimBasis(topic.claim),
    ),
    findings.scope.texts &&
      section(
        "What is asked",
        pagedList(topic.representative_prompts, (prompt) => el("div", { class: "asked" }, textBlock(prompt))),
      ),
  );
}
