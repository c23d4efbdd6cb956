"""What every audit saw, kept once: stable findings, what became of them, and alerts of what is new or worse."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from faultmap_assets.defs.history import queries as history_queries
from faultmap_assets.defs.history.acknowledgements import acknowledge, withdraw
from faultmap_assets.defs.history.audits import record_audit
from faultmap_assets.defs.production.data_arrival import overdue
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.errors import ConfigurationError, WarehouseError
from tests.history_data import EMBEDDER, START, Results, outcomes, results

TAX = [f"e{number:04d}" for number in range(30)]
SHIP = [f"e{number:04d}" for number in range(100, 130)]


@pytest.fixture
def made(tmp_path: Path) -> Results:
    return results(tmp_path)


def statuses(made: Results, audit: int) -> dict[tuple[str, str], str]:
    return {(row["kind"], row["label"]): row["status"] for row in history_queries.changes(made.warehouse, audit)}


def count(made: Results, table: str) -> int:
    return made.warehouse.query(f"SELECT count(*) AS n FROM {table}").to_pylist()[0]["n"]


def test_the_same_state_adds_nothing_and_a_changed_one_only_what_changed(made: Results):
    made.evals("law", "m", outcomes(20, 200), {"category = tax": TAX})
    made.evals("law", "n", outcomes(20, 200))
    first = made.audit()
    assert (first.audit, first.news) == (1, True)
    sizes = [count(made, table) for table in ("audits", "audit_scopes", "finding_history", "audit_outcomes")]
    again = made.audit()
    assert (again.audit, again.news, again.version) == (1, False, first.version)
    assert [count(made, table) for table in ("audits", "audit_scopes", "finding_history", "audit_outcomes")] == sizes
    # Two models with the same outcomes share them.
    assert sizes[3] == 1
    made.evals("law", "n", outcomes(60, 200))
    third = made.audit()
    assert (third.audit, third.version == first.version) == (2, False)
    assert count(made, "audit_scopes") == sizes[1] + 1
    assert {row["model"] for row in history_queries.changes(made.warehouse, 2)} == {"n"}


def test_a_slice_keeps_its_id_while_it_grows_goes_and_comes_back(made: Results):
    failed = outcomes(40, 300)
    made.evals("law", "m", failed, {"tax, deduct, income": TAX}, named_by="keywords")
    made.audit()
    # Renamed, and with other members: 25 of 35 in common.
    made.evals("law", "m", failed, {"income, tax": [f"e{n:04d}" for n in range(5, 35)]}, named_by="keywords")
    made.audit()
    made.evals("law", "m", failed, {})
    made.audit()
    assert statuses(made, 3) == {("slice", "income, tax"): "gone"}
    made.evals("law", "m", failed, {"deduct": TAX}, named_by="keywords")
    made.audit()
    (found,) = history_queries.trends(made.warehouse, kinds=["slice"])
    assert [point["status"] for point in found["points"]] == ["new", "same", "gone", "same"]
    assert [point["value"] is None for point in found["points"]] == [False, False, True, False]
    assert (found["first_seen"], found["last_seen"]) == ("2026-03-01 13:00", "2026-03-01 16:00")
    assert (found["label"], found["present"]) == ("deduct", True)
    made.evals("law", "m", failed, {"deduct": TAX, "ships": SHIP}, named_by="keywords")
    made.audit()
    assert len(history_queries.trends(made.warehouse, kinds=["slice"])) == 2


def test_worse_and_better_are_tested_in_pairs(made: Results):
    made.evals("law", "m", outcomes(20, 200), {"category = tax": TAX})
    made.evals("law", "n", outcomes(60, 200))
    made.comparison("law", "m", "n", "m", 0.2)
    made.audit()
    made.evals("law", "m", outcomes(30, 200), {"category = tax": TAX})
    made.evals("law", "n", outcomes(30, 200))
    made.comparison("law", "m", "n", "tie", 0.0)
    made.audit()
    changed = statuses(made, 2)
    # 10 more of 30 fail, none less: mid-p 2^-11.
    assert (changed["slice", "category = tax"], changed["comparison", "m against n"]) == ("worse", "worse")
    by_model = {
        row["model"]: row["status"]
        for row in history_queries.changes(made.warehouse, 2)
        if row["kind"] == "failure_rate"
    }
    assert by_model == {"m": "worse", "n": "better"}


def test_a_dataset_that_no_file_delivers_any_more_is_gone_and_one_whose_check_fails_stays(made: Results):
    made.evals("law", "m", outcomes(20, 100), {"category = tax": TAX})
    made.evals("tax", "m", outcomes(20, 100))
    made.audit()
    with made.warehouse.write() as connection:
        connection.execute("DELETE FROM staging_partitions WHERE dataset = 'law'")
        connection.execute("DELETE FROM materializations WHERE partition_key LIKE 'law|%'")
        connection.execute("UPDATE materializations SET blocked_by = 'complete_scores' WHERE asset = 'scores'")
    made.audit()
    assert set(statuses(made, 2).values()) == {"gone"}
    assert {row["dataset"] for row in history_queries.changes(made.warehouse, 2)} == {"law"}
    assert made.audit().news is False


def test_history_holds_no_example_ids(made: Results):
    made.evals("law", "m", {"user-4711@example.org": True, **outcomes(3, 50)}, {"s = 1": ["user-4711@example.org"]})
    made.audit()
    for table in ("audit_outcomes", "finding_history", "audit_scopes"):
        assert "4711" not in str(made.warehouse.query(f"SELECT * FROM {table}").to_pylist())


class Overtaken(Warehouse):
    """A warehouse in which somebody else's audit is recorded just before ours."""

    @contextmanager
    def write(self):
        with super().write() as connection:
            connection.execute("INSERT INTO audits VALUES (1, TIMESTAMP '2026-01-01', 'other', 'x')")
            yield connection


