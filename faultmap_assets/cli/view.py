"""`faultmap view`: the report's page over a local server; where judgments are labelled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faultmap_assets.cli.common import DatasetFilter, Home, ModelFilter, app, filtered_warehouse, out, settings_of, stop

if TYPE_CHECKING:
    from faultmap_assets.view import ErrorMapView, WarehouseView


@app.command()
def view(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A taxonomy that ErrorMap or `error-map` wrote (JSON). Default: the warehouse.", show_default=False
        ),
    ] = None,
    port: Annotated[int, typer.Option("--port", help="Port on 127.0.0.1; 0 is any free one.", min=0, max=65535)] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    dataset: DatasetFilter = None,
    model: ModelFilter = None,
    home: Home = None,
) -> None:
    """Open the report's page over a local server: every row, and labels for the judgments. Ctrl-C ends it.

    Example: faultmap view --dataset gsm8k
    """
    if file and (dataset or model or home):
        stop(["--dataset, --model and --home choose from the warehouse; leave them out with a file"])
    # A port that is taken is told before anything is read.
    from faultmap_assets.view import ViewServer, free_socket

    listening = free_socket(port)
    try:
        server = ViewServer(_shown(file, dataset, model, home), listening)
    except BaseException:
        listening.close()
        raise
    out.print(f"{server.url}  (Ctrl-C ends it)", highlight=False, soft_wrap=True)
    if not no_browser:
        _open_browser(server.url)
    try:
        server.run()
    except KeyboardInterrupt:
        out.print("ended")


def _shown(
    file: Path | None, dataset: list[str] | None, model: list[str] | None, home: Path | None
) -> ErrorMapView | WarehouseView:
    from faultmap_assets.view import ErrorMapView, WarehouseView

    if file:
        return ErrorMapView(file)
    settings = settings_of(home)
    filtered_warehouse(settings, dataset, model)
    return WarehouseView(settings, dataset, model)


def _open_browser(url: str) -> None:
    """Open the page; a browser that would take the terminal is left alone."""
    import webbrowser

    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) is not webbrowser.GenericBrowser:
        browser.open(url)
