import ast
import io
import json
import logging
import math
import re
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faultmap_core import SliceAnalyzer
from faultmap_core.base.errors import ConfigurationError, EmbeddingError
from faultmap_core.base.text import harmless, printed
from faultmap_core.compat.faultmap.inputs import AnyEmbedder
from faultmap_core.embedding import get_embedder
from faultmap_core.llm import Budget, LanguageModel
from faultmap_core.naming.keywords import RegionName
from tests.llm_server import language_model

SCRIPTS = Path(__file__).resolve().parents[3] / "examples" / "scripts"
HOSTILE = "[bold]x[/bold] [/] \x1b[31mred\x07\u202e\ud800 {evil}\n=cmd()"

WORDS = ["apple", "river", "stone", "cloud", "tiger", "paper", "green", "house", "music", "bread"]
SUMS = [f"What is {a} plus {b}?" for a in range(11, 21) for b in range(31, 41)]
SENTENCES = [f"Write a sentence with {a} and {b}." for a in WORDS for b in WORDS]
PROMPTS = SUMS + SENTENCES
RESPONSES = [f"answer {i}" for i in range(200)]
SCORES = [float(i % 3 == 0) for i in range(100)] + [float(i % 10 != 0) for i in range(100)]


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    """Nothing on this machine lets the default model be asked."""
    for name in ("OPENAI_API_KEY", "OPENAI_API_BASE", "OPENAI_BASE_URL", "FAULTMAP_MODEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def analyzer():
    return SliceAnalyzer(model=None)


@pytest.fixture(scope="module")
def analysis(analyzer):
    return analyzer.analyze(PROMPTS, RESPONSES, scores=SCORES)


@pytest.fixture(scope="module")
def comparison(analyzer):
    return analyzer.compare_models(
        PROMPTS, RESPONSES, RESPONSES, scores_a=SCORES, scores_b=SCORES[::-1], model_a_name="one", model_b_name="two"
    )


@pytest.fixture(scope="module")
def coverage(analyzer):
    return analyzer.audit_coverage(SENTENCES, [f"{one} Please." for one in SENTENCES] + SUMS)


class HostileNamer:
    def name_regions(self, tasks, background):
        return [RegionName(HOSTILE + str(i), HOSTILE, "hostile", (HOSTILE,)) for i, _ in enumerate(tasks)]


# Field names of faultmap 0.5.0's models.py.
FAULTMAP_FIELDS = {
    "analysis": "slices total_prompts total_failures baseline_failure_rate significance_level failure_threshold"
    " scoring_mode num_clusters_tested num_significant clustering_method embedding_model metadata",
    "slice": "name description size failure_rate baseline_rate effect_size p_value adjusted_p_value test_used"
    " sample_indices examples representative_prompts cluster_id root_cause suggested_remediation",
    "coverage": "gaps num_test_prompts num_production_prompts num_gaps overall_coverage_score distance_threshold"
    " embedding_model metadata",
    "gap": "name description size mean_distance representative_prompts prompt_indices cluster_id",
    "comparison": "slices total_prompts model_a_name model_b_name failure_rate_a failure_rate_b global_p_value"
    " global_test_used global_winner global_advantage_rate significance_level failure_threshold scoring_mode"
    " num_clusters_tested num_significant clustering_method embedding_model metadata",
    "compared": "name description size failure_rate_a failure_rate_b failure_rate_diff concordant_pass concordant_fail"
    " discordant_a_wins discordant_b_wins advantage_rate p_value adjusted_p_value test_used winner sample_indices"
    " examples representative_prompts cluster_id",
    "uncovered": "num_uncovered_total num_clustered_uncovered num_unclustered_uncovered unclustered_prompt_indices",
}


def test_reports_have_all_of_faultmaps_fields(analysis, coverage, comparison):
    found = {
        "analysis": analysis, "slice": analysis.slices[0], "coverage": coverage, "gap": coverage.gaps[0],
        "comparison": comparison, "compared": comparison.slices[0],
    }  # fmt: skip
    for kind, one in found.items():
        names = FAULTMAP_FIELDS[kind].split()
        assert not [name for name in names if not hasattr(one, name)]
        assert not set(names) - set(one.to_dict())
    assert set(FAULTMAP_FIELDS["uncovered"].split()) <= set(coverage.metadata)


def test_analyze_finds_what_fails(analysis):
    assert (analysis.total_prompts, analysis.total_failures) == (200, 76)
    assert analysis.baseline_failure_rate == pytest.approx(0.38)
    assert (analysis.scoring_mode, analysis.num_significant) == ("precomputed", 1)
    assert analysis.slices[0].sample_indices == list(range(100))
    assert analysis.slices[0].failure_rate == pytest.approx(0.66)
    assert analysis.slices[0].examples[0]["response"].startswith("answer")


def test_audit_coverage_finds_what_is_not_asked(coverage):
    inside = {row for gap in coverage.gaps for row in gap.prompt_indices}
    assert inside >= set(range(110, 190))
    assert coverage.num_gaps == len(coverage.gaps)
    assert coverage.metadata["num_clustered_uncovered"] == len(inside)
    low, high = coverage.coverage_range
    assert low <= 0.5 <= high
    assert len(coverage.prompt_status) == coverage.num_production_prompts == 200


def test_compare_models_finds_both_sides(comparison):
    # the scores are mirrored, so each model wins one half
    assert comparison.failure_rate_a == pytest.approx(comparison.failure_rate_b)
    assert comparison.global_winner in ("tie", "unresolved")
    winners = {one.winner for one in comparison.slices}
    assert winners <= {"a", "b"}
    first = comparison.slices[0]
    assert first.winner == ("b" if first.failure_rate_a > first.failure_rate_b else "a")


@pytest.mark.parametrize("make", [list, tuple, np.array, pd.Series])
def test_every_kind_of_sequence_gives_the_same_report(analyzer, analysis, make):
    other = analyzer.analyze(make(PROMPTS), make(RESPONSES), scores=make(SCORES))
    assert other.to_dict() == analysis.to_dict()


def test_scores_may_be_of_any_numeric_type_and_missing(analyzer, analysis):
    booleans = analyzer.analyze(PROMPTS, RESPONSES, scores=[bool(one) for one in SCORES])
    assert booleans.to_dict() == analysis.to_dict()
    half = np.array(SCORES, dtype=np.float32)
    assert analyzer.analyze(PROMPTS, RESPONSES, scores=half).to_dict() == analysis.to_dict()
    absent = analyzer.analyze(PROMPTS, RESPONSES, scores=pd.Series([None, pd.NA, *SCORES[2:]], dtype="Float64"))
    assert absent.metadata["scored_prompts"] == 198


def test_reports_are_strict_json_and_frames(analysis, coverage, comparison):
    for report, findings in ((analysis, "slices"), (coverage, "gaps"), (comparison, "slices")):
        again = json.loads(json.dumps(report.to_dict(), allow_nan=False))
        assert len(again[findings]) == len(getattr(report, findings))
        frame = report.to_frame()
        assert len(frame) >= len(getattr(report, findings))
        assert list(frame["name"])[: len(again[findings])] == [one["name"] for one in again[findings]]


def test_an_empty_frame_has_its_columns(analyzer):
    report = analyzer.analyze(["a"], ["b"], scores=[1.0])
    assert list(report.to_frame().columns) == list(report.to_frame().columns)
    assert {"name", "failure_rate", "sample_indices"} <= set(report.to_frame().columns)


def test_hostile_names_and_prompts_are_printed_as_they_are_harmless(monkeypatch):
    analyzer = SliceAnalyzer(namer=HostileNamer())
    prompts = [f"{one} {HOSTILE}" for one in PROMPTS]
    reports = [
        analyzer.analyze(prompts, prompts, scores=SCORES),
        analyzer.audit_coverage(prompts[100:], prompts[:100]),
        analyzer.compare_models(prompts, prompts, prompts, scores_a=SCORES, scores_b=SCORES[::-1]),
    ]
    for report in reports:
        json.dumps(report.to_dict(), allow_nan=False)
        text = str(report)
        assert "[bold]x[/bold]" in text
        assert not set(text) & {"\x1b", "\x07", "\u202e", "\ud800"}
    monkeypatch.setattr(sys, "stdout", Terminal("utf-8"))
    text = str(reports[0])
    assert "\x1b[1m" in text
    assert "\x1b[31mred" not in text
    monkeypatch.setattr(sys, "stdout", Terminal("ascii"))
    sys.stdout.write(str(reports[0]))
    assert b"[bold]x[/bold]" in sys.stdout.buffer.getvalue()


class Terminal(io.TextIOWrapper):
    """Standard output that says it is a terminal with an encoding of its own."""

    def __init__(self, encoding):
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)

    def isatty(self):
        return True


