"""Where, why and on what language models fail: the science, without Dagster and DuckDB.

Functions that the assets call, on arrays and records:
    find_failure_slices: regions of prompts in which one model fails more than elsewhere.
    compare_models: paired comparison of several models, overall and by region.
    audit_coverage: regions of production that the tests do not ask about.
    find_drift: topics of production that appear, grow, shrink or disappear.
    judge_failures: what went wrong in each failed answer, by rules or by a language model.
    build_taxonomy: the kinds of errors, with one place for every error.

APIs of the systems that this one replaces:
    SliceAnalyzer: that of faultmap 0.5.0.
    ErrorMap, run: those of IBM's ErrorMap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faultmap_core.compat.errormap.error_map import ErrorMap, run
    from faultmap_core.compat.faultmap.analyzer import SliceAnalyzer
    from faultmap_core.discovery.comparison.comparison import compare_models
    from faultmap_core.discovery.coverage.audit import audit_coverage
    from faultmap_core.discovery.drift.drift import find_drift
    from faultmap_core.discovery.slices.discovery import find_failure_slices
    from faultmap_core.error_analysis.judging.pipeline import judge_failures
    from faultmap_core.error_analysis.taxonomy.taxonomy import build_taxonomy

__all__ = [
    "ErrorMap",
    "SliceAnalyzer",
    "audit_coverage",
    "build_taxonomy",
    "compare_models",
    "find_drift",
    "find_failure_slices",
    "judge_failures",
    "run",
]

_MODULES = {
    "ErrorMap": "compat.errormap.error_map",
    "SliceAnalyzer": "compat.faultmap.analyzer",
    "audit_coverage": "discovery.coverage.audit",
    "build_taxonomy": "error_analysis.taxonomy.taxonomy",
    "compare_models": "discovery.comparison.comparison",
    "find_drift": "discovery.drift.drift",
    "find_failure_slices": "discovery.slices.discovery",
    "judge_failures": "error_analysis.judging.pipeline",
    "run": "compat.errormap.error_map",
}


def __getattr__(name: str) -> Any:
    # Lazily, because some of these import everything and a command's `--help` wants nothing of it.
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
