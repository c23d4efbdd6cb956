"""Write the table of docs/formats.md: what was read of which tool's files, and which of the tool's own figures agree.

Every figure is measured by reading the files: `python docs/formats_table.py LOGS` reads real logs (a folder for each
tool) where LOGS has them and small made ones (`tests/log_files.py`, `tests/tool_files.py`) where it has not. With
`--write` the table takes its place in docs/formats.md, else it is printed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from faultmap_core.base.errors import EvalFileError  # noqa: E402
from faultmap_core.data.eval_table import EvalOptions  # noqa: E402
from faultmap_core.readers import read_eval_file  # noqa: E402
from faultmap_core.readers.formats import format_of  # noqa: E402
from faultmap_core.readers.rows.reconciliation import ToolSummary  # noqa: E402
from tests import log_files, tool_files  # noqa: E402

PAGE = ROOT / "docs" / "formats.md"
BEGIN, END = "<!-- table of docs/formats_table.py -->", "<!-- end of the table -->"


@dataclass(frozen=True)
class Tool:
    """One line of the table.

    Attributes:
        name, versions: of the tool, as its reader's source says.
        format: the format's name.
        made: writes a small file of it into a folder and returns its path.
        real: patterns below the folder of real logs.
        beside: what is made beside the real file, because no real one is at hand: its name in words, and the writer.
        options: how the files are read.
    """

    name: str
    versions: str
    format: str
    made: Callable[[Path], Path]
    real: tuple[str, ...] = ()
    beside: tuple[str, Callable[[Path], object]] | None = None
    options: dict[str, Any] = field(default_factory=dict)


def seed(name: str) -> Callable[[Path], Path]:
    """Return a writer of one of the small examples of tests/tool_files.py."""

    def write(folder: Path) -> Path:
        for file, content in tool_files.SEEDS[name].files.items():
            tool_files.write_file(folder / file, content)
        return folder / tool_files.SEEDS[name].entry

    return write


def lines(name: str, *rows: dict[str, Any]) -> Callable[[Path], Path]:
    """Return a writer of a JSONL file."""
    return lambda folder: log_files.write_lines(folder / name, *rows)


def _questions(path: Path) -> None:
    given = [json.loads(line)["question_id"] for line in path.read_text(encoding="utf-8").splitlines()]
    turns = [{"question_id": one, "turns": ["First turn", "Second turn"]} for one in given]
    log_files.write_lines(path.with_name("question.jsonl"), *turns)


def _requests(path: Path) -> None:
    given = [json.loads(line)["custom_id"] for line in path.read_text(encoding="utf-8").splitlines()]
    made = [{**tool_files.batch_request(number), "custom_id": one} for number, one in enumerate(given)]
    log_files.write_lines(path.with_name("batch_input.jsonl"), *made)


NAMED = {"model_name": "m"}
TOOLS = (
    Tool("Inspect AI", "0.3", "inspect", lambda folder: log_files.write_inspect_zip(
        folder / "log.eval", log_files.inspect_sample()), ("inspect/*.eval", "inspect/data_*.json")),
    Tool("lm-evaluation-harness", "0.4.0 to 0.4.9", "lm-eval", lambda folder: log_files.write_lm_eval(
        folder, log_files.lm_eval_sample(0), log_files.lm_eval_sample(1)), ("lm_eval/samples_*.jsonl",)),
    Tool("HELM", "0.5", "helm", lambda folder: log_files.write_helm(
        folder, [log_files.helm_request("id1", " B")], [log_files.helm_stats("id1", exact_match=1.0)]),
        ("helm/*/scenario_state.json",)),
    Tool("promptfoo", "0.120 (version 3)", "promptfoo", lambda folder: log_files.write_promptfoo(
        folder / "results.json", log_files.promptfoo_result(0))),
    Tool("promptfoo CSV", "0.90 to 0.119", "promptfoo-csv", seed("promptfoo-csv")),
    Tool("OpenAI evals", "3.0", "openai-evals", lines("record.jsonl", *log_files.openai_evals_lines())),
    Tool("Every Eval Ever", "0.2.2", "every-eval-ever", lines("s.jsonl", log_files.every_eval_ever_record()),
         ("every_eval_ever/*.jsonl",)),
    Tool("DeepEval", "3", "deepeval", lines("d.jsonl", {"input": "q", "actualOutput": "a", "success": True,
         "metricsData": [{"name": "Answer Relevancy", "score": 0.5, "success": True, "threshold": 0.5}]}),
         ("deepeval/*.json",), options=NAMED),
    Tool("Ragas", "0.1 to 0.4", "ragas", lines("r.jsonl", {"user_input": "q", "response": "a", "faithfulness": 0.5}),
         options=NAMED),
    Tool("LangSmith", "0.2 to 0.6", "langsmith", lines("l.jsonl", {
        "inputs.q": "q", "outputs.a": "b", "feedback.ok": 1, "example_id": "e"}), options=NAMED),
    Tool("MLflow", "2, 3", "mlflow", lines("m.jsonl", {"inputs": "q", "outputs": "a", "correctness/v1/score": 1}),
         options=NAMED),
    Tool("batches of OpenAI and others", "2025", "openai-batch", seed("openai-batch"), ("openai_batch/*.jsonl",),
         ("requests", _requests)),
    Tool("SWE-bench", "schema 2, older results.json", "swe-bench", seed("swe-bench")),
    Tool("Azure AI evaluation", "1.5", "azure", seed("azure"), options=NAMED),
    Tool("MT-Bench answers", "FastChat 0.2", "mt-bench", seed("mt-bench"), ("mt_bench/*.jsonl",),
         ("questions", _questions), {"default_score_range": (1.0, 10.0)}),
    Tool("MT-Bench ratings", "FastChat 0.2", "mt-bench", seed("mt-bench"),
         options={"default_score_range": (1.0, 10.0)}),
    Tool("Arena-Hard", "0.1, 2.0", "mt-bench", seed("arena-hard")),
    Tool("HumanEval", "1.0", "humaneval", seed("humaneval"), options=NAMED),
    Tool("EvalPlus", "0.3", "humaneval", seed("evalplus")),
    Tool("OpenCompass", "0.4", "opencompass", seed("opencompass")),
    Tool("L-Eval", "2023", "opencompass", seed("l-eval"), ("opencompass/*.pred.jsonl",)),
    Tool("lighteval", "0.10, and the older columns", "lighteval", seed("lighteval")),
    Tool("tau-bench", "2024", "tau-bench", seed("tau-bench"), ("tau_bench/*.json",)),
    Tool("tau2-bench", "2025", "tau-bench", seed("tau2-bench")),
    Tool("SWE-agent", "0.7, 1.0", "swe-agent", seed("swe-agent"), ("swe_agent/*.traj",), options=NAMED),
    Tool("mini-swe-agent", "1.0", "swe-agent", seed("mini-swe-agent")),
    Tool("MMLU-Pro", "2024", "mmlu-pro", seed("mmlu-pro"), ("mmlu_pro/*.zip",)),
    Tool("AlpacaEval", "0.6", "alpaca-eval", seed("alpaca-eval"), ("alpaca_eval/*.json",)),
    Tool("Haystack, wide tables", "2", "wide-table", seed("wide-table"), ("haystack/*.csv",)),
    Tool("any other table", "", "table", lines("t.jsonl", {
        "example_id": "1", "model": "m", "input_text": "q", "score": 1})),
)  # fmt: skip


def table(logs: Path | None) -> str:
    """Return the table as Markdown."""
    head = ["| tool | versions | file | rows | set aside | passed / failed, else mean score | the tool's own figures |",
            "|---|---|---|---|---|---|---|"]  # fmt: skip
    return "\n".join([*head, *(line for tool in TOOLS for line in _lines(tool, logs))])


def _lines(tool: Tool, logs: Path | None) -> Iterator[str]:
    found = [path for pattern in tool.real for path in sorted(logs.glob(pattern))] if logs else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not found:
            yield _line(tool, tool.made(folder), "made")
        for path in found:
            kind = "real"
            if tool.beside:
                path = Path(shutil.copy(path, folder / path.name))
                tool.beside[1](path)
                kind = f"real, with made {tool.beside[0]}"
            yield _line(tool, path, kind)


def _line(tool: Tool, path: Path, kind: str) -> str:
    # What is not told by its content is told by name.
    told = format_of(path)
    options = EvalOptions(**tool.options, format=None if told == tool.format else tool.format)
    try:
        batches = list(read_eval_file(path, options))
    except EvalFileError as error:
        reason = str(error).removeprefix(f"{path}: ").replace("|", "/")
        return f"| {tool.name} | {tool.versions} | {kind} | not read: {reason[:120]} | | | |"
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    aside = sum(len(batch.rejected) for batch in batches)
    verdicts = [row["passed"] for row in rows]
    scores = [row["score"] for row in rows if row["score"] is not None]
    judged = f"mean {sum(scores) / len(scores):.4g} of {len(scores):,}" if scores else "unscored"
    if set(verdicts) - {None}:
        judged = f"{verdicts.count(True):,} / {verdicts.count(False):,}"
    agreed = _agreement(batches[-1].summaries)
    return f"| {tool.name} | {tool.versions} | {kind} | {len(rows):,} | {aside:,} | {judged} | {agreed} |"


def _agreement(summaries: Sequence[ToolSummary]) -> str:
    """Say which of the tool's own figures the rows give, and where they differ both figures."""
    same = [one.what for one in summaries if one.agrees]
    named = ", ".join(same[:5]) + (" …" if len(same) > 5 else "")
    parts = [f"{len(same)} of {len(summaries)} agree: {named}"] if same else []
    parts += [str(one) for one in summaries if not one.agrees]
    return "; ".join(parts).replace("|", "/") or "none"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table or write it into docs/formats.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="?", type=Path, help="folder of real logs, with a folder for each tool")
    parser.add_argument("--write", action="store_true", help="write the table into docs/formats.md")
    given = parser.parse_args(arguments)
    made = table(given.logs)
    if not given.write:
        sys.stdout.write(made + "\n")
        return 0
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
