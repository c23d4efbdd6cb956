// A list of what was found, a few at a time, with a choice of kinds and the means to take it along.

import type { Found } from "../data/source.ts";
import { el } from "../ui/dom.ts";
import { moreButton, segmented, trouble, waiting } from "../ui/layout.ts";

export interface FoundSection<Entry> {
  /** Find the entries of a kind; "" is all. */
  find: (kind: string, limit: number) => Promise<Found<Entry>>;
  show: (found: Found<Entry>, entry: Entry) => Node;
  /** How many there are, in words. */
  tell: (found: Found<Entry>, kind: string) => string;
  exports: (found: Found<Entry>) => Node;
  /** How many are shown at once. */
  step: number;
  kinds?: string[];
  chosen?: string;
  change?: (kind: string) => void;
}

export function foundSection<Entry>(options: FoundSection<Entry>): Node[] {
  const { find, show, tell, step, kinds = [], chosen = "", change } = options;
  const tally = el("span", { class: "tally", role: "status" });
  const [exports, list, more] = [
    el("div", { class: "exports" }),
    el("div", { class: "list" }),
    el("div", { class: "more" }),
  ];
  let turn = 0;

  async function draw(kind: string) {
    const mine = ++turn;
    list.replaceChildren(waiting());
    more.replaceChildren();
    try {
      const found = await find(kind, step);
      // Somebody may have chosen another kind while this was read.
      if (mine !== turn) return;
      tally.textContent = tell(found, kind);
      exports.replaceChildren(options.exports(found));
      list.replaceChildren(...found.shown.map((entry) => show(found, entry)));
      if (!found.total) list.replaceChildren(el("p", { class: "empty" }, "None."));
      offer(found);
    } catch (error) {
      if (mine === turn) list.replaceChildren(trouble(error, () => void draw(kind)));
    }
  }

  function offer(found: Found<Entry>) {
    more.replaceChildren(...moreButton(found.left, advance));
    async function advance() {
      more.replaceChildren(waiting());
      try {
        list.append(...(await found.more(step)).map((entry) => show(found, entry)));
        offer(found);
      } catch (error) {
        more.replaceChildren(trouble(error, advance));
      }
    }
  }

  void draw(chosen);
  const choice = segmented("Show", kinds, chosen, (kind) => {
    change?.(kind);
    void draw(kind);
  });
  return [el("div", { class: "tools" }, choice, tally, exports), list, more];
}
