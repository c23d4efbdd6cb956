"""Read judgments and answers of MT-Bench (FastChat) and Arena-Hard as eval rows.

Judgments name the question and the model; texts come from `question.jsonl` and `model_answer/` of the bench's folder,
or lie beside the judgments, else they are taken out of the judge's prompt. Single ratings run from 1 to 10 (-1: the
judge gave none); of pairs a win is 1, a tie 0.5, a loss 0; Arena-Hard's score is its own: both games' labels, strong
ones counted three times. Answers alone, with their questions, are unscored rows.
Sources: https://github.com/lm-sys/FastChat (`fastchat/llm_judge`), https://github.com/lmarena/arena-hard-auto
(`gen_judgment.py`, `show_result.py`; versions 0.1 and 2.0).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, Row, RowError
from faultmap_core.metrics import Metric
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.objects import LinesByKey, objects_of, siblings
from faultmap_core.readers.outcomes import check_range, number_or_none
from faultmap_core.readers.raw_rows import NumberedRow, add_metadata, set_error, text_or_json
from faultmap_core.readers.shapes import Shape, shape_of

RATING = Metric("rating", 1.0, 10.0)
_QUESTIONS, _ANSWERS, _JUDGMENTS = "question.jsonl", "model_answer", "model_judgment"
_LABELS = {"A>>B": (1.0, 3), "A>B": (1.0, 1), "A=B": (0.5, 1), "B=A": (0.5, 1), "A<B": (0.0, 1), "A<<B": (0.0, 3),
           "B>A": (0.0, 1), "B>>A": (0.0, 3), "B<A": (1.0, 1), "B<<A": (1.0, 3)}  # fmt: skip
_WINNERS = {"model_1": 1.0, "model_2": 0.0, "tie": 0.5}
_SINGLE = re.compile(
    r"\[Question\]\n(?P<question>.*?)\n\n(?:\[The Start of Reference Answer\]\n(?P<reference>.*?)\n"
    r"\[The End of Reference Answer\]\n\n)?\[The Start of Assistant's Answer\]\n(?P<answer>.*)\n"
    r"\[The End of Assistant's Answer\]",
    re.DOTALL,
)
_TURNS = re.compile(
    r"<\|The Start of Assistant A's Conversation with User\|>\n\n### User:\n(?P<first>.*?)\n\n### Assistant A:\n"
    r"(?P<said>.*?)\n\n### User:\n(?P<question>.*?)\n\n### Assistant A:\n(?P<answer>.*)\n\n"
    r"<\|The End of Assistant A's Conversation with User\|>",
    re.DOTALL,
)
_ARENA = re.compile(
    r"<\|User Prompt\|>\n(?P<question>.*?)\n\n<\|The Start of Assistant A's Answer\|>\n.*<\|The Start of Assistant B's"
    r" Answer\|>\n(?P<answer>.*)\n<\|The End of Assistant B's Answer\|>",
    re.DOTALL,
)


def is_single(shape: Shape) -> bool:
    """Say whether a file holds ratings of single answers."""
    return {"question_id", "model", "judgment", "score"} <= shape.keys and bool(shape.keys & {"judge", "turn"})


def is_pairs(shape: Shape) -> bool:
    """Say whether a file holds verdicts over pairs of answers."""
    return {"question_id", "model_1", "model_2", "g1_winner"} <= shape.keys


def is_games(shape: Shape) -> bool:
    """Say whether a file holds Arena-Hard's games against a baseline."""
    named = {"games", "model"} <= shape.keys and bool(shape.keys & {"question_id", "uid"})
    return named and not shape.in_table


def is_answers(shape: Shape) -> bool:
    """Say whether a file holds a model's answers."""
    fastchat = {"question_id", "model_id"} <= shape.keys and "turns" in shape.inside.get("choices", ())
    return fastchat or {"uid", "model", "messages", "ans_id"} <= shape.keys


