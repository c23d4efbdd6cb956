"""Take the pictures of the report that the documentation shows, or all of them to look at.

    python docs/screenshots.py var/reports/audit_report.html docs            # the README's pictures
    python docs/screenshots.py var/reports/audit_report.html look --all # every view, light and dark, wide and narrow
    python docs/screenshots.py http://127.0.0.1:3000 docs                   # the asset graph, while `faultmap ui` runs

Wants the extra `ui` (Playwright) and a Chromium: the one on the path, or FAULTMAP_CHROMIUM.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

VIEWS = (
    "overview",
    "slices",
    "taxonomy",
    "signatures",
    "comparison",
    "coverage",
    "quality",
    "examples",
    "trends",
    "run",
)
INSIDE = {
    "slice": "slices",
    "category": "taxonomy",
    "pair": "comparison",
    "pairslice": "pair",
    "gap": "coverage",
    "example": "examples",
}
"""A page that is reached by the first row of another."""
SIZES = {"wide": (1280, 900), "narrow": (400, 860)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", help="the report's path, or the address of Dagster")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        if arguments.report.startswith("http"):
            draw_graph(browser, arguments.report.rstrip("/"), arguments.folder / "dagster-graph.png")
            browser.close()
            return
        address = Path(arguments.report).resolve().as_uri()
        if arguments.all:
            for size, theme in ((size, theme) for size in SIZES for theme in ("light", "dark")):
                page = opened(browser, address, size, theme)
                for name in visited(page):
                    page.screenshot(path=arguments.folder / f"{name}-{size}-{theme}.png", full_page=True)
        else:
            for name, theme in (("overview", "light"), ("slices", "light"), ("slice", "light"), ("pair", "dark")):
                page = opened(browser, address, "wide", theme)
                go(page, name)
                target = "report" if name == "overview" else f"report-{name}"
                page.screenshot(path=arguments.folder / f"{target}.png")
        browser.close()


def draw_graph(browser: Any, dagster: str, target: Path) -> None:
    """Take Dagster's asset graph with all groups open, without the lists beside it."""
    beside, above, width, height = 545, 256, 900, 1536
    page = browser.new_page(viewport={"width": beside + width, "height": 2130})
    page.goto(f"{dagster}/asset-groups")
    page.wait_for_timeout(6000)
    page.keyboard.press("Alt+E")
    page.wait_for_timeout(2000)
    # The graph is fitted into the window's width when it is loaded.
    page.reload()
    page.get_by_text("audit_report").first.wait_for()
    page.wait_for_timeout(6000)
    page.screenshot(path=target, clip={"x": beside, "y": above, "width": width, "height": height})


def chromium() -> str | None:
    """Return the browser's path; None is Playwright's own."""
    return os.environ.get("FAULTMAP_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def opened(browser: Any, address: str, size: str, theme: str) -> Page:
    width, height = SIZES[size]
    page: Page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    return page


def visited(page: Page) -> Iterator[str]:
    """Go through all views; yield each name when it is drawn."""
    for name in (*VIEWS, *INSIDE):
        if go(page, name):
            yield name


def go(page: Page, name: str) -> bool:
    """Draw a view; return whether it is there."""
    if name not in INSIDE:
        show(page, f"#/{name}")
        return True
    if not go(page, INSIDE[name]):
        return False
    places = page.eval_on_selector_all("main a.row-link", "all => all.map(one => one.getAttribute('href'))")
    found = [place for place in places if place.startswith(f"#/{name}?")]
    if found:
        show(page, found[0])
    return bool(found)


def show(page: Page, place: str) -> None:
    page.evaluate("place => { location.hash = place; }", place)
    page.wait_for_timeout(250)
    # Playwright's own waiting would evaluate text in the page, which its policy forbids.
    while page.evaluate("document.querySelector('main .waiting') !== null"):
        page.wait_for_timeout(50)


if __name__ == "__main__":
    main()
