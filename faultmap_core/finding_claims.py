"""The claim of each kind of finding, from its figures: slices, comparisons, topics, gaps and signatures.

Findings of the in-memory API and rows of the warehouse have the same names for their figures, so both come here as
mappings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faultmap_core.claims import Claim

_LEVEL = 0.05


def slice_claim(found: Mapping[str, Any], rest_size: int, population: str = "answers") -> Claim:
    """Return what is claimed of a failure slice.

    Args: found: fields of `FailureSlice`, or a row of `failure_slices` or `production_slices`; rest_size: scored rows
        outside of it.
    """
    confirmed = found.get("confirmed")
    adjusted = float(found["adjusted_p_value"])
    ranked = found["test_used"] == "ranksum"
    statistic = found.get("statistic") or "failure rate"
    score = statistic == "score"
    return Claim(
        statistic=statistic,
        inside=found["mean_score"] if score else found["failure_rate"],
        outside=found["baseline_score"] if score else found["baseline_rate"],
        effect=found["superiority"] if ranked and statistic != "failure rate" else found["risk_difference"],
        low=found["superiority_low"] if ranked and statistic != "failure rate" else found["risk_difference_low"],
        high=found["superiority_high"] if ranked and statistic != "failure rate" else found["risk_difference_high"],
        test=found["test_used"],
        population=population,
        n=int(found["size"]),
        n_other=rest_size,
        p_value=float(found["p_value"]),
        adjusted_p_value=adjusted if confirmed is not False else 1.0,
        level=_level(adjusted, True) if confirmed is not False else _LEVEL,
    )


def _level(adjusted: float, decided: bool) -> float:
    """Return a significance level at which the finding was decided as it was: stored findings do not name theirs."""
    if (adjusted <= _LEVEL) == decided:
        return _LEVEL
    return adjusted if decided else adjusted / 2.0


def pair_claim(
    found: Mapping[str, Any], model_a: str, model_b: str, pairs: int, population: str = "examples that both answered"
) -> Claim:
    """Return who is claimed to be better of two models, over all or in a slice.

    Args: found: failure_rate_a, failure_rate_b, difference with its bounds, test_used, winner (a model's name, "a",
        "b", "tie" or "unresolved"), p_value, adjusted_p_value.
    """
    scores = found["test_used"] == "sign_flip"
    adjusted = float(found["adjusted_p_value"])
    return Claim(
        statistic="paired score" if scores else "paired failure rate",
        inside=None if scores else found["failure_rate_a"],
        outside=None if scores else found["failure_rate_b"],
        effect=found["difference"],
        low=found["difference_low"],
        high=found["difference_high"],
        test=found["test_used"],
        population=population,
        n=pairs,
        n_other=pairs,
        p_value=float(found["p_value"]),
        adjusted_p_value=adjusted,
        level=_level(adjusted, found["winner"] not in ("tie", "unresolved")),
        equivalent=found["winner"] == "tie",
        first=model_a,
        second=model_b,
    )


def topic_claim(topic: Mapping[str, Any], now: int, before: int) -> Claim:
    """Return what is claimed of a topic that changed; now, before: distinct prompts of the two windows."""
    return Claim(
        statistic="share",
        inside=topic["current_share"],
        outside=topic["previous_share"],
        effect=topic["ratio"],
        low=topic["ratio_low"],
        high=topic["ratio_high"],
        test="midp",
        population="prompts now",
        n=now,
        n_other=before,
        p_value=float(topic["p_value"]),
        adjusted_p_value=float(topic["adjusted_p_value"]),
        level=_level(float(topic["adjusted_p_value"]), True),
        first="the days now",
        second="before",
    )


def gap_claim(gap: Mapping[str, Any]) -> Claim | None:
    """Return what is claimed of a coverage gap; None of one that is only far from every test, which is not tested."""
    if gap["kind"] == "distant" or gap["adjusted_p_value"] is None:
        return None
    return Claim(
        statistic="count",
        inside=float(gap["tests"]),
        outside=float(gap["expected_tests"]),
        effect=float(gap["tests"]) - float(gap["expected_tests"]),
        low=None,
        high=None,
        test="midp",
        population="tests",
        n=max(int(gap["size"]), 1),
        n_other=max(int(gap["size"]), 1),
        p_value=float(gap["p_value"]),
        adjusted_p_value=float(gap["adjusted_p_value"]),
        level=_level(float(gap["adjusted_p_value"]), True),
        first="the tests",
        second="what was expected",
    )


def signature_claim(row: Mapping[str, Any], n: int, n_other: int) -> Claim | None:
    """Return what is claimed of a kind of error; None where it was not tested.

    Args: row: of `error_signatures`; n, n_other: scored examples of the model and of the others, or errors in the
        slice and elsewhere.
    """
    if row["p_value"] is None or row["rest_rate"] is None:
        return None
    of_model = row["scope"] == "model"
    adjusted = float(row["adjusted_p_value"])
    return Claim(
        statistic="share",
        inside=row["rate"],
        outside=row["rest_rate"],
        effect=row["risk_ratio"],
        low=row["risk_ratio_low"],
        high=row["risk_ratio_high"],
        test="midp",
        population="scored examples" if of_model else "errors in this slice",
        n=n,
        n_other=n_other,
        p_value=float(row["p_value"]),
        adjusted_p_value=adjusted,
        level=_level(adjusted, bool(row["significant"])),
        second="of the other models" if of_model else "errors outside of it",
    )