@given(st.text())
@settings(max_examples=60, deadline=None)
def test_harmless_text_is_one_printable_line(text):
    line = harmless(text)
    assert len(line.splitlines()) <= 1
    assert not any(ord(one) < 32 or 127 <= ord(one) < 160 for one in line)
    printed(line).encode("utf-8")


def test_both_scores_and_references_warn_and_scores_win(analyzer):
    with pytest.warns(UserWarning, match="scores count") as caught:
        report = analyzer.analyze(PROMPTS, RESPONSES, scores=SCORES, references=RESPONSES)
    assert report.scoring_mode == "precomputed"
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="scores count") as caught:
        analyzer.compare_models(["a"], ["b"], ["c"], scores_a=[1], scores_b=[0], references=["d"])
    assert caught[0].filename == __file__


def test_references_find_failures_with_the_default_threshold(analyzer):
    references = [str(a + b) for a in range(11, 21) for b in range(31, 41)] + [
        f"A {a} and a {b}." for a in WORDS for b in WORDS
    ]
    responses = ["I would rather not say anything about football."] * 100 + references[100:]
    report = analyzer.analyze(PROMPTS, responses, references=references)
    assert report.scoring_mode == "reference"
    assert report.slices[0].sample_indices == list(range(100))
    assert -1 <= report.metadata["scoring_metadata"]["similarity_threshold"] <= 1
    both = analyzer.compare_models(PROMPTS, responses, references, references=references)
    assert (both.global_winner, both.failure_rate_b, both.scoring_mode) == ("b", 0.0, "reference")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clustering_method": "kmeans"}, "clustering_method"),
        ({"significance_level": 0}, "significance_level"),
        ({"significance_level": 1.0}, "significance_level"),
        ({"min_slice_size": 0}, "min_slice_size"),
        ({"failure_threshold": 1.5}, "failure_threshold"),
        ({"failure_threshold": math.nan}, "failure_threshold"),
        ({"n_samples": 1}, "n_samples"),
        ({"max_concurrent_requests": 0}, "max_concurrent_requests"),
        ({"temperature": -0.1}, "temperature"),
        ({"consistency_threshold": 2}, "consistency_threshold"),
        ({"test": "t"}, "test"),
        ({"embedding_model": 3}, "embedding_model"),
        ({"embedding_model": ""}, "embedding model"),
        ({"significance_level": "x"}, "significance_level"),
        ({"model": 3}, "model is 3; expected a litellm name"),
        ({"model": " "}, "model is ' '"),
        ({"entropy_grouping": "median"}, "entropy_grouping"),
    ],
)
def test_wrong_settings_are_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        SliceAnalyzer(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "prompts is empty"),
        (("a prompt", ["r"]), "prompts is str"),
        ((["a"], ["r", "s"]), "responses has 2 values for 1 prompts"),
        ((["a", 3], ["r", "s"]), r"prompts\[1\] is int"),
        ((["a"], [4]), r"responses\[0\] is int"),
        ((["a"], ["r"], [1.2]), r"scores\[0\] is 1.2"),
        ((["a"], ["r"], ["good"]), r"scores\[0\] is 'good'"),
        ((["a"], ["r"], [1.0, 0.0]), "scores has 2 values"),
        ((["a"], ["r"], None, ["x", "y"]), "references has 2 values"),
        ((["a"], ["r"]), "neither scores nor references"),
    ],
)
def test_wrong_arguments_are_refused(analyzer, arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        analyzer.analyze(*arguments)


def test_wrong_comparisons_and_audits_are_refused(analyzer):
    with pytest.raises(ConfigurationError, match="scores_b is missing"):
        analyzer.compare_models(["a"], ["b"], ["c"], scores_a=[1.0])
    with pytest.raises(ConfigurationError, match="scores_a is missing"):
        analyzer.compare_models(["a"], ["b"], ["c"], scores_b=[1.0])
    for wrong in ({"min_gap_size": 0}, {"distance_threshold": -1.0}):
        with pytest.raises(ConfigurationError):
            analyzer.audit_coverage(["a"], ["b"], **wrong)
    with pytest.raises(ConfigurationError, match="production_prompts is empty"):
        analyzer.audit_coverage(["a"], [])


@pytest.mark.parametrize("n", [1, 10])
@pytest.mark.parametrize("kind", ["passing", "failing", "mixed", "unscored"])
def test_small_and_uniform_inputs_are_valid_reports_that_say_so(analyzer, n, kind):
    prompts = [f"prompt about {word}" for word in WORDS[:n]]
    scores = {"passing": [1.0] * n, "failing": [0.0] * n, "mixed": [float(i % 2) for i in range(n)]}.get(
        kind, [None] * n
    )
    report = analyzer.analyze(prompts, prompts, scores=scores)
    assert (report.slices, report.num_significant) == ([], 0)
    assert report.metadata["note"]
    assert report.metadata["note"] in str(report).replace("\n", " ")
    compared = analyzer.compare_models(prompts, prompts, prompts, scores_a=scores, scores_b=scores)
    assert compared.slices == []
    assert compared.metadata["note"]
    audited = analyzer.audit_coverage(prompts, prompts)
    assert (audited.gaps, audited.overall_coverage_score) == ([], 1.0)
    for one in (report, compared, audited):
        json.dumps(one.to_dict(), allow_nan=False)


@pytest.mark.parametrize("method", ["agglomerative", "hdbscan"])
def test_pure_noise_is_a_report_without_findings(method):
    class Noise:
        def embed(self, texts):
            return np.random.default_rng(len(texts)).normal(size=(len(texts), 16))

    scores = np.random.default_rng(1).integers(0, 2, size=200)
    report = SliceAnalyzer(embedding_model=Noise(), clustering_method=method).analyze(PROMPTS, RESPONSES, scores=scores)
    assert report.slices == []
    assert report.embedding_model == "Noise"
    assert report.clustering_method == method


def test_both_tree_methods_and_all_tests_find_the_planted_slice():
    for arguments in ({"clustering_method": "hdbscan"}, {"test": "fisher"}, {"test": "chi2"}):
        report = SliceAnalyzer(**arguments).analyze(PROMPTS, RESPONSES, scores=SCORES)
        assert len(set(report.slices[0].sample_indices) & set(range(100))) >= 90
        assert report.slices[0].test_used == arguments.get("test", "midp")


def test_any_object_with_embed_is_an_embedder():
    class Plain:
        def embed(self, texts):
            return [[3.0, 4.0]] * len(texts)

    class Faultmaps:
        model_name = "theirs"

        def embed(self, texts, *, usage="generic"):
            raise AssertionError

        def embed_queries(self, texts):
            return np.ones((len(texts), 2))

        def embed_documents(self, texts):
            return np.zeros((len(texts), 2))

    assert AnyEmbedder(Plain()).embed(["a", "b"]) == pytest.approx(np.array([[0.6, 0.8]] * 2))
    theirs = AnyEmbedder(Faultmaps())
    assert (theirs.id, AnyEmbedder(Plain()).id) == ("theirs", "Plain")
    assert theirs.embed(["a"], "document").sum() == 0.0
    assert AnyEmbedder(get_embedder()).id == get_embedder().id


@pytest.mark.parametrize("rows", [[[1.0, 2.0]], [[math.nan, 1.0]] * 2, 3.0])
def test_an_embedder_that_returns_something_else_is_an_error(rows):
    class Wrong:
        def embed(self, texts):
            return rows

    with pytest.raises(EmbeddingError, match="Wrong returned shape"):
        AnyEmbedder(Wrong()).embed(["a", "b"])


def test_an_embedder_that_fails_is_named():
    class Broken:
        def embed(self, texts):
            raise RuntimeError("no network")

    with pytest.raises(EmbeddingError, match="Broken failed on 2 texts: no network"):
        SliceAnalyzer(embedding_model=Broken()).analyze(["a", "b"], ["c", "d"], scores=[0, 1])


def test_the_logger_tells_each_step(analyzer, caplog):
    with caplog.at_level(logging.INFO, logger="faultmap"):
        analyzer.analyze(PROMPTS, RESPONSES, scores=SCORES)
    told = " ".join(record.getMessage() for record in caplog.records)
    for step in (
        "Scoring mode: precomputed",
        "Failures: 76/200",
        "Embedding",
        "Clustering",
        "Testing",
        "failure slice",
    ):
        assert step in told
    assert {record.name for record in caplog.records} == {"faultmap"}


def test_copies_of_prompts_are_embedded_once():
    class Counting:
        seen = 0

        def embed(self, texts):
            self.seen += len(texts)
            return get_embedder().embed(texts)

    embedder = Counting()
    SliceAnalyzer(embedding_model=embedder).analyze(PROMPTS * 3, RESPONSES * 3, scores=SCORES * 3)
    assert embedder.seen == len(set(PROMPTS))


def naming(body, n):
    """Name what is to be named; anything else is a prompt to the model under test."""
    regions = re.findall(r"^Region (R\d+):", body["messages"][-1]["content"], re.MULTILINE)
    if not regions:
        return answer(body, n)
    words = {"description": "They ask for it.", "root_cause": "It guesses.", "suggested_remediation": "Do not guess."}
    return {
        "regions": [
            {"region": one, "name": f"Region number {one}", **words, "cited_example_ids": [f"{one}E1"]}
            for one in regions
        ]
    }


GUESSES = ["a red apple", "the deep ocean", "some old music", "twelve tigers", "no idea at all", "green paper boats"]


def answer(body, n):
    """Sure of sentences, and guessing sums: each sample, which has a seed of its own, is another guess."""
    prompt = body["messages"][-1]["content"]
    return GUESSES[body["seed"] % len(GUESSES)] if "plus" in prompt else f"Here is a sentence: {prompt}"


def test_a_model_names_every_kind_of_finding(llm_server):
    llm_server.reply = naming
    model = language_model(llm_server)
    analyzer = SliceAnalyzer(model=model)
    failing = analyzer.analyze(PROMPTS, RESPONSES, scores=SCORES)
    uncovered = analyzer.audit_coverage(SENTENCES, [f"{one} Please." for one in SENTENCES] + SUMS)
    compared = analyzer.compare_models(PROMPTS, RESPONSES, RESPONSES, scores_a=SCORES, scores_b=SCORES[::-1])
    findings = [*failing.slices, *uncovered.gaps, *compared.slices]
    assert {type(one).__name__ for one in findings} == {"FailureSlice", "CoverageGap", "SliceComparison"}
    for one in findings:
        assert (one.named_by, one.description, one.naming_note) == (model.id, "They ask for it.", "")
        assert (one.root_cause, one.suggested_remediation) == ("It guesses.", "Do not guess.")
        assert len(one.cited_examples) == 1
        assert one.keywords
    for report, cause, repair in (
        (failing, "Root cause", "Suggested fix"),
        (uncovered, "Not tested", "Tests to add"),
        (compared, "Root cause", "Suggested fix"),
    ):
        assert f"{cause}: It guesses." in str(report)
        assert f"{repair}: Do not guess." in str(report)
    first, gap = failing.slices[0], uncovered.gaps[0]
    assert first.cited_examples[0] == first.examples[0]["example_id"]
    assert gap.cited_examples[0].startswith("production ")
    assert int(gap.cited_examples[0].split()[1]) in gap.prompt_indices


def test_without_credentials_findings_are_named_by_keywords(analyzer, caplog):
    default = SliceAnalyzer()
    with caplog.at_level(logging.INFO, logger="faultmap"):
        found = [default.analyze(PROMPTS, RESPONSES, scores=SCORES).slices[0] for _ in range(2)]
    plain = analyzer.analyze(PROMPTS, RESPONSES, scores=SCORES).slices[0]
    assert [one.name for one in found] == [plain.name] * 2
    assert (found[0].named_by, plain.naming_note) == ("keywords", "")
    assert "OPENAI_API_KEY" in found[0].naming_note
    assert len([record for record in caplog.records if "OPENAI_API_KEY" in record.getMessage()]) == 1


def test_that_the_key_is_missing_is_known_without_importing_litellm():
    code = (
        "import sys; from faultmap_core.compat.faultmap.analyzer_scoring import FrontDoorModels as Models;"
        "print([Models(name, None, None, None, 1).main.available() for name in sys.argv[1:]]);"
        "assert 'litellm' not in sys.modules"
    )
    names = ["gpt-4o-mini", "gpt-3.5-turbo", "gpt-5", "openai/some-model"]
    told = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True).stdout
    assert ast.literal_eval(told) == [LanguageModel(name).available() for name in names]