def test_another_process_that_recorded_meanwhile_is_told(made: Results):
    made.evals("law", "m", outcomes(20, 100))
    with pytest.raises(WarehouseError, match="another process recorded an audit meanwhile"):
        record_audit(Overtaken(made.warehouse.path), made.settings, EMBEDDER, "run", made.now)
    assert count(made, "finding_history") == count(made, "audits") == 0


# Alerts


def alerts(made: Results) -> list[tuple[str, str, str]]:
    return [(row["kind"], row["severity"], row["name"]) for row in history_queries.alerts(made.warehouse)]


def test_what_is_new_or_worse_is_told_once_and_is_over_when_it_is_over(made: Results):
    made.evals("law", "m", outcomes(20, 400), {"category = tax": TAX})
    made.evals("law", "n", outcomes(80, 400))
    made.comparison("law", "m", "n", "m", 0.15)
    assert made.audit().raised == ()
    made.evals("law", "m", outcomes(120, 400), {"category = tax": TAX, "category = ships": SHIP}, quarantined=60)
    made.comparison("law", "m", "n", "n", -0.1)
    raised = made.audit().raised
    assert len(raised) == 4
    # In the slice 10 of 30 began to fail: p 2^-11 is above .25 / 365 / 6.
    assert set(alerts(made)) == {
        ("winner", "error", "n"),
        ("failure_rate", "error", ""),
        ("new_slice", "error", "category = ships"),
        ("quarantined", "error", ""),
    }
    # As bad as before: other outcomes, nothing new.
    made.evals("law", "m", outcomes(121, 400), {"category = tax": TAX, "category = ships": SHIP}, quarantined=60)
    assert made.audit().raised == ()
    assert len(alerts(made)) == 4
    # The slice is mended: its alert is over at once; the others once the evidence is.
    made.evals("law", "m", outcomes(20, 400), {"category = tax": TAX})
    made.comparison("law", "m", "n", "m", 0.15)
    made.audit()
    assert ("new_slice", "error", "category = ships") not in alerts(made)
    for failures in range(21, 31):
        made.evals("law", "m", outcomes(failures % 3 + 19, 400), {"category = tax": TAX})
        assert made.audit().raised == ()
    assert alerts(made) == []
    assert len(history_queries.alerts(made.warehouse, everything=True)) == 4


def test_the_same_outcomes_are_no_new_evidence(made: Results):
    made.evals("law", "m", outcomes(20, 400))
    made.audit()
    made.evals("law", "m", outcomes(30, 400))
    made.audit()
    states = count(made, "watch_states")
    for number in range(5):
        # Other slices, found by other settings: an audit, but no test.
        made.evals("law", "m", outcomes(30, 400), {"category = tax": TAX[: 10 + number]})
        assert made.audit().news
    assert count(made, "watch_states") == states


def test_a_slow_decline_is_told_though_no_step_is(made: Results):
    made.evals("law", "m", outcomes(40, 400))
    made.audit()
    told = []
    for number in range(1, 9):
        # Another two of 400 each time, and some that fail by chance.
        made.evals("law", "m", {**outcomes(40 + 3 * number, 400), f"e{399 - number:04d}": True})
        told += [(number, one.message) for one in made.audit().raised]
    assert len(told) == 1
    assert "m on law: the failure rate rose from 10.0%" in told[0][1]


