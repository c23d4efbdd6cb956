"""Check whether this installation can audit: per check, what was looked at, whether it passed, and what to do."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from faultmap_assets.settings import Settings
from faultmap_core.base.errors import FaultmapError

Verdict = Literal["ok", "warning", "error"]

_PACKAGES = ("faultmap-assets", "dagster", "duckdb", "litellm", "numpy", "scikit-learn", "hdbscan", "umap-learn")
_BAD_LITELLM = ("1.82.7", "1.82.8")
_LEAST_FREE_BYTES = 2 * 2**30
_PROBE = "Which city is the capital of France?"


@dataclass(frozen=True)
class Finding:
    """What one look found; advice: what to do, empty where all is well."""

    question: str
    verdict: Verdict
    answer: str
    advice: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at everything that an audit needs. Asks no language model and changes nothing but a file that it removes."""
    looks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _versions,
        _state_folder,
        _warehouse,
        _sources,
        _left_out,
        _embedder,
        _language_model,
        _dagster,
    )
    findings: list[Finding] = []
    for look in looks:
        try:
            findings += look(settings)
        except FaultmapError as error:
            findings.append(Finding(look.__name__.strip("_").replace("_", " "), "error", str(error)))
    return findings


def _versions(settings: Settings) -> Iterator[Finding]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    answer = f"Python {sys.version.split()[0]}, " + ", ".join(f"{name} {number}" for name, number in found.items())
    if found["litellm"] in _BAD_LITELLM:
        advice = "this release of litellm was malicious: uninstall it, change your keys, install another one"
        yield Finding("versions", "error", answer, advice)
    elif "missing" in found.values():
        yield Finding("versions", "error", answer, "pip install faultmap-assets, in the same environment")
    else:
        yield Finding("versions", "ok", answer)


def _state_folder(settings: Settings) -> Iterator[Finding]:
    home = settings.home.resolve()
    probe = home / f".doctor-{os.getpid()}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        yield Finding("state folder", "error", f"{home}: {error.strerror}", "choose another folder with --home")
        return
    free = shutil.disk_usage(home).free
    answer = f"{home} can be written; {free / 2**30:,.1f} GiB free"
    if free < _LEAST_FREE_BYTES:
        yield Finding("state folder", "warning", answer, "free some space: DuckDB spills to it")
    else:
        yield Finding("state folder", "ok", answer)


def _warehouse(settings: Settings) -> Iterator[Finding]:
    from faultmap_assets.warehouse.connection import open_warehouse

    path = settings.warehouse_path
    if not path.exists():
        yield Finding("warehouse", "ok", f"{path} is not there yet; the first audit makes it")
        return
    rows = open_warehouse(settings).query("SELECT count(*) AS rows FROM raw_evals").column("rows")[0].as_py()
    yield Finding("warehouse", "ok", f"{path}, {path.stat().st_size / 2**20:,.1f} MiB, {rows:,} eval rows")


def _sources(settings: Settings) -> Iterator[Finding]:
    from faultmap_assets.ingestion.staging import find_source_files

    for name, patterns, command in (
        ("evals.paths", settings.evals.paths, "audit FILE"),
        ("logs.paths", settings.logs.paths, "coverage LOGS"),
    ):
        if not patterns:
            yield Finding(name, "ok", f"none named; `faultmap {command}` reads what you name")
            continue
        try:
            files = find_source_files(list(patterns))
        except FaultmapError as error:
            yield Finding(name, "warning", str(error), "paths that are not absolute start at the current folder")
            continue
        relative = [pattern for pattern in patterns if not Path(pattern).expanduser().is_absolute()]
        answer = f"{len(files):,} files" + (f", looked for from {Path.cwd()}" if relative else "")
        yield Finding(name, "ok", answer)


def _left_out(settings: Settings) -> Iterator[Finding]:
    """What lies there, or was read, and counts for nothing all the same."""
    from faultmap_assets.ingestion.watched_files import bad_files
    from faultmap_assets.warehouse.connection import open_warehouse

    if not settings.warehouse_path.exists():
        return
    warehouse = open_warehouse(settings)
    bad = len(bad_files(warehouse))
    rows = warehouse.query("SELECT count(*) AS rows FROM quarantine").column("rows")[0].as_py()
    answer = f"{bad:,} watched files that cannot be read, {rows:,} quarantined rows"
    if bad or rows:
        yield Finding("left out", "warning", answer, "`faultmap status` tells each with its reason")
    else:
        yield Finding("left out", "ok", answer)


def _embedder(settings: Settings) -> Iterator[Finding]:
    from faultmap_core.embedding import get_embedder, is_local

    name = settings.embedding.model
    if name.lower().split("/")[0] != "wordllama" and not is_local(name):
        yield Finding("embedder", "ok", f"{name}, by its API; prompts are sent there and are not tried here")
        return
    embedder = get_embedder(name, max_text_chars=settings.embedding.max_text_chars)
    vectors = embedder.embed([_PROBE])
    yield Finding("embedder", "ok", f"{embedder.id}, {vectors.shape[1]} dimensions, on this machine")


def _language_model(settings: Settings) -> Iterator[Finding]:
    from faultmap_assets.kit.language_model import open_language_model
    from faultmap_core.llm import CallStore

    model = open_language_model(settings, CallStore())
    if model is None:
        yield Finding("language model", "ok", "none: names are keywords, errors are judged by rules")
        return
    missing = model.available()
    budget = settings.language_model.budget
    caps = [f"{value:g} {what}" for what, value in (("USD", budget.cost_usd), ("calls", budget.calls)) if value]
    answer = f"{settings.language_model.model}, " + (
        f"budget {' and '.join(caps)} a {budget.period}" if caps else "no budget"
    )
    if missing:
        yield Finding("language model", "error", answer, missing)
    elif not caps:
        yield Finding(
            "language model", "warning", answer, "set language_model.budget; `faultmap estimate` tells how much"
        )
    else:
        yield Finding("language model", "ok", f"{answer}, its key is there (it is not tried)")


def _dagster(settings: Settings) -> Iterator[Finding]:
    folder = settings.home.resolve() / "dagster"
    own = folder / "dagster.yaml"
    if own.exists() and not own.is_symlink():
        yield Finding("dagster.yaml", "warning", f"{own} is a file of your own", "compare it with the project's")
    else:
        yield Finding("dagster.yaml", "ok", f"the project's, in {folder}")
