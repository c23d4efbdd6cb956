"""`dagster dev` with the guarded web server in the place of its own; takes the options of `dagster dev`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dagster._cli import dev as dagster_dev

_OWN, _GUARDED = "dagster_webserver", "faultmap_assets.ui.webserver"

dev: Any = dagster_dev
_open_process = dev.open_ipc_subprocess
_guarded: list[str] = []


def _open_guarded(parts: Sequence[str], **options: Any) -> Any:
    if _OWN in parts:
        _guarded.append(_GUARDED)
    elif not _guarded:
        raise RuntimeError("this version of dagster starts its web server in another way; `faultmap ui` is closed")
    return _open_process([_GUARDED if part == _OWN else part for part in parts], **options)


dev.open_ipc_subprocess = _open_guarded
if __name__ == "__main__":
    dev.dev_command()
