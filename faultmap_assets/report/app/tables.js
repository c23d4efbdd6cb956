// A table that can be searched, filtered, sorted, walked through by keys, and taken along.

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {(row: any) => any} value what it sorts by and exports
 * @property {(row: any) => Child | Child[]} [render] what it shows; by default the value
 * @property {boolean} [number] stands right
 * @property {boolean} [first] the name of the row
 * @property {boolean} [minor] left out on narrow screens
 * @property {boolean} [hidden] exported only
 *
 * @typedef {{key: string, label: string, options: string[], matches: (row: any, chosen: string) => boolean}} Filter
 *
 * @typedef {object} TableOptions
 * @property {string} name of the exported file, and of the table for those who hear it
 * @property {string} [unit] what one row is
 * @property {Column[]} columns
 * @property {any[]} rows
 * @property {(row: any) => string} [href] where a row leads
 * @property {(row: any) => string} [text] what the search looks in
 * @property {Filter[]} [filters]
 * @property {string} [sort] "key" or "-key"
 * @property {string} [empty] what to say where there is no row
 * @property {boolean} [plain] without search, sorting kept out of the address
 * @property {(row: any | null) => void} [hover]
 */

const ROWS_AT_ONCE = 50;

/** @param {TableOptions} options @returns {HTMLElement} */
function dataTable(options) {
  if (!options.rows.length) return el("p", { class: "empty" }, options.empty ?? "Nothing to show.");
  const state = tableState(options);
  const body = el("tbody");
  const head = el("thead");
  const more = el("div", { class: "more" });
  const tally = el("span", { class: "tally", role: "status" });
  /** @type {any[]} */
  let shown = [];
  const texts = new Map();

  function matches(/** @type {any} */ row) {
    for (const filter of options.filters ?? []) {
      const chosen = state.filters[filter.key];
      if (chosen && !filter.matches(row, chosen)) return false;
    }
    if (!state.query || !options.text) return true;
    if (!texts.has(row)) texts.set(row, options.text(row).toLowerCase());
    return state.query
      .toLowerCase()
      .split(/\s+/)
      .every((word) => texts.get(row).includes(word));
  }

  function refresh(limit = ROWS_AT_ONCE) {
    shown = sorted(options.rows.filter(matches), options.columns, state.sort);
    drawHead();
    body.replaceChildren(...shown.slice(0, limit).map((row) => tableRow(options, row)));
    tally.textContent =
      shown.length === options.rows.length ? count(shown.length) : `${count(shown.length)} of ${count(options.rows.length)}`;
    tally.textContent += ` ${options.rows.length === 1 ? options.unit ?? "row" : `${options.unit ?? "row"}s`}`;
    const left = shown.length - limit;
    more.replaceChildren(
      ...(left > 0
        ? [el("button", { type: "button", class: "quiet", click: () => refresh(limit + 4 * ROWS_AT_ONCE) }, `Show more (${count(left)} left)`)]
        : []),
    );
  }

  function drawHead() {
    head.replaceChildren(el("tr", null, ...visible(options.columns).map((column) => headCell(column, state, sortBy))));
  }

  function sortBy(/** @type {Column} */ column) {
    const falling = `-${column.key}`;
    state.sort = state.sort === falling ? column.key : state.sort === column.key ? falling : column.number ? falling : column.key;
    if (!options.plain) note({ sort: state.sort === options.sort ? null : state.sort });
    refresh();
    /** @type {HTMLElement | null} */ (head.querySelector(`button[data-key="${CSS.escape(column.key)}"]`))?.focus();
  }

  const tools = options.plain
    ? null
    : el(
        "div",
        { class: "tools" },
        options.text && searchField(options, state, refresh),
        ...(options.filters ?? []).map((filter) => filterField(filter, state, refresh)),
        tally,
        exportButtons(options.name.replaceAll(" ", "-"), options.columns, () => shown),
      );
  refresh();
  const table = el("table", { class: "data" }, el("caption", { class: "off-screen" }, options.name), head, body);
  return el("div", { class: "table-block" }, tools, table, more);
}

/** @param {TableOptions} options */
function tableState(options) {
  const { parameters } = currentRoute();
  /** @type {Record<string, string>} */
  const filters = {};
  for (const filter of options.filters ?? []) filters[filter.key] = parameters[filter.key] ?? "";
  const sort = (!options.plain && parameters.sort) || options.sort || "";
  return { query: options.plain ? "" : (parameters.q ?? ""), sort, filters };
}

