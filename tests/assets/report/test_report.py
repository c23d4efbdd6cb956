"""The report's document and page as files: complete, self-contained, documented, and silent where it is to be."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from faultmap_assets.report import build_report, write_report
from faultmap_assets.report.examples import MOST_CHARACTERS, PLACES
from faultmap_assets.report.page import page_parts, page_script
from faultmap_core.base.errors import ConfigurationError, WarehouseError
from tests.conftest import Project, eval_rows, write_csv

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)"> {{7*7}} ]]> "quoted" \x1b[31m [bold]x[/bold] =1+1'
SCHEMA = Path(build_report.__code__.co_filename).parent / "report.schema.json"


class Page(HTMLParser):
    """Collects tags, attributes, the parts' texts, scripts, and what a reader without script sees."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.parts: dict[str, str] = {}
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.text = ""
        self._inside: str | None = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._inside = dict(attrs).get("data-part") or (tag if tag in ("script", "style") else None)

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside == "style":
            self.styles.append(data)
        elif self._inside:
            self.parts[self._inside] = data
        else:
            self.text += data

    def part(self, name: str) -> Any:
        """Unpack a part as the page does."""
        return json.loads(zlib.decompress(base64.b64decode(self.parts[name])))

    @property
    def policy(self) -> str:
        """The Content-Security-Policy."""
        return next(value for name, value in self.attributes if name == "content" and "default-src" in value)


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_page_runs_its_own_script_and_nothing_else(audited):
    page = Page(build_report(audited[0].warehouse).html)
    assert "link" not in page.tags
    assert "img" not in page.tags
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert name != "style"
        if name in ("src", "href", "xlink:href"):
            assert value.startswith("#")
    (script,), (style,) = page.scripts, page.styles
    assert page.policy == (
        f"default-src 'none'; script-src {hashed(script)}; style-src {hashed(style)}; connect-src 'none';"
        " base-uri 'none'; form-action 'none'"
    )


def test_the_script_sets_no_markup_and_names_no_place_outside():
    script = page_script()
    for risky in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "</",
        "<!--",
    ):
        assert risky not in script
    # A name space is no address; nothing else looks like one.
    assert re.findall(r"\w+://[^\"]+", script) == ["http://www.w3.org/2000/svg"]


def test_the_parts_of_the_page_are_the_document(audited):
    report = build_report(audited[0].warehouse, settings=audited[0].settings)
    page = Page(report.html)
    findings, rows = page.part("findings"), page.part("rows")
    assert {**findings, "examples": None} == {**json.loads(report.json), "examples": None}
    texts = [text for name in sorted(page.parts) if name.startswith("texts-") for text in page.part(name)]
    assert rows["n"] == len(report.content["examples"]["rows"]) == 240
    for index in (0, 17, 239):
        told, columns = report.content["examples"]["rows"][index], rows["columns"]
        assert columns["example_id"][index] == told["example_id"]
        assert rows["names"]["model"][columns["model"][index]] == told["model"]
        for name in ("prompt", "response", "reference"):
            assert texts[columns[name][index]] == told[name]
        assert texts[columns["error_summary"][index]] == told["judgment"]["error_summary"] if told["failed"] else True
        assert columns["failed"][index] == int(told["failed"])


def test_many_texts_are_split_into_chunks_that_keep_their_numbers():
    texts = [f"{number} " + "x" * 90_000 for number in range(12)]
    row = {"dataset": "d", "model": "m", "category_id": None, "slices": [], "failed": None, "score": None, "epochs": 1}
    rows = [
        {**row, **dict.fromkeys(PLACES), "example_id": str(n), "prompt": text, "full_prompt": None, "response": "same",
         "reference": None, "metadata": {}, "judgment": None}
        for n, text in enumerate(texts)
    ]  # fmt: skip
    parts = page_parts({"examples": {"rows": rows}})
    starts = parts["rows"]["text_starts"]
    chunks = [parts[f"texts-{number}"] for number in range(len(starts) - 1)]
    assert len(chunks) > 1
    assert [len(chunk) for chunk in chunks] == [b - a for a, b in itertools.pairwise(starts)]
    joined = [text for chunk in chunks for text in chunk]
    assert [joined[number] for number in parts["rows"]["columns"]["prompt"]] == texts
    assert {joined[number] for number in parts["rows"]["columns"]["response"]} == {"same"}


def test_the_document_is_as_its_schema_says(audited):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    report = build_report(audited[0].warehouse, settings=audited[0].settings)
    jsonschema.validate(json.loads(report.json), schema)
    assert set(report.content) == set(schema["properties"])


def test_intervals_of_failure_rates_are_wilson_intervals(audited):
    # Wilson 1927 for 20 of 60 at 95 %: 0.2272 to 0.4595 (statsmodels' proportion_confint, method "wilson")
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(20, 60, method="wilson")
    for audit in build_report(audited[0].warehouse).content["audits"]:
        assert (audit["failure_rate_low"], audit["failure_rate_high"]) == pytest.approx((low, high))


def test_a_report_of_one_model_and_dataset_holds_nothing_else(audited):
    report = build_report(audited[0].warehouse, ["school"], ["alpha"])
    content = report.content
    assert [(audit["dataset"], audit["model"]) for audit in content["audits"]] == [("school", "alpha")]
    assert {(row["dataset"], row["model"]) for row in content["examples"]["rows"]} == {("school", "alpha")}
    assert {(row["dataset"], row["model"]) for row in content["signatures"]} <= {("school", "alpha")}
    assert sum(row["errors"] for row in content["taxonomy"]["categories"] if row["depth"] == 1) + content["taxonomy"][
        "unclassified"
    ] == sum(row["rows"] for row in content["judging"] if row["outcome"] in ("error", "whole_solution_incorrect"))
    assert [row["dataset"] for row in content["quality"]] == ["school"]
    assert [(pair["dataset"], pair["model_a"], pair["model_b"]) for pair in content["comparisons"]] == [
        ("school", "alpha", "beta")
    ]


