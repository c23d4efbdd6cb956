"""A filter that names nothing is an error that lists what there is, in every command."""

from __future__ import annotations

import sys

import pytest

from faultmap_assets import cli

DATASETS = ["slices", "compare", "errors", "quality", "history", "gate", "report", "view", "audit", "export"]
MODELS = ["slices", "errors", "history", "gate", "report", "view", "audit", "export"]
NEEDED = {"export": ["rows.csv"], "gate": ["--baseline", "1"]}


def run(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["faultmap", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def options_of(command: str) -> set[str]:
    import typer

    return {
        option for parameter in typer.main.get_command(cli.app).commands[command].params for option in parameter.opts
    }


def test_the_lists_above_hold_every_command_that_filters():
    import typer

    commands = typer.main.get_command(cli.app).commands
    assert {name for name in commands if "--dataset" in options_of(name)} - {"forget"} == set(DATASETS)
    assert {name for name in commands if "--model" in options_of(name)} == set(MODELS)


@pytest.mark.parametrize(
    ("command", "option", "wrong", "known"),
    [(name, "--dataset", "scool", "kitchen, school") for name in DATASETS]
    + [(name, "--model", "alfa", "alpha, beta") for name in MODELS],
)
def test_a_name_that_is_not_there(monkeypatch, capsys, audited, command, option, wrong, known):
    home = str(audited[0].settings.home)
    arguments = [command, *NEEDED.get(command, []), option, wrong, "--home", home]
    code, told, trouble = run(monkeypatch, capsys, *arguments)
    assert (code, told) == (2, "")
    assert wrong in trouble
    assert all(name in trouble for name in known.split(", "))


@pytest.mark.parametrize(
    ("arguments", "wrong", "known"),
    [
        (["history", "--kind", "slize"], "slize", "slice"),
        (["errors", "--category", "nosuch"], "nosuch", "unclassified"),
        (["show", "zzzz"], "zzzz", "faultmap slices"),
        (["gate", "--baseline", "gpt-nosuch"], "gpt-nosuch", "alpha"),
        (["export", "rows.csv", "--table", "nosuch"], "nosuch", "failure_slices"),
        (["acknowledge", "zzzz"], "zzzz", "faultmap"),
    ],
)
def test_other_names_that_are_not_there(monkeypatch, capsys, audited, arguments, wrong, known):
    code, told, trouble = run(monkeypatch, capsys, *arguments, "--home", str(audited[0].settings.home))
    assert (code, told) == (2, "")
    assert wrong in trouble
    assert known in trouble
