"""The public names of the core: what is promised can be imported, is documented, and typed."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing

import pytest

import faultmap_core

FUNCTIONS = sorted(name for name in faultmap_core.__all__ if name.islower())


def test_the_names_of_the_api():
    # Named by the documentation; a change here breaks somebody's program.
    assert set(faultmap_core.__all__) == {
        "ErrorMap", "SliceAnalyzer", "audit_coverage", "build_taxonomy", "compare_models", "find_drift",
        "find_failure_slices", "judge_failures", "run",
    }  # fmt: skip
    assert faultmap_core._MODULES.keys() == set(faultmap_core.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_documented_and_typed(name):
    function = getattr(faultmap_core, name)
    assert function.__module__.startswith("faultmap_core.")
    assert inspect.getdoc(function), name
    hints = typing.get_type_hints(function)
    assert hints.keys() >= {*inspect.signature(function).parameters, "return"}, name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_modules_docstring_names_the_function(name):
    assert f"{name}:" in str(faultmap_core.__doc__) or f"{name}:" in str(faultmap_core.__doc__).replace(
        ", run:", " run:"
    )


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="find_nothing"):
        faultmap_core.find_nothing  # noqa: B018


def test_the_package_is_imported_without_what_it_offers():
    script = "import sys, faultmap_core; print([one for one in ('numpy', 'litellm', 'pandas') if one in sys.modules])"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
