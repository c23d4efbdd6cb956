"""`faultmap view`: a server for its own page alone, pages that equal SQL, labels that are kept, and no writer waits."""

from __future__ import annotations

import csv
import http.client
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
from typer.testing import CliRunner

from faultmap_assets.cli import app
from faultmap_assets.defs.why.human_labels import EXPORT_COLUMNS, Said, export_labels, human_labels, label_judgment
from faultmap_assets.defs.why.judge_validation import KEPT_LABELS, validate_against
from faultmap_assets.ingestion.redaction import Subject
from faultmap_assets.ingestion.staging import drop_files
from faultmap_assets.privacy.forget import forget
from faultmap_assets.report import build_report
from faultmap_assets.settings import Settings
from faultmap_assets.view import ErrorMapView, ViewServer, WarehouseView, free_socket
from faultmap_assets.view.reading import opened
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core import ErrorMap
from faultmap_core.base.errors import ConfigurationError, EvalFileError, WarehouseError
from faultmap_core.error_analysis.judging.validation import read_labels
from tests import error_map_data

HOSTILE = '=1+1 <script>alert(1)</script> "quoted"\n\x1b[31m ‮ \u0000 {{7*7}} [bold]x[/bold]'
SCHEMA = Path(build_report.__code__.co_filename).parent / "report.schema.json"


@dataclass
class Client:
    """Asks a server of ours, as its page does unless told otherwise."""

    server: ViewServer
    has_cookie: bool = True

    @property
    def cookie(self) -> str:
        return f"faultmap-view-{self.server.port}={self.server.token}"

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        sent = {"Cookie": self.cookie} if self.has_cookie else {}
        connection.request(method, path, body, {**sent, **(headers or {})})
        answer = connection.getresponse()
        told = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return told

    def get(self, path: str, **parameters: Any) -> Any:
        status, _, body = self.ask(f"{path}?{urlencode(parameters, doseq=True)}")
        assert status == 200, body
        return json.loads(body)

    def refusal(self, path: str, **parameters: Any) -> tuple[int, str]:
        status, _, body = self.ask(f"{path}?{urlencode(parameters, doseq=True)}")
        return status, json.loads(body)["error"]

    @property
    def page_headers(self) -> dict[str, str]:
        return {
            "Origin": f"http://127.0.0.1:{self.server.port}",
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/json",
            "X-Faultmap-Token": self.server.token,
        }

    def label(self, row: dict[str, Any], label: dict[str, Any] | None, **headers: str | None) -> tuple[int, Any]:
        judgment = row["judgment"]
        told = {name: row[name] for name in ("dataset", "model", "example_id")} | {"label": label}
        told["seen"] = {"outcome": judgment["outcome"], "error_title": judgment["error_title"]}
        sent = {name: value for name, value in {**self.page_headers, **headers}.items() if value is not None}
        status, _, body = self.ask("/labels", "POST", json.dumps(told).encode(), sent)
        return status, json.loads(body)


@pytest.fixture
def home(audited, tmp_path: Path) -> Settings:
    """The audited project's warehouse, to be written to."""
    settings = Settings.model_validate({"home": tmp_path / "var", "warehouse": {"lock_timeout_seconds": 0.4}})
    settings.home.mkdir()
    shutil.copy(audited[0].settings.warehouse_path, settings.warehouse_path)
    return settings


@pytest.fixture
def warehouse(home: Settings) -> Warehouse:
    return Warehouse(home.warehouse_path)


@pytest.fixture
def client(home: Settings) -> Iterator[Client]:
    with ViewServer(WarehouseView(home)) as server:
        yield Client(server)


@pytest.fixture
def judged(client: Client) -> list[dict[str, Any]]:
    rows = client.get("/examples", verdict="failed", limit=500)["rows"]
    assert len(rows) == 80
    return [row for row in rows if row["judgment"]]


# The server answers its own page, and nobody else.


def test_it_listens_on_this_machine_alone(client: Client):
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((_other_address(), client.server.port), timeout=2)
    assert client.server.url == f"http://127.0.0.1:{client.server.port}/?token={client.server.token}"


def _other_address() -> str:
    # Of the loopback network, too, and not 127.0.0.1: a server on all interfaces would answer.
    return "127.0.0.2"


@pytest.mark.parametrize("path", ["/", "/parts/findings", "/examples", "/labels", "/nothing"])
def test_a_foreign_host_is_refused_whatever_it_asks_for(client: Client, path: str):
    port = client.server.port
    for host in ("evil.test", f"evil.test:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", f"127.0.0.1:{port}.evil.test"):
        for method in ("GET", "POST"):
            status, headers, body = client.ask(path, method, b"{}", {**client.page_headers, "Host": host})
            assert status == 421, (host, method)
            assert b"answers to no other name" in body
            assert headers["cache-control"] == "no-store"
    assert client.ask("/", headers={"Host": f"LOCALHOST:{port}"})[0] == 200


