"""`faultmap report`: the page once more, of a part of the warehouse, or without the texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faultmap_assets.cli.common import (
    AsJson,
    DatasetFilter,
    Home,
    ModelFilter,
    app,
    filtered_warehouse,
    out,
    print_json,
    settings_of,
)


@app.command()
def report(
    dataset: DatasetFilter = None,
    model: ModelFilter = None,
    without_texts: Annotated[
        bool, typer.Option("--without-texts", help="Leave out prompts, answers, references and what quotes them.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="PATH.html", help="Where to write it. Default: the folder of reports.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write what is known as one page to send, with a JSON twin beside it; nothing is audited.

    Example: faultmap report --dataset gsm8k --without-texts --output for_the_vendor.html
    """
    from faultmap_assets.cli.render import tables as terminal
    from faultmap_assets.report import build_report, write_report
    from faultmap_core.base.errors import ConfigurationError

    if output is not None and output.suffix.lower() != ".html":
        raise ConfigurationError(f"--output is {output}; expected a name that ends in .html (the JSON goes beside it)")
    settings = settings_of(home)
    texts = settings.privacy.report_texts and not without_texts
    made = build_report(filtered_warehouse(settings, dataset, model), dataset, model, texts=texts, settings=settings)
    place = output or settings.report_folder / "report.html"
    html_path, json_path = write_report(made, place.parent, place.stem)
    if as_json:
        print_json({"html": str(html_path), "json": str(json_path), "texts": texts})
    else:
        out.print(terminal.literal(f"Wrote {html_path} and {json_path.name}."), soft_wrap=True)
