// The frame: header, menu, what is chosen, and the view that the address names.

import { datasets, models, setFindings } from "./data/findings.ts";
import { source } from "./data/open.ts";
import { onKey, showHelp, takesSearch } from "./keys.ts";
import { MENU, ONLY, UNDER } from "./menu.ts";
import { choose, chosenScope, currentRoute, link } from "./route.ts";
import { rememberedTheme, switchTheme } from "./theme.ts";
import { el } from "./ui/dom.ts";
import { notFound, page, trouble } from "./ui/layout.ts";
import { selectField } from "./ui/tables.ts";
import { comparisonView } from "./views/comparison.ts";
import { coverageView, gapView } from "./views/coverage.ts";
import { categoryView, signaturesView, taxonomyView } from "./views/errors.ts";
import { examplesView, exampleView } from "./views/examples.ts";
import { overviewView } from "./views/overview.ts";
import { pairSliceView, pairView } from "./views/pair.ts";
import { productionSliceView, topicView } from "./views/production.ts";
import { qualityView } from "./views/quality.ts";
import { runView, trendsView } from "./views/run.ts";
import { slicesView, sliceView } from "./views/slices.ts";

const VIEWS: Record<string, () => Promise<HTMLElement>> = {
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

function frame() {
  const menu = el(
    "nav",
    { id: "menu", "aria-label": "Views" },
    el(
      "ul",
      null,
      MENU.filter(([view]) => ONLY?.includes(view) ?? true).map(([view, title]) =>
        el("li", null, el("a", { "data-view": view }, title)),
      ),
    ),
  );
  const menuButton = el(
    "button",
    {
      type: "button",
      class: "menu-button",
      "aria-expanded": "false",
      "aria-controls": "menu",
      click: () => openMenu(!menu.classList.contains("open")),
    },
    "Menu",
  );
  function openMenu(open: boolean) {
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
  for (const anchor of document.querySelectorAll<HTMLElement>("#menu a")) {
    const name = anchor.dataset.view ?? "";
    anchor.setAttribute("href", link(name));
    if (name === (UNDER[view] ?? view)) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
  const listed = MENU.some(([name]) => name === view) && view !== "coverage" && view !== "run";
  const fields = [
    listed && datasets().length > 1
      ? selectField("datasets", datasets() as string[], dataset, (chosen) => choose({ dataset: chosen }))
      : null,
    listed && view !== "quality" && models().length > 1
      ? selectField("models", models() as string[], model, (chosen) => choose({ model: chosen }))
      : null,
  ].filter((field) => field !== null);
  document.querySelector(".choices")?.replaceChildren(...fields);
}

let drawn = 0;

async function draw(first = false) {
  const turn = ++drawn;
  const { view } = currentRoute();
  drawFrame();
  const made = await (VIEWS[view] ?? (async () => notFound("view", "overview")))().catch((error: Error) =>
    page("This view could not be drawn", el("p", null, error.message)),
  );
  // Somebody may have gone on while this was made.
  if (turn !== drawn) return;
  const main = document.getElementById("main") as HTMLElement;
  main.replaceChildren(made);
  document.title = `${made.dataset.title} · faultmap`;
  if (takesSearch()) {
    main.querySelector<HTMLElement>("input[type=search]")?.focus();
  } else if (!first) {
    scrollTo(0, 0);
    main.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }
}

async function start() {
  rememberedTheme();
  try {
    setFindings(await source.findings());
  } catch (error) {
    const main = document.getElementById("main") as HTMLElement;
    main.replaceChildren(
      el("h1", null, "The findings could not be read"),
      trouble(error, () => void start()),
    );
    return;
  }
  document.getElementById("main")?.classList.remove("plain");
  document.body.prepend(
    el(
      "a",
      {
        class: "skip",
        href: "#main",
        click: (event) => {
          event.preventDefault();
          document.querySelector("h1")?.focus();
        },
      },
      "Skip to the content",
    ),
    frame(),
  );
  addEventListener("hashchange", () => void draw());
  addEventListener("keydown", onKey);
  await draw(true);
  document.documentElement.dataset.ready = "true";
  // The examples are unpacked while the first page is read.
  setTimeout(() => void source.map().catch(() => undefined), 200);
}

void start();
