"""Read runs of agents: results of tau-bench and tau2-bench, trajectories of SWE-agent and mini-swe-agent.

Each run is a row: what the agent was to do, its last word or its patch, and its steps. A reward of 1 passes. A
trajectory says nothing about success: where a report of SWE-bench lies in its folder or the two above, that decides.
Sources: https://github.com/sierra-research/tau-bench, https://github.com/sierra-research/tau2-bench,
https://github.com/SWE-agent/SWE-agent (0.7, 1.0), https://github.com/SWE-agent/mini-swe-agent (1.0).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faultmap_core.evals import EvalOptions, Row, RowError, content_text
from faultmap_core.metrics import Metric
from faultmap_core.readers import swe_bench
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.objects import objects_of, siblings
from faultmap_core.readers.outcomes import number_or_none, set_outcome
from faultmap_core.readers.raw_rows import NumberedRow, add_metadata, set_error, steps_of, text_or_json
from faultmap_core.readers.shapes import Shape, shape_of
from faultmap_core.readers.tabular import dataset_of, open_text

_REWARD = Metric("reward", 0.0, 1.0)
_TAU_NAME = re.compile(
    r"(?:(?:tool-calling|act|react|few-shot)-)?(?P<model>.+?)(?:-(?P<domain>airline|retail|telecom)|-[\d.]+_range_.*)"
)
_ISSUE = re.compile(
    r"(?:ISSUE:\s*\n|<pr_description>|<issue>)(?P<issue>.*?)"
    r"(?:\n\s*INSTRUCTIONS:|</pr_description>|</issue>|\Z)",
    re.DOTALL,
)


def is_tau(shape: Shape) -> bool:
    """Say whether a file holds results of tau-bench or tau2-bench."""
    return {"task_id", "reward", "traj"} <= shape.keys or {"tasks", "simulations"} <= shape.keys


def is_trajectory(shape: Shape) -> bool:
    """Say whether a file is a trajectory of SWE-agent or mini-swe-agent."""
    if shape.in_list:
        return False
    of_agent = {"action", "observation"} <= shape.inside.get("trajectory", frozenset())
    return of_agent or {"messages", "trajectory_format"} <= shape.keys


def companions(path: Path) -> list[Path]:
    """Return the report of SWE-bench that judges a trajectory."""
    report = _report(path)
    return [report] if report else []


def tau_rows(path: Path, options: EvalOptions, account: LineAccount) -> Iterator[NumberedRow]:
    """Read one results file; a row's number is the run's place."""
    named = _TAU_NAME.fullmatch(dataset_of(path))
    about, member = ({}, None) if "traj" in shape_of(path).keys else (_tau2_head(path), "simulations")
    info = _mapping(about.get("info"))
    domain = _mapping(info.get("environment_info")).get("domain_name") or (named and named["domain"])
    model = _mapping(info.get("agent_info")).get("llm") or options.model_name or (named and named["model"])
    tasks = about.get("tasks")
    scenarios = {str(task.get("id")): _scenario(task) for task in tasks if isinstance(task, dict)} if isinstance(
        tasks, list) else {}  # fmt: skip
    name = "tau2-bench" if member else "tau-bench"
    dataset = options.dataset_name or (f"{name}-{domain}" if isinstance(domain, str) else name)
    seen: Counter[str] = Counter()
    for number, run in objects_of(path, member, account):
        if isinstance(run, RowError):
            yield number, run
            continue
        row = {"dataset": dataset, "model": text_or_json(model), **_tau_row(run, options, dataset, scenarios)}
        seen[str(row["example_id"])] += 1
        row["epoch"] = seen[str(row["example_id"])]
        yield number, row


def trajectory_rows(path: Path, options: EvalOptions, account: LineAccount) -> Iterator[NumberedRow]:
    """Read one trajectory; it is one row."""
    for number, run in objects_of(path, account=account):
        if isinstance(run, RowError):
            yield number, run
            continue
        info = _mapping(run.get("info"))
        instance = text_or_json(run.get("instance_id")) or path.name.partition(".traj")[0]
        row: dict[str, Any] = {
            "dataset": options.dataset_name or swe_bench.DATASET,
            "model": _agent_model(run, info) or options.model_name or _model_of_folder(path, instance),
            "example_id": instance,
            "input_text": _issue(run) or f"SWE-bench instance {instance}",
            "output_text": text_or_json(info.get("submission")),
            "score": None,
            "repo": swe_bench.repository(instance),
            "steps": steps_of(_turns(run)),
        }
        add_metadata(row, {"exit_status": info.get("exit_status")}, "info")
        report = _report(path)
        outcomes = swe_bench.outcomes_of(report).get(instance, []) if report else []
        if len(outcomes) == 1:
            swe_bench.set_outcome(row, outcomes[0])
        yield number, row


def _tau2_head(path: Path) -> dict[str, Any]:
    with open_text(path) as text:
        return JsonStream(text, str(path)).head(frozenset({"info", "tasks"}))


def _scenario(task: Mapping[str, Any]) -> Any:
    """Return what the simulated user is told to want."""
    scenario = task.get("user_scenario")
    told = _mapping(scenario).get("instructions", scenario)
    if not isinstance(told, dict):
        return told
    parts = [told.get(name) for name in ("reason_for_call", "task_instructions", "known_info")]
    return "\n".join(part for part in parts if isinstance(part, str) and part) or told


def _tau_row(run: Row, options: EvalOptions, dataset: str, scenarios: Mapping[str, Any]) -> dict[str, Any]:
    info, judged = _mapping(run.get("info")), _mapping(run.get("reward_info"))
    messages = run.get("traj", run.get("messages"))
    turns = [turn for turn in messages if isinstance(turn, dict)] if isinstance(messages, list) else []
    task = _mapping(info.get("task"))
    asked = task.get("instruction") or scenarios.get(str(run.get("task_id"))) or _said_by("user", turns[:3])
    row: dict[str, Any] = {
        "dataset": dataset,
        "example_id": text_or_json(run.get("task_id")),
        "input_text": text_or_json(asked),
        "output_text": _said_by("assistant", turns[::-1]),
        "steps": steps_of(turns),
        "turns": len(turns),
    }
    add_metadata(row, {"trial": run.get("trial"), "termination_reason": run.get("termination_reason")}, "run")
    reward = number_or_none(run.get("reward", judged.get("reward")))
    set_outcome(row, options, _REWARD, reward, None if reward is None else reward >= 1 - 1e-6)
    failed = info.get("error") or (run.get("termination_reason") == "infrastructure_error" and "infrastructure error")
    if failed:
        row["passed"] = None
        set_error(row, failed)
    return row


def _said_by(role: str, turns: list[dict[str, Any]]) -> str | None:
    said = (content_text(turn.get("content")) for turn in turns if turn.get("role") == role)
    return next((text for text in said if text.strip()), None)


def _issue(run: Row) -> str | None:
    """Return the issue that the agent was given, without the instructions around it."""
    messages = run.get("history", run.get("messages"))
    turns = [turn for turn in messages if isinstance(turn, dict)] if isinstance(messages, list) else []
    asked = [
        content_text(turn.get("content")) for turn in turns if turn.get("role") == "user" and not turn.get("is_demo")
    ]
    found = next((match for text in asked if (match := _ISSUE.search(text))), None)
    return (found["issue"].strip() if found else None) or (asked[0] if asked else None)


def _turns(run: Row) -> list[dict[str, Any]]:
    """Return a trajectory as the turns of a chat."""
    steps = run.get("trajectory")
    if not isinstance(steps, list):
        messages = run.get("messages")
        return [turn for turn in messages if isinstance(turn, dict)] if isinstance(messages, list) else []
    turns: list[dict[str, Any]] = []
    for step in steps:
        if isinstance(step, dict):
            call = {"name": "action", "arguments": text_or_json(step.get("action")) or ""}
            turns.append({"role": "assistant", "content": text_or_json(step.get("thought")), "tool_calls": [call]})
            turns.append({"role": "tool", "content": text_or_json(step.get("observation"))})
    return turns


def _agent_model(run: Row, info: Mapping[str, Any]) -> str | None:
    """Return the model that the run's settings name."""
    config = run.get("replay_config")
    if isinstance(config, str):
        try:
            config = json.loads(config)
        except (ValueError, RecursionError):
            config = None
    agent = _mapping(_mapping(config).get("agent"))
    named = (_mapping(agent.get("model")).get("name"),
             _mapping(_mapping(info.get("config")).get("model")).get("model_name"))  # fmt: skip
    return next((name for name in named if isinstance(name, str) and name.strip()), None)


def _model_of_folder(path: Path, instance: str) -> str | None:
    """Return the model with which SWE-agent begins a run's folder: `gpt4__SWE-bench_Lite__default__t-0.00`."""
    folders = [folder.name for folder in path.parents[:2] if "__" in folder.name and folder.name != instance]
    return folders[0].partition("__")[0] if folders else None


def _report(path: Path) -> Path | None:
    for folder in path.parents[:3]:
        found = next((one for one in siblings(path, folder) if swe_bench.is_report(shape_of(one))), None)
        if found:
            return found
    return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
