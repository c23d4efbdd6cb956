"""The catalogue in docs/assets.md is what the declarations say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from faultmap_assets.graph.declarations import ASSET_GRAPH

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location("asset_catalogue", DOCS / "asset_catalogue.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (DOCS / "assets.md").read_text(encoding="utf-8")
    assert written == module.page(), "run `python docs/asset_catalogue.py --write`"
    for node in ASSET_GRAPH:
        assert f"\n## {node.name}\n" in written
        for table in node.tables.values():
            assert all(f"| `{column}` |" in written for column in table.columns)
