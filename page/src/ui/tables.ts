// A table that can be searched, filtered, sorted, walked through by keys, and taken along.

import { currentRoute, note } from "../route.ts";
import { type Child, el } from "./dom.ts";
import { exportButtons, type Exported } from "./export.ts";
import { compareValues, count, spoken } from "./format.ts";
import { moreButton } from "./layout.ts";

export interface Column<Row> extends Exported<Row> {
  value: (row: Row) => string | number | null | undefined;
  /** what it shows; by default the value */
  render?: (row: Row) => Child | Child[];
  /** stands right */
  number?: boolean;
  /** the name of the row */
  first?: boolean;
  /** left out on narrow screens */
  minor?: boolean;
  /** cannot be sorted by */
  unsorted?: boolean;
  /** exported only */
  hidden?: boolean;
}

export interface Filter<Row> {
  key: string;
  label: string;
  options: string[];
  matches: (row: Row, chosen: string) => boolean;
}

export interface TableOptions<Row> {
  /** of the exported file, and of the table for those who hear it */
  name: string;
  /** what one row is */
  unit?: string;
  columns: Column<Row>[];
  rows: Row[];
  /** where a row leads */
  href?: (row: Row) => string;
  /** what the search looks in */
  text?: (row: Row) => string;
  filters?: Filter<Row>[];
  /** "key" or "-key" */
  sort?: string;
  /** what to say where there is no row */
  empty?: string;
  /** without search, sorting kept out of the address */
  plain?: boolean;
  hover?: (row: Row | null) => void;
}

export const ROWS_AT_ONCE = 50;

