r"""Tables of a run, put into a page of the documentation between two marks.

Rule: only what stands between the marks of that measurement is replaced; the words around it are somebody's own.

>>> page = "Before.\n\n<!-- bench line -->\nold\n<!-- /bench line -->\n\nAfter.\n"
>>> replaced(page, "line", "new").splitlines()[2:7]
['<!-- bench line -->', '', 'new', '', '<!-- /bench line -->']
>>> replaced(page, "scale", "new")
Traceback (most recent call last):
    ...
webhooks.bench.written_down.NoPlaceError: scale
"""

from __future__ import annotations

from datetime import date
from pathlib import Path


class NoPlaceError(ValueError):
    """The page has not the two marks of the measurement `name`, one after the other."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def replaced(page: str, name: str, block: str) -> str:
    """The page with `block` between its marks of `name`. Raises NoPlaceError."""
    opening, closing = f"<!-- bench {name} -->", f"<!-- /bench {name} -->"
    before, found, rest = page.partition(opening)
    _, ended, after = rest.partition(closing)
    if not found or not ended:
        raise NoPlaceError(name)
    return f"{before}{opening}\n\n{block.strip()}\n\n{closing}{after}"


def write(path: Path, name: str, block: str) -> None:
    """Put a block into the page at `path`. Raises NoPlaceError, and OSError where there is no such page."""
    path.write_text(replaced(path.read_text("utf-8"), name, block), "utf-8")


def heading(command: str, revision: str, on: date) -> str:
    """The sentence over the tables: when, of which revision, by which command.

    >>> heading("touchtone bench scale", "1a2b3c4", date(2026, 11, 24))
    'November 2026, revision 1a2b3c4, `touchtone bench scale`.'
    """
    return f"{on:%B %Y}, revision {revision}, `{command}`."
