"""The report: readable, self-contained, and deaf to what hostile text would like it to do."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from faultmap_assets.report import build_report, write_report
from faultmap_core.errors import WarehouseError

from .conftest import Project, eval_rows, write_csv

pytestmark = pytest.mark.xdist_group("graph")

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)"> {{7*7}} ]]> "quoted" \x1b[31m [bold]x[/bold] =1+1'


class Page(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text += data


def test_the_page_is_self_contained_and_runs_nothing(audited):
    page = Page(build_report(audited[0].warehouse).html)
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert ("http-equiv", "Content-Security-Policy") in page.attributes
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "xlink:href"):
            assert value.startswith(("#", "data:image/png"))


def test_every_number_of_the_page_stands_in_the_document(audited):
    report = build_report(audited[0].warehouse)
    text = Page(report.html).text
    for audit in report.content["audits"]:
        assert f"{audit['failures']} of {audit['scored']} scored examples failed" in " ".join(text.split())
        for found in audit["slices"]:
            assert found["name"] in text
            assert f"{found['failure_rate']:.0%} of {found['size']} failed" in text


def test_hostile_text_stays_text(project: Project):
    rows = eval_rows("school", ["alpha"])
    for row in rows:
        row["input_text"] = f"{row['input_text']} {HOSTILE}"
        row["output_text"] = HOSTILE
        row["correct_answer"] = HOSTILE
        row["example_id"] = f"{row['example_id']} {HOSTILE[:60]}"
        row["model"] = "<b onclick=alert(3)>alpha</b>"
    write_csv(project.evals / "school.csv", rows)
    project.ingest()
    outcome = project.audit()
    assert outcome.failed == ()
    html = (project.settings.report_folder / "audit_report.html").read_text()
    page = Page(html)
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "49" not in html[html.index("<main>") :].split("{{7*7}}")[0][-50:]
    assert "<script>alert(1)</script>" in page.text
    json.loads((project.settings.report_folder / "audit_report.json").read_text())


def test_an_empty_warehouse_is_a_page_that_says_what_to_do(project: Project):
    report = build_report(project.warehouse)
    assert report.content["audits"] == []
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
