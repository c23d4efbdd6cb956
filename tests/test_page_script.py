"""The page's script as it is built: pinned packages, no registry named, the notices that its parts ask for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import faultmap_assets
from faultmap_assets.report.page import page_script

SOURCES = Path(faultmap_assets.__file__).parent.parent / "page"


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SOURCES / name).read_text(encoding="utf-8"))
    return found


def test_every_package_has_one_exact_version_and_none_names_where_it_came_from():
    wanted = read("package.json")
    named = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in named.values())
    locked = read("package-lock.json")["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in named} == named
    for name, package in locked.items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name
    assert "://" not in (SOURCES / "package-lock.json").read_text(encoding="utf-8")


def test_what_is_in_the_script_ships_with_its_licence():
    script = page_script()
    for name, version in read("package.json")["dependencies"].items():
        notice = script.split(f"/*!\n{name} {version}\n", 1)[1].split("*/", 1)[0]
        assert "Copyright (c)" in notice
        assert "WARRANTIES" in notice.upper()


def test_the_sources_set_no_markup_and_make_elements_in_one_module():
    paths = sorted((SOURCES / "src").rglob("*.ts"))
    assert len(paths) > 30
    for path in paths:
        source = path.read_text(encoding="utf-8")
        for risky in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert risky not in source, (path, risky)
        made = re.findall(r"createElement\w*\(", source)
        # What saves a file is never part of the page.
        assert not made or path.name in ("dom.ts", "export.ts"), path
