"""What a notebook shows of a report: all of it, escaped, folded, and nothing that runs or is loaded."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from faultmap_core.base.records import FailureSlice
from faultmap_core.base.text import Column, Page, Section
from faultmap_core.compat.faultmap.html import ROWS_SHOWN, html_page
from faultmap_core.compat.faultmap.reports import AnalysisReport, ComparisonReport, CoverageReport
from faultmap_core.discovery.comparison.results import SliceComparison
from faultmap_core.discovery.coverage.results import CoverageGap, OutlierPrompt

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></table></details><iframe src='http://evil.example'>",
    "<a href='javascript:alert(1)'>x</a>",
    "</style><style>@import 'http://evil.example'</style>",
    "&lt;b&gt; & &amp;",
    "\u202egpj.exe \x1b[31m\u2028 \ud800",
    "<!-- ",
    "$\\href{javascript:alert(1)}{x}$",
]
ALLOWED = {"style", "div", "p", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}
VOID: set[str] = set()


class Reader(HTMLParser):
    """Notes what a browser would: elements, attributes, texts; and whether what is opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str | None]] = set()
        self.texts: list[str] = []
        self.style = ""
        self.comments: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= set(attrs)
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1] == "style":
            self.style += data
        else:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def rows(self) -> int:
        return self.tags.count("tr")


def analysis(texts: list[str]) -> AnalysisReport:
    found = [
        FailureSlice(
            text, text, 10, 0.5, 0.1, 5.0, 1e-9, 1e-6, "midp", [1], [], [text], 3, root_cause=text,
            suggested_remediation=text,
        )
        for text in texts
    ]  # fmt: skip
    return AnalysisReport(
        found, 100, 20, 0.2, 0.05, 0.5, "precomputed", 7, len(found), texts[0], texts[0], {"note": texts[0]}
    )


def coverage(texts: list[str]) -> CoverageReport:
    gaps = [
        CoverageGap(
            text, text, 10, 0.5, [text], [1], 3, root_cause=text, suggested_remediation=text,
            nearest_tests=[{"prompt": text, "index": 0, "distance": 0.1}],
        )
        for text in texts
    ]  # fmt: skip
    outliers = [OutlierPrompt(text, 0, 1.2, text, 0) for text in texts]
    return CoverageReport(gaps, 5, 10, len(gaps), 0.5, 0.9, texts[0], {"note": texts[0]}, outliers=outliers)


def comparison(texts: list[str]) -> ComparisonReport:
    found = [
        SliceComparison(
            text, text, 10, 0.1, 0.2, -0.1, 1, 2, 3, 4, 0.4, 0.01, 0.02, "mcnemar_midp", "a", [1], [], [text], 3,
            root_cause=text,
        )
        for text in texts
    ]  # fmt: skip
    return ComparisonReport(
        found, 10, texts[0], texts[-1], 0.1, 0.2, 0.01, "mcnemar_midp", "a", 0.4, 0.05, 0.5, "precomputed", 3,
        len(found), texts[0], texts[0], {"note": texts[0]},
    )  # fmt: skip


@pytest.mark.parametrize("report", [analysis, coverage, comparison])
def test_hostile_texts_are_texts(report):
    made = report(HOSTILE)
    read = Reader(made._repr_html_())
    assert set(read.tags) <= ALLOWED
    assert read.comments == []
    assert {name for name, _ in read.attributes} == {"class"}
    assert {value for _, value in read.attributes} <= {"faultmap", "right", "title"}
    assert "http" not in read.style
    assert "@import" not in read.style
    shown = "".join(read.texts)
    for text in HOSTILE[:6]:
        assert text in shown
    assert not any(character in shown for character in "\u202e\x1b\u2028\ud800")
    # A notebook is saved as UTF-8.
    assert made._repr_html_().encode()


@pytest.mark.parametrize(("report", "rows"), [(analysis, 9), (coverage, 9), (comparison, 9)])
def test_it_says_what_the_printed_report_says(report, rows: int):
    made = report([f"name {number}" for number in range(rows)])
    read = Reader(made._repr_html_())
    shown = " ".join(" ".join(read.texts).split())
    assert made.summary() in shown
    for number in range(rows):
        assert f"name {number}" in shown
    assert read.rows() == 1 + rows


def test_what_is_long_is_folded_and_still_there():
    short, long = (analysis([f"name {number}" for number in range(n)]) for n in (ROWS_SHOWN, ROWS_SHOWN + 7))
    assert "more rows" not in short._repr_html_()
    read = Reader(long._repr_html_())
    assert "7 more rows" in read.texts
    assert "7 more findings" in read.texts
    # The folded table has a head of its own.
    assert read.rows() == 2 + ROWS_SHOWN + 7


def test_a_text_of_a_megabyte_does_not_make_the_notebook_large():
    assert len(analysis(["x" * 1_000_000])._repr_html_()) < 10_000


def test_no_findings_are_a_sentence():
    made = AnalysisReport([], 100, 20, 0.2, 0.05, 0.5, "precomputed", 7, 0, "agglomerative", "wordllama")
    read = Reader(made._repr_html_())
    assert made.summary() in read.texts
    assert "table" not in read.tags


def test_numbers_stand_to_the_right():
    html = html_page(Page("t", ["f"], [Column("a", ["x"]), Column("n", ["1"], "right")], [Section("s", ["l"])]))
    assert '<td>x</td><td class="right">1</td>' in html
