"""What the command line says of itself: examples, exit codes, completion."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import faultmap_assets
from faultmap_assets.cli import app
from faultmap_assets.cli.common import EXIT_CODES

ROOT = Path(faultmap_assets.__file__).parent.parent
COMMANDS = typer.main.get_command(app).commands
FAULTMAP = Path(sys.executable).parent / "faultmap"

installed = pytest.mark.skipif(not FAULTMAP.exists(), reason="wants the installed command: pip install -e .")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_shows_an_example_that_it_understands(name: str):
    text = COMMANDS[name].help or ""
    examples = re.findall(r"Example: (.+)", text)
    assert examples, f"faultmap {name} --help shows no example"
    options = {option for one in COMMANDS[name].params for option in [*one.opts, *one.secondary_opts]}
    for example in examples:
        words = example.split()
        assert words[:2] == ["faultmap", name]
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options, example


def test_every_command_and_option_is_described():
    for name, command in COMMANDS.items():
        for one in command.params:
            assert getattr(one, "help", None), f"faultmap {name}: {one.name} has no description"


def test_the_exit_codes_of_the_readme_are_those_of_the_command_line():
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {int(code): meaning.replace("`", "") for code, meaning in rows} == {
        code: meaning.replace("`", "") for code, meaning in EXIT_CODES.items()
    }


def test_no_command_ends_with_another_code():
    used = set()
    for path in sorted((ROOT / "faultmap_assets" / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Exit", "sys.exit"):
                used |= {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
    assert used <= {None, *EXIT_CODES}
    assert used >= {1, 2, 130}


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(FAULTMAP), *arguments],
        env={**os.environ, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@installed
def test_the_exit_codes_stand_in_the_help():
    shown = " ".join(call("--help").stdout.split())
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in shown


@installed
@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", ".bash_completions/faultmap.sh"),
        ("zsh", ".zfunc/_faultmap"),
        ("fish", ".config/fish/completions/faultmap.fish"),
    ],
)
def test_completion_is_installed_into_the_users_shell(tmp_path: Path, shell: str, file: str):
    where = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = call("--install-completion", shell, **where)
    assert (done.returncode, f"{shell} completion installed" in done.stdout) == (0, True)
    assert "faultmap" in (tmp_path / file).read_text()


@installed
@pytest.mark.skipif(shutil.which("bash") is None, reason="wants bash")
def test_bash_completes_commands_and_options(tmp_path: Path):
    where = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    assert call("--install-completion", "bash", **where).returncode == 0
    script = f"""
        source {tmp_path}/.bash_completions/faultmap.sh
        complete -p faultmap >/dev/null || exit 3
        for words in "faultmap cov" "faultmap audit --for"; do
            COMP_WORDS=($words); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=()
            _faultmap_completion faultmap; echo "${{COMPREPLY[@]}}"
        done
    """
    environment = {**os.environ, "PATH": f"{FAULTMAP.parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first.split() == ["coverage"]
    assert set(second.split()) == {"--force", "--format"}
