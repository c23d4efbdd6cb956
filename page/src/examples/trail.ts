// Where an error stands among the kinds of error.

import { categoryPath } from "../data/taxonomy.ts";
import { categoryLink } from "../route.ts";
import { type Child, el } from "../ui/dom.ts";
import { spoken } from "../ui/format.ts";

/** Where an error stands in the taxonomy. */
export function categoryTrail(id: string): Child[] {
  const path = categoryPath(id);
  if (!path.length) return [spoken(id)];
  return path
    .map((one, index) => [index ? " › " : null, el("a", { href: categoryLink(one.category_id) }, one.name)])
    .flat();
}