export function dataTable<Row>(options: TableOptions<Row>): HTMLElement {
  if (!options.rows.length) return el("p", { class: "empty" }, options.empty ?? "Nothing to show.");
  const state = tableState(options);
  const body = el("tbody");
  const head = el("thead");
  const more = el("div", { class: "more" });
  const tally = el("span", { class: "tally", role: "status" });
  let shown: Row[] = [];
  const texts = new Map<Row, string>();

  function matches(row: Row) {
    for (const filter of options.filters ?? []) {
      const chosen = state.filters[filter.key];
      if (chosen && !filter.matches(row, chosen)) return false;
    }
    if (!state.query || !options.text) return true;
    if (!texts.has(row)) texts.set(row, options.text(row).toLowerCase());
    return state.query
      .toLowerCase()
      .split(/\s+/)
      .every((word) => texts.get(row)?.includes(word));
  }

  function refresh(limit = ROWS_AT_ONCE) {
    shown = sorted(options.rows.filter(matches), options.columns, state.sort);
    drawHead();
    body.replaceChildren(...shown.slice(0, limit).map((row) => tableRow(options, row)));
    tally.textContent =
      shown.length === options.rows.length
        ? count(shown.length)
        : `${count(shown.length)} of ${count(options.rows.length)}`;
    tally.textContent += ` ${options.rows.length === 1 ? (options.unit ?? "row") : `${options.unit ?? "row"}s`}`;
    const left = shown.length - limit;
    more.replaceChildren(...moreButton(left, () => refresh(limit + 4 * ROWS_AT_ONCE)));
  }

  function drawHead() {
    head.replaceChildren(el("tr", null, ...visible(options.columns).map((column) => headCell(column, state, sortBy))));
  }

  function sortBy(column: Column<Row>) {
    const falling = `-${column.key}`;
    state.sort =
      state.sort === falling ? column.key : state.sort === column.key ? falling : column.number ? falling : column.key;
    if (!options.plain) note({ sort: state.sort === options.sort ? null : state.sort });
    refresh();
    head.querySelector<HTMLElement>(`button[data-key="${CSS.escape(column.key)}"]`)?.focus();
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

function tableState<Row>(options: TableOptions<Row>) {
  const { parameters } = currentRoute();
  const filters: Record<string, string> = {};
  for (const filter of options.filters ?? []) filters[filter.key] = parameters[filter.key] ?? "";
  const sort = (!options.plain && parameters.sort) || options.sort || "";
  return { query: options.plain ? "" : (parameters.q ?? ""), sort, filters };
}

function sorted<Row>(rows: Row[], columns: Column<Row>[], sort: string) {
  const falling = sort.startsWith("-");
  const column = columns.find((one) => one.key === sort.replace(/^-/, ""));
  if (!column) return rows;
  const keyed = rows.map((row) => ({ row, value: column.value(row) }));
  // What has no value stays last in both directions.
  keyed.sort((a, b) => {
    const missing =
      Number(a.value === null || a.value === undefined) - Number(b.value === null || b.value === undefined);
    return missing || (falling ? -1 : 1) * compareValues(a.value, b.value);
  });
  return keyed.map((one) => one.row);
}

export function visible<Row>(columns: Column<Row>[]) {
  return columns.filter((column) => !column.hidden);
}

export function headCell<Row>(column: Column<Row>, state: { sort: string }, sortBy: (column: Column<Row>) => void) {
  const order = state.sort === column.key ? "ascending" : state.sort === `-${column.key}` ? "descending" : null;
  return el(
    "th",
    { scope: "col", class: cellClass(column), "aria-sort": order },
    column.title
      ? el(
          "button",
          { type: "button", class: "sort", "data-key": column.key, click: () => sortBy(column) },
          column.title,
        )
      : null,
  );
}

export function tableRow<Row>(options: TableOptions<Row>, row: Row) {
  const { hover, href } = options;
  const listeners = hover
    ? {
        mouseenter: () => hover(row),
        mouseleave: () => hover(null),
        focusin: () => hover(row),
        focusout: () => hover(null),
      }
    : null;
  const cells = visible(options.columns).map((column) => {
    const content = column.render ? column.render(row) : column.value(row);
    const told =
      column.first && href ? el("a", { class: "row-link", href: href(row) }, content) : el("div", null, content);
    const classes = [cellClass(column), content === "" || content === null ? "blank" : null].filter(Boolean).join(" ");
    return el(
      column.first ? "th" : "td",
      { class: classes || null, "data-label": column.title, scope: column.first ? "row" : null },
      told,
    );
  });
  return el("tr", listeners, cells);
}

function cellClass<Row>(column: Column<Row>) {
  const kinds = [column.number && "number", column.first && "first", column.minor && "minor"].filter(Boolean);
  return kinds.length ? kinds.join(" ") : null;
}

function searchField(options: { name: string }, state: { query: string }, refresh: () => void) {
  const field = el("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": `Search ${options.name}`,
    value: state.query,
    input: onInput,
  });
  function onInput() {
    state.query = field.value.trim();
    note({ q: state.query });
    refresh();
  }
  return field;
}

function filterField<Row>(filter: Filter<Row>, state: { filters: Record<string, string> }, refresh: () => void) {
  if (filter.options.length < 2) return null;
  return selectField(
    filter.label,
    filter.options,
    state.filters[filter.key],
    (chosen) => {
      state.filters[filter.key] = chosen;
      note({ [filter.key]: chosen });
      refresh();
    },
    { say: spoken },
  );
}

/**
 * A choice among texts; "" is all of them.
 * @param choice all: whether "" can be chosen
 */
export function selectField(
  label: string,
  options: string[],
  chosen: string,
  change: (chosen: string) => void,
  { all = true, say = (option) => option }: { all?: boolean; say?: (option: string) => string } = {},
) {
  const field = el(
    "select",
    { "aria-label": label, change: () => change(field.value) },
    all && el("option", { value: "" }, `All ${label}`),
    options.map((option) => el("option", { value: option, selected: option === chosen }, say(option))),
  );
  return field;
}

/** A list that shows a few entries at a time. */
export function pagedList<Entry>(
  entries: Entry[],
  show: (entry: Entry) => Node,
  { step = 10, empty = "None." }: { step?: number; empty?: string } = {},
) {
  const list = el("div", { class: "list" });
  const more = el("div", { class: "more" });
  let number = 0;
  function advance() {
    list.append(...entries.slice(number, number + step).map(show));
    number += step;
    const left = entries.length - number;
    more.replaceChildren(...moreButton(left, advance));
  }
  if (entries.length) advance();
  else list.append(el("p", { class: "empty" }, empty));
  return el("div", null, list, more);
}
