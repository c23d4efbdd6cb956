"""Render the messages of a named prompt from its Jinja templates.

A template is a file `<name>.j2` with the blocks `system` and `user`. A file of the same name in the user's folder
goes before ours. What a template says is versioned by its text, so that a changed prompt makes its answers stale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from faultmap_core.base.errors import LanguageModelError
from faultmap_core.llm.calls import Message

BLOCKS = ("system", "user")
OWN_PROMPTS = Path(__file__).parent / "prompts"


def fence(text: object) -> str:
    """Wrap text of unknown origin between delimiters that it cannot contain.

    The delimiter is a digest of the text itself: equal text gives equal bytes (prompts stay cacheable), and a text
    that holds its own delimiter would need a fixed point of SHA-256; one that does is given another.
    """
    content = str(text)
    salt = 0
    while True:
        mark = hashlib.sha256(f"{salt}:{content}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
        if mark not in content:
            return f"<data-{mark}>\n{content}\n</data-{mark}>"
        salt += 1


class PromptLibrary:
    """Our templates, and before them those of the user's folder."""

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None and not folder.is_dir():
            raise LanguageModelError(
                f"The folder of prompt templates, {folder}, does not exist; make it or leave it out."
            )
        self.folders = (folder, OWN_PROMPTS) if folder is not None else (OWN_PROMPTS,)
        loaders: Sequence[BaseLoader] = [FileSystemLoader(place) for place in self.folders]
        self._environment = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader(loaders),
            undefined=StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters["fence"] = fence
        self._paths: dict[str, Path] = {}
        self._versions: dict[str, str] = {}

    def render(self, name: str, **values: Any) -> tuple[Message, ...]:
        """Return the messages of template `name`: its `system` block (when it has one that is not empty) and `user`."""
        system, user = self._blocks(name, values)
        if not user:
            raise LanguageModelError(f"The prompt template {name}.j2 has no text in its block 'user'; add it.")
        messages = (Message("user", user),)
        return (Message("system", system), *messages) if system else messages

    def version(self, *names: str) -> str:
        """Return 12 hexadecimal digits of the templates' text and of what they include or extend."""
        return hashlib.sha256("\0".join(self._version(name) for name in names).encode()).hexdigest()[:12]

    def template_id(self, name: str) -> str:
        """Return "name@version"."""
        return f"{name}@{self.version(name)}"

    def names(self) -> tuple[str, ...]:
        """Return the names of all templates, sorted."""
        return tuple(sorted({path.stem for folder in self.folders for path in folder.glob("*.j2")}))

    def _blocks(self, name: str, values: dict[str, Any]) -> tuple[str, str]:
        template = self._template(name)
        context = template.new_context(values)
        try:
            for _ in template.root_render_func(context):
                pass  # what stands outside of the blocks: imports, macros, a parent's blocks
            texts = ("".join(block[0](context)) if block else "" for block in map(context.blocks.get, BLOCKS))
            system, user = (text.strip() for text in texts)
        except TemplateError as error:
            raise LanguageModelError(f"The prompt template {self._path(name)} failed: {error}") from error
        return system, user

    def _template(self, name: str) -> Template:
        path = self._path(name)
        try:
            return self._environment.get_template(path.name)
        except TemplateError as error:
            raise LanguageModelError(f"The prompt template {path} cannot be used: {error}") from error

    def _path(self, name: str) -> Path:
        if name not in self._paths:
            if name not in self.names():
                folders = " or ".join(str(folder) for folder in self.folders)
                known = ", ".join(self.names())
                raise LanguageModelError(f"There is no prompt template {name!r} in {folders}; there are: {known}.")
            self._paths[name] = next(path for folder in self.folders if (path := folder / f"{name}.j2").is_file())
        return self._paths[name]

    def _version(self, name: str) -> str:
        if name not in self._versions:
            text = self._path(name).read_text(encoding="utf-8")
            parts = meta.find_referenced_templates(self._environment.parse(text))
            inner = [self._version(part.removesuffix(".j2")) for part in parts if part is not None]
            self._versions[name] = hashlib.sha256("\0".join([text, *inner]).encode()).hexdigest()
        return self._versions[name]
