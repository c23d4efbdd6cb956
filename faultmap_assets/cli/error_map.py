"""`error-map`: ErrorMap's command, with its options.

Exit codes: 0 done; 1 the language model stopped answering, or some errors could not be judged; 2 wrong use.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faultmap_assets.cli.common import err, out, print_errors, print_json
from faultmap_assets.cli.supervision import can_supervise, supervised
from faultmap_core.errors import FaultmapError

if TYPE_CHECKING:
    from faultmap_core.error_map import ErrorMapReport
    from faultmap_core.error_map_records import PreparedData

SEVERAL = ("--models", "--datasets")
_QUARANTINED_SHOWN = 5

app = typer.Typer(
    name="error-map",
    add_completion=False,
    # The plain help has room for the longest option's name.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class InferenceType(StrEnum):
    """Who judges."""

    mock = "litellm-mock"
    litellm = "litellm"


@app.command()
def error_map(
    models: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL ...", help="Whose errors are analysed, separated by spaces. Default: everybody's."),
    ] = None,
    ratio: Annotated[float, typer.Option(help="Share of the errors that is judged, 0 to 1.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 42,
    inference_type: Annotated[
        InferenceType, typer.Option(help="litellm asks a language model, litellm-mock judges by rules, offline.")
    ] = InferenceType.mock,
    exp_id: Annotated[str | None, typer.Option(help="Name in the output files. Default: the time.")] = None,
    max_workers: Annotated[int, typer.Option(help="Most calls at once.")] = 10,
    datasets: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME ...", help="Files in the data folder, without .csv. Default: all."),
    ] = None,
    data_path: Annotated[Path, typer.Option(help="Folder with a CSV per dataset.")] = Path("data"),
    output_dir: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("output"),
    judge: Annotated[
        str | None, typer.Option(help="The model that judges, e.g. openai/gpt-4o-mini: any litellm name.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="azure, rits, or the first part of a litellm name.", show_default=False)
    ] = None,
    no_contrast: Annotated[
        bool, typer.Option("--no-use-correct-predictions", help="Show the judge no correct answer of another model.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Judge the errors of models and sort them into a taxonomy.

    Example: error-map --data-path evals --models model_a model_b --ratio 0.2

    Each CSV has the columns example_id, model, input_text, output_text, score and, if there is one, correct_answer.
    """
    from faultmap_core.error_map import ErrorMap

    front_door = ErrorMap(
        inference_type=inference_type.value,
        exp_id=exp_id,
        output_dir=output_dir,
        data_path=data_path,
        datasets=datasets,
        judge=judge,
        provider=provider,
        seed=seed,
        models=models,
        ratio=ratio,
        max_workers=max_workers,
        use_correct_predictions=not no_contrast,
    )
    try:
        with err.status("analysing errors"), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            report = front_door.analyse()
    except KeyboardInterrupt:
        print_errors(
            [f"interrupted; replies that arrived are kept in {output_dir}, the same command goes on from there"]
        )
        raise typer.Exit(130) from None
    if as_json:
        print_json(report.to_dict())
    else:
        _tell(report)
    _end(report)


def _tell(report: ErrorMapReport) -> None:
    from faultmap_assets.terminal import literal
    from faultmap_core.taxonomy import tree_lines

    data = report.data
    lines = [f"warning: {line}" for line in report.warnings]
    lines += [str(rule) for rule in data.rules]
    parts = [f"{len(data.records):,} used"]
    parts += [f"{count:,} {what}" for what, count in _left_out(data).items() if count]
    lines.append(f"{data.rows_read:,} rows read: {', '.join(parts)}; {data.unscored:,} of those used have no score")
    lines += [f"  quarantined: {r.dataset}, line {r.line}: {r.reason}" for r in data.quarantined[:_QUARANTINED_SHOWN]]
    if len(data.quarantined) > _QUARANTINED_SHOWN:
        lines.append(f"  … {len(data.quarantined) - _QUARANTINED_SHOWN:,} more quarantined rows")
    lines.append(f"{len(data.errors):,} errors, {len(report.errors):,} of them sampled for the judge")
    lines += [f"  {outcome.replace('_', ' ')}: {count:,}" for outcome, count in report.outcomes().items() if count]
    lines += ["", *tree_lines(report.classification)]
    lines += [f"note: {note}" for note in report.classification.notes]
    lines += ["", *(f"{name}: {path}" for name, path in vars(report.files).items() if path)]
    for line in lines:
        out.print(literal(line), soft_wrap=True)


def _left_out(data: PreparedData) -> dict[str, int]:
    return {
        "of models that were not chosen": data.not_chosen,
        "exact copies of another row": data.repeated,
        "quarantined": len(data.quarantined),
    }


def _end(report: ErrorMapReport) -> None:
    failed = report.outcomes()["failed"]
    if report.stopped:
        print_errors([report.stopped])
    if failed:
        print_errors([f"{failed:,} errors could not be judged; run again with the same output folder to ask for them"])
    if report.stopped or failed:
        raise typer.Exit(1)


def one_value_each(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with `--models a b` written as `--models a --models b`, as click wants it."""
    written: list[str] = []
    option = ""
    for number, argument in enumerate(arguments):
        if argument.startswith("-"):
            option = argument if argument in SEVERAL else ""
        elif option and arguments[number - 1] != option:
            written.append(option)
        written.append(argument)
    return written


def main() -> None:
    """Run the command line in a child process, which ends within seconds of a signal; see `supervision`."""
    supervised(_run) if can_supervise() else _run()


def _run() -> None:
    """Run the command line; an error of ours is one line on standard error and exit code 2."""
    try:
        app(args=one_value_each(sys.argv[1:]))
    except FaultmapError as error:
        print_errors([str(error)])
        sys.exit(2)


if __name__ == "__main__":
    main()
