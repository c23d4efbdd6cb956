"""Let through to Dagster's web server what its own pages, or a program of this machine, ask for.

Any site that a user visits can send requests to 127.0.0.1, and can have its own name lead there. Dagster's web server
answers to every name and takes mutations by GET, so that an image tag could wipe assets. Here the Host must be ours,
what another site asks for is refused, and GraphQL is asked by POST as JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
_REFUSED_WEBSOCKET = 1008  # policy violation, RFC 6455 section 7.4.1
_READING = ("GET", "HEAD")


@dataclass(frozen=True)
class Guard:
    """An ASGI application in front of another one that is served on a port of 127.0.0.1."""

    app: ASGIApp
    port: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a reason, or let the application answer."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _REFUSED_WEBSOCKET, "reason": refused[1]})
        else:
            status, reason = refused
            answer = Response(json.dumps({"error": reason}), status, media_type="application/json")
            await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and reason where a request may not come through."""
        headers = Headers(scope=scope)
        hosts = {f"{name}:{self.port}" for name in (HOST, "localhost")}
        if len(headers.getlist("host")) != 1 or headers["host"].lower() not in hosts:
            return 421, f"this server is http://{HOST}:{self.port}/ and answers to no other name"
        origins = headers.getlist("origin")
        if any(origin.lower() not in {f"http://{host}" for host in hosts} for origin in origins):
            return 403, "another site has asked for this"
        method, asks = scope.get("method", "GET"), "graphql" in scope["path"].lower()
        # A link from elsewhere may open a page, but ask for nothing else.
        link = scope["type"] == "http" and method == "GET" and headers.get("sec-fetch-mode") == "navigate" and not asks
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and not link:
            return 403, "another site has asked for this"
        if scope["type"] == "websocket" or not asks:
            return None
        if method in _READING and scope.get("query_string"):
            return 405, "GraphQL is asked by POST"
        content_type = headers.get("content-type", "").split(";")[0].strip().lower()
        if method not in _READING and content_type != "application/json":
            return 415, "GraphQL is asked as application/json"
        return None
