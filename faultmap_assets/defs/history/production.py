"""Read the findings of one day of production: feedback, coverage, gaps, and the slices of the window it ends."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from faultmap_assets.defs.history.state import (
    CENTROID_PROMPTS,
    PRODUCTION,
    Finding,
    example_key,
    slice_finding,
    with_centroids,
)
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Connection
from faultmap_core.data.feedback import read_feedback
from faultmap_core.data.prompts import text_hash
from faultmap_core.stats.rates import rate_of


def production_findings(connection: Connection, day: str, settings: Settings, embedder_id: str) -> tuple[Finding, ...]:
    """Return what one day of production says."""
    return (
        *_feedback(connection, day, settings),
        *_coverage(connection, day),
        *_gaps(connection, day, embedder_id),
        *_production_slices(connection, day, embedder_id),
    )


def _feedback(connection: Connection, day: str, settings: Settings) -> list[Finding]:
    """Return the failure rate of each model by its users' feedback; rows of one session hang together."""
    rows = connection.execute(
        """SELECT model, coalesce(session_id, user_id) AS session, coalesce(score, 'nan'::DOUBLE) AS score, metadata
        FROM production_logs WHERE day = $day ORDER BY model, source, log_id""",
        {"day": day},
    ).to_arrow_table()
    rules = [rule.rule() for rule in settings.production.feedback]
    scores = np.asarray(rows.column("score").to_numpy(), dtype=np.float64)
    failed = read_feedback(rules, scores, rows.column("metadata").to_pylist()).failed
    models, sessions = rows.column("model").to_pylist(), rows.column("session").to_pylist()
    findings = []
    for model in sorted(set(models)):
        own = [index for index, name in enumerate(models) if name == model]
        rate = rate_of(failed[own], [sessions[index] for index in own])
        if rate.trials > 0:
            findings.append(
                Finding(
                    "failure_rate",
                    PRODUCTION,
                    model,
                    "failure_rate",
                    rate.rate,
                    rate.trials,
                    rate.failures,
                    design_effect=rate.design_effect,
                )
            )
    return findings


def _coverage(connection: Connection, day: str) -> list[Finding]:
    row = connection.execute(
        """SELECT coverage, coverage_low, coverage_high, (
            SELECT count(DISTINCT coalesce(question_text, prompt_text)) FROM production_logs l WHERE l.day = s.day
        ) FROM coverage_summaries s WHERE day = $day AND coverage IS NOT NULL AND tests > 0""",
        {"day": day},
    ).fetchone()
    if row is None:
        return []
    score, low, high, prompts = row
    return [Finding("coverage", PRODUCTION, "", "coverage", score, prompts, low=low, high=high)]


def _gaps(connection: Connection, day: str, embedder_id: str) -> list[Finding]:
    rows = connection.execute(
        """SELECT gap_id, name, kind, size, traffic_share, adjusted_p_value, production,
            representative_prompts
        FROM coverage_gaps
        JOIN coverage_summaries USING (day) WHERE day = $day ORDER BY rank""",
        {"day": day},
    ).to_arrow_table()
    if not rows.num_rows:
        return []
    texts = connection.execute(
        """SELECT gap_id, coalesce(question_text, prompt_text) FROM coverage_prompts
        JOIN production_logs USING (day, source, log_id, model) WHERE day = $day AND gap_id IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY gap_id ORDER BY source, log_id, model) <= $most""",
        {"day": day, "most": CENTROID_PROMPTS},
    ).fetchall()
    found = {gap_id for gap_id, _ in texts}
    # Prompts are in a gap or in none: of what is merely under-tested only the typical ones are kept.
    texts += [
        (row["gap_id"], text)
        for row in rows.to_pylist()
        if row["gap_id"] not in found
        for text in json.loads(row["representative_prompts"])
    ]
    vectors = _vectors_of(connection, texts, embedder_id)
    return [
        Finding(
            "gap",
            PRODUCTION,
            "",
            row["name"],
            row["traffic_share"],
            row["production"],
            row["size"],
            adjusted_p_value=row["adjusted_p_value"],
            verdict=row["kind"],
            source_id=row["gap_id"],
            fixed_name=False,
            centroid=centroid,
        )
        for row, centroid in with_centroids(rows.to_pylist(), "gap_id", vectors)
    ]


def _production_slices(connection: Connection, day: str, embedder_id: str) -> list[Finding]:
    rows = connection.execute(
        """SELECT s.*, w.with_feedback - s.size AS rest_rows
        FROM production_slices s JOIN production_slice_summaries w USING (day) WHERE day = $day ORDER BY rank""",
        {"day": day},
    ).to_arrow_table()
    if not rows.num_rows:
        return []
    logged = connection.execute(
        """SELECT m.slice_id, m.log_day || '|' || m.source || '|' || m.model || '|' || m.log_id,
            coalesce(l.question_text, l.prompt_text)
        FROM production_slice_members m JOIN production_logs l
        ON l.day = m.log_day AND l.source = m.source AND l.model = m.model AND l.log_id = m.log_id
        WHERE m.day = $day ORDER BY ALL""",
        {"day": day},
    ).fetchall()
    members: dict[str, set[str]] = {}
    texts: dict[str, list[str]] = {}
    for slice_id, row_id, text in logged:
        members.setdefault(slice_id, set()).add(example_key(row_id))
        texts.setdefault(slice_id, []).append(text)
    some = [(slice_id, text) for slice_id, own in texts.items() for text in own[:CENTROID_PROMPTS]]
    vectors = _vectors_of(connection, some, embedder_id)
    return [
        slice_finding(row, PRODUCTION, "", frozenset(members.get(row["slice_id"], ())), centroid)
        for row, centroid in with_centroids(rows.to_pylist(), "slice_id", vectors)
    ]


def _vectors_of(
    connection: Connection, texts: Sequence[tuple[str, str]], embedder_id: str
) -> list[tuple[str, Sequence[float]]]:
    """Return (id, vector) of (id, text), for the texts that have one."""
    hashes = [(name, text_hash(text)) for name, text in texts]
    stored = dict(
        connection.execute(
            "SELECT text_hash, vector FROM embedding_vectors WHERE embedder = $embedder"
            " AND list_contains($hashes, text_hash)",
            {"embedder": embedder_id, "hashes": sorted({digest for _, digest in hashes})},
        ).fetchall()
    )
    return [(name, stored[digest]) for name, digest in hashes if digest in stored]
