"""The list of decisions, from the records themselves: the title and the first sentence of each.

Rule: a record that lies in the folder is on the list.
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "decisions"


def records() -> list[tuple[str, str, str]]:
    """File name, title and the first sentence of the decision, in the order of their numbers."""
    found = []
    for file in sorted(FOLDER.glob("[0-9]*.md")):
        text = file.read_text("utf-8")
        title = text.splitlines()[0].removeprefix("# ")
        decided = re.split(r"\*\*Decisions?[^*]*\*\*", text, maxsplit=1)[-1].strip().split("\n\n")[0]
        first = re.match(r"(?:- )?(.+?\.)(?=\s|$)", " ".join(decided.split()))
        found.append((file.name, title, first[1] if first else ""))
    return found


def decisions() -> str:
    """A table of them, and where they are in the navigation."""
    rows = "\n".join(f"| [{title}]({name}) | {first} |" for name, title, first in records())
    inside = "\n".join(name.removesuffix(".md") for name, _, _ in records())
    return f"| | decided |\n|---|---|\n{rows}\n\n```{{toctree}}\n:hidden:\n\n{inside}\n```"
