"""The served page in a real browser: opened, searched, labelled; it asks its own server and nobody else."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from faultmap_assets.report import build_report, write_report
from faultmap_assets.settings import Settings
from faultmap_assets.view import ErrorMapView, ViewServer, WarehouseView
from faultmap_assets.warehouse.connection import Warehouse
from tests.assets.report.test_report_browser import CHROMIUM, HOSTILE, Watched
from tests.assets.report.test_report_browser import opened as opened_file
from tests.assets.view.test_view import errormap_tree

playwright = pytest.importorskip("playwright.sync_api", reason="wants the extra `ui`: pip install -e '.[ui]'")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="wants Chromium: apt-get install chromium"),
]


class Served(Watched):
    """A served page; what it asks of its own server is no wrong."""

    def __init__(self, page: Any, server: ViewServer) -> None:
        self.server = server
        super().__init__(page)

    def _asked(self, url: str) -> None:
        own = f"http://127.0.0.1:{self.server.port}/"
        if not url.startswith(own) and not url.startswith(("data:", "blob:")):
            self.wrong.append(f"request {url}")

    def reload(self) -> None:
        self.page.reload()
        self.page.wait_for_selector("html[data-ready]")
        self.until("!document.querySelector('main .waiting')")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def home(audited, tmp_path: Path) -> Settings:
    settings = Settings.model_validate({"home": tmp_path / "var", "warehouse": {"lock_timeout_seconds": 0.4}})
    settings.home.mkdir()
    shutil.copy(audited[0].settings.warehouse_path, settings.warehouse_path)
    return settings


@contextmanager
def opened(browser: Any, view: WarehouseView | ErrorMapView, *, width: int = 1280) -> Iterator[Served]:
    with ViewServer(view) as server:
        context = browser.new_context(viewport={"width": width, "height": 900})
        watched = Served(context.new_page(), server)
        watched.page.goto(server.url)
        watched.page.wait_for_selector("html[data-ready]")
        # The token is a cookie by now, and stands in no address that somebody may copy.
        assert server.token not in watched.page.evaluate("location.href")
        try:
            yield watched
        finally:
            context.close()


@pytest.fixture
def watched(browser, home: Settings) -> Iterator[Served]:
    with opened(browser, WarehouseView(home)) as made:
        yield made
        assert made.wrong == []


def test_every_view_is_drawn_from_the_server(watched: Served):
    for name in ("overview", "slices", "taxonomy", "signatures", "comparison", "quality", "examples", "trends", "run"):
        assert watched.visit(name), name
    for name in ("slice", "category", "pair", "example"):
        assert watched.visit(name), name
        watched.until("document.querySelector('main article.example')")
    assert watched.visit("slices")
    watched.until("document.querySelector('main canvas')")


def test_the_server_searches_filters_sorts_and_pages(watched: Served):
    page = watched.page
    watched.show("#/examples")
    tally, rows = "document.querySelector('.tally').textContent", page.locator("main tbody tr")
    assert page.evaluate(tally) == "240 answers"
    assert rows.count() == 50
    page.click("main .more button")
    watched.until("document.querySelectorAll('main tbody tr').length === 240")
    page.fill("main input[type=search]", "Peru")
    watched.until(f"{tally} === '4 of 240 answers'")
    page.select_option("select[aria-label=verdicts]", "failed")
    watched.until(f"{tally}.startsWith('0 of') || {tally}.startsWith('1 of')")
    page.select_option("select[aria-label=verdicts]", "")
    watched.until(f"{tally} === '4 of 240 answers'")
    page.click("th button[data-key=model]")
    watched.until("document.querySelector('th[aria-sort=ascending]')")
    address = page.evaluate("location.hash")
    assert "q=Peru" in address
    assert "sort=model" in address
    watched.reload()
    assert rows.count() == 4
    assert page.locator("main tbody td[data-label=model]").all_inner_texts() == ["alpha", "alpha", "beta", "beta"]


def test_a_label_is_set_seen_after_reload_changed_and_taken_back(watched: Served, home: Settings):
    page = watched.page
    watched.show("#/example?dataset=school&id=arithmetic-07")
    page.click(".label button:text-is('Right')")
    watched.until("document.querySelector('.label .said.right')")
    watched.reload()
    assert page.inner_text(".label .said") == "right"
    page.click(".label button:text-is('Change')")
    page.click(".label-editor button:text-is('wrong')")
    kinds = page.locator(".label-editor select option")
    assert kinds.nth(1).inner_text() == "No error at all"
    kind = kinds.nth(2).get_attribute("value")
    page.select_option(".label-editor select", kind)
    page.fill(".label-editor textarea", HOSTILE)
    page.click(".label-editor button:text-is('Save')")
    watched.until("document.querySelector('.label .said.wrong')")
    watched.reload()
    assert "<script>window.hit=1" in page.inner_text(".why-said")
    assert (
        page.evaluate("document.querySelectorAll('main script, main img, main iframe, main svg[onload]').length") == 0
    )
    assert page.evaluate("window.hit") is None
    (kept,) = Warehouse(home.warehouse_path).query("SELECT * FROM judgment_labels").to_pylist()
    assert (kept["judgment_right"], kept["is_error"], kept["kind"]) == (False, True, kind)
    watched.show("#/examples?label=judgment+wrong")
    watched.until("document.querySelector('.tally').textContent === '1 of 240 answers'")
    watched.show("#/example?dataset=school&id=arithmetic-07")
    page.click(".label button:text-is('Undo')")
    watched.until("document.querySelector('.label') && !document.querySelector('.label .said')")
    watched.reload()
    assert page.locator(".label .said").count() == 0


def test_a_label_that_cannot_be_kept_says_why_and_loses_no_word(browser, home: Settings):
    with opened(browser, WarehouseView(home)) as watched:
        page = watched.page
        watched.show("#/example?dataset=school&id=arithmetic-07")
        page.click(".label button:has-text('Wrong')")
        page.fill(".label-editor textarea", "as the reference says")
        with Warehouse(home.warehouse_path).write() as connection:
            connection.execute("UPDATE error_judgments SET error_title = 'another'")
        page.click(".label-editor button:text-is('Save')")
        watched.until("document.querySelector('.label .trouble')")
        assert "made anew" in page.inner_text(".label .trouble")
        assert page.input_value(".label-editor textarea") == "as the reference says"
        # The browser notes an answer that is no success.
        assert [line for line in watched.wrong if "400" not in line] == []


def test_the_page_says_what_the_server_could_not_do_and_tries_again(browser, home: Settings):
    with opened(browser, WarehouseView(home)) as watched:
        moved = home.warehouse_path.rename(home.warehouse_path.with_suffix(".away"))
        watched.page.evaluate("location.hash = '#/examples'")
        watched.until("document.querySelector('main .trouble')")
        assert "no warehouse at" in watched.page.inner_text("main .trouble")
        moved.rename(home.warehouse_path)
        watched.page.click("main .trouble button")
        watched.until("document.querySelectorAll('main tbody tr').length === 50")


def test_the_page_works_on_a_narrow_screen(browser, home: Settings):
    with opened(browser, WarehouseView(home), width=400) as watched:
        for place in ("#/examples", "#/example?dataset=school&id=arithmetic-07"):
            watched.show(place)
            if "id=" in place:
                watched.page.click(".label button:has-text('Wrong')")
            assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
        assert watched.wrong == []


def test_errormaps_file_opens_as_its_tree(browser, tmp_path: Path):
    tree = errormap_tree()
    tree["children"][0]["name"] += HOSTILE
    tree["children"][0]["children"][0]["children"][0]["info"]["output_text"] = HOSTILE
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(tree), encoding="utf-8")
    with opened(browser, ErrorMapView(path)) as watched:
        page = watched.page
        assert page.locator("#menu a").all_inner_texts() == ["Errors", "Examples"]
        assert "4 judged errors" in watched.text()
        page.click("main .tree a.row-link >> nth=0")
        watched.until("document.querySelector('main article.example')")
        watched.until("!document.querySelector('main .waiting')")
        assert "<script>window.hit=1" in watched.text()
        assert "It says 5." in watched.text()
        watched.show("#/examples")
        assert page.locator("main tbody tr").count() == 4
        time.sleep(0.1)
        assert page.evaluate("window.hit") is None
        assert watched.wrong == []


def test_a_file_and_a_server_find_the_same_examples_in_the_same_order(
    browser, audited, watched: Served, tmp_path: Path
):
    """A view asks one source of data, whichever it is; the answers are found twice, in the page and in the database."""
    report, _ = write_report(build_report(audited[0].warehouse, settings=audited[0].settings), tmp_path)
    with opened_file(browser, report) as packed:
        packed.show("#/slices")
        inside = {
            kind: packed.page.get_attribute(f"main a.row-link[href^='#/{kind}?']", "href")
            for kind, menu in (("slice", "slices"), ("category", "taxonomy"), ("pair", "comparison"))
            if not packed.show(f"#/{menu}")
        }
        kind = parse_qs(inside["category"].partition("?")[2])["id"][0]
        searches = [
            {"q": "peru"},
            {"q": "ANSWER 7", "verdict": "passed"},
            {"q": "capital of", "sort": "-model"},
            {"verdict": "failed", "sort": "error"},
            {"sort": "-verdict", "dataset": "kitchen"},
            {"sort": "score", "model": "beta"},
            {"kind": kind, "sort": "-example_id"},
            {"label": "not labelled"},
            {"q": "no such words"},
        ]
        places = [f"#/examples?{urlencode(search)}" for search in searches]
        places += [inside["slice"], f"{inside['slice']}&show=failed", f"{inside['slice']}&show=passed"]
        places += [inside["category"], inside["pair"], f"{inside['pair']}&only=1", f"{inside['pair']}&only=2"]
        found = []
        for place in places:
            seen = [listed(one, place) for one in (packed, watched)]
            assert seen[0] == seen[1], place
            found.append(seen[0][1])
        assert sum(1 for ids in found if not ids) <= 2
        assert packed.wrong == []


def listed(watched: Watched, place: str) -> tuple[str, list[str]]:
    """Return how many examples a view says that it found, and which it lists, all of them."""
    watched.show(place)
    tally = ".tools .tally"
    watched.until(f"[...document.querySelectorAll('{tally}')].at(-1)?.textContent.match(/^[0-9]/)")
    while watched.page.locator("main .more button").count():
        before = watched.page.evaluate("document.querySelectorAll('main a.row-link').length")
        watched.page.locator("main .more button").last.click()
        watched.until(f"document.querySelectorAll('main a.row-link').length > {before}")
    heads = "[...document.querySelectorAll('main article.example header, main table.data tbody tr')]"
    names = watched.page.evaluate(f"{heads}.map(one => one.innerText.replace(/\\s+/g, ' '))")
    return watched.page.locator(tally).last.inner_text(), names
