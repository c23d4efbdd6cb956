// What the report knows: its findings.

import { count, counted, spoken } from "../ui/format.ts";
import type { Example, FaultmapAuditReport, Gap, Slice } from "./document.ts";

type Document = FaultmapAuditReport;

/** The document; of its examples only how many there are. */
export type Findings = Omit<Document, "examples"> & { examples: Omit<Document["examples"], "rows"> };

export type Audit = Document["audits"][number];
export type Pair = Document["comparisons"][number];
export type Day = Document["coverage"][number];
export type DayGap = Gap & { day: string };
export type Taxonomy = NonNullable<Document["taxonomy"]>;
export type Quality = Document["quality"][number];
export type Ranking = Document["memo"]["rankings"][number];
export type Ranked = Ranking["models"][number];
export type Repair = Document["memo"]["repairs"][number];
export type Changes = NonNullable<Document["changes"]>;
export type Change = Changes["findings"][number];
export type Trend = Document["trends"][number];
export type Run = Document["run"];
export type Judgment = NonNullable<Example["judgment"]>;
export type Label = NonNullable<Example["label"]>;

/** The document without its examples. */
export let findings: Findings;

/** Set what everything is drawn from, before anything is drawn. */
export function setFindings(loaded: Findings) {
  findings = loaded;
}

/** All slices of all audits, each with its dataset and model. */
export function allSlices(): Slice[] {
  return findings.audits.flatMap((audit) => audit.slices);
}

/** All gaps, the latest day first, each with its day. */
export function allGaps(): DayGap[] {
  return [...findings.coverage].reverse().flatMap((day) => day.gaps.map((gap) => ({ ...gap, day: day.day })));
}

/** Which datasets and models the report has. */
export function datasets() {
  return [...new Set(findings.audits.map((audit) => audit.dataset))];
}

export function models() {
  return [...new Set(findings.audits.map((audit) => audit.model))].sort();
}

export function auditOf(dataset: string, model: string): Audit | undefined {
  return findings.audits.find((audit) => audit.dataset === dataset && audit.model === model);
}

export function sampleSentence() {
  const { total, shown, sampled, seed } = findings.examples;
  if (!sampled) return `${counted(total, "answer")}, one per model and example.`;
  return `${count(shown)} of ${count(total)} answers: those that findings cite, and a sample of the rest (seed ${seed}). Counts elsewhere are of all.`;
}

/** What is counted of a whole dataset or day is named by its kind. */
export function findingName(one: { name: string; kind: string }) {
  return one.name === one.kind ? spoken(one.name) : one.name;
}
