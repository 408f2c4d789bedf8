"""Databases that have grown in one way each: keys, activations, calls, waiting cases, desks, texts.

Rule: a dimension grows alone. What else a database holds is the same at every size, so that a cost which grows tells
by what.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, String, cast, func, insert, literal, null, select

from ivr import logins
from ivr.calls import calls
from ivr.cases import CaseState, cases
from ivr.operators import Presence, Role, operators
from ivr.outbox import RANKS, TextState, outbox
from ivr.queue import HandoffState, handoffs
from ivr.states import Outcome
from webhooks.bench.filling import add_activations, add_keys, put, series
from webhooks.bench.line import NUMBER
from webhooks.bench.signed import standard_groups

BUSY = "b" * 32
"""The pseudonym of the one caller, a switchboard say, that some dimensions grow by."""
CASE_BASE = 8_000_000_000
"""Case numbers of filled cases count up from here, unlike any that the line gives."""
KEYS = 1_000
LEDGER = "the whole ledger"
NOBODY, NOTHING = "", "{}"
_LAST_CALL = 3
"""So many of the calls end within the half-hour in which a case is gone on with."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """What grows, through which sizes, how a database is filled to one, and the costs that are looked at."""

    name: str
    sizes: tuple[int, ...]
    fill: Callable[[Connection, int], None]
    costs: tuple[str, ...]


def _keys(connection: Connection, size: int) -> None:
    add_keys(connection, size)
    add_waiting(connection, 10)


def _activations(connection: Connection, size: int) -> None:
    add_keys(connection, KEYS)
    add_activations(connection, size, KEYS)


def _others(connection: Connection, size: int) -> None:
    add_keys(connection, KEYS)
    add_calls(connection, size, None)


def _of_one(connection: Connection, size: int) -> None:
    add_keys(connection, KEYS)
    add_calls(connection, size, BUSY)


def _waiting(connection: Connection, size: int) -> None:
    add_keys(connection, KEYS)
    add_waiting(connection, size)


def _handled(connection: Connection, size: int) -> None:
    add_keys(connection, KEYS)
    add_calls(connection, size, None)
    n = cast(series(size), BigInteger)
    then, later = _instant(_now() - timedelta(days=3)), _instant(_now() - timedelta(days=2))
    row: dict[str, ColumnElement[Any]] = {
        "case_id": n,
        "channel": literal("phone"),
        "sid": literal("CAc") + cast(n, String),
        "line": literal(NUMBER),
        "reason": literal("ASKED"),
        "state": literal(HandoffState.DONE.value),
        "entered_at": then,
        "claimed_at": then,
        "finished_at": later,
        "disposition": literal("other"),
    }
    put(connection, handoffs, row)
    add_waiting(connection, 10)


def _desks(connection: Connection, size: int) -> None:
    add_keys(connection, KEYS)
    add_waiting(connection, 10)
    add_desks(connection, size)


def _texts(connection: Connection, size: int) -> None:
    add_keys(connection, KEYS)
    add_texts(connection, size, None)


def _texts_of_one(connection: Connection, size: int) -> None:
    add_keys(connection, KEYS)
    add_texts(connection, size, BUSY)


DIMENSIONS = (
    Dimension("keys", (10, 1_000, 100_000), _keys, ("reserve", "replay", "group turn", "queue page")),
    Dimension("activations", (10, 10_000, 1_000_000), _activations, ("reserve", "replay", "sweep of holds")),
    Dimension(
        "calls and cases", (10, 5_000, 200_000), _others, ("first turn", "group turn", "dropped case", "case by number")
    ),
    Dimension("calls of one caller", (10, 500, 5_000), _of_one, ("first turn", "dropped case")),
    Dimension(
        "waiting cases", (1, 100, 2_000), _waiting, ("group turn", "place in the queue", "waiting round", "queue page")
    ),
    Dimension("cases the desk ended", (10, 5_000, 100_000), _handled, ("waiting round", "queue page")),
    Dimension("desks", (1, 20, 500), _desks, ("group turn", "waiting round", "queue page", "desk of a token")),
    Dimension("texts", (10, 5_000, 200_000), _texts, ("look for a due text", "claim of a text", "fate of a text")),
    Dimension("texts of one caller", (10, 500, 5_000), _texts_of_one, ("look for a due text", "claim of a text")),
)


def whole_ledger(keys: int, activations: int) -> Dimension:
    """An empty ledger of one key, and one that holds so many keys and activations."""

    def fill(connection: Connection, size: int) -> None:
        add_keys(connection, keys if size else 1)
        add_activations(connection, size, keys)

    return Dimension(LEDGER, (0, activations), fill, ("reserve", "reserve of any key", "replay"))


def add_calls(connection: Connection, count: int, caller: str | None) -> None:
    """`count` calls that were cut off, each with its unfinished case: of one caller, or each of another.

    The last few of them ended within the last half-hour.
    """
    n = series(count)
    number = cast(n, BigInteger)
    whose: ColumnElement[Any] = literal(caller) if caller is not None else literal("c") + cast(n, String)
    then, lately = _instant(_now() - timedelta(days=3)), _instant(_now() - timedelta(minutes=10))
    case: dict[str, ColumnElement[Any]] = {
        "number": cast(number + CASE_BASE, String),
        "state": literal(CaseState.OPEN.value),
        "format": literal(1),
        "groups": literal(",".join(standard_groups(secrets.randbelow)[:4])),
        "line": literal(NUMBER),
        "caller": whose,
        "opened_at": then,
        "changed_at": then,
    }
    put(connection, cases, case)
    ended = func.coalesce(_if(number > count - _LAST_CALL, lately), then, type_=calls.c.ended_at.type)
    call: dict[str, ColumnElement[Any]] = {
        "sid": literal("CAc") + cast(n, String),
        "case_id": number,
        "line": literal(NUMBER),
        "caller": whose,
        "turn": literal(6),
        "state": literal(NOTHING),
        "spoken": literal(NOTHING),
        "started_at": then,
        "replied_at": ended,
        "ended_at": ended,
        "outcome": literal(Outcome.HUNG_UP.value),
    }
    put(connection, calls, call)


def add_waiting(connection: Connection, count: int) -> None:
    """`count` cases in the queue, with IDs of their own, whose callers have hung up; each of another caller."""
    now = _now()
    rows = [
        {
            "number": str(CASE_BASE + 900_000_000 + place),
            "state": CaseState.WAITING.value,
            "reason": "ASKED",
            "format": 1,
            "groups": ",".join(standard_groups(secrets.randbelow)),
            "line": NUMBER,
            "caller": f"w{place}",
            "opened_at": now,
            "changed_at": now,
        }
        for place in range(count)
    ]
    connection.execute(insert(cases), rows)
    entered = select(cases.c.id, cases.c.caller).where(cases.c.state == CaseState.WAITING).order_by(cases.c.id)
    stays = [
        {
            "case_id": row.id,
            "channel": "phone",
            "sid": f"CAw{row.id}",
            "line": NUMBER,
            "caller": row.caller,
            "reason": "ASKED",
            "state": HandoffState.WAITING.value,
            "entered_at": now - timedelta(minutes=30) + timedelta(milliseconds=place),
            "left_at": now,
        }
        for place, row in enumerate(connection.execute(entered).all())
    ]
    connection.execute(insert(handoffs), stays)


def add_desks(connection: Connection, count: int) -> None:
    """`count` operators who take cases, each logged in; the tokens of their logins are `token_of` 1 and up."""
    now = _now()
    people = [
        {
            "name": f"Operator {number}",
            "role": Role.OPERATOR.value,
            "password_hash": NOBODY,
            "on_call": False,
            "grant_limit": 0,
            "presence": Presence.AVAILABLE.value,
            "presence_at": now,
            "failures": 0,
            "created_at": now,
        }
        for number in range(1, count + 1)
    ]
    connection.execute(insert(operators), people)
    for number, one in enumerate(connection.scalars(select(operators.c.id).order_by(operators.c.id)), 1):
        logins.open_login(connection, one, token_of(number), address="", browser="", now=now)


def token_of(number: int) -> str:
    """The token of a filled login."""
    return f"desk {number}"


def add_texts(connection: Connection, count: int, caller: str | None) -> None:
    """`count` texts that were delivered, and one that is due: of one caller, or each of another."""
    n = series(count)
    text = cast(n, String)
    then = _instant(_now() - timedelta(days=3))
    whose: ColumnElement[Any] = literal(caller) if caller is not None else literal("c") + text
    row: dict[str, ColumnElement[Any]] = {
        "line": literal(NUMBER),
        "caller": whose,
        "number_sealed": literal(NOBODY),
        "words": literal("[]"),
        "call_sid": literal("CAc") + text,
        "state": literal(TextState.DELIVERED.value),
        "rank": literal(RANKS[TextState.DELIVERED]),
        "attempts": literal(1),
        "written_at": then,
        "due_at": then,
        "changed_at": then,
    }
    put(connection, outbox, row)
    waits = {"caller": literal(BUSY), "call_sid": literal("CAdue"), "state": literal(TextState.QUEUED.value)}
    put(connection, outbox, row | waits | {"rank": literal(0)} | {"case_id": _one_of(series(1))})


def _one_of(n: ColumnElement[int]) -> ColumnElement[Any]:
    """Nothing, once for each number."""
    return cast(func.nullif(n, n), BigInteger)


def _if(condition: ColumnElement[bool], value: ColumnElement[Any]) -> ColumnElement[Any]:
    from sqlalchemy import case

    return case((condition, value), else_=null())


def _instant(moment: datetime) -> ColumnElement[Any]:
    return literal(moment, calls.c.ended_at.type)


def _now() -> datetime:
    return datetime.now(UTC)
