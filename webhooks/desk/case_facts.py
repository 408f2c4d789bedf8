"""Everything the page of one case shows: the digits, the key, what was before, and what to look out for.

Rule: what is read holds no telephone number and no confirmation ID; those are shown on demand, by a deed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from ivr import askers, cases, desk_entries, grant_requests, notices, operators, outbox, queue, reviews, signs
from ivr.call_backs import call_backs
from ivr.calls import calls
from ivr.cases import Case, CaseState
from ivr.desk_entries import DeskEntry
from ivr.grant_requests import Grant
from ivr.lines import Line, Lines
from ivr.operators import Operator
from ivr.queue import Handoff, handoffs
from ivr.reviews import Review
from ivr.signs import Score
from ivr.written import read_state
from keys import issue, reactivation
from keys.catalog import agreement_is_active, agreements, organisations
from keys.installation_id import InstallationID, fingerprint_number
from keys.issue import IssuedKey, KeyStatus
from keys.products import ProductStatus, find_product
from keys.reactivation import Standing
from keys.reservations import reservations
from keys.secrets_file import Secrets
from webhooks.desk import digits, place_words
from webhooks.desk.digits import Digits
from webhooks.desk.handling import tries_of
from webhooks.desk.place_words import Place

MOST_EARLIER = 20


@dataclass(frozen=True, slots=True)
class KeySeen:
    """The product key behind a genuine ID, and under what it was issued. `room` is what the reader may grant to it.

    `waiting` is what is asked for, `askers` by whom, by the request's id; `standing` where its product bounds how often
    the machine of the ID is activated again.
    """

    key: IssuedKey
    product: str
    product_active: bool
    organisation: str
    agreement_active: bool
    room: int
    waiting: tuple[Grant, ...]
    askers: dict[int, str]
    words: dict[int, str]
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Installed:
    """One activation of the same machine with the same key. `this`: it is this very installation ID."""

    at: datetime
    channel: str
    state: str
    this: bool


@dataclass(frozen=True, slots=True)
class Earlier:
    """Another case of the same caller."""

    number: str
    state: CaseState
    reason: str | None
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class TextSeen:
    """A text about the case: which prompts it holds, how far it has come, and why no further."""

    at: datetime
    prompts: tuple[str, ...]
    state: str
    reason: str | None
    error: int | None


@dataclass(frozen=True, slots=True)
class CallBack:
    """A promised call-back."""

    due_at: datetime
    done_at: datetime | None
    done_by: str | None


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One case as its page shows it; `handoff` is its last stay in the queue, `owner` who has it.

    `locale` is the language that the caller hears or reads; `score` is what spoke for a second look when it came;
    `flags` are facts about it as it stands; `may_block` whether it has a caller whom one can block, `blocked` whether
    somebody did.
    """

    case: Case
    opened_at: datetime
    reason: str | None
    line: Line
    locale: str
    handoff: Handoff | None
    owner: str | None
    mine: bool
    may_block: bool
    blocked: bool
    where: Place
    seen: Digits
    key: KeySeen | None
    review: Review | None
    installed: tuple[Installed, ...]
    earlier: tuple[Earlier, ...]
    texts: tuple[TextSeen, ...]
    call_backs: tuple[CallBack, ...]
    tries: int
    entries: tuple[DeskEntry, ...]
    others: tuple[Operator, ...]
    names: dict[int, str]
    score: Score
    flags: tuple[str, ...]


def of_number(connection: Connection, number: str) -> tuple[int | None, Handoff | None]:
    """The row id of the case of a number, and its last stay in the queue; None where there is none."""
    case = cases.find(connection, number)
    if case is None:
        return None, None
    last = select(handoffs).where(handoffs.c.case_id == case.id).order_by(handoffs.c.id.desc()).limit(1)
    row = connection.execute(last).one_or_none()
    return case.id, None if row is None else queue.handoff_of(row)


def look(
    connection: Connection, secrets: Secrets, lines: Lines, case_id: int, handoff: Handoff | None, me: Operator,
    now: datetime,
) -> CaseFacts:  # fmt: skip
    """Read one case."""
    row = connection.execute(select(cases.cases).where(cases.cases.c.id == case_id)).one()
    case, line = cases.read(connection, case_id), lines.dialled(row.line)
    seen = digits.look(case.format, case.groups, secrets)
    key = _key(connection, seen, me, now) if seen.genuine else None
    people = operators.listed(connection)
    names = {each.id: each.name for each in people}
    owner = handoff.claimed_by if handoff is not None and handoff.finished_at is None else None
    installed = () if key is None or seen.iid is None else _installed(connection, key.key.id, seen.iid)
    return CaseFacts(
        case=case,
        opened_at=row.opened_at,
        reason=row.reason,
        line=line,
        locale=row.locale or line.locale,
        handoff=handoff,
        owner=names.get(owner) if owner is not None else None,
        mine=owner == me.id and handoff is not None and handoff.state == queue.HandoffState.CLAIMED,
        may_block=row.caller is not None,
        blocked=notices.is_blocked(connection, (row.caller,) if row.caller else (), now),
        where=_where(connection, handoff),
        seen=seen,
        key=key,
        review=None if seen.iid is None else reviews.of_case(connection, case_id, seen.iid),
        installed=installed,
        earlier=_earlier(connection, row.caller, case_id),
        texts=_texts(connection, case_id),
        call_backs=_call_backs(connection, case_id),
        tries=tries_of(connection, case_id),
        entries=tuple(reversed(desk_entries.of_case(connection, case_id))),
        others=tuple(each for each in people if each.disabled_at is None and each.id != me.id),
        names=names,
        score=signs.read(row.points, row.signs),
        flags=tuple(_flags(seen, key)),
    )


