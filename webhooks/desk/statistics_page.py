"""Statistics for supervisors: activations by week, with charts, and the same as a file.

Rule: it shows what `ivr.statistics` publishes and nothing beside it, so that what is seen here may be handed on.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, Response, render_template
from sqlalchemy import Connection, select

from ivr import statistics, suppression
from ivr.operators import Role
from ivr.statistics import By, Published
from keys.products import products
from webhooks.desk import words
from webhooks.desk.exporting import cell
from webhooks.desk.guards import here, least
from webhooks.page_texts import Words, later

room = Blueprint("statistics_page", __name__, url_prefix="/desk")

WIDTH, HEIGHT = 720, 180
MOST_DRAWN = 6
"""Names with a colour of their own; the others are drawn together."""
COLUMNS = ("by", "name", "week", "monday", "count", "hidden")
TITLES = Words(
    {
        "product": later("Activated, by product"),
        "channel": later("Activated, by channel"),
        "region": later("Activated, by region"),
        "outcome": later("What came of it"),
    }
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a column: which colour (MOST_DRAWN: the other names, None: hidden), where, and how many."""

    colour: int | None
    y: float
    height: float
    count: int


@dataclass(frozen=True, slots=True)
class Column:
    """One week of a chart."""

    x: float
    width: float
    week: str
    pieces: tuple[Piece, ...]
    total: int | None


@room.get("/statistics")
@least(Role.SUPERVISOR)
def page() -> str:
    """The page."""
    found, names = _published()
    return render_template(
        "statistics.html",
        published=found,
        names=names,
        titles=TITLES,
        weeks=[week_of(monday) for monday in found.weeks],
        charts={by.name: drawn(by, found) for by in found.by if by.name != "outcome"},
        chart_names={by.name: coloured_of(by) for by in found.by},
        size=(WIDTH, HEIGHT),
        most=MOST_DRAWN,
        smallest=suppression.SMALLEST,
    )


@room.get("/statistics.csv")
@least(Role.SUPERVISOR)
def file() -> Response:
    """The same as CSV: a row a name and week; a hidden count is empty and marked."""
    found, names = _published()
    out = io.StringIO()
    out.write("\ufeff")
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for by in found.by:
        for monday, line in zip(found.weeks, by.lines, strict=True):
            counts = [(names.get((by.name, name), name), count) for name, count in line.shown.items()]
            if by.name != "outcome":
                counts.append(("total", line.total))
            for name, count in counts:
                hidden = "yes" if count is None else "no"
                rows.writerow([by.name, cell(name), week_of(monday), monday.isoformat(), cell(count), hidden])
    return Response(
        out.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="activations-{found.weeks[-1]}.csv"'},
    )


def week_of(monday: date) -> str:
    """A week as ISO 8601 writes it.

    >>> week_of(date(2026, 11, 23))
    '2026-W48'
    """
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"


def drawn(by: By, published: Published) -> tuple[Column, ...]:
    """The columns of a chart; what is hidden of a total is drawn as one piece, on top."""
    coloured = coloured_of(by)
    most = max((line.total or 0 for line in by.lines), default=0) or 1
    step = WIDTH / max(len(published.weeks), 1)
    columns = []
    for place, (monday, line) in enumerate(zip(published.weeks, by.lines, strict=True)):
        counts: list[tuple[int | None, int]] = [(n, line.shown[name] or 0) for n, name in enumerate(coloured)]
        counts.append((MOST_DRAWN, sum(line.shown[name] or 0 for name in by.names if name not in coloured)))
        counts.append((None, (line.total or 0) - sum(count for _, count in counts) if line.total else 0))
        pieces, y = [], float(HEIGHT)
        for colour, many in counts:
            height = round((HEIGHT - 20) * many / most, 1)
            y = round(y - height, 1)
            if many:
                pieces.append(Piece(colour, y, height, many))
        columns.append(
            Column(round(place * step + 3, 1), round(step - 6, 1), week_of(monday), tuple(pieces), line.total)
        )
    return tuple(columns)


def coloured_of(by: By) -> tuple[str, ...]:
    """The names with a colour of their own: those of which most is shown."""
    known = {name: sum(line.shown[name] or 0 for line in by.lines) for name in by.names}
    return tuple(sorted((name for name in known if known[name]), key=lambda name: (-known[name], name))[:MOST_DRAWN])


def _published() -> tuple[Published, Mapping[tuple[str, str], str]]:
    with here().database.read() as connection:
        found = statistics.publish(connection, here().secrets.pepper, here().now())
        return found, _names(connection, found)


def _names(connection: Connection, found: Published) -> dict[tuple[str, str], str]:
    """What stands for the names that are codes: the product, the channel and the outcome in words."""
    called = {str(row.number): str(row.name) for row in connection.execute(select(products.c.number, products.c.name))}
    said: dict[str, Callable[[str], str]] = {
        "product": lambda name: called.get(name, name),
        "channel": words.channel,
        "outcome": words.outcome,
    }
    return {(by.name, name): said[by.name](name) for by in found.by if by.name in said for name in by.names}