def test_two_hosts_or_none_are_refused(client: Client):
    own = f"Host: 127.0.0.1:{client.server.port}\r\n"
    for hosts in ("", own + "Host: evil.test\r\n"):
        with socket.create_connection(("127.0.0.1", client.server.port), timeout=10) as connection:
            connection.sendall(f"GET /parts/findings HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
            assert re.match(rb"HTTP/1.1 4\d\d ", connection.recv(100))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_only_reading_and_labelling_is_there(client: Client, method: str):
    assert client.ask("/labels", method, headers=client.page_headers)[0] == 405
    assert client.ask("/", method)[0] == 405


def test_reading_is_by_get_and_head_and_writes_nothing(client: Client, home: Settings):
    before = home.warehouse_path.read_bytes()
    for path in ("/", "/parts/findings", "/parts/points", "/examples?q=peru"):
        (status, headers, body), (head_status, head, nothing) = client.ask(path), client.ask(path, "HEAD")
        assert (status, head_status, nothing) == (200, 200, b"")
        assert head["content-length"] == headers["content-length"] == str(len(body))
        assert client.ask(path, "POST", b"{}", client.page_headers)[0] == 405
    assert home.warehouse_path.read_bytes() == before


def test_every_answer_keeps_to_itself(client: Client):
    for path in ("/", "/parts/findings", "/examples", "/examples?limit=x", "/nothing"):
        _, headers, _ = client.ask(path)
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert re.fullmatch(r"'sha256-[\w+/]+='", policy["script-src"])
        assert re.fullmatch(r"'sha256-[\w+/]+='", policy["style-src"])
        assert (policy["connect-src"], policy["frame-ancestors"]) == ("'self'", "'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers
        assert not [name for name in headers if name.startswith("access-control")]


def test_what_another_site_asks_for_is_refused_but_a_link_to_the_page_is_not(client: Client):
    for site in ("cross-site", "same-site"):
        assert client.ask("/parts/findings", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})[0] == 403
        assert client.ask("/examples", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})[0] == 403
        assert client.ask("/", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})[0] == 200


