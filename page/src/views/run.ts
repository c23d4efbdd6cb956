// How the report came about: trends over audits, and the facts of the run.

import { findingName, findings, type Run, sampleSentence, type Trend } from "../data/findings.ts";
import { chosenScope } from "../route.ts";
import { shareOverTime } from "../ui/charts.ts";
import { el } from "../ui/dom.ts";
import { count, counted, figure, spoken } from "../ui/format.ts";
import { fact, page, section } from "../ui/layout.ts";
import { dataTable, pagedList } from "../ui/tables.ts";

export async function trendsView() {
  const { dataset, model } = chosenScope();
  const shown = findings.trends.filter(
    (one) => (!dataset || one.dataset === dataset) && (!model || one.model.split("|").includes(model)),
  );
  return page(
    "Trends",
    el("p", { class: "lead" }, "How findings developed from audit to audit."),
    shown.length === 0 && el("p", { class: "empty" }, "There is one audit so far; the next one makes a trend."),
    shown.length > 0 &&
      pagedList(
        [...shown].sort((a, b) => Number(b.present) - Number(a.present) || b.points.length - a.points.length),
        trendChart,
        { step: 12 },
      ),
  );
}

function trendChart(trend: Trend) {
  const name = findingName(trend);
  const about = [trend.name === trend.kind ? "" : spoken(trend.kind), trend.model, trend.dataset]
    .filter(Boolean)
    .join(" · ");
  const points = trend.points.map((point) => ({ ...point, label: point.label.slice(5) }));
  return el(
    "section",
    { class: "trend" },
    el("h2", null, name),
    el("p", { class: "note" }, about),
    shareOverTime(points, name),
  );
}

export async function runView() {
  const { run } = findings;
  return page(
    "Facts of the run",
    el("p", { class: "lead" }, sampleSentence()),
    section(
      "From the files to the rows",
      run.files.ledger && el("p", { class: "note" }, run.files.ledger),
      rowFacts(run),
    ),
    section("Assets", assetTable(run)),
    section("Language models", spentTable(run)),
    findings.quarantined.length > 0 && section("Rows that were set aside", quarantineTable()),
    Object.keys(run.parameters).length > 0 &&
      section("Parameters", parameterList({ seed: run.seed, ...run.parameters })),
    section("Versions", parameterList({ ...run.versions, embedders: run.embedders })),
  );
}

function rowFacts(run: Run) {
  const { files } = run;
  const judged = findings.judging.reduce((sum, row) => sum + row.rows, 0);
  const outcome = (name: string) =>
    findings.judging.filter((row) => row.outcome === name).reduce((sum, row) => sum + row.rows, 0);
  return el(
    "dl",
    { class: "facts compact" },
    fact("files", count(files.files)),
    fact("rows read", count(files.rows_read)),
    fact("kept", count(files.rows_kept)),
    fact("set aside", count(files.rows_quarantined)),
    fact("repeated", count(files.rows_repeated)),
    fact(
      "failures judged",
      `${count(judged)}: ${count(outcome("error") + outcome("whole_solution_incorrect"))} errors, ${count(outcome("no_error_found"))} without an error, ${count(outcome("failed"))} failed`,
    ),
    findings.taxonomy &&
      fact(
        "taxonomy",
        `version ${findings.taxonomy.version}, made by ${findings.taxonomy.method}${findings.taxonomy.built_from ? ` from ${counted(findings.taxonomy.built_from, "error")}` : ""}`,
      ),
    findings.taxonomy &&
      Object.entries(findings.taxonomy.quality)
        .filter(([, value]) => value !== null && value !== 0)
        .map(([name, value]) => fact(`taxonomy: ${spoken(name)}`, figure(value as number))),
  );
}

function assetTable(run: Run) {
  return dataTable({
    name: "assets",
    plain: true,
    rows: run.assets.filter((row) => row.partitions > 0),
    columns: [
      { key: "asset", title: "asset", first: true, value: (row) => row.asset },
      {
        key: "partitions",
        title: "partitions",
        number: true,
        value: (row) => row.partitions,
        render: (row) => count(row.partitions),
      },
      { key: "rows", title: "rows", number: true, value: (row) => row.rows, render: (row) => count(row.rows) },
      {
        key: "pending",
        title: "pending",
        number: true,
        value: (row) => row.pending,
        render: (row) => count(row.pending),
      },
      {
        key: "blocked",
        title: "held back by a check",
        number: true,
        value: (row) => row.blocked,
        render: (row) => count(row.blocked),
      },
      { key: "code_version", title: "code version", number: true, value: (row) => row.code_version },
    ],
  });
}

function spentTable(run: Run) {
  return dataTable({
    name: "what language models cost",
    plain: true,
    rows: run.spent,
    empty: "No language model was asked: names come from keywords, judgments from rules.",
    columns: [
      { key: "asset", title: "asset", first: true, value: (row) => row.asset },
      { key: "model", title: "model", value: (row) => row.model },
      { key: "calls", title: "calls", number: true, value: (row) => row.calls, render: (row) => count(row.calls) },
      { key: "cached", title: "cached", number: true, value: (row) => row.cached, render: (row) => count(row.cached) },
      { key: "failed", title: "failed", number: true, value: (row) => row.failed, render: (row) => count(row.failed) },
      {
        key: "prompt_tokens",
        title: "prompt tokens",
        number: true,
        value: (row) => row.prompt_tokens,
        render: (row) => count(row.prompt_tokens),
      },
      {
        key: "completion_tokens",
        title: "reply tokens",
        number: true,
        value: (row) => row.completion_tokens,
        render: (row) => count(row.completion_tokens),
      },
      {
        key: "cost_usd",
        title: "USD",
        number: true,
        value: (row) => row.cost_usd,
        render: (row) => (row.cost_usd === null ? "unknown" : row.cost_usd.toFixed(2)),
      },
    ],
  });
}

function quarantineTable() {
  return dataTable({
    name: "rows that were set aside",
    plain: true,
    rows: findings.quarantined,
    columns: [
      { key: "reason", title: "reason", first: true, value: (row) => row.reason },
      { key: "path", title: "file", value: (row) => row.path },
      { key: "rows", title: "rows", number: true, value: (row) => row.rows, render: (row) => count(row.rows) },
    ],
  });
}

function parameterList(parameters: object) {
  const rows = flattened(parameters, "");
  return el(
    "dl",
    { class: "facts compact" },
    rows.map(([name, value]) => fact(spoken(name), el("code", null, value))),
  );
}

function flattened(value: object, prefix: string): [string, string][] {
  return Object.entries(value).flatMap(([name, part]) => {
    if (part === null || part === undefined) return [];
    const path = prefix ? `${prefix} · ${name}` : name;
    if (Array.isArray(part)) return part.length ? [[path, part.join(", ")] as [string, string]] : [];
    if (typeof part === "object") return flattened(part, path);
    return [[path, String(part)] as [string, string]];
  });
}
