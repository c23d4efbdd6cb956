"""How much does our language-model client cost on top of litellm? Calls a second, CPU, memory; and a cached re-run.

usage: python bench/llm_rate.py [--calls N] [--latency S] [--concurrent N] [--repeats N] [--out FILE]

A server in a process of its own (tests/llm_server.py) answers every call after `--latency` seconds. Bare: a pool of
tasks around `litellm.acompletion`, nothing else. Ours: `LanguageModel.ask_all` with structured replies parsed and
checked, the cache and the ledger in a file, and again with a budget. Each repeat is a fresh process in which the
kinds take turns of a quarter of their calls, so that other work on the machine meets them alike. Memory: in fresh
processes, too, the resident size after n calls and after 5n.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from faultmap_core.llm import Budget, CallStore, LanguageModel, Message, Price, Request, event_loop
from faultmap_core.llm.provider import import_litellm
from faultmap_core.llm.replies import response_format

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("bare", "ours", "ours with a budget")
WARM_UP = 100
TURNS = 4


class Verdict(BaseModel):
    """A reply of the size of a judgment."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=80)
    summary: str = Field(max_length=400)
    correct: bool


def prompt(number: int) -> tuple[Message, ...]:
    """Return some 2,000 characters."""
    return (Message("system", "You judge answers."), Message("user", f"Answer {number}: " + "some words " * 180))


def resident_mb() -> float:
    """Return the resident size of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def bare(url: str, numbers: range, concurrent: int) -> None:
    """Call litellm and nothing else."""
    litellm = import_litellm()
    form = response_format(Verdict, strict=True)
    left = iter(numbers)

    async def work() -> None:
        for number in left:
            messages = [{"role": message.role, "content": message.content} for message in prompt(number)]
            reply = await litellm.acompletion(
                model="openai/test", messages=messages, api_base=url, api_key="dummy", temperature=0.0, seed=0,
                max_tokens=1024, response_format=form, drop_params=True, max_retries=0, num_retries=0, timeout=120.0,
            )  # fmt: skip
            assert reply.choices[0].message.content

    await asyncio.gather(*(work() for _ in range(concurrent)))


def ours(model: LanguageModel, numbers: range) -> None:
    """Ask for all at once."""
    outcomes = model.ask_all([Request(str(number), prompt(number), Verdict) for number in numbers])
    assert all(outcome.status == "ok" for outcome in outcomes), outcomes[0]


def ask(kind: str, model: LanguageModel, url: str, numbers: range, concurrent: int) -> None:
    """Make the calls of one kind; all kinds run on the same event loop, where litellm keeps its connections."""
    if kind == "bare":
        event_loop.run(lambda: bare(url, numbers, concurrent))
    else:
        ours(model, numbers)


def our_model(url: str, store: CallStore, kind: str, concurrent: int) -> LanguageModel:
    """Return a client; a budget that is never reached is counted all the same."""
    return LanguageModel(
        "openai/test",
        store=store,
        budget=Budget(cost_usd=1000.0, calls=10**9, tokens=10**12) if kind == "ours with a budget" else Budget(),
        price=Price(1.0, 1.0),
        parameters={"api_base": url, "api_key": "dummy"},
        max_concurrent=concurrent,
    )


def measure_rate(url: str, calls: int, concurrent: int) -> dict[str, dict[str, float]]:
    """Make `calls` calls of each kind, in turns of a quarter; return seconds, rate and CPU of each kind."""
    block = max(1, calls // TURNS)
    wall, cpu = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0.0)
    with tempfile.TemporaryDirectory() as folder, CallStore(Path(folder) / "calls.sqlite") as store:
        models = {kind: our_model(url, store, kind, concurrent) for kind in KINDS}
        for kind in KINDS:
            ask(kind, models[kind], url, range(-WARM_UP, 0), concurrent)
        for turn in range(TURNS):
            for place in range(len(KINDS)):
                number = (turn + place) % len(KINDS)
                kind, first = KINDS[number], (turn * len(KINDS) + number) * block
                started, cpu_started = time.perf_counter(), time.process_time()
                ask(kind, models[kind], url, range(first, first + block), concurrent)
                wall[kind] += time.perf_counter() - started
                cpu[kind] += time.process_time() - cpu_started
    made = block * TURNS
    return {
        kind: {
            "calls": made,
            "seconds": wall[kind],
            "calls_per_second": made / wall[kind],
            "cpu_ms_per_call": 1000 * cpu[kind] / made,
        }
        for kind in KINDS
    }


def measure_memory(kind: str, url: str, calls: int, concurrent: int) -> dict[str, float]:
    """Return the resident size after n calls and after 5n, n in each `ask_all`."""
    with tempfile.TemporaryDirectory() as folder, CallStore(Path(folder) / "calls.sqlite") as store:
        model = our_model(url, store, kind, concurrent)
        ask(kind, model, url, range(-WARM_UP, 0), concurrent)
        sizes = []
        for turn in range(5):
            ask(kind, model, url, range(turn * calls, (turn + 1) * calls), concurrent)
            sizes.append(resident_mb())
    return {"mb_after_n": sizes[0], "mb_after_5n": sizes[-1]}


def measure_cached(url: str, calls: int, concurrent: int) -> dict[str, float]:
    """Ask the same twice; return the seconds of the second time, from fresh objects."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.sqlite"
        with CallStore(path) as store:
            ours(our_model(url, store, "ours", concurrent), range(calls))
        started = time.perf_counter()
        with CallStore(path) as store:
            ours(our_model(url, store, "ours", concurrent), range(calls))
            assert sum(record.cached for record in store.calls()) == calls
        return {"requests": calls, "seconds": time.perf_counter() - started}


