"""The science: where, why and on what language models fail. Knows neither Dagster nor DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faultmap_core.compat.errormap.error_map import ErrorMap
    from faultmap_core.compat.faultmap.analyzer import SliceAnalyzer

__all__ = ["ErrorMap", "SliceAnalyzer"]


def __getattr__(name: str) -> Any:
    # Lazily, because the front doors import everything and a command's `--help` wants nothing of it.
    if name == "SliceAnalyzer":
        from faultmap_core.compat.faultmap.analyzer import SliceAnalyzer

        return SliceAnalyzer
    if name == "ErrorMap":
        from faultmap_core.compat.errormap.error_map import ErrorMap

        return ErrorMap
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
