"""Runs tests in forks of one process that has loaded the libraries they need: most of a short run is their import.

Usage: python -m tests.mutation.warm [MODULE ...]; each line of the standard input is an order in JSON. It is answered
by the number of the process that runs the tests, and by its exit code once it has ended.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).parents[2]
_OURS = ("faultmap_core", "faultmap_assets", "tests")
_FROM_ELSEWHERE = 70


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in _OURS


def _run(order: dict[str, Any]) -> NoReturn:
    """Run an order's tests in its project, whose own modules are loaded anew, and leave with pytest's exit code."""
    for descriptor, path, flags in ((0, os.devnull, os.O_RDONLY), (1, order["output"], os.O_WRONLY)):
        os.dup2(os.open(path, flags), descriptor)
    os.dup2(1, 2)
    project = order["project"]
    os.chdir(project)
    os.environ["PYTHONPATH"] = project
    sys.path[:] = [project, *(one for one in sys.path if Path(one).resolve() != ROOT)]
    code = int(pytest.main(["-x", "-q", "--tb=no", "-p", "no:cacheprovider", *order["tests"]]))
    loaded = [
        str(getattr(module, "__file__", None) or project) for name, module in sys.modules.items() if _is_ours(name)
    ]
    if strangers := [path for path in loaded if not path.startswith(project)]:
        print(f"loaded from outside of the copy: {', '.join(strangers)}")
        code = _FROM_ELSEWHERE
    sys.stdout.flush()
    os._exit(code)


def main() -> None:
    """Load the modules named, forget those of the project among them, and take orders."""
    for name in sys.argv[1:]:
        importlib.import_module(name)
    for name in [name for name in sys.modules if _is_ours(name)]:
        del sys.modules[name]
    for line in sys.stdin:
        process = os.fork()
        if not process:
            _run(json.loads(line))
        os.setpgid(process, process)  # what the tests start can be stopped with them
        print(process, flush=True)
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
