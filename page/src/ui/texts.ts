// Long texts are folded; JSON and Markdown are laid out on request. Everything is a text node in the end.

import type { Examples } from "../data/examples.ts";
import { el } from "./dom.ts";
import { count } from "./format.ts";

const FOLDED_CHARACTERS = 700;

const FOLDED_LINES = 14;

/**
 * A text of an example: as written, folded where it is long, with a button to lay it out where that helps.
 * @param options pieces: the same text, parts of it marked
 */
export function textBlock(
  text: string | null,
  options: { label?: string; pieces?: (Node | string)[] } = {},
): HTMLElement {
  if (text === null || text === "") return el("div", { class: "text empty" }, text === null ? "none" : "empty");
  const body = el("div", { class: "text" }, options.pieces ?? text);
  const block = el("div", { class: "text-block" }, body);
  const tools = el("div", { class: "text-tools" });
  if (text.length > FOLDED_CHARACTERS || text.split("\n").length > FOLDED_LINES) {
    body.classList.add("folded");
    tools.append(foldButton(body, text));
  }
  const laidOut = options.pieces ? null : layout(text);
  if (laidOut) tools.append(layoutButton(body, text, laidOut));
  if (tools.childNodes.length) block.append(tools);
  return block;
}

function foldButton(body: HTMLElement, text: string) {
  const all = `Show all ${count(text.length)} characters`;
  const button = el("button", { type: "button", class: "quiet", "aria-expanded": "false", click: unfold }, all);
  function unfold() {
    const folded = body.classList.toggle("folded");
    button.setAttribute("aria-expanded", String(!folded));
    button.textContent = folded ? all : "Show less";
  }
  return button;
}

function layoutButton(body: HTMLElement, text: string, laidOut: () => Node[]) {
  const button = el("button", { type: "button", class: "quiet", "aria-pressed": "false", click: toggle }, "Formatted");
  function toggle() {
    const on = body.classList.toggle("formatted");
    button.setAttribute("aria-pressed", String(on));
    body.replaceChildren(...(on ? laidOut() : [text]));
  }
  return button;
}

/** @returns how to lay it out, where it is JSON or Markdown */
function layout(text: string): (() => Node[]) | null {
  const trimmed = text.trim();
  if (/^[[{]/.test(trimmed) && trimmed.length > 2) {
    try {
      const value = JSON.parse(trimmed);
      return () => [el("pre", null, JSON.stringify(value, null, 2))];
    } catch {
      // Not JSON after all: it may still be Markdown.
    }
  }
  return /^#{1,6} |^```|^\s*[-*] |^\d+\. |\*\*[^*\n]+\*\*|^\|.+\|/m.test(text) ? () => markdown(text) : null;
}

/** The blocks of a Markdown text. Links stay text: nothing here leads out of the page. */
function markdown(text: string) {
  const blocks: Node[] = [];
  const parts = text.split(/^```[^\n]*$/m);
  parts.forEach((part, index) => {
    if (index % 2) blocks.push(el("pre", null, part.replace(/^\n|\n$/g, "")));
    else blocks.push(...part.split(/\n{2,}/).flatMap((paragraph) => markdownBlock(paragraph)));
  });
  return blocks;
}

function markdownBlock(paragraph: string): Node[] {
  const lines = paragraph.split("\n").filter((line) => line.trim());
  const made: Node[] = [];
  let list: HTMLElement | null = null;
  for (const line of lines) {
    const heading = /^#{1,6} (.*)$/.exec(line);
    const item = /^\s*(?:[-*]|\d+[.)]) (.*)$/.exec(line);
    if (item) {
      if (!list) made.push((list = el(/^\s*\d/.test(line) ? "ol" : "ul")));
      list.append(el("li", null, inline(item[1])));
      continue;
    }
    list = null;
    made.push(heading ? el("p", null, el("strong", null, inline(heading[1]))) : el("p", null, inline(line)));
  }
  return made;
}

function inline(line: string): (Node | string)[] {
  return line.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.length > 2 && part.startsWith("`") && part.endsWith("`")) return el("code", null, part.slice(1, -1));
    if (part.length > 4 && part.startsWith("**") && part.endsWith("**")) return el("strong", null, part.slice(2, -2));
    return part;
  });
}

/**
 * A place that a text fills once it is unpacked.
 * @param number of the text
 */
export function whenRead(examples: Examples, number: number, show: (text: string | null) => Node) {
  const place = el("div", { class: "waiting" });
  examples.text(number).then(
    (text) => place.replaceWith(show(text)),
    (error) => place.replaceChildren(`could not be read: ${error.message}`),
  );
  return place;
}
