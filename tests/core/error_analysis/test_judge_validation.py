"""Agreement of a judge with people, against statsmodels, scikit-learn and hand counts."""

import json

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, precision_recall_fscore_support
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import proportion_confint

from faultmap_core.base.errors import ConfigurationError, EvalFileError
from faultmap_core.error_analysis.judging.validation import HumanLabel, JudgedAnswer, read_labels, validate_judge

NAMES = {
    "reasoning": "Reasoning",
    "reasoning/arithmetic": "Arithmetic slip",
    "reasoning/logic": "Faulty logic",
    "format": "Format",
    "format/other": "Other",
    "reasoning/other": "Other",
}


def answers(pairs):
    """pairs: (label, is_error by people, category by the judge or None for no error)."""
    labels = [HumanLabel("d", "m", str(i), label, human, i + 2) for i, (label, human, _) in enumerate(pairs)]
    judged = [JudgedAnswer("d", "m", str(i), c is not None, c or "") for i, (_, _, c) in enumerate(pairs)]
    return labels, judged


def test_kinds_match_statsmodels_and_scikit_learn():
    rng = np.random.default_rng(0)
    ids = ["reasoning/arithmetic", "reasoning/logic", "format/other"]
    human = rng.choice(ids, 120)
    judge = np.where(rng.random(120) < 0.7, human, rng.choice(ids, 120))
    labels, judged = answers([(h, True, j) for h, j in zip(human, judge, strict=True)])
    kind = validate_judge(labels, judged, NAMES).kind
    classes = sorted(ids)
    table = np.array([[int(((human == a) & (judge == b)).sum()) for b in classes] for a in classes])
    expected = cohens_kappa(table)
    assert kind.classes == tuple(classes)
    assert kind.confusion == tuple(map(tuple, table.tolist()))
    assert kind.kappa == pytest.approx(cohen_kappa_score(human, judge))
    assert (kind.kappa_low, kind.kappa_high) == pytest.approx((expected.kappa_low, expected.kappa_upp))
    low, high = proportion_confint(int((human == judge).sum()), 120, method="wilson")
    assert (kind.accuracy_low, kind.accuracy_high) == pytest.approx((low, high))
    precision, recall, f1, support = precision_recall_fscore_support(human, judge, labels=classes)
    assert [one.precision for one in kind.per_class] == pytest.approx(precision)
    assert [one.recall for one in kind.per_class] == pytest.approx(recall)
    assert [one.f1 for one in kind.per_class] == pytest.approx(f1)
    assert [one.labelled for one in kind.per_class] == support.tolist()


def test_whether_there_is_an_error_is_a_question_of_its_own():
    # 20 both see an error, 5 only people, 10 only the judge, 15 neither: kappa .4 (the textbook table, turned round).
    pairs = (
        [("", True, "format")] * 20 + [("", True, None)] * 5 + [("", False, "format")] * 10 + [("", False, None)] * 15
    )
    found = validate_judge(*answers(pairs), NAMES)
    assert found.error.kappa == pytest.approx(0.4)
    assert found.error.accuracy == pytest.approx(0.7)
    assert found.error.classes == ("error", "no error")
    assert found.error.confusion == ((20, 5), (10, 15))
    error = found.error.per_class[0]
    assert (error.precision, error.recall) == (pytest.approx(20 / 30), pytest.approx(20 / 25))
    assert found.kind is None


@pytest.mark.parametrize(
    ("label", "judged", "agrees"),
    [
        ("reasoning/arithmetic", "reasoning/arithmetic", True),
        ("ARITHMETIC  slip", "reasoning/arithmetic", True),
        ("Arithmetic", "reasoning/arithmetic", True),
        ("arithmetic_slip", "reasoning/arithmetic", True),
        ("Reasoning", "reasoning/logic", True),
        ("reasoning", "format/other", False),
        ("reasoning/logic", "reasoning/arithmetic", False),
        ("format", "formatting/x", False),
        ("format/other", "reasoning/other", False),
        ("hallucination", "reasoning/arithmetic", False),
    ],
)
def test_labels_name_categories_by_id_name_or_last_part(label, judged, agrees):
    found = validate_judge(*answers([(label, True, judged)]), NAMES)
    assert found.kind.accuracy == float(agrees)
    assert found.unknown_labels == (("hallucination",) if label == "hallucination" else ())


def test_a_name_of_two_categories_is_refused():
    with pytest.raises(ConfigurationError, match=r"row 2: 'Other' names several .*format/other, reasoning/other"):
        validate_judge(*answers([("Other", True, "format/other")]), NAMES)
    # A top category's id is its own name, too.
    found = validate_judge(*answers([("other", True, "other")]), NAMES | {"other": "Other"})
    assert found.kind.accuracy == 1.0


