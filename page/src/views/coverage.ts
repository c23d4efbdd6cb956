// What the tests never ask: coverage by day, the gaps, and their prompts as test cases.

import { allGaps, type Day, type DayGap, findings } from "../data/findings.ts";
import { currentRoute, gapLink, link } from "../route.ts";
import { rateCell, shareOverTime } from "../ui/charts.ts";
import { el } from "../ui/dom.ts";
import { exportButtons, type Exported } from "../ui/export.ts";
import { count, counted, figure, percent, pValue } from "../ui/format.ts";
import { crumbs, fact, notFound, page, section } from "../ui/layout.ts";
import { dataTable, pagedList } from "../ui/tables.ts";
import { textBlock } from "../ui/texts.ts";
import { driftSection, productionSlices } from "./production.ts";
import { sliceWhy } from "./slice_parts.ts";

export async function coverageView() {
  const days = findings.coverage;
  const last = days.at(-1);
  if (!last) {
    return page(
      "Coverage",
      el(
        "p",
        { class: "empty" },
        findings.scope.datasets || findings.scope.models
          ? "Coverage is told in the report of the whole warehouse."
          : "No production log has been audited: run ",
        !(findings.scope.datasets || findings.scope.models) && el("code", null, "faultmap coverage LOGS"),
      ),
    );
  }
  return page(
    "What the tests never ask",
    el(
      "p",
      { class: "lead" },
      `About ${percent(last.coverage)} of production on ${last.day} is like something that is tested. A gap is a region of a day's prompts that demonstrably lacks tests.`,
    ),
    days.length > 1 &&
      section(
        "Coverage by day",
        shareOverTime(
          days.map((day) => ({
            label: day.day.slice(5),
            value: day.coverage,
            low: day.coverage_low,
            high: day.coverage_high,
          })),
          "Coverage",
        ),
        el(
          "p",
          { class: "note" },
          "The estimate and the range that prompts leave open whose region is too small to tell.",
        ),
      ),
    section("Gaps", gapTable()),
    productionSlices(),
    driftSection(),
    section("Days", dayTable(days)),
  );
}

function gapTable() {
  const gaps = allGaps();
  return dataTable({
    name: "gaps",
    unit: "gap",
    rows: gaps,
    href: gapLink,
    text: (row) => [row.name, row.description, row.day, row.kind].join(" "),
    filters: [
      {
        key: "day",
        label: "days",
        options: [...new Set(gaps.map((gap) => gap.day))],
        matches: (row, day) => row.day === day,
      },
      {
        key: "kind",
        label: "kinds",
        options: [...new Set(gaps.map((gap) => gap.kind))],
        matches: (row, kind) => row.kind === kind,
      },
    ],
    sort: "-traffic_share",
    empty: "No region demonstrably lacks tests.",
    columns: [
      { key: "name", title: "what is not tested", first: true, value: (row) => row.name },
      { key: "day", title: "day", value: (row) => row.day, render: (row) => el("span", { class: "day" }, row.day) },
      { key: "kind", title: "kind", value: (row) => row.kind },
      {
        key: "traffic_share",
        title: "of traffic",
        value: (row) => row.traffic_share,
        render: (row) => rateCell({ rate: row.traffic_share }),
      },
      { key: "size", title: "prompts", number: true, value: (row) => row.size, render: (row) => count(row.size) },
      { key: "tests", title: "tests", number: true, value: (row) => row.tests, render: (row) => count(row.tests) },
      {
        key: "expected_tests",
        title: "tests expected",
        number: true,
        value: (row) => row.expected_tests,
        render: (row) => count(Math.round(row.expected_tests)),
      },
      { key: "gap_id", title: "id", hidden: true, value: (row) => row.gap_id },
    ],
  });
}

