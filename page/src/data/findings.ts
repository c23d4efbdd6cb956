// What the report knows: its findings.

import { count, counted, spoken } from "../ui/format.ts";

/** One entry of the document; report.schema.json says what is in it. */
export type Row = Record<string, any>;

export type Findings = Row;

/** The document without its examples. */
export let findings: Findings = {};

/** Set what everything is drawn from, before anything is drawn. */
export function setFindings(loaded: Findings) {
  findings = loaded;
}

/** All slices of all audits, each with its dataset and model. */
export function allSlices(): Row[] {
  return findings.audits.flatMap((audit: Row) => audit.slices);
}

/** All gaps, the latest day first, each with its day. */
export function allGaps(): Row[] {
  return [...findings.coverage].reverse().flatMap((day: Row) => day.gaps.map((gap: Row) => ({ ...gap, day: day.day })));
}

/** Which datasets and models the report has. */
export function datasets() {
  return [...new Set(findings.audits.map((audit: Row) => audit.dataset))];
}

export function models() {
  return [...new Set(findings.audits.map((audit: Row) => audit.model))].sort();
}

export function auditOf(dataset: string, model: string): Row | undefined {
  return findings.audits.find((audit: Row) => audit.dataset === dataset && audit.model === model);
}

export function sampleSentence() {
  const { total, shown, sampled, seed } = findings.examples;
  if (!sampled) return `${counted(total, "answer")}, one per model and example.`;
  return `${count(shown)} of ${count(total)} answers: those that findings cite, and a sample of the rest (seed ${seed}). Counts elsewhere are of all.`;
}

/** What is counted of a whole dataset or day is named by its kind. */
export function findingName(one: Row) {
  return one.name === one.kind ? spoken(one.name) : one.name;
}
