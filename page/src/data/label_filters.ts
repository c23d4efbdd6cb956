// The labels that examples are chosen by.

import type { Label } from "./findings.ts";

export const LABEL_FILTERS: Record<string, (label: Label | null, outcome: string | null) => boolean> = {
  "judgment right": (label) => label?.right === true,
  "judgment wrong": (label) => label?.right === false,
  "not labelled": (label, outcome) => !label && Boolean(outcome),
};