def test_calls_that_fail_leave_keywords_and_the_report_whole(llm_server, analysis):
    llm_server.always = "bad_request"
    found = SliceAnalyzer(model=language_model(llm_server)).analyze(PROMPTS, RESPONSES, scores=SCORES)
    assert [one.name for one in found.slices] == [one.name for one in analysis.slices]
    assert "bad_request" in found.slices[0].naming_note


def test_neither_scores_nor_references_samples_the_model(llm_server):
    llm_server.reply = naming
    prompts = SUMS[:30] + SENTENCES[:30]
    responses = ["a red apple"] * 30 + [f"Here is a sentence: {prompt}" for prompt in SENTENCES[:30]]
    analyzer = SliceAnalyzer(model=language_model(llm_server), n_samples=3)
    report = analyzer.analyze(prompts, responses)
    assert report.scoring_mode == "entropy"
    assert report.slices[0].sample_indices == list(range(30))
    assert (report.slices[0].failure_rate, report.slices[0].baseline_rate) == (1.0, 0.0)
    assert report.slices[0].name == "Region number R1"
    told = report.metadata["scoring_metadata"]
    faultmaps = {"n_samples", "temperature", "semantic_entropy", "self_consistency", "normalized_entropy", "scores"}
    assert faultmaps <= set(told)
    assert told["normalized_entropy"][30:] == [0.0] * 30
    assert told["answered_samples"] == [3] * 60
    json.dumps(report.to_dict(), allow_nan=False)
    assert llm_server.count == 181
    analyzer.analyze(prompts, responses)
    assert llm_server.count == 181


