"""YAML with absurd numbers, depth or expansion, as settings and as a taxonomy: one line says what is wrong."""

from __future__ import annotations

import pytest

from faultmap_assets.settings import load_settings
from faultmap_core.base.errors import ConfigurationError
from faultmap_core.error_analysis.taxonomy.yaml_io import load_taxonomy

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)
)
ABSURD = {
    "digits": "seed: " + "9" * 5_000,
    "hexadecimal digits": "seed: 0x" + "f" * 6_000,
    "lists": "evals: " + "[" * 5_000 + "]" * 5_000,
    "mappings": "a: {" * 3_000 + "}" * 3_000,
    "date": "logs: {first_day: 2026-13-45}",
    "key": "? [a]\n: b",
    "laughs": LAUGHS + "seed: *j",
    "NUL": "seed: \0",
}


@pytest.mark.parametrize("load", [load_settings, load_taxonomy])
@pytest.mark.parametrize("kind", ABSURD)
def test_absurd_yaml_is_one_line(tmp_path, load, kind):
    path = tmp_path / "x.yaml"
    path.write_text(ABSURD[kind] + "\n")
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    told = str(caught.value)
    assert str(path) in told
    assert "\n" not in told
    assert len(told) < 600
