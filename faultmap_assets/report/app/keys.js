// The page by keyboard: arrows walk through what can be opened, "/" searches, "?" tells.

/** @type {[string, string][]} */
const KEYS = [
  ["↑ ↓", "walk through rows"],
  ["Enter", "open the row"],
  ["Backspace", "go back"],
  ["/", "search"],
  ["1 – 9", "go to a view"],
  ["t", "light or dark"],
  ["?", "this help"],
];

/** @param {KeyboardEvent} event */
function onKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
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

/** @param {KeyboardEvent} event @param {number} step */
function walk(event, step) {
  const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("main a.row-link")]);
  if (!links.length) return;
  const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const next = links[Math.min(links.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step))];
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** @param {KeyboardEvent} event */
function search(event) {
  event.preventDefault();
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("main input[type=search]"));
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

/** @param {number} index */
function openView(index) {
  const entry = MENU[index];
  if (entry) location.hash = link(entry[0]);
}

function showHelp() {
  const close = () => dialog.close();
  const dialog = /** @type {HTMLDialogElement} */ (
    el(
      "dialog",
      { "aria-labelledby": "help-title", close: () => dialog.remove() },
      el("h2", { id: "help-title" }, "Keys"),
      el("dl", { class: "keys" }, KEYS.map(([key, does]) => el("div", null, el("dt", null, el("kbd", null, key)), el("dd", null, does)))),
      el("p", { class: "note" }, "Every view, row and filter has its own address: copy it from the address bar."),
      el("button", { type: "button", click: close }, "Close"),
    )
  );
  document.body.append(dialog);
  dialog.showModal();
}

/** Light or dark by hand; until then as the system has it. */
function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("faultmap-theme", root.dataset.theme);
  } catch {
    // Some browsers keep nothing for a file; the choice lasts as long as the page.
  }
  dispatchEvent(new Event("themechange"));
}

function rememberedTheme() {
  try {
    const theme = localStorage.getItem("faultmap-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // As above.
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));
}
