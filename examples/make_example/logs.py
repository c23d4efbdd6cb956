"""Seven days of traffic: mostly the skills of the evals, newly filled, and topics that the evals never ask.

As in real traffic, prompts come back word for word, or with another case, punctuation and spelling; the users of a
third of the lines are asked for feedback, which they give where the answer can be checked.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from examples.make_example.model import ZERO_SHOT, Journal
from examples.make_example.scoring import Check
from examples.make_example.skills import SKILLS, share
from examples.make_example.topics import NEW_TOPIC, NEW_TOPIC_FROM_DAY, TOPICS, topic_prompts

FIRST_DAY = datetime(2026, 11, 1, tzinfo=UTC)
LINES_PER_DAY = (106, 124, 118, 121, 117, 113, 101)
SKILL_SHARE, REPEATED, REWORDED, CARELESS = 0.6, 0.1, 0.12, 0.2
POPULAR = frozenset(
    {
        "translation",
        "grammar-correction",
        "thank-you-notes",
        "advice",
        "definitions",
        "general-facts",
        "unit-conversion",
    }
)
HOURS = (1, 1, 1, 1, 1, 1, 2, 4, 7, 9, 10, 9, 7, 8, 9, 9, 8, 7, 6, 6, 5, 4, 3, 2)
"""How much of a day's traffic begins in each hour, relative to the other hours."""

_SLIPS = {
    "what": "waht", "which": "wich", "how": "hwo", "the": "teh", "please": "plz", "does": "deos", "is": "si",
    "you": "u", "word": "wrod", "with": "wiht", "should": "shoud", "write": "wirte", "give": "giv", "need": "ned",
}  # fmt: skip


@dataclass(frozen=True)
class LogLine:
    """One request of a user; the check is that of the skill it comes from, if it comes from one."""

    text: str
    source: str
    check: Check | None
    timestamp: datetime = FIRST_DAY
    session: str = ""


def careless(text: str, rng: Random) -> str:
    """The same request as somebody types it in a hurry."""
    style = rng.choice(["lower", "bare", "marks", "please", "hey", "slip", "slip", "capitals"])
    if style == "lower":
        return text.lower()
    if style == "bare":
        return text.rstrip("?.!")
    if style == "marks":
        return text.rstrip("?.!") + rng.choice(["??", "!!", "?!", " ?", "..."])
    if style == "please":
        return f"{text.rstrip('?.!')} {rng.choice(['pls', 'please', 'thx', 'plz'])}"
    if style == "hey":
        return f"{rng.choice(['hey,', 'hi!', 'ok', 'quick question:', 'pls'])} {text[0].lower()}{text[1:]}"
    if style == "capitals":
        return text.upper() if len(text) < 45 else text.lower().rstrip("?.")
    words = text.split(" ")
    known = [place for place, word in enumerate(words[:6]) if word.lower() in _SLIPS]
    if not known:
        return text.lower().rstrip("?.!")
    place = rng.choice(known)
    words[place] = _SLIPS[words[place].lower()]
    return " ".join(words)


def _skill_lines(rng: Random) -> Iterator[LogLine]:
    left = {skill: [LogLine(prompt.text, skill, prompt.check) for prompt in share(skill).logs] for skill in SKILLS}
    while any(left.values()):
        skills = [skill for skill, lines in left.items() if lines]
        skill = rng.choices(skills, [4 if skill in POPULAR else 1 for skill in skills])[0]
        yield left[skill].pop(0)


def _topic_lines(topic: str) -> Iterator[LogLine]:
    return (LogLine(text, topic, None) for text in topic_prompts(topic))


def _day(day: int, rng: Random, sources: dict[str, Iterator[LogLine]], earlier: list[LogLine]) -> Iterator[LogLine]:
    """The requests of a day in the order in which they come, without time and session."""
    topics = [topic for topic in sources if topic != "skill" and (topic != NEW_TOPIC or day >= NEW_TOPIC_FROM_DAY)]
    weights = [2 if topic == NEW_TOPIC else 1 for topic in topics]
    for _ in range(LINES_PER_DAY[day - 1]):
        source = "skill" if rng.random() < SKILL_SHARE else rng.choices(topics, weights)[0]
        known = [line for line in earlier if (line.source if line.source in TOPICS else "skill") == source]
        fate = rng.random() if known else 1.0
        if fate < REPEATED:
            line = rng.choice(known)
        elif fate < REPEATED + REWORDED:
            line = rng.choice(known)
            line = replace(line, text=careless(line.text, rng))
        else:
            line = next(sources[source])
            line = replace(line, text=careless(line.text, rng)) if rng.random() < CARELESS else line
        earlier.append(line)
        yield line


def _in_sessions(day: int, lines: list[LogLine], rng: Random) -> list[LogLine]:
    """Lines of a day with their time and session: one to five requests each, minutes apart."""
    timed: list[LogLine] = []
    while lines:
        size = min(rng.choice([1, 1, 2, 2, 3, 4, 5]), len(lines))
        session = f"s{rng.getrandbits(32):08x}"
        hour = rng.choices(range(24), HOURS)[0]
        at = FIRST_DAY + timedelta(days=day - 1, hours=hour, seconds=rng.randrange(2400))
        for line in lines[:size]:
            timed.append(replace(line, timestamp=at, session=session))
            at += timedelta(seconds=rng.randint(15, 240))
        lines = lines[size:]
    return sorted(timed, key=lambda line: line.timestamp)


def log_days() -> list[list[LogLine]]:
    """The traffic of the seven days; always the same."""
    rng = Random("everyday logs")
    sources = {"skill": _skill_lines(rng)} | {topic: _topic_lines(topic) for topic in TOPICS}
    earlier: list[LogLine] = []
    days = range(1, len(LINES_PER_DAY) + 1)
    return [_in_sessions(day, list(_day(day, rng, sources, earlier)), rng) for day in days]


def _feedback(line: LogLine, answer: str, asked: bool) -> str | None:
    if line.check is None or not asked:
        return None
    return "up" if line.check(answer) >= 0.5 else "down"


def write_logs(journal: Journal, folder: Path) -> int:
    """Write one JSONL file a day with every request that the journal has an answer to; returns how many lines."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, written = Random("everyday feedback"), 0
    for lines in log_days():
        entries: list[dict[str, str | None]] = []
        for line in lines:
            answer, asked = journal.answers.get(ZERO_SHOT.key(line.text)), rng.random() < 1 / 3
            if answer is not None:
                entries.append(
                    {
                        "id": f"log-{line.timestamp:%Y%m%d}-{len(entries) + 1:04d}",
                        "timestamp": f"{line.timestamp:%Y-%m-%dT%H:%M:%SZ}",
                        "session_id": line.session,
                        "model": ZERO_SHOT.model,
                        "prompt": line.text,
                        "response": answer,
                        "feedback": _feedback(line, answer, asked),
                    }
                )
        text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        (folder / f"{lines[0].timestamp:%Y-%m-%d}.jsonl").write_text(text, encoding="utf-8")
        written += len(entries)
    return written