def test_samples_that_fail_leave_prompts_unscored_and_the_report_says_why(llm_server, tmp_path, caplog):
    llm_server.reply = naming
    llm_server.always = "bad_request"
    model = language_model(llm_server)
    report = SliceAnalyzer(model=model, n_samples=2).analyze(["a plus b"], ["c"])
    assert (report.slices, report.scoring_mode) == ([], "entropy")
    assert report.metadata["note"].startswith("No row has a score. 1 of 1 prompts have no score")
    assert "bad_request" in report.metadata["note"]
    assert "no score" in caplog.text


def test_a_comparison_samples_each_model_itself(llm_server):
    def reply(body, n):
        return "certain" if body["model"] == "sure" else GUESSES[body["seed"] % len(GUESSES)]

    llm_server.reply = reply
    where = {"api_base": llm_server.url, "api_key": "dummy"}
    sure, unsure = (LanguageModel(f"openai/{name}", parameters=where) for name in ("sure", "unsure"))
    responses = ["certain"] * 20
    report = SliceAnalyzer(model=None, n_samples=2, temperature=0.4).compare_models(
        SUMS[:20], responses, responses, model_a=sure, model_b=unsure
    )
    assert [sum(body["model"] == name for body in llm_server.requests) for name in ("sure", "unsure")] == [40, 40]
    assert (report.scoring_mode, report.global_winner) == ("entropy", "a")
    assert (report.failure_rate_a, report.failure_rate_b) == (0.0, 1.0)
    told = report.metadata["scoring_metadata"]
    assert (told["model_a"]["model"], told["model_b"]["model"]) == (sure.id, unsure.id)
    assert {body["temperature"] for body in llm_server.requests} == {0.4}