/** @param {any[]} rows @param {Column[]} columns @param {string} sort */
function sorted(rows, columns, sort) {
  const falling = sort.startsWith("-");
  const column = columns.find((one) => one.key === sort.replace(/^-/, ""));
  if (!column) return rows;
  const keyed = rows.map((row) => ({ row, value: column.value(row) }));
  // What has no value stays last in both directions.
  keyed.sort((a, b) => {
    const missing = Number(a.value === null || a.value === undefined) - Number(b.value === null || b.value === undefined);
    return missing || (falling ? -1 : 1) * compareValues(a.value, b.value);
  });
  return keyed.map((one) => one.row);
}

/** @param {Column[]} columns */
function visible(columns) {
  return columns.filter((column) => !column.hidden);
}

/** @param {Column} column @param {{sort: string}} state @param {(column: Column) => void} sortBy */
function headCell(column, state, sortBy) {
  const order = state.sort === column.key ? "ascending" : state.sort === `-${column.key}` ? "descending" : null;
  return el(
    "th",
    { scope: "col", class: cellClass(column), "aria-sort": order },
    column.title
      ? el("button", { type: "button", class: "sort", "data-key": column.key, click: () => sortBy(column) }, column.title)
      : null,
  );
}

/** @param {TableOptions} options @param {any} row */
function tableRow(options, row) {
  const { hover, href } = options;
  const listeners = hover
    ? { mouseenter: () => hover(row), mouseleave: () => hover(null), focusin: () => hover(row), focusout: () => hover(null) }
    : null;
  const cells = visible(options.columns).map((column) => {
    const content = column.render ? column.render(row) : column.value(row);
    const told = column.first && href ? el("a", { class: "row-link", href: href(row) }, content) : el("div", null, content);
    const classes = [cellClass(column), content === "" || content === null ? "blank" : null].filter(Boolean).join(" ");
    return el(column.first ? "th" : "td", { class: classes || null, "data-label": column.title, scope: column.first ? "row" : null }, told);
  });
  return el("tr", listeners, cells);
}

/** @param {Column} column */
function cellClass(column) {
  const kinds = [column.number && "number", column.first && "first", column.minor && "minor"].filter(Boolean);
  return kinds.length ? kinds.join(" ") : null;
}

/** @param {TableOptions} options @param {{query: string}} state @param {() => void} refresh */
function searchField(options, state, refresh) {
  const field = /** @type {HTMLInputElement} */ (
    el("input", { type: "search", placeholder: "Search", "aria-label": `Search ${options.name}`, value: state.query, input: onInput })
  );
  function onInput() {
    state.query = field.value.trim();
    note({ q: state.query });
    refresh();
  }
  return field;
}

/** @param {Filter} filter @param {{filters: Record<string, string>}} state @param {() => void} refresh */
function filterField(filter, state, refresh) {
  if (filter.options.length < 2) return null;
  return selectField(filter.label, filter.options, state.filters[filter.key], (chosen) => {
    state.filters[filter.key] = chosen;
    note({ [filter.key]: chosen });
    refresh();
  }, { say: spoken });
}

/**
 * A choice among texts; "" is all of them.
 * @param {string} label
 * @param {string[]} options
 * @param {string} chosen
 * @param {(chosen: string) => void} change
 * @param {{all?: boolean, say?: (option: string) => string}} [choice] all: whether "" can be chosen
 */
function selectField(label, options, chosen, change, { all = true, say = (option) => option } = {}) {
  const field = /** @type {HTMLSelectElement} */ (
    el(
      "select",
      { "aria-label": label, change: () => change(field.value) },
      all && el("option", { value: "" }, `All ${label}`),
      options.map((option) => el("option", { value: option, selected: option === chosen }, say(option))),
    )
  );
  return field;
}

/**
 * A list that shows a few entries at a time.
 * @template Entry
 * @param {Entry[]} entries
 * @param {(entry: Entry) => Node} show
 * @param {{step?: number, empty?: string}} [options]
 */
function pagedList(entries, show, { step = 10, empty = "None." } = {}) {
  const list = el("div", { class: "list" });
  const more = el("div", { class: "more" });
  let number = 0;
  function advance() {
    list.append(...entries.slice(number, number + step).map(show));
    number += step;
    const left = entries.length - number;
    more.replaceChildren(
      ...(left > 0 ? [el("button", { type: "button", class: "quiet", click: advance }, `Show more (${count(left)} left)`)] : []),
    );
  }
  if (entries.length) advance();
  else list.append(el("p", { class: "empty" }, empty));
  return el("div", null, list, more);
}