def test_a_label_is_taken_from_the_page_alone(client: Client, judged, warehouse: Warehouse):
    port = client.server.port
    for wrong, expected in (
        ({"Origin": None}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": f"http://127.0.0.1:{port}.evil.test"}, 403),
        ({"Origin": f"https://127.0.0.1:{port}"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"X-Faultmap-Token": None}, 403),
        ({"X-Faultmap-Token": "guess"}, 403),
        ({"X-Faultmap-Token": "é"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": None}, 415),
        ({"Content-Length": "99999999"}, 413),
    ):
        status, _ = client.label(judged[0], {"right": True}, **wrong)
        assert status == expected, wrong
    assert human_labels(warehouse) == []
    assert client.label(judged[0], {"right": True})[0] == 200
    assert len(human_labels(warehouse)) == 1


def test_each_start_has_a_token_of_its_own_and_only_the_page_tells_it(client: Client, home: Settings):
    with ViewServer(WarehouseView(home)) as other:
        assert len(other.token) >= 40
        assert other.token != client.server.token
    holders = [
        path for path in ("/", "/parts/findings", "/examples") if client.server.token.encode() in client.ask(path)[2]
    ]
    assert holders == ["/"]


def test_nothing_is_read_without_the_token_of_this_start(client: Client, home: Settings):
    stranger = Client(client.server, has_cookie=False)
    paths = ("/", "/?token=", "/?token=guess", "/parts/findings", "/parts/points", "/examples", "/disagreements", "/x")
    with ViewServer(WarehouseView(home)) as other:
        own = f"faultmap-view-{client.server.port}"
        cookies = (None, f"{own}=", f"{own}=guess", f"{own}=é", f"{own}={other.token}", Client(other).cookie)
        for path in (*paths, f"/examples?token={client.server.token}"):
            for method in ("GET", "HEAD"):
                for cookie in cookies:
                    headers = {"Cookie": cookie.encode().decode("latin-1")} if cookie else {}
                    status, told, body = stranger.ask(path, method, headers=headers)
                    assert status == 403, (path, method, cookie)
                    assert "set-cookie" not in told
                    assert client.server.token.encode() not in body
    sentence = json.loads(stranger.ask("/")[2])["error"]
    assert "open the one that `faultmap view` printed" in sentence


def test_the_printed_address_gives_a_cookie_that_no_script_and_no_other_site_has(client: Client):
    stranger = Client(client.server, has_cookie=False)
    status, headers, body = stranger.ask(client.server.url.removeprefix(f"http://127.0.0.1:{client.server.port}"))
    assert (status, b"<html" in body) == (200, True)
    cookie, *attributes = (part.strip() for part in headers["set-cookie"].split(";"))
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict"]
    assert stranger.ask("/parts/findings", headers={"Cookie": f"other=1; {cookie}"})[0] == 200
    # Only the page itself takes a token from its address, and only a right one earns the cookie.
    assert "set-cookie" not in client.ask("/")[1]
    assert "set-cookie" not in client.ask("/parts/findings")[1]
    for site in ("cross-site", "same-site"):
        asked = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
        assert stranger.ask(f"/?token={client.server.token}", headers=asked)[0] == 403


# What it answers.


def test_the_findings_are_those_of_the_report(client: Client, home: Settings, warehouse: Warehouse):
    told = client.get("/parts/findings")
    report = json.loads(build_report(warehouse, settings=home).json)
    assert told.pop("examples") == {"total": 240, "shown": 240, "sampled": False, "seed": 0}
    report.pop("examples")
    assert told == report


def test_every_row_is_reached_page_by_page_as_the_report_tells_it(client: Client, warehouse: Warehouse):
    expected = json.loads(build_report(warehouse).json)["examples"]["rows"]
    pages = [client.get("/examples", offset=offset, limit=37) for offset in range(0, 240, 37)]
    assert {page["total"] for page in pages} == {240}
    assert [row for page in pages for row in page["rows"]] == expected
    assert client.get("/examples", offset=1000)["rows"] == []


_KEY = "s.dataset, s.example_id, s.model"
_PAGES = (
    ({"dataset": "school"}, "s.dataset = 'school'", ""),
    ({"model": "beta", "verdict": "failed"}, "s.model = 'beta' AND s.failed", ""),
    ({"verdict": "passed", "sort": "-example_id"}, "NOT s.failed", "s.example_id DESC,"),
    ({"sort": "model"}, "true", "s.model,"),
    ({"sort": "-verdict"}, "true", "s.failed DESC,"),
    ({"sort": "error"}, "true", "(SELECT any_value(error_title) FROM error_judgments j WHERE (j.dataset, j.model,"
     " j.example_id) = (s.dataset, s.model, s.example_id) AND error_title <> '') NULLS LAST,"),
    ({"id": ["capital-00", "cooking-03"]}, "s.example_id IN ('capital-00', 'cooking-03')", ""),
    ({"q": "Peru CAPITAL"}, "s.example_id = 'capital-04'", ""),
    ({"q": "' OR 1=1 --"}, "false", ""),
    ({"dataset": "nowhere'; DROP TABLE scores"}, "false", ""),
    ({"label": "not labelled"}, "s.failed", ""),
    ({"first": ["cooking-05"], "dataset": "school"}, "s.dataset = 'school'", "s.example_id <> 'cooking-05',"),
    (
        {"first": ["cooking-09", "cooking-05"], "dataset": "school"},
        "s.dataset = 'school'",
        "s.example_id <> 'cooking-09', s.example_id <> 'cooking-05',",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("query", "condition", "order"), _PAGES)
def test_a_page_equals_sql(client: Client, warehouse: Warehouse, query, condition, order):
    keys = warehouse.query(
        f"SELECT s.dataset, s.example_id, s.model FROM scores s WHERE {condition} ORDER BY {order} {_KEY}"
    ).to_pylist()
    page = client.get("/examples", limit=20, offset=3, **query)
    assert page["total"] == len(keys)
    assert [{name: row[name] for name in ("dataset", "example_id", "model")} for row in page["rows"]] == keys[3:23]


def test_a_slice_and_a_kind_are_reached_to_their_last_row(client: Client, warehouse: Warehouse):
    findings = client.get("/parts/findings")
    for audit in findings["audits"]:
        for found in audit["slices"]:
            about = {"dataset": audit["dataset"], "model": audit["model"], "slice": found["slice_id"]}
            page = client.get("/examples", limit=500, sort="-verdict", **about)
            assert page["total"] == len(page["rows"]) == found["size"] > 0
            assert sum(row["failed"] for row in page["rows"]) == found["failures"]
            assert page["rows"] == sorted(page["rows"], key=lambda row: not row["failed"])
    for category in findings["taxonomy"]["categories"]:
        page = client.get("/examples", limit=500, kind=category["category_id"])
        assert page["total"] == category["errors"] > 0
        assert {row["category_id"].split("/")[0] for row in page["rows"]} == {category["category_id"].split("/")[0]}


def test_disagreements_are_those_that_the_comparison_counts(client: Client):
    pairs = client.get("/parts/findings")["comparisons"]
    assert [pair["dataset"] for pair in pairs] == ["kitchen", "school"]
    for pair in pairs:
        names = {"dataset": pair["dataset"], "a": pair["model_a"], "b": pair["model_b"]}
        for right, expected in (
            ("", pair["discordant_a_wins"] + pair["discordant_b_wins"]),
            (pair["model_a"], pair["discordant_a_wins"]),
            (pair["model_b"], pair["discordant_b_wins"]),
        ):
            page = client.get("/disagreements", right=right, limit=500, **names)
            assert page["total"] == expected > 0
            both = list(zip(page["rows"][::2], page["rows"][1::2], strict=True))
            assert len(both) == expected
            assert all(a["example_id"] == b["example_id"] and a["failed"] != b["failed"] for a, b in both)
            assert {a["model"] for a, _ in both} == {pair["model_a"]}
            assert not right or {row["model"] for row in page["rows"] if not row["failed"]} == {right}
        second = client.get("/disagreements", offset=1, limit=1, **names)
        assert [row["model"] for row in second["rows"]] == [pair["model_a"], pair["model_b"]]


def test_the_map_has_every_answer_or_a_seeded_sample_of_whole_examples(client: Client, home: Settings):
    from faultmap_assets.report.scope import Scope
    from faultmap_assets.view.example_pages import map_points

    points = client.get("/parts/points")
    assert (points["total"], points["shown"]) == (240, 240)
    with opened(Warehouse(home.warehouse_path)) as warehouse:
        samples = [map_points(warehouse, Scope(), seed=seed, most=100)["columns"] for seed in (0, 0, 1)]
    assert samples[0] == samples[1] != samples[2]
    assert 60 <= len(samples[0]["example_id"]) <= 140
    by_example: dict[tuple[str, str], set[str]] = {}
    for dataset, example_id, model in zip(
        *(samples[0][name] for name in ("dataset", "example_id", "model")), strict=True
    ):
        by_example.setdefault((dataset, example_id), set()).add(model)
    assert set(map(frozenset, by_example.values())) == {frozenset({"alpha", "beta"})}


def test_a_view_of_one_model_holds_nothing_else(home: Settings):
    with ViewServer(WarehouseView(home, ["school"], ["alpha"])) as server:
        client = Client(server)
        assert [(one["dataset"], one["model"]) for one in client.get("/parts/findings")["audits"]] == [
            ("school", "alpha")
        ]
        assert client.get("/examples", limit=500)["total"] == 60
        assert client.get("/examples", dataset="kitchen")["total"] == 0
        assert client.get("/parts/points")["total"] == 60
    with pytest.raises(ConfigurationError, match="no dataset 'scool'"):
        WarehouseView(home, ["scool"])


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"limit": "501"}, "limit 501 is not between 1 and 500"),
        ({"limit": "0"}, "limit 0 is not"),
        ({"offset": "-1"}, "offset: '-1' is no number"),
        ({"offset": "9" * 13}, "is no number"),
        ({"limit": "²"}, "is no number"),
        ({"sort": "score; DROP TABLE scores"}, "sort 'score; DROP TABLE scores' is not one of"),
        ({"verdict": "x"}, "verdict 'x' is not one of failed, passed, no score"),
        ({"q": "x" * 201}, "at most 8 words and 200 characters"),
        ({"q": "a b c d e f g h i"}, "at most 8 words"),
        ({"id": ["x"] * 51}, "more than 50 examples"),
        ({"dataset": "x" * 2001}, "dataset: 2,001 characters"),
        ({"where": "1=1"}, "'where' is nothing that examples are chosen by"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_sentence(client: Client, query, sentence: str):
    status, told = client.refusal("/examples", **query)
    assert status == 400
    assert sentence in told


def test_what_has_not_changed_is_not_made_again(home: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch):
    view = WarehouseView(home)
    first = view.part("findings")
    with monkeypatch.context() as patch:
        patch.setattr("faultmap_assets.view.warehouse_view.findings_content", lambda *_: pytest.fail("made again"))
        assert view.part("findings") is first
    with warehouse.write() as connection:
        connection.execute("DELETE FROM scores WHERE model = 'beta'")
    assert {one["model"] for one in json.loads(view.part("findings") or b"")["audits"]} == {"alpha"}
    assert view.part("nothing") is None


# Beside a writer.


def test_no_writer_waits_for_an_open_page(client: Client, warehouse: Warehouse):
    client.get("/parts/findings")
    # It waits for nobody: a file that is held is an error at once.
    with replace(warehouse, lock_timeout_seconds=0.0).write() as connection:
        connection.execute("CREATE TABLE written AS SELECT 1")
    assert client.get("/examples")["total"] == 240


def test_while_somebody_writes_it_waits_then_says_who_and_goes_on_afterwards(client: Client, home: Settings):
    script = (
        "import sys; from pathlib import Path; from faultmap_assets.warehouse.connection import Warehouse\n"
        "with Warehouse(Path(sys.argv[1])).write(): print('holds', flush=True); sys.stdin.readline()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(home.warehouse_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdin
    assert writer.stdout
    assert writer.stdout.readline() == "holds\n"
    status, sentence = client.refusal("/examples")
    assert status == 503
    assert f"(PID {writer.pid}) has held it for 0.4 s" in sentence
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(client.ask("/examples")[0]))
    asking.start()
    writer.communicate("go on\n", timeout=20)
    asking.join()
    assert answers in ([200], [503])
    assert client.get("/examples")["total"] == 240


def test_a_warehouse_that_goes_away_is_told_and_not_made_anew(client: Client, home: Settings):
    home.warehouse_path.unlink()
    status, sentence = client.refusal("/examples")
    assert status == 503
    assert "no warehouse at" in sentence
    assert not home.warehouse_path.exists()


def test_reading_that_takes_too_long_is_stopped(warehouse: Warehouse):
    # Left alone it would take days.
    with pytest.raises(WarehouseError, match=r"took longer than 0.2 s"), opened(warehouse, seconds=0.2) as slow:
        slow.query("SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = 7")


# Labels.


def test_a_label_is_kept_told_replaced_and_taken_back(client: Client, judged, warehouse: Warehouse):
    row, about = (
        judged[0],
        {"dataset": judged[0]["dataset"], "model": judged[0]["model"], "id": judged[0]["example_id"]},
    )
    kinds = [one["category_id"] for one in client.get("/parts/findings")["taxonomy"]["categories"]]
    status, told = client.label(row, {"right": False, "is_error": True, "kind": kinds[0], "note": f" {HOSTILE} "})
    assert status == 200
    expected = {"right": False, "is_error": True, "kind": kinds[0], "why": HOSTILE}
    assert told["label"] == {**expected, "judged_title": row["judgment"]["error_title"]}
    assert client.get("/examples", **about)["rows"][0]["label"] == told["label"]
    assert client.get("/examples", label="judgment wrong")["total"] == 1
    (kept,) = warehouse.query("SELECT * FROM judgment_labels").to_pylist()
    assert (kept["judged_title"], kept["judged_kind"], kept["judged_by"]) == (
        row["judgment"]["error_title"],
        row["category_id"],
        row["judgment"]["judged_by"],
    )
    assert client.label(row, {"right": True})[1]["label"]["right"] is True
    (replaced,) = warehouse.query("SELECT judgment_right, is_error, kind, note FROM judgment_labels").to_pylist()
    assert replaced == {"judgment_right": True, "is_error": True, "kind": row["category_id"], "note": ""}
    assert client.label(row, None) == (200, {"label": None})
    assert client.label(row, None)[0] == 200
    assert client.get("/examples", **about)["rows"][0]["label"] is None


def test_a_label_that_makes_no_sense_is_refused_and_nothing_is_kept(client: Client, judged, warehouse: Warehouse):
    row = judged[0]
    for label, sentence in (
        ({"right": "yes"}, "label.right"),
        ({"right": True, "more": 1}, "label.more"),
        ({}, "label.right"),
        ({"right": False, "is_error": True, "kind": "no/such"}, "no kind of error has the id 'no/such'"),
        ({"right": False, "is_error": False, "kind": "x"}, "no error has no kind"),
        ({"right": True, "note": "x" * 4001}, "label.note"),
    ):
        status, told = client.label(row, label)
        assert (status, sentence in told["error"]) == (400, True), (label, told)
    for changed, sentence in (
        ({**row, "example_id": "nobody"}, "has no judgment"),
        ({**row, "judgment": {**row["judgment"], "error_title": "another"}}, "made anew since the page was loaded"),
    ):
        status, told = client.label(changed, {"right": True})
        assert (status, sentence in told["error"]) == (400, True)
    for body in (b"", b"[", b"[]", b"\xff", b'{"dataset": "\\ud800"}', b"[" * 30_000):
        assert client.ask("/labels", "POST", body, client.page_headers)[0] == 400, body[:20]
    assert human_labels(warehouse) == []


def test_a_long_body_without_a_length_is_cut_off(client: Client):
    headers = "".join(f"{name}: {value}\r\n" for name, value in client.page_headers.items())
    chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", client.server.port), timeout=10) as connection:
        own = f"Host: 127.0.0.1:{client.server.port}\r\n{headers}Transfer-Encoding: chunked\r\n\r\n"
        connection.sendall(f"POST /labels HTTP/1.1\r\n{own}".encode() + 6 * chunk)
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_kept_labels_and_their_export_judge_the_judge_alike(client: Client, judged, warehouse, tmp_path: Path):
    with warehouse.write() as connection:
        connection.execute(
            """INSERT INTO error_taxonomy SELECT version, 'another', NULL, 'Another', '', 1, false, 0, 0.0, '[]'
            FROM error_taxonomy LIMIT 1"""
        )
    for row in judged[:6]:
        assert client.label(row, {"right": True})[0] == 200
    for row in judged[6:8]:
        assert client.label(row, {"right": False, "is_error": True, "kind": "another"})[0] == 200
    assert client.label(judged[8], {"right": False, "is_error": True})[0] == 200
    assert client.label(judged[9], {"right": False, "is_error": False, "note": HOSTILE})[0] == 200
    kept = validate_against(warehouse)
    # By hand: the judge saw ten errors, the person nine; of the eight with a kind six have the judge's.
    assert kept.matched == 10
    assert kept.error is not None
    assert (kept.error.n, kept.error.accuracy) == (10, 0.9)
    # Where the judge sees errors alone, no interval is known.
    assert (kept.error.kappa, kept.error.kappa_low, kept.error.kappa_high) == (0.0, None, None)
    assert kept.kind is not None
    assert (kept.kind.n, kept.kind.accuracy) == (8, 0.75)
    path = tmp_path / "labels.csv"
    assert export_labels(warehouse, path) == 10
    assert validate_against(warehouse, path) == kept
    rows = warehouse.query("SELECT labels_path, question, matched FROM judge_validations ORDER BY ALL").to_pylist()
    assert {row["labels_path"] for row in rows} == {str(path), KEPT_LABELS}
    assert len(rows) == 4


def test_the_export_runs_nothing_in_a_spreadsheet_and_comes_back_as_it_was(warehouse: Warehouse, tmp_path: Path):
    names = ("=1+1", "'=1+1", "''-x", "-1", "@a", "+b", "'plain", "plain", 'q",\n;', "007")
    with warehouse.write() as connection:
        connection.execute("DELETE FROM error_judgments")
        for name in names:
            connection.execute(
                """INSERT INTO error_judgments VALUES
                ($name, $name, $name, 'error', $name, '', '[]', '[]', 'rules', '', '[]', '', '', '')""",
                {"name": name},
            )
    for name in names:
        label_judgment(warehouse, (name, name, name), Said(right=True, note=name), ("error", name))
    path = tmp_path / "labels.csv"
    export_labels(warehouse, path)
    with path.open(newline="", encoding="utf-8") as stream:
        cells = list(csv.reader(stream))
    assert tuple(cells[0]) == EXPORT_COLUMNS
    assert not [cell for row in cells for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n")]
    read = {(one.key, one.is_error) for one in read_labels(path)}
    assert read == {((name, name, name), True) for name in names}
    assert validate_against(warehouse, path).matched == len(names)


def test_a_kind_that_the_taxonomy_lost_answers_the_first_question_only(client: Client, judged, warehouse: Warehouse):
    client.label(judged[0], {"right": True})
    with warehouse.write() as connection:
        connection.execute("UPDATE error_taxonomy SET category_id = 'renamed-' || category_id")
    (label,) = human_labels(warehouse)
    assert (label.label, label.is_error) == ("", True)


def test_the_command_line_exports_and_uses_the_kept_labels(client: Client, judged, home: Settings, tmp_path: Path):
    run = CliRunner().invoke
    where = ["--home", str(home.home)]
    empty = run(app, ["validate-judge", *where])
    assert isinstance(empty.exception, ConfigurationError)
    assert "set some in `faultmap view`" in str(empty.exception)
    nothing = run(app, ["validate-judge", "--export-labels", str(tmp_path / "x.csv"), *where])
    assert "there are no labels yet" in str(nothing.exception)
    for row in judged[:3]:
        client.label(row, {"right": True})
    path = tmp_path / "labels.csv"
    written = run(app, ["validate-judge", "--export-labels", str(path), *where])
    assert written.exit_code == 0
    assert "Wrote 3 labels" in written.output
    results = [
        json.loads(run(app, ["validate-judge", *labels, *where, "--json"]).output) for labels in ([], [str(path)])
    ]
    assert results[0] == results[1]
    assert results[0]["matched"] == 3
    both = run(app, ["validate-judge", str(path), "--export-labels", str(path), *where])
    assert both.exit_code == 2
    nowhere = run(app, ["validate-judge", "--export-labels", str(tmp_path / "no" / "x.csv"), *where])
    assert isinstance(nowhere.exception, WarehouseError)


def test_the_report_tells_labels_and_leaves_their_words_out_where_texts_are_not_told(client: Client, judged, warehouse):
    client.label(judged[0], {"right": False, "is_error": True, "note": "the sum is right: hippopotamus"})
    report = build_report(warehouse)
    jsonschema.validate(json.loads(report.json), json.loads(SCHEMA.read_text(encoding="utf-8")))
    (told,) = [row["label"] for row in report.content["examples"]["rows"] if row["label"]]
    assert told["why"] == "the sum is right: hippopotamus"
    bare = build_report(warehouse, texts=False)
    assert "hippopotamus" not in bare.json + bare.html
    (told,) = [row["label"] for row in bare.content["examples"]["rows"] if row["label"]]
    assert (told["right"], told["why"], told["judged_title"]) == (False, "", "")


def test_labels_outlive_what_they_are_of_and_not_what_is_forgotten(client: Client, judged, home: Settings, warehouse):
    first, second = [row for row in judged if row["example_id"].startswith("arithmetic")][:2]
    quoted = f"It quotes {second['prompt']}"
    client.label(first, {"right": True, "note": quoted})
    client.label(second, {"right": True, "note": "mine"})
    done = forget(home, [Subject("id", second["example_id"], second["dataset"])])
    assert done.rows["judgment_labels"] == 1
    (left,) = warehouse.query("SELECT example_id, note FROM judgment_labels").to_pylist()
    assert left["example_id"] == first["example_id"]
    assert second["prompt"] not in left["note"]
    # A file that is dropped takes its rows along; a person's work stays and fits again when the file comes back.
    paths = warehouse.query("SELECT path FROM source_files").column("path").to_pylist()
    drop_files(warehouse, paths)
    assert warehouse.query("SELECT count(*) AS n FROM scores").column("n")[0].as_py() == 0
    assert warehouse.query("SELECT count(*) AS n FROM judgment_labels").column("n")[0].as_py() == 1


# A taxonomy that ErrorMap wrote.

_LEAF = {
    "dataset": "omni_math", "example_id": "7", "model": "llama", "input_text": "2+2?", "output_text": "5", "score": 0.0,
    "judge_model": "gpt", "error_title": "Wrong sum", "error_summary": "It says 5.", "prompt": "judge this",
    "judge_response": json.dumps({"required_criteria": [{"criterion": "adds", "quality": "incorrect",
                                                         "present_in_wrong": True, "evidence": "5", "comment": "no"}],
                                  "final_answer": {"error_title": "Wrong sum", "error_summary": "It says 5."}}),
}  # fmt: skip


def _node(name: str, info: dict[str, Any] | None = None, children: list[Any] | None = None) -> dict[str, Any]:
    return {"id": f"parent=x__name={name}", "name": name, "info": info or {}, "children": children or [], "parent": ""}


def errormap_tree() -> dict[str, Any]:
    """A tree of the shape that ErrorMap writes (its TaxonomyNode.to_dict), three levels deep."""
    sums = _node("Sums", {"description": "Adding."}, [_node("Wrong sum", _LEAF), _node("Wrong sum", _LEAF)])
    empty = _node("Never", {"description": "Nothing fell into it."})
    top = _node(
        "Arithmetic", {"description": "Numbers."}, [sums, empty, _node("Carry", {**_LEAF, "score": float("nan")})]
    )
    return _node(
        "LLM Errors", None, [top, _node("Other", {"description": ""}, [_node("Odd", {**_LEAF, "model": "qwen"})])]
    )


def _written(path: Path, tree: Any) -> Path:
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def test_errormaps_tree_becomes_the_pages_document(tmp_path: Path):
    content = ErrorMapView(_written(tmp_path / "tree.json", errormap_tree())).content
    jsonschema.validate(
        json.loads(json.dumps(content, allow_nan=False)), json.loads(SCHEMA.read_text(encoding="utf-8"))
    )
    counts = {row["name"]: (row["errors"], row["depth"]) for row in content["taxonomy"]["categories"]}
    assert counts == {"Arithmetic": (3, 1), "Sums": (2, 2), "Other": (1, 1)}
    assert [row["name"] for row in content["taxonomy"]["categories"] if row["other"]] == ["Other"]
    rows = content["examples"]["rows"]
    assert len({(row["dataset"], row["model"], row["example_id"]) for row in rows}) == 4
    first = rows[0]
    assert (first["prompt"], first["response"], first["judgment"]["error_summary"]) == ("2+2?", "5", "It says 5.")
    assert first["judgment"]["criteria"][0]["quality"] == "incorrect"
    assert first["metadata"] == {"prompt": "judge this"}


def test_our_own_error_map_writes_what_is_opened(tmp_path: Path):
    error_map_data.write(tmp_path, "products", error_map_data.rows())
    result = ErrorMap(data_path=tmp_path, output_dir=tmp_path / "out", ratio=1.0, exp_id="x").analyse()
    content = ErrorMapView(result.files.taxonomy_json).content
    assert content["examples"]["total"] == len(result.errors) == 24
    assert sum(row["errors"] for row in content["taxonomy"]["categories"] if row["depth"] == 1) == 24
    assert {(row["dataset"], row["model"]) for row in content["audits"]} == {
        ("products", "alpha"),
        ("products", "beta"),
    }


def test_the_server_of_a_file_has_the_page_and_nothing_to_write(tmp_path: Path):
    hostile = errormap_tree()
    hostile["children"][0]["name"] = "</script><script>alert(1)</script>"
    with ViewServer(ErrorMapView(_written(tmp_path / "tree.json", hostile))) as server:
        client = Client(server)
        status, headers, body = client.ask("/")
        assert status == 200
        assert b"alert(1)" not in body
        assert "connect-src 'none'" in headers["content-security-policy"]
        assert client.ask("/labels", "POST", b"{}", client.page_headers)[0] == 404
        assert client.ask("/examples")[0] == 404


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "nested too deeply|no JSON"),
        (b"[]", "no taxonomy: it has no root"),
        (b'{"name": "x"}', "no taxonomy: it has no root"),
        (b'{"name": "x", "children": []}', "the tree is empty"),
        (b'{"name": "x", "children": [1]}', "a node at depth 1 has no name"),
        (b'{"name": "x", "children": [{"name": "y", "info": []}]}', "node 'y': children is no list"),
        (b'{"name": "x", "children": [' * 60 + b'{"name": "x"}' + b"]}" * 60, "deeper than 50 levels"),
    ],
)
def test_a_file_that_is_no_taxonomy_is_told_in_one_line(tmp_path: Path, content: bytes, sentence: str):
    path = tmp_path / "tree.json"
    path.write_bytes(content)
    with pytest.raises(EvalFileError, match=sentence) as told:
        ErrorMapView(path)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)
    with pytest.raises(EvalFileError, match="cannot be read: No such file"):
        ErrorMapView(tmp_path / "gone.json")


