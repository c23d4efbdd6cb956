"""What a dataset says about itself: planted faults, simulations and hand calculations."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.error_analysis.answers.extraction import expected_answer
from faultmap_core.error_analysis.quality.assessment import FLAGS, AnswerTable, QualitySettings, assess_dataset
from faultmap_core.error_analysis.quality.label_agreement import (
    AgreementSettings,
    comparable_answer,
    comparable_references,
    wrong_agreement,
)
from faultmap_core.error_analysis.quality.model_families import families_of, model_family
from faultmap_core.error_analysis.quality.shared_mistakes import mistake_profile
from faultmap_core.stats.exact_tests import mcnemar_midp, wilson_interval
from faultmap_core.stats.power import item_rest_correlations, minimum_detectable_difference, resolution

OPTIONS = "What is it?\nOptions:\n(A) red\n(B) green\n(C) blue\n(D) black\n(E) white"
DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "evals"


def table(rows):
    """rows: (example, model, prompt, response, reference, failed)."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    return AnswerTable(*columns[:5], np.array(columns[5], dtype=np.float64))


def flags_of(quality, flag):
    return [one for one in quality.items if one.flag == flag]


@pytest.mark.parametrize(
    ("prompt", "reference", "response", "expected"),
    [
        ("2+2?", "4", "Two and two.\nA: 4", "4"),
        ("2+2?", "4", "2+2 = <<2+2=4>>4\n#### 4.0", "4"),
        ("Cost?", "2,125", "The answer is $2,375.00.", "2375"),
        ("Cost?", "10", "So \\boxed{0.50}", "0.5"),
        ("2+2?", "4", "I added 2 and 2 and then wrote a lot about the sum of these numbers, which I think is 4.", None),
        (OPTIONS, "(B)", "It cannot be (A). So the answer is (C).", "C"),
        (OPTIONS, "(B)", "C", "C"),
        (OPTIONS, "(B)", "The answer is blue.", "C"),
        (OPTIONS, "(B)", "The answer is not among the choices, but closest to blue.", None),
        (OPTIONS, "(B)", "The answer is (A) or (C).", None),
        ("Is it so?", "No", "Well. So the answer is yes.", "yes"),
        ("Is it so?", "No", "False", "no"),
        ("Capital of France?", "Paris", "Answer: PARIS.", "paris"),
        ("print('paris'.upper())", "PARIS", "Answer: paris", None),
        ("Which is less, 17 or 261?", "17", "The answer is 17 and 261.", None),
        ("Which digits stand for thirty-five?", "35", "thirty-five", None),
        ("Is ten smaller than three?", "no", 'No, the answer is not "yes."', None),
        ("Capital of France?", "Paris", "", None),
        ("Capital of France?", "Paris", None, None),
        ("Tell me of Paris.", "Paris is the capital of France and lies on the Seine.", "Answer: It is large.", None),
    ],
)
def test_only_certain_final_answers_are_compared(prompt, reference, response, expected):
    assert comparable_answer(expected_answer(prompt, reference), response) == expected


def test_references_have_the_form_of_answers():
    assert comparable_references(expected_answer("Cost?", "$2,125.00")) == {"2125"}
    assert comparable_references(expected_answer(OPTIONS, "(B)")) == {"B"}
    assert comparable_references(expected_answer(OPTIONS, "green")) == {"B"}
    assert comparable_references(expected_answer("Cost?", None)) == frozenset()


def choice_table(rng, n, models, accuracy, wrong_labels=()):
    """Models that choose among A to E, the wrong ones at random; labels of `wrong_labels` are shifted."""
    rows, truth = [], rng.integers(5, size=n)
    for item in range(n):
        label = (truth[item] + 1) % 5 if item in wrong_labels else truth[item]
        for model in range(models):
            answer = truth[item] if rng.random() < accuracy else (truth[item] + rng.integers(1, 5)) % 5
            rows.append(
                (
                    f"e{item:04d}",
                    f"m{model}",
                    f"Question {item}. {OPTIONS}",
                    f"The answer is ({'ABCDE'[answer]}).",
                    "ABCDE"[label],
                    float(answer != label),
                )
            )
    return table(rows)


