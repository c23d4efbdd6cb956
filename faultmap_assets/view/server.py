"""Serves the page on 127.0.0.1 to the browser that was sent there, and to nobody else.

Any site that a user visits, and any other user of the machine, can send requests to 127.0.0.1. So the Host must be ours
(a foreign name that is made to lead here is not), and what another site asks for is refused. The address that is
printed bears a token; who opens it gets a cookie, without which nothing is answered. A write needs the token once more,
from the page.
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Annotated, Any

import uvicorn
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from faultmap_assets.defs.why.human_labels import MOST_NOTE_CHARACTERS, Said
from faultmap_assets.report.page import content_policy, packed, page_parts, page_script, page_style
from faultmap_assets.view.error_map_file import VIEWS, ErrorMapView
from faultmap_assets.view.example_pages import MOST_LIMIT, MOST_PARAMETER_CHARACTERS, ExampleQuery
from faultmap_assets.view.warehouse_view import WarehouseView, as_json
from faultmap_core.base.errors import ConfigurationError, FaultmapError, WarehouseError

HOST = "127.0.0.1"
MOST_BODY_BYTES = 32_768
TOKEN_HEADER, TOKEN_PARAMETER = "x-faultmap-token", "token"
_SECONDS_TO_STOP = 5
_NO_TOKEN = "this address lacks the token of its server; open the one that `faultmap view` printed when it started"


def free_socket(port: int = 0) -> socket.socket:
    """Return a socket that listens on 127.0.0.1; 0 is any free port. Raises ConfigurationError where it is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"port {port} on {HOST} cannot be used: {reason}; choose another with --port, or leave it out"
        ) from error
    return listening


class ViewServer:
    """The page of a warehouse or a taxonomy file on 127.0.0.1.

    `run` serves until it is interrupted; as a context manager it serves from a thread of its own.
    Args: listening: see `free_socket`.
    """

    def __init__(self, view: WarehouseView | ErrorMapView, listening: socket.socket | None = None) -> None:
        self._socket = listening or free_socket()
        self.port = int(self._socket.getsockname()[1])
        self.token = secrets.token_urlsafe(32)
        app = application(view, self.port, self.token)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level="error",
                access_log=False,
                server_header=False,
                lifespan="off",
                ws="none",
                http="h11",
                proxy_headers=False,
                timeout_graceful_shutdown=_SECONDS_TO_STOP,
            )
        )
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the page is, with the token that opens it."""
        return f"http://{HOST}:{self.port}/?{TOKEN_PARAMETER}={self.token}"

    def run(self) -> None:
        """Serve until Ctrl-C."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def __enter__(self) -> ViewServer:
        self._thread = threading.Thread(target=self.run, name="faultmap-view")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        if self._thread:
            self._thread.join()


def application(view: WarehouseView | ErrorMapView, port: int, token: str) -> ASGIApp:
    """Return the application: the page, its parts, pages of examples, and labels of a warehouse."""
    html, policy = _page(view, token)

    async def page(request: Request) -> Response:
        return Response(html, media_type="text/html; charset=utf-8")

    routes = [Route("/", page)]
    if isinstance(view, WarehouseView):
        routes += _warehouse_routes(view)
    app = Starlette(
        routes=routes, exception_handlers={HTTPException: _told, FaultmapError: _told, Exception: _unforeseen}
    )
    return _Guard(app, port, token, policy)


