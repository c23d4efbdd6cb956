"""`faultmap`: audit eval files, read the findings, look after the warehouse."""

from __future__ import annotations

import sys

from faultmap_assets.cli import audits, inspecting, findings, report, view, why, history, privacy, project  # isort: skip  (the order of the help)
from faultmap_assets.cli.common import app, print_errors
from faultmap_assets.cli.supervision import can_supervise, supervised
from faultmap_core.base.errors import FaultmapError

__all__ = [
    "app",
    "audits",
    "findings",
    "history",
    "inspecting",
    "main",
    "privacy",
    "project",
    "report",
    "run",
    "view",
    "why",
]


def main() -> None:
    """Run the command line in a child process, which ends within seconds of a signal; see `supervision`."""
    supervised(run) if can_supervise() else run()


def run() -> None:
    """Run the command line; an error of ours is one line on standard error and exit code 2."""
    try:
        app()
    except FaultmapError as error:
        print_errors([str(error)])
        sys.exit(2)