def test_planted_wrong_labels_are_found_and_right_ones_hardly_suspected():
    wrong = set(range(0, 400, 20))
    quality = assess_dataset(choice_table(np.random.default_rng(0), 400, 5, 0.8, wrong))
    suspects = flags_of(quality, "suspect_label")
    hits = [int(one.example_id[1:]) in wrong for one in suspects]
    # Five models at .8: four or five agree on the truth, and none on the wrong label, in 74 % of the items less those
    # in which the fifth has the label by chance.
    assert sum(hits) >= 11
    assert len(hits) - sum(hits) <= 2
    first = suspects[0]
    assert len(first.models) == 5
    assert "5 of 5 independent models answer" in first.evidence
    # All five agree: mid of four wrong options.
    assert first.chance == pytest.approx(4 * (1 / 4) ** 5)
    scores = [one.score for one in suspects]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("names", [["m0", "m1", "m2", "m3", "m4"], ["gpt-4o", "gpt-4o-mini", "gpt-3.5", "o3", "llama"]])
def test_models_of_one_family_are_one_witness(names):
    answers = choice_table(np.random.default_rng(0), 400, 5, 0.8, set(range(0, 400, 20)))
    renamed = AnswerTable(
        answers.example_ids,
        [names[int(model[1:])] for model in answers.models],
        answers.prompts,
        answers.responses,
        answers.references,
        answers.failed,
    )
    one_line = len(set(map(model_family, names))) < 3
    assert (flags_of(assess_dataset(renamed), "suspect_label") == []) is one_line
    settings = QualitySettings(families={name: f"family {i}" for i, name in enumerate(names)})
    assert flags_of(assess_dataset(renamed, settings), "suspect_label")


def test_chance_and_score_of_an_agreement_by_hand():
    # 30 items on which three models err, on ten of them alike; 60 that all have right: each is right on 60 of 90.
    expected = [expected_answer("How many?", "1")] * 90
    answers = [["2"] * 3 if item < 10 else ["3", "4", "5"] if item < 30 else ["1"] * 3 for item in range(90)]
    passed = np.repeat(np.array([[0.0]] * 30 + [[1.0]] * 60), 3, axis=1)
    settings = AgreementSettings(min_score=-9.0, max_chance=1.0, min_wrong_share=0.0)
    found = wrong_agreement(answers, expected, passed, ["kestrel", "heron", "wren"], settings)
    # Of 30 * 3 pairs of wrong answers 10 * 3 are equal.
    assert found.coincidence == pytest.approx(1 / 3)
    assert found.compared == 1.0
    assert [one.item for one in found.suspicions] == list(range(10))
    first = found.suspicions[0]
    # Right with probability 61/92; a given wrong answer has 31/92 * 1/3: log10(183 / 31) for each of the three.
    assert first.score == pytest.approx(3 * np.log10(183 / 31))
    # Five distinct answers, four of them wrong: three draws coincide with probability 1/16.
    assert first.chance == pytest.approx(1 / 16)
    assert (first.families, first.compared) == (3, 3)
    # Two of them are too few, however well they agree.
    two = wrong_agreement([row[:2] for row in answers], expected, passed[:, :2], ["kestrel", "heron"], settings)
    assert two.suspicions == ()


def test_a_family_that_disagrees_with_itself_or_has_the_reference_is_no_witness():
    expected = [expected_answer("How many?", "1")] * 90
    # Columns: two models of one family, three others. On item 0 the family splits, on item 1 one of it has the label.
    answers = [["2", "3", "2", "2", "2"], ["2", "1", "2", "2", "2"], ["2"] * 5]
    answers += [["1"] * 5 if item % 3 else ["3", "4", "5", "6", "7"] for item in range(87)]
    passed = np.array([[float(one == "1") for one in row] for row in answers])
    settings = AgreementSettings(min_score=-9.0, max_chance=1.0, min_wrong_share=0.0)
    found = wrong_agreement(answers, expected, passed, ["a", "a", "b", "c", "d"], settings)
    assert {one.item: (one.families, one.compared) for one in found.suspicions} == {0: (3, 4), 2: (4, 4)}


