// The server that sent this page finds the examples, page by page, and keeps labels.

import type { Example } from "./document.ts";
import { type Examples, GrowingExamples, PLACES } from "./examples.ts";
import type { Findings, Label } from "./findings.ts";
import type { DataSource, Disagreement, Found, LabelTold, Question, Sides } from "./source.ts";

/** The most that is taken along at once. */
const MAX_EXPORTED = 20_000;
const EXPORT_STEP = 500;
const MAX_IDS = 50;
/** A prompt is asked for once the pointer rests on its point. */
const SETTLE_MILLISECONDS = 150;

/** The points of the maps, column by column. */
type PointColumns = Record<(typeof PLACES)[number], (number | null)[]> & {
  example_id: string[];
  dataset: string[];
  model: string[];
  failed: (boolean | null)[];
  slices: string[][];
};

type Parameters = Record<string, string | number | string[] | undefined>;

export class ServerSource implements DataSource {
  readonly keepsLabels = true;
  readonly searchMilliseconds = 250;
  private points: Promise<Examples> | null = null;

  /** @param token what the server wants to hear before it writes */
  constructor(private readonly token: string) {}

  findings(): Promise<Findings> {
    return ask("parts/findings");
  }

  map() {
    this.points ??= ask<{ columns: PointColumns }>("parts/points").then(({ columns }) => pointsOf(columns));
    this.points.catch(() => (this.points = null));
    return this.points;
  }

  async find({ ids, first, ...question }: Question, limit: number, signal?: AbortSignal) {
    const found = new FoundThere(
      "examples",
      { ...question, id: ids?.slice(0, MAX_IDS), first: first?.slice(0, MAX_IDS) },
      (rows) => rows,
    );
    await found.start(limit, signal);
    return found;
  }

  async disagreements(question: Disagreement, limit: number) {
    // Each comes as both models' rows, one after the other.
    const pairs = (rows: number[]): Sides[] => rows.filter((_, index) => index % 2 === 0).map((a) => ({ a, b: a + 1 }));
    const found = new FoundThere("disagreements", { ...question }, pairs);
    await found.start(limit);
    return found;
  }

  async keepLabel(told: LabelTold) {
    const headers = { "content-type": "application/json", "x-faultmap-token": this.token };
    return (await answered<{ label: Label | null }>("labels", { method: "POST", headers, body: JSON.stringify(told) }))
      .label;
  }
}

class FoundThere<Entry> implements Found<Entry> {
  readonly examples = new GrowingExamples();
  shown: Entry[] = [];
  total = 0;
  private readonly entries: Entry[] = [];
  private asked = 0;

  constructor(
    private readonly path: string,
    private readonly question: Parameters,
    private readonly entriesOf: (rows: number[]) => Entry[],
  ) {}

  get left() {
    return this.total - this.asked;
  }

  async start(limit: number, signal?: AbortSignal) {
    this.shown = await this.more(limit, signal);
  }

  async more(limit: number, signal?: AbortSignal) {
    while (
      this.entries.length < this.asked + limit &&
      (await this.read(this.asked + limit - this.entries.length, signal))
    );
    const next = this.entries.slice(this.asked, this.asked + limit);
    this.asked += next.length;
    return next;
  }

  async all() {
    while (this.entries.length < Math.min(this.total, MAX_EXPORTED) && (await this.read(EXPORT_STEP)));
    return this.entries.slice(0, MAX_EXPORTED);
  }

  /** Ask for the entries behind those that are here; return whether there were any. */
  private async read(limit: number, signal?: AbortSignal): Promise<boolean> {
    const parameters = { ...this.question, offset: this.entries.length, limit: Math.min(limit, EXPORT_STEP) };
    const answer = await ask<{ total: number; rows: Example[] }>(this.path, parameters, signal);
    this.total = answer.total;
    const added = this.entriesOf(this.examples.add(answer.rows));
    this.entries.push(...added);
    return added.length > 0;
  }
}

/** The points of the maps; the prompt of one is asked for when somebody points at it. */
function pointsOf(columns: PointColumns): Examples {
  let wanted = -1;
  const read = async (row: number): Promise<string | null> => {
    wanted = row;
    await new Promise((settled) => setTimeout(settled, SETTLE_MILLISECONDS));
    if (wanted !== row) return null;
    const named = { dataset: columns.dataset[row], model: columns.model[row], id: [columns.example_id[row]], limit: 1 };
    const found = await ask<{ rows: Example[] }>("examples", named);
    return found.rows[0]?.prompt ?? null;
  };
  const examples = new GrowingExamples({ read, now: () => null });
  const place = (row: number) => Object.fromEntries(PLACES.map((name) => [name, columns[name][row]]));
  const rows = examples.add(
    columns.example_id.map((example_id, row) => ({
      example_id,
      dataset: columns.dataset[row],
      model: columns.model[row],
      failed: columns.failed[row],
      slices: columns.slices[row],
      ...place(row),
    })),
  );
  rows.forEach((row) => (examples.columns.prompt[row] = row));
  return examples;
}

/**
 * Ask the server; what it says where it cannot answer is the error's message.
 * @param parameters a list is given as several values of one name
 */
function ask<Answer>(path: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<Answer> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== "") query.append(name, String(one));
    }
  }
  return answered(`${path}${query.size ? `?${query}` : ""}`, { signal });
}

async function answered<Answer>(path: string, request: RequestInit): Promise<Answer> {
  let answer;
  try {
    answer = await fetch(path, request);
  } catch (error) {
    if (request.signal?.aborted) throw error;
    throw new Error("The server does not answer: is faultmap view still running?");
  }
  const told = await answer.json().catch(() => null);
  if (!answer.ok || told === null) throw new Error(told?.error ?? `The server answered ${answer.status}.`);
  return told;
}
