"""The report's page in a real browser: it works from disk, by keyboard, at any width, and does nothing else."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from faultmap_assets.report import AuditReport, build_report, write_report
from faultmap_assets.report.memo import memo
from faultmap_core.base.finding_claims import gap_claim, slice_claim, topic_claim

playwright = pytest.importorskip("playwright.sync_api", reason="wants the extra `ui`: pip install -e '.[ui]'")
CHROMIUM = os.environ.get("FAULTMAP_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="wants Chromium: apt-get install chromium"),
]

SCHEMA = Path(build_report.__code__.co_filename).parent / "report.schema.json"
MENU = (
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
    "production": "coverage",
    "topic": "coverage",
    "example": "examples",
}
"""Views that are reached from a row of another."""

HOSTILE = (
    '<script>window.hit=1;alert(1)</script><img src=x onerror="window.hit=1;alert(2)"><svg onload=alert(3)>'
    '<a href="javascript:alert(4)">x</a> [y](javascript:alert(5)) **z** `\\u0000` "\'><iframe src=//evil.test></iframe>'
    " </script></style></textarea> &lt;b&gt; {{7*7}} \x1b[31m"
)
# These decide what the page does with a row; a hostile one would only hide it.
_WORDS_OF_OURS = {"scope", "outcome", "status", "severity", "quality", "flag", "measure"}


class Watched:
    """A page with everything that it should not do written down."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.wrong.append(f"error {error}"))
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self._asked(request.url))
        self.refused: list[str] = []
        page.on("requestfailed", lambda request: self.refused.append(f"{request.url} {request.failure}"))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.wrong.append(f"{kind} {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith(("file:", "blob:")):
            self.wrong.append(f"request {url}")

    def until(self, condition: str) -> None:
        """Wait until an expression is true; Playwright's own waiting evaluates text in the page, which is forbidden."""
        deadline = time.monotonic() + 20
        while not self.page.evaluate(condition):
            assert time.monotonic() < deadline, f"still not: {condition}"
            time.sleep(0.02)

    def show(self, place: str) -> None:
        """Go to an address of the page and wait until it is drawn and its texts are there."""
        before = self.page.evaluate("window.drawnBefore = document.querySelector('main .page'), location.hash")
        if before == place:
            return
        self.page.evaluate("place => { location.hash = place; }", place)
        self.until("document.querySelector('main .page') !== window.drawnBefore")
        self.until("!document.querySelector('main .waiting')")

    def visit(self, name: str) -> bool:
        """Draw a view; return whether the report has one."""
        if name not in INSIDE:
            self.show(f"#/{name}")
            return True
        if not self.visit(INSIDE[name]):
            return False
        places = self.page.eval_on_selector_all("main a.row-link", "all => all.map(one => one.getAttribute('href'))")
        inside = [place for place in places if place.startswith(f"#/{name}?")]
        if inside:
            self.show(inside[0])
        return bool(inside)

    def text(self) -> str:
        return str(self.page.inner_text("main"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def content(audited) -> dict[str, Any]:
    """A report of the audited project, with the days of production and the history that it lacks."""
    full = json.loads(build_report(audited[0].warehouse, settings=audited[0].settings).json)
    full.update(_production(), **_history(full))
    jsonschema.validate(full, json.loads(SCHEMA.read_text(encoding="utf-8")))
    return full


def _production() -> dict[str, Any]:
    named = {"description": "d", "named_by": "keywords", "root_cause": "they ask of trips", "naming_note": ""}
    named |= {"suggested_remediation": "write tests", "cited_examples": ["log-1"], "rank": 1}
    asked = [{"source": "app", "log_id": f"log-{n}", "prompt": f"=pack for trip {n}"} for n in range(3)]
    gap = {"gap_id": "g1", "kind": "gap", "name": "trips", **named, "size": 3, "prompts": 3, "traffic_share": 0.3}
    gap |= {"tests": 0, "expected_tests": 9.5, "test_ratio": 0.0, "mean_distance": 1.1, "p_value": 0.01}
    gap |= {"adjusted_p_value": 0.02, "representative_prompts": ["pack"], "prompts_asked": asked}
    gap |= {"nearest_tests": [{"prompt": "fly?", "distance": 0.9}]}
    claim = gap_claim(gap)
    gap |= {"claim": None if claim is None else claim.to_dict()}
    days = [
        {"day": f"2026-11-0{n}", "tests": 60, "production": 10, "coverage": 0.5 + n / 10, "coverage_low": 0.3}
        | {"coverage_high": 0.9, "covered": 0.4, "in_gaps": 0.3, "undetermined": 0.3, "outliers": 1, "note": ""}
        | {"gaps": [gap] if n == 2 else []}
        for n in (1, 2)
    ]
    example = {"example_id": "log-1", "prompt": "p", "response": "r", "reference": None, "score": 0.0, "failed": True}
    slice_ = {"day": "2026-11-02", "slice_id": "s1", "name": "refunds", **named, "size": 9, "prompts": 9}
    slice_ |= {"failures": 8, "excess_failures": 5.0, "failure_rate": 0.8, "baseline_rate": 0.2, "p_value": 0.001}
    slice_ |= {"risk_difference": 0.6, "risk_difference_low": 0.4, "risk_difference_high": 0.8, "effect_size": 3.0}
    slice_ |= {"adjusted_p_value": 0.01, "test_used": "midp", "examples": [example]}
    slice_ |= {"claim": slice_claim(slice_, 6, "answers with feedback").to_dict()}
    window = {"day": "2026-11-02", "first_day": "2026-11-01", "days": 2, "rows": 20, "with_feedback": 15}
    window |= {"failures": 9, "failure_rate": 0.6, "note": "", "slices": [slice_]}
    topic = {"day": "2026-11-02", "topic_id": "t1", "kind": "growing", "name": "visas", "description": "d"}
    topic |= {"current_share": 0.3, "current_share_low": 0.2, "current_share_high": 0.4, "previous_share": 0.1}
    topic |= {"previous_share_low": 0.05, "previous_share_high": 0.2, "current_rows": 3, "previous_rows": 1}
    topic |= {"adjusted_p_value": 0.01, "named_by": "keywords", "representative_prompts": ["visa?"]}
    ratio = {"ratio": 3.0, "ratio_low": 1.2, "ratio_high": 8.0, "p_value": 0.001}
    topic |= {"claim": topic_claim({**topic, **ratio}, 10, 10).to_dict()}
    drift = {"day": "2026-11-02", "rows": 10, "previous_rows": 10, "note": "", "topics": [topic]}
    return {"coverage": days, "production_slices": [window], "topic_drift": [drift]}


def _history(content: dict[str, Any]) -> dict[str, Any]:
    found = content["audits"][0]["slices"][0]
    about = {"area": "evals", "kind": "slice", "dataset": found["dataset"], "model": found["model"], "finding_id": "f1"}
    change = {**about, "day": "", "name": found["name"], "status": "worse", "value": 0.9, "before": 0.5}
    alert = {"kind": "slice", "name": found["name"], "severity": "ERROR", "day": "", "message": "it got worse"}
    points = [{"label": f"2026-11-0{n}", "value": n / 10, "low": None, "high": None} for n in (1, 2)]
    return {
        "changes": {
            "audit": 2,
            "audited_at": "2026-11-02 10:00",
            "since": "2026-11-01 10:00",
            "findings": [{**change, "source_id": found["slice_id"]}],
            "alerts": [alert],
        },
        "trends": [{**about, "name": found["name"], "status": "worse", "present": True, "points": points}],
    }


@pytest.fixture(scope="module")
def page_file(content, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(AuditReport(content), tmp_path_factory.mktemp("report"))[0]


@pytest.fixture
def watched(browser, page_file: Path, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """The page, opened; at the end it has done nothing wrong."""
    with opened(browser, page_file, **getattr(request, "param", {})) as made:
        yield made
        assert made.wrong == []


@contextmanager
def opened(browser: Any, path: Path, *, width: int = 1280, dark: bool = False) -> Iterator[Watched]:
    """Open a page in a context of its own."""
    theme = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    watched = Watched(context.new_page())
    watched.page.goto(path.as_uri())
    watched.page.wait_for_selector("html[data-ready]")
    try:
        yield watched
    finally:
        context.close()


def planted(value: Any, key: str = "") -> Any:
    """Put the hostile text behind every text of a document, the same behind the same."""
    if isinstance(value, dict):
        return {name: planted(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [planted(part, key) for part in value]
    return value + HOSTILE if isinstance(value, str) and key not in _WORDS_OF_OURS else value


def test_hostile_texts_in_every_field_stay_texts(browser, content, tmp_path: Path):
    path, _ = write_report(AuditReport(planted(content)), tmp_path)
    with opened(browser, path) as watched:
        for name in (*MENU, *INSIDE):
            assert watched.visit(name), name
            watched.page.evaluate(
                "for (const one of document.querySelectorAll('details')) one.open = true;"
                "const switches = '.text-tools button, .field input[type=checkbox]';"
                "for (const one of document.querySelectorAll(switches)) one.click();"
            )
            watched.page.wait_for_timeout(50)
            assert "<script>window.hit=1" in watched.text(), name
            foreign = watched.page.evaluate(
                "document.querySelectorAll('main script, main style, img, iframe, object, embed, form, base').length"
                " + [...document.querySelectorAll('main *')].flatMap(one => [...one.attributes]).filter("
                "a => /^on/.test(a.name) || (a.name === 'href' && !a.value.startsWith('#'))).length"
            )
            assert foreign == 0, name
        assert watched.page.evaluate("window.hit") is None
        assert watched.wrong == []


def test_markup_that_got_in_would_still_do_nothing(browser, page_file: Path):
    with opened(browser, page_file) as watched:
        watched.page.evaluate(
            "document.body.insertAdjacentHTML('beforeend',"
            ' \'<img src="https://evil.test/x" onerror="window.hit=1"><p onclick="window.hit=1" id=bait>x</p>\')'
        )
        watched.page.click("#bait")
        watched.page.wait_for_timeout(200)
        assert watched.page.evaluate("window.hit") is None
        assert [line for line in watched.wrong if line.startswith("dialog")] == []
        assert watched.refused == ["https://evil.test/x csp"]
        # The browser says that the policy refused it.
        assert any("Content Security Policy" in line for line in watched.wrong)


def test_every_view_is_drawn_from_its_address(watched: Watched, content):
    told = {
        "overview": "trips",
        "slices": content["audits"][0]["slices"][0]["name"],
        "taxonomy": content["taxonomy"]["categories"][0]["name"],
        "coverage": "Where users were unhappy",
        "quality": "Items that want a look",
        "examples": "240 answers",
        "trends": content["audits"][0]["slices"][0]["name"],
        "run": "failure_slices",
        "slice": "How this was tested",
        "category": "By model",
        "pair": "Where they disagree",
        "gap": "=pack for trip 1",
        "production": "refunds",
        "topic": "visa?",
        "example": "criteria",
    }
    for name in (*MENU, *INSIDE):
        assert watched.visit(name), name
        assert told.get(name, "") in watched.text(), name
        # Somebody who gets the link sees the same.
        address, text = watched.page.evaluate("location.hash"), watched.text()
        watched.show("#/run" if name != "run" else "#/overview")
        watched.show(address)
        assert watched.text() == text, name


def test_filters_and_order_stand_in_the_address(watched: Watched):
    watched.show("#/slices")
    rows = watched.page.locator("table.data").first.locator("tbody tr")
    every = rows.count()
    watched.page.fill("main input[type=search]", "cooking")
    assert 0 < rows.count() < every
    watched.page.click("th button[data-key=size]")
    address = watched.page.evaluate("location.hash")
    assert "q=cooking" in address
    assert "sort=-size" in address
    number = rows.count()
    watched.page.reload()
    watched.page.wait_for_selector("html[data-ready]")
    assert rows.count() == number
    assert watched.page.input_value("main input[type=search]") == "cooking"
    assert watched.page.get_attribute("th:has(button[data-key=size])", "aria-sort") == "descending"


def test_a_chosen_model_stays_chosen_from_view_to_view(watched: Watched):
    watched.show("#/slices?model=alpha")
    assert "beta" not in watched.page.inner_text("main table.data tbody")
    watched.page.click("#menu a[data-view=examples]")
    watched.until("document.querySelector('h1').textContent === 'Examples'")
    assert "model=alpha" in watched.page.evaluate("location.hash")
    assert "120 of 240 answers" in watched.text()


def test_a_chosen_dataset_keeps_its_ranking(watched: Watched, content):
    for ranking in content["memo"]["rankings"]:
        watched.show(f"#/overview?dataset={ranking['dataset']}")
        shown = watched.page.locator(".ranking tbody th").all_inner_texts()
        assert shown == [one["model"] for one in ranking["models"]]


def test_the_search_of_examples_looks_into_prompts_and_answers(watched: Watched, content):
    rows = content["examples"]["rows"]
    expected = sum("peru" in (row["prompt"] + row["response"] + (row["reference"] or "")).lower() for row in rows)
    watched.show("#/examples")
    watched.page.fill("main input[type=search]", "Peru")
    watched.until("document.querySelector('.tally').textContent.includes(' of ')")
    assert expected == 4
    assert watched.page.inner_text(".tally").startswith(f"{expected} of 240")
    watched.page.select_option("select[aria-label=verdicts]", "failed")
    failed = sum("peru" in row["prompt"].lower() and row["failed"] for row in rows)
    assert watched.page.inner_text(".tally").startswith(f"{failed} of 240")


def test_the_page_works_by_keyboard(watched: Watched):
    page = watched.page
    watched.show("#/slices")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    second = page.evaluate("document.activeElement.getAttribute('href')")
    assert second == page.locator("main a.row-link").nth(1).get_attribute("href")
    page.keyboard.press("Enter")
    watched.until("document.querySelector('main .crumbs')")
    assert page.evaluate("location.hash") == second
    page.keyboard.press("Backspace")
    watched.until("document.querySelector('h1').textContent === 'Failure slices'")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("dialog[open]").is_visible()
    page.keyboard.press("Escape")
    # The browser tells of the closing in a task of its own.
    watched.until("!document.querySelector('dialog')")
    page.keyboard.press("3")
    watched.until("document.querySelector('h1').textContent === 'Kinds of error'")


def test_what_is_shown_is_exported_without_formulas(watched: Watched):
    watched.visit("gap")
    with watched.page.expect_download() as saved:
        watched.page.get_by_role("button", name="CSV").first.click()
    rows = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text())))
    assert [row["input_text"] for row in rows] == [f"'=pack for trip {n}" for n in range(3)]
    assert rows[0]["gap"] == "trips"
    with watched.page.expect_download() as saved:
        watched.page.get_by_role("button", name="JSONL").click()
    lines = [json.loads(line) for line in Path(saved.value.path()).read_text().splitlines()]
    assert [line["input_text"] for line in lines] == [f"=pack for trip {n}" for n in range(3)]


def test_examples_are_exported_with_their_texts(watched: Watched, content):
    watched.show("#/examples?verdict=failed")
    with watched.page.expect_download() as saved:
        watched.page.get_by_role("button", name="JSON", exact=True).click()
    rows = json.loads(Path(saved.value.path()).read_text())
    expected = [row for row in content["examples"]["rows"] if row["failed"]]
    assert [(row["example_id"], row["prompt"], row["response"]) for row in rows] == [
        (row["example_id"], row["prompt"], row["response"]) for row in expected
    ]


def test_differences_are_marked_word_by_word(watched: Watched):
    watched.visit("pair")
    assert watched.page.locator("main mark").count() == 0
    first = watched.page.locator("article.example").first
    answers = first.locator(".sides .text").all_inner_texts()
    first.locator("input[type=checkbox]").check()
    watched.page.wait_for_selector("main mark")
    assert "I do not know" in " ".join(first.locator("mark").all_inner_texts())
    # Nothing of an answer is lost or added by being marked.
    assert first.locator(".sides .text").all_inner_texts() == answers


def test_differences_of_long_and_foreign_answers_are_marked_without_changing_them(browser, content, tmp_path: Path):
    pair = content["comparisons"][0]
    many = " ".join(f"word{number}" for number in range(4_000))
    answers = [
        ("Der Zug\tfährt\n\num 9 Uhr – см. выше", "Der Zug fährt\num 10 Uhr – см. ниже"),
        (many, many.replace("word", "other")),
        ("same", "same"),
    ]
    wrong = [row for row in content["examples"]["rows"] if row["dataset"] == pair["dataset"] and row["failed"]]
    changed = {}
    for (left, right), row in zip(answers, wrong, strict=False):
        changed[row["example_id"]] = {pair["model_a"]: left, pair["model_b"]: right}
    rows = [
        {**row, "response": changed[row["example_id"]][row["model"]]}
        if row["dataset"] == pair["dataset"] and row["example_id"] in changed
        else row
        for row in content["examples"]["rows"]
    ]
    told = {**content, "examples": {**content["examples"], "rows": rows}}
    with opened(browser, write_report(AuditReport(told), tmp_path)[0]) as watched:
        watched.visit("pair")
        marks = []
        for example_id in changed:
            card = watched.page.locator("article.example", has=watched.page.locator(f"a:text-is('{example_id}')"))
            texts = "all => all.map(one => one.textContent)"
            before = card.locator(".sides .text").evaluate_all(texts)
            card.locator("input[type=checkbox]").check()
            watched.until(f"document.querySelector('main mark') || {len(marks)} > 0")
            watched.page.wait_for_timeout(200)
            assert card.locator(".sides .text").evaluate_all(texts) == before
            marks.append(card.locator("mark").all_inner_texts())
        assert marks[0] == ["\t", "\n\n", "9", "выше", " ", "\n", "10", "ниже"]
        assert [len(one) for one in marks[1]] == [len(many), len(many.replace("word", "other"))]
        assert marks[2] == []
        assert watched.wrong == []


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_cut_off(browser, page_file: Path, width: int):
    with opened(browser, page_file, width=width) as watched:
        for name in (*MENU, *INSIDE):
            watched.visit(name)
            wide = watched.page.evaluate(
                "[document.documentElement.scrollWidth, ...[...document.querySelectorAll('main *')]"
                ".filter(one => !one.closest('.off-screen, .tip')).map(one => one.getBoundingClientRect().right)]"
            )
            assert max(wide) <= width + 1, name


@pytest.mark.parametrize("dark", [False, True])
def test_no_serious_barrier_for_anybody(browser, page_file: Path, dark: bool):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="wants the extra `ui`").Axe()
    for width in (1280, 400):
        with opened(browser, page_file, width=width, dark=dark) as watched:
            for name in (*MENU, *INSIDE):
                watched.visit(name)
                found = axe.run(watched.page).response["violations"]
                serious = [
                    (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
                ]
                assert serious == [], (name, width)


def test_the_map_can_be_seen_in_space_and_turned(watched: Watched):
    page = watched.page
    picture = "document.querySelector('figure.map canvas').toDataURL()"
    watched.show("#/slices")
    watched.until("document.querySelector('figure.map canvas').width > 300")
    plane = page.evaluate(picture)
    page.get_by_role("button", name="3-D").click()
    watched.until("location.hash.includes('space=1')")
    space = page.evaluate(picture)
    assert space != plane
    page.get_by_role("button", name="Turn right").click()
    turned = page.evaluate(picture)
    assert turned not in (space, plane)
    page.get_by_role("button", name="Turn left").click()
    assert page.evaluate(picture) == space
    # A drag turns, too, and opens no example.
    canvas = page.locator("figure.map canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 80, box["y"] + box["height"] / 2 + 20, steps=4)
    page.mouse.up()
    assert page.evaluate(picture) not in (space, turned)
    assert page.evaluate("location.hash") == "#/slices?space=1"
    page.get_by_role("button", name="3-D").click()
    watched.until("!location.hash.includes('space')")
    assert page.evaluate(picture) == plane


def test_light_and_dark_can_be_chosen(watched: Watched):
    background = "getComputedStyle(document.body).backgroundColor"
    light = watched.page.evaluate(background)
    watched.page.keyboard.press("t")
    dark = watched.page.evaluate(background)
    assert dark != light
    watched.page.reload()
    watched.page.wait_for_selector("html[data-ready]")
    assert watched.page.evaluate(background) == dark


def test_a_report_without_texts_says_so(browser, audited, tmp_path: Path):
    path, _ = write_report(build_report(audited[0].warehouse, texts=False), tmp_path)
    with opened(browser, path) as watched:
        for name in ("overview", "slices", "taxonomy", "slice", "category", "pair", "example"):
            assert watched.visit(name)
            assert "I do not know" not in watched.text()
        watched.visit("slice")
        assert "left out of this report" in watched.text() or "judged by" in watched.text()
        assert watched.wrong == []


def test_the_first_screen_ranks_the_models_and_holds_the_map_and_nothing_is_cut_off(watched):
    watched.show("#/overview")
    for name in ("alpha", "beta"):
        assert name in watched.page.inner_text(".memo")
    assert watched.page.evaluate("document.querySelector('.memo canvas').getBoundingClientRect().top") < 600
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    headings = watched.page.eval_on_selector_all("main h2", "all => all.map(one => one.textContent)")
    assert headings.index("Repair first") < headings.index("What these data cannot tell")
    first = watched.page.inner_text(".repairs > li:first-child")
    assert "answers failed" in first
    assert "How this was tested" in first


def test_how_a_claim_was_tested_opens_by_keyboard(watched):
    watched.show("#/overview")
    summary = watched.page.locator(".repairs details.basis summary").first
    summary.focus()
    watched.page.keyboard.press("Enter")
    watched.until("document.querySelector('.repairs details.basis').open")
    assert "adjusted" in watched.page.inner_text(".repairs details.basis")


def test_ten_models_with_long_names_fit_and_have_a_win_matrix(browser, content, tmp_path: Path):
    models = [f"Some-Vendor_Model-{number}-of-70B-Instruct-quantised-4bit" for number in range(10)]
    audit = content["audits"][0]
    pairs = [
        {**content["comparisons"][0], "dataset": audit["dataset"], "model_a": a, "model_b": b, "slices": []}
        | {"compared": 100, "winner": "tie" if (a, b) == (models[0], models[1]) else a}
        for index, a in enumerate(models)
        for b in models[index + 1 :]
    ]
    audits = [
        {**audit, "model": model, "failure_rate": 0.1 + number / 20, "slices": audit["slices"] if not number else []}
        for number, model in enumerate(models)
    ]
    many = {**content, "audits": audits, "comparisons": pairs}
    many["memo"] = memo(many)
    path = write_report(AuditReport(many), tmp_path)[0]
    for width in (1280, 800):
        with opened(browser, path, width=width) as watched:
            for place in ("#/overview", "#/comparison"):
                watched.show(place)
                assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, place)
                text = watched.text().replace("\u200b", "")
                assert all(model in text for model in models), (width, place)
            marks = watched.page.eval_on_selector_all(".matrix td a", "all => all.map(one => one.textContent)")
            assert (marks.count("+"), marks.count("−"), marks.count("=")) == (44, 44, 2)
            assert watched.wrong == []
