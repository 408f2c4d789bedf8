"""What names a caller is forgotten after its time, a few rows at a time.

Rule: nothing that is still needed goes: no case in the queue, no promise that is owed, no call or text that lives, and
never an entry or a seal of the ledger. Every step is a short transaction of its own, and two nodes at once share the
work: rows that another has locked are passed over. Statistics stay, since they name nobody. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, or_, select

from ivr.askers import grant_askers
from ivr.call_backs import call_backs
from ivr.caller_locales import caller_locales
from ivr.calls import calls
from ivr.cases import cases
from ivr.consents import text_consents
from ivr.grant_requests import GrantState, grant_requests
from ivr.guesses import guesses, pardons
from ivr.notices import blocked_callers
from ivr.online_reviews import online_cases
from ivr.opt_outs import opt_outs
from ivr.outbox import TextState, outbox
from ivr.queue import handoffs
from ivr.reviews import reviews
from ivr.rings import rings
from ivr.sightings import sightings
from ivr.text_limits import text_counts
from ivr.threads import texts, threads
from keys.halving import first_since

AT_A_TIME = 100
_UNSENT = (TextState.QUEUED, TextState.SENDING)
_SLACK = timedelta(hours=1)


def step(connection: Connection, before: datetime, *, most: int = AT_A_TIME) -> int:
    """Forget some of what was last touched before `before`; how many rows, nought where nothing is left to forget."""
    gone = 0
    for part in _PARTS:
        if gone >= most:
            break
        gone += part(connection, before, most - gone)
    return gone


def _calls(connection: Connection, before: datetime, most: int) -> int:
    # A call that never heard of its end is over all the same; one that lives replied a moment ago.
    waits = exists().where(handoffs.c.sid == calls.c.sid, handoffs.c.finished_at.is_(None))
    over = and_(calls.c.started_at < before, calls.c.replied_at < before, ~waits)
    return _some(connection, calls, calls.c.sid, over, most)


def _guesses(connection: Connection, before: datetime, most: int) -> int:
    return _oldest(connection, guesses, "at", before, most)


def _sightings(connection: Connection, before: datetime, most: int) -> int:
    return _some(connection, sightings, sightings.c.id, sightings.c.at < before, most)


def _texts_taken(connection: Connection, before: datetime, most: int) -> int:
    return _some(connection, texts, texts.c.sid, texts.c.received_at < before, most)


def _threads(connection: Connection, before: datetime, most: int) -> int:
    mute = ~exists().where(texts.c.thread_id == threads.c.id)
    waits = exists().where(handoffs.c.case_id == threads.c.case_id, handoffs.c.finished_at.is_(None))
    return _some(connection, threads, threads.c.id, and_(threads.c.changed_at < before, mute, ~waits), most)


def _texts_sent(connection: Connection, before: datetime, most: int) -> int:
    over = and_(outbox.c.changed_at < before, outbox.c.state.not_in(_UNSENT))
    return _oldest(connection, outbox, "written_at", before, most, over)


def _call_backs(connection: Connection, before: datetime, most: int) -> int:
    return _oldest(connection, call_backs, "wished_at", before, most, call_backs.c.done_at < before)


def _askers(connection: Connection, before: datetime, most: int) -> int:
    """Who asked for more: not while a person has yet to decide, for then the answer is owed."""
    waits = exists().where(grant_requests.c.id == grant_askers.c.request_id, grant_requests.c.state == GrantState.ASKED)
    over = and_(grant_askers.c.asked_at < before, ~waits)
    return _some(connection, grant_askers, grant_askers.c.request_id, over, most)


def _languages(connection: Connection, before: datetime, most: int) -> int:
    return _some(connection, caller_locales, caller_locales.c.caller, caller_locales.c.used_at < before, most)


def _text_counts(connection: Connection, before: datetime, most: int) -> int:
    day = connection.execute(
        select(text_counts.c.day).where(text_counts.c.day < before.date()).order_by(text_counts.c.day).limit(1)
    ).scalar()
    if day is None:
        return 0
    names = select(text_counts.c.name).where(text_counts.c.day == day).limit(most)
    return _gone(connection, delete(text_counts).where(text_counts.c.day == day, text_counts.c.name.in_(names)))


def _lifted(connection: Connection, before: datetime, _most: int) -> int:
    """Opt-outs and blocks that were lifted, or ran out, and pardons that no guess is left for.

    Opt-outs and blocks that stand are kept, or they could not be kept to.
    """
    lifted = delete(opt_outs).where(opt_outs.c.lifted_at < before)
    over = or_(blocked_callers.c.lifted_at < before, blocked_callers.c.until < before)
    pardoned = delete(pardons).where(pardons.c.pardoned_at < before)
    return sum(_gone(connection, each) for each in (lifted, delete(blocked_callers).where(over), pardoned))


def _cases(connection: Connection, before: datetime, most: int) -> int:
    """Cases, with their stays in the queue, reviews, rings and consents."""
    case = cases.c.id
    needed = (
        exists().where(
            handoffs.c.case_id == case, or_(handoffs.c.finished_at.is_(None), handoffs.c.entered_at >= before)
        ),
        exists().where(call_backs.c.case_id == case),
        exists().where(calls.c.case_id == case),
        exists().where(threads.c.case_id == case),
        exists().where(outbox.c.case_id == case),
    )
    over = and_(cases.c.changed_at < before, *(~each for each in needed))
    last = first_since(connection, cases, "opened_at", before + _SLACK)
    chosen = select(case).where(case < last, over).order_by(case).limit(most).with_for_update(skip_locked=True)
    return forget_cases(connection, connection.execute(chosen).scalars().all())


def forget_cases(connection: Connection, ids: Iterable[int]) -> int:
    """Delete cases and what hangs on them alone; calls, texts, threads and promises must have gone before."""
    of = list(ids)
    if not of:
        return 0
    stays = connection.execute(select(handoffs.c.id).where(handoffs.c.case_id.in_(of))).scalars().all()
    connection.execute(delete(rings).where(rings.c.handoff_id.in_(stays)))
    for table in (handoffs, reviews, text_consents, online_cases):
        connection.execute(delete(table).where(table.c.case_id.in_(of)))
    return _gone(connection, delete(cases).where(cases.c.id.in_(of)))


def _oldest(
    connection: Connection,
    table: Table,
    when: str,
    before: datetime,
    most: int,
    over: ColumnElement[bool] | None = None,
) -> int:
    """Delete the oldest rows of a table whose ids are in the order of time."""
    last = first_since(connection, table, when, before + _SLACK)
    old = and_(table.c.id < last, table.c[when] < before, *([] if over is None else [over]))
    return _some(connection, table, table.c.id, old, most)


def _some(connection: Connection, table: Table, key: Any, old: Any, most: int) -> int:
    # Chosen first and deleted then: within the DELETE a plan may choose anew for each row.
    chosen = connection.execute(select(key).where(old).limit(most).with_for_update(skip_locked=True)).scalars().all()
    return _gone(connection, delete(table).where(key.in_(chosen))) if chosen else 0


def _gone(connection: Connection, deletion: Any) -> int:
    return len(connection.execute(deletion.returning(*deletion.table.primary_key.columns)).all())


_PARTS: tuple[Callable[[Connection, datetime, int], int], ...] = (
    _calls, _texts_sent, _call_backs, _texts_taken, _threads, _cases, _guesses, _sightings, _askers, _languages,
    _text_counts, _lifted,
)  # fmt: skip
"""What refers to a case goes before the case."""