class Server:
    """tests/llm_server.py in a process of its own."""

    def __init__(self, latency: float) -> None:
        command = [sys.executable, str(ROOT / "tests/llm_server.py"), "--latency", str(latency)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def stop(self) -> int:
        """Stop it; return how many calls it had."""
        return int(self._process.communicate()[0])


def in_process(what: str, calls: int, options: argparse.Namespace, url: str) -> dict[str, Any]:
    """Run one measurement in a fresh process."""
    numbers = ["--calls", str(calls), "--concurrent", str(options.concurrent)]
    command = [sys.executable, __file__, "--one", what, "--url", url, *numbers]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run one measurement in this process."""
    if options.one == "rate":
        return dict(measure_rate(options.url, options.calls, options.concurrent))
    if options.one == "cached":
        return dict(measure_cached(options.url, options.calls, options.concurrent))
    return dict(measure_memory(options.one, options.url, options.calls, options.concurrent))


def measure_all(options: argparse.Namespace) -> dict[str, Any]:
    """Run all measurements, each in a fresh process."""
    server = Server(options.latency)
    runs = []
    for _ in range(options.repeats):
        runs.append(in_process("rate", options.calls, options, server.url))
        print(json.dumps(runs[-1]), flush=True)
    memory = {kind: in_process(kind, options.calls, options, server.url) for kind in KINDS[:2]}
    server.stop()
    fast = Server(0.0)
    cached = in_process("cached", options.cached, options, fast.url)
    fast.stop()
    medians = {
        kind: {name: statistics.median(run[kind][name] for run in runs) for name in runs[0][kind]} for kind in KINDS
    }
    ratios = {
        kind: statistics.median(run[kind]["calls_per_second"] / run["bare"]["calls_per_second"] for run in runs)
        for kind in KINDS
    }
    settings = {name: getattr(options, name) for name in ("calls", "latency", "concurrent", "repeats")}
    return {"settings": settings, "medians": medians, "rate_of_bare": ratios, "memory": memory, "cached": cached}


def main() -> None:
    """Measure, print and write the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--concurrent", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cached", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results/llm_rate.json")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options)))
        return
    result = measure_all(options)
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
