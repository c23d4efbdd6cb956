// Everything is packed in this file: parts are unpacked when they are looked at, and examples are found here.

import { compareValues } from "../ui/format.ts";
import { Examples, type Packed, type Texts } from "./examples.ts";
import type { Findings } from "./findings.ts";
import { LABEL_FILTERS } from "./label_filters.ts";
import type { DataSource, Disagreement, Found, Question, Sides } from "./source.ts";
import { isWithin } from "./taxonomy.ts";

const VERDICTS: Record<string, number> = { failed: 1, passed: 0, "no score": -1 };

/** What examples are sorted by; null stands last. */
const SORTS: Record<string, ((examples: Examples, row: number) => string | number | null) | undefined> = {
  example_id: ({ columns }, row) => columns.example_id[row],
  model: (examples, row) => examples.name("model", row),
  dataset: (examples, row) => examples.name("dataset", row),
  verdict: ({ columns }, row) => (columns.failed[row] < 0 ? null : columns.failed[row]),
  score: ({ columns }, row) => columns.score[row],
  error: (examples, row) => examples.name("error_title", row) || null,
  label: ({ columns }, row) => (columns.label[row] ? Number(columns.label[row].right) : null),
};

export class FileSource implements DataSource {
  readonly keepsLabels = false;
  readonly searchMilliseconds = 0;
  private readonly parts = new Map<string, Promise<unknown>>();
  private loaded: Promise<{ examples: Examples; texts: ChunkedTexts }> | null = null;

  findings() {
    return this.part<Findings>("findings");
  }

  async map() {
    return (await this.rows()).examples;
  }

  async find(question: Question, limit: number) {
    const { examples, texts } = await this.rows();
    const searched = question.q ? await texts.inLowerCase() : [];
    return new FoundHere(examples, texts, sorted(examples, question, matching(examples, question, searched)), limit);
  }

  async disagreements({ dataset, a, b, right }: Disagreement, limit: number) {
    const { examples, texts } = await this.rows();
    const { columns } = examples;
    const ofB = new Map(examples.of(dataset, b).map((row) => [columns.example_id[row], row]));
    const found: Sides[] = [];
    for (const one of examples.of(dataset, a)) {
      const other = ofB.get(columns.example_id[one]);
      if (other === undefined || !samePrompt(examples, one, other)) continue;
      if (columns.failed[one] + columns.failed[other] !== 1) continue;
      if (!right || columns.failed[right === a ? one : other] === 0) found.push({ a: one, b: other });
    }
    return new FoundHere(examples, texts, found, limit);
  }

  keepLabel(): Promise<never> {
    return Promise.reject(new Error("A file keeps no labels: open it with faultmap view."));
  }

  private rows() {
    this.loaded ??= this.part<Packed & { text_starts: number[] }>("rows").then((packed) => {
      const texts = new ChunkedTexts(packed.text_starts, (chunk) => this.part<string[]>(`texts-${chunk}`));
      return { examples: new Examples(packed, texts), texts };
    });
    this.loaded.catch(() => (this.loaded = null));
    return this.loaded;
  }

  /** One part of the report ("findings", "rows", "texts-3"); each is read once. */
  private part<Part>(name: string): Promise<Part> {
    let part = this.parts.get(name) as Promise<Part> | undefined;
    if (!part) {
      part = readPart(name) as Promise<Part>;
      this.parts.set(name, part);
      // What could not be read may be there the next time.
      part.catch(() => this.parts.delete(name));
    }
    return part;
  }
}

/** Texts in some large parts, each read when one of its texts is looked at. */
class ChunkedTexts implements Texts {
  private every: string[] | null = null;
  private lower: string[] | null = null;

  constructor(
    private readonly starts: number[],
    private readonly chunk: (number: number) => Promise<string[]>,
  ) {}

  async read(number: number) {
    let chunk = 0;
    while (this.starts[chunk + 1] <= number) chunk++;
    return (await this.chunk(chunk))[number - this.starts[chunk]];
  }

  now(number: number) {
    return this.every?.[number] ?? null;
  }

  async readAll(): Promise<string[]> {
    this.every ??= (await Promise.all(this.starts.slice(1).map((_, chunk) => this.chunk(chunk)))).flat();
    return this.every;
  }

  async inLowerCase(): Promise<string[]> {
    this.lower ??= (await this.readAll()).map((text) => text.toLowerCase());
    return this.lower;
  }
}

