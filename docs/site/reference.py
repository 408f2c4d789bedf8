"""The directive that writes parts of pages from the program itself: ```` ```{written-from} commands ````.

Rule: what a page says of commands, prompts, states, events, the API and decisions is asked of them at every build,
never typed. Each name in `WRITTEN` is a function that gives Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import from_api
import from_commands
import from_decisions
import from_prompts
import from_states
from docutils import nodes
from docutils.parsers.rst import Directive
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

WRITTEN = {
    "api": from_api.operations,
    "commands": from_commands.commands,
    "decisions": from_decisions.decisions,
    "languages": from_prompts.languages,
    "prompts": from_prompts.prompts,
    "actions": from_states.actions,
    "events": from_states.events,
    "states": from_states.states,
    "text states": from_states.text_states,
    "transitions": from_states.transitions,
}


FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|link)\b[^>]*?\b(?:src|href)=["']?(?:https?:)?//[^"'> ]+"""
    r"""|@import\s+(?:url\()?["']?(?:https?:)?//[^"') ]+|url\(["']?(?:https?:)?//[^"') ]+"""
)
"""What a browser would fetch from elsewhere: scripts, pictures, style sheets, fonts. A link to follow is none."""


class WrittenFrom(SphinxDirective):
    """Puts the Markdown of one of `WRITTEN` in its place, headings and all."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """The nodes of it."""
        name = self.arguments[0]
        if name not in WRITTEN:
            raise self.error(f"Nothing is written from {name!r}; there are: {', '.join(sorted(WRITTEN))}.")
        return self.parse_text_to_nodes(WRITTEN[name](), allow_section_headings=True)


class Folded(Directive):
    """A fenced `mermaid` block: its source, folded, for whoever has a program that draws it."""

    has_content = True
    opened: ClassVar[str] = "<details><summary>As a Mermaid diagram, for a program that draws it</summary>"

    def run(self) -> list[nodes.Node]:
        """Raw HTML around the block as it stands."""
        source = "\n".join(self.content)
        block = nodes.literal_block(source, source, language="mermaid")
        return [nodes.raw("", self.opened, format="html"), block, nodes.raw("", "</details>", format="html")]


def fetched_from_elsewhere(folder: Path) -> Iterator[str]:
    """Every file of a built site that makes a browser fetch something from another host, and what."""
    for file in sorted(folder.rglob("*")):
        if file.suffix in {".html", ".css"}:
            for found in FETCHED.finditer(file.read_text("utf-8")):
                yield f"{file.relative_to(folder)}: {found[0]}"


def _nothing_from_elsewhere(app: Sphinx, failed: Exception | None) -> None:
    if failed is None and (fetched := list(fetched_from_elsewhere(Path(app.outdir)))):
        raise ExtensionError("The site would fetch from elsewhere: " + "; ".join(fetched))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Sphinx asks what this extension brings."""
    app.add_directive("written-from", WrittenFrom)
    app.add_directive("mermaid", Folded)
    app.add_lexer("mermaid", TextLexer)
    app.connect("build-finished", _nothing_from_elsewhere)
    return {"version": "1", "parallel_read_safe": True, "env_version": 1}
