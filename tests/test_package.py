"""What is shipped: definitions that load quickly and cleanly, and a wheel that works outside of the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import faultmap_assets
from faultmap_assets.definitions import defs
from tests.conftest import eval_rows, write_csv

ROOT = Path(faultmap_assets.__file__).parent.parent


def test_definitions_hold_every_asset_job_and_sensor():
    assert {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()} == {
        "raw_evals",
        "scores",
        "prompt_embeddings",
        "prompt_clusters",
        "failure_slices",
        "model_comparisons",
        "error_judgments",
        "dataset_quality",
        "error_taxonomy",
        "error_signatures",
        "production_logs",
        "coverage_gaps",
        "production_slices",
        "topic_drift",
        "finding_history",
        "audit_report",
    }
    assert defs.resolve_sensor_def("staleness_sensor").targets


def test_definitions_load_without_a_warning_and_without_heavy_libraries():
    code = (
        "import sys; import faultmap_assets.definitions; heavy = {'litellm', 'umap', 'numba', 'matplotlib', 'hdbscan',"
        " 'sentence_transformers', 'wordllama'}; print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_the_core_knows_neither_dagster_nor_duckdb():
    code = "import sys, pkgutil, importlib, faultmap_core\n" + (
        "for module in pkgutil.walk_packages(faultmap_core.__path__, 'faultmap_core.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(sorted({'dagster', 'duckdb', 'faultmap_assets'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_wheel_audits_a_file_in_an_empty_environment_outside_of_the_repository(tmp_path: Path):
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    # The page's script ships; what it is built of does not, and nobody needs node.
    assert "faultmap_assets/report/page.js" in names
    assert not [name for name in names if name.endswith((".ts", ".mjs", "package.json"))]
    environment = tmp_path / "an environment"
    venv.create(environment, with_pip=True)
    # The libraries come from this environment, offline; the project from the wheel alone.
    site = next((environment / "lib").glob("python*/site-packages"))
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = environment / "bin" / "python"
    install = [python, "-m", "pip", "install", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)
    work = tmp_path / "work"
    write_csv(work / "school.csv", eval_rows("school", ["alpha"]))
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("FAULTMAP", "PYTHON", "DAGSTER"))
    }
    for arguments in (["init"], ["audit", "school.csv"], ["status"]):
        done = subprocess.run(
            [environment / "bin" / "faultmap", *arguments],
            cwd=work,
            env=clean,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    where = subprocess.run(
        [python, "-c", "import faultmap_assets; print(faultmap_assets.__file__)"], cwd=work, env=clean,
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert str(environment) in where
    assert (work / "faultmap.yaml").exists()
    page = (work / "var" / "reports" / "audit_report.html").read_text()
    assert "alpha" in page
    assert "</html>" in page
    assert "12 of 12 results are up to date" in done.stdout
