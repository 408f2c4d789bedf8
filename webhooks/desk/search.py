"""Finding cases: by number, key, agreement, state, reason, line, day, or the caller whose number was typed in.

Rule: a telephone number goes in and never comes out: what is searched for, kept in an address or listed is its
pseudonym. Pages go by row id, so that a case that comes in meanwhile moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select, tuple_

from ivr.calls import calls
from ivr.cases import CaseState, cases
from ivr.outbox import outbox
from keys import checkdigit
from keys.catalog import agreements
from keys.formats import FORMATS, GROUP_DIGITS, Format
from keys.groups import fields_number, payload_of
from keys.issue import product_keys
from keys.products import products

PAGE = 50
MOST_RUNS = 300
"""Runs of serials one search may ask for; SQLite reads no statement nested a thousand deep."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; "" and None stand for anything.

    `number` is a case number, `last_five` those of a key, `agreement` its number, `line` a line's number, `caller` a
    pseudonym, `since` and `until` the days (both included) on which the case was opened.
    """

    number: str = ""
    last_five: str = ""
    agreement: str = ""
    state: CaseState | None = None
    reason: str = ""
    line: str = ""
    caller: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One case of the list.

    `groups_in` of `groups_of` groups are in. What names the key is there once all are, and is what the ID says, proven
    or not.
    """

    id: int
    number: str
    state: CaseState
    reason: str | None
    line: str
    opened_at: datetime
    changed_at: datetime
    groups_in: int
    groups_of: int | None
    last_five: str | None = None
    product: str | None = None
    agreement: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases, the newest first, and the row id before which the next page begins; None on the last one."""

    found: tuple[Found, ...]
    before: int | None


class TooManyKeys(ValueError):  # noqa: N818 - names what happened
    """An agreement has more keys than one search can ask for."""


def day_of(given: str) -> date | None:
    """A day as a form gives it; None for what is none, and for a year that no line of ours has seen or will see.

    >>> day_of("2026-11-24"), day_of("24.11."), day_of("0001-01-01")
    (datetime.date(2026, 11, 24), None, None)
    """
    try:
        day = date.fromisoformat(given)
    except ValueError:
        return None
    return day if 2000 <= day.year < 2200 else None


def find(connection: Connection, wanted: Wanted, zone: tzinfo, *, before: int | None = None, limit: int = PAGE) -> Page:
    """The next `limit` cases, the newest first; days are those of `zone`. Raises TooManyKeys."""
    query = select(cases).where(*_conditions(connection, wanted, zone)).order_by(cases.c.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(cases.c.id < before)
    rows = connection.execute(query).all()
    shown = rows[:limit]
    named = _keys_named(connection, shown)
    return Page(tuple(_found(row, named) for row in shown), shown[-1].id if len(rows) > limit else None)


def _conditions(connection: Connection, wanted: Wanted, zone: tzinfo) -> Iterable[ColumnElement[bool]]:
    exact = {"number": wanted.number, "state": wanted.state, "reason": wanted.reason, "line": wanted.line}
    yield from (cases.c[column] == value for column, value in exact.items() if value)
    if wanted.since is not None:
        yield cases.c.opened_at >= datetime.combine(wanted.since, time_of_day.min, zone)
    if wanted.until is not None:
        yield cases.c.opened_at < datetime.combine(wanted.until + timedelta(days=1), time_of_day.min, zone)
    if wanted.caller:
        yield _of_caller(wanted.caller)
    if wanted.last_five or wanted.agreement:
        yield _of_keys(connection, wanted)


def _of_caller(caller: str) -> ColumnElement[bool]:
    """Cases of this caller, also those that another began and this one called or was texted about."""
    called = select(calls.c.case_id).where(calls.c.caller == caller, calls.c.case_id.is_not(None))
    texted = select(outbox.c.case_id).where(outbox.c.caller == caller, outbox.c.case_id.is_not(None))
    return or_(cases.c.caller == caller, cases.c.id.in_(called), cases.c.id.in_(texted))


def _of_keys(connection: Connection, wanted: Wanted) -> ColumnElement[bool]:
    """Cases whose whole ID names one of the keys: refused ones too, which have no reservation to go by."""
    query = (
        select(products.c.format, product_keys.c.product, product_keys.c.serial)
        .join(products, products.c.number == product_keys.c.product)
        .join(agreements, agreements.c.id == product_keys.c.agreement_id)
        .order_by(product_keys.c.product, product_keys.c.serial)
    )
    if wanted.last_five:
        query = query.where(product_keys.c.last_five == wanted.last_five)
    if wanted.agreement:
        query = query.where(agreements.c.number == wanted.agreement)
    runs: list[tuple[int, int, int, int]] = []
    for layout, product, serial in connection.execute(query):
        if runs and runs[-1][:2] == (layout, product) and runs[-1][3] == serial - 1:
            runs[-1] = (layout, product, runs[-1][2], serial)
        else:
            runs.append((layout, product, serial, serial))
    if len(runs) > MOST_RUNS:
        raise TooManyKeys
    return or_(false(), *(_naming(FORMATS[layout], *run) for layout, *run in runs))


def _naming(fmt: Format, product: int, first: int, last: int) -> ColumnElement[bool]:
    """Whole IDs of a product whose serial lies from `first` to `last`.

    Product and serial stand foremost in an ID, so its groups, written one after another, sort as its serial does.
    """
    rest = fmt.field_bits - fmt.product_bits - fmt.serial_bits
    lowest = (product << fmt.serial_bits | first) << rest
    highest = (product << fmt.serial_bits | last) << rest | (1 << rest) - 1
    return and_(
        cases.c.format == fmt.number,
        func.length(cases.c.groups) == fmt.groups * (GROUP_DIGITS + 1) - 1,
        cases.c.groups.between(_written(fmt, lowest, "00"), _written(fmt, highest, "99")),
    )


def _written(fmt: Format, fields: int, whole_check: str) -> str:
    """The groups of an ID with these fields as a case keeps them; the last of them is a bound, not a genuine one."""
    payload = f"{fmt.number}{fields:0{fmt.field_digits}d}{whole_check}"
    width = GROUP_DIGITS - 1
    parts = [payload[start : start + width] for start in range(0, len(payload), width)]
    sound = [part + checkdigit.calc(fmt.check_rule, number, part) for number, part in enumerate(parts[:-1], 1)]
    return ",".join([*sound, parts[-1] + whole_check[-1]])


def _named(layout: int | None, groups: str) -> tuple[int, int] | None:
    """Product and serial that a case's groups name; None while the ID is not whole."""
    parts = groups.split(",")
    if layout is None or not all(parts) or len(parts) != FORMATS[layout].groups:
        return None
    fmt = FORMATS[layout]
    named = fields_number(payload_of(parts)) >> fmt.field_bits - fmt.product_bits - fmt.serial_bits
    return named >> fmt.serial_bits, named & fmt.serials - 1


