"""Remove quoted texts from a report; names of findings, counts and ids stay."""

from __future__ import annotations

from typing import Any

from faultmap_assets.report.scope import Row

# Everything that holds or may quote a prompt, an answer or a reference: of what a language model or a rule wrote about
# one, too. What is no list becomes "" or None, so that the document keeps its form.
_QUOTING = frozenset(
    {
        "prompt",
        "full_prompt",
        "response",
        "response_a",
        "response_b",
        "reference",
        "metadata",
        "description",
        "root_cause",
        "suggested_remediation",
        "naming_note",
        "evidence",
        "error_title",
        "error_summary",
        "judged_title",
        "why",
        "reason",
        "criteria",
        "representative_prompts",
        "nearest_tests",
        "prompts_asked",
        "sentence",
    }
)
_QUOTING_EXAMPLES = "categories"


def without_texts(content: Row) -> Row:
    """Return the document with every text of an example, and everything that quotes one, taken out."""
    cleaned: Row = _cleaned(content)
    if cleaned.get("taxonomy"):
        for category in cleaned["taxonomy"][_QUOTING_EXAMPLES]:
            category["examples"] = []
    return cleaned


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _emptied(part) if name in _QUOTING else _cleaned(part) for name, part in value.items()}
    return [_cleaned(part) for part in value] if isinstance(value, list) else value


def _emptied(value: Any) -> Any:
    if value is None:
        return None
    return type(value)() if isinstance(value, dict | list) else ""
