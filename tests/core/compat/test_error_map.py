"""ErrorMap's front door: its arguments, files and result on small data, judged offline."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections import Counter
from pathlib import Path

import pytest

from faultmap_core import ErrorMap
from faultmap_core.base.errors import ConfigurationError, EvalFileError
from faultmap_core.compat.errormap.error_map import run
from tests.error_map_data import COLUMNS, LEFT_OUT, analysed, leaves, nodes, read, rows, scored, tree_of, write


@pytest.fixture
def evals(tmp_path: Path) -> Path:
    return write(tmp_path / "data", "sums", rows())


def test_files_stand_under_errormaps_names_with_its_columns(evals: Path, tmp_path: Path):
    result = asyncio.run(ErrorMap(exp_id="my run", ratio=1.0, cols_to_keep=["topic"]).run())  # data/ and output/
    assert {path.name for path in (tmp_path / "output").iterdir()} == {
        "config__exp_id=my run.json",
        "exp_name=data_preparation__exp_id=my run.csv",
        "exp_name=single_error__exp_id=my run.csv",
        "exp_name=construct_taxonomy_recursively__exp_id=my run.csv",
        "exp_name=construct_taxonomy_recursively__exp_id=my run.json",
    }
    assert list(result)[:4] == ["exp_id", "total_records", "error_records", "completed_at"]
    assert (result["exp_id"], result["total_records"], result["error_records"]) == ("my run", 72, 24)
    final = read(result["files"]["taxonomy_csv"])
    wanted = {"dataset", *COLUMNS[:5], "judge_model", "judge_response", "error_title", "error_summary", "topic"}
    assert wanted | {"category_depth_0", "category_depth_1"} <= set(final[0])
    assert json.loads(final[0]["category_depth_0"])["name"] == "LLM Errors"
    assert {"name", "description"} == set(json.loads(final[0]["category_depth_1"]))
    response = json.loads(final[0]["judge_response"])
    assert set(response["required_criteria"][0]) >= {"criterion", "present_in_wrong", "quality", "evidence", "comment"}
    assert response["final_answer"] == {name: final[0][name] for name in ("error_summary", "error_title")}


def test_every_error_is_one_row_and_one_leaf_whose_path_is_its_categories(evals: Path):
    result = analysed(evals)
    tree, final = tree_of(result), read(result["files"]["taxonomy_csv"])
    errors = {("alpha", f"{n:03d}") for n in LEFT_OUT["alpha"]} | {("beta", f"{n:03d}") for n in LEFT_OUT["beta"]}
    assert Counter((row["model"], row["example_id"]) for row in final) == Counter(errors)
    found = leaves(tree)
    assert Counter((leaf["info"]["model"], leaf["info"]["example_id"]) for leaf in found) == Counter(errors)
    every = nodes(tree)
    assert all(set(node) == {"id", "name", "info", "children", "parent"} for node in every)
    assert len({node["id"] for node in every}) == len(every)
    by_id = {node["id"]: node for node in every}
    for row in final:
        names = [json.loads(row[f"category_depth_{d}"])["name"] for d in range(9) if row.get(f"category_depth_{d}")]
        leaf = next(
            x for x in found if (x["info"]["model"], x["info"]["example_id"]) == (row["model"], row["example_id"])
        )
        path, at = [], by_id[leaf["parent"]]
        while at:
            path.insert(0, at["name"])
            at = by_id.get(at["parent"])
        assert path == names
    placed = sum(category["count"] for category in result["taxonomy"]["categories"]) + result["unclassified"]
    assert placed == result["outcomes"]["error"] + result["outcomes"]["whole_solution_incorrect"]
    assert sum(result["outcomes"].values()) == result["error_records"] == 24


def test_the_offline_judge_tells_kinds_of_errors_apart(evals: Path):
    titles = {row["output_text"]: row["error_title"] for row in read(analysed(evals)["files"]["single_error"])}
    assert len({titles[""], titles["I'm sorry, but I can't help with that."], titles["It is big."]}) == 3
    assert all(row["judge_model"] == "rules" for row in read(analysed(evals)["files"]["single_error"]))


def test_errors_lie_below_seven_tenths_of_the_mean(tmp_path: Path):
    # mean (1 + 1 + .5 + .4 + 0) / 5 = .58; .7 of it .406: the last two
    result = analysed(write(tmp_path / "data", "graded", scored(1, 1, 0.5, 0.4, 0)))
    assert result["rules"]["graded"]["threshold"] == pytest.approx(0.406)
    assert "0.7 of the mean score 0.58" in result["rules"]["graded"]["rule"]
    assert [r["error"] for r in read(result["files"]["data_preparation"])] == ["False"] * 3 + ["True"] * 2


def test_a_given_threshold_goes_before_the_mean_and_a_benchmarks_own(tmp_path: Path):
    data = write(tmp_path / "data", "omni_math", scored(1, 0.8, 0.6, 0.4))
    assert analysed(data)["errors"] == 1  # below .5, ErrorMap's own threshold for this name
    assert analysed(data, dataset_params={"omni_math": {"success_threshold": 0.9}})["errors"] == 3
    with pytest.warns(UserWarning, match="none of the datasets"):
        result = analysed(data, dataset_params={"omni-math": {"success_threshold": 0.9}})
    assert result["errors"] == 1  # .7 of the mean .7 = .49
    assert "did you mean 'omni_math'?" in result["warnings"][0]


def test_all_zero_scores_are_all_errors(tmp_path: Path):
    result = analysed(write(tmp_path / "data", "zero", scored(0, 0, 0, 0)))
    assert (result["errors"], result["error_records"]) == (4, 4)


def test_a_mean_near_zero_leaves_the_zeros_errors(tmp_path: Path):
    # mean .005: ErrorMap rounds .0035 to 0.0, below which there is nothing
    assert analysed(write(tmp_path / "data", "rare", scored(*[0] * 99, 0.5)), ratio=0.1)["errors"] == 99


def test_absent_scores_are_neither_errors_nor_correct(tmp_path: Path):
    result = analysed(write(tmp_path / "data", "holes", scored(1, "NaN", "", 0)))
    assert (result["total_records"], result["unscored"], result["errors"]) == (4, 2, 1)
    assert [row["error"] for row in read(result["files"]["data_preparation"])] == ["False", "", "", "True"]
    assert result["rules"]["holes"]["threshold"] == pytest.approx(0.35)  # the mean of 1 and 0 is .5


def test_without_any_error_the_files_are_there_and_empty(tmp_path: Path):
    data = write(tmp_path / "data", "fine", scored(0, 0))
    analysed(data)
    write(tmp_path / "data", "fine", scored(1, 1))
    result = analysed(data)
    assert (result["errors"], tree_of(result)["children"]) == (0, [])
    assert read(result["files"]["single_error"]) == read(result["files"]["taxonomy_csv"]) == []


def test_ids_stay_text_in_every_file(evals: Path):
    result = analysed(evals)
    for name in ("data_preparation", "single_error", "taxonomy_csv"):
        assert "007" in {row["example_id"] for row in read(result["files"][name])}
    assert "007" in {leaf["info"]["example_id"] for leaf in leaves(tree_of(result))}


def test_a_small_ratio_takes_one_of_each_dataset_and_model_and_a_larger_only_adds(evals: Path):
    write(evals, "more", rows())

    def sampled(ratio: float) -> set[tuple[str, str, str]]:
        prepared = read(analysed(evals, ratio=ratio)["files"]["data_preparation"])
        return {(r["dataset"], r["model"], r["example_id"]) for r in prepared if r["sampled"] == "True"}

    few, some, most = sampled(0.001), sampled(0.3), sampled(0.6)
    assert Counter((dataset, model) for dataset, model, _ in few) == {
        (dataset, model): 1 for dataset in ("sums", "more") for model in ("alpha", "beta")
    }
    assert few < some < most
    assert sampled(0) == set()


def test_equal_titles_are_counted_as_often_as_they_occur(tmp_path: Path):
    result = analysed(write(tmp_path / "data", "same", [{**row, "output_text": ""} for row in scored(*[0] * 12, 1)]))
    assert len({row["error_title"] for row in read(result["files"]["single_error"])}) == 1
    assert sum(category["count"] for category in result["taxonomy"]["categories"]) == 12
    assert len(leaves(tree_of(result))) == 12
    assert not {"Unknown", ""} & {node["name"] for node in nodes(tree_of(result))}


def test_models_choose_whose_errors_count_and_the_others_stay_as_contrast(evals: Path):
    result = analysed(evals, models=["alpha"])
    assert (result["errors"], result["total_records"], result["of_other_models"]) == (18, 36 + 30, 6)
    with pytest.raises(ConfigurationError, match=r"no model 'gamma' .* there is: alpha, beta"):
        analysed(evals, models=["alpha", "gamma"])


def test_new_data_under_one_experiment_gives_new_answers(evals: Path):
    before = analysed(evals)
    write(evals, "sums", [*({**row, "score": 1} for row in rows()[:-1]), {**rows()[0], "example_id": "new"}])
    after = analysed(evals)
    assert (before["errors"], after["errors"], after["total_records"]) == (24, 1, 72)
    assert len(read(after["files"]["taxonomy_csv"])) == 1


def test_bad_rows_are_quarantined_and_told(tmp_path: Path):
    content = [*scored(1, 0, "many"), {**scored(0)[0], "example_id": ""}, {**scored(0)[0], "output_text": "other"}]
    data = write(tmp_path / "data", "bad", content)
    result = analysed(data)
    assert (result["rows_read"], result["total_records"], result["quarantined"]) == (5, 1, 4)
    assert [row["line"] for row in result["quarantined_rows"]] == [2, 4, 5, 6]
    assert "'many' is no number" in read(result["files"]["quarantine"])[1]["reason"]
    write(data, "bad", scored(1, 0))
    assert "quarantine" not in analysed(data)["files"]
    assert not list(Path("output").glob("*quarantine*"))


def test_formulas_are_defused_in_csv_and_kept_in_the_tree(tmp_path: Path):
    texts = ["=cmd()", "+1", "-1", "@x"]
    content = [{**row, "output_text": text} for row, text in zip(scored(0, 0, 0, 0), texts, strict=True)]
    result = analysed(write(tmp_path / "data", "sheet", content))
    for name in ("data_preparation", "single_error", "taxonomy_csv"):
        assert [row["output_text"] for row in read(result["files"][name])] == [f"'{text}" for text in texts]
    assert {leaf["info"]["output_text"] for leaf in leaves(tree_of(result))} == set(texts)


def test_rare_categories_become_other(tmp_path: Path):
    wrong = ["I'm sorry, but I can't help with that."] * 30 + [""] * 29 + ["It is 1000000 km."]
    content = [{**row, "output_text": text} for row, text in zip(scored(*[0] * 60), wrong, strict=True)]
    data = write(tmp_path / "data", "rare", content)
    merged = analysed(data, rare_freq=0.1)["taxonomy"]["categories"]
    assert all(category["count"] >= 6 or category["other"] for category in merged)
    assert sum(category["count"] for category in merged) == 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inference_type": "openai"}, "inference_type is 'openai'; expected one of litellm-mock, litellm"),
        ({"ratio": 1.5}, "ratio is 1.5"),
        ({"ratio": float("nan")}, "ratio is nan"),
        ({"max_workers": 0}, "max_workers is 0"),
        ({"exp_id": "../x"}, "exp_id is '../x'"),
        ({"models": "alpha"}, "models is 'alpha'; expected a list"),
        ({"datasets": ["sum"]}, "no dataset 'sum' .* there is: sums"),
        ({"data_path": "nowhere"}, "data_path 'nowhere' is no folder"),
        ({"dataset_params": {"sums": {"success_threshold": "high"}}}, "success_threshold is 'high'"),
        ({"inference_type": "litellm"}, "no judge model is named"),
        ({"inference_type": "litellm", "provider": "azure"}, "AZURE_API_KEY is not set"),
        (
            {"inference_type": "litellm", "litellm_config": {"model": "azure/x", "api_key": None}},
            "AZURE_API_KEY is not",
        ),
        ({"inference_type": "litellm", "provider": "rits"}, "RITS_API_KEY is not set"),
        ({"inference_type": "litellm", "litellm_config": {"temperature": 0}}, "litellm_config has no 'model'"),
        (
            {"inference_type": "litellm", "litellm_config": {"model": "openai/x", "max_tokens": "9"}},
            "max_tokens is '9'",
        ),
        ({"litellm_config": "openai/x"}, "litellm_config is 'str'; expected a dict"),
    ],
)
def test_wrong_arguments_end_in_one_line(evals: Path, monkeypatch, arguments, message):
    for name in ("AZURE_API_BASE", "AZURE_API_KEY", "RITS_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match=message) as raised:
        analysed(evals, **arguments)
    assert "\n" not in str(raised.value)
    assert not Path("output").exists() or not list(Path("output").glob("exp_name*"))


def test_a_missing_column_is_named_without_options_of_another_command(tmp_path: Path):
    data = write(tmp_path / "data", "short", [{"example_id": 1, "model": "m", "input_text": "?", "output_text": "!"}])
    with pytest.raises(EvalFileError, match=r"no column 'score'.*ErrorMap reads the columns") as raised:
        analysed(data)
    assert "--" not in str(raised.value)


def test_an_output_folder_that_is_a_file_is_said(evals: Path, tmp_path: Path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(ConfigurationError, match="output_dir"):
        analysed(evals, output_dir=tmp_path / "taken")


def test_a_file_that_cannot_be_replaced_is_said_and_nothing_half_written_is_left(evals: Path):
    Path("output/exp_name=single_error__exp_id=x.csv/inner").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"output_dir 'output' cannot be written"):
        analysed(evals)
    assert not [path for path in Path("output").iterdir() if path.name.startswith(".") or path.suffix == ".part"]


def test_datasets_may_be_named_with_their_suffix_and_be_of_other_formats(tmp_path: Path):
    data = write(tmp_path / "data", "a.b", scored(0, 1))
    (data / "lines.jsonl").write_text("\n".join(json.dumps(row) for row in scored(0, 0, 1)))
    assert analysed(data, datasets=["a.b.csv", "lines"])["errors"] == 3
    assert list(analysed(data)["rules"]) == ["a.b"]


def test_repeats_of_an_example_are_errors_of_their_own(tmp_path: Path):
    content = [{**row, "epoch": epoch} for epoch in (1, 2) for row in scored(0, 1)]
    result = analysed(write(tmp_path / "data", "twice", content))
    assert (result["errors"], len(read(result["files"]["taxonomy_csv"]))) == (2, 2)


def test_two_experiments_run_in_one_event_loop(evals: Path):
    async def both() -> list[dict]:
        return await asyncio.gather(*(run(ratio=1.0, exp_id=name, output_dir=name) for name in ("a", "b")))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = asyncio.run(both())
    assert tree_of(first) == tree_of(second)
