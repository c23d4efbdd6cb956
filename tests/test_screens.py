"""What the screens count, cut and cannot tell: cuts name the rest, counts add up, no advice is impossible."""

from __future__ import annotations

import io

from rich.console import Console

from faultmap_assets import terminal_memo, terminal_why
from faultmap_assets.estimate import AssetEstimate, AuditEstimate
from faultmap_assets.report.memo import memo, no_outcome
from faultmap_assets.unmeasured import measured_days, measured_pairs
from faultmap_core.finding_claims import signature_claim

from .test_memo import audit, content, slice_row


def printed(*parts) -> str:
    out = io.StringIO()
    console = Console(file=out, width=120)
    for part in parts:
        console.print(part)
    return out.getvalue()


def test_weak_spots_shown_and_left_add_up_to_the_table():
    shared = [slice_row(model, "s0", "dates", 60, 0.8, 1e-6, 1e-5) for model in ("a", "b")]
    own = [slice_row("a", f"s{number}", f"topic {number}", 50, 0.7, 1e-5, 1e-4) for number in range(1, 5)]
    chance = [slice_row("b", "s9", "letters", 40, 0.6, 0.01, 0.2)]
    found = memo(content([audit("a", 200, [shared[0], *own]), audit("b", 150, [shared[1], *chance])]))
    # 5 of a and 2 of b; the first three regions are 4 of them, as one is a weak spot of both.
    assert sorted(one["slices"] for one in found["rankings"][0]["models"]) == [2, 5]
    shown = printed(*terminal_memo.memo_parts(found))
    assert "These are 4 of the 7 weak spots above; all of them: `faultmap slices`" in shown


def test_where_nothing_is_scored_the_screen_says_what_can_be_done():
    unscored = audit("a", 0) | {"scored": 0, "failure_rate": None}
    found = memo(content([unscored]))
    shown = " ".join(printed(*terminal_memo.memo_parts(found)).split())
    assert "No group of prompts was found" not in shown
    assert "--map score=COLUMN" in shown
    assert "`faultmap coverage FILE`" in shown
    assert no_outcome([unscored, audit("b", 10)]) == no_outcome([]) == ""


def test_failures_without_an_error_are_counted():
    kinds = [{"name": "Wrong number", "errors": 898, "depth": 1, "category_id": "number"}]
    told = str(terminal_memo.why_line(kinds, 898, 9))
    assert "of 898 errors" in told
    assert "In 9 more failures no error was found" in told
    assert "no error was found" not in str(terminal_memo.why_line(kinds, 898))


def test_the_share_of_a_slice_names_what_it_is_a_share_of():
    row = {
        "p_value": 1e-6, "adjusted_p_value": 1e-5, "rate": 0.48, "rest_rate": 0.06, "risk_ratio": 8.0,
        "risk_ratio_low": 4.0, "risk_ratio_high": 16.0, "significant": True, "scope": "slice",
    }  # fmt: skip
    told = signature_claim(row, 120, 294).told
    assert told.startswith("48% of 120 errors in this slice, 6% of 294 errors outside of it")
    assert "of 840 scored examples" in signature_claim({**row, "scope": "model"}, 840, 840).told


def test_a_cut_list_of_items_names_the_rest_of_each_flag():
    items = [
        {"flag": flag, "example_id": f"e{number}", "evidence": "seen"}
        for flag, many in (("no_error_found", 13), ("duplicate", 10))
        for number in range(many)
    ]
    shown = printed(*terminal_why.quality_tables([{"dataset": "quiz", "measures": [], "items": items}]))
    assert shown.count("more: --json lists all") == 1
    assert "… 3 more: --json lists all  no error found" in shown


def test_an_estimate_of_nothing_is_a_sentence():
    shown = printed(terminal_why.estimate_table(AuditEstimate((), ())))
    assert shown.strip() == "The next audit asks no language model anything and costs nothing."
    asked = AssetEstimate("error_judgments", "gpt", 1, 5, 0, 100, 50, 0.01)
    assert "error_judgments" in printed(terminal_why.estimate_table(AuditEstimate((asked,), ())))


def test_what_was_not_measured_is_no_number():
    day = {"day": "2026-11-01", "tests": 0, "production": 4, "coverage": 0.0, "coverage_low": 0.0, "in_gaps": 0.0}
    assert measured_days([day]) == [{**day, "coverage": None, "coverage_low": None, "in_gaps": None}]
    assert measured_days([{**day, "tests": 7}]) == [{**day, "tests": 7}]
    pair = {
        "model_a": "a",
        "model_b": "b",
        "compared": 0,
        "failure_rate_a": 0.0,
        "winner": "unresolved",
        "p_value": 1.0,
    }
    unmeasured = {"failure_rate_a": None, "winner": None, "p_value": None}
    assert measured_pairs([pair]) == [{**pair, **unmeasured}]
    assert measured_pairs([{**pair, "compared": 9}]) == [{**pair, "compared": 9}]
