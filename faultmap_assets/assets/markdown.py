"""How does text from outside become a cell of a Markdown table, and no markup?"""


def cell(text: str) -> str:
    """Escape what Markdown and HTML would understand, and fold white space."""
    escaped = "".join("\\" + character if character in "\\`*_{}[]<>()#+!|&~" else character for character in text)
    return " ".join(escaped.split())
