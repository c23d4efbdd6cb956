"""An OpenAI-compatible server on 127.0.0.1 for the tests: scripted replies, faults on demand, every request recorded.

In a test: the fixture `llm_server`, and `language_model(llm_server)` for a client of it. Alone, in its own process:
`python tests/llm_server.py --latency 0.2` writes its address on one line and serves until its input is closed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from faultmap_core.llm import LanguageModel

FAULTS = ("rate_limit", "server_error", "slow", "drop", "drop_inside", "invalid_json", "truncated", "wrong_schema")
"""What `fault_share` draws from; `plan` and `always` take the names in `ERRORS`, and "no_response_format" (a request
that has one is bad), "not_json", "content_filter", "refusal" and "no_usage", too."""

ERRORS = {
    "rate_limit": (429, "Rate limit reached"),
    "insufficient_quota": (429, "You exceeded your current quota"),
    "server_error": (500, "The server had an error"),
    "authentication": (401, "Incorrect API key provided: {key}"),
    "forbidden": (403, "This key may not use the model"),
    "bad_request": (400, "This request is not understood"),
    "content_policy_violation": (400, "Your request was rejected by our safety system"),
    "context_length_exceeded": (400, "This model's maximum context length is 8192 tokens"),
    "not_found": (404, "The model does not exist"),
}

Reply = Callable[[dict[str, Any], int], str | dict[str, Any]]


def reply_to_schema(schema: dict[str, Any], whole: dict[str, Any] | None = None) -> Any:
    """Return a value that fits a JSON schema: first choices, shortest arrays of at least one item, short strings."""
    whole = whole or schema
    if "$ref" in schema:
        return reply_to_schema(whole["$defs"][schema["$ref"].rsplit("/", 1)[-1]], whole)
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return reply_to_schema(schema[name][0], whole)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: reply_to_schema(part, whole) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        count = min(max(1, schema.get("minItems", 0)), schema.get("maxItems", 1_000_000))
        return [reply_to_schema(schema.get("items", {"type": "string"}), whole) for _ in range(count)]
    if kind == "string":
        return "a scripted reply"[: schema.get("maxLength", 100)].ljust(schema.get("minLength", 0), ".")
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return kind == "boolean" or None


def schema_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the JSON schema that a request asks for, or None."""
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    return schema if isinstance(schema, dict) else None


def default_reply(body: dict[str, Any], n: int) -> str | dict[str, Any]:
    """Fit the request's schema; without one, say a word."""
    schema = schema_of(body)
    return "a scripted reply" if schema is None else dict(reply_to_schema(schema))


