"""Alerts reach a webhook that takes Slack's JSON: once each, again where it was down, and its URL stays secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest

from faultmap_assets.automation.alert_sensors import data_arrival, failed_run_alert
from faultmap_assets.definitions import defs
from faultmap_assets.defs.history import queries as history_queries
from faultmap_assets.defs.history.delivery import Delivery, deliver, try_again
from faultmap_assets.defs.history.webhook import Webhook, slack_message
from tests.conftest import eval_rows, make_project, write_csv
from tests.history_data import Results, outcomes, results

SECRET = "T000-B000-very-secret-token"


class Slack(ThreadingHTTPServer):
    """A local server that answers with the statuses it is given, then with 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[dict] = []
        self.answers: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/{SECRET}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"].startswith("application/json")
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 200:
            self.server.received.append(json.loads(body))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.server.url)
        self.end_headers()

    def do_GET(self) -> None:
        raise AssertionError("a redirect was followed")

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    server = Slack()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("SLACK_URL", server.url)
    monkeypatch.setenv("no_proxy", "*")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def worse(tmp_path: Path) -> Results:
    """An audit that raised one alert, not posted yet."""
    made = results(tmp_path, alerts={"webhook_url_variable": "SLACK_URL"})
    made.evals("law", "m", outcomes(20, 400))
    made.audit()
    made.evals("law", "m", outcomes(120, 400))
    assert len(made.audit().raised) == 1
    return made


def hook(**more) -> Webhook:
    return Webhook("SLACK_URL", sleep=lambda seconds: None, timeout_seconds=2, **more)


def post(made: Results, minutes: int = 0) -> Delivery:
    return deliver(made.warehouse, made.settings, made.now + timedelta(minutes=minutes), hook())


def test_an_alert_is_posted_once_in_slacks_form(worse: Results, slack: Slack):
    assert post(worse) == Delivery(1)
    assert post(worse) == Delivery(0)
    (message,) = slack.received
    assert message["text"].startswith("faultmap: 1 alert, 1 of them errors\nerror: m on law: the failure rate rose")
    assert [block["type"] for block in message["blocks"]] == ["section", "section"]
    assert all(block["text"]["type"] == "mrkdwn" for block in message["blocks"])
    (row,) = history_queries.alerts(worse.warehouse)
    assert (row["delivery"], row["attempts"]) == ("sent", 1)
    assert row["alert_id"] in message["blocks"][1]["text"]["text"]


def test_a_server_that_is_busy_is_tried_again(worse: Results, slack: Slack):
    slack.answers = [503, 429]
    assert post(worse) == Delivery(1)
    assert len(slack.received) == 1


@pytest.mark.parametrize(("answers", "note"), [([404], "status 404"), ([302], "status 302"), ([500] * 3, "status 500")])
def test_what_could_not_be_posted_is_posted_at_the_next_occasion(
    worse: Results, slack: Slack, answers: list[int], note: str
):
    slack.answers = list(answers)
    assert post(worse) == Delivery(0, f"the webhook answered with {note}")
    assert slack.answers == []
    (row,) = history_queries.alerts(worse.warehouse)
    assert (row["delivery"], row["note"]) == ("pending", f"the webhook answered with {note}")
    assert post(worse) == Delivery(1)


def test_pauses_double(slack: Slack, monkeypatch: pytest.MonkeyPatch):
    waited: list[float] = []
    slack.answers = [500] * 4
    posted = Webhook("SLACK_URL", attempts=4, first_pause_seconds=0.5, sleep=waited.append).post(slack_message("t", []))
    assert not posted.delivered
    assert waited == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("url", "note"),
    [
        (None, "the environment variable SLACK_URL is not set"),
        ("", "the environment variable SLACK_URL is not set"),
        (SECRET, "holds no http(s) URL"),
        (f"file:///{SECRET}", "holds no http(s) URL"),
        (f"http://:80/{SECRET}", "holds no http(s) URL"),
        (f"http://127.0.0.1:99999/{SECRET}", "holds no http(s) URL"),
        (f"http://127.0.0.1:1/{SECRET}", "Connection refused"),
        (f"http://127.0.0.1:1/{SECRET} with spaces", "cannot be reached"),
        (f"http://[::1/{SECRET}", "holds no http(s) URL"),
    ],
)
def test_a_dead_webhook_is_noted_without_its_url(
    worse: Results, monkeypatch: pytest.MonkeyPatch, url: str | None, note: str
):
    monkeypatch.setenv("no_proxy", "*")
    if url is None:
        monkeypatch.delenv("SLACK_URL", raising=False)
    else:
        monkeypatch.setenv("SLACK_URL", url)
    told = post(worse)
    assert (told.sent, note in told.note) == (0, True)
    assert SECRET not in told.note
    for row in history_queries.alerts(worse.warehouse):
        assert SECRET not in str(row)
        assert row["delivery"] == "pending"


def test_a_process_that_was_killed_while_it_posted_has_not_told_anybody(worse: Results, slack: Slack):
    with worse.warehouse.write() as connection:
        connection.execute("UPDATE alerts SET delivery = 'sending', tried_at = $now", {"now": worse.now})
    # Perhaps it is posting at this very moment.
    assert post(worse, minutes=5) == Delivery(0)
    assert post(worse, minutes=11) == Delivery(1)


def test_a_webhook_that_never_answers_is_given_up_and_can_be_asked_for(worse: Results, slack: Slack):
    slack.answers = [404] * 10
    for _ in range(11):
        post(worse)
    (row,) = history_queries.alerts(worse.warehouse)
    assert (row["delivery"], row["attempts"], slack.received) == ("failed", 10, [])
    try_again(worse.warehouse)
    assert post(worse) == Delivery(1)


