"""A warehouse whose results are written by hand, so that audits can be recorded without running the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from faultmap_assets.defs.history.audits import RecordedAudit, record_audit
from faultmap_assets.graph.declarations import ASSET_GRAPH
from faultmap_assets.graph.scopes import Partition
from faultmap_assets.graph.staleness import Inputs, Materialization
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse, insert, open_warehouse, replace_partition
from faultmap_assets.warehouse.materializations import read_state, record
from faultmap_core.data.prompts import text_hash

START = datetime(2026, 3, 1, 12)
EMBEDDER = "by hand"


@dataclass
class Results:
    """What assets would have written, and the clock."""

    warehouse: Warehouse
    settings: Settings
    now: datetime = START
    versions: int = 0
    sources: set[Partition] = field(default_factory=set)

    def evals(
        self,
        dataset: str,
        model: str,
        failed: Mapping[str, bool | None],
        slices: Mapping[str, Sequence[str]] | None = None,
        quarantined: int = 0,
        named_by: str = "metadata",
        unjudged: int = 0,
    ) -> None:
        """Put the results of one model on one dataset: example id -> failed, slice name -> its examples."""
        partition = Partition(dataset, model)
        names = partition.columns
        with self.warehouse.write() as connection:
            raw = [
                {**names, "example_id": one, "epoch": 1, "input_text": one, "output_text": "x", "metadata": "{}",
                 "source_path": "f", "source_line": 1, "row_digest": "d"}
                for one in failed
            ]  # fmt: skip
            replace_partition(connection, "raw_evals", names, pa.Table.from_pylist(raw))
            scores = [
                {**names, "example_id": one, "score": None if bad is None else 1.0 - bad, "epochs": 1,
                 "scored_epochs": 1, "failed": bad, "score_mode": "given", "success_threshold": 0.5}
                for one, bad in failed.items()
            ]  # fmt: skip
            replace_partition(connection, "scores", names, pa.Table.from_pylist(scores))
            replace_partition(connection, "failure_slices", names, _slices(names, failed, slices or {}, named_by))
            members = [
                {**names, "slice_id": f"id of {name}", "example_id": one}
                for name, ids in (slices or {}).items()
                for one in ids
            ]
            replace_partition(connection, "failure_slice_members", names, pa.Table.from_pylist(members))
            judged = [
                {**names, "example_id": str(number), "outcome": "failed" if number < unjudged else "error",
                 **dict.fromkeys(("error_title", "error_summary", "criteria", "signals", "judged_by", "judgment_key",
                                  "contrast_models", "contrast_digest", "reason", "raw_reply"), "")}
                for number in range(100)
            ]  # fmt: skip
            replace_partition(connection, "error_judgments", names, pa.Table.from_pylist(judged if unjudged else []))
            replace_partition(connection, "quarantine", names, _quarantine(names, quarantined))
            for asset in ("raw_evals", "scores", "failure_slices", "error_judgments"):
                self.made(connection, asset, partition)

    def comparison(self, dataset: str, a: str, b: str, winner: str, difference: float, reach: float = 0.02) -> None:
        """Put what the comparison of two models says, its interval `reach` on either side."""
        row = {
            "dataset": dataset, "model_a": a, "model_b": b, "compared": 500, "prompts": 500, "failure_rate_a": 0.2,
            "failure_rate_b": 0.2, "winner": winner, "advantage_rate": 0.5, "discordant_a_wins": 1,
            "discordant_b_wins": 1, "p_value": 0.5, "adjusted_p_value": 0.5, "test_used": "t",
            "difference": difference, "difference_low": difference - reach, "difference_high": difference + reach,
            "slices": 0, "note": "",
        }  # fmt: skip
        with self.warehouse.write() as connection:
            replace_partition(connection, "model_comparisons", {"dataset": dataset}, pa.Table.from_pylist([row]))
            self.made(connection, "model_comparisons", Partition(dataset))

    def day(
        self,
        day: str,
        failed: Sequence[bool],
        coverage: tuple[float, float, float] | None = None,
        gaps: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        """Put one day of production: feedback row by row, coverage (score, low, high), gap name -> its centroid."""
        self.days({day: failed}, {day: coverage} if coverage else {}, {day: gaps or {}})

    def days(
        self,
        failed: Mapping[str, Sequence[bool]],
        coverage: Mapping[str, tuple[float, float, float]] | None = None,
        gaps: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    ) -> None:
        """Put many days in one transaction."""
        logs, summaries, found, prompts, vectors = [], [], [], [], []
        for day, rows in failed.items():
            logs += [
                {"day": day, "source": "app", "log_id": f"{day}-{number}", "timestamp": START, "model": "bot",
                 "prompt_text": f"{day}-{number}", "response_text": "x", "score": 1.0 - bad, "metadata": "{}",
                 "source_path": "f", "source_line": 1, "row_digest": "d"}
                for number, bad in enumerate(rows)
            ]  # fmt: skip
            own = (gaps or {}).get(day, {})
            summaries += _summary(day, len(rows), (coverage or {}).get(day))
            found += _gaps(day, own)
            prompts += [
                {"day": day, "source": "app", "log_id": f"{day}-{number}", "model": "bot", "status": "gap",
                 "gap_id": f"{day} {name}"}
                for number, name in enumerate(own)
            ]  # fmt: skip
            vectors += [
                {"embedder": EMBEDDER, "text_hash": text_hash(f"{day}-{number}"), "vector": list(map(float, vector))}
                for number, vector in enumerate(own.values())
            ]
        tables = {
            "production_logs": logs,
            "coverage_summaries": summaries,
            "coverage_gaps": found,
            "coverage_prompts": prompts,
        }
        with self.warehouse.write() as connection:
            for table, written in tables.items():
                connection.execute(f"DELETE FROM {table} WHERE list_contains($days, day)", {"days": list(failed)})
                insert(connection, table, pa.Table.from_pylist(written))
            insert(connection, "embedding_vectors", pa.Table.from_pylist(vectors))
            for day in failed:
                for asset in ("production_logs", "coverage_gaps", "production_slices"):
                    self.made(connection, asset, Partition(day=day))

    def made(self, connection, asset: str, partition: Partition) -> None:
        """Record a materialisation with a version of its own, and that a file delivers the partition."""
        self.versions += 1
        inputs = Inputs("1", "", {})
        record(
            connection, asset, partition, Materialization(f"v{self.versions}", inputs), run_id="r", rows=1, seconds=0
        )
        if partition not in self.sources and (partition.model or partition.day):
            self.sources.add(partition)
            names = [partition.dataset or "logs", partition.model or "bot", partition.day]
            connection.execute("INSERT INTO staging_partitions VALUES ('s', ?, ?, ?, 1, 'd')", names)
            connection.execute(
                """INSERT OR REPLACE INTO source_files
                VALUES ('f', 's', 'h', 1, 1, TIMESTAMP '2026-01-01', TIMESTAMP '2026-03-01')"""
            )

    def audit(self, **later: float) -> RecordedAudit:
        """Record an audit, an hour (or as much as is said) after the last one."""
        self.now += timedelta(**later) if later else timedelta(hours=1)
        return record_audit(self.warehouse, self.settings, EMBEDDER, "run", self.now)

    def settle(self) -> None:
        """Record everything that exists as made from what there is, so that nothing is stale."""
        with self.warehouse.write() as connection:
            for node in ASSET_GRAPH:
                state = read_state(connection)
                for partition in state.partitions(node.scope):
                    old = state.materialized.get((node.name, partition))
                    inputs = state.inputs(node, partition, self.settings)
                    made = Materialization(old.data_version if old else "v", inputs)
                    record(connection, node.name, partition, made, run_id="r", rows=1, seconds=0)


def results(folder: Path, **changes: object) -> Results:
    """Return an empty warehouse in `folder`."""
    settings = Settings.model_validate({"home": folder / "var", **changes})
    return Results(open_warehouse(settings), settings)


def outcomes(failures: int, total: int, start: int = 0) -> dict[str, bool]:
    """Return `total` examples from number `start` on, of which the first `failures` failed."""
    return {f"e{start + number:04d}": number < failures for number in range(total)}


def _slices(
    names: Mapping[str, str], failed: Mapping[str, bool | None], slices: Mapping[str, Sequence[str]], named_by: str
) -> pa.Table:
    rows = []
    for rank, (name, ids) in enumerate(slices.items(), start=1):
        inside = [bool(failed[one]) for one in ids]
        rest = [bool(bad) for one, bad in failed.items() if one not in set(ids)]
        rate, other = sum(inside) / len(inside), sum(rest) / max(len(rest), 1)
        rows.append(
            {**names, "slice_id": f"id of {name}", "rank": rank, "name": name, "description": "", "size": len(ids),
             "prompts": len(ids), "failures": sum(inside), "excess_failures": 1.0, "failure_rate": rate,
             "baseline_rate": other, "risk_difference": rate - other, "risk_difference_low": rate - other - 0.1,
             "risk_difference_high": rate - other + 0.1, "p_value": 1e-9, "adjusted_p_value": 1e-8, "test_used": "t",
             "named_by": named_by, "root_cause": "", "suggested_remediation": "", "examples": "[]"}
        )  # fmt: skip
    return pa.Table.from_pylist(rows)


def _quarantine(names: Mapping[str, str], number: int) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                **names,
                "staging_id": "s",
                "path": "f",
                "line": line,
                "reason": "r",
                "excerpt": "",
                "quarantined_at": START,
            }
            for line in range(number)
        ]
    )


def _summary(day: str, rows: int, coverage: tuple[float, float, float] | None) -> list[dict[str, object]]:
    if coverage is None:
        return []
    score, low, high = coverage
    return [
        {"day": day, "tests": 100, "production": rows, "coverage": score, "coverage_low": low, "coverage_high": high,
         "covered": score, "in_gaps": 1 - score, "undetermined": 0.0, "outliers": 0, "note": ""}
    ]  # fmt: skip


def _gaps(day: str, gaps: Mapping[str, Sequence[float]]) -> list[dict[str, object]]:
    return [
        {"day": day, "gap_id": f"{day} {name}", "rank": rank, "kind": "gap", "name": name, "description": "",
         "size": 5, "prompts": 5, "traffic_share": 0.1, "tests": 0, "expected_tests": 3.0, "named_by": "keywords",
         "representative_prompts": "[]", "nearest_tests": "[]"}
        for rank, name in enumerate(gaps, start=1)
    ]  # fmt: skip
