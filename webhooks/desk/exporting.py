"""The list of cases as a file for a spreadsheet.

Rule: no telephone number of a caller and no whole ID leaves the desk this way, and nothing that a cell holds is ever
taken for a formula (OWASP, "CSV Injection").

>>> cell("=1+1"), cell("-2"), cell("Nordstern"), cell(None)
("'=1+1", "'-2", 'Nordstern', '')
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo

from webhooks.desk.search import Found

COLUMNS = (
    "case_number", "state", "reason", "line", "opened_at", "changed_at", "groups_in", "groups_of", "key_last_five",
    "product", "agreement",
)  # fmt: skip
MOST_ROWS = 50_000
"""Cases one file may hold; whoever wants more asks by days."""
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def written(found: Iterable[Found], line_names: Mapping[str, str], zone: tzinfo) -> str:
    """The file: a mark that it is UTF-8 (spreadsheets guess otherwise), a row of names, then a row for each case.

    Reasons and states are their codes, instants ISO 8601 in `zone`, a line is named, not numbered.
    """
    out = io.StringIO()
    out.write("\ufeff")
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for each in found:
        rows.writerow(
            [
                cell(value)
                for value in (
                    each.number,
                    each.state,
                    each.reason,
                    line_names.get(each.line, ""),
                    _instant(each.opened_at, zone),
                    _instant(each.changed_at, zone),
                    each.groups_in,
                    each.groups_of,
                    each.last_five,
                    each.product,
                    each.agreement,
                )
            ]
        )
    return out.getvalue()


def cell(value: str | int | None) -> str:
    """One cell: text that a spreadsheet could take for a formula has an apostrophe before it."""
    text = "" if value is None else str(value)
    # A full-width = or + is a formula to some of them.
    begins = unicodedata.normalize("NFKC", text.lstrip(" "))[:1]
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) or begins in set(_BEGINS_A_FORMULA) else text


def _instant(instant: datetime, zone: tzinfo) -> str:
    return instant.astimezone(zone).isoformat(timespec="seconds")