def test_shared_mistakes_convict_no_label():
    """Five families with no wrong label among 3,000 items, and many mistakes that they share, fewer with every k."""
    rng = np.random.default_rng(7)
    answers, passed = [], []
    for _ in range(3000):
        # A trap of this item draws each family in with the same probability, which is what sharing mistakes means.
        trap = rng.beta(0.6, 3.0)
        row = [
            "2" if rng.random() < trap else "1" if rng.random() < 0.9 else str(rng.integers(3, 30)) for _ in range(5)
        ]
        answers.append(row)
        passed.append([float(one == "1") for one in row])
    expected = [expected_answer("How many?", "1")] * 3000
    families = ["a", "b", "c", "d", "e"]
    loose = AgreementSettings(min_wrong_share=0.0)
    assert len(wrong_agreement(answers, expected, np.array(passed), families, loose).suspicions) > 5
    assert wrong_agreement(answers, expected, np.array(passed), families).suspicions == ()


def test_the_mistake_profile_is_the_mixture_that_was_drawn():
    confirmed = np.array([10, 30, 100, 200, 400, 800, 1600.0])
    mistakes = 500 * 0.4 ** np.arange(7.0)
    profile = mistake_profile(0.05 * confirmed + mistakes, confirmed, np.zeros(7))
    for k in (4, 5, 6):
        truth = 0.05 * confirmed[k] / (0.05 * confirmed[k] + mistakes[k])
        # Never above the truth by more than its rounding; below it by what one standard error of the ratio leaves open.
        assert truth - 0.2 < profile.wrong_share(k) <= truth + 0.02
    assert mistake_profile(mistakes, confirmed, np.zeros(7)).wrong_share(6) < 0.5


@pytest.mark.parametrize(
    ("names", "family"),
    [
        (["Meta-Llama-3_1-70B-Instruct", "meta-llama/Llama-3.1-8B", "ollama:llama3.1:8b"], "llama"),
        (["smollm2-135m-few-shot", "smollm2-135m-zero-shot"], "smollm"),
        (["openai:gpt-4o-mini", "openai/gpt-4.1", "o3-mini", "text-davinci-003", "gpt-4 | prompt 2"], "gpt"),
        (["Mixtral-8x7B-Instruct-v0.1", "Mistral-7B-v0.2-hf"], "mistral"),
        (["anthropic/claude-3-5-sonnet", "bedrock:us.anthropic.claude-3"], "claude"),
        (["6b_finetuning", "175b_verification", "cot", "direct"], ""),
        (["c4ai-command-r-v01"], "command"),
        (["gemini-1.5-flash-002"], "gemini"),
        (["phi-3 (temperature 0.7)"], "phi"),
    ],
)
def test_a_family_is_what_the_name_says_without_settings_sizes_and_versions(names, family):
    assert {model_family(name) for name in names} == {family}


def test_placeholders_are_families_of_their_own_and_families_can_be_named():
    assert len(set(families_of(["A", "B", "m0", "m1", "model-2"]))) == 5
    assert families_of(["6b_finetuning", "175b_finetuning"], {"6b_finetuning": "small"}) == ("small", "")


def test_the_chance_is_a_bound_for_wrong_answers_drawn_alike():
    rng = np.random.default_rng(1)
    draws = rng.integers(8, size=(20_000, 6))
    most = np.array([np.bincount(row).max() for row in draws])
    for agreeing in (2, 3, 4):
        bound = min(1.0, stats.binom.sf(agreeing - 1, 6, 1 / 8) * 8)
        assert (most >= agreeing).mean() <= bound + 0.01


def test_two_wrong_answers_to_a_yes_or_no_question_always_agree_and_prove_nothing():
    rows = []
    for item in range(60):
        for model in ("a", "b"):
            response = "yes" if item % 2 else "no"
            rows.append((f"e{item}", model, f"Is {item} so?", response, "yes", float(response != "yes")))
    quality = assess_dataset(table(rows))
    assert quality.wrong_agreement == 1.0
    assert flags_of(quality, "suspect_label") == []


