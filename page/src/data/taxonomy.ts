// The kinds of error as a tree, and their counts in what is chosen.

import { chosenScope, inScope } from "../route.ts";
import { compareValues } from "../ui/format.ts";
import type { Category } from "./document.ts";
import { findings } from "./findings.ts";

export function categoryOf(id: string): Category | undefined {
  return (findings.taxonomy?.categories ?? []).find((one) => one.category_id === id);
}

/** A category and those above it, from the top. */
export function categoryPath(id: string): Category[] {
  const path = [];
  for (let at = categoryOf(id); at; at = at.parent_id ? categoryOf(at.parent_id) : undefined) path.unshift(at);
  return path;
}

/**
 * @param place a category's id
 * @returns whether it is that category or below it
 */
export function isWithin(place: string, id: string): boolean {
  return place === id || place.startsWith(`${id}/`);
}

/** The categories with the counts of the chosen dataset and model; null where nothing was judged. */
export function scopedTaxonomy() {
  const taxonomy = findings.taxonomy;
  if (!taxonomy) return null;
  const errors: Map<string, number> = new Map();
  for (const row of taxonomy.counts) {
    if (inScope(row)) errors.set(row.category_id, (errors.get(row.category_id) ?? 0) + row.errors);
  }
  const { dataset, model } = chosenScope();
  const unclassified = dataset || model ? 0 : taxonomy.unclassified;
  const top = taxonomy.categories.filter((row) => row.depth === 1);
  const total = top.reduce((sum, row) => sum + (errors.get(row.category_id) ?? 0), unclassified);
  const rows = taxonomy.categories
    .map((row) => ({
      ...row,
      errors: errors.get(row.category_id) ?? 0,
      share: total ? (errors.get(row.category_id) ?? 0) / total : 0,
    }))
    .filter((row) => row.errors > 0);
  return { rows: inTreeOrder(rows), total, unclassified, blindSpot: taxonomy.blind_spot ?? "" };
}

/** Parents before children, the larger first, "Other" last. */
export function inTreeOrder(rows: Category[]): Category[] {
  const below = (parent: string | null): Category[] =>
    rows
      .filter((row) => row.parent_id === parent)
      .sort(
        (a, b) =>
          Number(a.other) - Number(b.other) || b.errors - a.errors || compareValues(a.category_id, b.category_id),
      )
      .flatMap((row) => [row, ...below(row.category_id)]);
  return below(null);
}