def test_an_acknowledged_finding_is_silent_until_it_is_worse(made: Results):
    made.evals("law", "m", outcomes(20, 400))
    made.audit()
    made.evals("law", "m", outcomes(80, 400))
    (alert,) = made.audit().raised
    done = acknowledge(made.warehouse, alert.alert_id[:6], note="known", now=made.now)
    assert (done.dataset, done.value, done.silenced) == ("law", pytest.approx(0.2), 1)
    assert alerts(made) == []
    made.evals("law", "m", outcomes(82, 400))
    assert made.audit().raised == ()
    made.evals("law", "m", outcomes(200, 400))
    (worse,) = made.audit().raised
    assert not worse.silenced
    assert "Worse than at the last alert" in worse.message
    assert alerts(made) == [("failure_rate", "error", "")]


def test_a_snoozed_alert_speaks_again_after_its_day(made: Results):
    made.evals("law", "m", outcomes(20, 400))
    made.audit()
    made.evals("law", "m", outcomes(80, 400))
    (alert,) = made.audit().raised
    acknowledge(made.warehouse, alert.alert_id, until="2026-03-03", now=made.now)
    made.evals("law", "m", outcomes(81, 400))
    assert made.audit(days=1).raised == ()
    made.evals("law", "m", outcomes(80, 400))
    (again,) = made.audit(days=3).raised
    assert again.alert_id == alert.alert_id
    assert alerts(made) == [("failure_rate", "error", "")]


def test_a_slice_can_be_acknowledged_before_anybody_is_told(made: Results):
    made.evals("law", "m", outcomes(20, 400), {"category = tax": TAX})
    made.audit()
    (tax,) = history_queries.trends(made.warehouse, kinds=["slice"])
    done = acknowledge(made.warehouse, tax["finding_id"][:8], now=made.now)
    assert (done.name, done.value) == ("category = tax", pytest.approx(20 / 30))
    assert withdraw(made.warehouse, tax["finding_id"]) == "category = tax"
    with pytest.raises(ConfigurationError, match="was not acknowledged"):
        withdraw(made.warehouse, tax["finding_id"])


@pytest.mark.parametrize(
    ("finding", "until", "told"),
    [
        ("zzzz", "", "no alert and no finding has an id that starts with 'zzzz'"),
        ("", "", "no id given"),
        ("zzzz", "soon", "expected a day such as"),
        ("zzzz", "2020-01-01", "is over"),
    ],
)
def test_what_cannot_be_acknowledged_is_one_line(made: Results, finding: str, until: str, told: str):
    made.evals("law", "m", outcomes(20, 400))
    made.audit()
    with pytest.raises(ConfigurationError, match=told):
        acknowledge(made.warehouse, finding, until, now=START)


def test_a_check_that_fails_is_told_once_and_again_after_it_passed(made: Results):
    made.evals("law", "m", outcomes(20, 400))

    def check(passed: bool) -> None:
        with made.warehouse.write() as connection:
            connection.execute("DELETE FROM check_results")
            connection.execute(
                "INSERT INTO check_results VALUES ('scores', 'law|m', 'scored_share', $passed, 'warn', '90 of 400')",
                {"passed": passed},
            )

    check(False)
    (raised,) = made.audit().raised
    assert (raised.severity, raised.message) == ("warn", "the check scored_share of scores of law|m fails: 90 of 400")
    assert made.audit().raised == ()
    acknowledge(made.warehouse, raised.alert_id, now=made.now)
    check(True)
    made.audit()
    check(False)
    (again,) = made.audit().raised
    assert again.silenced
    assert alerts(made) == []


# Production


def days(number: int, rng: np.random.Generator, rate: float = 0.1, rows: int = 60, first: int = 0):
    return {f"{np.datetime64('2025-01-01') + first + day}": (rng.random(rows) < rate).tolist() for day in range(number)}


def coverages(names, rng: np.random.Generator) -> dict[str, tuple[float, float, float]]:
    found = {}
    for day in names:
        score = float(np.clip(rng.normal(0.9, 0.02), 0, 1))
        found[day] = (score, max(0.0, score - 0.035), min(1.0, score + 0.055))
    return found


@pytest.mark.parametrize(
    ("number", "seed"), [(120, 1), *(pytest.param(365, seed, marks=pytest.mark.slow) for seed in range(2, 8))]
)
def test_a_year_of_production_without_change_is_quiet(made: Results, number: int, seed: int):
    rng = np.random.default_rng(seed)
    logs = days(number, rng, rows=40)
    made.days(logs, coverages(logs, rng))
    assert len(made.audit().raised) <= 1
    assert count(made, "watch_states") == number


@pytest.mark.parametrize(("audits", "seed"), [(8, 1), pytest.param(365, 2, marks=pytest.mark.slow)])
def test_a_dataset_that_is_asked_again_every_day_is_quiet(made: Results, audits: int, seed: int):
    rng = np.random.default_rng(seed)
    # A fifth of the examples is answered by chance.
    chance = np.where(rng.random(200) < 0.2, rng.random(200), rng.integers(0, 2, 200))
    raised = []
    for _ in range(audits):
        drawn = rng.random(200) < chance
        made.evals("law", "m", {f"e{number:04d}": bool(bad) for number, bad in enumerate(drawn)}, {"c = tax": TAX})
        raised += made.audit(days=1).raised
    assert len(raised) <= 1
    assert count(made, "watch_states") == audits - 1


