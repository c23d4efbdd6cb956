// What the report knows: its findings, and the examples behind them, column by column.

/**
 * @typedef {Record<string, any>} Row one entry of the document; report.schema.json says what is in it
 * @typedef {{n: number, names: Record<string, string[]>, columns: Record<string, any[]>, text_starts: number[],
 *   texts?: string[], textOf?: (number: number) => Promise<string | null>}} Packed texts, textOf: of a served page
 */

/** The document without its examples; set before anything is drawn. @type {Row} */
let findings = {};

/** @type {Promise<Packed> | null} */
let packedRows = null;

/** Load the examples' columns; in a served page, those of the maps. @returns {Promise<Packed>} */
function examples() {
  packedRows ??= served ? loadPart("points").then(packedPoints) : loadPart("rows");
  packedRows.catch(() => (packedRows = null));
  return packedRows;
}

/**
 * Return the text with a number, null for none.
 * @param {Packed} packed
 * @param {number} number
 * @returns {Promise<string | null>}
 */
async function textOf(packed, number) {
  if (number < 0) return null;
  if (packed.textOf) return packed.textOf(number);
  if (packed.texts) return packed.texts[number];
  const starts = packed.text_starts;
  let chunk = 0;
  while (starts[chunk + 1] <= number) chunk++;
  return (await loadPart(`texts-${chunk}`))[number - starts[chunk]];
}

/** All texts, by number, once somebody asked for them. @type {string[] | null} */
let everyText = null;

/** @param {Packed} packed @returns {Promise<string[]>} */
async function allTexts(packed) {
  if (packed.texts) return packed.texts;
  everyText ??= (await Promise.all(packed.text_starts.slice(1).map((_, chunk) => loadPart(`texts-${chunk}`)))).flat();
  return everyText;
}

/** The text with a number; `allTexts` has been waited for. @param {Packed} packed @param {number} number @returns {string | null} */
function textNow(packed, number) {
  return number < 0 ? null : ((packed.texts ?? everyText)?.[number] ?? null);
}

/** @param {Packed} packed @param {string} kind @param {number} row @returns {string} */
function nameAt(packed, kind, row) {
  return packed.names[kind][packed.columns[kind][row]] ?? "";
}

/**
 * The numbers of the examples that fulfil a condition.
 * @param {Packed} packed
 * @param {(row: number) => boolean} condition
 */
function rowsWhere(packed, condition) {
  const found = [];
  for (let row = 0; row < packed.n; row++) if (condition(row)) found.push(row);
  return found;
}

/**
 * The numbers of one model's examples on one dataset.
 * @param {Packed} packed
 * @param {string} dataset
 * @param {string} model
 */
function rowsOf(packed, dataset, model) {
  const [d, m] = [packed.names.dataset.indexOf(dataset), packed.names.model.indexOf(model)];
  return rowsWhere(packed, (row) => packed.columns.dataset[row] === d && packed.columns.model[row] === m);
}

/**
 * All models' rows of one example.
 * @param {Packed} packed
 * @param {string} dataset
 * @param {string} exampleId
 */
function rowsOfExample(packed, dataset, exampleId) {
  const d = packed.names.dataset.indexOf(dataset);
  return rowsWhere(packed, (row) => packed.columns.example_id[row] === exampleId && packed.columns.dataset[row] === d);
}

/** All slices of all audits, each with its dataset and model. @returns {Row[]} */
function allSlices() {
  return findings.audits.flatMap((/** @type {Row} */ audit) => audit.slices);
}

/** All gaps, the latest day first, each with its day. @returns {Row[]} */
function allGaps() {
  return [...findings.coverage]
    .reverse()
    .flatMap((/** @type {Row} */ day) => day.gaps.map((/** @type {Row} */ gap) => ({ ...gap, day: day.day })));
}

/** @param {string} id @returns {Row | undefined} */
function categoryOf(id) {
  return (findings.taxonomy?.categories ?? []).find((/** @type {Row} */ one) => one.category_id === id);
}

/** A category and those above it, from the top. @param {string} id @returns {Row[]} */
function categoryPath(id) {
  const path = [];
  for (let at = categoryOf(id); at; at = at.parent_id ? categoryOf(at.parent_id) : undefined) path.unshift(at);
  return path;
}

/** @param {string} id */
function categoryName(id) {
  return id === "unclassified" ? "unclassified" : (categoryOf(id)?.name ?? id);
}

/** @param {string} place a category's id @param {string} id @returns {boolean} whether it is that category or below it */
function isWithin(place, id) {
  return place === id || place.startsWith(`${id}/`);
}

/** Which datasets and models the report has. */
function datasets() {
  return [...new Set(findings.audits.map((/** @type {Row} */ audit) => audit.dataset))];
}

function models() {
  return [...new Set(findings.audits.map((/** @type {Row} */ audit) => audit.model))].sort();
}

/** @param {string} dataset @param {string} model @returns {Row | undefined} */
function auditOf(dataset, model) {
  return findings.audits.find((/** @type {Row} */ audit) => audit.dataset === dataset && audit.model === model);
}
