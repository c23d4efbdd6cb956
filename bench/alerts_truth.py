"""Do alerts keep quiet for a year without change, and how soon do they tell of one? Does drift see topics that move?

usage: python bench/alerts_truth.py [--years N] [--drift-runs N] [--data FOLDER] [--out FILE]

Null: 365 days a year, each against the 28 days that end a week before it; false alerts per dataset and year, which must
be 1 or fewer in the mean.
Power: the failure rate rises on one day and stays; median days until the alert. Two rules from the literature are given
the same p-values: LORD++ at 5 % (Ramdas et al., 2017), and a p of at most .0262 on two days running, whose false alerts
come out about as many as ours. Drift is measured on CLINC150 where --data has it.
"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from faultmap_core.discovery.coverage.estimate import estimate_coverage
from faultmap_core.monitoring.alerting import AlertSettings, WatchState, watch
from faultmap_core.monitoring.changes import (
    Change,
    CoverageRange,
    Subject,
    change_of_coverage,
    change_of_day,
    change_of_rate,
    paired_change,
)
from faultmap_core.stats.rates import Rate, rate_of

HERE = Path(__file__).parent
BASELINE, LAG, YEAR = 28, 7, 365
START = BASELINE + LAG
TWO_DAYS = (0.25 / YEAR) ** 0.5
OVERALL = Subject("failure_rate", "bench", "model")

Days = Iterator[list[Change]]


def rolling(days: list[Rate], subject: Subject = OVERALL, plainly: bool = False) -> Iterator[Change]:
    """Compare each day after the first with the baseline before it; plainly: as if all rows were independent."""
    for today in range(START, len(days)):
        window = days[today - START : today - LAG]
        if plainly:
            pooled = Rate(sum(day.failures for day in window), sum(day.trials for day in window))
            change = change_of_rate(subject, pooled, days[today])
        else:
            change = change_of_day(subject, window, days[today])
        assert change is not None
        yield change


def binomial(rng: np.random.Generator, volume: int, rates: np.ndarray) -> Days:
    """Rows that know nothing of each other; one rate per day."""
    yield from ([change] for change in rolling([Rate(float(k), volume) for k in rng.binomial(volume, rates)]))


def pinned(rng: np.random.Generator, volume: int, rate: float) -> Days:
    """The same first 28 days are the baseline all year."""
    before = [Rate(float(k), volume) for k in rng.binomial(volume, rate, size=BASELINE)]
    for k in rng.binomial(volume, rate, size=YEAR):
        change = change_of_day(OVERALL, before, Rate(float(k), volume))
        assert change is not None
        yield [change]


def sessions(rng: np.random.Generator, volume: int, rate: float, known: bool) -> Days:
    """Sessions of about 5 rows whose outcomes correlate at .3, given as groups or not."""
    spread = 0.3 / 0.7
    days = []
    for _ in range(START + YEAR):
        own = np.repeat(np.arange(volume // 5), rng.multinomial(volume, np.full(volume // 5, 5 / volume)))
        chance = rng.beta(rate / spread, (1 - rate) / spread, size=volume // 5)
        failed = (rng.random(len(own)) < chance[own]).astype(float)
        days.append(rate_of(failed, [str(one) for one in own]) if known else rate_of(failed))
    yield from ([change] for change in rolling(days))


def restless(rng: np.random.Generator, volume: int, rate: float, corrected: bool) -> Days:
    """A rate that varies from day to day (sd .02, correlation .3 with the day before)."""
    level, rates = 0.0, []
    for _ in range(START + YEAR):
        level = 0.3 * level + rng.normal(0, 0.02 * (1 - 0.3**2) ** 0.5)
        rates.append(np.clip(rate + level, 0.001, 0.999))
    days = [Rate(float(k), volume) for k in rng.binomial(volume, rates)]
    yield from ([change] for change in rolling(days, plainly=not corrected))


def dataset(rng: np.random.Generator, volume: int) -> Days:
    """Eight questions of one dataset: overall, five slices of the same rows, quarantined rows, coverage."""
    parts = np.array([0.6, 0.15, 0.1, 0.08, 0.07])
    rates = np.array([0.05, 0.1, 0.2, 0.3, 0.5])
    trials = rng.multinomial(volume, parts, size=START + YEAR)
    failed = rng.binomial(trials, rates)
    streams = [rolling([Rate(float(k), volume) for k in failed.sum(axis=1)])]
    for part in range(5):
        days = [Rate(float(k), float(n)) for k, n in zip(failed[:, part], trials[:, part], strict=True)]
        streams.append(rolling(days, subject=Subject("slice_rate", "bench", "model", f"slice{part}", f"slice {part}")))
    lost = [Rate(float(k), volume) for k in rng.binomial(volume, 0.01, size=START + YEAR)]
    streams.append(rolling(lost, subject=Subject("quarantined", "bench")))
    streams.append(coverage(rng))
    yield from (list(day) for day in zip(*streams, strict=True))


def coverage(rng: np.random.Generator) -> Iterator[Change]:
    """One suite of 500 tests; 300 prompts a day, a tenth of them uncovered; each day against the four weeks before."""

    def drawn(n: int) -> np.ndarray:
        return np.where(rng.random(n) < 0.1, rng.normal(0.8, 0.1, n), rng.normal(0.4, 0.1, n)).clip(0.01)

    tests = rng.normal(0.4, 0.1, 500).clip(0.01)
    for today in range(YEAR):
        if today % BASELINE == 0:
            window = estimate_coverage(drawn(300 * BASELINE), tests)
        now = estimate_coverage(drawn(300), tests)
        change = change_of_coverage(
            Subject("coverage", "bench"),
            CoverageRange(window.score, window.low, window.high, 300 * BASELINE),
            CoverageRange(now.score, now.low, now.high, 300),
        )
        assert change is not None
        yield change


def asked_again(rng: np.random.Generator, examples: int) -> Days:
    """The same examples every day, a fifth of them answered by chance, against one fixed run."""
    chance = np.where(rng.random(examples) < 0.2, rng.random(examples), rng.integers(0, 2, examples))

    def run() -> dict[str, float]:
        return {str(i): float(one) for i, one in enumerate(rng.random(examples) < chance)}

    first = run()
    for _ in range(YEAR):
        change = paired_change(OVERALL, first, run())
        assert change is not None
        yield [change]


def alert_days(days: Days) -> list[int]:
    """Return on which days of the year our alerts come, one entry for each."""
    state: WatchState | None = None
    told = []
    for number, changes in enumerate(days):
        alerts, state = watch(changes, state, f"{number:04d}")
        told.extend([number] * len(alerts))
    return told


def lord_days(p_values: list[float], alpha: float = 0.05) -> list[int]:
    """Return the discoveries of LORD++ (W0 = alpha / 10, gamma of Javanmard and Montanari, 2018, eq. 31)."""
    t = np.arange(1, len(p_values) + 2)
    gamma = 0.07720838 * np.log(np.maximum(t, 2)) / (t * np.exp(np.sqrt(np.log(t))))
    w0, found = alpha / 10, []
    for now, p in enumerate(p_values):
        level = w0 * gamma[now]
        for order, then in enumerate(found):
            level += (alpha - w0 if order == 0 else alpha) * gamma[now - then - 1]
        if p <= level:
            found.append(now)
    return found


def two_day_days(p_values: list[float]) -> list[int]:
    """Return the days on which a run of small p becomes two days long."""
    small = np.array(p_values) <= TWO_DAYS
    return [int(i) for i in range(1, len(small)) if small[i] and small[i - 1] and not (i > 1 and small[i - 2])]


def null_cells() -> dict[str, Callable[[np.random.Generator], Days]]:
    """Return the worlds without change."""
    cells: dict[str, Callable[[np.random.Generator], Days]] = {}
    for volume in (50, 200, 1_000, 5_000):
        for rate in (0.02, 0.1, 0.3):
            rates = np.full(START + YEAR, rate)
            cells[f"{volume:,} rows a day, rate {rate}"] = lambda rng, v=volume, r=rates: binomial(rng, v, r)
    cells["1,000 rows, rate 0.1, baseline pinned for the year"] = lambda rng: pinned(rng, 1_000, 0.1)
    for volume in (200, 1_000):
        cells[f"{volume:,} rows in sessions, correlated .3, given as groups"] = lambda rng, v=volume: sessions(
            rng, v, 0.1, True
        )
    cells["1,000 rows in sessions, correlated .3, not given"] = lambda rng: sessions(rng, 1_000, 0.1, False)
    cells["1,000 rows, rate .1 with sd .02 between days, corrected"] = lambda rng: restless(rng, 1_000, 0.1, True)
    cells["1,000 rows, rate .1 with sd .02 between days, not corrected"] = lambda rng: restless(rng, 1_000, 0.1, False)
    cells["1,000 rows, eight questions of one dataset"] = lambda rng: dataset(rng, 1_000)
    cells["500 examples asked again daily, against one fixed run"] = lambda rng: asked_again(rng, 500)
    return cells


def nulls(years: int) -> dict[str, dict[str, float]]:
    """Return false alerts per dataset and year in every world without change."""
    answer = {}
    for number, (name, world) in enumerate(null_cells().items()):
        ours, lord, two = [], [], []
        for year in range(years):
            days = list(world(np.random.default_rng([1, number, year])))
            ours.append(len(alert_days(iter(days))))
            p = [day[0].p_value for day in days]
            lord.append(len(lord_days(p)))
            two.append(len(two_day_days(p)))
        answer[name] = {
            "years": years,
            "false_alerts": float(np.mean(ours)),
            "standard_error": float(np.std(ours, ddof=1) / years**0.5),
            "most_in_a_year": int(max(ours)),
            "lord_false_alerts_first_question": float(np.mean(lord)),
            "two_days_false_alerts_first_question": float(np.mean(two)),
        }
        print(name, {key: round(value, 2) for key, value in answer[name].items()}, flush=True)
    return answer


def powers(runs: int) -> list[dict[str, object]]:
    """Return the median days to an alert after a lasting rise, and the share found within 28 days."""
    answer: list[dict[str, object]] = []
    for quiet in (60, 300):
        for volume in (50, 200, 1_000):
            for rise in (0.05, 0.1):
                waits: dict[str, list[float]] = {"ours": [], "lord": [], "two_days": []}
                for run in range(runs):
                    rates = np.full(START + quiet + 28, 0.1)
                    rates[START + quiet :] += rise
                    days = list(
                        binomial(np.random.default_rng([2, quiet, volume, int(100 * rise), run]), volume, rates)
                    )
                    p = [day[0].p_value for day in days]
                    for name, told in (
                        ("ours", alert_days(iter(days))),
                        ("lord", lord_days(p)),
                        ("two_days", two_day_days(p)),
                    ):
                        after = [day - quiet + 1 for day in told if day >= quiet]
                        waits[name].append(after[0] if after else np.inf)
                row: dict[str, object] = {
                    "quiet_days": quiet,
                    "rows_a_day": volume,
                    "base": 0.1,
                    "rise": rise,
                    "runs": runs,
                }
                for name, own in waits.items():
                    median = float(np.median(own))
                    row[f"{name}_median_days"] = median if np.isfinite(median) else None
                    row[f"{name}_found_in_28_days"] = float(np.isfinite(own).mean())
                answer.append(row)
                print(row, flush=True)
    return answer


def drift(data: Path, runs: int) -> dict[str, object]:
    """Return how often drift reports a topic where nothing moved, and what it finds of intents that came and went."""
    import pandas as pd

    from faultmap_core.discovery.drift.drift import find_drift
    from faultmap_core.embedding import get_embedder

    table = pd.read_parquet(data / "queries" / "clinc150.parquet")
    table = table[table["intent"] != "oos"].drop_duplicates("input_text")
    texts, intent = table["input_text"].tolist(), pd.factorize(table["intent"], sort=True)[0]
    vectors = get_embedder().embed(texts)

    def found(now: np.ndarray, then: np.ndarray, by: list[list[str]] | None = None):
        sides = [([texts[i] for i in rows], vectors[rows]) for rows in (now, then)]
        given = {} if by is None else {"current_sessions": by[0], "previous_sessions": by[1]}
        return find_drift(*sides[0], *sides[1], **given)

    size, plain, bursts, blind = 800, 0, 0, 0
    for run in range(runs):
        rng = np.random.default_rng([3, run])
        order = rng.permutation(len(texts))
        now, then = order[:size], order[size : 2 * size]
        plain += bool(found(now, then).topics)
        # One user asks 60 questions of one intent, in the current window only.
        chosen = rng.integers(intent.max() + 1)
        burst = np.setdiff1d(np.flatnonzero(intent == chosen), order[: 2 * size])[:60]
        by = [[f"s{i}" for i in range(size)] + ["one user"] * len(burst), [f"t{i}" for i in range(size)]]
        bursts += bool(found(np.concatenate([now, burst]), then, by).topics)
        blind += bool(found(np.concatenate([now, burst]), then).topics)
    recall, precision = [], []
    for run in range(4):
        rng = np.random.default_rng([4, run])
        order = rng.permutation(len(texts))
        now, then = order[:4000], order[4000:8000]
        moved = rng.choice(intent.max() + 1, 10, replace=False)
        then, now = then[~np.isin(intent[then], moved[:5])], now[~np.isin(intent[now], moved[5:])]
        result = found(now, then)
        inside = np.array([i for one in result.of_kind("new") for i in one.current_indices], dtype=int)
        recall.append(np.isin(intent[now[inside]], moved[:5]).sum() / np.isin(intent[now], moved[:5]).sum())
        precision.append(np.isin(intent[now[inside]], moved[:5]).mean() if len(inside) else np.nan)
    return {
        "prompts_per_window": size,
        "runs": runs,
        "null_runs_with_a_topic": plain / runs,
        "null_runs_with_a_topic_one_user_burst_sessions_given": bursts / runs,
        "same_without_sessions": blind / runs,
        "five_new_intents_of_150_among_4000": {
            "recall": float(np.mean(recall)),
            "precision": float(np.nanmean(precision)),
            "runs": 4,
        },
    }


def main() -> None:
    """Run everything and write the report."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--years", type=int, default=30)
    parser.add_argument("--drift-runs", type=int, default=40)
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "alerts_truth.json")
    chosen = parser.parse_args()
    started = time.process_time()
    report: dict[str, object] = {"settings": AlertSettings().__dict__, "null": nulls(chosen.years)}
    report["power"] = powers(chosen.years)
    report["drift"] = drift(chosen.data, chosen.drift_runs) if chosen.data.is_dir() and chosen.drift_runs else None
    print(report["drift"])
    report["cpu_seconds"] = round(time.process_time() - started)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")
    print(f"{report['cpu_seconds']} CPU seconds")


if __name__ == "__main__":
    main()