class FoundHere<Entry> implements Found<Entry> {
  readonly shown: Entry[];
  readonly total: number;
  private asked: number;

  constructor(
    readonly examples: Examples,
    private readonly texts: ChunkedTexts,
    private readonly entries: Entry[],
    limit: number,
  ) {
    this.total = entries.length;
    this.shown = entries.slice(0, limit);
    this.asked = this.shown.length;
  }

  get left() {
    return this.total - this.asked;
  }

  async more(limit: number) {
    const next = this.entries.slice(this.asked, this.asked + limit);
    this.asked += next.length;
    return next;
  }

  async all() {
    await this.texts.readAll();
    return this.entries;
  }
}

/** The examples that fit, in the order of the document. `texts` are in lower case, by number. */
function matching(examples: Examples, question: Question, texts: string[]): number[] {
  const { columns, names } = examples;
  const { dataset, model, slice, kind, ids } = question;
  const [d, m, s] = [
    names.dataset.indexOf(dataset ?? ""),
    names.model.indexOf(model ?? ""),
    names.slice.indexOf(slice ?? ""),
  ];
  const wanted = question.verdict ? VERDICTS[question.verdict] : null;
  const inKind = kind ? names.category_id.map((id) => isWithin(id, kind)) : null;
  const named = ids ? new Set(ids) : null;
  const label = question.label ? LABEL_FILTERS[question.label] : null;
  const holds = wordsIn(examples, question.q ?? "", texts);
  return examples.where((row) => {
    if (dataset && columns.dataset[row] !== d) return false;
    if (model && columns.model[row] !== m) return false;
    if (slice && !columns.slice[row].includes(s)) return false;
    if (wanted !== null && columns.failed[row] !== wanted) return false;
    if (inKind && !inKind[columns.category_id[row]]) return false;
    if (named && !named.has(columns.example_id[row])) return false;
    if (label && !label(columns.label[row], columns.outcome[row])) return false;
    return holds(row);
  });
}

/** A test whether an example holds all words of a search. */
function wordsIn(examples: Examples, q: string, texts: string[]): (row: number) => boolean {
  const { columns } = examples;
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  // A text that many rows share is looked through once.
  const known = words.map(() => new Map<number, boolean>());
  const inText = (word: number, number: number) => {
    if (number < 0) return false;
    let found = known[word].get(number);
    if (found === undefined) known[word].set(number, (found = texts[number].includes(words[word])));
    return found;
  };
  return (row) =>
    words.every(
      (word, index) =>
        inText(index, columns.prompt[row]) ||
        inText(index, columns.response[row]) ||
        inText(index, columns.reference[row]) ||
        columns.example_id[row].toLowerCase().includes(word) ||
        examples.name("error_title", row).toLowerCase().includes(word),
    );
}

/** The rows in the order that was asked for; what is equal stays in the order of the document. */
function sorted(examples: Examples, { sort = "", first = [] }: Question, rows: number[]): number[] {
  const value = SORTS[sort.replace(/^-/, "")];
  const falling = sort.startsWith("-") ? -1 : 1;
  const place = new Map(first.map((id, index) => [id, index]));
  const rank = (row: number) => place.get(examples.columns.example_id[row]) ?? first.length;
  const order = (a: number, b: number) => {
    const [left, right] = value ? [value(examples, a), value(examples, b)] : [null, null];
    const compared = compareValues(left, right);
    return (left === null || right === null ? compared : falling * compared) || rank(a) - rank(b);
  };
  return value || first.length ? [...rows].sort(order) : rows;
}

/** Copies of a prompt share one place on the map. */
function samePrompt({ columns }: Examples, a: number, b: number) {
  return columns.x[a] === columns.x[b] && columns.y[a] === columns.y[b];
}

async function readPart(name: string): Promise<unknown> {
  const inlined = document.querySelector(`script[data-part="${CSS.escape(name)}"]`);
  if (!inlined) throw new Error(`this file has no part ${name}`);
  return JSON.parse(await unpacked(inlined.textContent ?? ""));
}

/** The text of a zlib stream in base64. */
async function unpacked(base64: string): Promise<string> {
  const raw = atob(base64);
  const bytes = new Uint8Array(raw.length);
  for (let index = 0; index < raw.length; index++) bytes[index] = raw.charCodeAt(index);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}
