// What is shown can be taken along: copied, or saved as CSV or JSON.

/** @typedef {{key: string, title: string, value: (row: any) => any}} Exported */

/** Spreadsheets run a cell that starts like this as a formula. */
const FORMULA = /^[=+\-@\t\r\n]/;

/** @param {unknown} value */
function csvCell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** @param {Exported[]} columns @param {any[]} rows */
function csvText(columns, rows) {
  const lines = rows.map((row) => columns.map((column) => csvCell(column.value(row))).join(","));
  return [columns.map((column) => csvCell(column.key)).join(","), ...lines, ""].join("\r\n");
}

/** @param {Exported[]} columns @param {any[]} rows */
function jsonText(columns, rows) {
  const records = rows.map((row) => Object.fromEntries(columns.map((column) => [column.key, column.value(row) ?? null])));
  return `${JSON.stringify(records, null, 1)}\n`;
}

/** @param {Exported[]} columns @param {any[]} rows */
function jsonLines(columns, rows) {
  return rows
    .map((row) => JSON.stringify(Object.fromEntries(columns.map((column) => [column.key, column.value(row) ?? null]))))
    .join("\n");
}

/**
 * Save a text as a file.
 * @param {string} name
 * @param {string} type
 * @param {string} text
 */
function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** @param {string} text @returns {Promise<boolean>} whether it is on the clipboard */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without the permission the older way may still work.
    const area = /** @type {HTMLTextAreaElement} */ (el("textarea", { class: "off-screen", "aria-hidden": "true" }));
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
 * @param {string} name of the file, without ending
 * @param {Exported[]} columns
 * @param {() => any[]} shown the rows at the time
 * @param {{lines?: boolean, ready?: () => Promise<unknown>}} [options] lines: also one JSON object a line; ready: what
 *   the values wait for
 */
function exportButtons(name, columns, shown, { lines = false, ready = async () => undefined } = {}) {
  const copyButton = el("button", { type: "button", class: "quiet", click: onCopy }, "Copy");
  async function onCopy() {
    await ready();
    const done = await copy(csvText(columns, shown()));
    copyButton.textContent = done ? "Copied" : "Not allowed";
    setTimeout(() => (copyButton.textContent = "Copy"), 1500);
  }
  const saveCsv = () => ready().then(() => save(`${name}.csv`, "text/csv", csvText(columns, shown())));
  const saveJson = () => ready().then(() => save(`${name}.json`, "application/json", jsonText(columns, shown())));
  const saveLines = () => ready().then(() => save(`${name}.jsonl`, "application/jsonl", `${jsonLines(columns, shown())}\n`));
  return el(
    "div",
    { class: "exports", role: "group", "aria-label": "Take along what is shown" },
    copyButton,
    el("button", { type: "button", class: "quiet", click: saveCsv }, "CSV"),
    el("button", { type: "button", class: "quiet", click: saveJson }, "JSON"),
    lines && el("button", { type: "button", class: "quiet", click: saveLines }, "JSONL"),
  );
}
