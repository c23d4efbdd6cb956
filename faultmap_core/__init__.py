"""The science: where, why and on what language models fail. Knows neither Dagster nor DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faultmap_core.analyzer import SliceAnalyzer

__all__ = ["SliceAnalyzer"]


def __getattr__(name: str) -> Any:
    # Lazily, because the front door imports everything and a command's `--help` wants nothing of it.
    if name == "SliceAnalyzer":
        from faultmap_core.analyzer import SliceAnalyzer

        return SliceAnalyzer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
