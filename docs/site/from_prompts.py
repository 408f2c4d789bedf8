"""Every prompt of the line with its words, from the catalogue in American English.

Rule: what stands here is what callers hear and read; a placeholder in braces is filled in by the line.
"""

from __future__ import annotations

import io
from itertools import groupby
from pathlib import Path

from babel.messages.pofile import read_po

CATALOGUES = Path(__file__).parents[2] / "prompts"


def prompts() -> str:
    """One table for each first word of an id, in the order of the catalogue."""
    catalogue = read_po(io.BytesIO((CATALOGUES / "en-US.po").read_bytes()))
    entries = [message for message in catalogue if message.context]
    sections = []
    for first, found in groupby(entries, key=lambda message: str(message.context).partition(".")[0]):
        rows = [
            f"| `{each.context}` | {_words(each.string)} | {_cell(' '.join(each.auto_comments))} |" for each in found
        ]
        sections.append("\n".join([f"**{first}**\n", "| id | words | note |", "|---|---|---|", *rows]))
    return "\n\n".join(sections)


def _words(string: str | tuple[str, ...] | list[str]) -> str:
    forms = [string] if isinstance(string, str) else list(string)
    return "<br>".join(_cell(form) for form in forms)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<").replace("*", "\\*").replace("\n", "<br>")
