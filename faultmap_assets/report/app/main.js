// The frame: header, menu, what is chosen, and the view that the address names.

/** @type {[string, string][]} */
const MENU = [
  ["overview", "Overview"],
  ["slices", "Slices"],
  ["taxonomy", "Errors"],
  ["signatures", "Signatures"],
  ["comparison", "Comparison"],
  ["coverage", "Coverage"],
  ["quality", "Data quality"],
  ["examples", "Examples"],
  ["trends", "Trends"],
  ["run", "Run"],
];

/** @type {Record<string, () => Promise<HTMLElement>>} */
const VIEWS = {
  overview: overviewView,
  slices: slicesView,
  slice: sliceView,
  taxonomy: taxonomyView,
  category: categoryView,
  signatures: signaturesView,
  comparison: comparisonView,
  pair: pairView,
  pairslice: pairSliceView,
  coverage: coverageView,
  gap: gapView,
  production: productionSliceView,
  topic: topicView,
  quality: qualityView,
  examples: examplesView,
  example: exampleView,
  trends: trendsView,
  run: runView,
};

/** Which entry of the menu a view belongs to. @type {Record<string, string>} */
const UNDER = { slice: "slices", category: "taxonomy", pair: "comparison", pairslice: "comparison", gap: "coverage", production: "coverage", topic: "coverage", example: "examples" };

/**
 * A page of the report.
 * @param {string} title
 * @param {...(Child | Child[])} content
 */
function page(title, ...content) {
  const trail = content.flat().find((child) => child instanceof HTMLElement && child.classList.contains("crumbs"));
  const rest = content.flat().filter((child) => child !== trail);
  return el("div", { class: "page", "data-title": title }, trail, el("h1", { tabindex: -1 }, title), ...rest);
}

/** @param {string} title @param {...(Child | Child[])} content */
function section(title, ...content) {
  return el("section", null, el("h2", null, title), ...content);
}

/** @param {[string, string][]} trail */
function crumbs(trail) {
  return el("nav", { class: "crumbs", "aria-label": "Where this is" }, trail.map(([name, href]) => [el("a", { href }, name), " › "]).flat());
}

/** @param {string} what @param {string} view */
function notFound(what, view) {
  return page("Not here", el("p", null, `This report has no such ${what}. `, el("a", { href: link(view) }, "See all"), "."));
}

/**
 * A choice of a few, side by side; "" is all.
 * @param {string} label
 * @param {string[]} options
 * @param {string} chosen
 * @param {(option: string) => void} change
 */
function segmented(label, options, chosen, change) {
  if (options.length < 2) return null;
  const buttons = options.map((option) =>
    el("button", { type: "button", "aria-pressed": String(option === chosen), click: () => choice(option) }, option || "all"),
  );
  function choice(/** @type {string} */ option) {
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(options[index] === option)));
    change(option);
  }
  return el("div", { class: "segmented", role: "group", "aria-label": label }, el("span", { class: "field" }, label), buttons);
}

/** @param {string} label @param {boolean} on @param {(on: boolean) => void} change */
function toggle(label, on, change) {
  const box = /** @type {HTMLInputElement} */ (el("input", { type: "checkbox", checked: on, change: () => change(box.checked) }));
  return el("label", { class: "field" }, box, label);
}

/** Something that is made when it is asked for. @param {string} summary @param {() => Node} make */
function folded(summary, make) {
  const block = /** @type {HTMLDetailsElement} */ (el("details", { toggle: onToggle }, el("summary", null, summary)));
  function onToggle() {
    if (block.open && block.childNodes.length === 1) block.append(make());
  }
  return block;
}

/** The views that this page is about; a page that says nothing has all. */
const ONLY = document.documentElement.dataset.views?.split(" ");

function frame() {
  const menu = el("nav", { id: "menu", "aria-label": "Views" }, el("ul", null, MENU.filter(([view]) => ONLY?.includes(view) ?? true).map(([view, title]) => el("li", null, el("a", { "data-view": view }, title)))));
  const menuButton = el("button", { type: "button", class: "menu-button", "aria-expanded": "false", "aria-controls": "menu", click: () => openMenu(!menu.classList.contains("open")) }, "Menu");
  /** @param {boolean} open */
  function openMenu(open) {
    menu.classList.toggle("open", open);
    menuButton.setAttribute("aria-expanded", String(open));
  }
  addEventListener("hashchange", () => openMenu(false));
  return el(
    "header",
    { class: "frame" },
    el("div", { class: "brand" }, el("a", { href: "#/" }, "faultmap"), menuButton),
    menu,
    el("div", { class: "choices" }),
    el(
      "div",
      { class: "frame-tools" },
      el("button", { type: "button", class: "quiet", click: switchTheme }, "Light / dark"),
      el("button", { type: "button", class: "quiet", click: showHelp, "aria-label": "Keys and help" }, "Keys"),
    ),
  );
}

/** Draw the menu's links and the chosen dataset and model as the address has them. */
function drawFrame() {
  const { view } = currentRoute();
  const { dataset, model } = chosenScope();
  for (const anchor of document.querySelectorAll("#menu a")) {
    const name = /** @type {HTMLElement} */ (anchor).dataset.view ?? "";
    anchor.setAttribute("href", link(name));
    if (name === (UNDER[view] ?? view)) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
  const listed = MENU.some(([name]) => name === view) && view !== "coverage" && view !== "run";
  const fields = [
    listed && datasets().length > 1 ? selectField("datasets", /** @type {string[]} */ (datasets()), dataset, (chosen) => choose({ dataset: chosen })) : null,
    listed && view !== "quality" && models().length > 1 ? selectField("models", /** @type {string[]} */ (models()), model, (chosen) => choose({ model: chosen })) : null,
  ].filter((field) => field !== null);
  document.querySelector(".choices")?.replaceChildren(...fields);
}

let drawn = 0;

/** @param {boolean} [first] */
async function draw(first = false) {
  const turn = ++drawn;
  const { view } = currentRoute();
  drawFrame();
  const made = await (VIEWS[view] ?? (async () => notFound("view", "overview")))().catch((/** @type {Error} */ error) =>
    page("This view could not be drawn", el("p", null, error.message)),
  );
  // Somebody may have gone on while this was made.
  if (turn !== drawn) return;
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  main.replaceChildren(made);
  document.title = `${made.dataset.title} · faultmap`;
  if (searchNext) {
    searchNext = false;
    /** @type {HTMLElement | null} */ (main.querySelector("input[type=search]"))?.focus();
  } else if (!first) {
    scrollTo(0, 0);
    /** @type {HTMLElement | null} */ (main.querySelector("h1"))?.focus({ preventScroll: true });
  }
}

async function start() {
  rememberedTheme();
  try {
    findings = await loadPart("findings");
  } catch (error) {
    const main = /** @type {HTMLElement} */ (document.getElementById("main"));
    main.replaceChildren(el("h1", null, "The findings could not be read"), trouble(error, () => void start()));
    return;
  }
  document.getElementById("main")?.classList.remove("plain");
  document.body.prepend(el("a", { class: "skip", href: "#main", click: (event) => { event.preventDefault(); document.querySelector("h1")?.focus(); } }, "Skip to the content"), frame());
  addEventListener("hashchange", () => void draw());
  addEventListener("keydown", onKey);
  await draw(true);
  document.documentElement.dataset.ready = "true";
  // The examples are unpacked while the first page is read.
  setTimeout(() => void examples().catch(() => undefined), 200);
}

void start();