def test_answers_that_the_score_contradicts_are_flagged():
    rows = [
        ("e1", "a", OPTIONS, "(B)", "(B)", 1.0),
        ("e1", "b", OPTIONS, "(C)", "(B)", 0.0),
        ("e1", "c", OPTIONS, "(C)", "(B)", 1.0),
        # Another text, or a rounded number, may be accepted as the same.
        ("e2", "a", "Which country?", "USA", "United States", 0.0),
        ("e3", "a", "How much?", "3.14", "3.1416", 0.0),
    ]
    (found,) = flags_of(assess_dataset(table(rows)), "misjudged_answer")
    assert (found.example_id, found.models, found.score) == ("e1", ("a", "b"), 2.0)
    assert "equal to the reference and failed" in found.evidence
    assert "another option than the reference and passed" in found.evidence


def test_copies_and_contradictory_labels():
    rows = [
        ("e1", "a", "Is it raining?", "yes", "Yes", 0.0),
        ("e2", "a", "is it  RAINING?", "yes", "No", 1.0),
        ("e3", "a", "Two and two?", "4", "4", 0.0),
        ("e4", "a", "two and two?", "4", "4.0", 0.0),
        ("e5", "a", "Three and three?", "6", "6", 0.0),
        ("e5", "b", "Three and three?", "6", "7", 0.0),
        ("e6", "a", "Four and four?", "8", "8", 0.0),
    ]
    quality = assess_dataset(table(rows), near_copies={"e3": 1, "e4": 1, "e6": 1, "e5": 2})
    contradictory = flags_of(quality, "contradictory_label")
    assert [one.example_id for one in contradictory] == ["e1", "e2", "e5"]
    assert "“No” and “Yes”" in contradictory[0].evidence
    assert contradictory[0].others == ("e2",)
    assert [one.example_id for one in flags_of(quality, "duplicate")] == ["e3", "e4"]
    near = {one.example_id: one.others for one in flags_of(quality, "near_duplicate")}
    assert near == {"e3": ("e6",), "e4": ("e6",), "e6": ("e3",)}
    assert (quality.examples, quality.prompts) == (6, 4)
    assert quality.duplicate_share == pytest.approx(2 / 6)


def test_many_copies_name_only_a_few_others():
    rows = [(f"e{i:02d}", "a", "Same?", "yes", "Yes", 0.0) for i in range(12)]
    first = flags_of(assess_dataset(table(rows)), "duplicate")[0]
    assert len(first.others) == 5
    assert first.evidence.endswith("and 6 more")


def test_items_that_all_fail_and_that_a_judge_found_right():
    rows = [(f"e{i}", m, f"p{i}", "x", "y", float(i < 2 or m == "a")) for i in range(10) for m in "ab"]
    rows += [
        ("alone", "a", "p", "x", "y", 1.0),
        ("open", "a", "q", "x", "y", np.nan),
        ("open", "b", "q", "x", "y", 1.0),
    ]
    quality = assess_dataset(table(rows), no_error_found=[("e1", "b"), ("e1", "a"), ("e3", "a")])
    fail = flags_of(quality, "all_models_fail")
    assert [one.example_id for one in fail] == ["e0", "e1"]
    # A fails everything; B fails 3 of 11.
    assert fail[0].score == pytest.approx(-np.log10(3 / 11))
    assert (quality.all_fail, quality.all_pass) == (2, 0)
    judged = flags_of(quality, "no_error_found")
    assert [(one.example_id, one.models) for one in judged] == [("e1", ("a", "b")), ("e3", ("a",))]
    assert set(quality.flags) == set(FLAGS)
    assert quality.flags["no_error_found"] == 2


def test_item_rest_correlation_matches_scipy():
    rng = np.random.default_rng(2)
    ability = rng.normal(size=7)
    passed = (rng.normal(size=(60, 7)) < ability).astype(np.float64)
    passed[rng.random(passed.shape) < 0.1] = np.nan
    found = item_rest_correlations(passed)
    checked = 0
    for item in range(60):
        known = ~np.isnan(passed[item])
        x = passed[item, known]
        if known.sum() < 4 or min(x.sum(), (1 - x).sum()) < 2:
            assert np.isnan(found[item])
            continue
        rest = np.nanmean(np.delete(passed, item, axis=0), axis=0)[known]
        assert found[item] == pytest.approx(stats.pointbiserialr(x, rest).statistic, abs=1e-12)
        checked += 1
    assert checked > 20


