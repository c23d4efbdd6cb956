"""Write docs/assets.md, the catalogue of assets, from their declarations: `python docs/asset_catalogue.py --write`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from faultmap_assets.definitions import ASSETS  # noqa: E402
from faultmap_assets.graph.declarations import ASSET_GRAPH, AssetNode, Table  # noqa: E402
from faultmap_assets.graph.scopes import Scope  # noqa: E402

PAGE = ROOT / "docs" / "assets.md"
_PARTITIONS = {
    Scope.DATASET_MODEL: "dataset × model",
    Scope.DATASET: "dataset",
    Scope.DAY: "day",
    Scope.NONE: "not partitioned",
}
_HEAD = """# The assets

<!-- Made by docs/asset_catalogue.py from the declarations under faultmap_assets/defs; a test compares the two. -->

Every asset is declared in a YAML file beside its module. Its result is stale where what it was made from differs from
the present: the version of its code, the settings named here, or the assets above it. All tables are in the warehouse,
one DuckDB file that any SQL client reads while no audit runs.
"""


def page() -> str:
    """Return the catalogue as Markdown."""
    summary = {asset.key.to_user_string(): _first_paragraph(asset.descriptions_by_key[asset.key]) for asset in ASSETS}
    lines = [_HEAD, "| asset | partitioned by | reads |", "|---|---|---|"]
    lines += [
        f"| [`{node.name}`](#{node.name}) | {_PARTITIONS[node.scope]} |"
        f" {', '.join(f'`{one}`' for one in node.upstream) or 'files'} |"
        for node in ASSET_GRAPH
    ]
    for node in ASSET_GRAPH:
        lines += ["", f"## {node.name}", "", *_asset(node, summary[node.name])]
    return "\n".join(lines) + "\n"


def _asset(node: AssetNode, summary: str) -> Iterator[str]:
    yield summary
    yield ""
    yield f"Settings that its result depends on: {_settings(node.settings)}."
    if node.checks:
        yield ""
        yield "| check | holds where it passes | blocks |"
        yield "|---|---|---|"
        for name, check in node.checks.items():
            yield f"| `{name}` | {_cell(check.meaning)} | {'yes' if check.blocking else 'no'} |"
    for table in node.tables.values():
        yield ""
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f"Table `{table.name}`: one row is {table.row}."
    yield ""
    yield "| column | type | meaning | made of |"
    yield "|---|---|---|---|"
    for name, column in table.columns.items():
        yield f"| `{name}` | {column.type} | {_cell(column.meaning)} | {', '.join(column.sources)} |"


def _settings(part: Any) -> str:
    if part is None:
        return "none"
    if isinstance(part, list):
        return ", ".join(_settings(one) for one in part)
    if isinstance(part, str):
        return f"`{part}`"
    [(name, chosen)] = part.items()
    if name == "recipe":
        return f"those of {chosen}"
    if isinstance(chosen, dict):
        return f"`{name}` without " + ", ".join(f"`{one}`" for one in chosen["without"])
    return ", ".join(f"`{name}.{one}`" for one in chosen)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _first_paragraph(text: str | None) -> str:
    return (text or "").split("\n\n")[0]


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
