"""What the queue shows: each case that waits, with all that tells an operator which to take, in a few statements.

Rule: however many wait, the number of statements is the same, a case that stands as it stood is not read anew, and a
page shows the first of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, select

from ivr import grant_requests, signs
from ivr.call_backs import call_backs
from ivr.calls import calls
from ivr.cases import cases
from ivr.grant_requests import GrantState
from ivr.lines import Lines
from ivr.operators import AtDesk, at_desk, operators
from ivr.queue import HandoffState, handoffs
from ivr.signs import Score
from ivr.written import read_state
from keys.belonging import among
from keys.formats import FORMATS
from keys.groups import check_groups
from keys.installation_id import InvalidInstallationID, decode
from keys.issue import KeyStatus, product_keys
from keys.products import products
from webhooks.desk import place_words
from webhooks.desk.place_words import Place

TARGET = timedelta(minutes=2)
"""Within which a case should have been taken up."""
SHOWN = 200
"""Of those who wait so many are shown, the longest waits first; whoever came later moves up, and is found by number."""
_REMEMBERED = 4096
_GRANTS = {GrantState.ASKED, GrantState.APPROVED, GrantState.DECLINED}


@dataclass(frozen=True, slots=True)
class Key:
    """The product key behind a complete installation ID."""

    last_five: str
    product: str
    blocked: bool


@dataclass(frozen=True)
class Row:
    """One case in the queue. `wrong` are the numbers of groups whose check fails; `of` is None before group 1 is in.

    What is said of it in words is said where it is drawn. `locale` is the language the caller hears or reads;
    `score` is what spoke for a second look when it came; `flags` are facts about it as it stands.
    """

    handoff_id: int
    case_id: int
    number: str
    channel: str
    line: str
    locale: str
    reason: str | None
    state: HandoffState
    entered_at: datetime
    where: Place
    groups_in: int
    of: int | None
    wrong: tuple[int, ...]
    key: Key | None
    score: Score
    flags: tuple[str, ...]
    owner: str | None

    @cached_property
    def mark(self) -> str:
        """The same for the same content, in whichever process."""
        return digest(self)


@dataclass(frozen=True, slots=True)
class Owed:
    """A call-back that was promised."""

    number: str | None
    line: str
    wished_at: datetime
    due_at: datetime
    overdue: bool
    handoff_id: int | None


@dataclass(frozen=True, slots=True)
class Board:
    """The queue at one moment, the longest wait first; `newest` is the last change it knows of."""

    rows: tuple[Row, ...]
    owed: tuple[Owed, ...]
    present: tuple[AtDesk, ...]
    newest: int
    at: datetime

    @property
    def waiting(self) -> int:
        """How many nobody has taken yet."""
        return sum(row.state == HandoffState.WAITING for row in self.rows)

    def only(self, channel: str, line: str) -> tuple[Row, ...]:
        """The rows of one channel and one line, "" for any: what somebody has, and of what waits the first `SHOWN`."""
        chosen = [row for row in self.rows if channel in {"", row.channel} and line in {"", row.line}]
        waiting = [row.handoff_id for row in chosen if row.state == HandoffState.WAITING]
        later = set(waiting[SHOWN:])
        return tuple(row for row in chosen if row.handoff_id not in later)


def digest(content: object) -> str:
    """A short mark of plain records."""
    return sha256(repr(content).encode()).hexdigest()[:16]


_OPEN = (
    select(
        handoffs.c.id,
        handoffs.c.case_id,
        handoffs.c.channel,
        handoffs.c.line,
        handoffs.c.reason,
        handoffs.c.state,
        handoffs.c.entered_at,
        handoffs.c.left_at,
        operators.c.name.label("owner"),
        cases.c.number,
        cases.c.format,
        cases.c.groups,
        cases.c.points,
        cases.c.signs,
        cases.c.locale,
        calls.c.state.label("call_state"),
        calls.c.ended_at,
    )
    .select_from(
        handoffs.join(cases, cases.c.id == handoffs.c.case_id)
        .outerjoin(calls, calls.c.sid == handoffs.c.sid)
        .outerjoin(operators, operators.c.id == handoffs.c.claimed_by)
    )
    .where(handoffs.c.finished_at.is_(None))
    .order_by(handoffs.c.id)
)


def look(connection: Connection, lines: Lines, newest: int, now: datetime) -> Board:
    """Read the whole queue anew."""
    found = connection.execute(_OPEN).all()
    keys = _keys(connection, found)
    grants = grant_requests.states_of(connection, select(handoffs.c.case_id).where(handoffs.c.finished_at.is_(None)))
    dialled = ((number, lines.dialled(number)) for number in {row.line for row in found})
    named = {number: (line.name, line.locale) for number, line in dialled}
    return Board(
        rows=tuple(_row(row, *named[row.line], keys.get(row.groups), grants.get(row.case_id)) for row in found),
        owed=_owed(connection, lines, now),
        present=tuple(at_desk(connection)),
        newest=newest,
        at=now,
    )


@lru_cache(_REMEMBERED)  # a look comes every few seconds, and most cases stand as they stood
def _row(row: Any, line: str, locale: str, key: Key | None, grant: GrantState | None) -> Row:
    keyed = _keyed(row.format, row.groups)
    return Row(
        handoff_id=row.id,
        case_id=row.case_id,
        number=row.number,
        channel=row.channel,
        line=line,
        locale=row.locale or locale,
        reason=row.reason,
        state=HandoffState(row.state),
        entered_at=row.entered_at,
        where=_where(row),
        groups_in=keyed.groups_in,
        of=keyed.of,
        wrong=keyed.wrong,
        key=key,
        score=signs.read(row.points, row.signs),
        flags=(
            *(["key_is_blocked"] if key is not None and key.blocked else []),
            *([grant] if grant in _GRANTS else []),
        ),
        owner=row.owner,
    )


@dataclass(frozen=True, slots=True)
class _Keyed:
    """What the groups of a case tell; `named` is the key of a complete ID, by product and serial."""

    groups_in: int
    of: int | None
    wrong: tuple[int, ...]
    named: tuple[int, int] | None


@lru_cache(_REMEMBERED)
def _keyed(number: int | None, written: str) -> _Keyed:
    """Read the groups as they are kept, of an ID of a format, which is None before group 1 is in."""
    layout = FORMATS.get(number) if number is not None else None
    groups = written.split(",") if written else []
    if layout is None:
        return _Keyed(sum(map(bool, groups)), None, (), None)
    groups += [""] * (layout.groups - len(groups))
    faults = check_groups(layout, groups)
    wrong = tuple(fault.group for fault in faults if fault.group is not None and groups[fault.group - 1])
    return _Keyed(sum(map(bool, groups)), layout.groups, wrong, _named(groups) if not faults else None)


def _named(groups: list[str]) -> tuple[int, int] | None:
    try:
        iid = decode("".join(groups))
    except InvalidInstallationID:
        return None
    return iid.product, iid.serial


def _where(row: Any) -> Place:
    """Where the caller is now."""
    if row.call_state is None:
        return Place(place_words.TEXTING if row.left_at is None else place_words.TEXTED_NO_MORE)
    if row.ended_at is not None or row.left_at is not None:
        return Place(place_words.HUNG_UP)
    return place_words.in_call(read_state(row.call_state))


def _keys(connection: Connection, found: Iterable[Any]) -> dict[str, Key]:
    """The keys behind the complete IDs, by the groups as they are kept."""
    named = {row.groups: pair for row in found if (pair := _keyed(row.format, row.groups).named) is not None}
    if not named:
        return {}
    pairs = sorted(set(named.values()))
    rows = connection.execute(
        select(
            product_keys.c.product,
            product_keys.c.serial,
            product_keys.c.last_five,
            product_keys.c.status,
            products.c.name,
        )
        .join(products, products.c.number == product_keys.c.product)
        .where(among(product_keys, pairs))
    )
    known = {(row.product, row.serial): Key(row.last_five, row.name, row.status == KeyStatus.BLOCKED) for row in rows}
    return {groups: known[pair] for groups, pair in named.items() if pair in known}


def _owed(connection: Connection, lines: Lines, now: datetime) -> tuple[Owed, ...]:
    """Every call-back that is promised and not made, the earliest promise first."""
    joined = call_backs.outerjoin(cases, cases.c.id == call_backs.c.case_id).outerjoin(
        handoffs, (handoffs.c.case_id == cases.c.id) & handoffs.c.finished_at.is_(None)
    )
    rows = connection.execute(
        select(call_backs.c.line, call_backs.c.wished_at, call_backs.c.due_at, cases.c.number, handoffs.c.id)
        .select_from(joined)
        .where(call_backs.c.done_at.is_(None))
        .order_by(call_backs.c.due_at, call_backs.c.id)
    )
    return tuple(
        Owed(row.number, lines.dialled(row.line).name, row.wished_at, row.due_at, row.due_at < now, row.id)
        for row in rows
    )
