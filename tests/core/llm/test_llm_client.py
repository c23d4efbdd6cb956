"""The client against a real server over real HTTP: replies, cache, ledger, retries, keys, threads and loops."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from faultmap_core.base.errors import ConfigurationError, LanguageModelError
from faultmap_core.llm import CallStore, LanguageModel, Message, Outcome, Price, Purpose, Request
from tests.growth import MAX_GROWTH, growth
from tests.llm_server import LlmServer, language_model, schema_of


class Verdict(BaseModel):
    """What the tests ask for."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=40)
    correct: bool


GOOD = {"title": "wrong sum", "correct": False}


def ask(*keys: str, **fields: Any) -> list[Request[Verdict]]:
    """Return structured requests, one for each key."""
    return [Request(key, (Message("user", f"Judge {key}."),), Verdict, **fields) for key in keys]


def say(*keys: str, **fields: Any) -> list[Request[str]]:
    """Return requests for plain text, one for each key."""
    return [Request(key, (Message("user", f"Say {key}."),), **fields) for key in keys]


def echo(body: dict[str, Any], n: int) -> str:
    """Answer with the last message."""
    return str(body["messages"][-1]["content"])


def outcomes_of(outcomes: list[Outcome[Any]]) -> list[tuple[str, str]]:
    return [(outcome.status, outcome.reason) for outcome in outcomes]


def test_a_structured_reply(llm_server: LlmServer) -> None:
    llm_server.reply = lambda body, n: GOOD
    model = language_model(llm_server, price=Price(1.0, 10.0))
    [outcome] = model.ask_all(ask("a", template="judge@1"), Purpose("judgments", "gsm8k|alpha"))
    assert outcome.reply == Verdict(title="wrong sum", correct=False)
    assert (outcome.key, outcome.status, outcome.cached, outcome.attempts) == ("a", "ok", False, 1)
    assert json.loads(outcome.text) == GOOD
    # "Judge a." has 8 characters, the reply 41; the server counts 4 characters as a token
    assert (outcome.prompt_tokens, outcome.completion_tokens) == (2, 10)
    assert outcome.cost == pytest.approx((2 * 1.0 + 10 * 10.0) / 1e6)
    [call] = model.store.calls()
    assert (call.asset, call.partition, call.model) == ("judgments", "gsm8k|alpha", "openai/test")
    assert (call.template, call.outcome, call.cached, call.attempts) == ("judge@1", "ok", False, 1)
    assert (call.prompt_tokens, call.completion_tokens, call.cost) == (2, 10, outcome.cost)
    assert call.seconds == outcome.seconds > 0
    assert model.stopped == ""


def test_what_is_sent(llm_server: LlmServer) -> None:
    model = language_model(llm_server, temperature=0.5, max_tokens=77, seed=3, parameters={"top_p": 0.9})
    model.ask_all(ask("a", sample=4))
    [body] = llm_server.requests
    assert (body["model"], body["temperature"], body["max_tokens"], body["seed"]) == ("test", 0.5, 77, 7)
    assert body["top_p"] == 0.9
    assert body["messages"] == [{"role": "user", "content": "Judge a."}]
    form = body["response_format"]["json_schema"]
    assert (form["name"], form["strict"]) == ("Verdict", True)
    assert form["schema"]["properties"]["title"] == {"type": "string", "maxLength": 40}


def test_plain_text_and_outcomes_in_order(llm_server: LlmServer) -> None:
    llm_server.reply = echo
    keys = [str(number) for number in range(40)]
    outcomes = language_model(llm_server).ask_all(say(*keys))
    assert [outcome.key for outcome in outcomes] == keys
    assert [outcome.reply for outcome in outcomes] == [f"Say {key}." for key in keys]


def test_no_requests_are_no_calls(llm_server: LlmServer) -> None:
    model = language_model(llm_server)
    assert model.ask_all([]) == []
    assert model.store.calls() == []


