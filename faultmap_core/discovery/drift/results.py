"""What a comparison of two windows of prompts answers: frozen dataclasses that become strict JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from faultmap_core.base.records import _Record

TopicKind = Literal["new", "growing", "shrinking", "vanished"]


@dataclass(frozen=True)
class TopicChange(_Record):
    """A region of the prompts whose share differs between the windows.

    Attributes:
        name, description: for people; `named_by` says who wrote them ("keywords" or a model's id); keywords,
            cited_examples, naming_note: as in `FailureSlice`.
        kind: "new" | "growing" | "shrinking" | "vanished", see `DriftSettings.absent_ratio`.
        topic_id: 12 hex digits; the same prompts have the same id. cluster_id: the region's number.
        units: distinct prompts inside.
        current_indices, previous_indices: rows inside, positions in what was given, ascending; current_traffic,
            previous_traffic: their share of all rows, in [0, 1].
        current_share, previous_share: share of the distinct prompts of each window, in [0, 1], prompts of one session
            about one topic counted once; with _low and _high: interval adjusted for the selection.
        ratio: current_share / previous_share, None where the latter is 0; ratio_low, ratio_high: its interval,
            >= 0, ratio_high None where it is open.
        p_value, adjusted_p_value: that the windows share this region as they share the rest, two-sided, see
            `regions.Region`.
        representative_prompts: up to five prompts nearest to the centre, of the window in which the topic is larger.
        nearest_other_prompts: of the other window, those nearest to that centre (of a new topic: what was asked before
            that is most like it): prompt, index, distance (Euclidean between unit vectors, in [0, 2]).
    """

    name: str
    description: str
    kind: TopicKind
    topic_id: str
    cluster_id: int
    units: int
    current_indices: list[int]
    previous_indices: list[int]
    current_traffic: float
    previous_traffic: float
    current_share: float
    current_share_low: float
    current_share_high: float
    previous_share: float
    previous_share_low: float
    previous_share_high: float
    ratio: float | None
    ratio_low: float
    ratio_high: float | None
    p_value: float
    adjusted_p_value: float
    representative_prompts: list[str]
    nearest_other_prompts: list[dict[str, Any]]
    named_by: str = "keywords"
    keywords: list[str] = field(default_factory=list)
    cited_examples: list[str] = field(default_factory=list)
    naming_note: str = ""

    @property
    def rises(self) -> bool:
        """Whether the topic is larger now than before."""
        return self.kind in ("new", "growing")


@dataclass(frozen=True)
class TopicDrift(_Record):
    """What changed between two windows.

    Attributes: topics: by falling change of share; current_rows, previous_rows: rows given; current_units,
        previous_units: distinct prompts of each; tested: regions tested; note: what limits the answer, for people.
    """

    topics: tuple[TopicChange, ...]
    current_rows: int
    previous_rows: int
    current_units: int
    previous_units: int
    tested: int
    note: str = ""

    def of_kind(self, kind: TopicKind) -> tuple[TopicChange, ...]:
        """Return the topics of one kind."""
        return tuple(one for one in self.topics if one.kind == kind)