def test_an_item_that_only_weak_models_pass_is_flagged():
    rows = []
    for item in range(40):
        for model in range(6):
            passes = item < 6 * model if item else model < 3
            rows.append((f"e{item}", f"m{model}", f"p{item}", "x", "y", float(not passes)))
    (found,) = flags_of(assess_dataset(table(rows)), "negative_discrimination")
    assert (found.example_id, found.models) == ("e0", ("m0", "m1", "m2"))
    assert found.score > 0.8


def test_skills_that_no_longer_tell_models_apart():
    rows = []
    for item in range(160):
        for model in ("a", "b"):
            failed = item >= 100 or (item >= 60 and model == "b" and item % 2 == 0)
            rows.append((f"e{item:03d}", model, f"p{item}", "x", "y", float(failed)))
    rows.append(("extra", "a", "p", "x", "y", 0.0))
    skills = {
        "easy": [f"e{i:03d}" for i in range(60)],
        "mixed": [f"e{i:03d}" for i in range(60, 100)],
        "hard": [f"e{i:03d}" for i in range(100, 160)],
        "tiny": ["e000", "extra"],
        "none": [],
    }
    found = {one.skill: one for one in assess_dataset(table(rows), skills=skills).skills}
    assert {name: one.state for name, one in found.items()} == {
        "easy": "saturated",
        "hard": "unsolved",
        "mixed": "separates",
        "none": "too_few",
        "tiny": "too_few",
    }
    assert (found["mixed"].lowest_pass_rate, found["mixed"].highest_pass_rate) == (0.5, 1.0)
    assert found["easy"].lowest_bound == pytest.approx(float(wilson_interval(1.0, 60)[0]))
    assert found["tiny"].examples == 1
    assert found["none"].lowest_pass_rate is None


