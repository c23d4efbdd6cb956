"""The memo of an audit and the ranking in the terminal, from results written by hand."""

import io
import re

from rich.console import Console

from faultmap_assets.cli.render import comparisons as terminal_comparisons
from faultmap_assets.cli.render import memo as terminal_memo
from faultmap_assets.cli.render.tables import breakable
from faultmap_assets.report.memo import memo
from faultmap_core.base.finding_claims import pair_claim, slice_claim
from faultmap_core.discovery.comparison.ranking import PairVerdict, rank_models, ranking_sentence

NAMES = [f"Some-Vendor_Model-{number}-of-70B-Instruct-quantised-4bit" for number in range(10)]


def printed(parts):
    out = io.StringIO()
    console = Console(file=out, width=80)
    for part in parts:
        console.print(part)
    return out.getvalue()


def slice_row(model, slice_id, name, size, rate, p, audit_p):
    row = {
        "dataset": "quiz", "model": model, "slice_id": slice_id, "name": name, "size": size, "failure_rate": rate,
        "baseline_rate": 0.3, "risk_difference": rate - 0.3, "risk_difference_low": rate - 0.4,
        "risk_difference_high": rate - 0.2, "failures": round(size * rate), "excess_failures": size * (rate - 0.3),
        "estimated_excess_failures": None, "p_value": p, "adjusted_p_value": p, "audit_adjusted_p_value": audit_p,
        "test_used": "midp", "examples": [{"failed": True, "prompt": f"typical of {name}"}],
    }  # fmt: skip
    return row | {"claim": slice_claim(row, 500 - size).to_dict()}


def audit(model, failures, slices=()):
    return {
        "dataset": "quiz", "model": model, "examples": 510, "scored": 500, "failures": failures,
        "failure_rate": failures / 500, "failure_rate_low": 0.1, "failure_rate_high": 0.9, "slices": list(slices),
    }  # fmt: skip


def pair(a, b, winner, compared=500, rates=(0.3, 0.4)):
    row = {
        "dataset": "quiz", "model_a": a, "model_b": b, "winner": winner, "compared": compared, "pairing": "",
        "failure_rate_a": rates[0], "failure_rate_b": rates[1], "difference": rates[1] - rates[0],
        "difference_low": 0.05 if winner == a else -0.05, "difference_high": 0.2, "test_used": "mcnemar_midp",
        "p_value": 0.001 if winner == a else 0.6, "adjusted_p_value": 0.001 if winner == a else 0.6, "slices": [],
        "discordant_a_wins": 90, "discordant_b_wins": 40,
    }  # fmt: skip
    return row | {"claim": pair_claim(row, a, b, compared).to_dict()}


def content(audits, pairs=(), **more):
    empty = {"taxonomy": None, "judging": [], "quality": [], "quarantined": []}
    return {"audits": audits, "comparisons": list(pairs), **empty, **more}


def test_who_leads_and_who_is_tied_comes_from_the_pairs_and_not_from_the_rates():
    rates = {"a": 0.30, "b": 0.31, "c": 0.32, "d": 0.29}
    verdicts = [
        PairVerdict("a", "b", "unresolved", 100), PairVerdict("a", "c", "a", 100), PairVerdict("b", "c", "tie", 100),
        # d fails least on its own examples and loses on the shared ones: it does not lead.
        PairVerdict("a", "d", "a", 50), PairVerdict("b", "d", "unresolved", 0), PairVerdict("c", "d", "unresolved", 0),
    ]  # fmt: skip
    standings = rank_models(rates, verdicts)
    assert [(one.model, one.place) for one in standings] == [
        ("a", "leads"), ("d", "behind"), ("b", "tied"), ("c", "behind"),
    ]  # fmt: skip
    assert (standings[0].beats, standings[0].open) == (("d", "c"), ("b",))
    assert standings[2].uncompared == ("d",)
    assert ranking_sentence(standings) == "a fails least; b cannot be told apart from it. The other 2 fail more than a."


