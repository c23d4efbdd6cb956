// Every example of the report: found by its texts, and one with all models' answers.

import type { Examples } from "../data/examples.ts";
import { allSlices, findings, type Judgment, sampleSentence } from "../data/findings.ts";
import { LABEL_FILTERS } from "../data/label_filters.ts";
import { source } from "../data/open.ts";
import type { Found } from "../data/source.ts";
import { criteriaList, judgmentFact } from "../examples/cards.ts";
import { labelFact } from "../examples/labels.ts";
import { exampleColumns, exampleExports, kindField } from "../examples/table.ts";
import { chosenScope, currentRoute, link, note, sliceLink } from "../route.ts";
import { el } from "../ui/dom.ts";
import { count, counted, figure } from "../ui/format.ts";
import { crumbs, fact, folded, moreButton, notFound, page, trouble, verdict, verdictClass } from "../ui/layout.ts";
import { headCell, ROWS_AT_ONCE, selectField, tableRow, visible } from "../ui/tables.ts";
import { textBlock, whenRead } from "../ui/texts.ts";

/** How long an answer may take before the page says that it waits. */
const PATIENCE_MILLISECONDS = 150;
const MAX_SEARCHED_CHARACTERS = 200;
/** The most answers to one example that are shown. */
const MAX_MODELS = 500;

export async function examplesView() {
  const state = { ...currentRoute().parameters };
  const [table, tally] = [el("div"), el("span", { class: "tally", role: "status" })];
  const exports = el("div", { class: "exports" });
  let asked = new AbortController();
  let labelled = source.keepsLabels;

  const draw = async () => {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    const { q, verdict, kind, label, sort } = state;
    const waiting = setTimeout(() => (tally.textContent = "Reading …"), PATIENCE_MILLISECONDS);
    try {
      const found = await source.find({ ...chosenScope(), q, verdict, kind, label, sort }, ROWS_AT_ONCE, signal);
      if (signal.aborted) return;
      labelled ||= found.examples.columns.label.some(Boolean);
      table.replaceChildren(foundTable(found, state.sort ?? "", sortBy));
      tally.textContent = tallyOf(found.total);
      exports.replaceChildren(exampleExports("examples", found));
    } catch (error) {
      if (signal.aborted) return;
      tally.textContent = "";
      table.replaceChildren(trouble(error, () => void draw()));
      exports.replaceChildren();
    } finally {
      clearTimeout(waiting);
    }
  };
  const choose = (key: string) => (chosen: string) => {
    state[key] = chosen;
    note({ [key]: chosen });
    void draw();
  };
  const sortBy = (key: string) => choose("sort")(state.sort === key ? `-${key}` : state.sort === `-${key}` ? "" : key);
  const search = searchField(state.q ?? "", choose("q"));
  await draw();
  const top = (findings.taxonomy?.categories ?? []).filter((row) => row.depth === 1);
  return page(
    "Examples",
    el("p", { class: "lead" }, sampleSentence()),
    el(
      "div",
      { class: "tools" },
      search,
      selectField("verdicts", ["failed", "passed", "no score"], state.verdict ?? "", choose("verdict")),
      top.length > 0 && kindField(top, state.kind ?? "", choose("kind")),
      labelled && selectField("labels", Object.keys(LABEL_FILTERS), state.label ?? "", choose("label")),
      tally,
      exports,
    ),
    table,
  );
}

function searchField(q: string, choose: (q: string) => void) {
  let typing = 0;
  const ask = () => choose(field.value.trim());
  const field = el("input", {
    type: "search",
    maxlength: MAX_SEARCHED_CHARACTERS,
    placeholder: "Search prompts and answers",
    "aria-label": "Search prompts and answers",
    value: q,
    input: () => {
      clearTimeout(typing);
      if (source.searchMilliseconds) typing = setTimeout(ask, source.searchMilliseconds);
      else ask();
    },
  });
  return field;
}

function tallyOf(found: number) {
  const { shown } = findings.examples;
  return found === shown ? counted(shown, "answer") : `${count(found)} of ${counted(shown, "answer")}`;
}