def test_a_lasting_rise_is_told_once_and_late_data_do_not_tell_it_again(made: Results):
    rng = np.random.default_rng(3)
    logs = {**days(60, rng, rows=100), **days(10, rng, rate=0.35, rows=100, first=60)}
    made.days(logs)
    (raised,) = made.audit().raised
    assert "bot on production: the failure rate rose" in raised.message
    (first,) = history_queries.alerts(made.warehouse)
    assert first["day"] >= "2025-03-02"
    # Late rows of the very day that gave rise to it, and of the first day of all.
    made.days({day: [*logs[day], True, True] for day in (first["day"], "2025-01-01")})
    assert made.audit().raised == ()
    (same,) = history_queries.alerts(made.warehouse)
    assert same["alert_id"] == first["alert_id"]
    assert same["after_value"] > first["after_value"]


def test_days_one_by_one_and_all_at_once_give_the_same_alerts(tmp_path: Path):
    rng = np.random.default_rng(4)
    logs = {**days(36, rng, rows=80), **days(5, rng, rate=0.45, rows=80, first=36)}
    at_once, daily = results(tmp_path / "a"), results(tmp_path / "b")
    at_once.days(logs)
    at_once.audit()
    names = sorted(logs)
    daily.days({day: logs[day] for day in names[:37]})
    daily.audit()
    for day in names[37:]:
        daily.days({day: logs[day]})
        daily.audit()
    told = [
        [
            (row["stream"], row["day"], row["after_value"])
            for row in history_queries.alerts(one.warehouse, everything=True)
        ]
        for one in (at_once, daily)
    ]
    assert told[0] == told[1] != []


def test_a_day_is_watched_when_it_is_over(made: Results):
    made.now = made.now.replace(hour=6)
    logs = days(10, np.random.default_rng(5))
    shifted = {f"2026-02-{20 + number}": rows for number, rows in enumerate(list(logs.values())[:9])}
    made.days({**shifted, "2026-03-01": [True] * 30})
    made.audit()
    watched = made.warehouse.query("SELECT day FROM watch_states ORDER BY day").column("day").to_pylist()
    assert watched == sorted(shifted)
    made.days({"2026-03-01": [True] * 60})
    (raised,) = made.audit(days=1).raised
    assert "to 100.0%" in raised.message


def test_a_gap_is_the_same_gap_by_its_centroid(made: Results):
    rows = [False] * 20
    made.day("2026-02-01", rows, (0.9, 0.8, 1.0), {"travel, packing": [1.0, 0.1, 0.0]})
    made.day("2026-02-02", rows, (0.9, 0.8, 1.0), {"suitcase": [1.0, 0.0, 0.1], "taxes": [0.0, 1.0, 0.0]})
    made.day("2026-02-03", rows, (0.9, 0.8, 1.0), {"taxes, forms": [0.0, 1.0, 0.1]})
    made.audit()
    made.day("2026-02-04", rows, (0.9, 0.8, 1.0), {"trips": [1.0, 0.05, 0.0], "income tax": [0.05, 1.0, 0.0]})
    made.audit()
    gaps = {row["label"]: row for row in history_queries.trends(made.warehouse, kinds=["gap"])}
    assert set(gaps) == {"trips", "income tax"}
    assert [point["label"] for point in gaps["trips"]["points"]][-1] == "2026-02-04"
    assert gaps["trips"]["first_seen"] == "2026-02-01"
    assert gaps["income tax"]["first_seen"] == "2026-02-02"


def test_data_that_does_not_arrive_is_told(made: Results):
    assert overdue(made.warehouse, made.settings, datetime(2026, 3, 5, tzinfo=UTC)) == []
    made.day("2026-03-01", [False] * 5)
    assert overdue(made.warehouse, made.settings, datetime(2026, 3, 3, 23, tzinfo=UTC)) == []
    (told,) = overdue(made.warehouse, made.settings, datetime(2026, 3, 4, tzinfo=UTC))
    assert told == "the newest day of production logs is 2026-03-01, 3 days ago (expected: 2 at most)"
    strict = made.settings.model_copy(
        update={
            "alerts": made.settings.alerts.model_copy(
                update={"stale_evals_after_days": 7, "stale_logs_after_days": None}
            )
        }
    )
    made.evals("law", "m", outcomes(1, 10))
    (told,) = overdue(made.warehouse, strict, datetime(2026, 3, 20, tzinfo=UTC))
    assert told == "the last new eval file was read 19 days ago (expected: 7 at most)"