def _where(connection: Connection, handoff: Handoff | None) -> Place:
    """Where the caller is now."""
    if handoff is None:
        return Place(place_words.NOT_IN_THE_QUEUE)
    if handoff.channel == "text":
        return Place(place_words.TEXTING if handoff.left_at is None else place_words.TEXTED_NO_MORE)
    row = connection.execute(select(calls.c.state, calls.c.ended_at).where(calls.c.sid == handoff.sid)).one_or_none()
    if row is None or row.ended_at is not None:
        return Place(place_words.HUNG_UP)
    return place_words.in_call(read_state(row.state), waits=handoff.left_at is None)


def _key(connection: Connection, seen: Digits, me: Operator, now: datetime) -> KeySeen | None:
    assert seen.iid is not None  # it is genuine
    key = issue.show(connection, seen.iid.product, seen.iid.serial)
    if key is None:
        return None
    product = find_product(connection, key.product)
    assert product is not None  # products are never deleted
    row = connection.execute(
        select(agreements, organisations.c.name)
        .join(organisations, organisations.c.id == agreements.c.organisation_id)
        .where(agreements.c.number == key.agreement)
    ).one()
    waiting = tuple(grant_requests.waiting(connection, key.id))
    return KeySeen(
        key=key,
        product=product.name,
        product_active=product.status_on(now.date()) is ProductStatus.ACTIVE,
        organisation=row.name,
        agreement_active=agreement_is_active(row.status, row.starts, row.ends, now.date()),
        room=grant_requests.room(connection, me.id, me.grant_limit, key.agreement, now),
        waiting=waiting,
        askers=grant_requests.askers(connection, waiting),
        words=askers.words(connection, (each.id for each in waiting)),
        standing=reactivation.standing(connection, key, product, seen.iid, now),
    )


def _installed(connection: Connection, key_id: int, iid: InstallationID) -> tuple[Installed, ...]:
    """Every activation of this machine with this key, the newest first."""
    same = (reservations.c.key_id == key_id) & (reservations.c.fingerprint == fingerprint_number(iid))
    rows = connection.execute(select(reservations).where(same).order_by(reservations.c.id.desc()))
    return tuple(
        Installed(row.posted_at or row.created_at, row.channel, row.state, row.nonce == iid.nonce) for row in rows
    )


def _earlier(connection: Connection, caller: str | None, case_id: int) -> tuple[Earlier, ...]:
    """Other cases of the caller, the newest first; none of a withheld number, which is nobody."""
    if caller is None:
        return ()
    table = cases.cases
    mine = (table.c.caller == caller) & (table.c.id != case_id)
    rows = connection.execute(select(table).where(mine).order_by(table.c.id.desc()).limit(MOST_EARLIER))
    return tuple(Earlier(row.number, CaseState(row.state), row.reason, row.opened_at) for row in rows)


def _texts(connection: Connection, case_id: int) -> tuple[TextSeen, ...]:
    table = outbox.outbox
    rows = connection.execute(select(table).where(table.c.case_id == case_id).order_by(table.c.id.desc()))
    return tuple(
        TextSeen(
            row.written_at,
            tuple(word.prompt for word in outbox.read_words(row.words)),
            row.state,
            row.reason,
            row.error,
        )
        for row in rows
    )


def _call_backs(connection: Connection, case_id: int) -> tuple[CallBack, ...]:
    mine = select(call_backs).where(call_backs.c.case_id == case_id).order_by(call_backs.c.id.desc())
    return tuple(CallBack(row.due_at, row.done_at, row.done_by) for row in connection.execute(mine))


def _flags(seen: Digits, key: KeySeen | None) -> Iterable[str]:
    """What is wrong with the case as it stands, by its name in `words.FLAGS`."""
    if seen.refusal is not None:
        yield "not_genuine"
    if key is not None and key.key.status is KeyStatus.BLOCKED:
        yield "key_is_blocked"