class LlmServer:
    """The server. All attributes may be changed while it runs.

    reply: called with the request's JSON and its number (from 0); a dict is sent as JSON text. latency: seconds before
    each answer. plan: names of faults for the next requests, None for a good answer; then `always` when it is set,
    else a fault with the probability `fault_share`, seeded. Recorded: `requests` (the bodies, in order of arrival),
    `keys` (what stood in the Authorization header), `faults` (per request: its fault or None), `in_flight_peak`.
    """

    def __init__(
        self, reply: Reply = default_reply, *, latency: float = 0.0, seed: int = 0, record: bool = True
    ) -> None:
        self.reply = reply
        self.latency = latency
        self.plan: list[str | None] = []
        self.always: str | None = None
        self.fault_share = 0.0
        self.fault_kinds: Sequence[str] = FAULTS
        self.retry_after = 0.05
        self.slow_seconds = 2.0
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.faults: list[str | None] = []
        self.in_flight_peak = 0
        self.url = ""
        self._count = 0
        self._in_flight = 0
        self._record = record
        self._random = random.Random(seed)
        self._gate = asyncio.Event()
        self._gate.set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def count(self) -> int:
        """How many requests arrived."""
        return self._count

    @property
    def answered(self) -> list[dict[str, Any]]:
        """The requests that were given a good answer."""
        return [body for body, fault in zip(self.requests, self.faults, strict=True) if fault is None]

    def reset(self) -> None:
        """Forget what was recorded."""
        self._count = self.in_flight_peak = 0
        self.requests, self.keys, self.faults = [], [], []

    def hold(self) -> None:
        """Let requests arrive, but answer none until `release`."""
        self._on_loop(self._gate.clear)

    def release(self) -> None:
        """Answer what `hold` held."""
        self._on_loop(self._gate.set)

    def _on_loop(self, change: Callable[[], None]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(change)

    def _next_fault(self) -> str | None:
        if self.plan:
            return self.plan.pop(0)
        if self.always is not None:
            return self.always
        return self._random.choice(self.fault_kinds) if self._random.random() < self.fault_share else None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        number, self._count = self._count, self._count + 1
        fault = self._next_fault()
        if fault == "no_response_format":
            fault = "bad_request" if "response_format" in body else None
        if self._record:
            self.requests.append(body)
            self.faults.append(fault)
            self.keys.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
        self._in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self._in_flight)
        try:
            await asyncio.sleep(self.latency + (self.slow_seconds if fault == "slow" else 0))
            await self._gate.wait()
            return await self._respond(request, body, number, fault)
        finally:
            self._in_flight -= 1

    async def _respond(
        self, request: web.Request, body: dict[str, Any], number: int, fault: str | None
    ) -> web.StreamResponse:
        if fault in ERRORS:
            status, message = ERRORS[fault]
            error = {"message": message.format(key=request.headers.get("Authorization", "")), "code": fault}
            headers = {"Retry-After": str(self.retry_after)} if fault == "rate_limit" else {}
            return web.json_response({"error": error}, status=status, headers=headers)
        if fault == "drop":
            return self._drop(request, web.Response())
        reply = self.reply(body, number)
        text = reply if isinstance(reply, str) else json.dumps(reply)
        answer = completion(body, *spoil(text, fault))
        if fault == "not_json":
            return web.Response(text="<html>a proxy's error</html>", content_type="text/html")
        if fault == "refusal":
            answer["choices"][0]["message"].update(content=None, refusal="I will not judge this.")
        if fault == "no_usage":
            del answer["usage"]
        if fault == "drop_inside":
            stream = web.StreamResponse(headers={"Content-Length": str(len(json.dumps(answer)))})
            await stream.prepare(request)
            await stream.write(json.dumps(answer)[:20].encode())
            return self._drop(request, stream)
        return web.json_response(answer)

    @staticmethod
    def _drop(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return response


def spoil(text: str, fault: str | None) -> tuple[str, str]:
    """Return the reply's text and its finish reason with a fault of content in it."""
    if fault == "invalid_json":
        return '{"title": "no end', "stop"
    if fault == "truncated":
        return text[: max(1, len(text) // 2)], "length"
    if fault == "content_filter":
        return "", "content_filter"
    if fault == "wrong_schema":
        return '{"unexpected": [1, 2, 3]}', "stop"
    return text, "stop"


def completion(body: dict[str, Any], text: str, finish_reason: str) -> dict[str, Any]:
    """Return a chat completion; a token is four characters."""
    asked = sum(len(str(message["content"])) for message in body["messages"]) // 4
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": body["model"],
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason},
        ],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": len(text) // 4,
            "total_tokens": asked + len(text) // 4,
        },
    }


async def _start(server: LlmServer) -> web.AppRunner:
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/v1/chat/completions", server._answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server._loop = asyncio.get_running_loop()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    return runner


async def _cancel_the_rest() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def serving(server: LlmServer) -> Iterator[LlmServer]:
    """Run the server in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="llm-server", daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(_start(server), loop).result(10)
    try:
        yield server
    finally:
        server.release()
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        asyncio.run_coroutine_threadsafe(_cancel_the_rest(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def language_model(server: LlmServer, **options: Any) -> LanguageModel:
    """Return a client of the server; its first back-off is 10 ms."""
    parameters = {"api_base": server.url, "api_key": "dummy", **options.pop("parameters", {})}
    return LanguageModel("openai/test", parameters=parameters, **{"retry_seconds": 0.01, **options})


def main() -> None:
    """Serve until standard input is closed; write the address first, the number of requests last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0)
    with serving(LlmServer(latency=parser.parse_args().latency, record=False)) as server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        sys.stdin.read()
        sys.stdout.write(f"{server.count}\n")


if __name__ == "__main__":
    main()
