"""Output that nobody reads to the end, and progress that nobody watches."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from rich.console import Console

from faultmap_assets.cli.render.console import LineProgress, progress


@pytest.mark.parametrize("arguments", [["slices"], ["slices", "--json"], ["status"], ["compare", "--json"]])
def test_a_reader_that_left_is_no_error_and_changes_no_exit_code(audited, arguments):
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "faultmap_assets.cli", *arguments, "--home", str(audited[0].settings.home)],
            stdout=write_end,
            stderr=subprocess.PIPE,
            timeout=120,
        )
    finally:
        os.close(write_end)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_reader_that_left_does_not_hide_a_failure(tmp_path):
    script = (
        "from faultmap_assets.cli.common import out, stop\n"
        "for number in range(20000): out.print(number)\n"
        "stop(['told on standard error'])"
    )
    command = f'"{sys.executable}" -c "$0" 2> "{tmp_path}/err" | head -n 1; echo "${{PIPESTATUS[0]}}"'
    ended = subprocess.run(["bash", "-c", command, script], capture_output=True, text=True, timeout=120)
    # Typer's Exit outside of a command is an exception like any other: what counts is that the pipe was not the reason.
    assert ended.stdout.split() == ["0", "1"]
    assert "told on standard error" in (tmp_path / "err").read_text()
    assert "BrokenPipe" not in (tmp_path / "err").read_text()


def lines_of(updates: list[tuple[float, dict]]) -> list[str]:
    """Return what is printed where each update comes at a second of a clock that stands still between them."""
    now = [0.0]
    text = io.StringIO()
    shown = LineProgress(Console(file=text, width=200), "auditing", clock=lambda: now[0])
    task = shown.add_task("", total=40)
    for second, changes in updates:
        now[0] = second
        shown.update(task, **changes)
    return text.getvalue().splitlines()


def test_a_log_gets_one_line_a_minute_at_most():
    every_second = [(float(second), {"completed": second // 6, "description": "scores"}) for second in range(1, 241)]
    assert lines_of(every_second) == [
        "auditing: 10 of 40, 1 min, scores",
        "auditing: 20 of 40, 2 min, scores",
        "auditing: 30 of 40, 3 min, scores",
        "auditing: 40 of 40, 4 min, scores",
    ]


def test_short_work_prints_no_line_and_hostile_names_no_control_sequence():
    assert lines_of([(59.9, {"description": "soon"})]) == []
    assert lines_of([(60.0, {"description": "a\x1b[31mb\nc"})]) == ["auditing: 0 of 40, 1 min, a\ufffd[31mb\ufffdc"]


def test_no_bar_is_drawn_where_no_terminal_is():
    text = io.StringIO()
    with progress(Console(file=text), "reading") as shown:
        shown.advance(shown.add_task("file", total=1))
    assert text.getvalue() == ""
