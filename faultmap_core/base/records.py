"""What the questions answer: frozen dataclasses that print readably and become strict JSON.

Field names follow faultmap 0.5.0 where it has the field; ours come after. No field ever holds NaN or an infinity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faultmap_core.base.claims import Claim


def strict(value: Any) -> Any:
    """Return `value` with only JSON's own types: numpy scalars and arrays unpacked, NaN and infinities as None."""
    if hasattr(value, "to_dict") and not hasattr(value, "columns"):
        return value.to_dict()
    if hasattr(value, "tolist") and not isinstance(value, (str, bytes)):
        return strict(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): strict(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [strict(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return str(value)


class _Record:
    """Gives a dataclass `to_dict`."""

    def to_dict(self) -> dict[str, Any]:
        """Return all fields, nested ones too, as JSON's own types; `json.dumps(..., allow_nan=False)` accepts it."""
        return {one.name: strict(getattr(self, one.name)) for one in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class FailureSlice(_Record):
    """A region of the prompts in which a model fails significantly more than on the rest.

    Attributes:
        name, description: for people; `named_by` says who wrote them ("keywords", "metadata" or a model's id).
        root_cause, suggested_remediation: empty unless a model wrote them; cited_examples: ids of the examples that it
            rests them on; naming_note: why the name is not the model's, or what was left out of its reply.
        size: scored rows inside; `units` distinct prompts among them.
        failure_rate, baseline_rate: share of failures inside and among all other scored rows, in [0, 1].
        effect_size: failure_rate / baseline_rate; None where the rest never fails.
        p_value, adjusted_p_value, test_used: see `regions.Region`.
        sample_indices: positions of the rows inside, ascending, in what was analysed.
        examples: typical failing rows first, then up to two passing: example_id, prompt, response, reference, score,
            failed.
        representative_prompts: up to five prompts nearest to the slice's centre.
        cluster_id: the candidate's number in the tree (a metadata candidate's comes after the tree's last).
        slice_id: 12 hex digits; the same members have the same id.
        failures: failing rows inside; expected_failures: what the rest's rate would give; excess_failures: the
            difference.
        risk_difference: failure_rate - baseline_rate, with risk_difference_low and risk_difference_high adjusted for
            the selection.
        estimated_risk_difference: what of the risk difference is to be expected in new data: the slice was selected for
            a high rate, so the observed one is too high in the mean (`shrinkage`); estimated_excess_failures: failures
            here beyond the rest's rate by that estimate.
        keywords: words that tell the slice from the rest, strongest first.
        minimum_detectable_effect: smallest risk difference that a region of this size would have shown in four of
            five cases; None where none would.
        statistic: what was tested and is claimed: "failure rate", "score" (by ranks) or "failure rate over repeats"
            (by ranks); rest_size: scored rows outside.
        mean_score, baseline_score: mean scores inside and outside, where scores were tested; None elsewhere, and where
            the means differ in the other direction than the ranks.
        superiority: where ranks were tested, the chance that a prompt from inside went worse than one from outside,
            ties halved; superiority_low, superiority_high: its interval, adjusted for the selection.
        confirmed, confirmation_p_value: with a held-out half, whether the slice shows in it too; the risk difference
            and its interval are then those of the held-out half. None without one.
    """

    name: str
    description: str
    size: int
    failure_rate: float
    baseline_rate: float
    effect_size: float | None
    p_value: float
    adjusted_p_value: float
    test_used: str
    sample_indices: list[int]
    examples: list[dict[str, Any]]
    representative_prompts: list[str]
    cluster_id: int
    root_cause: str = ""
    suggested_remediation: str = ""
    slice_id: str = ""
    units: int = 0
    failures: int = 0
    expected_failures: float = 0.0
    excess_failures: float = 0.0
    risk_difference: float = 0.0
    risk_difference_low: float = -1.0
    risk_difference_high: float = 1.0
    estimated_risk_difference: float = 0.0
    estimated_excess_failures: float = 0.0
    named_by: str = "keywords"
    keywords: list[str] = field(default_factory=list)
    minimum_detectable_effect: float | None = None
    confirmed: bool | None = None
    confirmation_p_value: float | None = None
    cited_examples: list[str] = field(default_factory=list)
    naming_note: str = ""
    statistic: str = "failure rate"
    rest_size: int = 0
    mean_score: float | None = None
    baseline_score: float | None = None
    superiority: float | None = None
    superiority_low: float | None = None
    superiority_high: float | None = None

    @property
    def claim(self) -> Claim:
        """What is claimed of the slice; every way of showing it renders this."""
        # The claims are records themselves, and so stand above this module.
        from faultmap_core.base.finding_claims import slice_claim

        return slice_claim(vars(self), self.rest_size)
