"""Everything has a default; what is not allowed is named with its key, its value and what is."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from faultmap_assets.settings import DatasetSettings, Settings, load_settings
from faultmap_core.base.errors import ConfigurationError


def write(text: str, path: Path = Path("faultmap.yaml")) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold():
    settings = load_settings()
    assert settings == Settings()
    assert settings.home == Path("var")
    assert settings.warehouse_path == Path("var/faultmap.duckdb")
    assert settings.report_folder == Path("var/reports")
    assert (settings.slices.significance_level, settings.slices.min_slice_size, settings.slices.test) == (
        0.05,
        10,
        "midp",
    )
    assert settings.dataset("any").threshold == 0.5
    assert settings.embedding.model == "wordllama"
    assert settings.language_model.model is None


def test_every_default_is_itself_allowed():
    written = Settings().model_dump(mode="json")
    write(yaml.safe_dump(written))
    assert load_settings() == Settings()


@pytest.mark.parametrize("text", ["", "# nothing\n", "\ufeff# a byte-order mark\n", "{}"])
def test_an_empty_file_changes_nothing(text):
    write(text)
    assert load_settings() == Settings()


def test_the_example_is_the_defaults():
    example = (files("faultmap_assets") / "faultmap.example.yaml").read_text(encoding="utf-8")
    assert load_settings(write(example)) == Settings()
    shown = [line for line in example.splitlines() if line.startswith("# ") and line.lstrip("# ").partition(":")[1]]
    keys = {line.lstrip("# ").partition(":")[0] for line in shown}
    assert keys >= set(Settings.model_fields) - {"logs"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sede: 1", "sede: unknown key; did you mean 'seed'? allowed: home, seed, owners, evals"),
        ("slices: {min_slize_size: 5}", "slices.min_slize_size: unknown key; did you mean 'min_slice_size'? allowed: "),
        ("datasets: {a: {score_rang: [0, 1]}}", "datasets.a.score_rang: unknown key; did you mean 'score_range'?"),
        ("zzz: 1", "zzz: unknown key; allowed: home"),
        ("slices: {min_slice_size: 1}", "slices.min_slice_size: '1' is not allowed: Input should be greater than"),
        ("slices: {significance_level: 1}", "slices.significance_level: '1' is not allowed: Input should be less than"),
        ("slices: {significance_level: 0}", "slices.significance_level: '0' is not allowed"),
        ("slices: {test: t}", "slices.test: 't' is not allowed: Input should be 'midp', 'fisher' or 'chi2'"),
        ("clusters: {method: kmeans}", "clusters.method: 'kmeans' is not allowed: Input should be 'agglomerative'"),
        ("seed: -1", "seed: '-1' is not allowed"),
        ("owners: [bob]", "owners.0: 'bob' is not allowed: expected an e-mail address, or a team as team:NAME"),
        ("owners: ['team:']", "owners.0: 'team:' is not allowed: expected an e-mail address"),
        ("owners: team:evals", "owners: 'team:evals' is not allowed"),
        ("seed: 1.5", "seed: '1.5' is not allowed"),
        ("dataset_defaults: {score_range: [1, 0]}", "score_range [1, 0]: the first must be below the second"),
        ("dataset_defaults: {score_range: [0, .inf]}", "dataset_defaults.score_range.1: 'inf' is not allowed"),
        ("dataset_defaults: {score_range: [0]}", "dataset_defaults.score_range"),
        ("datasets: {a: {success_threshold: 2}}", "datasets.a: "),
        ("datasets: {a: {success_threshold: 2}}", "success_threshold 2 is outside of score_range [0, 1]"),
        ("datasets: {a: {score_mode: guess}}", "datasets.a.score_mode: 'guess' is not allowed: Input"),
        ("evals: {max_quarantine_share: 1.1}", "evals.max_quarantine_share: '1.1' is not allowed"),
        ("evals: {columns: {colour: c}}", "evals.columns: "),
        ("evals: {paths: results}", "evals.paths: 'results' is not allowed: "),
        ("slices: 3", "slices: '3' is not allowed"),
        ("warehouse: {lock_timeout_seconds: 0}", "warehouse.lock_timeout_seconds: '0' is not allowed"),
        ("warehouse: {memory_limit_mb: 10}", "warehouse.memory_limit_mb: '10' is not allowed"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_named(text, told):
    write(text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert str(caught.value).startswith("faultmap.yaml: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_in_the_wrong_place_is_not_shown():
    write("language_model: {api_key_variable: sk-secret-123}")
    with pytest.raises(
        ConfigurationError, match=r"language_model\.api_key_variable: its value is not allowed"
    ) as caught:
        load_settings()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a: [1", "no YAML"),
        (b"a: b: c", "no YAML"),
        (b"\tseed: 1", "no YAML"),
        (b"- seed", "expected keys and values, found a list"),
        (b"seed", "expected keys and values, found a str"),
        (b"seed: \xff", "cannot be read"),
        (b"a: !!python/object:os.system x", "no YAML"),
    ],
)
def test_a_file_that_is_no_settings_is_one_line(content, told):
    Path("faultmap.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert str(caught.value).startswith("faultmap.yaml: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_was_named_must_exist(monkeypatch):
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml: cannot be read"):
        load_settings(Path("nowhere.yaml"))
    monkeypatch.setenv("FAULTMAP_SETTINGS", "elsewhere.yaml")
    with pytest.raises(ConfigurationError, match=r"elsewhere\.yaml: cannot be read"):
        load_settings()


def test_which_file_is_read(monkeypatch):
    write("seed: 1")
    write("seed: 2", Path("other/settings.yaml"))
    assert load_settings().seed == 1
    monkeypatch.setenv("FAULTMAP_SETTINGS", "other/settings.yaml")
    assert load_settings().seed == 2
    assert load_settings(Path("faultmap.yaml")).seed == 1


def test_which_home_holds(monkeypatch):
    assert load_settings().home == Path("var")
    write("home: from-file")
    assert load_settings().home == Path("from-file")
    monkeypatch.setenv("FAULTMAP_HOME", "from-environment")
    assert load_settings().home == Path("from-environment")
    assert load_settings(home=Path("from-argument")).home == Path("from-argument")
    assert load_settings(home=Path("from-argument")).warehouse_path == Path("from-argument/faultmap.duckdb")


@pytest.mark.parametrize("folder", ["state", "../state", "a b/ü", "/abs/state"])
def test_the_home_may_be_relative_or_absolute(folder):
    write(yaml.safe_dump({"home": folder}))
    assert load_settings().home == Path(folder)


def test_the_warehouse_may_lie_outside_of_the_home():
    write("warehouse: {path: shared/w.duckdb}")
    assert load_settings(home=Path("h")).warehouse_path == Path("shared/w.duckdb")
    assert load_settings(home=Path("h")).report_folder == Path("h/reports")


@pytest.mark.parametrize(
    ("settings", "threshold"),
    [({}, 0.5), ({"score_range": (1, 5)}, 3.0), ({"success_threshold": 0.9}, 0.9), ({"score_range": (-1, 1)}, 0.0),
     ({"score_range": (0, 100), "success_threshold": 0}, 0.0)],
)  # fmt: skip
def test_the_threshold_is_the_middle_unless_it_is_set(settings, threshold):
    assert DatasetSettings(**settings).threshold == threshold


def test_datasets_have_their_own_settings():
    write(
        """
        dataset_defaults: {score_range: [0, 10]}
        datasets:
          judge: {score_range: [1, 5], success_threshold: 4}
          errors: {higher_is_better: false}
        """
    )
    settings = load_settings()
    assert settings.dataset("judge").threshold == 4
    assert settings.dataset("anything").threshold == 5
    assert settings.dataset("errors").score_range == (0, 1)
    assert not settings.dataset("errors").higher_is_better
    options = settings.eval_options()
    assert options.score_ranges == {"judge": (1, 5), "errors": (0, 1)}
    assert options.default_score_range == (0, 10)


def test_what_the_settings_do_not_say_is_left_to_the_file():
    write("datasets: {judge: {success_threshold: 0.7}, loss: {higher_is_better: false, score_range: [0, 9]}}")
    options = load_settings().eval_options()
    assert options.score_ranges == {"loss": (0, 9)}
    assert options.higher_is_better_in("loss") is False
    assert options.higher_is_better_in("judge") is None


def test_arguments_win_over_the_file():
    write("evals: {columns: {input: question}, dataset_name: d, model_name: m, generate_ids: true}")
    settings = load_settings()
    taken = settings.eval_options()
    assert (taken.column_map, taken.dataset_name, taken.model_name, taken.generate_ids) == (
        {"input_text": "question"}, "d", "m", True,
    )  # fmt: skip
    given = settings.eval_options(dataset_name="e", model_name=None, column_map={}, generate_ids=False)
    assert (given.dataset_name, given.model_name, given.column_map) == ("e", "m", {"input_text": "question"})


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="frozen"):
        Settings().seed = 3
