"""Measure how well the judge agrees with people's labels, and keep the result beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from faultmap_assets.defs.why import queries as error_queries
from faultmap_assets.defs.why.human_labels import human_labels
from faultmap_assets.warehouse.connection import Warehouse, insert
from faultmap_core.base.errors import ConfigurationError
from faultmap_core.error_analysis.judging.validation import (
    Agreement,
    HumanLabel,
    JudgeAgreement,
    JudgedAnswer,
    read_labels,
    validate_judge,
)
from faultmap_core.readers import content_hash

KEPT_LABELS = "judgment_labels"
"""What stands in `judge_validations` for the path of the labels that the warehouse keeps."""

_QUESTIONS = ("error", "kind")


def validate_against(warehouse: Warehouse, path: Path | None = None) -> JudgeAgreement:
    """Compare the judgments with people's labels, keep the result in `judge_validations`, and return it.

    Args: path: a file of labels; None takes those that the warehouse keeps (`faultmap view` sets them).
    Raises:
        EvalFileError: the file cannot be read or a row is not a label.
        ConfigurationError: there are no labels or no judgments, or no label fits one.
    """
    labels, digest = (read_labels(path), content_hash(path)) if path else _kept(warehouse)
    judged = error_queries.judgments(warehouse)
    if not judged:
        raise ConfigurationError("there are no judgments yet; `faultmap audit FILE` makes them")
    answers = [
        JudgedAnswer(
            row["dataset"],
            row["model"],
            row["example_id"],
            None if row["outcome"] == "failed" else row["outcome"] != "no_error_found",
            row["category_id"] or "",
            row["error_title"],
        )
        for row in judged
    ]
    names = {row["category_id"]: row["name"] for row in error_queries.taxonomy_rows(warehouse)}
    found = validate_judge(labels, answers, names)
    judges = ", ".join(sorted({row["judged_by"] for row in judged}))
    records = [
        {
            "labels_path": str(path) if path else KEPT_LABELS,
            "labels_digest": digest,
            "judged_by": judges,
            "question": question,
            "matched": agreement.n,
            "kappa": agreement.kappa,
            "kappa_low": agreement.kappa_low,
            "kappa_high": agreement.kappa_high,
            "report": json.dumps(agreement.to_dict(), ensure_ascii=False, allow_nan=False),
        }
        for question, agreement in _answered(found)
    ]
    with warehouse.write() as connection:
        now = connection.execute("SELECT current_localtimestamp()").fetchone()
        stamped = [{"validated_at": now[0] if now else None, **record} for record in records]
        insert(connection, "judge_validations", pa.Table.from_pylist(stamped))
    return found


def _kept(warehouse: Warehouse) -> tuple[Sequence[HumanLabel], str]:
    labels = human_labels(warehouse)
    if not labels:
        raise ConfigurationError(
            "there are no labels yet; set some in `faultmap view`, or name a file: `faultmap validate-judge labels.csv`"
        )
    told = json.dumps([(*one.key, one.label, one.is_error) for one in labels], ensure_ascii=False)
    return labels, hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _answered(found: JudgeAgreement) -> Iterator[tuple[str, Agreement]]:
    for question in _QUESTIONS:
        agreement: Agreement | None = getattr(found, question)
        if agreement is not None:
            yield question, agreement