/** The table of what was found, and the means to see more of it. */
function foundTable(found: Found<number>, sort: string, sortBy: (key: string) => void) {
  if (!found.total) return el("p", { class: "empty" }, "No example fits.");
  const options = exampleColumns(found.examples);
  const body = el(
    "tbody",
    null,
    found.shown.map((row) => tableRow(options, row)),
  );
  const head = visible(options.columns).map((column) => headCell(column, { sort }, () => sortBy(column.key)));
  const more = el("div", { class: "more" });
  const offer = () => more.replaceChildren(...moreButton(found.left, advance));
  async function advance() {
    try {
      body.append(...(await found.more(4 * ROWS_AT_ONCE)).map((row) => tableRow(options, row)));
      offer();
    } catch (error) {
      more.replaceChildren(trouble(error, advance));
    }
  }
  offer();
  const caption = el("caption", { class: "off-screen" }, "examples");
  const table = el("table", { class: "data" }, caption, el("thead", null, el("tr", null, head)), body);
  return el("div", { class: "table-block" }, table, more);
}

export async function exampleView() {
  const { dataset = "", id = "" } = currentRoute().parameters;
  const { examples, total } = await source.find({ dataset, ids: [id] }, MAX_MODELS);
  const rows = examples.ofExample(dataset, id);
  if (!total || !rows.length)
    return notFound(findings.examples.sampled ? "example in this report's sample" : "example", "examples");
  const { columns } = examples;
  const [first] = rows;
  return page(
    id,
    crumbs([["Examples", link("examples", { dataset })]]),
    el("p", { class: "lead" }, `Of ${dataset}, answered by ${counted(rows.length, "model")}.`),
    findings.scope.texts &&
      el(
        "dl",
        { class: "facts" },
        fact(
          "prompt",
          whenRead(examples, columns.prompt[first], (text) => textBlock(text)),
        ),
        columns.full_prompt[first] >= 0 &&
          fact(
            "in full",
            folded("The whole prompt as it was sent", () =>
              whenRead(examples, columns.full_prompt[first], (text) => textBlock(text)),
            ),
          ),
        columns.reference[first] >= 0 &&
          fact(
            "expected",
            whenRead(examples, columns.reference[first], (text) => textBlock(text)),
          ),
      ),
    ...rows.map((row) => answerSection(examples, row)),
  );
}

function answerSection(examples: Examples, row: number) {
  const { columns } = examples;
  const [dataset, model] = [examples.name("dataset", row), examples.name("model", row)];
  const slices = examples
    .slices(row)
    .flatMap(
      (id) =>
        allSlices().find((found) => found.slice_id === id && found.model === model && found.dataset === dataset) ?? [],
    );
  return el(
    "article",
    { class: `example ${verdictClass(columns.failed[row])}` },
    el(
      "header",
      null,
      el("h2", null, model),
      verdict(columns.failed[row]),
      columns.score[row] !== null && el("span", { class: "faint" }, `score ${figure(columns.score[row])}`),
      columns.epochs[row] > 1 &&
        el("span", { class: "faint" }, `mean of ${columns.epochs[row]} repeats; the first is shown`),
    ),
    el(
      "dl",
      { class: "facts" },
      findings.scope.texts &&
        fact(
          "answer",
          whenRead(examples, columns.response[row], (text) => textBlock(text)),
        ),
      judgmentFact(examples, row),
      columns.outcome[row] && labelFact(examples, row),
      slices.length > 0 &&
        fact(
          "slices",
          slices.map((found, index) => [index ? ", " : null, el("a", { href: sliceLink(found) }, found.name)]).flat(),
        ),
    ),
    columns.details[row] >= 0 && whenRead(examples, columns.details[row], (text) => details(text)),
  );
}

function details(text: string | null) {
  const { criteria, reason, metadata }: Partial<Judgment> & { metadata?: object } = JSON.parse(text ?? "{}");
  return el(
    "dl",
    { class: "facts" },
    criteria &&
      fact(
        "criteria",
        folded(counted(criteria.length, "criterion", "criteria"), () => criteriaList(criteria)),
      ),
    reason && fact("reason", reason),
    metadata &&
      fact(
        "metadata",
        folded("What the file says of it", () => el("pre", null, JSON.stringify(metadata, null, 2))),
      ),
  );
}