def _keys_named(connection: Connection, rows: Iterable[Any]) -> Mapping[tuple[int, int], tuple[str, str, str]]:
    """Last five, product and agreement of every key that these cases name."""
    wanted = {named for row in rows if (named := _named(row.format, row.groups)) is not None}
    if not wanted:
        return {}
    keys = connection.execute(
        select(
            product_keys.c.product,
            product_keys.c.serial,
            product_keys.c.last_five,
            products.c.name,
            agreements.c.number,
        )
        .join(products, products.c.number == product_keys.c.product)
        .join(agreements, agreements.c.id == product_keys.c.agreement_id)
        .where(tuple_(product_keys.c.product, product_keys.c.serial).in_(sorted(wanted)))
    )
    return {(product, serial): (last_five, name, number) for product, serial, last_five, name, number in keys}


def _found(row: Any, named: Mapping[tuple[int, int], tuple[str, str, str]]) -> Found:
    key = _named(row.format, row.groups)
    return Found(
        row.id,
        row.number,
        CaseState(row.state),
        row.reason,
        row.line,
        row.opened_at,
        row.changed_at,
        sum(1 for group in row.groups.split(",") if group),
        None if row.format is None else FORMATS[row.format].groups,
        *(named.get(key, ()) if key is not None else ()),
    )