def test_a_name_that_is_not_there_is_refused_with_those_that_are(audited):
    with pytest.raises(ConfigurationError, match=r"no dataset 'scool' in the warehouse; there are kitchen, school"):
        build_report(audited[0].warehouse, ["scool"])


def test_without_texts_no_text_of_an_example_is_left(audited):
    report = build_report(audited[0].warehouse, texts=False, settings=audited[0].settings)
    page = Page(report.html)
    told = report.json + page.text + "".join(json.dumps(page.part(name)) for name in page.parts)
    full = build_report(audited[0].warehouse).content["examples"]["rows"]
    assert len(report.content["examples"]["rows"]) == len(full)
    for row in full:
        for name in ("prompt", "response"):
            # An answer of one word may be part of a name; a sentence is not.
            assert len(row[name].split()) < 2 or row[name] not in told
    assert "I do not know" not in told
    assert "answer 1" not in told
    assert [audit["failures"] for audit in report.content["audits"]] == [20, 20, 20, 20]


def test_of_many_rows_cited_ones_and_a_seeded_sample_of_whole_examples_are_shown(audited):
    report = build_report(audited[0].warehouse, settings=audited[0].settings, most_rows=100)
    again = build_report(audited[0].warehouse, settings=audited[0].settings, most_rows=100)
    assert report.html == again.html
    shown = report.content["examples"]
    assert (shown["total"], shown["sampled"]) == (240, True)
    assert 90 <= shown["shown"] == len(shown["rows"]) <= 100
    by_example: dict[tuple[str, str], set[str]] = {}
    for row in shown["rows"]:
        by_example.setdefault((row["dataset"], row["example_id"]), set()).add(row["model"])
    assert set(map(frozenset, by_example.values())) == {frozenset({"alpha", "beta"})}
    for audit in report.content["audits"]:
        for found in audit["slices"]:
            for example in found["examples"]:
                assert (audit["dataset"], example["example_id"]) in by_example
    # Counts are of all, not of the sample.
    assert [audit["examples"] for audit in report.content["audits"]] == [60] * 4
    other = audited[0].settings.model_copy(update={"seed": 7})
    drawn = build_report(audited[0].warehouse, settings=other, most_rows=100).content["examples"]["rows"]
    assert [row["example_id"] for row in drawn] != [row["example_id"] for row in shown["rows"]]


def test_versions_and_costs_do_not_change_the_digest(audited):
    report = build_report(audited[0].warehouse)
    told = build_report(audited[0].warehouse, settings=audited[0].settings)
    assert report.digest == told.digest
    assert told.content["run"]["parameters"]["slices"]["significance_level"] == 0.05
    assert told.content["run"]["files"]["rows_read"] == 240


def test_who_reads_without_script_sees_the_numbers(audited):
    report = build_report(audited[0].warehouse)
    text = " ".join(Page(report.html).text.split())
    for audit in report.content["audits"]:
        assert f"{audit['failures']} of {audit['scored']} scored examples failed" in text
        for found in audit["slices"]:
            assert f"{found['name']}: {found['failure_rate']:.0%} of {found['size']} answers failed" in text


def test_hostile_and_endless_texts_stay_texts(project: Project):
    rows = eval_rows("school", ["alpha"])
    for row in rows:
        row["input_text"] = f"{row['input_text']} {HOSTILE}"
        row["output_text"] = HOSTILE
        row["correct_answer"] = HOSTILE
        row["example_id"] = f"{row['example_id']} {HOSTILE[:60]}"
        row["model"] = "<b onclick=alert(3)>alpha</b></script>"
    # What is longer than the page shows is cut, and says so.
    rows[0]["output_text"] = "word " * 10_000
    write_csv(project.evals / "school.csv", rows)
    project.ingest()
    outcome = project.audit()
    assert outcome.failed == ()
    html = (project.settings.report_folder / "audit_report.html").read_text()
    page = Page(html)
    assert "img" not in page.tags
    assert "b" not in page.tags
    assert len(page.scripts) == 1
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "<b onclick=alert(3)>alpha</b></script>" in page.text
    document = json.loads((project.settings.report_folder / "audit_report.json").read_text())
    (cut,) = [row for row in document["examples"]["rows"] if row["response"].startswith("word ")]
    assert len(cut["response"]) < MOST_CHARACTERS + 100
    assert cut["response"].endswith("\n… 30,000 more characters are in the warehouse")
    assert {row["response"] for row in document["examples"]["rows"] if row is not cut} == {HOSTILE}


def test_an_empty_warehouse_is_a_page_that_says_what_to_do(project: Project):
    report = build_report(project.warehouse)
    assert report.content["audits"] == []
    assert report.content["changes"] is None
    jsonschema.validate(json.loads(report.json), json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert "faultmap audit FILE" in Page(report.html).text


def test_a_report_that_cannot_be_written_leaves_the_former_one(audited, tmp_path: Path):
    report = build_report(audited[0].warehouse)
    html_path, _ = write_report(report, tmp_path / "reports")
    before = html_path.read_bytes()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WarehouseError, match="cannot be written"):
        write_report(report, tmp_path / "file")
    assert html_path.read_bytes() == before
    assert [path.name for path in sorted(html_path.parent.iterdir())] == ["audit_report.html", "audit_report.json"]
