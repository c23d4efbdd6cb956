"""Keep people's labels of judgments in the warehouse, and export them as a file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faultmap_assets.warehouse.connection import Connection, Warehouse
from faultmap_core.base.atomic_write import replacing
from faultmap_core.base.errors import ConfigurationError, WarehouseError
from faultmap_core.error_analysis.judging.validation import HumanLabel, defused

MOST_NOTE_CHARACTERS = 4_000
EXPORT_COLUMNS = (
    "dataset",
    "model",
    "example_id",
    "is_error",
    "label",
    "judgment_right",
    "note",
    "judged_outcome",
    "judged_title",
    "judged_kind",
    "judged_by",
    "labelled_at",
)


@dataclass(frozen=True)
class Said:
    """What a person says of one judgment.

    Attributes:
        right: whether the judgment is right.
        is_error: where it is wrong, whether there is an error at all; a right judgment answers this itself.
        kind: where it is wrong, the category of the taxonomy that is right; "" leaves it open.
        note: why, in words.
    """

    right: bool
    is_error: bool | None = None
    kind: str = ""
    note: str = ""


def label_judgment(warehouse: Warehouse, key: tuple[str, str, str], said: Said, seen: tuple[str, str]) -> None:
    """Keep what a person says of the judgment of (dataset, model, example id), in the place of what was said before.

    Args: seen: outcome and title of the judgment that the person saw.
    Raises: ConfigurationError where there is no such judgment, it has changed since, or the label contradicts itself;
        WarehouseError as `Warehouse.write` does.
    """
    if len(said.note) > MOST_NOTE_CHARACTERS:
        raise ConfigurationError(
            f"the note has {len(said.note):,} characters; at most {MOST_NOTE_CHARACTERS:,} are kept"
        )
    parameters: dict[str, Any] = dict(zip(("dataset", "model", "example_id"), key, strict=True))
    with warehouse.write() as connection:
        judged = _judgment(connection, parameters)
        if judged is None:
            raise ConfigurationError(f"{' / '.join(key)} has no judgment, so there is nothing to label")
        if (judged["judged_outcome"], judged["judged_title"]) != seen:
            raise ConfigurationError(
                "this judgment was made anew since the page was loaded; reload the page and look again"
            )
        connection.execute(
            """INSERT OR REPLACE INTO judgment_labels (dataset, model, example_id, judgment_right, is_error, kind, note,
                judged_outcome, judged_title, judged_kind, judged_by, labelled_at)
            VALUES ($dataset, $model, $example_id, $judgment_right, $is_error, $kind, $note,
                $judged_outcome, $judged_title, $judged_kind, $judged_by, current_localtimestamp())""",
            {**parameters, **judged, **_truth(connection, said, judged), "note": said.note.strip()},
        )


def remove_label(warehouse: Warehouse, key: tuple[str, str, str]) -> None:
    """Take back what was said of (dataset, model, example id); nothing happens where nothing was said."""
    with warehouse.write() as connection:
        connection.execute(
            "DELETE FROM judgment_labels WHERE dataset = $dataset AND model = $model AND example_id = $example_id",
            dict(zip(("dataset", "model", "example_id"), key, strict=True)),
        )


def _judgment(connection: Connection, parameters: dict[str, Any]) -> dict[str, Any] | None:
    row = connection.execute(
        """SELECT j.outcome, j.error_title, coalesce(c.category_id, ''), j.judged_by
        FROM error_judgments j LEFT JOIN error_categories c USING (dataset, model, example_id)
        WHERE j.dataset = $dataset AND j.model = $model AND j.example_id = $example_id""",
        parameters,
    ).fetchone()
    names = ("judged_outcome", "judged_title", "judged_kind", "judged_by")
    return dict(zip(names, row, strict=True)) if row else None


def _truth(connection: Connection, said: Said, judged: dict[str, Any]) -> dict[str, Any]:
    """Return whether there is an error, and of which kind, by what the person says."""
    outcome = judged["judged_outcome"]
    if said.right:
        if outcome == "failed":
            raise ConfigurationError("the judge gave no judgment here, so it cannot be right; say what there is")
        return {"judgment_right": True, "is_error": outcome != "no_error_found", "kind": judged["judged_kind"]}
    is_error = outcome == "no_error_found" if said.is_error is None else said.is_error
    if not is_error and (said.kind or outcome == "no_error_found"):
        raise ConfigurationError("a wrong judgment of no error means that there is one; no error has no kind")
    if said.kind and not _is_category(connection, said.kind):
        raise ConfigurationError(f"no kind of error has the id {said.kind!r}; `faultmap taxonomy --json` lists them")
    return {"judgment_right": False, "is_error": is_error, "kind": said.kind}


def _is_category(connection: Connection, kind: str) -> bool:
    found = connection.execute("SELECT 1 FROM error_taxonomy WHERE category_id = $kind LIMIT 1", {"kind": kind})
    return found.fetchone() is not None


def stored_labels(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return the kept labels; `label` is the kind where the active taxonomy still has it, else ""."""
    rows: list[dict[str, Any]] = warehouse.query(
        """SELECT l.* EXCLUDE (kind), if(t.category_id IS NULL, '', l.kind) AS label
        FROM judgment_labels l LEFT JOIN (SELECT DISTINCT category_id FROM error_taxonomy) t ON t.category_id = l.kind
        ORDER BY dataset, model, example_id"""
    ).to_pylist()
    return rows


def human_labels(warehouse: Warehouse) -> list[HumanLabel]:
    """Return the kept labels as `validate_judge` takes them; `row` is the place among them."""
    return [
        HumanLabel(row["dataset"], row["model"], row["example_id"], row["label"], row["is_error"], number)
        for number, row in enumerate(stored_labels(warehouse), start=1)
    ]


def export_labels(warehouse: Warehouse, path: Path) -> int:
    """Write the kept labels as a CSV file that `read_labels` reads and no spreadsheet executes; return their number.

    Raises: ConfigurationError where there are none; WarehouseError where the file cannot be written, a former stands.
    """
    rows = stored_labels(warehouse)
    if not rows:
        raise ConfigurationError("there are no labels yet; `faultmap view` is where judgments are labelled")
    try:
        with replacing(path) as stream:
            writer = csv.writer(stream)
            writer.writerow(EXPORT_COLUMNS)
            writer.writerows([_cell(row[column]) for column in EXPORT_COLUMNS] for row in rows)
    except OSError as error:
        raise WarehouseError(f"{path}: cannot be written: {error.strerror}") from error
    return len(rows)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return defused(value) if isinstance(value, str) else f"{value:%Y-%m-%d %H:%M:%S}"
