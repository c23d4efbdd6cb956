"""ErrorMap with a language model: providers, secrets, faulty replies, the cache, and the examples of its README."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from faultmap_core import ErrorMap
from faultmap_core.compat.errormap.error_map import run
from faultmap_core.compat.errormap.model import choose_model
from tests.error_map_data import SECRET, analysed, config_for, judge_reply, leaves, read, rows, tree_of, write


@pytest.fixture
def evals(tmp_path: Path) -> Path:
    return write(tmp_path / "data", "sums", rows())


def test_providers_settings_come_from_the_environment_as_litellm_takes_them(monkeypatch):
    monkeypatch.setenv("AZURE_API_BASE", "https://azure.example")
    monkeypatch.setenv("AZURE_API_KEY", SECRET)
    monkeypatch.setenv("RITS_API_KEY", SECRET)
    azure = choose_model(None, "azure", None)
    assert (azure.model, azure.api_key_variable) == ("azure/Azure/gpt-4.1", "AZURE_API_KEY")
    assert azure.parameters["api_base"] == "https://azure.example"
    assert choose_model({"model": "azure/Azure/gpt-4.1"}, None, None) == azure
    rits = choose_model(None, "rits", "deepseek-ai/DeepSeek-V2.5")
    assert rits.model == "openai/deepseek-ai/DeepSeek-V2.5"
    assert rits.parameters["api_base"].endswith("/deepseek-v2-5/v1")
    assert rits.parameters["extra_headers"] == {"RITS_API_KEY": SECRET}
    assert SECRET not in repr(rits)
    assert choose_model(None, "anthropic", "claude-x").model == "anthropic/claude-x"
    assert choose_model(None, None, "openai/gpt-x").model == "openai/gpt-x"


def test_litellm_config_goes_before_provider_and_keeps_what_litellm_takes(monkeypatch):
    monkeypatch.setenv("AZURE_API_KEY", SECRET)
    config = {
        "model": "azure/Azure/o1", "api_key": None, "api_base": "https://b", "temprature": 0, "top_k": 5,
        "max_tokens": 9000, "request_timeout": 7, "num_retries": 2, "stream": True, "api_version": "2024",
    }  # fmt: skip
    choice = choose_model(config, "rits", "other")
    assert choice.model == "azure/Azure/o1"
    assert dict(choice.parameters) == {
        "api_base": "https://b", "top_k": 5, "api_version": "2024",
    }  # fmt: skip
    assert dict(choice.options) == {"max_tokens": 9000, "timeout_seconds": 7, "max_attempts": 3}
    named = choose_model({"model": "openai/x", "api_key": "os.environ/MY_KEY"}, None, None)
    assert (named.api_key_variable, dict(named.parameters)) == ("MY_KEY", {})


def test_unknown_keys_warn_with_the_nearest_name_and_their_values_are_not_stored(evals: Path):
    config = {"model": "openai/x", "temprature": 0, "api_kye": SECRET, "quite_other": 3, "top_p": 0.5}
    with pytest.warns(UserWarning, match="litellm_config") as caught:
        result = analysed(evals, litellm_config=config)
    told = [str(one.message) for one in caught]
    assert [line for line in told if "'temprature' is unknown and is not sent; did you mean 'temperature'?" in line]
    assert [line for line in told if "did you mean 'api_key'?" in line]
    assert [line for line in told if "'quite_other' is unknown to litellm" in line]
    assert len(told) == 3
    assert result["warnings"] == told
    stored = json.loads(Path(result["files"]["config"]).read_text())
    assert (stored["litellm_config"]["top_p"], stored["litellm_config"]["api_kye"]) == (0.5, "(not stored)")


def test_a_language_model_judges_and_no_secret_reaches_a_file(evals: Path, llm_server, monkeypatch):
    llm_server.reply = judge_reply
    monkeypatch.setenv("AZURE_API_KEY", "another-secret-98765")
    config = config_for(llm_server, extra_headers={"X-Auth": "header-secret-1234"})
    result = analysed(evals, inference_type="litellm", litellm_config=config)
    assert result["outcomes"] == {"error": 24, "whole_solution_incorrect": 0, "no_error_found": 0, "failed": 0}
    assert set(llm_server.keys) == {SECRET}
    single = read(result["files"]["single_error"])
    assert {row["error_title"] for row in single} <= {"Kind 0", "Kind 1", "Kind 2"}
    assert {row["error_summary"] for row in single} == {"'=It goes wrong."}
    assert all(row["judge_model"].startswith("openai/test") for row in single)
    assert len(leaves(tree_of(result))) == 24
    for path in Path("output").iterdir():
        content = path.read_bytes()
        for secret in (SECRET, "another-secret-98765", "header-secret-1234"):
            assert secret.encode() not in content, path.name


@pytest.mark.parametrize(
    ("more", "limits"),
    [
        ({"max_tokens": 2000}, range(1, 4097)),
        ({"max_completion_tokens": 5000}, [5000]),
        ({"reasoning_effort": "high"}, [10_000]),
    ],
)
def test_a_model_that_reasons_has_room_for_it(evals: Path, llm_server, more, limits):
    llm_server.reply = judge_reply
    result = analysed(evals, inference_type="litellm", litellm_config=config_for(llm_server, **more), ratio=0.2)
    assert result["outcomes"]["error"] == 5
    assert all(body["max_tokens"] in limits for body in llm_server.requests)


def test_correct_answers_of_others_are_shown_unless_turned_off(evals: Path, llm_server):
    llm_server.reply = judge_reply
    arguments = {"inference_type": "litellm", "litellm_config": config_for(llm_server), "models": ["alpha"]}

    def judged() -> list[str]:
        texts = ["".join(message["content"] for message in body["messages"]) for body in llm_server.requests]
        return [text for text in texts if "What is 7 times 4 plus 3?" in text and "It is 31." in text]

    with_contrast = analysed(evals, **arguments)
    assert len(judged()) == 1
    assert {row["contrast_models"] for row in read(with_contrast["files"]["single_error"])} == {'["beta"]'}
    llm_server.reset()
    without = analysed(evals, **arguments, use_correct_predictions=False)
    assert not judged()
    assert {row["contrast_models"] for row in read(without["files"]["single_error"])} == {"[]"}


def test_faulty_replies_stay_rows_with_their_reason_and_only_they_are_asked_again(evals: Path, llm_server):
    llm_server.reply = judge_reply
    llm_server.fault_share, llm_server.fault_kinds = 0.3, ("server_error", "drop", "invalid_json", "wrong_schema")
    arguments = {"inference_type": "litellm", "litellm_config": config_for(llm_server)}
    first = analysed(evals, **arguments)
    failed = first["outcomes"]["failed"]
    assert 0 < failed < 24
    assert sum(first["outcomes"].values()) == 24
    assert sum(first["failed_reasons"].values()) == failed
    final = read(first["files"]["taxonomy_csv"])
    open_rows = [row for row in final if row["outcome"] == "failed"]
    assert len(final) == 24
    assert len(open_rows) == failed
    assert all(row["reason"] and not row["judge_response"] for row in open_rows)
    assert {json.loads(row["category_depth_1"])["name"] for row in open_rows} == {"Not judged"}
    assert len(leaves(tree_of(first))) == 24

    llm_server.fault_share = 0.0
    llm_server.reset()
    second = analysed(evals, **arguments)
    assert second["outcomes"]["error"] == 24
    judgings = [b for b in llm_server.requests if "error_title" in json.dumps(b["response_format"])]
    assert len(judgings) == failed


def test_the_same_question_is_asked_once_under_any_experiment(evals: Path, llm_server):
    llm_server.reply = judge_reply
    arguments = {"inference_type": "litellm", "litellm_config": config_for(llm_server)}
    first = analysed(evals, **arguments)
    llm_server.reset()
    again = analysed(evals, **arguments, exp_id="y")
    assert llm_server.count == 0
    assert tree_of(again)["children"] == tree_of(first)["children"]
    write(evals, "sums", [*rows(), {**rows()[0], "example_id": "new", "output_text": "It is a new answer."}])
    assert analysed(evals, **arguments)["error_records"] == 25
    assert any("It is a new answer." in json.dumps(body) for body in llm_server.requests)


def test_a_refused_key_stops_the_calls_and_keeps_every_error(evals: Path, llm_server):
    llm_server.always = "authentication"
    result = analysed(evals, inference_type="litellm", litellm_config=config_for(llm_server), max_workers=2)
    assert "OPENAI_API_KEY" in result["stopped"]
    assert result["outcomes"]["failed"] == 24
    assert llm_server.count <= 4
    assert len(leaves(tree_of(result))) == 24
    assert not [path for path in Path("output").iterdir() if SECRET.encode() in path.read_bytes()]


def test_errormaps_readme_examples_run(evals: Path, tmp_path: Path, llm_server, monkeypatch):
    llm_server.reply = judge_reply
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    write(tmp_path / "data", "omni_math", rows())
    config = {"model": "openai/Azure/gpt-4o", "api_key": SECRET, "api_base": llm_server.url, "max_tokens": 2000}

    async def quick_start() -> dict:
        return await run(
            inference_type="litellm",
            litellm_config=config,
            datasets=["omni_math"],
            dataset_params={"omni_math": {"success_threshold": 0.9}},
            models=["alpha"],
            ratio=0.2,
        )

    result = asyncio.run(quick_start())
    assert (result["total_records"], result["error_records"]) == (66, 4)  # of 18 errors a fifth, 3.6

    async def advanced() -> dict:
        error_map = ErrorMap(
            inference_type="litellm",
            litellm_config={**config, "temprature": 0},
            exp_id="my_experiment",
            data_path="data",
            datasets=["omni_math", "sums"],
            dataset_params={"omni_math": {"success_threshold": 0.8}, "sums": {"success_threshold": 0.9}},
            max_workers=200,
            models=["beta"],
            ratio=0.05,
            use_correct_predictions=False,
        )
        return await error_map.run()

    with pytest.warns(UserWarning, match="temperature"):
        result = asyncio.run(advanced())
    assert (result["exp_id"], result["error_records"]) == ("my_experiment", 2)