def test_plain_text_that_was_cut_is_a_reply_that_says_so(llm_server: LlmServer) -> None:
    llm_server.plan = ["truncated"]
    [outcome] = language_model(llm_server, max_tokens=9).ask_all(say("a"))
    assert (outcome.status, outcome.detail) == ("ok", "the reply was cut at 9 tokens")


def test_a_bad_reply_is_repaired_once_with_the_model_shown_its_mistake(llm_server: LlmServer) -> None:
    llm_server.reply = lambda body, n: GOOD if n else {"title": "x" * 50, "correct": True}
    model = language_model(llm_server)
    [outcome] = model.ask_all(ask("a"))
    assert (outcome.status, outcome.attempts) == ("ok", 2)
    asked, mistake, complaint = llm_server.requests[1]["messages"]
    assert asked["content"] == "Judge a."
    assert mistake == {"role": "assistant", "content": json.dumps({"title": "x" * 50, "correct": True})}
    assert "title: String should have at most 40 characters" in complaint["content"]
    assert '"maxLength": 40' in complaint["content"]
    assert [call.outcome for call in model.store.calls()] == ["invalid_reply", "ok"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("invalid_json", "invalid_reply"), ("wrong_schema", "invalid_reply"), ("truncated", "truncated")],
)
def test_a_reply_that_is_bad_twice_is_a_failed_item(llm_server: LlmServer, fault: str, reason: str) -> None:
    llm_server.plan = [fault, fault, None]
    model = language_model(llm_server)
    [bad], [good] = model.ask_all(ask("a")), model.ask_all(ask("b"))
    assert (bad.status, bad.reason, bad.reply, bad.attempts) == ("failed", reason, None, 2)
    assert bad.detail
    assert bad.text
    assert good.status == "ok"


def test_the_callers_complaint_leads_to_the_repair(llm_server: LlmServer) -> None:
    llm_server.reply = lambda body, n: {"title": ["too vague", "wrong sum"][min(n, 1)], "correct": False}

    def check(reply: Verdict) -> str | None:
        return "the title is too vague" if "vague" in reply.title else None

    [outcome] = language_model(llm_server).ask_all(ask("a", check=check))
    assert outcome.reply is not None
    assert outcome.reply.title == "wrong sum"
    assert "the title is too vague" in llm_server.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize("fault", ["rate_limit", "server_error", "drop", "drop_inside"])
def test_what_may_pass_is_tried_again(llm_server: LlmServer, fault: str) -> None:
    llm_server.plan = [fault, fault]
    [outcome] = language_model(llm_server).ask_all(ask("a"))
    assert (outcome.status, outcome.attempts) == ("ok", 3)


def test_a_call_that_takes_too_long_is_tried_again(llm_server: LlmServer) -> None:
    language_model(llm_server).ask_all(say("the first call loads litellm"))
    llm_server.reset()
    llm_server.plan = ["slow"]
    [outcome] = language_model(llm_server, timeout_seconds=1.0).ask_all(ask("a"))
    # Without a time-out the slow answer would have come, and the server would have been asked once.
    assert outcome.status == "ok"
    assert outcome.attempts == llm_server.count >= 2
    assert outcome.seconds >= 1.0


@pytest.mark.parametrize(
    ("fault", "reason", "cost"),
    [("rate_limit", "rate_limit", 0.0), ("server_error", "server", 0.0), ("drop", "connection", None)],
)
def test_what_does_not_pass_fails_after_the_last_attempt(
    llm_server: LlmServer, fault: str, reason: str, cost: float | None
) -> None:
    llm_server.always = fault
    model = language_model(llm_server, max_attempts=3)
    [outcome] = model.ask_all(ask("a"))
    assert (outcome.status, outcome.reason, outcome.attempts) == ("failed", reason, 3)
    assert llm_server.count == 3
    assert outcome.detail
    assert "\n" not in outcome.detail
    [call] = model.store.calls()
    assert (call.outcome, call.attempts, call.cost) == (reason, 3, cost)


