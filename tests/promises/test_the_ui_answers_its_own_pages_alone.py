"""The guard before Dagster's web server refuses other names, other sites and mutations by GET: over real HTTP."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from faultmap_assets.ui.guard import Guard
from faultmap_assets.view import free_socket

_WIPE = "/graphql?query=mutation%7BwipeAssets%7D"


async def _reached(request: Request) -> PlainTextResponse:
    return PlainTextResponse("reached")


async def _talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("reached")
    await socket.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve an application that answers everything, behind the guard."""
    listening = free_socket()
    number = int(listening.getsockname()[1])
    routes = [WebSocketRoute("/graphql", _talk), Route("/{path:path}", _reached, methods=["GET", "POST", "DELETE"])]
    config = uvicorn.Config(Guard(Starlette(routes=routes), number), log_level="error", ws="websockets-sansio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    yield number
    server.should_exit = True
    thread.join()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    sent = {"Host": f"127.0.0.1:{port}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(
        method, path, body=json.dumps({"query": "{version}"}) if method == "POST" else None, headers=sent
    )
    answer = connection.getresponse()
    status, body = answer.status, answer.read()
    connection.close()
    assert (body == b"reached") == (status == 200)
    return status


@pytest.mark.parametrize("path", ["/", "/assets", "/graphql", "/report_asset_materialization/x", _WIPE])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}"])
def test_another_name_is_not_answered(port: int, path: str, host: str):
    assert ask(port, path, Host=host.format(port=port)) == 421


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://localhost:1"])
def test_another_origin_is_refused(port: int, method: str, origin: str):
    headers = {"Content-Type": "application/json", "Origin": origin.format(port=port)}
    assert ask(port, "/report_asset_check/x", method, **headers) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_embeds_is_refused_and_its_link_opens_a_page_alone(port: int, site: str):
    assert ask(port, "/assets", Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors") == 403
    assert ask(port, "/assets", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate") == 200
    assert ask(port, "/graphql", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate") == 403
    assert ask(port, "/report_asset_check/x", "POST", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate") == 403


def test_no_mutation_by_get_or_by_a_form_even_from_a_browser_that_tells_nothing(port: int):
    assert ask(port, _WIPE) == 405
    assert ask(port, "/graphql", "POST", Content_Type="text/plain") == 415
    assert ask(port, "/graphql", "POST", Content_Type="application/x-www-form-urlencoded") == 415


def test_its_own_pages_are_answered(port: int):
    own = {"Origin": f"http://localhost:{port}", "Host": f"localhost:{port}", "Sec_Fetch_Site": "same-origin"}
    assert ask(port, "/graphql", "POST", Content_Type="application/json", **own) == 200
    assert ask(port, "/assets", Sec_Fetch_Site="none") == 200


def test_a_websocket_is_opened_by_its_own_pages_alone(port: int):
    with connect(f"ws://127.0.0.1:{port}/graphql", origin=f"http://127.0.0.1:{port}", proxy=None) as socket:
        assert socket.recv() == "reached"
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{port}/graphql", origin="http://evil.example", proxy=None)
    assert refused.value.response.status_code == 403
