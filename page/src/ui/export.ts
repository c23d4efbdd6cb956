// What is shown can be taken along: copied, or saved as CSV or JSON.

import { el } from "./dom.ts";

export interface Exported<Row> {
  key: string;
  title: string;
  /** what it exports, and sorts by */
  value: (row: Row) => string | number | boolean | null | undefined;
}

/** Spreadsheets run a cell that starts like this as a formula. */
const FORMULA = /^[=+\-@\t\r\n]/;

function csvCell(value: string | number | boolean | null | undefined) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function csvText<Row>(columns: Exported<Row>[], rows: Row[]) {
  const lines = rows.map((row) => columns.map((column) => csvCell(column.value(row))).join(","));
  return [columns.map((column) => csvCell(column.key)).join(","), ...lines, ""].join("\r\n");
}

function jsonText<Row>(columns: Exported<Row>[], rows: Row[]) {
  const records = rows.map((row) =>
    Object.fromEntries(columns.map((column) => [column.key, column.value(row) ?? null])),
  );
  return `${JSON.stringify(records, null, 1)}\n`;
}

function jsonLines<Row>(columns: Exported<Row>[], rows: Row[]) {
  return rows
    .map((row) => JSON.stringify(Object.fromEntries(columns.map((column) => [column.key, column.value(row) ?? null]))))
    .join("\n");
}

/** Save a text as a file. */
function save(name: string, type: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** @returns whether it is on the clipboard */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without the permission the older way may still work.
    const area = el("textarea", { class: "off-screen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}

/**
 * The buttons that take along what a list shows.
 * @param name of the file, without ending
 * @param shown the rows at the time
 * @param lines also one JSON object a line
 */
export function exportButtons<Row>(
  name: string,
  columns: Exported<Row>[],
  shown: () => Row[] | Promise<Row[]>,
  { lines = false }: { lines?: boolean } = {},
) {
  const copyButton = el("button", { type: "button", class: "quiet", click: onCopy }, "Copy");
  async function onCopy() {
    const done = await copy(csvText(columns, await shown()));
    copyButton.textContent = done ? "Copied" : "Not allowed";
    setTimeout(() => (copyButton.textContent = "Copy"), 1500);
  }
  const saveCsv = async () => save(`${name}.csv`, "text/csv", csvText(columns, await shown()));
  const saveJson = async () => save(`${name}.json`, "application/json", jsonText(columns, await shown()));
  const saveLines = async () => save(`${name}.jsonl`, "application/jsonl", `${jsonLines(columns, await shown())}\n`);
  return el(
    "div",
    { class: "exports", role: "group", "aria-label": "Take along what is shown" },
    copyButton,
    el("button", { type: "button", class: "quiet", click: saveCsv }, "CSV"),
    el("button", { type: "button", class: "quiet", click: saveJson }, "JSON"),
    lines && el("button", { type: "button", class: "quiet", click: saveLines }, "JSONL"),
  );
}
