"""Finds out which columns of a table hold prompt, answer, reference, verdict and id, by the names that people use.

A column with our own name and one that the column map names go before everything else. Names are compared without case
and separators. Where two columns could be the same thing, a documented order or their content decides; where neither
does, that is an error rather than a guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from faultmap_core.column_names import plain_name
from faultmap_core.column_paths import one_line
from faultmap_core.errors import ConfigurationError
from faultmap_core.evals import RowError, number_of
from faultmap_core.verdict_words import judged, letter_of, share_of_percentage

SAMPLE_ROWS = 200
"""So many rows at the beginning of a file are looked at."""

NAMES: Mapping[str, tuple[str, ...]] = {
    "input_text": (
        "prompt", "question", "query", "user_input", "input", "instruction", "problem", "user_prompt", "user_message",
        "user_query", "request", "messages", "conversation",
    ),
    "output_text": (
        "response", "model_response", "model_output", "model_answer", "output", "completion", "prediction",
        "predicted_answer", "predicted", "generation", "generated_text", "generated_answer", "actual_output", "reply",
        "llm_response", "llm_output", "llm_answer", "assistant_response", "ai_response", "bot_response",
        "agent_response", "answer",
    ),
    "correct_answer": (
        "expected", "expected_output", "expected_answer", "expected_response", "reference", "reference_answer",
        "ground_truth", "gold", "gold_answer", "golden_answer", "target", "ideal", "solution", "label", "answer",
    ),
    "passed": ("passed", "is_correct", "correct", "is_passed", "pass", "success", "verdict", "result", "label"),
    "score": ("score", "grade", "rating", "accuracy", "reward", "correctness"),
    "example_id": (
        "id", "question_id", "sample_id", "prompt_id", "item_id", "doc_id", "case_id", "test_id", "task_id", "qid",
        "uid", "uuid", "custom_id", "instance_id", "problem_id", "query_id", "record_id",
    ),
    "model": ("model_name", "model_id", "llm"),
    "epoch": ("repetition", "repeat", "trial"),
}  # fmt: skip
"""Our field -> names that people use for it, the likeliest first. Our own names are not repeated here."""

ROW_NUMBERS = ("row_id", "idx", "index")
"""Names of ids, where each stands once for each model and some for several of them; else they number the rows."""

# Of these the scores of other tools may be named, too.
_METRICS = frozenset({"accuracy", "correctness"})
# These may hold an outcome or something else.
_UNSURE = frozenset({"label", "result"})
# They hold the answer where no surer name is there.
_OF_ASSISTANTS = frozenset(
    {"llm_response", "llm_output", "llm_answer", "assistant_response", "ai_response", "bot_response", "agent_response"}
)
# Besides `answer`, which may be either.
_OUTPUTS = frozenset(NAMES["output_text"]) - {"answer"}
_JUDGING_WORDS = frozenset({"passed", "failed"})

Sample = Sequence[Mapping[str, Any]]


def find_columns(
    columns: Sequence[str], sample: Sample, given: Mapping[str, str], names: Mapping[str, tuple[str, ...]] = NAMES
) -> dict[str, str]:
    """Return our field -> the file's column, for the fields that `given` does not name and the file names otherwise.

    Args:
        columns: of the file.
        sample: its first rows.
        given: the column map; it wins, and what it names is taken.
        names: those of `NAMES` that are wanted.
    Raises: ConfigurationError where two columns could be the answer of the model and nothing tells which is.
    """
    finder = _Finder(columns, sample, given, names)
    found: dict[str, str] = {}
    for field in names:
        # A column that stands for one field cannot stand for another.
        column = finder.find(field)
        if column is not None:
            found[field] = column
            finder.taken.add(column)
    return found


def has_outcome(columns: Iterable[str]) -> bool:
    """Say whether a column has a name that people give to the outcome (`score`, `passed`), and no tool to a metric."""
    known = {*NAMES["passed"], *NAMES["score"]} - _METRICS - _UNSURE
    return not known.isdisjoint(columns)


def is_own_table(columns: Collection[str]) -> bool:
    """Say whether a table names its prompt, and its model or outcome, as people do in tables of their own."""
    model = ("model", *NAMES["model"])
    return not {"input_text", *NAMES["input_text"]}.isdisjoint(columns) and (
        has_outcome(columns) or not set(model).isdisjoint(columns)
    )


class _Finder:
    def __init__(
        self, columns: Sequence[str], sample: Sample, given: Mapping[str, str], names: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._sample, self._given, self._names = sample, given, names
        self._columns = columns
        self._by_name: dict[str, str] = {}
        for column in columns:
            self._by_name.setdefault(plain_name(column), column)
        self.taken = set(given.values()) | {name for name in names if name in columns and name not in given}

    def find(self, field: str) -> str | None:
        if field in self._given or field in self._columns:
            return None
        candidates = self._candidates(field)
        special: dict[str, Callable[[list[str]], list[str]]] = {
            "input_text": self._prompts,
            "output_text": self._answers,
            "correct_answer": self._references,
            "passed": self._verdicts,
            "score": self._scores,
            "example_id": self._ids,
            "epoch": self._epochs,
        }
        fitting = special[field](candidates) if field in special else candidates
        return fitting[0] if fitting else None

    def _candidates(self, field: str) -> list[str]:
        """Return the columns that could be a field, the likeliest first; of our own name in another spelling, that."""
        found = (self._by_name.get(plain_name(name)) for name in (field, *self._names.get(field, ())))
        return list(dict.fromkeys(column for column in found if column is not None and column not in self.taken))

    def _values(self, column: str) -> list[Any]:
        values = (row.get(column) for row in self._sample)
        return [value for value in values if value is not None and value != ""]

    def _prompts(self, candidates: list[str]) -> list[str]:
        named = {plain_name(column): column for column in candidates}
        if "instruction" in named and "input" in named and any(self._values(named["input"])):
            raise ConfigurationError(
                f"{one_line(named['instruction'])!r} and {one_line(named['input'])!r} could both be the prompt; say"
                " which is: `--map input=COLUMN`"
            )
        return candidates

    def _answers(self, candidates: list[str]) -> list[str]:
        sure = [column for column in candidates if plain_name(column) in {plain_name(name) for name in _OUTPUTS}]
        surest = [column for column in sure if plain_name(column) not in {plain_name(name) for name in _OF_ASSISTANTS}]
        sure = self._without_copies(surest or sure)
        answer = next((column for column in candidates if plain_name(column) == "answer"), None)
        reference = [column for column in self._candidates("correct_answer") if plain_name(column) != "answer"]
        if len(sure) > 1:
            shown = " and ".join(repr(one_line(column)) for column in sure[:2])
            raise ConfigurationError(f"{shown} could both be the model's answer; say which is: `--map output=COLUMN`")
        if answer is None or not sure:
            return sure or candidates
        # Of two columns, the one that stays the same for each prompt is the reference.
        if not reference and self._varies(answer) and self._stays(sure[0]):
            return [answer]
        return sure

    def _without_copies(self, columns: list[str]) -> list[str]:
        kept: list[str] = []
        for column in columns:
            values = self._values(column)
            if values and all(values != self._values(other) for other in kept):
                kept.append(column)
        return kept or columns[:1]

    def _references(self, candidates: list[str]) -> list[str]:
        fitting = [column for column in candidates if not (plain_name(column) == "label" and self._judges(column))]
        if not fitting and (correct := self._by_name.get("correct")) and correct not in self.taken:
            # "correct" may hold the correct answer.
            values = self._values(correct)
            return [correct] if values and not all(map(_is_verdict, values)) and not self._numbers(correct) else []
        # A model's answer in a column of its own, beside the one that was chosen, is no reference.
        return fitting

    def _verdicts(self, candidates: list[str]) -> list[str]:
        def fits(column: str) -> bool:
            values = self._values(column)
            if plain_name(column) in ("label", "result"):
                return self._judges(column)
            return bool(values) and all(map(_is_verdict, values))

        return [column for column in candidates if fits(column)]

    def _scores(self, candidates: list[str]) -> list[str]:
        for name in ("correct", "is_correct"):
            column = self._by_name.get(plain_name(name))
            if column and column not in self.taken and self._numbers(column):
                candidates = [*candidates, column]
        return [column for column in candidates if self._numbers(column)]

    def _ids(self, candidates: list[str]) -> list[str]:
        """Prefer an id that stands once for each model: `id` may number rows, or `task_id` name a kind of task."""
        model = next((name for name in (self._given.get("model", "model"), *self._by_names("model")) if name in
                      self._columns), None)  # fmt: skip

        def unique(column: str) -> bool:
            keys = [(row.get(model) if model else None, row.get(column)) for row in self._sample]
            keys = [(str(one), str(other)) for one, other in keys if other not in (None, "")]
            return len(keys) == len(self._sample) == len(set(keys))

        def shared(column: str) -> bool:
            values = [str(value) for value in self._values(column)]
            return len(set(values)) < len(values)

        fitting = [column for column in candidates if unique(column)]
        return sorted(fitting, key=lambda column: not shared(column)) or candidates or self._row_numbers(model)

    def _row_numbers(self, model: str | None) -> list[str]:
        epoch = next((name for name in self._by_names("epoch") if name in self._columns), None)

        def tells_apart(column: str) -> bool:
            rows = [row for row in self._sample if row.get(column) not in (None, "")]
            keys = {tuple(str(row.get(name)) for name in (model, epoch, column) if name) for row in rows}
            models = {str(row.get(model)) for row in rows} if model else set()
            is_shared = len({str(row.get(column)) for row in rows}) < len(rows)
            return len(keys) == len(rows) > len(self._sample) / 2 and (len(models) < 2 or is_shared)

        found = [column for name in ROW_NUMBERS if (column := self._by_name.get(plain_name(name))) is not None]
        return [column for column in found if column not in self.taken and tells_apart(column)]

    def _epochs(self, candidates: list[str]) -> list[str]:
        def whole(value: Any) -> bool:
            return str(value).strip().isdecimal()

        return [column for column in candidates if (values := self._values(column)) and all(map(whole, values))]

    def _judges(self, column: str) -> bool:
        """Say whether a column holds words that judge (correct, failed) and no answers such as yes and no."""
        values = self._values(column)
        return bool(values) and all(judged(value) in _JUDGING_WORDS and not letter_of(value) for value in values)

    def _numbers(self, column: str) -> bool:
        values = self._values(column)
        return bool(values) and all(map(_is_score, values))

    def _by_prompt(self, column: str) -> list[set[str]]:
        """Return the distinct values of a column for each prompt that stands in the sample more than once."""
        asked = self._given.get("input_text") or ("input_text" if "input_text" in self._columns else None)
        prompt = asked or next(iter(column for column in self._by_names("input_text")), None)
        if prompt is None:
            return []
        groups: dict[str, list[str]] = defaultdict(list)
        for row in self._sample:
            groups[str(row.get(prompt))].append(str(row.get(column)))
        return [set(values) for values in groups.values() if len(values) > 1]

    def _by_names(self, field: str) -> list[str]:
        found = (self._by_name.get(plain_name(name)) for name in (field, *self._names.get(field, ())))
        return [column for column in found if column is not None]

    def _varies(self, column: str) -> bool:
        groups = self._by_prompt(column)
        return len(groups) >= 3 and sum(len(values) > 1 for values in groups) * 2 > len(groups)

    def _stays(self, column: str) -> bool:
        groups = self._by_prompt(column)
        return len(groups) >= 3 and all(len(values) == 1 for values in groups)


def _is_verdict(value: Any) -> bool:
    if judged(value) in ("passed", "failed", "yes", "no") or share_of_percentage(value) in (0.0, 1.0):
        return True
    return str(value).strip() in ("0", "1", "0.0", "1.0")


def _is_score(value: Any) -> bool:
    if judged(value) is not None or share_of_percentage(value) is not None:
        return True
    try:
        number_of(value, "score")
    except RowError:
        return False
    return True
