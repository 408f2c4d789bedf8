"""The supervisor's office: the live figures of the shift, and the opening hours of every line.

Rule: it only looks. What it shows is brought up to date by the live stream, five seconds apart at the least.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template

from ivr.hours import DAYS, DeskHours, is_open
from ivr.operators import Role
from webhooks.desk.board import TARGET
from webhooks.desk.figures import Figures, Hour, desk_zone, figures
from webhooks.desk.guards import here, least
from webhooks.page_templates import weekday
from webhooks.page_texts import gettext as _
from webhooks.page_texts import joined

room = Blueprint("office", __name__, url_prefix="/desk")

CHART_WIDTH, CHART_HEIGHT, _ABOVE = 720, 160, 16
"""The chart in units of its own drawing; `_ABOVE` is room for the number over a bar."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of the chart: where its bar stands and how tall it is."""

    x: float
    y: float
    width: float
    height: float
    hour: Hour


@room.get("/office")
@least(Role.SUPERVISOR)
def page() -> str:
    """The whole page."""
    return render_template("office.html", **_shown())


@room.get("/office/figures")
@least(Role.SUPERVISOR)
def part() -> str:
    """The part of it that changes."""
    return render_template("_figures.html", **_shown())


@room.get("/office/hours")
@least(Role.SUPERVISOR)
def hours() -> str:
    """When the desk of each line is open, as the file of lines says."""
    at = here().now()
    weeks = [
        (line, None if line.desk is None else (is_open(line.desk, at), week_of(line.desk))) for line in here().lines.all
    ]
    return render_template("hours.html", weeks=weeks)


def bars(of_hours: tuple[Hour, ...]) -> list[Bar]:
    """The bars of a chart, the tallest as tall as there is room for."""
    most = max((hour.activations for hour in of_hours), default=0) or 1
    step = CHART_WIDTH / max(len(of_hours), 1)
    drawn = []
    for place, hour in enumerate(of_hours):
        height = round((CHART_HEIGHT - _ABOVE) * hour.activations / most, 1)
        drawn.append(Bar(round(place * step + 2, 1), CHART_HEIGHT - height, round(step - 4, 1), height, hour))
    return drawn


def week_of(desk: DeskHours) -> list[tuple[str, str]]:
    """Each weekday and when the desk is open on it, in words."""
    days = []
    for number in range(len(DAYS)):
        spans = sorted(desk.week.get(number, ()))
        # The end of a day is kept as its last moment.
        open_at = [
            _("%(opens)s to %(closes)s", opens=f"{opens:%H:%M}", closes="24:00" if closes.second else f"{closes:%H:%M}")
            for opens, closes in spans
        ]
        days.append((weekday(number), joined(open_at) or _("closed")))
    return days


def _shown() -> dict[str, object]:
    with here().database.read() as connection:
        found: Figures = figures(connection, here().now(), desk_zone(here().lines), TARGET)
    return {
        "figures": found,
        "bars": bars(found.hours),
        "chart": (CHART_WIDTH, CHART_HEIGHT),
        "target": int(TARGET.total_seconds()),
    }