function dayTable(days: Day[]) {
  return dataTable({
    name: "days",
    plain: true,
    rows: days,
    sort: "-day",
    columns: [
      { key: "day", title: "day", first: true, value: (row) => row.day },
      {
        key: "production",
        title: "prompts",
        number: true,
        value: (row) => row.production,
        render: (row) => count(row.production),
      },
      { key: "tests", title: "tests", number: true, value: (row) => row.tests, render: (row) => count(row.tests) },
      {
        key: "coverage",
        title: "coverage",
        value: (row) => row.coverage,
        render: (row) => rateCell({ rate: row.coverage, low: row.coverage_low, high: row.coverage_high }),
      },
      {
        key: "in_gaps",
        title: "in gaps",
        number: true,
        value: (row) => row.in_gaps,
        render: (row) => percent(row.in_gaps),
      },
      {
        key: "undetermined",
        title: "undetermined",
        number: true,
        value: (row) => row.undetermined,
        render: (row) => percent(row.undetermined),
      },
      {
        key: "outliers",
        title: "outliers",
        number: true,
        value: (row) => row.outliers,
        render: (row) => count(row.outliers),
      },
    ],
  });
}

export async function gapView() {
  const { day, id } = currentRoute().parameters;
  const gap = allGaps().find((one) => one.day === day && one.gap_id === id);
  if (!gap) return notFound("gap", "coverage");
  return page(
    gap.name,
    crumbs([["What the tests never ask", link("coverage")]]),
    el("p", { class: "lead" }, `${percent(gap.traffic_share)} of production on ${gap.day}. ${gap.description}`),
    el(
      "dl",
      { class: "facts compact" },
      fact("kind", gap.kind),
      fact("prompts", `${count(gap.size)}, ${count(gap.prompts)} of them distinct`),
      fact("tests", `${count(gap.tests)} where ${count(Math.round(gap.expected_tests))} would be expected`),
      gap.adjusted_p_value !== null && fact("adjusted p", pValue(gap.adjusted_p_value)),
      fact("id", el("code", null, gap.gap_id)),
    ),
    sliceWhy(gap),
    findings.scope.texts &&
      el(
        "div",
        { class: "columns" },
        section("What is asked", promptList(gap)),
        section("The nearest tests", nearestTests(gap)),
      ),
  );
}

function promptList(gap: DayGap) {
  // Of a region with too few tests the log's rows are not kept: its typical prompts stand for them.
  const asked = gap.prompts_asked.length
    ? gap.prompts_asked
    : gap.representative_prompts.map((prompt, index) => ({
        prompt,
        source: "",
        log_id: `${gap.gap_id}-${index + 1}`,
      }));
  const columns: Exported<DayGap["prompts_asked"][number]>[] = [
    { key: "example_id", title: "example_id", value: (row) => `${gap.day}-${row.log_id}` },
    { key: "input_text", title: "input_text", value: (row) => row.prompt },
    { key: "source", title: "source", value: (row) => row.source },
    { key: "day", title: "day", value: () => gap.day },
    { key: "log_id", title: "log_id", value: (row) => row.log_id },
    { key: "gap", title: "gap", value: () => gap.name },
  ];
  return [
    el(
      "div",
      { class: "tools" },
      el(
        "span",
        { class: "tally" },
        asked.length < gap.size
          ? `${count(asked.length)} of ${counted(gap.size, "prompt")}`
          : counted(gap.size, "prompt"),
      ),
      el("span", { class: "field" }, "as test cases:"),
      exportButtons(`tests-${gap.gap_id}`, columns, () => asked, { lines: true }),
    ),
    pagedList(asked, (row) => el("div", { class: "asked" }, textBlock(row.prompt)), { step: 10 }),
  ];
}

function nearestTests(gap: DayGap) {
  return el(
    "ul",
    { class: "plain-list" },
    gap.nearest_tests.map((test) =>
      el("li", null, textBlock(test.prompt), el("span", { class: "faint" }, `distance ${figure(test.distance)}`)),
    ),
  );
}
