"""The formats told by the names at a file's beginning: how each is recognised and read, which files belong to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions
from faultmap_core.readers import (
    agent_runs,
    alpaca_eval,
    azure_evaluation,
    batch_output,
    code_benchmarks,
    lighteval,
    mmlu_pro,
    mt_bench,
    opencompass,
    promptfoo_csv,
    swe_bench,
    wide_table,
)
from faultmap_core.readers.column_names import is_own_table
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.raw_rows import NumberedRow
from faultmap_core.readers.shapes import Shape, shape_of


def _no_companions(_path: Path) -> list[Path]:
    return []


@dataclass(frozen=True)
class ToolFormat:
    """One format.

    Attributes:
        fits: whether a file of this shape is of the format.
        rows: the reader.
        companions: the files beside it without which it is not understood, or that make it fuller.
        has_ids: whether its rows name their examples; where not, ids come from the prompts.
        like_own: whether its files name prompt, and model or outcome, as people do in tables of their own.
        superseded: whether a file in a folder is left to another file of the format, whose companion it is.
    """

    fits: Callable[[Shape], bool]
    rows: Callable[[Path, EvalOptions, LineAccount], Iterator[NumberedRow]]
    companions: Callable[[Path], list[Path]] = _no_companions
    has_ids: bool = True
    like_own: bool = False
    superseded: Callable[[Path], bool] = lambda _path: False


_FORMATS: Mapping[str, ToolFormat] = {
    "openai-batch": ToolFormat(batch_output.is_batch_output, batch_output.rows, batch_output.companions),
    "swe-bench": ToolFormat(swe_bench.fits, swe_bench.rows, swe_bench.companions, superseded=swe_bench.superseded),
    "azure": ToolFormat(azure_evaluation.is_azure_evaluation, azure_evaluation.rows, has_ids=False),
    "promptfoo-csv": ToolFormat(promptfoo_csv.is_promptfoo_csv, promptfoo_csv.rows),
    "mt-bench": ToolFormat(
        mt_bench.fits, mt_bench.rows, mt_bench.companions, like_own=True, superseded=mt_bench.superseded
    ),
    "humaneval": ToolFormat(code_benchmarks.fits, code_benchmarks.rows, code_benchmarks.companions),
    "lighteval": ToolFormat(lighteval.is_lighteval, lighteval.rows, lighteval.companions),
    "tau-bench": ToolFormat(agent_runs.is_tau, agent_runs.tau_rows),
    "swe-agent": ToolFormat(agent_runs.is_trajectory, agent_runs.trajectory_rows, agent_runs.companions),
    "opencompass": ToolFormat(opencompass.fits, opencompass.rows, opencompass.companions),
    "mmlu-pro": ToolFormat(mmlu_pro.is_mmlu_pro, mmlu_pro.rows),
    "alpaca-eval": ToolFormat(alpaca_eval.is_alpaca_eval, alpaca_eval.rows, alpaca_eval.companions, has_ids=False),
    "wide-table": ToolFormat(wide_table.is_wide_table, wide_table.rows, has_ids=False),
}

# Files that belong to others and have no rows of their own.
_ONLY_COMPANIONS: tuple[Callable[[Shape], bool], ...] = (
    batch_output.is_batch_input,
    swe_bench.is_problems,
    mt_bench.is_questions,
    code_benchmarks.is_problems,
    code_benchmarks.is_samples,
    alpaca_eval.is_leaderboard,
)
# What holds one of these is somebody's own table of results.
_OF_AN_OUTCOME = frozenset({"score", "passed", "correct", "is_correct", "model", "output", "output_text", "response"})
_NEVER_A_LOG_UNKNOWN = (".zip", ".traj")

NAMES = frozenset(_FORMATS)
"""The formats that are read here."""
WITHOUT_IDS = frozenset(name for name, tool in _FORMATS.items() if not tool.has_ids)
"""Those whose rows do not name their examples."""

MAPPED = frozenset({"azure", "wide-table"})
"""Those that look up mapped columns in the file's own rows."""


def format_of(path: Path) -> str | None:
    """Return the format of a file, None where it is none of those here. Raises OSError where it cannot be read."""
    shape = shape_of(path)
    is_own = is_own_table(shape.keys)
    return next((name for name, tool in _FORMATS.items() if (tool.like_own or not is_own) and tool.fits(shape)), None)


def rows(path: Path, options: EvalOptions, name: str, account: LineAccount) -> Iterator[NumberedRow]:
    """Read a file as one of `NAMES`."""
    return _FORMATS[name].rows(path, options, account)


def companions(path: Path) -> list[Path]:
    """Return the files that belong to a file of one of these formats, none for other files."""
    try:
        name = format_of(path)
        return _FORMATS[name].companions(path) if name else []
    except (OSError, EvalFileError):
        # It is reported when the file is read.
        return []


def counts_in_folders(path: Path) -> bool | None:
    """Say whether a file that lies in a folder is to be read; None where it is of no format here."""
    try:
        name = format_of(path)
        if name:
            return not _FORMATS[name].superseded(path)
        shape = shape_of(path)
        if not shape.keys & _OF_AN_OUTCOME and any(fits(shape) for fits in _ONLY_COMPANIONS):
            return False
    except OSError:
        # It shall be reported when it is read.
        return None
    return False if path.name.lower().endswith(_NEVER_A_LOG_UNKNOWN) else None