@pytest.mark.parametrize(("fault", "reason"), [("bad_request", "bad_request"), ("not_found", "bad_request")])
def test_what_cannot_pass_is_not_tried_again(llm_server: LlmServer, fault: str, reason: str) -> None:
    llm_server.always = fault
    [outcome] = language_model(llm_server).ask_all(say("a"))
    assert (outcome.status, outcome.reason, outcome.attempts) == ("failed", reason, 1)
    assert llm_server.count == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("content_filter", "refused"),
        ("refusal", "refused"),
        ("content_policy_violation", "refused"),
        ("context_length_exceeded", "bad_request"),
        ("insufficient_quota", "rate_limit"),
    ],
)
def test_what_the_provider_says_no_to_is_not_asked_again(llm_server: LlmServer, fault: str, reason: str) -> None:
    model = language_model(llm_server)
    assert model.ask_all(ask("a"))[0].status == "ok"
    llm_server.plan = [fault]
    [outcome] = model.ask_all(ask("b"))
    assert (outcome.status, outcome.reason, outcome.attempts) == ("failed", reason, 1)
    assert llm_server.count == 2


def test_an_answer_that_is_none_is_tried_again(llm_server: LlmServer) -> None:
    llm_server.plan = ["not_json"]
    [outcome] = language_model(llm_server).ask_all(ask("a"))
    assert (outcome.status, outcome.attempts) == ("ok", 2)


def test_an_answer_without_usage_is_counted_by_its_characters(llm_server: LlmServer) -> None:
    llm_server.plan = ["no_usage"]
    [outcome] = language_model(llm_server, price=Price(1.0, 10.0)).ask_all(say("twelve chars"))
    # "Say twelve chars." has 17 characters, "a scripted reply" 16: 5 and 4 tokens
    assert (outcome.prompt_tokens, outcome.completion_tokens) == (5, 4)
    assert outcome.cost == pytest.approx(45e-6)


def test_retry_after_is_honoured(llm_server: LlmServer) -> None:
    llm_server.plan, llm_server.retry_after = ["rate_limit"], 0.6
    started = time.monotonic()
    [outcome] = language_model(llm_server).ask_all(ask("a"))
    assert outcome.status == "ok"
    # The wait is no part of the seconds of its calls.
    assert time.monotonic() - started - outcome.seconds >= 0.6


def test_a_wait_beyond_the_deadline_is_not_begun(llm_server: LlmServer) -> None:
    # A day: a wait that was begun would not end within the test.
    llm_server.plan, llm_server.retry_after = ["rate_limit"], 86_400
    [outcome] = language_model(llm_server).ask_all(ask("a"))
    assert (outcome.status, outcome.reason, outcome.attempts) == ("failed", "rate_limit", 1)
    assert llm_server.count == 1


def test_no_more_than_max_concurrent_are_in_flight_and_a_waiting_request_gives_its_place_away(
    llm_server: LlmServer,
) -> None:
    llm_server.latency = 0.02
    llm_server.plan, llm_server.retry_after = ["rate_limit"] * 4, 1.0
    outcomes = language_model(llm_server, max_concurrent=4).ask_all(say(*map(str, range(40))))
    assert {outcome.status for outcome in outcomes} == {"ok"}
    assert llm_server.in_flight_peak == 4
    # The four that wait hold no place: the next requests are others, and come before these are asked again.
    asked = [body["messages"][0]["content"] for body in llm_server.requests]
    assert len(asked) == 44
    assert set(asked[4:8]).isdisjoint(asked[:4])


def test_a_provider_that_refuses_the_schema_is_told_it_in_the_prompt(llm_server: LlmServer) -> None:
    llm_server.always = "no_response_format"
    llm_server.reply = lambda body, n: f"```json\n{json.dumps(GOOD)}\n```"
    model = language_model(llm_server)
    [first], (second, third) = model.ask_all(ask("a")), model.ask_all(ask("b", "c"))
    assert (first.attempts, second.attempts, third.attempts) == (3, 1, 1)
    assert first.reply == second.reply == Verdict.model_validate(GOOD)
    last = llm_server.requests[-1]
    assert "response_format" not in last
    assert '"maxLength": 40' in last["messages"][0]["content"]
    assert last["messages"][0]["role"] == "system"


