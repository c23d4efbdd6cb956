"""Show the report in a notebook, in a frame of its own with the map, the filters and every example.

The page goes into the notebook whole, so that it needs no server and survives being sent; the frame has no access to
the notebook around it, and the page's own policy lets it load nothing.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from faultmap_assets.kit.asset_metadata import REPORT_PAGE
from faultmap_assets.settings import load_settings
from faultmap_core.base.errors import ConfigurationError


@dataclass(frozen=True)
class ReportFrame:
    """A view of a report, drawn by a notebook.

    Attributes: page: the report's file; address: of the view in it, "#/slices?dataset=…"; height: in pixels.
    """

    page: Path
    address: str
    height: int

    def _repr_html_(self) -> str:
        """Return the frame with the page inside."""
        content = base64.b64encode(self.page.read_bytes()).decode("ascii")
        source = escape(f"data:text/html;base64,{content}{self.address}", quote=True)
        return (
            f'<iframe title="faultmap report" sandbox="allow-scripts allow-downloads" src="{source}"'
            f' style="width:100%;height:{self.height}px;border:1px solid rgba(128,128,128,.3)"></iframe>'
        )


def show_report(home: Path | None = None, view: str = "overview", *, height: int = 760, **chosen: str) -> ReportFrame:
    """Return a view of the report that `faultmap audit` wrote.

    Args:
        home: the state folder; None is what faultmap.yaml says, else `var`.
        view: "overview", "slices", "taxonomy", "comparison", "coverage" …, as in the page's address.
        height: in pixels, from 100 to 4,000.
        chosen: further parts of the address, such as dataset="…", model="…".
    Raises: ConfigurationError where there is no report yet, or a value is not allowed.
    """
    page = load_settings(home=home).report_folder / REPORT_PAGE
    if not page.is_file():
        raise ConfigurationError(f"no report at {page}; `faultmap audit FILE` writes it, `home` names another folder")
    if not 100 <= height <= 4000:
        raise ConfigurationError(f"height is {height}; expected 100 to 4,000 pixels")
    query = urlencode(chosen)
    return ReportFrame(page, f"#/{view}" + (f"?{query}" if query else ""), height)
