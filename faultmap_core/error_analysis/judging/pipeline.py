"""Plan and run the judging of failures: sampling, contrast answers, and judgments that still hold.

The judges themselves: `judging_rules.RuleJudge` and `judging_model.ModelJudge`; what they say: `judgments.Judgment`.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.error_analysis.answers.signals import FailedExample, signals_of
from faultmap_core.error_analysis.judging.judgment import (
    NO_PURPOSE,
    ContrastAnswer,
    Criterion,
    Judge,
    Judgment,
    JudgmentOutcome,
    Quality,
    evidence_in,
    judgment_key,
)
from faultmap_core.error_analysis.judging.llm_judge import ModelJudge
from faultmap_core.error_analysis.judging.rule_judge import RuleJudge
from faultmap_core.llm import Purpose

__all__ = [
    "ContrastAnswer",
    "Criterion",
    "FailedExample",
    "Judge",
    "JudgingPlan",
    "JudgingResult",
    "Judgment",
    "JudgmentOutcome",
    "ModelJudge",
    "Quality",
    "RuleJudge",
    "choose_contrasts",
    "evidence_in",
    "judge_failures",
    "judgment_key",
    "plan_judging",
    "sample_failures",
    "signals_of",
]


@dataclass(frozen=True)
class JudgingPlan:
    """What is to be done with n failures.

    Attributes:
        to_judge: sampled failures without a judgment that still holds, in the order given.
        kept: example id -> judgment that still holds, of the sampled ones.
        not_sampled: ids that are left out by the ratio.
    """

    to_judge: tuple[FailedExample, ...]
    kept: Mapping[str, Judgment]
    not_sampled: tuple[str, ...]


@dataclass(frozen=True)
class JudgingResult:
    """What became of n failures: n = sampled + not_sampled, sampled = kept + judged + failed.

    Attributes:
        judgments: one per sampled failure, in the order given; a failed one has outcome "failed".
        kept: judgments taken over; judged: made now; failed: tried now without a usable reply, still to be judged.
        failed_reasons: how many failed for which reason.
    """

    judgments: tuple[Judgment, ...]
    kept: int
    judged: int
    failed: int
    not_sampled: int
    failed_reasons: Mapping[str, int]

    @property
    def sampled(self) -> int:
        return len(self.judgments)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How many judgments have which outcome."""
        return Counter(judgment.outcome for judgment in self.judgments)


def sample_failures(example_ids: Iterable[str], *, ratio: float, seed: int, salt: str) -> list[str]:
    """Return the given share of the ids, those with the smallest seeded hashes.

    Args:
        ratio: in [0, 1]. At least one id is taken where there are any, unless the ratio is 0, which takes none.
        salt: what is sampled, such as dataset and model, so that samples differ between them.
    Returns: distinct ids, the same whatever their order; those of a smaller ratio come first.
    Raises: ConfigurationError for a ratio outside of [0, 1].
    """
    if not 0.0 <= ratio <= 1.0:
        raise ConfigurationError(f"ratio of failures to judge is {ratio}; expected a number from 0 to 1")
    ranked = sorted(set(example_ids), key=lambda one: (_rank(one, seed, salt), one))
    if ratio == 0.0:
        return []
    return ranked[: max(1, math.floor(ratio * len(ranked) + 0.5))]


def choose_contrasts(example_id: str, answers: Mapping[str, str], k: int, seed: int) -> tuple[ContrastAnswer, ...]:
    """Return up to k correct answers of other models, those with the smallest seeded hashes; empty ones are left out.

    Args: answers: model -> its correct response to this example.
    """
    given = [model for model, response in answers.items() if response.strip()]
    chosen = sorted(given, key=lambda model: (_rank(model, seed, example_id), model))[: max(k, 0)]
    return tuple(ContrastAnswer(model, answers[model]) for model in chosen)


def _rank(text: str, seed: int, salt: str) -> bytes:
    parts = "\x00".join((str(seed), salt, text)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(parts, digest_size=16).digest()


def plan_judging(
    failures: Sequence[FailedExample],
    judge: Judge,
    *,
    previous: Mapping[str, Judgment],
    ratio: float,
    seed: int,
    salt: str,
) -> JudgingPlan:
    """Tell which failures would be judged now, without a call. Arguments and errors as in `judge_failures`."""
    ids = [failure.example_id for failure in failures]
    twice = [one for one, times in Counter(ids).items() if times > 1]
    if twice:
        raise ConfigurationError(f"failure {twice[0]!r} is given more than once; expected one failure per example id")
    sampled = set(sample_failures(ids, ratio=ratio, seed=seed, salt=salt))
    kept: dict[str, Judgment] = {}
    to_judge = []
    for failure in failures:
        if failure.example_id not in sampled:
            continue
        before = previous.get(failure.example_id)
        if before and before.outcome != "failed" and before.judgment_key == judgment_key(failure, judge):
            kept[failure.example_id] = before
        else:
            to_judge.append(failure)
    return JudgingPlan(tuple(to_judge), kept, tuple(one for one in ids if one not in sampled))


def judge_failures(
    failures: Sequence[FailedExample],
    judge: Judge,
    *,
    previous: Mapping[str, Judgment],
    contrasts: Callable[[str], Sequence[ContrastAnswer]],
    ratio: float = 1.0,
    seed: int = 0,
    salt: str = "",
    purpose: Purpose = NO_PURPOSE,
) -> JudgingResult:
    """Judge a sample of failures; judgments that still hold are kept as they are.

    Args:
        failures: of one model on one dataset, with distinct ids.
        previous: example id -> its judgment of an earlier run. It is kept where its key is that of the row, the judge
            and the prompt now; contrast answers are no part of it, so that a new model changes no judgment. A failed
            one is tried again.
        contrasts: example id -> correct answers of other models; asked for what is judged now alone.
        ratio, seed, salt: see `sample_failures`.
    Raises: ConfigurationError where ids are not distinct or the ratio is not in [0, 1].
    """
    plan = plan_judging(failures, judge, previous=previous, ratio=ratio, seed=seed, salt=salt)
    shown = [tuple(contrasts(failure.example_id)) for failure in plan.to_judge]
    made = judge.judge(plan.to_judge, shown, purpose) if plan.to_judge else []
    new = {failure.example_id: judgment for failure, judgment in zip(plan.to_judge, made, strict=True)}
    everything = {**plan.kept, **new}
    failed = [judgment for judgment in made if judgment.outcome == "failed"]
    return JudgingResult(
        judgments=tuple(everything[one.example_id] for one in failures if one.example_id in everything),
        kept=len(plan.kept),
        judged=len(made) - len(failed),
        failed=len(failed),
        not_sampled=len(plan.not_sampled),
        failed_reasons=Counter(judgment.reason_code for judgment in failed),
    )
