// The page by keyboard: arrows walk through what can be opened, "/" searches, "?" tells.

import { MENU } from "./menu.ts";
import { link } from "./route.ts";
import { switchTheme } from "./theme.ts";
import { el } from "./ui/dom.ts";

const KEYS: [string, string][] = [
  ["↑ ↓", "walk through rows"],
  ["Enter", "open the row"],
  ["Backspace", "go back"],
  ["/", "search"],
  ["1 – 9", "go to a view"],
  ["t", "light or dark"],
  ["?", "this help"],
];

export function onKey(event: KeyboardEvent) {
  const target = event.target as HTMLElement;
  const typing = target.matches("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing) {
    if (event.key === "Escape") target.blur();
    if (event.key === "ArrowDown" && target.matches("input[type=search]")) walk(event, 1);
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "ArrowDown") walk(event, 1);
  else if (event.key === "ArrowUp") walk(event, -1);
  else if (event.key === "Backspace") history.back();
  else if (event.key === "/") search(event);
  else if (event.key === "?") showHelp();
  else if (event.key === "t") switchTheme();
  else if (/^[1-9]$/.test(event.key)) openView(Number(event.key) - 1);
}

function walk(event: KeyboardEvent, step: number) {
  const links = [...document.querySelectorAll<HTMLElement>("main a.row-link")];
  if (!links.length) return;
  const at = links.indexOf(document.activeElement as HTMLElement);
  const next = links[Math.min(links.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step))];
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function search(event: KeyboardEvent) {
  event.preventDefault();
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  if (field) {
    field.focus();
    field.select();
    return;
  }
  searchNext = true;
  location.hash = link("examples");
}

/** Whether the next view opens with its search. */
let searchNext = false;

/** Say once whether the view that was drawn opens with its search. */
export function takesSearch(): boolean {
  const taken = searchNext;
  searchNext = false;
  return taken;
}

function openView(index: number) {
  const entry = MENU[index];
  if (entry) location.hash = link(entry[0]);
}

export function showHelp() {
  const close = () => dialog.close();
  const dialog = el(
    "dialog",
    { "aria-labelledby": "help-title", close: () => dialog.remove() },
    el("h2", { id: "help-title" }, "Keys"),
    el(
      "dl",
      { class: "keys" },
      KEYS.map(([key, does]) => el("div", null, el("dt", null, el("kbd", null, key)), el("dd", null, does))),
    ),
    el("p", { class: "note" }, "Every view, row and filter has its own address: copy it from the address bar."),
    el("button", { type: "button", click: close }, "Close"),
  );
  document.body.append(dialog);
  dialog.showModal();
}