# The command.


def test_the_command_says_what_stands_in_its_way_in_one_line(home: Settings, tmp_path: Path):
    run = CliRunner().invoke
    with free_socket() as taken:
        port = taken.getsockname()[1]
        busy = run(app, ["view", "--port", str(port), "--no-browser", "--home", str(home.home)])
    assert isinstance(busy.exception, ConfigurationError)
    assert str(busy.exception) == (
        f"port {port} on 127.0.0.1 cannot be used: Address already in use; choose another with --port, or leave it out"
    )
    missing = run(app, ["view", "--no-browser", "--home", str(tmp_path / "nowhere")])
    assert missing.exit_code == 2
    assert "no warehouse at" in " ".join(missing.output.split())
    both = run(app, ["view", "tree.json", "--dataset", "x"])
    assert (both.exit_code, "leave them out with a file" in " ".join(both.output.split())) == (2, True)
    assert isinstance(run(app, ["view", "tree.json", "--no-browser"]).exception, EvalFileError)
    unknown = run(app, ["view", "--no-browser", "--model", "gamma", "--home", str(home.home)])
    assert "--model gamma: there is none of that name; there are alpha, beta" in str(unknown.exception)


def test_the_command_serves_until_it_is_interrupted(home: Settings):
    command = [sys.executable, "-m", "faultmap_assets.cli", "view", "--no-browser", "--home", str(home.home)]
    serving = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert serving.stdout
    line = serving.stdout.readline()
    port, token = re.match(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+) ", line).groups()  # type: ignore[union-attr]
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
    connection.request("GET", "/parts/findings", headers={"Cookie": f"faultmap-view-{port}={token}"})
    assert len(json.loads(connection.getresponse().read())["audits"]) == 4
    connection.close()
    serving.send_signal(2)
    output, errors = serving.communicate(timeout=20)
    assert (serving.returncode, output, errors) == (0, "ended\n", "")