def test_entropy_without_a_model_to_sample_says_what_to_give(analyzer, monkeypatch):
    with pytest.raises(ConfigurationError, match="model is None; give model"):
        analyzer.analyze(["a"], ["b"])
    with pytest.raises(ConfigurationError, match=r"gpt-4o-mini.*OPENAI_API_KEY"):
        SliceAnalyzer().analyze(["a"], ["b"])
    with pytest.raises(ConfigurationError, match=r"give model_a and model_b .*or give scores"):
        SliceAnalyzer().compare_models(["a"], ["b"], ["c"])
    with pytest.raises(ConfigurationError, match="give model_b "):
        SliceAnalyzer().compare_models(["a"], ["b"], ["c"], model_a="gpt-4o")
    with pytest.raises(ConfigurationError, match=r"model_a .*gpt-4o.*OPENAI_API_KEY"):
        SliceAnalyzer().compare_models(["a"], ["b"], ["c"], model_a="gpt-4o", model_b="gpt-4o-mini")
    monkeypatch.setenv("OPENAI_API_KEY", "dummy")
    with pytest.raises(ConfigurationError, match="model_b is 7"):
        SliceAnalyzer().compare_models(["a"], ["b"], ["c"], model_a="gpt-4o", model_b=7)


def test_models_given_by_name_share_a_cache_a_budget_and_templates(llm_server, tmp_path, monkeypatch):
    llm_server.reply = lambda body, n: f"answer {n}"
    monkeypatch.setenv("OPENAI_API_KEY", "dummy")
    monkeypatch.setenv("OPENAI_API_BASE", llm_server.url)
    options = {"model": "openai/test", "n_samples": 2, "llm_cache": tmp_path / "calls.db"}
    SliceAnalyzer(**options).analyze(SUMS[:3], RESPONSES[:3])
    SliceAnalyzer(**options).analyze(SUMS[:3], RESPONSES[:3])
    assert llm_server.count == 6
    report = SliceAnalyzer(**options, budget=Budget(calls=8)).analyze(SUMS[:6], RESPONSES[:6])
    assert llm_server.count == 8
    assert len(report.metadata["scoring_metadata"]["unscored"]) in (2, 3)
    assert "budget" in report.metadata["note"]


