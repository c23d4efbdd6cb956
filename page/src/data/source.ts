// What the page asks for, wherever the answers come from: a file that holds everything, or the server that sent it.

import type { Examples } from "./examples.ts";
import type { Findings, Label } from "./findings.ts";

/** Which examples, in which order; what is absent or "" is not asked. */
export interface Question {
  dataset?: string;
  model?: string;
  /** The id of a kind of error: it and what is below it. */
  kind?: string;
  slice?: string;
  verdict?: string;
  label?: string;
  /** Words that all occur in the prompt, the answer, the reference, the id or the title of the error. */
  q?: string;
  ids?: string[];
  /** A key of the table of examples; "-key" is falling. */
  sort?: string;
  /** Ids of the examples that stand before what is equal to them, in this order. */
  first?: string[];
}

/** A pair of models on a dataset; `right` is the model that is right where the other is wrong, "" either. */
export interface Disagreement {
  dataset: string;
  a: string;
  b: string;
  right: string;
}

/** Both models' rows of one example. */
export interface Sides {
  a: number;
  b: number;
}

/** What fits a question, as far as it is shown. */
export interface Found<Entry> {
  readonly examples: Examples;
  /** The entries that were asked for first. */
  readonly shown: Entry[];
  /** How many fit. */
  readonly total: number;
  /** How many fit and have not been asked for. */
  readonly left: number;
  /** The next entries. */
  more(limit: number): Promise<Entry[]>;
  /** What is taken along: the entries with their texts there. */
  all(): Promise<Entry[]>;
}

/** What a person says of a judgment. */
export interface Said {
  right: boolean;
  is_error?: boolean | null;
  /** The id of the kind of error that it is; "" where it is left open. */
  kind?: string;
  note?: string;
}

/** What a person says, and of which judgment. */
export interface LabelTold {
  dataset: string;
  model: string;
  example_id: string;
  /** null takes it back. */
  label: Said | null;
  seen: { outcome: string; error_title: string };
}

export interface DataSource {
  /** Whether what people say of judgments is kept. */
  readonly keepsLabels: boolean;
  /** How long a search waits for the next key. */
  readonly searchMilliseconds: number;
  /** The document without its examples. */
  findings(): Promise<Findings>;
  /** The examples that the maps show. */
  map(): Promise<Examples>;
  find(question: Question, limit: number, signal?: AbortSignal): Promise<Found<number>>;
  disagreements(question: Disagreement, limit: number): Promise<Found<Sides>>;
  /** Keep a label; return it as it is told from now on. */
  keepLabel(told: LabelTold): Promise<Label | null>;
}