def is_questions(shape: Shape) -> bool:
    """Say whether a file holds the bench's questions."""
    fastchat = {"question_id", "turns"} <= shape.keys and "choices" not in shape.keys
    arena = {"uid", "prompt", "category"} <= shape.keys and bool(shape.keys & {"cluster", "subcategory"})
    return fastchat or arena


def fits(shape: Shape) -> bool:
    """Say whether a file holds judgments or answers."""
    return is_single(shape) or is_pairs(shape) or is_games(shape) or is_answers(shape)


def superseded(path: Path) -> bool:
    """Say whether a file is answers that were judged: the judgments read them."""
    return is_answers(shape_of(path)) and (_root(path) / _JUDGMENTS).is_dir()


def companions(path: Path) -> list[Path]:
    """Return the questions and the answers that belong to a file of judgments or answers."""
    questions, answers = _beside(path)
    return [*questions, *answers]


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Iterator[NumberedRow]:
    """Read one file of judgments or answers; raises EvalFileError where answers have no questions."""
    shape = shape_of(path)
    with _Bench(path, options, "arena-hard" if shape.keys & {"uid", "games"} else "mt-bench") as bench:
        if is_single(shape):
            check_range(path, options, bench.dataset, RATING)
        elif is_answers(shape) and not bench.questions and "messages" not in shape.keys:
            raise EvalFileError(
                f"{path}: a file of answers holds no prompts; put the bench's {_QUESTIONS} (lines with question_id and"
                " turns) beside it or in the folder above"
            )
        read = next((of for kind, of in _READERS if kind(shape)), _single_rows)
        number = 0
        for line, judged in objects_of(path, account=account):
            if isinstance(judged, RowError):
                number += 1
                yield number, RowError(f"line {line}: {judged}")
                continue
            for row in read(judged, bench):
                number += 1
                yield number, row


class _Texts:
    """Questions by id, and answers by model and id."""

    def __init__(self, questions: list[Path], answers: list[Path]) -> None:
        self._questions = LinesByKey(questions, _id_of)
        self._answers = LinesByKey(answers, lambda row: _answer_key(row.get("model_id", row.get("model")), _id_of(row)))

    def close(self) -> None:
        """Close the files."""
        self._questions.close()
        self._answers.close()

    def question(self, question_id: Any) -> Mapping[str, Any]:
        """Return a question's line, empty where there is none."""
        return self._questions.get(question_id) or {}

    def answer(self, model: Any, question_id: Any) -> Mapping[str, Any]:
        """Return a model's answer's line, empty where there is none."""
        return self._answers.get(_answer_key(model, question_id)) or {}


class _Bench:
    """The folder of a bench: its name, its texts, and how often an example of a model was seen."""

    def __init__(self, path: Path, options: EvalOptions, name: str) -> None:
        root = _root(path)
        self.dataset = options.dataset_name or (root.name if root != path.parent and root.name else name)
        self.questions, answers = _beside(path)
        self.texts = _Texts(self.questions, answers)
        self._seen: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> _Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.texts.close()

    def row(self, model: Any, question_id: Any, turn: int | None) -> dict[str, Any]:
        """Return the row of a model's answer to a question (in one of its turns), as far as the texts are there."""
        question, line = self.texts.question(question_id), self.texts.answer(model, question_id)
        example_id = text_or_json(question_id) if turn is None else f"{question_id}-{turn}"
        said = _said(line)
        index = (turn or 1) - 1
        row: dict[str, Any] = {
            "dataset": self.dataset,
            "model": text_or_json(model),
            "example_id": example_id,
            "epoch": self._epoch(model, example_id),
            "input_text": _prompt(_turns(question), said, index) or _asked_in(line),
            "output_text": said[index] if index < len(said) else None,
        }
        references = question.get("reference")
        if isinstance(references, list) and index < len(references):
            row["correct_answer"] = text_or_json(references[index])
        add_metadata(row, {name: question.get(name) for name in ("category", "subcategory", "cluster")}, "question")
        if turn is not None:
            row["turn"] = turn
        return row

    def _epoch(self, model: Any, example_id: str | None) -> int:
        key = (str(model), str(example_id))
        self._seen[key] += 1
        return self._seen[key]


