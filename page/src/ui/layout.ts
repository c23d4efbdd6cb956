// What views are built of: pages, sections, facts, choices.

import type { Claim } from "../data/document.ts";
import { link } from "../route.ts";
import { type Child, el } from "./dom.ts";
import { count, verdictName } from "./format.ts";

export function verdictClass(failed: number) {
  return failed === 1 ? "failed" : failed === 0 ? "passed" : "unscored";
}

export function verdict(failed: number) {
  return el("span", { class: `verdict ${verdictClass(failed)}` }, verdictName(failed));
}

export function fact(name: string, ...told: (Child | Child[])[]) {
  return el("div", null, el("dt", null, name), el("dd", null, ...told));
}

/** A page of the report. */
export function page(title: string, ...content: (Child | Child[])[]) {
  const trail = content.flat().find((child) => child instanceof HTMLElement && child.classList.contains("crumbs"));
  const rest = content.flat().filter((child) => child !== trail);
  return el("div", { class: "page", "data-title": title }, trail, el("h1", { tabindex: -1 }, title), ...rest);
}

export function section(title: string, ...content: (Child | Child[])[]) {
  return el("section", null, el("h2", null, title), ...content);
}

export function crumbs(trail: [string, string][]) {
  return el(
    "nav",
    { class: "crumbs", "aria-label": "Where this is" },
    trail.map(([name, href]) => [el("a", { href }, name), " › "]).flat(),
  );
}

export function notFound(what: string, view: string) {
  return page(
    "Not here",
    el("p", null, `This report has no such ${what}. `, el("a", { href: link(view) }, "See all"), "."),
  );
}

/** A choice of a few, side by side; "" is all. */
export function segmented(label: string, options: string[], chosen: string, change: (option: string) => void) {
  if (options.length < 2) return null;
  const buttons = options.map((option) =>
    el(
      "button",
      { type: "button", "aria-pressed": String(option === chosen), click: () => choice(option) },
      option || "all",
    ),
  );
  function choice(option: string) {
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(options[index] === option)));
    change(option);
  }
  return el(
    "div",
    { class: "segmented", role: "group", "aria-label": label },
    el("span", { class: "field" }, label),
    buttons,
  );
}

export function toggle(label: string, on: boolean, change: (on: boolean) => void) {
  const box = el("input", { type: "checkbox", checked: on, change: () => change(box.checked) });
  return el("label", { class: "field" }, box, label);
}

/** Something that is made when it is asked for. */
export function folded(summary: string, make: () => Node) {
  const block = el("details", { toggle: onToggle }, el("summary", null, summary));
  function onToggle() {
    if (block.open && block.childNodes.length === 1) block.append(make());
  }
  return block;
}

/** The means to see more of a list; nothing where nothing is left. */
export function moreButton(left: number, advance: () => void): Node[] {
  if (left <= 0) return [];
  return [el("button", { type: "button", class: "quiet", click: advance }, `Show more (${count(left)} left)`)];
}

/** What stands for something that is being read. */
export function waiting(): Node {
  return el("div", { class: "waiting faint" }, "Reading …");
}

/** What went wrong, and another try. */
export function trouble(error: unknown, again: () => void) {
  return el(
    "p",
    { class: "trouble", role: "alert" },
    `${(error as Error).message} `,
    el("button", { type: "button", class: "quiet", click: again }, "Try again"),
  );
}

/** The statistic and the test behind a sentence, one click away. */
export function claimBasis(claim: Claim) {
  return explained("How this was tested", `${claim.basis}.`);
}

export function explained(summary: string, text: string) {
  return el("details", { class: "basis" }, el("summary", null, summary), el("p", { class: "note" }, text));
}

/** A name that breaks where a reader would break it. */
export function breakable(name: string): (Node | string)[] {
  return name.split(/(?<=[-_/.:])/).flatMap((part, index) => (index ? [el("wbr"), part] : [part]));
}
