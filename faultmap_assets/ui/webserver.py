"""Dagster's web server behind the guard: `python -m faultmap_assets.ui.webserver`, with its own server's options.

The guard is part of the one server process. A proxy would leave the unguarded server on a port that a page could find.
"""

from __future__ import annotations

from typing import Any

import uvicorn
from dagster_webserver import cli as dagster_webserver_cli

from faultmap_assets.ui.guard import HOST, Guard
from faultmap_core.base.errors import ConfigurationError


class _GuardedServer:
    """What Dagster's command calls in the place of uvicorn."""

    @staticmethod
    def run(app: Any, *, host: str, port: int, log_level: str) -> None:
        """Serve a guarded application. Raises ConfigurationError for another address than this machine's own."""
        if host != HOST:
            raise ConfigurationError(f"the pages are served on {HOST} alone, not on {host}")
        uvicorn.run(
            Guard(app, port), host=host, port=port, log_level=log_level, proxy_headers=False, server_header=False
        )


def main() -> None:
    """Serve."""
    command: Any = dagster_webserver_cli
    if command.uvicorn is not uvicorn:
        raise ConfigurationError("this version of dagster-webserver is served in another way; `faultmap ui` is closed")
    command.uvicorn = _GuardedServer
    command.main()


if __name__ == "__main__":
    main()
