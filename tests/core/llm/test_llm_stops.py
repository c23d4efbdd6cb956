"""What stops the client: refused credentials, a spent budget, a provider that is down; and keys that stay secret."""

from __future__ import annotations

import logging
import multiprocessing
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from faultmap_core.base.errors import LanguageModelError
from faultmap_core.llm import Budget, CallStore, LanguageModel, Message, Price, Request
from faultmap_core.llm.budget import BudgetKeeper
from faultmap_core.llm.store import Spent
from tests.llm_server import LlmServer, language_model

KEY = "sk-proj-THIS-is-the-secret-0123456789"


class Verdict(BaseModel):
    """What the tests ask for."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=40)


def requests(count: int, start: int = 0, **fields: Any) -> list[Request[Verdict]]:
    """Return as many different requests."""
    keys = [f"{number:05d}" for number in range(start, start + count)]
    return [Request(key, (Message("user", f"Judge {key}."),), Verdict, **fields) for key in keys]


def spent(store: CallStore) -> Spent:
    return store.spent(0.0, 0)[1]


def test_refused_credentials_stop_all_calls_and_name_the_variable(
    llm_server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_LLM_KEY", KEY)
    llm_server.always, llm_server.latency = "authentication", 0.05
    model = language_model(llm_server, api_key_variable="TEST_LLM_KEY", max_concurrent=10)
    outcomes = model.ask_all(requests(2000))
    assert llm_server.count <= 10
    assert {outcome.reason for outcome in outcomes} == {"authentication"}
    assert sum(outcome.status == "failed" for outcome in outcomes) == llm_server.count
    assert sum(outcome.status == "not_asked" for outcome in outcomes) == 2000 - llm_server.count
    assert "set the environment variable TEST_LLM_KEY" in model.stopped
    assert f"{2000 - llm_server.count:,} of 2,000 requests were not made" in model.stopped


def test_refused_credentials_do_not_wait_for_calls_in_flight_nor_for_retries(
    llm_server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_LLM_KEY", KEY)
    model = language_model(llm_server, api_key_variable="TEST_LLM_KEY", max_concurrent=10, retry_seconds=86_400.0)
    model.ask_all(requests(1))
    # Who waited for one of these would not be back today.
    llm_server.slow_seconds = 86_400.0
    llm_server.plan, llm_server.always = ["slow"] * 4 + ["server_error"] * 4, "authentication"
    outcomes = model.ask_all(requests(1000, 1))
    assert {outcome.reason for outcome in outcomes} == {"authentication"}


def test_refused_credentials_are_tried_again_when_they_changed_and_not_before(
    llm_server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_LLM_KEY", KEY)
    model = language_model(llm_server, api_key_variable="TEST_LLM_KEY")
    model.ask_all(requests(1, 99))
    llm_server.plan = ["authentication"]
    assert model.ask_all(requests(1))[0].reason == "authentication"
    llm_server.reset()
    known, new = model.ask_all(requests(1, 99) + requests(1))
    assert (known.status, known.cached) == ("ok", True)
    assert (new.status, new.reason) == ("not_asked", "authentication")
    assert llm_server.count == 0
    monkeypatch.setenv("TEST_LLM_KEY", "another-key")
    assert model.ask_all(requests(1))[0].status == "ok"
    assert llm_server.keys == ["another-key"]
    assert model.stopped == ""


def test_a_missing_key_is_no_call(llm_server: LlmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_LLM_KEY", raising=False)
    model = LanguageModel("openai/test", parameters={"api_base": llm_server.url}, api_key_variable="TEST_LLM_KEY")
    outcomes = model.ask_all(requests(5))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("not_asked", "authentication")}
    assert llm_server.count == 0
    assert model.stopped == (
        "the key for openai/test is missing; 5 of 5 requests were not made; "
        "set the environment variable TEST_LLM_KEY to valid credentials."
    )


def test_a_key_that_may_not_use_the_model_stops_unless_others_went_well(llm_server: LlmServer) -> None:
    model = language_model(llm_server, max_concurrent=1)
    llm_server.plan = ["forbidden"]
    assert {outcome.reason for outcome in model.ask_all(requests(3))} == {"authentication"}
    assert llm_server.count == 1
    other = language_model(llm_server, max_concurrent=1)
    llm_server.plan = [None, "forbidden", None]
    assert [outcome.reason for outcome in other.ask_all(requests(3))] == ["", "refused", ""]


def test_a_model_that_does_not_exist_stops_the_run(llm_server: LlmServer) -> None:
    llm_server.always = "not_found"
    model = language_model(llm_server, max_concurrent=5)
    outcomes = model.ask_all(requests(100))
    assert {outcome.reason for outcome in outcomes} == {"bad_request"}
    assert llm_server.count <= 20 + 2 * 5
    assert "The model does not exist" in model.stopped


def test_requests_that_are_refused_one_by_one_stop_nothing(llm_server: LlmServer) -> None:
    model = language_model(llm_server, max_concurrent=5)
    model.ask_all(requests(1))
    llm_server.plan = ["bad_request"] * 30 + ["forbidden"] * 30
    outcomes = model.ask_all(requests(70, 1))
    assert sum(outcome.status == "ok" for outcome in outcomes) == 10
    assert model.stopped == ""


def test_a_provider_that_is_down_stops_the_run(llm_server: LlmServer) -> None:
    llm_server.always = "server_error"
    model = language_model(llm_server, max_concurrent=5, max_attempts=2)
    outcomes = model.ask_all(requests(300))
    assert {outcome.reason for outcome in outcomes} == {"server"}
    assert sum(outcome.status == "failed" for outcome in outcomes) <= 20 + 2 * 5
    assert "the last 20 requests all failed" in model.stopped
    llm_server.always = None
    assert {outcome.status for outcome in model.ask_all(requests(30))} == {"ok"}
    assert model.stopped == ""


@pytest.mark.parametrize(
    "fault", ["authentication", "bad_request", "server_error", "rate_limit", "drop", "wrong_schema"]
)
def test_the_key_is_nowhere(
    llm_server: LlmServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fault: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TEST_LLM_KEY", KEY)
    monkeypatch.setattr(
        "tests.llm_server.ERRORS", {name: (status, "your key {key} is bad") for name, status in STATUSES}
    )
    caplog.set_level(logging.DEBUG)
    llm_server.plan = [None, *[fault] * 4]
    with CallStore(tmp_path / "calls.sqlite") as store:
        model = language_model(
            llm_server, store=store, api_key_variable="TEST_LLM_KEY", max_attempts=2, max_concurrent=1
        )
        outcomes = model.ask_all(requests(2))
        assert [outcome.status for outcome in outcomes] == ["ok", "failed"]
        shown = repr((outcomes, store.calls(), model.stopped, vars(model), model.id))
    assert llm_server.keys[0] == KEY
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    printed = "".join(capfd.readouterr())
    for text in (shown, written.decode("latin-1"), caplog.text, printed):
        assert KEY not in text
    assert printed == ""


STATUSES = [("authentication", 401), ("bad_request", 400), ("server_error", 500), ("rate_limit", 429)]


def test_a_cap_on_calls_holds_with_many_in_flight(llm_server: LlmServer) -> None:
    llm_server.latency = 0.02
    model = language_model(llm_server, budget=Budget(calls=37), max_concurrent=20)
    outcomes = model.ask_all(requests(200))
    assert llm_server.count == 37
    assert sum(outcome.status == "ok" for outcome in outcomes) == 37
    left = [outcome for outcome in outcomes if outcome.status == "not_asked"]
    assert {outcome.reason for outcome in left} == {"budget"}
    assert len(left) == 163
    assert model.stopped == (
        "budget of 37 calls a day is spent (37 used; the next call may take 1); 163 of 200 requests were not made; "
        "raise language_model.budget.calls or run again tomorrow."
    )


def test_failed_attempts_count_as_calls(llm_server: LlmServer) -> None:
    llm_server.plan = ["server_error"] * 3
    model = language_model(llm_server, budget=Budget(calls=10), max_concurrent=2)
    outcomes = model.ask_all(requests(20))
    assert llm_server.count == 10
    assert sum(outcome.status == "ok" for outcome in outcomes) == 7
    assert spent(model.store).calls == 10


def test_a_cap_on_money_holds_with_many_in_flight_and_is_nearly_used(llm_server: LlmServer) -> None:
    llm_server.latency = 0.02
    # a prompt of 12 characters is 3 tokens for the server, a reply '{"title": "a scripted reply"}' 7: 73 µUSD a call
    cost, cap = (3 * 1.0 + 7 * 10.0) / 1e6, 0.01
    options = {"budget": Budget(cost_usd=cap), "price": Price(1.0, 10.0), "max_concurrent": 20, "max_tokens": 50}
    model = language_model(llm_server, **options)
    model.ask_all(requests(300))
    assert spent(model.store).cost == pytest.approx(llm_server.count * cost)
    # the most that a call may take is 50 completion tokens, and at most 1,000 bytes of prompt and schema
    assert cap - (1000 * 1.0 + 50 * 10.0) / 1e6 < spent(model.store).cost <= cap
    assert "budget of 0.01 USD a day is spent" in model.stopped
    assert "language_model.budget.cost_usd" in model.stopped


def test_a_cap_on_tokens_holds(llm_server: LlmServer) -> None:
    model = language_model(llm_server, budget=Budget(tokens=2000, period="total"), max_concurrent=8, max_tokens=50)
    model.ask_all(requests(400))
    assert 1500 < spent(model.store).tokens <= 2000
    assert "budget of 2,000 tokens is spent" in model.stopped
    assert "tomorrow" not in model.stopped


def test_the_budget_is_that_of_the_store_whoever_spends_it(llm_server: LlmServer, tmp_path: Path) -> None:
    with CallStore(tmp_path / "calls.sqlite") as store:
        language_model(llm_server, store=store).ask_all(requests(6))
    with CallStore(tmp_path / "calls.sqlite") as store:
        model = language_model(llm_server, store=store, budget=Budget(calls=10), temperature=0.5)
        assert sum(outcome.status == "ok" for outcome in model.ask_all(requests(20))) == 4
        raised = language_model(llm_server, store=store, budget=Budget(calls=12), temperature=0.5)
        assert sum(outcome.status == "ok" and not outcome.cached for outcome in raised.ask_all(requests(20))) == 2


def test_what_is_cached_takes_no_budget(llm_server: LlmServer) -> None:
    store = CallStore()
    language_model(llm_server, store=store).ask_all(requests(10))
    model = language_model(llm_server, store=store, budget=Budget(calls=10))
    outcomes = model.ask_all(requests(11))
    assert [outcome.cached for outcome in outcomes] == [True] * 10 + [False]
    assert outcomes[-1].reason == "budget"


def test_a_call_without_an_answer_counts_as_the_most_it_may_have_cost(llm_server: LlmServer) -> None:
    llm_server.plan = ["drop"]
    budget = Budget(cost_usd=0.01)
    options = {"budget": budget, "price": Price(0.0, 100.0), "max_tokens": 60, "max_concurrent": 1}
    model = language_model(llm_server, **options)
    first, second = model.ask_all(requests(2))
    # 60 tokens at 100 USD a million are 0.006 USD: after the lost call a second one of up to 0.006 does not fit
    assert (first.status, first.reason) == ("failed", "connection")
    assert (second.status, second.reason) == ("not_asked", "budget")
    assert BudgetKeeper(model.store, budget).spent() == Spent(
        1, BudgetKeeper(model.store, budget).spent().tokens, 0.006
    )


def test_a_repair_that_the_budget_forbids_leaves_the_item_failed(llm_server: LlmServer) -> None:
    llm_server.plan = ["wrong_schema"]
    model = language_model(llm_server, budget=Budget(calls=1))
    [outcome] = model.ask_all(requests(1))
    assert (outcome.status, outcome.reason, outcome.attempts) == ("failed", "invalid_reply", 1)
    assert llm_server.count == 1


def test_a_cap_on_money_needs_a_price(llm_server: LlmServer) -> None:
    with pytest.raises(LanguageModelError, match=r"language_model\.price"):
        language_model(llm_server, budget=Budget(cost_usd=1.0)).ask_all(requests(5))
    assert llm_server.count == 0


def test_a_day_ends(llm_server: LlmServer) -> None:
    store = CallStore()
    language_model(llm_server, store=store).ask_all(requests(5))
    with store.transaction() as connection:
        connection.execute("UPDATE calls SET at = at - 86400")
    today = language_model(llm_server, store=store, budget=Budget(calls=5))
    assert sum(outcome.status == "ok" for outcome in today.ask_all(requests(20, 5))) == 5
    ever = language_model(llm_server, store=store, budget=Budget(calls=12, period="total"))
    assert sum(outcome.status == "ok" for outcome in ever.ask_all(requests(20, 50))) == 2


def test_threads_with_clients_of_their_own_share_a_budget(llm_server: LlmServer, tmp_path: Path) -> None:
    llm_server.latency = 0.01

    def work(number: int) -> None:
        with CallStore(tmp_path / "calls.sqlite") as store:
            language_model(llm_server, store=store, budget=Budget(calls=25)).ask_all(requests(20, 100 * number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert llm_server.count <= 25
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert spent(store).calls == llm_server.count


def _reserve_in_process(path: Path, count: int) -> None:
    with CallStore(path) as store:
        keeper = BudgetKeeper(store, Budget(calls=100))
        for _ in range(count):
            keeper.reserve(Spent(1, 10, 0.0))


@pytest.mark.slow
def test_processes_cannot_reserve_beyond_a_cap_together(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    path = tmp_path / "calls.sqlite"
    processes = [context.Process(target=_reserve_in_process, args=(path, 60)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    with CallStore(path) as store:
        assert store.reserved(0.0) == Spent(100, 1000, 0.0)
