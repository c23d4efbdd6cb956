"""Pack the document into one page that opens from disk and may run nothing but its own script."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from faultmap_assets.report.examples import PLACES
from faultmap_assets.report.scope import Row

_FOLDER = Path(__file__).parent
_CHUNK_CHARACTERS = 400_000
_TEXT_COLUMNS = ("prompt", "full_prompt", "response", "reference", "error_summary", "details")
_REASONS_SHOWN = 20


@dataclass
class _Texts:
    """Distinct texts in the order of their first use, so that those of one example lie in one chunk."""

    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, text: str | None) -> int:
        """Return the text's number, -1 for none."""
        return -1 if text is None else self.numbers.setdefault(text, len(self.numbers))

    def chunks(self) -> Iterator[list[str]]:
        """Yield the texts, some hundred thousand characters at a time."""
        chunk: list[str] = []
        characters = 0
        for text in self.numbers:
            chunk.append(text)
            characters += len(text)
            if characters >= _CHUNK_CHARACTERS:
                yield chunk
                chunk, characters = [], 0
        if chunk:
            yield chunk


def render_page(content: Mapping[str, Any]) -> str:
    """Return the page of a document; the same document gives the same bytes."""
    environment = Environment(
        loader=PackageLoader("faultmap_assets", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: "–" if share is None else f"{share:.0%}"
    # Stylesheet, script and parts are ours or base64: none of them is text from outside.
    style, script = Markup(page_style()), Markup(page_script())
    return environment.get_template("page.html.j2").render(
        content=content,
        style=style,
        script=script,
        policy=Markup(content_policy(style, script)),
        parts={name: Markup(packed(part)) for name, part in page_parts(content).items()},
        reasons_shown=_REASONS_SHOWN,
    )


def page_style() -> str:
    """Return the page's stylesheet."""
    return (_FOLDER / "style.css").read_text(encoding="utf-8")


def page_script() -> str:
    """Return the page's script, which `make page` bundles from the sources in page/."""
    return (_FOLDER / "page.js").read_text(encoding="utf-8")


def content_policy(style: str, script: str, *, connect: str = "'none'") -> str:
    """Return the Content-Security-Policy: these two texts and nothing else; a served page may `connect` to 'self'."""
    return (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; connect-src {connect};"
        " base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    # A browser hashes what the parser saw: line ends as \n.
    digest = hashlib.sha256(text.replace("\r\n", "\n").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def page_parts(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page loads, part by part: `findings` at once, `rows` next, `texts-N` when they are looked at."""
    examples = content["examples"]
    texts = _Texts()
    rows = _columns(examples["rows"], texts)
    chunks = list(texts.chunks())
    starts = [0]
    for chunk in chunks:
        starts.append(starts[-1] + len(chunk))
    told = {name: value for name, value in content.items() if name != "examples"}
    told["examples"] = {name: value for name, value in examples.items() if name != "rows"}
    parts: dict[str, Any] = {"findings": told, "rows": {**rows, "text_starts": starts}}
    return parts | {f"texts-{number}": chunk for number, chunk in enumerate(chunks)}


def _columns(rows: Sequence[Row], texts: _Texts) -> Row:
    """Return the examples column by column; names become numbers, and long texts numbers of `texts`."""
    names: dict[str, dict[str, int]] = {
        name: {} for name in ("dataset", "model", "category_id", "error_title", "slice")
    }

    def number(kind: str, name: str | None) -> int:
        return -1 if not name else names[kind].setdefault(name, len(names[kind]))

    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            *names,
            "example_id",
            "failed",
            "score",
            "epochs",
            "outcome",
            "judged_by",
            "label",
            *PLACES,
            *_TEXT_COLUMNS,
        )
    }
    for row in rows:
        judgment = row["judgment"] or {}
        for kind in ("dataset", "model", "category_id"):
            columns[kind].append(number(kind, row[kind]))
        columns["error_title"].append(number("error_title", judgment.get("error_title")))
        columns["slice"].append([number("slice", slice_id) for slice_id in row["slices"]])
        columns["failed"].append(-1 if row["failed"] is None else int(row["failed"]))
        for name in ("example_id", "score", "epochs"):
            columns[name].append(row[name])
        columns["label"].append(row.get("label"))
        for name in PLACES:
            columns[name].append(None if row[name] is None else round(row[name], 3))
        for name in ("outcome", "judged_by"):
            columns[name].append(judgment.get(name))
        for name in ("prompt", "full_prompt", "response", "reference"):
            columns[name].append(texts.number(row[name]))
        columns["error_summary"].append(texts.number(judgment.get("error_summary") or None))
        columns["details"].append(texts.number(_details(row["metadata"], judgment)))
    return {"n": len(rows), "names": {kind: list(known) for kind, known in names.items()}, "columns": columns}


def _details(metadata: Row, judgment: Row) -> str | None:
    """Return as JSON what is read of an example only when somebody asks."""
    told = {"metadata": metadata, "criteria": judgment.get("criteria"), "reason": judgment.get("reason")}
    kept = {name: value for name, value in told.items() if value}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else None


def packed(part: Any) -> str:
    """Return a part as base64 of a zlib stream; what it holds can't end its element."""
    text = json.dumps(part, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 6)).decode("ascii")