@pytest.mark.parametrize(("n", "discordance", "power"), [(300, 0.3, 0.8), (1000, 0.1, 0.8), (2000, 0.4, 0.9)])
def test_detectable_difference_has_its_power(n, discordance, power):
    difference = minimum_detectable_difference(n, discordance, 0.05, power)
    rng = np.random.default_rng(3)
    wins = rng.multinomial(
        n, [(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance], size=3000
    )
    outcomes, counts = np.unique(wins[:, :2], axis=0, return_counts=True)
    found = sum(count for (a, b), count in zip(outcomes, counts, strict=True) if mcnemar_midp(int(a), int(b)) <= 0.05)
    assert found / 3000 == pytest.approx(power, abs=0.03)


def test_detectable_difference_is_connors_formula_turned_round():
    n, psi = 500, 0.25
    d = minimum_detectable_difference(n, psi)
    a, b = stats.norm.ppf(0.975), stats.norm.ppf(0.8)
    assert ((a * np.sqrt(psi) + b * np.sqrt(psi - d**2)) / d) ** 2 == pytest.approx(n, rel=1e-9)


def test_detectable_difference_at_its_edges():
    # More difference than disagreement there cannot be: all disagreements favour one side.
    d = minimum_detectable_difference(200, 0.01)
    a, b = stats.norm.ppf(0.975), stats.norm.ppf(0.8)
    assert ((a * np.sqrt(d) + b * np.sqrt(d - d**2)) / d) ** 2 == pytest.approx(200, rel=1e-6)
    assert d > 0.01
    assert minimum_detectable_difference(200, 0.0) == pytest.approx(d)
    assert minimum_detectable_difference(3, 0.5) is None
    with pytest.raises(ConfigurationError, match=r"discordance 1\.5"):
        minimum_detectable_difference(100, 1.5)


def test_resolution_of_several_models_counts_copies_once():
    passed = np.array([[1, 0, 1], [1, 1, 0], [0, 0, np.nan], [1, 1, 1]] * 50, dtype=np.float64)
    found = resolution(passed)
    # Pairs disagree on 1/4 of 200, 1/3 of 150 (A and C) and 2/3 of 150 prompts (B and C).
    assert (found.pairs, found.prompts) == (3, 150)
    assert found.discordance == pytest.approx(1 / 3)
    assert found.difference == pytest.approx(minimum_detectable_difference(150, 1 / 3))
    assert found.smallest == pytest.approx(minimum_detectable_difference(200, 1 / 4))
    assert found.largest == pytest.approx(minimum_detectable_difference(150, 2 / 3))
    assert resolution(passed[:, :1]) is None
    rows = [
        (f"e{i}-{copy}", m, f"prompt {i}", "x", "y", float(m == "a" and i % 3 == 0))
        for i in range(60)
        for copy in range(4)
        for m in "ab"
    ]
    assert assess_dataset(table(rows)).resolution.prompts == 60


def test_result_is_json_and_does_not_depend_on_the_order_of_rows():
    answers = choice_table(np.random.default_rng(4), 80, 4, 0.6, {3, 40})
    order = np.random.default_rng(5).permutation(len(answers))
    columns = ("example_ids", "models", "prompts", "responses", "references")
    shuffled = AnswerTable(*([getattr(answers, name)[i] for i in order] for name in columns), answers.failed[order])
    skills = {"all": sorted(set(answers.example_ids))}
    first, second = assess_dataset(answers, skills=skills), assess_dataset(shuffled, skills=skills)
    assert first == second
    assert json.loads(json.dumps(first.to_dict(), allow_nan=False))["models"] == ["m0", "m1", "m2", "m3"]


def test_an_empty_or_unscored_table_is_assessed():
    empty = assess_dataset(table([]))
    assert (empty.examples, empty.items, empty.resolution, empty.wrong_agreement) == (0, (), None, None)
    unscored = assess_dataset(table([("e", m, "p", "x", "y", np.nan) for m in "ab"]), skills={"s": ["e"]})
    assert (unscored.all_fail, unscored.resolution, unscored.skills[0].state) == (0, None, "too_few")


def test_what_does_not_fit_is_refused():
    row = ("e", "a", "p", "x", "y", 1.0)
    with pytest.raises(ConfigurationError, match="example 'e' has two rows of 'a'"):
        table([row, row])
    with pytest.raises(ConfigurationError, match="failed must be"):
        table([("e", "a", "p", "x", "y", 0.5)])
    with pytest.raises(ConfigurationError, match="prompts has 0 values for 1"):
        AnswerTable(["e"], ["a"], [], ["x"], ["y"], np.ones(1))
    for wrong in ({"no_error_found": [("f", "a")]}, {"near_copies": {"f": 1}}, {"skills": {"s": ["f"]}}):
        with pytest.raises(ConfigurationError, match="example 'f' is not among the answers"):
            assess_dataset(table([row]), **wrong)
    for setting in ({"least_discrimination": 0.5}, {"saturated_rate": 0.3}, {"least_items": 0}):
        with pytest.raises(ConfigurationError, match=next(iter(setting))):
            QualitySettings(**setting)


@pytest.mark.skipif(not DATA.exists(), reason="real evals are not here")
def test_known_contradictions_of_a_real_benchmark_are_found():
    import pandas as pd

    rows = pd.read_parquet(DATA / "bbh_cot_vs_direct.parquet")
    rows = rows[rows.category.isin(["causal_judgement", "object_counting"])]
    answers = AnswerTable(
        rows.example_id.tolist(),
        rows.model.tolist(),
        rows.input_text.tolist(),
        [one if isinstance(one, str) else None for one in rows.output_text],
        rows.correct_answer.tolist(),
        1.0 - rows.score.to_numpy(dtype=np.float64),
    )
    quality = assess_dataset(answers)
    assert [one.example_id for one in flags_of(quality, "contradictory_label")] == [
        f"bbh-causal_judgement-{number}" for number in (104, 119, 32, 36)
    ]
    assert flags_of(quality, "misjudged_answer") == []
    assert quality.compared_share > 0.95
