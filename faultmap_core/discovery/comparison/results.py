"""What a comparison of models answers: frozen dataclasses, field names as in faultmap 0.5.0 where it has the field.

"a" and "b" stand for the two models, "tie" for differences shown to lie within the margin, "unresolved" for neither
shown. An advantage is positive where A is better.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from faultmap_core.base.claims import Claim
from faultmap_core.base.finding_claims import pair_claim
from faultmap_core.base.records import _Record

Winner = Literal["a", "b", "tie", "unresolved"]


@dataclass(frozen=True)
class SliceComparison(_Record):
    """A region of the prompts in which A's share of the disagreements differs from the rest's.

    Attributes:
        name, description: for people; `named_by` says who wrote them ("keywords" or a model's id).
        root_cause: why the models differ here; suggested_remediation: for the one that loses; cited_examples,
            naming_note: as in `FailureSlice`.
        size: compared rows inside; `units` distinct prompts among them.
        failure_rate_a, failure_rate_b: on those rows, in [0, 1]; failure_rate_diff: A's less B's.
        concordant_pass, concordant_fail: rows that both passed, both failed.
        discordant_a_wins, discordant_b_wins: rows that only A, only B passed.
        advantage_rate: share of A's wins among the discordant rows, in [0, 1]; 0.5 where there are none. In a
            comparison of scores: share of the pairs that differ in which A scores better.
        p_value: who wins here, before any adjustment; adjusted_p_value: times tested / found, which makes up for the
            selection (Benjamini and Yekutieli, 2005); test_used: "mcnemar_midp" or "sign_flip".
        winner: see the module.
        sample_indices: positions of the rows inside, ascending, in what was compared.
        examples: typical disagreements, those that go with the slice first: example_id, prompt, response_a,
            response_b, reference, score_a, score_b, failed_a, failed_b.
        representative_prompts: up to five prompts nearest to the slice's centre; cluster_id: the candidate's number.
        slice_id: 12 hex digits; the same members have the same id.
        rest_advantage_rate: the share of A's wins outside.
        excess_wins_a: A's wins beyond what the rest's share would give (negative: B's), copies counted once; in a
            comparison of scores: A's advantage beyond the rest's mean, summed over the prompts.
        selection_p_value, selection_adjusted_p_value: of the difference from the rest, two-sided.
        difference: A's advantage: difference of success rates, or of mean scores; difference_low, difference_high:
            its interval, adjusted for the selection; None where a single pair leaves it open.
        equivalent: the difference is shown to lie within the margin (two one-sided tests).
        keywords: words that tell the slice from the rest, strongest first.
    """

    name: str
    description: str
    size: int
    failure_rate_a: float
    failure_rate_b: float
    failure_rate_diff: float
    concordant_pass: int
    concordant_fail: int
    discordant_a_wins: int
    discordant_b_wins: int
    advantage_rate: float
    p_value: float
    adjusted_p_value: float
    test_used: str
    winner: Winner
    sample_indices: list[int]
    examples: list[dict[str, Any]]
    representative_prompts: list[str]
    cluster_id: int
    slice_id: str = ""
    units: int = 0
    rest_advantage_rate: float = 0.5
    excess_wins_a: float = 0.0
    selection_p_value: float = 1.0
    selection_adjusted_p_value: float = 1.0
    difference: float = 0.0
    difference_low: float | None = None
    difference_high: float | None = None
    equivalent: bool = False
    named_by: str = "keywords"
    keywords: list[str] = field(default_factory=list)
    root_cause: str = ""
    suggested_remediation: str = ""
    cited_examples: list[str] = field(default_factory=list)
    naming_note: str = ""


@dataclass(frozen=True)
class ComparisonResult(_Record):
    """Which of two models is better, over all and where that changes.

    Attributes:
        model_a, model_b: names for people.
        slices: by falling |excess_wins_a|.
        total_rows: rows given; compared_rows: rows that both models have an outcome for; units: distinct prompts among
            them.
        failure_rate_a, failure_rate_b: on the compared rows (0.0 where there are none).
        global_winner, global_advantage_rate, global_p_value, global_test_used: over all units, as in
            `SliceComparison`; global_adjusted_p_value: over the pairs of models of `compare_models`, else the same.
        global_discordant_a_wins, global_discordant_b_wins: compared rows that only A, only B passed.
        difference, difference_low, difference_high, equivalent: as in `SliceComparison`, unadjusted.
        tested: candidates tested.
        outcome: "binary" (failed or not) or "score"; margin: how far apart equals may be.
        note: why there are no slices, for people; empty where there are.
        other_prompts: example ids that both models have an outcome for, but each on another prompt; these are no pairs.
    """

    model_a: str
    model_b: str
    slices: tuple[SliceComparison, ...]
    total_rows: int
    compared_rows: int
    units: int
    failure_rate_a: float
    failure_rate_b: float
    global_winner: Winner
    global_advantage_rate: float
    global_p_value: float
    global_adjusted_p_value: float
    global_test_used: str
    global_discordant_a_wins: int
    global_discordant_b_wins: int
    difference: float
    difference_low: float | None
    difference_high: float | None
    equivalent: bool
    tested: int
    significance_level: float
    margin: float
    outcome: str
    note: str = ""
    other_prompts: int = 0

    @property
    def claim(self) -> Claim:
        """Who is claimed to be better over all."""
        found = {
            "failure_rate_a": self.failure_rate_a,
            "failure_rate_b": self.failure_rate_b,
            "difference": self.difference,
            "difference_low": self.difference_low,
            "difference_high": self.difference_high,
            "test_used": self.global_test_used,
            "winner": self.global_winner,
            "p_value": self.global_p_value,
            "adjusted_p_value": self.global_adjusted_p_value,
        }
        return pair_claim(found, self.model_a, self.model_b, self.compared_rows)


def pairing_sentence(pairs: int, other_prompts: int) -> str:
    """Return what a reader must know of the pairs before the figures; empty where every shared example is a pair.

    Args: pairs: compared examples; other_prompts: see `ComparisonResult`.
    """
    ids = f"{other_prompts:,} example {'id' if other_prompts == 1 else 'ids'}"
    if not pairs and other_prompts:
        return f"Not compared: no pair has the same prompt; the {ids} of both models stand for different prompts."
    if not pairs:
        return "Not compared: no example has an outcome of both models."
    if other_prompts:
        return f"Left out: {ids} of both models, on which the two were asked different prompts."
    return ""


@dataclass(frozen=True)
class SliceStanding(_Record):
    """One line of "who wins where": a slice found between two models, and how all models do on it.

    Attributes:
        slice_id, name, size: of the slice; model_a, model_b, winner: the pair that it was found with, and its verdict.
        failure_rates: model -> failure rate on the slice's rows, None where it has no outcome there.
        best: the models with the lowest rate, which is a description and no test.
    """

    slice_id: str
    name: str
    size: int
    model_a: str
    model_b: str
    winner: Winner
    failure_rates: dict[str, float | None]
    best: list[str]


@dataclass(frozen=True)
class ManyComparisons(_Record):
    """All pairs of several models.

    Attributes:
        models: names, by rising failure rate; pairs: one result per pair, in the order of the names given.
        standings: one line per slice of any pair, by falling size of what it explains.
    """

    models: tuple[str, ...]
    pairs: tuple[ComparisonResult, ...]
    standings: tuple[SliceStanding, ...]
