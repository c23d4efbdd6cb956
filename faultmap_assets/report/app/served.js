// The examples of a served page: found by the server, page by page, and kept here as a file has them.

/** The most that is taken along at once. */
const MOST_EXPORTED = 20_000;
const EXPORT_STEP = 500;
const SETTLE_MILLISECONDS = 150;

/** @returns {Packed} */
function emptyPacked() {
  const names = { dataset: [], model: [], category_id: [], error_title: [], slice: [] };
  const kept = ["example_id", "failed", "score", "epochs", "outcome", "judged_by", "label", ...PLACES];
  const columns = Object.fromEntries([...Object.keys(names), ...kept, ...TEXT_COLUMNS].map((name) => [name, /** @type {any[]} */ ([])]));
  return { n: 0, names, columns, text_starts: [0], texts: [] };
}

/** Where a point lies on the map, flat and in space. */
const PLACES = ["x", "y", "x_3d", "y_3d", "z_3d"];
const TEXT_COLUMNS = ["prompt", "full_prompt", "response", "reference", "error_summary", "details"];

/**
 * Put rows of the document behind those that are there; return their numbers.
 * @param {Packed} packed
 * @param {Row[]} rows
 */
function addRows(packed, rows) {
  const numberOf = (/** @type {string} */ kind, /** @type {string | null | undefined} */ name) => {
    if (!name) return -1;
    const known = packed.names[kind];
    const at = known.indexOf(name);
    return at >= 0 ? at : known.push(name) - 1;
  };
  return rows.map((row) => {
    const judgment = row.judgment ?? {};
    const details = { metadata: row.metadata, criteria: judgment.criteria, reason: judgment.reason };
    const told = Object.entries(details).filter(([, value]) => value && (typeof value !== "object" || Object.keys(value).length));
    /** @type {Record<string, any>} */
    const values = {
      ...row,
      ...Object.fromEntries(["dataset", "model", "category_id"].map((kind) => [kind, numberOf(kind, row[kind])])),
      error_title: numberOf("error_title", judgment.error_title),
      slice: row.slices.map((/** @type {string} */ id) => numberOf("slice", id)),
      failed: row.failed === null ? -1 : Number(row.failed),
      outcome: judgment.outcome ?? null,
      judged_by: judgment.judged_by ?? null,
    };
    /** @type {Row} */
    const texts = { ...row, error_summary: judgment.error_summary || null, details: told.length ? JSON.stringify(Object.fromEntries(told)) : null };
    for (const name of TEXT_COLUMNS) values[name] = texts[name] === null || texts[name] === undefined ? -1 : /** @type {string[]} */ (packed.texts).push(texts[name]) - 1;
    for (const [name, column] of Object.entries(packed.columns)) column.push(values[name] ?? null);
    return packed.n++;
  });
}

/**
 * The points of the maps as a file has them; the prompt of one is asked for when somebody points at it.
 * @param {Row} points
 * @returns {Packed}
 */
function packedPoints({ columns }) {
  const packed = emptyPacked();
  addRows(packed, columns.example_id.map((/** @type {string} */ example_id, /** @type {number} */ row) => ({
    ...Object.fromEntries(["dataset", "model", "failed", "slices", ...PLACES].map((name) => [name, columns[name][row]])),
    example_id,
  })));
  packed.columns.prompt = columns.example_id.map((/** @type {string} */ _, /** @type {number} */ row) => row);
  let wanted = -1;
  packed.textOf = async (row) => {
    wanted = row;
    await new Promise((settled) => setTimeout(settled, SETTLE_MILLISECONDS));
    if (wanted !== row) return null;
    const found = await askServer("examples", { dataset: columns.dataset[row], model: columns.model[row], id: [columns.example_id[row]], limit: 1 });
    return found.rows[0]?.prompt ?? null;
  };
  return packed;
}

/**
 * @typedef {object} Found examples that fit a question, as far as they are here
 * @property {Packed} packed
 * @property {number[]} rows
 * @property {number} total how many fit
 * @property {(limit: number, signal?: AbortSignal) => Promise<number[]>} more ask for the next ones
 * @property {() => Promise<void>} ready ask for all that are taken along
 */

/**
 * @param {Asked} query as the server takes it
 * @param {string} [path]
 * @returns {Found}
 */
function findExamples(query, path = "examples") {
  const packed = emptyPacked();
  let offset = 0;
  /** @type {Found} */
  const found = { packed, rows: [], total: 0, more, ready };
  /** @param {number} limit @param {AbortSignal} [signal] */
  async function more(limit, signal) {
    const answer = await askServer(path, { ...query, offset, limit }, signal);
    offset += limit;
    found.total = answer.total;
    const added = addRows(packed, answer.rows);
    found.rows.push(...added);
    return added;
  }
  async function ready() {
    while (offset < Math.min(found.total, MOST_EXPORTED)) await more(EXPORT_STEP);
  }
  return found;
}

/**
 * The examples of a dataset with these ids, with all that is told of them.
 * @param {string} dataset
 * @param {string[]} ids
 * @returns {Promise<Packed>}
 */
async function examplesNamed(dataset, ids) {
  if (!served) return examples();
  const found = findExamples({ dataset, id: ids.slice(0, 50) });
  if (ids.length) await found.more(EXPORT_STEP);
  return found.packed;
}

/**
 * What was found, a few at a time; the rest is asked for.
 * @param {Found} found
 * @param {(rows: number[]) => Node[]} show
 * @param {{step: number, place: HTMLElement, empty: string, each?: number, tell?: () => void}} options each: rows of one entry
 */
async function foundList(found, show, { step, place, empty, each = 1, tell = () => undefined }) {
  const more = el("div", { class: "more" });
  async function advance() {
    more.replaceChildren(el("span", { class: "faint" }, "Reading …"));
    try {
      place.append(...show(await found.more(step)));
      const left = found.total - found.rows.length / each;
      more.replaceChildren(...(left > 0 ? [el("button", { type: "button", class: "quiet", click: advance }, `Show more (${count(left)} left)`)] : []));
      if (!found.total) more.replaceChildren(el("p", { class: "empty" }, empty));
    } catch (error) {
      more.replaceChildren(trouble(error, advance));
    }
    tell();
  }
  await advance();
  return more;
}

/** What went wrong, and another try. @param {unknown} error @param {() => void} again */
function trouble(error, again) {
  return el("p", { class: "trouble", role: "alert" }, `${/** @type {Error} */ (error).message} `, el("button", { type: "button", class: "quiet", click: again }, "Try again"));
}
