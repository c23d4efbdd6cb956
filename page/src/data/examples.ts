// The examples behind the findings, column by column; names and long texts are numbers into lists of their own.

import type { Example } from "./document.ts";

/** Where long texts are read from. */
export interface Texts {
  read(number: number): Promise<string | null>;
  /** The text, if it has been read already. */
  now(number: number): string | null;
}

/** Names that columns refer to by their place in the list. */
export interface Names {
  dataset: string[];
  model: string[];
  category_id: string[];
  error_title: string[];
  slice: string[];
}

/** Where a point lies on the map, flat and in space. */
export const PLACES = ["x", "y", "x_3d", "y_3d", "z_3d"] as const;
type TextColumn = "prompt" | "full_prompt" | "response" | "reference" | "error_summary" | "details";

/** One entry per example. -1 is no name, no text and, of `failed`, no score. */
export interface Columns
  extends
    Record<Exclude<keyof Names, "slice"> | TextColumn, number[]>,
    Record<(typeof PLACES)[number], (number | null)[]> {
  slice: number[][];
  example_id: string[];
  failed: number[];
  score: (number | null)[];
  epochs: number[];
  outcome: (string | null)[];
  judged_by: (string | null)[];
  label: Example["label"][];
}

/** The columns as a file packs them. */
export interface Packed {
  n: number;
  names: Names;
  columns: Columns;
}

export class Examples {
  readonly names: Names;
  readonly columns: Columns;

  constructor(
    packed: Packed,
    private readonly texts: Texts,
  ) {
    this.names = packed.names;
    this.columns = packed.columns;
  }

  get n() {
    return this.columns.example_id.length;
  }

  /** The text with a number of a text column, null for none. */
  async text(number: number): Promise<string | null> {
    return number < 0 ? null : this.texts.read(number);
  }

  /** The same without waiting: null where it has not been read. */
  textNow(number: number): string | null {
    return number < 0 ? null : this.texts.now(number);
  }

  name(kind: Exclude<keyof Names, "slice">, row: number): string {
    return this.names[kind][this.columns[kind][row]] ?? "";
  }

  /** The ids of the failure slices that an example is in. */
  slices(row: number): string[] {
    return this.columns.slice[row].map((number) => this.names.slice[number]);
  }

  /** The numbers of the examples that fulfil a condition. */
  where(condition: (row: number) => boolean): number[] {
    const found = [];
    for (let row = 0; row < this.n; row++) if (condition(row)) found.push(row);
    return found;
  }

  /** The numbers of one model's examples on one dataset. */
  of(dataset: string, model: string): number[] {
    const [d, m] = [this.names.dataset.indexOf(dataset), this.names.model.indexOf(model)];
    return this.where((row) => this.columns.dataset[row] === d && this.columns.model[row] === m);
  }

  /** All models' rows of one example. */
  ofExample(dataset: string, exampleId: string): number[] {
    const d = this.names.dataset.indexOf(dataset);
    return this.where((row) => this.columns.example_id[row] === exampleId && this.columns.dataset[row] === d);
  }
}

/** An example as it comes, whole or, on a map, only its place. */
export type Given = Pick<Example, "dataset" | "model" | "example_id" | "failed" | "slices"> & Partial<Example>;

/** Examples that come row by row, as the document has them. */
export class GrowingExamples extends Examples {
  private readonly list: string[];

  constructor(texts?: Texts) {
    const list: string[] = [];
    super(
      { n: 0, ...emptyColumns() },
      texts ?? { read: async (number) => list[number], now: (number) => list[number] },
    );
    this.list = list;
  }

  /** Put rows behind those that are there; return their numbers. */
  add(rows: Given[]): number[] {
    return rows.map((row) => {
      const { columns } = this;
      const { judgment } = row;
      columns.example_id.push(row.example_id);
      columns.dataset.push(this.number("dataset", row.dataset));
      columns.model.push(this.number("model", row.model));
      columns.category_id.push(this.number("category_id", row.category_id));
      columns.error_title.push(this.number("error_title", judgment?.error_title));
      columns.slice.push(row.slices.map((id) => this.number("slice", id)));
      columns.failed.push(row.failed === null ? -1 : Number(row.failed));
      columns.score.push(row.score ?? null);
      columns.epochs.push(row.epochs ?? 1);
      columns.outcome.push(judgment?.outcome ?? null);
      columns.judged_by.push(judgment?.judged_by ?? null);
      columns.label.push(row.label ?? null);
      for (const name of PLACES) columns[name].push(row[name] ?? null);
      for (const name of ["prompt", "full_prompt", "response", "reference"] as const)
        columns[name].push(this.textNumber(row[name]));
      columns.error_summary.push(this.textNumber(judgment?.error_summary || null));
      columns.details.push(this.textNumber(detailsOf(row)));
      return this.n - 1;
    });
  }

  private textNumber(text: string | null | undefined): number {
    return typeof text === "string" ? this.list.push(text) - 1 : -1;
  }

  private number(kind: keyof Names, name: string | null | undefined): number {
    if (!name) return -1;
    const known = this.names[kind];
    const at = known.indexOf(name);
    return at >= 0 ? at : known.push(name) - 1;
  }
}

/** What is read of an example only when somebody asks, as JSON. */
function detailsOf(row: Given): string | null {
  const { criteria, reason } = row.judgment ?? {};
  const told = Object.entries({ metadata: row.metadata, criteria, reason }).filter(
    ([, value]) => value && (typeof value !== "object" || Object.keys(value).length),
  );
  return told.length ? JSON.stringify(Object.fromEntries(told)) : null;
}

function emptyColumns(): { names: Names; columns: Columns } {
  return {
    names: { dataset: [], model: [], category_id: [], error_title: [], slice: [] },
    columns: {
      ...{ dataset: [], model: [], category_id: [], error_title: [], slice: [], example_id: [], failed: [], score: [] },
      ...{ epochs: [], outcome: [], judged_by: [], label: [], x: [], y: [], x_3d: [], y_3d: [], z_3d: [] },
      ...{ prompt: [], full_prompt: [], response: [], reference: [], error_summary: [], details: [] },
    },
  };
}
