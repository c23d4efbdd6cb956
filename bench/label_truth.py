"""Are suspect labels wrong? Wrong labels planted into the real answers of several models, and what is then suspected.

    python bench/label_truth.py --evals FOLDER [--seeds 5] [--write]

FOLDER holds `mmlupro_scores_8models.parquet`, `mmlupro_questions.parquet` (their options give the prompts) and
`gsm8k_4models.parquet`. A planted label is another option, or another item's number. Labels are known to be right where
a model that is not among the witnesses confirms them: MMLU-Pro is cut to the questions that gemini-1.5-flash answers as
its label says, and gemini is left out; of all questions the figures are given, too, where MMLU-Pro's own wrong labels
count as false. GSM8K's four models are one family by their names, so nothing is suspected there; named four families,
it shows the rule alone. `before` is a bare majority: two models, any family, more than half.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from faultmap_core.error_analysis.answers.extraction import Expected, expected_answer
from faultmap_core.error_analysis.quality.label_agreement import comparable_answer, wrong_agreement
from faultmap_core.error_analysis.quality.model_families import families_of

RESULTS = Path(__file__).parent / "results" / "label_truth.json"
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1)
ARBITER = "gemini-1.5-flash-002"
LETTERS = "ABCDEFGHIJ"


def main() -> None:
    """Measure and print; `--write` keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evals", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for name, (answers, expected, models, families) in _sets(arguments.evals).items():
        for share in SHARES:
            counts = [_planted(answers, expected, models, families, share, seed) for seed in range(arguments.seeds)]
            rows.append({"set": name, "items": len(answers), "models": len(models), "families": len(set(families)),
                         "planted_share": share, **_summed(counts)})  # fmt: skip
            print(json.dumps(rows[-1]))
    if arguments.write:
        RESULTS.write_text(json.dumps({"seeds": arguments.seeds, "rows": rows}, indent=1) + "\n", encoding="utf-8")


def _sets(folder: Path) -> dict[str, tuple[list[list[str | None]], list[Expected], list[str], tuple[str, ...]]]:
    scores = pd.read_parquet(folder / "mmlupro_scores_8models.parquet").astype({"model": str, "pred": object})
    questions = pd.read_parquet(folder / "mmlupro_questions.parquet").set_index("example_id")
    given = scores.pivot_table(index="example_id", columns="model", values="pred", aggfunc="first").reindex(
        questions.index
    )
    options = [json.loads(one) for one in questions["options"]]
    prompts = [
        f"{question}\nOptions:\n" + "\n".join(f"({LETTERS[i]}) {text}" for i, text in enumerate(texts))
        for question, texts in zip(questions["question"], options, strict=True)
    ]
    expected = [expected_answer(p, f"({a})") for p, a in zip(prompts, questions["answer"], strict=True)]
    known = (given[ARBITER] == questions["answer"]).to_numpy()
    witnesses = [one for one in given.columns if one != ARBITER]
    every = list(given.columns)

    def letters(columns: list[str]) -> list[list[str | None]]:
        table = given[columns].to_numpy(dtype=object)
        return [[one if isinstance(one, str) else None for one in row] for row in table]

    gsm = pd.read_parquet(folder / "gsm8k_4models.parquet")
    first = gsm.drop_duplicates("example_id").set_index("example_id")
    numbers = [expected_answer(p, a) for p, a in zip(first["input_text"], first["correct_answer"], strict=True)]
    said = gsm.pivot_table(index="example_id", columns="model", values="output_text", aggfunc="first").reindex(
        first.index
    )
    answers = [
        [comparable_answer(one, text if isinstance(text, str) else None) for text in row]
        for one, row in zip(numbers, said.to_numpy(dtype=object), strict=True)
    ]
    names = list(said.columns)
    return {
        "GSM8K": (answers, numbers, names, families_of(names)),
        "GSM8K, as four families": (answers, numbers, names, tuple(names)),
        "MMLU-Pro, labels known": (
            [row for row, one in zip(letters(witnesses), known, strict=True) if one],
            [row for row, one in zip(expected, known, strict=True) if one], witnesses, families_of(witnesses),
        ),
        "MMLU-Pro, all": (letters(every), expected, every, families_of(every)),
    }  # fmt: skip


def _planted(
    answers: Sequence[Sequence[str | None]],
    expected: Sequence[Expected],
    models: Sequence[str],
    families: Sequence[str],
    share: float,
    seed: int,
) -> dict[str, int]:
    rng = np.random.default_rng(seed)
    wrong = set(rng.choice(len(expected), int(share * len(expected)), replace=False).tolist())
    labels = list(expected)
    for item in sorted(wrong):
        labels[item] = _other_label(expected, item, rng)
    passed = np.full((len(expected), len(models)), np.nan)
    for item, (row, one) in enumerate(zip(answers, labels, strict=True)):
        accepted = comparable_answer(one, f"Answer: {one.reference}")
        for column, answer in enumerate(row):
            passed[item, column] = np.nan if answer is None else float(answer == accepted)
    table = [list(row) for row in answers]
    now = {one.item for one in wrong_agreement(table, labels, passed, families).suspicions}
    before = _before(table, passed)
    return {"planted": len(wrong), "flagged": len(now), "right": len(now & wrong),
            "before_flagged": len(before), "before_right": len(before & wrong)}  # fmt: skip


def _other_label(expected: Sequence[Expected], item: int, rng: np.random.Generator) -> Expected:
    one = expected[item]
    if one.options:
        others = [letter for letter in LETTERS[: len(one.options.texts)] if f"({letter})" != one.reference]
        return Expected(one.kind, (f"({rng.choice(others)})",), one.options)
    while True:
        other = expected[int(rng.integers(len(expected)))]
        if other.references != one.references:
            return Expected(one.kind, other.references, None)


def _before(answers: Sequence[Sequence[str | None]], passed: np.ndarray) -> set[int]:
    """Items on which two models and more than half agree on a wrong answer."""
    found = set()
    for item, row in enumerate(answers):
        read = [column for column, one in enumerate(row) if one is not None]
        wrong = [row[column] for column in read if passed[item, column] < 0.5]
        most = max((wrong.count(one) for one in set(wrong)), default=0)
        if most >= 2 and 2 * most > len(read):
            found.add(item)
    return found


def _summed(counts: Sequence[dict[str, int]]) -> dict[str, float | int | None]:
    total = {name: sum(one[name] for one in counts) for name in counts[0]}

    def share(part: str, whole: str) -> float | None:
        return round(total[part] / total[whole], 3) if total[whole] else None

    return {**total, "precision": share("right", "flagged"), "recall": share("right", "planted"),
            "before_precision": share("before_right", "before_flagged")}  # fmt: skip


if __name__ == "__main__":
    main()