def _single_rows(judged: Row, bench: _Bench) -> Iterator[dict[str, Any]]:
    turn = _turn(judged)
    row = bench.row(judged.get("model"), judged.get("question_id"), turn)
    _fill_from(row, judged.get("user_prompt"))
    _explain(row, judged.get("judge"), judged.get("judgment"))
    score = number_or_none(judged.get("score"))
    if score is None or score < RATING.low:  # type: ignore[operator]
        set_error(row, "the judge gave no rating")
    else:
        row.update(score=score, metric=RATING)
    yield row


def _pair_rows(judged: Row, bench: _Bench) -> Iterator[dict[str, Any]]:
    games = [_WINNERS.get(str(judged.get(name))) for name in ("g1_winner", "g2_winner") if judged.get(name) is not None]
    for name, opponent, first in (("model_1", "model_2", True), ("model_2", "model_1", False)):
        row = bench.row(judged.get(name), judged.get("question_id"), _turn(judged))
        row["opponent"] = text_or_json(judged.get(opponent))
        _explain(row, judged.get("judge"), judged.get("g1_judgment"))
        won = [game if first else 1 - game for game in games if game is not None]
        if won:
            row.update(score=sum(won) / len(won), metric=Metric("win_rate", 0.0, 1.0))
        else:
            set_error(row, "the judge gave no winner")
        yield row


def _game_rows(judged: Row, bench: _Bench) -> Iterator[dict[str, Any]]:
    row = bench.row(judged.get("model"), _id_of(judged), None)
    games = judged.get("games")
    games = [game if isinstance(game, dict) else {} for game in games] if isinstance(games, list) else []
    first = games[0] if games else {}
    _fill_from(row, first.get("user_prompt") or _last_content(first.get("prompt")))
    judgment = first.get("judgment")
    _explain(row, judged.get("judge"), judgment.get("answer") if isinstance(judgment, dict) else judgment)
    add_metadata(row, {"baseline": judged.get("baseline"), "category": judged.get("category")}, "judged")
    counted: list[float] = []
    for index, game in enumerate(games[:2]):
        won, times = _LABELS.get(str(game.get("score")).strip(), (0.0, 0))
        # In the first game the baseline is assistant A, in the second the model.
        counted += [won if index else 1 - won] * times
    if counted:
        baseline = judged.get("baseline") or "the baseline"
        row.update(score=sum(counted) / len(counted), metric=Metric(f"win rate against {baseline}", 0.0, 1.0))
    else:
        set_error(row, "the judge gave no label")
    yield row


def _answer_rows(answer: Row, bench: _Bench) -> Iterator[dict[str, Any]]:
    question_id = _id_of(answer)
    turns = len(_turns(bench.texts.question(question_id))) or 1
    for turn in range(1, turns + 1):
        row = bench.row(answer.get("model_id", answer.get("model")), question_id, turn if turns > 1 else None)
        said = _said(answer)
        row["output_text"] = said[turn - 1] if turn <= len(said) else None
        row["score"] = None
        row["input_text"] = row["input_text"] or _asked_in(answer)
        yield row


_READERS = ((is_games, _game_rows), (is_pairs, _pair_rows), (is_single, _single_rows), (is_answers, _answer_rows))


def _root(path: Path) -> Path:
    """Return the bench's folder, in which `question.jsonl`, `model_answer` and `model_judgment` stand."""
    for folder in path.parents[:2]:
        if folder.name in (_JUDGMENTS, _ANSWERS):
            return folder.parent
    return path.parent


