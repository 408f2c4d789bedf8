r"""Lists of machines as CSV, in and out.

One rule: a cell that a spreadsheet would run as a formula goes out with an apostrophe before it, and comes back in
without; everything else is given back as it was.

>>> guarded("=HYPERLINK(1)"), bare(guarded("=HYPERLINK(1)")), guarded("-"), guarded("'tis")
("'=HYPERLINK(1)", '=HYPERLINK(1)', "'-", "'tis")
>>> [row.facts["name"] for row in read_rows(Path("fleet.csv"), b"Name;Installation ID\nhelm;1234\n")]
['helm']
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TextIO

from webhooks.proxy.faults import FileFault

COLUMNS = ("name", "product", "product_name", "last_five", "state", "installation_id", "confirmation_id")
"""Those that are read; others are passed over."""
NEEDED = ("name", "installation_id")
_RUN_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file, by column; empty cells are left out."""

    line: int
    facts: Mapping[str, str]


def guarded(cell: str) -> str:
    """A cell as it may stand in a file that a spreadsheet opens."""
    return f"'{cell}" if cell.lstrip("'").startswith(_RUN_AS_FORMULA) else cell


def bare(cell: str) -> str:
    """A cell without the guard."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_RUN_AS_FORMULA) else cell


def write_rows(file: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows under a heading; None is an empty cell."""
    out = csv.writer(file, lineterminator="\n")
    out.writerow(columns)
    for row in rows:
        out.writerow(["" if row[name] is None else guarded(str(row[name])) for name in columns])


def read_rows(path: Path, content: bytes) -> Iterator[Row]:
    """The rows of a file with a heading, in commas, semicolons or tabs. Raises FileFault, naming the line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileFault(path, line, "is not UTF-8: save the list as CSV UTF-8") from error
    heading, _, _ = text.partition("\n")
    reader = csv.reader(StringIO(text, newline=""), delimiter=max(",;\t", key=heading.count), strict=True)
    try:
        names = ["_".join(name.lower().split()) for name in next(reader, [])]
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise FileFault(path, 1, f"has no column {' and no column '.join(missing)}")
        doubled = [name for name in COLUMNS if names.count(name) > 1]
        if doubled:
            raise FileFault(path, 1, f"has the column {doubled[0]} twice")
        before = reader.line_num
        for cells in reader:
            facts = {name: bare(cell.strip()) for name, cell in zip(names, cells, strict=False) if name in COLUMNS}
            held = {name: cell for name, cell in facts.items() if cell}
            if held:
                yield Row(before + 1, held)
            before = reader.line_num
    except csv.Error as error:
        raise FileFault(path, reader.line_num, f"cannot be read as CSV ({error})") from error
