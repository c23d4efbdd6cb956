"""The table of docs/formats.md is made by its script, for every format and from files that can be read."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from faultmap_core.data.eval_table import FORMATS

SCRIPT = Path(__file__).parents[3] / "docs" / "formats_table.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("formats_table", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_every_format_has_a_line_and_every_made_file_is_read(script):
    assert {tool.format for tool in script.TOOLS} == set(FORMATS)
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in script.table(None).splitlines()[2:]]
    assert [line[0] for line in cells] == [tool.name for tool in script.TOOLS]
    assert {line[2] for line in cells} == {"made"}
    assert all(int(line[3]) > 0 and line[4] == "0" for line in cells)
    by_name = {line[0]: line[5:] for line in cells}
    # Two of five instances are resolved; the made report's five counts are those of its lists.
    assert by_name["SWE-bench"][0] == "2 / 3"
    assert by_name["SWE-bench"][1].startswith("5 of 5 agree: resolved_instances")


def test_the_page_holds_a_line_for_every_tool(script):
    page = script.PAGE.read_text(encoding="utf-8")
    made = page.partition(script.BEGIN)[2].partition(script.END)[0]
    assert [line.split("|")[1].strip() for line in made.splitlines() if line.startswith("| ")][1:] == [
        tool.name for tool in script.TOOLS for _ in range(made.count(f"\n| {tool.name} |"))
    ]
    assert all(f"| {tool.name} |" in made for tool in script.TOOLS)
    assert "not read" not in made