def _page(view: WarehouseView | ErrorMapView, token: str) -> tuple[str, str]:
    """Return the page and its Content-Security-Policy."""
    environment = Environment(
        loader=PackageLoader("faultmap_assets", "view"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    served = isinstance(view, WarehouseView)
    parts = {} if isinstance(view, WarehouseView) else page_parts(view.content)
    style, script = Markup(page_style()), Markup(page_script())
    html = environment.get_template("page.html.j2").render(
        token=token if served else None,
        views=None if served else VIEWS,
        parts={name: Markup(packed(part)) for name, part in parts.items()},
        style=style,
        script=script,
    )
    connect = "'self'" if served else "'none'"
    return html, f"{content_policy(style, script, connect=connect)}; img-src data:; frame-ancestors 'none'"


def _warehouse_routes(view: WarehouseView) -> list[Route]:
    async def part(request: Request) -> Response:
        body = await run_in_threadpool(view.part, request.path_params["name"])
        if body is None:
            raise HTTPException(404, "the page has no such part")
        return _json(body)

    async def examples(request: Request) -> Response:
        query = ExampleQuery.of(request.query_params.multi_items())
        return _json(as_json(await run_in_threadpool(view.examples, query)))

    async def disagreements(request: Request) -> Response:
        asked = request.query_params
        query = ExampleQuery.of([(name, value) for name, value in asked.multi_items() if name in ("offset", "limit")])
        dataset, model_a, model_b, right = (
            asked.get(name, "")[:MOST_PARAMETER_CHARACTERS] for name in ("dataset", "a", "b", "right")
        )
        told = await run_in_threadpool(
            view.disagreements, (dataset, model_a, model_b), right, query.offset, min(query.limit, MOST_LIMIT)
        )
        return _json(as_json(told))

    async def labels(request: Request) -> Response:
        told = _label_of(await _body(request))
        key = (told.dataset, told.model, told.example_id)
        said = Said(**told.label.model_dump()) if told.label else None
        kept = await run_in_threadpool(view.label, key, said, (told.seen.outcome, told.seen.error_title))
        return _json(as_json({"label": kept}))

    return [
        Route("/parts/{name}", part),
        Route("/examples", examples),
        Route("/disagreements", disagreements),
        Route("/labels", labels, methods=["POST"]),
    ]


_Name = Annotated[str, Field(max_length=MOST_PARAMETER_CHARACTERS)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Said(_Strict):
    right: bool
    is_error: bool | None = None
    kind: _Name = ""
    note: Annotated[str, Field(max_length=MOST_NOTE_CHARACTERS)] = ""


class _Seen(_Strict):
    outcome: _Name
    error_title: _Name


class _Label(_Strict):
    dataset: _Name
    model: _Name
    example_id: _Name
    label: _Said | None
    seen: _Seen


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            raise HTTPException(413, f"a label has at most {MOST_BODY_BYTES:,} bytes")
    return body


def _label_of(body: bytes) -> _Label:
    try:
        return _Label.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the label"
        raise HTTPException(400, f"{place}: {first['msg']}") from error


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")


async def _told(request: Request, error: Exception) -> Response:
    """Answer with what the page shows: one sentence."""
    if isinstance(error, HTTPException):
        return _json(as_json({"error": error.detail}), error.status_code)
    return _json(as_json({"error": " ".join(str(error).split())}), 503 if isinstance(error, WarehouseError) else 400)


async def _unforeseen(request: Request, error: Exception) -> Response:
    return _json(as_json({"error": f"{type(error).__name__}; the terminal that runs `faultmap view` has more"}), 500)


@dataclass(frozen=True)
class _Guard:
    """Lets through what the page itself asks for; every answer carries the headers that keep it to itself."""

    app: ASGIApp
    port: int
    token: str
    policy: str

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refused = self._refusal(scope)
        answer: Callable[..., Any] = _json(as_json({"error": refused[1]}), refused[0]) if refused else self.app
        cookie = self._cookie if not refused and self._bears_token(scope) else None
        await answer(scope, receive, self._sealed(send, cookie))

    @property
    def _cookie_name(self) -> str:
        # Browsers keep one jar for all ports of a host.
        return f"faultmap-view-{self.port}"

    @property
    def _cookie(self) -> str:
        return f"{self._cookie_name}={self.token}; Path=/; HttpOnly; SameSite=Strict"

    def _is_token(self, told: str | None) -> bool:
        return secrets.compare_digest((told or "").encode("utf-8", "replace"), self.token.encode())

    def _bears_token(self, scope: AsgiScope) -> bool:
        """Say whether the page itself is asked for with the token in its address."""
        asked = HTTPConnection(scope).query_params
        return scope["path"] == "/" and self._is_token(asked.get(TOKEN_PARAMETER))

    def _may_read(self, scope: AsgiScope) -> bool:
        return self._is_token(HTTPConnection(scope).cookies.get(self._cookie_name)) or self._bears_token(scope)

    def _refusal(self, scope: AsgiScope) -> tuple[int, str] | None:
        """Return status and reason where a request is not from our page."""
        headers, method = Headers(scope=scope), scope["method"]
        hosts = {f"{name}:{self.port}" for name in (HOST, "localhost")}
        if len(headers.getlist("host")) != 1 or headers["host"].lower() not in hosts:
            return 421, f"this server is http://{HOST}:{self.port}/ and answers to no other name"
        if method not in ("GET", "HEAD", "POST"):
            return 405, f"{method[:20]} is not allowed"
        site = headers.get("sec-fetch-site", "none")
        if method != "POST":
            link = headers.get("sec-fetch-mode") == "navigate" and scope["path"] == "/"
            if site not in ("same-origin", "none") and not link:
                return 403, "another site has asked for this; open the page itself"
            return None if self._may_read(scope) else (403, _NO_TOKEN)
        if headers.get("origin", "").lower() not in {f"http://{host}" for host in hosts} or site not in (
            "same-origin",
            "none",
        ):
            return 403, "only the page itself may write"
        if not self._is_token(headers.get(TOKEN_HEADER)):
            return 403, "the page is of an earlier start of the server; reload it"
        if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            return 415, "a label is sent as application/json"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BODY_BYTES:
            return 413, f"a label has at most {MOST_BODY_BYTES:,} bytes"
        return None

    def _sealed(self, send: Send, cookie: str | None = None) -> Send:
        kept = {
            b"content-security-policy": self.policy.encode(),
            b"x-content-type-options": b"nosniff",
            b"referrer-policy": b"no-referrer",
            b"cache-control": b"no-store",
            b"x-frame-options": b"DENY",
            b"cross-origin-resource-policy": b"same-origin",
            b"cross-origin-opener-policy": b"same-origin",
            **({b"set-cookie": cookie.encode()} if cookie else {}),
        }

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *kept.items()]}
            await send(message)

        return sealed
