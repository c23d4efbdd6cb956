// Where two answers differ, word by word.

import { diffArrays } from "diff";

import { el } from "./dom.ts";

/** Of texts that differ in more words than this, each is marked as a whole. */
const MAX_EDITS = 3000;

/** Both texts, each in parts, what the other does not say marked. */
export function markedDifferences(left: string, right: string): { left: (Node | string)[]; right: (Node | string)[] } {
  const sides = { left: [] as (Node | string)[], right: [] as (Node | string)[] };
  const changes = diffArrays(words(left), words(right), { maxEditLength: MAX_EDITS });
  if (!changes) return { left: [marked(left, "left")], right: [marked(right, "right")] };
  for (const { value, added, removed } of changes) {
    const text = value.join("");
    if (!added) sides.left.push(removed ? marked(text, "left") : text);
    if (!removed) sides.right.push(added ? marked(text, "right") : text);
  }
  return sides;
}

/** Words, the space between them, and marks, of any script. */
function words(text: string): string[] {
  return text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
}

function marked(text: string, side: "left" | "right"): Node {
  return el("mark", { class: side }, text);
}
