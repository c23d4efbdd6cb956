"""Whatever the provider does, every request is accounted for; and a killed run loses nothing that arrived."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from faultmap_core.llm import Budget, CallStore, Message, Request
from faultmap_core.llm.budget import BudgetKeeper
from tests.llm_server import LlmServer, language_model

ROOT = Path(__file__).resolve().parent.parent.parent.parent


class Answer(BaseModel):
    """The number that the prompt asks for, so that a reply to another prompt would be seen."""

    model_config = ConfigDict(extra="forbid")

    number: int
    words: str = Field(max_length=60)


def number_of(body: dict[str, Any]) -> int:
    """Return the number that a request asks for."""
    return int(body["messages"][0]["content"].split()[1])


def answer(body: dict[str, Any], n: int) -> dict[str, Any]:
    return {"number": number_of(body), "words": f"it is {number_of(body)}"}


def requests(count: int) -> list[Request[Answer]]:
    return [Request(str(number), (Message("user", f"Number {number} please"),), Answer) for number in range(count)]


@pytest.mark.parametrize("attempts", [1, 5])
def test_with_a_third_of_the_replies_faulty_every_request_is_accounted_for(
    llm_server: LlmServer, tmp_path: Path, attempts: int
) -> None:
    llm_server.reply, llm_server.fault_share, llm_server.slow_seconds = answer, 0.3, 0.8
    options: dict[str, Any] = {"max_attempts": attempts, "timeout_seconds": 0.5, "max_concurrent": 20}
    with CallStore(tmp_path / "calls.sqlite") as store:
        language_model(llm_server, store=CallStore()).ask_all(
            [Request("", (Message("user", "Number 0 warms up"),), Answer)]
        )
        llm_server.reset()
        first = language_model(llm_server, store=store, **options).ask_all(requests(120))
        assert [outcome.key for outcome in first] == [str(number) for number in range(120)]
        assert set(llm_server.faults) == {None, *llm_server.fault_kinds}
        good = {outcome.key for outcome in first if outcome.status == "ok"}
        assert all(outcome.reply.number == int(outcome.key) for outcome in first if outcome.reply is not None)
        assert all(outcome.reason and outcome.detail for outcome in first if outcome.status != "ok")
        assert 0 < len(good) < 120 if attempts == 1 else len(good) > 105

        llm_server.reset()
        llm_server.fault_share = 0.0
        second = language_model(llm_server, store=store, **{**options, "timeout_seconds": 5.0}).ask_all(requests(120))
        assert {outcome.key for outcome in second if outcome.cached} == good
        assert sorted(number_of(body) for body in llm_server.requests) == sorted(
            number for number in range(120) if str(number) not in good
        )
        assert all(outcome.reply and outcome.reply.number == int(outcome.key) for outcome in second)
        calls = store.calls()
    assert sum(call.attempts for call in calls) == sum(outcome.attempts for outcome in first + second)
    assert sum(call.outcome == "ok" and not call.cached for call in calls) == 120


RUN = """
import sys
from pathlib import Path
from faultmap_core.llm import Budget, CallStore, LanguageModel
from tests.core.llm.test_llm_faults import requests
url, path, count = sys.argv[1:]
with CallStore(Path(path)) as store:
    model = LanguageModel(
        "openai/test", store=store, parameters={"api_base": url, "api_key": "dummy"}, max_concurrent=8,
        budget=Budget(tokens=10**9), retry_seconds=0.01,
    )
    print(sum(outcome.status == "ok" for outcome in model.ask_all(requests(int(count)))))
"""


def start(server: LlmServer, path: Path, count: int, **options: Any) -> subprocess.Popen[str]:
    """Ask in a process of its own."""
    command = [sys.executable, "-W", "error", "-c", RUN, server.url, str(path), str(count)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def wait_for_calls(server: LlmServer, count: int) -> None:
    deadline = time.monotonic() + 120
    while server.count < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.slow
def test_a_killed_run_asks_nothing_again_that_had_arrived_and_the_budget_remembers(
    llm_server: LlmServer, tmp_path: Path
) -> None:
    llm_server.reply, llm_server.latency = answer, 0.02
    path = tmp_path / "calls.sqlite"
    for kill_after in (40, 80):
        process = start(llm_server, path, 200)
        wait_for_calls(llm_server, kill_after)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with CallStore(path) as store:
        arrived = len([call for call in store.calls() if not call.cached])
        # what was in flight may have cost something: it stays reserved, and counts as a call
        spent = BudgetKeeper(store, Budget(tokens=10**9)).spent()
    asked = llm_server.count
    assert asked - 2 * 8 <= arrived <= asked
    assert asked <= spent.calls <= arrived + 2 * 8
    process = start(llm_server, path, 200)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout, stderr) == (0, "200\n", "")
    assert llm_server.count == asked + 200 - arrived
    repeated = Counter(number_of(body) for body in llm_server.requests)
    assert set(repeated) == set(range(200))
    assert sum(count - 1 for count in repeated.values()) == asked - arrived
    with CallStore(path) as store:
        assert sum(call.outcome == "ok" and not call.cached for call in store.calls()) == 200


@pytest.mark.slow
def test_an_interrupt_ends_the_run_at_once_and_quietly(llm_server: LlmServer, tmp_path: Path) -> None:
    llm_server.reply, llm_server.latency = answer, 0.05
    path = tmp_path / "calls.sqlite"
    process = start(llm_server, path, 5000)
    wait_for_calls(llm_server, 40)
    # From here on no call is answered: whoever waited for one would wait for ever.
    llm_server.hold()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode != 0
    assert stderr.strip().endswith("KeyboardInterrupt")
    assert "never awaited" not in stderr
    assert "Unclosed" not in stderr
    with CallStore(path) as store:
        assert len(store.calls()) >= 24
        texts = store.replies([row[0] for row in _digests(path)])
    assert all(json.loads(text)["words"].startswith("it is") for text in texts.values())


def _digests(path: Path) -> list[tuple[bytes]]:
    with CallStore(path) as store, store.transaction("DEFERRED") as connection:
        return connection.execute("SELECT digest FROM replies").fetchall()


@pytest.mark.slow
def test_a_process_that_asked_ends_quietly(llm_server: LlmServer, tmp_path: Path) -> None:
    llm_server.reply = answer
    process = start(llm_server, tmp_path / "calls.sqlite", 20)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout, stderr) == (0, "20\n", "")


@pytest.mark.slow
def test_importing_the_package_does_not_import_litellm() -> None:
    code = "import sys, faultmap_core.llm; sys.exit('litellm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode == 0