SCRIPT_NAMES = sorted(path.name for path in SCRIPTS.glob("*.py"))


def run_script(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runpy.run_path(str(SCRIPTS / name))


@pytest.mark.parametrize("script", [name for name in SCRIPT_NAMES if name != "reference_free.py"])
def test_example_scripts_run_and_print_a_finding(script, capsys):
    run_script(script)
    told = capsys.readouterr().out
    assert told.startswith("FAULTMAP")
    assert "1 " in told.splitlines()[1] + told.splitlines()[2]


TEACHERS = ["Anna Berg", "Piet de Vries", "Marie Dupont", "Olga Ivanova", "Tom O'Neill", "Ravi Shah", "Lin Wei"]


def test_the_reference_free_script_finds_where_the_model_makes_things_up(llm_server, monkeypatch, capsys):
    def reply(body, n):
        prompt = body["messages"][-1]["content"]
        return (
            TEACHERS[body["seed"] % len(TEACHERS)]
            if "teacher" in prompt
            else capitals[re.search(r"of (\w+)[?.]", prompt)[1]]
        )

    source = (SCRIPTS / "reference_free.py").read_text(encoding="utf-8")
    capitals = dict(re.findall(r'"(\w+)": "(\w+)"', source))
    llm_server.reply = lambda body, n: naming(body, n) if "Region R1" in str(body) else reply(body, n)
    monkeypatch.setenv("FAULTMAP_MODEL", "openai/test")
    monkeypatch.setenv("OPENAI_API_BASE", llm_server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "dummy")
    run_script("reference_free.py")
    told = capsys.readouterr().out
    assert told.startswith("FAULTMAP")
    assert "1 failure slice" in told
    assert "Suggested fix: Do not guess." in told


def test_the_reference_free_script_says_what_it_needs():
    with pytest.raises(SystemExit, match="OPENAI_API_KEY"):
        run_script("reference_free.py")