def test_without_a_webhook_nothing_waits_for_one(worse: Results, slack: Slack):
    silent = worse.settings.model_copy(
        update={"alerts": worse.settings.alerts.model_copy(update={"webhook_url_variable": None})}
    )
    assert deliver(worse.warehouse, silent, worse.now) == Delivery(0)
    # Who names one later is not told of the past.
    assert post(worse) == Delivery(0)
    assert slack.received == []


def test_hostile_text_is_no_markup_and_a_long_list_is_folded():
    lines = [("error", f"<!channel> & <http://evil|click>\n{'x' * 9000}")] * 60
    message = slack_message("t", lines)
    assert len(message["blocks"]) == 20
    assert message["blocks"][-1]["text"]["text"] == "and 42 more: `faultmap alerts`"
    for block in message["blocks"]:
        assert "<" not in block["text"]["text"]
        assert len(block["text"]["text"]) <= 3000
    assert "&lt;!channel&gt; &amp;" in message["blocks"][1]["text"]["text"]
    assert len(message["text"]) <= 3000


def test_the_url_is_refused_in_the_settings_without_being_repeated():
    from faultmap_assets.settings import load_settings
    from faultmap_core.base.errors import ConfigurationError

    Path("faultmap.yaml").write_text(f"alerts: {{webhook_url_variable: 'https://hooks.example/{SECRET}'}}\n")
    with pytest.raises(ConfigurationError, match=r"alerts\.webhook_url_variable: its value is not") as caught:
        load_settings()
    assert SECRET not in str(caught.value)


# Through Dagster


@pytest.mark.slow
def test_a_regression_fails_its_check_reaches_the_webhook_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slack: Slack
):
    Path("faultmap.yaml").write_text("alerts: {webhook_url_variable: SLACK_URL}\n")
    project = make_project(tmp_path, alerts={"webhook_url_variable": "SLACK_URL"})
    monkeypatch.setenv("FAULTMAP_HOME", str(project.settings.home))
    with project.instance:
        write_csv(project.evals / "school.csv", eval_rows("school", ["alpha"]))
        project.ingest()
        project.audit()
        assert slack.received == []
        rows = [{**row, "score": 0.0} for row in eval_rows("school", ["alpha"])]
        write_csv(project.evals / "school.csv", rows)
        project.ingest()
        outcome = project.audit()
        assert (outcome.failed, outcome.left, outcome.blocked) == ((), (), ())
        assert ("audit_report", "") in [(asset, partition.key) for asset, partition in outcome.made]
        (message,) = slack.received
        assert "alpha on school: the failure rate rose from 33.3% to 100.0%" in message["text"]
        latest = {
            check: project.instance.event_log_storage.get_asset_check_execution_history(
                dg.AssetCheckKey(dg.AssetKey("finding_history"), check), limit=1
            )[0].status.value
            for check in ("failure_rates", "slices", "winners", "coverage", "row_quality", "fresh_data")
        }
        assert latest == {
            "failure_rates": "FAILED",
            "slices": "SUCCEEDED",
            "winners": "SUCCEEDED",
            "coverage": "SUCCEEDED",
            "row_quality": "SUCCEEDED",
            "fresh_data": "SUCCEEDED",
        }
        assert project.audit().made == ()
        assert len(slack.received) == 1
        logs = [str(event) for run in project.instance.get_runs() for event in project.instance.all_logs(run.run_id)]
        assert not any(SECRET in event for event in logs)
        assert SECRET not in str(history_queries.alerts(project.warehouse, everything=True))


def test_a_failed_run_is_told_once_for_the_same_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slack: Slack):
    Path("faultmap.yaml").write_text("alerts: {webhook_url_variable: SLACK_URL}\n")
    made = results(tmp_path)
    monkeypatch.setenv("FAULTMAP_HOME", str(made.settings.home))

    @dg.op
    def broken() -> None:
        raise ValueError("the <disk> is full")

    @dg.job(tags={"faultmap/assets": "raw_evals,scores", "faultmap/partition": "law|m", "faultmap/inputs": "abc"})
    def refresh_dataset_model() -> None:
        broken()

    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            result = refresh_dataset_model.execute_in_process(instance=instance, raise_on_error=False)
            context = dg.build_run_status_sensor_context(
                sensor_name="failed_run_alert",
                dagster_event=next(
                    event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE"
                ),
                dagster_instance=instance,
                dagster_run=instance.get_run_by_id(result.run_id),
                partition_key=None,
            ).for_run_failure()
            failed_run_alert(context)
    (message,) = slack.received
    assert "error: the run of raw_evals, scores of law|m failed: the <disk> is full" in message["text"]
    assert "&lt;disk&gt;" in message["blocks"][1]["text"]["text"]


def test_logs_that_stop_coming_are_told_once_and_shown_by_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slack: Slack
):
    Path("faultmap.yaml").write_text("alerts: {webhook_url_variable: SLACK_URL}\n")
    made = results(tmp_path)
    monkeypatch.setenv("FAULTMAP_HOME", str(made.settings.home))
    made.day("2026-01-01", [False] * 5)
    with dg.DagsterInstance.ephemeral() as instance:
        ticks = [data_arrival(dg.build_sensor_context(instance=instance)) for _ in range(2)]
    (event,) = ticks[0].asset_events
    assert (event.check_name, event.passed, event.severity) == ("fresh_data", False, dg.AssetCheckSeverity.WARN)
    assert ticks[1].asset_events == []
    (message,) = slack.received
    assert "warning: the newest day of production logs is 2026-01-01" in message["text"]


def test_the_sensors_run_by_themselves():
    for sensor in (failed_run_alert, data_arrival):
        assert defs.resolve_sensor_def(sensor.name).default_status is dg.DefaultSensorStatus.RUNNING
