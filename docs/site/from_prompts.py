"""The languages that there are, and every prompt with its words, from the catalogue in American English.

Rule: what stands here is what callers hear and read; a placeholder in braces is filled in by the line.
"""

from __future__ import annotations

import io
from itertools import groupby
from pathlib import Path

from babel import Locale
from babel.messages.pofile import read_po

from ivr.prompts import parse

CATALOGUES = Path(__file__).parents[2] / "prompts"


def languages() -> str:
    """Every locale that there is a catalogue of, with its voice at Twilio and how many prompts it has."""
    rows = []
    for file in sorted(CATALOGUES.glob("*.po")):
        spoken = parse(file.read_bytes(), file.stem)
        locale = Locale.parse(file.stem, sep="-")
        written = "right to left" if locale.text_direction == "rtl" else "left to right"
        name = locale.get_display_name("en")
        rows.append(f"| `{file.stem}` | {name} | `{spoken.voice}` | {written} | {len(spoken.prompts)} |")
    return "\n".join(["| locale | language | voice | written | prompts |", "|---|---|---|---|---|", *rows])


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
