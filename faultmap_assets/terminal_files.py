"""Says in a few lines what a file holds and how it is understood."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from faultmap_core.column_names import plain_name
from faultmap_core.evals import EvalOptions
from faultmap_core.file_facts import FileFacts, OutcomeFacts
from faultmap_core.file_inspection import FORMAT_NAMES, FileInspection
from faultmap_core.logs import LOG_ALIASES, LogOptions
from faultmap_core.metrics import UserRule
from faultmap_core.outcome_rules import outcome_rule

if TYPE_CHECKING:
    from faultmap_assets.ingestion import IngestedFile

_MAX_FILES = 10
_MAX_TEXT = 160
_MAX_NAMES = 4
_MAX_REASONS = 3
_MAX_CELLS = 8
_FIELD_WORDS = {
    "input_text": "prompt",
    "output_text": "answer",
    "correct_answer": "reference",
    "example_id": "id",
    "model": "model",
    "score": "score",
    "passed": "verdict",
    "timestamp": "time",
    "session_id": "session",
    "user_id": "user",
}


def file_lines(files: Sequence[IngestedFile], rule_of: Callable[[str], UserRule]) -> Iterator[str]:
    """Yield the one line that an audit prints for each file, of many files for the first ten."""
    known = [file for file in files if file.facts]
    for file in known[:_MAX_FILES]:
        assert file.facts
        yield file_line(file.path, FORMAT_NAMES.get(file.format, file.format), file.facts, rule_of)
    if len(known) > _MAX_FILES:
        yield f"… and {len(known) - _MAX_FILES:,} more files: `faultmap inspect FILE` says the same of each"


def file_line(path: Path, format_name: str, facts: FileFacts, rule_of: Callable[[str], UserRule]) -> str:
    """Return what a file is and by what its rows pass, in one line."""
    rule = rule_of(next(iter(facts.datasets), ""))
    parts = [f"{_count(facts.rows, 'row')}, {format_name}", *(outcome_text(one, rule) for one in _scored(facts))]
    if facts.set_aside:
        parts.append(f"{facts.set_aside:,} set aside")
    return f"{path.name}: {'; '.join(parts)}"


def outcome_text(outcome: OutcomeFacts, user: UserRule) -> str:
    """Return by what rows pass or fail, in words: `outcome = faithfulness ≥ 0.5 (from 0 to 1), 3 without`.

    Args: user: what the settings say of the file's dataset, which goes before what the tool says.
    """
    metric = outcome.metric
    name = metric.name if metric else "score"
    rule = outcome_rule([metric], user)
    judged = outcome.passed + outcome.failed
    if judged and user.threshold is None:
        text = f"outcome = the tool's verdict ({name}): {outcome.passed:,} passed, {outcome.failed:,} failed"
    elif outcome.low is None or outcome.high is None:
        return "no outcome: no row has a score or a verdict"
    else:
        sign = "≥" if rule.metric.higher_is_better else "≤"
        text = f"outcome = {name} {sign} {rule.threshold:g} (scores from {outcome.low:g} to {outcome.high:g})"
    return text + (f", {outcome.unscored:,} without" if outcome.unscored else "")


def inspection_lines(found: FileInspection, options: EvalOptions, rule_of: Callable[[str], UserRule]) -> Iterator[str]:
    """Yield what was seen, about ten lines: format, columns, outcome, names, the first row."""
    facts = found.facts
    rule = rule_of(next(iter(facts.datasets), ""))
    rows = facts.rows + (facts.set_aside if found.refusal else 0)
    counted = f"{_count(rows, 'row')}; " if rows or not found.refusal else ""
    yield f"{found.path}: {counted}looks like {found.format_name} (--format {found.format})"
    taken = [f"{_FIELD_WORDS[name]} from {column}" for name, column in found.columns.items()]
    if taken:
        yield f"columns   {', '.join(taken)}"
        if found.other_columns:
            yield f"metadata  {_listed(found.other_columns)}"
    elif found.other_columns:
        yield f"columns   {_listed(found.other_columns)}"
    if found.refusal:
        yield from _refused(found)
        return
    is_log = isinstance(options, LogOptions)
    # What says how a request went, the feedback rules decide.
    for outcome in () if is_log else _scored(facts):
        commas = ", written with decimal commas" if found.decimal_commas else ""
        yield f"outcome   {outcome_text(outcome, rule).removeprefix('outcome = ')}{commas}"
    yield f"dataset   {_counted(facts.datasets)}"
    if not found.model_missing:
        yield f"model     {_counted(facts.models)}"
    references = _count(facts.references, "reference")
    yield f"answers   {facts.rows - facts.empty_outputs:,}, {facts.empty_outputs:,} empty; {references}"
    yield from _first_row(found.first_row)
    for warning in warnings_of(found, options):
        yield f"! {warning}"


def _refused(found: FileInspection) -> Iterator[str]:
    """Yield the first row, as far as it was understood, and why an audit stores nothing of the file."""
    known = list(_first_row(found.first_row))
    yield from known
    cells = [] if known else [(column, cell) for column, cell in found.raw_row.items() if cell not in (None, "")]
    for number, (column, cell) in enumerate(cells[:_MAX_CELLS]):
        yield f"{'' if number else 'row 1':<9} {column}: {_shortened(str(cell))}"
    if len(cells) > _MAX_CELLS:
        yield f"{'':<9} … {len(cells) - _MAX_CELLS} more columns"
    for warning in _needed(found):
        yield f"! {warning}"
    yield f"! an audit stores nothing of it: {found.refusal}"


def _needed(found: FileInspection) -> Iterator[str]:
    if found.model_missing:
        yield "no row names its model: give --model-name NAME"
    if found.ids_missing:
        yield "no row has an id: give --generate-ids, or --map example_id=COLUMN"


def warnings_of(found: FileInspection, options: EvalOptions) -> Iterator[str]:
    """Yield what looks wrong, each with what to do about it."""
    facts = found.facts
    if found.refusal:
        yield from _needed(found)
        return
    if facts.set_aside:
        reasons = list(facts.reasons.items())[:_MAX_REASONS]
        told = "; ".join(f"{count:,}: {reason}" for reason, count in reasons)
        told += f"; … {len(facts.reasons) - _MAX_REASONS} more reasons" if len(facts.reasons) > _MAX_REASONS else ""
        yield f"{_count(facts.set_aside, 'row')} of {facts.rows + facts.set_aside:,} cannot be used ({told})"
    if not isinstance(options, LogOptions) and found.format == "table" and _is_like_log(found):
        yield "it has times and no scores: of a production log, `faultmap inspect --log` and `faultmap coverage`"
    yield from _needed(found)
    is_log = isinstance(options, LogOptions)
    if not is_log:
        yield from _outcome_warnings(facts)
    if facts.rows and facts.empty_outputs == facts.rows:
        yield "every answer is empty: name their column, --map output=COLUMN"
    elif facts.empty_outputs > 0.5 * facts.rows:
        yield f"{facts.empty_outputs:,} of {facts.rows:,} answers are empty: is the column of answers the right one?"


def _is_like_log(found: FileInspection) -> bool:
    """Say whether a table has a column of times and nothing that says how the answers went."""
    names = {plain_name(name) for name in found.other_columns}
    unscored = all(one.unscored == one.rows for one in found.facts.outcomes)
    return unscored and bool(names & {plain_name(name) for name in LOG_ALIASES["timestamp"]})


def _scored(facts: FileFacts) -> list[OutcomeFacts]:
    """Return the metrics that scored a row, the first with all rows that none scored; all of them where none did."""
    scored = [one for one in facts.outcomes if one.unscored < one.rows]
    if not scored:
        return list(facts.outcomes)
    without = sum(one.unscored for one in facts.outcomes if one.unscored == one.rows)
    return [replace(scored[0], unscored=scored[0].unscored + without), *scored[1:]]


def _outcome_warnings(facts: FileFacts) -> Iterator[str]:
    if len(_scored(facts)) > 1:
        yield "the rows are scored by unlike metrics: choose one, --scorer NAME"
    if facts.rows and not any(outcome.unscored < outcome.rows for outcome in facts.outcomes):
        yield "nothing says which answers are right: name the column of scores, --map score=COLUMN"
    for outcome in _scored(facts):
        judged = outcome.passed + outcome.failed
        if outcome.rows > 1 and not judged and outcome.low == outcome.high and not outcome.unscored:
            yield f"every score is {outcome.low:g}: is it the right column? --scorer or --map score=COLUMN chooses"


def _first_row(row: Mapping[str, object]) -> Iterator[str]:
    for name in ("input_text", "output_text", "correct_answer"):
        if row.get(name):
            shown = row.get("question_text") if name == "input_text" and row.get("question_text") else row[name]
            yield f"{'row 1' if name == 'input_text' else '':<9} {_FIELD_WORDS[name]}: {_shortened(str(shown))}"


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TEXT else f"{line[: _MAX_TEXT - 1]}…"


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(names[:12]) + more


def _counted(counts: Mapping[str, int]) -> str:
    names = [f"{name} ({count:,})" for name, count in counts.items()]
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
