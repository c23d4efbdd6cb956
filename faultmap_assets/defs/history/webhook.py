"""Post a message to a webhook that takes Slack's JSON. Its URL is a secret: no error and no log repeats it."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

# Slack's limits: 3,000 characters a section, 50 blocks, and fewer are read.
_MOST_CHARACTERS, _MOST_BLOCKS = 2_800, 20
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Posted:
    """Attributes: delivered; note: why not, without the URL."""

    delivered: bool
    note: str = ""


@dataclass(frozen=True)
class Webhook:
    """Where to post.

    Attributes: variable: the environment variable that holds the URL; attempts: how often a message is tried, with
        pauses that double, from `first_pause_seconds`; timeout_seconds: for one try.
    """

    variable: str
    attempts: int = 3
    first_pause_seconds: float = 1.0
    timeout_seconds: float = 10.0
    sleep: Callable[[float], None] = time.sleep

    def post(self, message: dict[str, Any]) -> Posted:
        """Post one message; whatever goes wrong is told, never raised."""
        url = os.environ.get(self.variable, "").strip()
        if not url:
            return Posted(False, f"the environment variable {self.variable} is not set")
        if not _usable(url):
            return Posted(False, f"the environment variable {self.variable} holds no http(s) URL")
        posted = Posted(False)
        for attempt in range(self.attempts):
            if attempt:
                self.sleep(self.first_pause_seconds * 2 ** (attempt - 1))
            posted, again = self._try(url, message)
            if not again:
                break
        return posted

    def _try(self, url: str, message: dict[str, Any]) -> tuple[Posted, bool]:
        """Post once; return what came of it, and whether it is worth another try."""
        request = urllib.request.Request(
            url,
            data=json.dumps(message, ensure_ascii=False).encode("utf-8", "replace"),
            headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": "faultmap"},
            method="POST",
        )
        try:
            with urllib.request.build_opener(_NoRedirect()).open(request, timeout=self.timeout_seconds):
                return Posted(True), False
        except urllib.error.HTTPError as error:
            error.close()
            return Posted(False, f"the webhook answered with status {error.code}"), error.code in _TRY_AGAIN
        except urllib.error.URLError as error:
            return Posted(False, f"the webhook cannot be reached: {_reason(error.reason)}"), True
        except (OSError, HTTPException, ValueError) as error:
            return Posted(False, f"the webhook cannot be reached: {_reason(error)}"), True


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without its message."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _reason(error: object) -> str:
    """Say why in the words of the operating system alone: other texts may hold the URL."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def slack_message(title: str, lines: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return one message in Slack's form; servers that know no blocks read its `text`.

    Args: lines: (label, sentence) of each thing that is told; both are taken literally.
    """
    shown = lines[: _MOST_BLOCKS - 2]
    sections = [f"*{_escaped(label)}*  {_escaped(told)}"[:_MOST_CHARACTERS] for label, told in shown]
    if len(lines) > len(shown):
        sections.append(f"and {len(lines) - len(shown):,} more: `faultmap alerts`")
    texts = [f"*{_escaped(title)}*", *sections]
    return {
        "text": "\n".join([title, *(f"{label}: {told}" for label, told in shown)])[:_MOST_CHARACTERS],
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}} for text in texts],
    }


def _escaped(text: str) -> str:
    """Slack reads &, < and > as markup: `<!channel>` would call everybody."""
    plain = " ".join(text.split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
