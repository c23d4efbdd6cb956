"""The notebooks: small, without outputs; they run here without IPython, and in a kernel by `make test-notebooks`."""

from __future__ import annotations

import ast
import base64
import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import faultmap_assets
from faultmap_assets.notebook import show_report
from faultmap_core.errors import ConfigurationError

FOLDER = Path(faultmap_assets.__file__).parent.parent / "examples" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
CHROMIUM = os.environ.get("FAULTMAP_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def cells_of(name: str) -> list[dict[str, Any]]:
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def execute(name: str) -> tuple[dict[str, Any], list[Any]]:
    """Run the code cells in order in one namespace, as a kernel does; return it and what the cells show."""
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    for cell in cells_of(name):
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]), cell["id"])
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell["id"], "exec"), names)
        if last is not None:
            shown.append(eval(compile(ast.Expression(last.value), cell["id"], "eval"), names))
    return names, shown


def test_both_are_there():
    assert NOTEBOOKS == ["interactive_map", "tutorial"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_is_committed_without_outputs(name: str):
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert len(text) < 50_000
    notebook = json.loads(text)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = notebook["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    for cell in cells:
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
    # Nothing of the machine that it was written on.
    for place in ("/home/", "/Users/", str(FOLDER.parents[1])):
        assert place not in text


def test_the_tutorial_runs_without_a_key_and_finds_what_it_tells(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.chdir(FOLDER)
    for variable in [name for name in os.environ if name.endswith("_API_KEY")]:
        monkeypatch.delenv(variable)
    before = {path: path.stat().st_mtime_ns for path in FOLDER.parent.rglob("*") if path.is_file()}
    names, shown = execute("tutorial")
    # What the README of the examples says: numbers go wrong; packing is never tested; three examples help.
    assert "number" in names["where"].slices[0].name
    assert names["unsure"].scoring_mode == "entropy"
    assert "teacher" in names["unsure"].slices[0].name
    assert any("pack" in gap.name or "trip" in gap.name for gap in names["coverage"].gaps)
    assert names["comparison"].global_winner == "b"
    assert sum(names["error_map"].outcomes().values()) > 400
    drawn = [one for one in shown if hasattr(one, "summary")]
    assert len(drawn) == 5
    assert all("<table>" in one._repr_html_() for one in drawn)
    assert "Cut off before the end" in capsys.readouterr().out
    after = {path: path.stat().st_mtime_ns for path in FOLDER.parent.rglob("*") if path.is_file()}
    assert {path for path in after if "__pycache__" not in path.parts} == {
        path for path in before if "__pycache__" not in path.parts
    }


@pytest.mark.slow
def test_the_map_runs_and_shows_the_report(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(FOLDER)
    names, shown = execute("interactive_map")
    frames = [one for one in shown if hasattr(one, "_repr_html_")]
    assert [one.address.partition("?")[0] for one in frames] == ["#/slices", "#/comparison"]
    listed = next(one for one in shown if isinstance(one, list))
    name = "17 categories, such as number-comparison, python-output, addition"
    assert ("smollm2-135m-zero-shot", name, 156) in listed
    assert not names["home"].exists()


def page_in(html: str) -> tuple[str, str]:
    """Return the page inside a frame and the address in it."""
    source = re.search(r' src="data:text/html;base64,([A-Za-z0-9+/=]+)([^"]*)"', html)
    assert source
    return base64.b64decode(source[1]).decode(), unescape(source[2])


def test_a_frame_holds_the_report_and_cannot_reach_the_notebook(audited):
    settings = audited[0].settings
    html = show_report(settings.home, "slices", dataset="a&b", model='"><script>alert(1)</script>')._repr_html_()
    page, address = page_in(html)
    assert page == (settings.report_folder / "audit_report.html").read_text(encoding="utf-8")
    assert address == "#/slices?dataset=a%26b&model=%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E"
    assert html.count("<") == 2
    # Without allow-same-origin the frame is a stranger to the page around it.
    assert re.search(r'sandbox="([^"]*)"', html)[1].split() == ["allow-scripts", "allow-downloads"]


def test_without_a_report_it_says_what_to_do(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"no report at .*audit_report.html; `faultmap audit FILE` writes it"):
        show_report(tmp_path)


@pytest.mark.parametrize("height", [0, 99, 4001])
def test_a_height_that_is_none_is_refused(audited, height: int):
    with pytest.raises(ConfigurationError, match=f"height is {height}; expected 100 to 4,000"):
        show_report(audited[0].settings.home, height=height)


def test_what_a_notebook_imports_from_the_core_needs_no_dagster():
    code = (
        "import sys; from faultmap_core import SliceAnalyzer;"
        " SliceAnalyzer(model=None).analyze(['a?'], ['b'], scores=[1])._repr_html_();"
        " print(sorted({'dagster', 'duckdb', 'IPython'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="wants Chromium: apt-get install chromium")
def test_the_map_in_a_frame_can_be_used(audited, tmp_path: Path):
    api = pytest.importorskip("playwright.sync_api", reason="wants the extra `ui`: pip install -e '.[ui]'")
    (tmp_path / "notebook.html").write_text(
        "<!doctype html><body>" + show_report(audited[0].settings.home, "slices")._repr_html_(), encoding="utf-8"
    )
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto((tmp_path / "notebook.html").as_uri())
        inside = page.frame_locator("iframe")
        inside.locator("main a.row-link").first.click()
        inside.locator("main h1").wait_for()
        assert page.frames[1].url.partition("#")[2].startswith("/slice?")
        assert troubles == []
        browser.close()


@pytest.mark.notebook
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_kernel_executes_it(name: str):
    nbclient = pytest.importorskip("nbclient", reason="wants the extra `notebooks`: pip install -e '.[notebooks]'")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(FOLDER)}}).execute()
    drawn = [out["data"] for cell in notebook.cells for out in cell.get("outputs", ()) if "data" in out]
    assert sum("text/html" in out for out in drawn) >= 2