def test_labels_may_be_titles():
    labels = [HumanLabel("d", "m", "1", "Wrong unit", True), HumanLabel("d", "m", "2", "Off by one", True)]
    judged = [
        JudgedAnswer("d", "m", "1", True, "reasoning/arithmetic", "wrong  Unit"),
        JudgedAnswer("d", "m", "2", True, "reasoning/arithmetic", "Sign error"),
    ]
    found = validate_judge(labels, judged, NAMES)
    assert (found.compared_by, found.kind.accuracy) == ("title", 0.5)
    assert found.unknown_labels == ("Off by one",)


def test_what_is_left_on_either_side_is_counted():
    labels = [HumanLabel("d", "m", str(i), "", True) for i in range(5)]
    judged = [JudgedAnswer("d", "m", str(i), None if i == 3 else True) for i in range(2, 9)]
    found = validate_judge(labels, judged)
    assert (found.matched, found.failed_judgments) == (2, 1)
    assert (found.labels_without_judgment, found.judgments_without_label) == (2, 4)
    assert found.unmatched_labels == ("d / m / 0", "d / m / 1")
    assert len(found.unmatched_judgments) == 4


def test_one_class_alone_has_no_kappa():
    found = validate_judge(*answers([("format", True, "format")] * 4), NAMES)
    assert (found.kind.kappa, found.kind.kappa_low, found.kind.accuracy) == (None, None, 1.0)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["kind"]["n"] == 4


def test_perfect_and_inverse_agreement():
    perfect = validate_judge(*answers([("format", True, "format"), ("", False, None)] * 5), NAMES)
    assert (perfect.error.kappa, perfect.error.kappa_low, perfect.error.kappa_high) == (1.0, None, None)
    inverse = validate_judge(*answers([("", False, "format"), ("", True, None)] * 5), NAMES)
    assert inverse.error.kappa == pytest.approx(-1.0)
    assert [one.f1 for one in inverse.error.per_class] == [0.0, 0.0]


def test_a_class_that_only_one_side_names_has_no_precision_or_recall():
    found = validate_judge(*answers([("format", True, "reasoning/logic")]), NAMES).kind
    by_name = {one.name: one for one in found.per_class}
    assert (by_name["format"].precision, by_name["format"].recall) == (None, 0.0)
    assert (by_name["reasoning/logic"].precision, by_name["reasoning/logic"].recall) == (0.0, None)


def test_no_match_and_contradictions_are_refused():
    judged = [JudgedAnswer("d", "m", "007", True)]
    with pytest.raises(ConfigurationError, match="first label is 'd / m / 7', the first judgment 'd / m / 007'"):
        validate_judge([HumanLabel("d", "m", "7", "", True)], judged)
    with pytest.raises(ConfigurationError, match="rows 2 and 9 contradict each other about d / m / 007"):
        validate_judge([HumanLabel("d", "m", "007", "", True, 2), HumanLabel("d", "m", "007", "", False, 9)], judged)
    with pytest.raises(ConfigurationError, match="judged twice"):
        validate_judge([HumanLabel("d", "m", "007", "", True)], judged * 2)
    with pytest.raises(ConfigurationError, match="0 labels, 1 judgments"):
        validate_judge([], judged)


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_labels_are_read_with_their_lines(tmp_path):
    path = written(
        tmp_path,
        "dataset,model,example_id,category,is_error,note\n"
        'd,m,007,Arithmetic slip,,"two\nlines"\n'
        "d,m,8,No error found,,\n"
        "d,m,9,,true,\n"
        "d,m,10,,,\n"
        "d,m,11,,0,\n",
        "utf-8-sig",
    )
    assert read_labels(path) == [
        HumanLabel("d", "m", "007", "Arithmetic slip", True, 3),
        HumanLabel("d", "m", "8", "", False, 4),
        HumanLabel("d", "m", "9", "", True, 5),
        HumanLabel("d", "m", "11", "", False, 7),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset,model,label\nd,m,x\n", "no column 'example_id'; it has dataset, model, label"),
        ("", "no column 'dataset'; it has no columns"),
        ("dataset,model,example_id,note\n", "no label; expected a column 'is_error' or one of label, category"),
        ("dataset,model,example_id,label,title\n", "both 'label' and 'title' are labels"),
        ("dataset,model,example_id,label\nd,,1,x\n", "line 2: no model"),
        ("dataset,model,example_id,is_error\nd,m,1,perhaps\n", "line 2: is_error is 'perhaps'; expected true or false"),
        ("dataset,model,example_id,label,is_error\nd,m,1,none,true\n", "is_error is 'true', but the label is 'none'"),
        ("dataset,model,example_id,label\nd,m,1,\n", "no row holds a label"),
    ],
)
def test_files_that_cannot_be_used_say_why(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(EvalFileError) as caught:
        read_labels(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_missing_and_undecodable_files(tmp_path):
    with pytest.raises(EvalFileError, match="No such file"):
        read_labels(tmp_path / "absent.csv")
    path = written(tmp_path, "dataset,model,example_id,label\nd,m,1,é\n", "latin-1")
    with pytest.raises(EvalFileError, match="utf-8"):
        read_labels(path)