def _beside(path: Path) -> tuple[list[Path], list[Path]]:
    """Return the files of questions and of answers that belong to a file."""
    root = _root(path)
    near = [root / _QUESTIONS, path.with_name(_QUESTIONS), path.parent.parent / _QUESTIONS]
    questions = [one for one in dict.fromkeys(near) if one.is_file()][:1]
    questions = questions or [one for one in siblings(path) if is_questions(shape_of(one))][:1]
    if is_answers(shape_of(path)):
        return questions, []
    same = root / _ANSWERS / path.name
    if is_games(shape_of(path)) and same.is_file():
        return questions, [same]
    folder = root / _ANSWERS if (root / _ANSWERS).is_dir() else path.parent
    return questions, sorted(one for one in siblings(path, folder, limit=500) if is_answers(shape_of(one)))


def _id_of(row: Mapping[str, Any]) -> Any:
    found = row.get("question_id", row.get("uid"))
    return found if isinstance(found, str | int) else None


def _answer_key(model: Any, question_id: Any) -> str:
    return f"{model}\0{question_id}"


def _turn(judged: Mapping[str, Any]) -> int:
    number = number_or_none(judged.get("turn"))
    return int(number) if number is not None and 1 <= number <= 100 else 1


def _turns(question: Mapping[str, Any]) -> list[str]:
    turns = question.get("turns", [question["prompt"]] if question.get("prompt") else [])
    return [_content(turn) for turn in turns] if isinstance(turns, list) else []


def _said(answer: Mapping[str, Any]) -> list[str]:
    """Return what an answer's first choice says, turn by turn."""
    choices = answer.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        turns = choices[0].get("turns")
        return [_content(turn) for turn in turns] if isinstance(turns, list) else []
    said = _last_content(answer.get("messages"))
    return [said] if said else []


def _asked_in(answer: Mapping[str, Any]) -> Any:
    """Return the messages before the answer, where it holds them."""
    messages = answer.get("messages")
    return messages[:-1] or None if isinstance(messages, list) else None


def _last_content(messages: Any) -> str | None:
    last = messages[-1] if isinstance(messages, list) and messages else None
    return _content(last.get("content")) if isinstance(last, dict) else None


def _content(turn: Any) -> str:
    if isinstance(turn, dict):
        inside = next((turn[name] for name in ("content", "answer", "text") if turn.get(name) is not None), "")
        return _content(inside) if inside != turn else ""
    return text_or_json(turn) or ""


def _prompt(turns: list[str], said: list[str], index: int) -> Any:
    """Return the question of a turn, with the conversation before it."""
    if index >= len(turns):
        return None
    if not index:
        return turns[0]
    chat = []
    for before in range(index):
        chat.append({"role": "user", "content": turns[before]})
        if before < len(said):
            chat.append({"role": "assistant", "content": said[before]})
    return [*chat, {"role": "user", "content": turns[index]}]


def _fill_from(row: dict[str, Any], prompt: Any) -> None:
    """Take what is missing out of the judge's prompt."""
    for pattern in (_SINGLE, _TURNS, _ARENA) if isinstance(prompt, str) else ():
        found = pattern.search(prompt)
        if not found:
            continue
        parts = found.groupdict()
        chat = [{"role": "user", "content": parts.get("first")}, {"role": "assistant", "content": parts.get("said")},
                {"role": "user", "content": parts["question"]}]  # fmt: skip
        row["input_text"] = row["input_text"] or (chat if parts.get("first") else parts["question"])
        row["output_text"] = row["output_text"] if row["output_text"] is not None else parts["answer"]
        if row.get("correct_answer") is None:
            row["correct_answer"] = parts.get("reference")
        return
    row["input_text"] = row["input_text"] or (prompt if isinstance(prompt, str) else None)


def _explain(row: dict[str, Any], judge: Any, judgment: Any) -> None:
    name = judge[0] if isinstance(judge, list) and judge else judge
    if isinstance(name, str):
        row["judge"] = name
    if isinstance(judgment, str) and judgment.strip():
        row["scored_explanation"] = judgment
