// What a table of examples shows, and what is taken along of them.

import type { Category } from "../data/document.ts";
import type { Examples } from "../data/examples.ts";
import { datasets, findings } from "../data/findings.ts";
import type { Found } from "../data/source.ts";
import { exampleLink } from "../route.ts";
import { el } from "../ui/dom.ts";
import { exportButtons, type Exported } from "../ui/export.ts";
import { shortened, verdictName } from "../ui/format.ts";
import { verdict } from "../ui/layout.ts";
import type { TableOptions } from "../ui/tables.ts";
import { whenRead } from "../ui/texts.ts";
import { labelName } from "./labels.ts";

export function kindField(top: Category[], chosen: string, change: (id: string) => void) {
  const field = el(
    "select",
    { "aria-label": "kinds of error", change: () => change(field.value) },
    el("option", { value: "" }, "All kinds of error"),
    top.map((row) =>
      el("option", { value: row.category_id, selected: row.category_id === chosen }, shortened(row.name, 50)),
    ),
  );
  return field;
}

/** What a table of examples shows. */
export function exampleColumns(examples: Examples): TableOptions<number> {
  const { columns } = examples;
  return {
    name: "examples",
    rows: [],
    href: (row) => exampleLink(examples.name("dataset", row), columns.example_id[row]),
    empty: "No example fits.",
    columns: [
      { key: "example_id", title: "example", first: true, value: (row) => columns.example_id[row] },
      { key: "model", title: "model", value: (row) => examples.name("model", row) },
      { key: "dataset", title: "dataset", value: (row) => examples.name("dataset", row), minor: datasets().length < 2 },
      {
        key: "verdict",
        title: "verdict",
        value: (row) => verdictName(columns.failed[row]),
        render: (row) => verdict(columns.failed[row]),
      },
      ...(findings.scope.texts
        ? [
            {
              key: "prompt",
              title: "prompt",
              unsorted: true,
              value: () => null,
              render: (row: number) =>
                whenRead(examples, columns.prompt[row], (text) => el("span", null, shortened(text ?? "", 110))),
            },
          ]
        : []),
      {
        key: "error",
        title: "error",
        value: (row) => examples.name("error_title", row),
        render: (row) => shortened(examples.name("error_title", row), 60),
      },
      ...(columns.label.some(Boolean)
        ? [{ key: "label", title: "label", value: (row: number) => labelName(columns.label[row]) }]
        : []),
    ],
  };
}

/** What is taken along of examples. */
function exampleExport(examples: Examples): Exported<number>[] {
  const { columns } = examples;
  const texts = ["prompt", "response", "reference", "error_summary"] as const;
  return [
    { key: "dataset", title: "dataset", value: (row) => examples.name("dataset", row) },
    { key: "model", title: "model", value: (row) => examples.name("model", row) },
    { key: "example_id", title: "example_id", value: (row) => columns.example_id[row] },
    { key: "failed", title: "failed", value: (row) => (columns.failed[row] < 0 ? null : columns.failed[row] === 1) },
    { key: "score", title: "score", value: (row) => columns.score[row] },
    { key: "category_id", title: "category_id", value: (row) => examples.name("category_id", row) || null },
    { key: "error_title", title: "error_title", value: (row) => examples.name("error_title", row) || null },
    { key: "label", title: "label", value: (row) => labelName(columns.label[row]) || null },
    { key: "slices", title: "slices", value: (row) => examples.slices(row).join(" ") },
    ...(findings.scope.texts
      ? texts.map((key) => ({ key, title: key, value: (row: number) => examples.textNow(columns[key][row]) }))
      : []),
  ];
}

/** The buttons that take along examples, texts and all. */
export function exampleExports(name: string, found: Found<number>) {
  return exportButtons(name, exampleExport(found.examples), () => found.all());
}