def test_a_bad_request_of_another_cause_does_not_end_the_schema(llm_server: LlmServer) -> None:
    model = language_model(llm_server, max_concurrent=1)
    model.ask_all(ask("a"))
    llm_server.plan = ["bad_request"]
    bad, good = model.ask_all(ask("b", "c"))
    assert outcomes_of([bad, good]) == [("failed", "bad_request"), ("ok", "")]
    assert schema_of(llm_server.requests[-1]) is not None
    assert llm_server.count == 3


def test_a_second_run_makes_no_calls(llm_server: LlmServer, tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    keys = [str(number) for number in range(1200)]
    with CallStore(path) as store:
        first = language_model(llm_server, store=store).ask_all(say(*keys[:20]) + ask(*keys[20:40]))  # type: ignore[operator]
    llm_server.reset()
    with CallStore(path) as store:
        model = language_model(llm_server, store=store)
        second = model.ask_all(say(*keys[:20]) + ask(*keys[20:40]), Purpose("again"))  # type: ignore[operator]
        calls = store.calls()
    assert llm_server.count == 0
    assert [outcome.reply for outcome in second] == [outcome.reply for outcome in first]
    assert all(outcome.cached and outcome.cost == 0 and outcome.attempts == 0 for outcome in second)
    assert [call.cached for call in calls] == [False] * 40 + [True] * 40
    assert {(call.asset, call.cost, call.prompt_tokens) for call in calls[40:]} == {("again", 0.0, 0)}


def test_whatever_changes_the_answer_is_another_entry_of_the_cache(llm_server: LlmServer) -> None:
    class Other(Verdict):
        more: str = Field(max_length=5)

    store = CallStore()
    message = Message("user", "Judge a.")
    base: dict[str, Any] = {"key": "a", "messages": (message,), "reply": Verdict}
    changes: list[dict[str, Any]] = [
        {"messages": (Message("user", "Judge a"), Message("user", "."))},
        {"messages": (Message("system", "Judge a."),)},
        {"messages": (message, message)},
        {"reply": Other},
        {"reply": None},
        {"temperature": 0.7},
        {"max_tokens": 99},
        {"sample": 1},
    ]
    settings: list[dict[str, Any]] = [
        {"seed": 1},
        {"seed": None},
        {"temperature": 0.1},
        {"max_tokens": 55},
        {"parameters": {"top_p": 0.5}},
    ]
    requests = [Request(**{**base, **change, "key": str(number)}) for number, change in enumerate([{}, *changes])]
    language_model(llm_server, store=store).ask_all(requests)
    assert llm_server.count == len(changes) + 1
    for setting in settings:
        language_model(llm_server, store=store, **setting).ask_all(requests[:1])
    assert llm_server.count == len(changes) + 1 + len(settings)
    same = {"max_concurrent": 3, "timeout_seconds": 9.0, "parameters": {"extra_headers": {"x-trace": "1234567"}}}
    [outcome] = language_model(llm_server, store=store, **same).ask_all(requests[:1])
    assert outcome.cached
    assert language_model(llm_server, store=store).ask_all([Request(**{**base, "key": "z"})])[0].cached


def test_the_id_tells_models_apart_by_what_changes_their_answers(llm_server: LlmServer) -> None:
    def identity(**options: Any) -> str:
        return language_model(llm_server, **options).id

    assert identity() == identity(max_concurrent=2, timeout_seconds=3, max_tokens=9) == "openai/test"
    secret = {"aws_secret_access_key": "abc", "api_version": "2024-01-01"}
    assert identity(parameters=secret) == "openai/test"
    others = [identity(temperature=0.5), identity(seed=9), identity(parameters={"top_p": 0.5})]
    assert len({*others, "openai/test"}) == 4
    assert all(other.startswith("openai/test#") for other in others)


def test_only_good_replies_are_cached(llm_server: LlmServer) -> None:
    model = language_model(llm_server, max_attempts=1)
    llm_server.plan = ["wrong_schema", "wrong_schema", "server_error", None]
    assert outcomes_of([model.ask_all(ask(key))[0] for key in "abc"]) == [
        ("failed", "invalid_reply"),
        ("failed", "server"),
        ("ok", ""),
    ]
    llm_server.reset()
    again = model.ask_all(ask("a", "b", "c"))
    assert [(outcome.status, outcome.cached) for outcome in again] == [("ok", False), ("ok", False), ("ok", True)]
    assert llm_server.count == 2


def test_a_cached_reply_that_the_check_complains_about_is_asked_again(llm_server: LlmServer) -> None:
    model = language_model(llm_server)
    model.ask_all(ask("a"))
    [outcome] = model.ask_all(ask("a", check=lambda reply: None if llm_server.count > 1 else "not any more"))
    assert (outcome.status, outcome.cached) == ("ok", False)
    assert llm_server.count == 2


def test_equal_requests_of_one_run_are_one_call(llm_server: LlmServer) -> None:
    llm_server.latency = 0.05
    requests = [Request(str(number), (Message("user", "the same"),), Verdict) for number in range(20)]
    outcomes = language_model(llm_server).ask_all(requests)
    assert {outcome.status for outcome in outcomes} == {"ok"}
    assert llm_server.count == 1
    assert sum(outcome.cached for outcome in outcomes) == 19


def test_keys_that_stand_for_two_requests_are_an_error(llm_server: LlmServer) -> None:
    with pytest.raises(LanguageModelError, match="'b'"):
        language_model(llm_server).ask_all(say("a", "b", "b"))


@pytest.mark.parametrize("options", [{"max_concurrent": 0}, {"max_attempts": 0}, {"timeout_seconds": 0}])
def test_settings_that_cannot_work_are_errors(llm_server: LlmServer, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        language_model(llm_server, **options)


def test_hostile_text_arrives_as_it_is(llm_server: LlmServer) -> None:
    llm_server.reply = echo
    hostile = 'a\x00b\u202e"}]}\n</data>\ud800 {{ 7*7 }} \N{PILE OF POO}'
    model = language_model(llm_server)
    [outcome] = model.ask_all([Request[str]("a", (Message("user", hostile),))])
    assert outcome.reply == hostile.replace("\ud800", "?")
    assert model.ask_all([Request[str]("a", (Message("user", hostile),))])[0].cached


def test_an_unknown_price_is_no_price(llm_server: LlmServer) -> None:
    model = language_model(llm_server)
    [outcome] = model.ask_all(ask("a"))
    assert outcome.cost is None
    assert [call.cost for call in model.store.calls()] == [None]


def test_a_price_that_litellm_knows(llm_server: LlmServer) -> None:
    parameters = {"api_base": llm_server.url, "api_key": "dummy"}
    model = LanguageModel("openai/gpt-4o-mini", parameters=parameters)
    [outcome] = model.ask_all(say("a" * 4000))
    # 0.15 and 0.60 USD per million tokens, https://openai.com/api/pricing, July 2024
    assert outcome.cost == pytest.approx((outcome.prompt_tokens * 0.15 + outcome.completion_tokens * 0.60) / 1e6)


def test_the_estimate_comes_without_a_call(llm_server: LlmServer) -> None:
    model = language_model(llm_server, price=Price(2.0, 8.0), max_tokens=100)
    model.ask_all(say("known"))
    llm_server.reset()
    long = Request[str]("long", (Message("system", "x" * 4000), Message("user", "y" * 4000)), max_tokens=50)
    estimate = model.estimate([*say("known"), long, *say("new")])
    assert llm_server.count == 0
    assert (estimate.calls, estimate.cached) == (2, 1)
    assert estimate.prompt_tokens == 2000 + 2  # "Say new." has 8 characters
    assert estimate.most_completion_tokens == 150
    assert estimate.most_cost == pytest.approx((2002 * 2.0 + 150 * 8.0) / 1e6)
    assert language_model(llm_server).estimate(say("new")).most_cost is None


def test_an_estimate_takes_time_in_proportion(llm_server: LlmServer) -> None:
    requests = [Request(str(n), (Message("user", f"{n} " + "word " * 400),), Verdict) for n in range(10_000)]
    model = language_model(llm_server)
    assert model.estimate(requests).calls == 10_000
    assert growth(model.estimate, requests[:2_500], requests, rounds=3) < MAX_GROWTH


def test_threads_share_a_model(llm_server: LlmServer) -> None:
    llm_server.reply, llm_server.latency = echo, 0.02
    model = language_model(llm_server, max_concurrent=5)
    found: dict[int, list[str | None]] = {}

    def work(thread: int) -> None:
        outcomes = model.ask_all(say(*(f"{thread}-{number}" for number in range(10))))
        found[thread] = [outcome.reply for outcome in outcomes]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {thread: [f"Say {thread}-{number}." for number in range(10)] for thread in range(6)}
    assert llm_server.in_flight_peak <= 5


def test_inside_a_running_loop_and_in_one_loop_after_another(llm_server: LlmServer) -> None:
    llm_server.latency = 0.1
    model = language_model(llm_server)

    async def both() -> tuple[list[Outcome[str]], list[Outcome[str]], int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        from_async = await model.ask_all_async(say("a", "b"))
        ticking.cancel()
        return from_async, model.ask_all(say("c")), ticks

    for _ in range(2):
        from_async, from_sync, ticks = asyncio.run(both())
        assert [outcome.status for outcome in from_async + from_sync] == ["ok"] * 3
    assert llm_server.count == 3
    assert ticks >= 0


def test_the_running_loop_goes_on_while_the_model_is_asked(llm_server: LlmServer) -> None:
    model = language_model(llm_server)
    model.ask_all(say("the first call loads litellm"))
    llm_server.hold()

    async def release_when_asked() -> list[Outcome[str]]:
        asking = asyncio.create_task(model.ask_all_async(say("a")))
        while llm_server.count < 2:
            await asyncio.sleep(0.01)
        llm_server.release()
        return await asking

    assert outcomes_of(asyncio.run(release_when_asked())) == [("ok", "")]


def test_a_cancelled_call_stops_asking(llm_server: LlmServer) -> None:
    model = language_model(llm_server, max_concurrent=2)
    model.ask_all(say("the first call loads litellm"))
    llm_server.reset()
    llm_server.hold()

    async def give_up() -> None:
        asking = asyncio.create_task(model.ask_all_async(say(*map(str, range(50)))))
        while llm_server.count < 2:
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(give_up())
    llm_server.release()
    assert model.ask_all(say("after"))[0].status == "ok"
    assert llm_server.count == 3


def test_a_check_that_asks_the_model_fails_instead_of_hanging(llm_server: LlmServer) -> None:
    model = language_model(llm_server)
    [outcome] = model.ask_all(ask("a", check=lambda reply: str(model.ask_all(say("b")))))
    assert (outcome.status, outcome.reason) == ("failed", "invalid_reply")
    assert "ask_all was called from within" in outcome.detail


def test_available_names_the_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "AZURE_API_KEY", "AZURE_API_BASE", "AZURE_API_VERSION", "MY_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert "OPENAI_API_KEY" in LanguageModel("openai/gpt-4o").available()
    assert "MY_KEY" in LanguageModel("openai/gpt-4o", api_key_variable="MY_KEY").available()
    azure = LanguageModel("azure/x", parameters={"api_base": "http://127.0.0.1", "api_version": "1"}).available()
    assert "AZURE_API_KEY" in azure
    assert "AZURE_API_BASE" not in azure
    assert "provider/model" in LanguageModel("gpt-nonsense").available()
    monkeypatch.setenv("OPENAI_API_KEY", "something")
    monkeypatch.setenv("MY_KEY", "something")
    assert LanguageModel("openai/gpt-4o").available() == ""
    assert LanguageModel("openai/gpt-4o", api_key_variable="MY_KEY").available() == ""