def test_models_that_share_nothing_are_not_ranked_against_each_other():
    standings = rank_models({"a": 0.1, "b": 0.2}, [PairVerdict("a", "b", "unresolved", 0)])
    assert [one.place for one in standings] == ["not compared", "not compared"]
    assert "share no example" in ranking_sentence(standings)
    assert ranking_sentence(rank_models({"a": 0.1}, [])) == ""
    assert [one.place for one in rank_models({"a": 0.1}, [])] == ["leads"]


def test_a_model_that_shares_nothing_does_not_lead_those_that_are_compared():
    verdicts = [PairVerdict("a", "b", "a", 50), PairVerdict("a", "c", "unresolved", 0)]
    standings = rank_models({"a": 0.3, "b": 0.5, "c": 0.1}, verdicts)
    assert [(one.model, one.place) for one in standings] == [("a", "leads"), ("c", "not compared"), ("b", "behind")]
    assert ranking_sentence(standings) == (
        "a is better than b on the same examples. c shares no scored example with a and cannot be placed."
    )


def test_what_does_not_hold_over_the_whole_audit_is_no_repair_but_may_be_chance():
    held = slice_row("a", "1", "tax, law", 50, 0.8, 1e-6, 1e-4)
    shared = slice_row("b", "1", "law, tax", 50, 0.7, 1e-6, 1e-4)
    weak = slice_row("b", "2", "poems", 20, 0.7, 0.04, 0.4)
    made = memo(content([audit("a", 150, [held]), audit("b", 160, [shared, weak])]))
    assert [(one["name"], one["model"], one["also_of"]) for one in made["repairs"]] == [("tax, law", "a", ["b"])]
    assert made["repairs"][0]["recoverable"] == "About 25 fewer failures if it failed like the rest (20 to 30)."
    assert [one["name"] for one in made["may_be_chance"]] == ["poems"]
    shown = printed(terminal_memo.memo_parts(made))
    assert "80% of 50 answers failed, 30% of the other 450" in " ".join(shown.split())
    assert "May be chance: found by one of 2 searches" in " ".join(shown.split())
    assert "typical of tax, law" in shown
    assert "20 answers without a score" in shown
    alone = memo(content([audit("b", 160, [weak])]))
    assert "more than chance over the whole audit" in " ".join(printed(terminal_memo.memo_parts(alone)).split())


def test_ten_models_are_a_ranking_and_a_win_matrix_of_80_columns_and_no_word_is_broken():
    audits = [audit(name, 100 + 20 * place) for place, name in enumerate(NAMES)]
    pairs = [
        pair(a, b, "unresolved" if (place, b) == (0, NAMES[1]) else a, 499 if place else 500)
        for place, a in enumerate(NAMES)
        for b in NAMES[place + 1 :]
    ]
    made = memo(content(audits, pairs))
    shown = printed(terminal_comparisons.comparison_parts(made["rankings"], pairs, details=False))
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 80
    words = set(re.split(r"[-_]", "".join(f"{name}-" for name in NAMES)))
    for line in lines:
        if re.match(r"^ *\d* +(Some|Instruct|quantised|4bit)", line):
            name = re.sub(r"^ *\d* +", "", line)[:34].split("  ")[0].strip()
            assert set(re.split(r"[-_]", name.rstrip("-_"))) <= words, line
    assert "each pair on 499 to 500 common examples" in shown
    first = next(line for line in lines if line.startswith(" 1 "))
    assert first.split()[-10:] == ["·", "=", *"++++++++"]
    assert "(A) or" not in shown
    assert printed(terminal_comparisons.comparison_parts(made["rankings"], pairs, details=True)).count("(A) or") == 45


def test_a_comparison_of_no_pair_is_a_sentence():
    none = pair("a", "b", "unresolved", 0, (0.0, 0.0))
    shown = printed(terminal_comparisons.pair_parts(none | {"pairing": "They share no example."}))
    assert "They share no example." in shown
    assert "%" not in shown
    told = memo(content([audit("a", 100), audit("b", 120)], [none]))["cannot_tell"]
    assert any("a and b on quiz share no example" in line for line in told)


def test_names_break_where_a_reader_would_break_them():
    assert breakable("Meta-Llama-3_1-70B-Instruct-temperature-0.7", 32) == (
        "Meta-Llama-3_1-70B-Instruct-\ntemperature-0.7"
    )
    assert breakable("openai/gpt-4o", 32) == "openai/gpt-4o"
