"""The eval table: every skill's prompts with the answers of both settings, scored."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from examples.make_example.model import ZERO_SHOT, Journal, Setting, few_shot
from examples.make_example.prompts import Prompt
from examples.make_example.skills import SKILLS, share

COLUMNS = ("example_id", "model", "input_text", "output_text", "score", "correct_answer", "category")


@dataclass(frozen=True)
class EvalQuestion:
    """One prompt of a skill, to be put to one setting of the model."""

    example_id: str
    skill: str
    setting: Setting
    prompt: Prompt


def eval_questions() -> list[EvalQuestion]:
    """All prompts of all skills, first without and then with solved examples before them."""
    shares = {skill: share(skill) for skill in SKILLS}
    return [
        EvalQuestion(f"{skill}-{number:03d}", skill, setting, prompt)
        for few in (False, True)
        for skill, parts in shares.items()
        for setting in [few_shot(parts.solved) if few else ZERO_SHOT]
        for number, prompt in enumerate(parts.evals, start=1)
    ]


def eval_rows(journal: Journal) -> Iterator[dict[str, str]]:
    """The rows of the eval table for every question that the journal has an answer to."""
    for question in eval_questions():
        answer = journal.answers.get(question.setting.key(question.prompt.text))
        if answer is not None:
            yield {
                "example_id": question.example_id,
                "model": question.setting.model,
                "input_text": question.prompt.text,
                "output_text": answer,
                "score": f"{question.prompt.check(answer):g}",
                "correct_answer": question.prompt.reference,
                "category": question.skill,
            }


def write_evals(journal: Journal, path: Path) -> int:
    """Write the eval table in the ErrorMap CSV format; returns how many rows it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = list(eval_rows(journal))
    with path.open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)
