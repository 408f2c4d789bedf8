"""Whoever is on call is told by text that a case waits and nobody is at the desk, and of an alarm in any case.

Rule: of cases, one text a person in `QUIET`, however many come and however many processes look, and none while anybody
is at the desk; of an alarm, one text a person until somebody has seen it. Nothing here commits.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from ivr import outbox
from ivr.actions import say
from ivr.callers import pseudonym, unseal
from ivr.lines import Line, Lines, TextLimits
from ivr.operators import Operator, Presence, operator_of, operators
from ivr.queue import Handoff, HandoffState, handoff_of, handoffs
from keys import alarms
from keys.secrets_file import Secrets

QUIET = timedelta(minutes=15)
_MARK = "on-call-"
"""What `answers` begins with where a text answers no text of anybody's, but a case that waits."""


def any_unseen(connection: Connection) -> bool:
    """Whether a case waits and nobody is at the desk, or an alarm was not told of: a look that locks nothing."""
    if alarms.unpaged(connection):
        return True
    return _newest(connection) is not None and not _staffed(connection)


def page_alarms(connection: Connection, secrets: Secrets, lines: Lines, limits: TextLimits, now: datetime) -> int:
    """Write a text to everybody on call for each alarm of which nobody was told yet; how many were written.

    Where no line sends texts the alarm stands at the desk, and in the log, alone.
    """
    line = next((line for line in lines.all if line.text_sender), None)
    written = 0
    for alarm in alarms.unpaged(connection):
        if not alarms.paged(connection, alarm.id, now) or line is None:
            continue
        words = (say("text.alarm", product=alarm.product),)
        for operator in _on_call(connection):
            assert operator.phone_sealed is not None  # they were looked for by it
            number = unseal(operator.phone_sealed, secrets.number_key)
            draft = outbox.Draft(line, number, words, answers=f"alarm-{alarm.id}-{operator.id}", locale=line.locale)
            outbox.write(connection, secrets, draft, limits, now=now)
            written += 1
    return written


def page(connection: Connection, secrets: Secrets, lines: Lines, limits: TextLimits, now: datetime) -> int:
    """Write a text to everybody on call who has not had one, if there is need; how many were written.

    One that may not be sent (the outbox says why) counts as well: it would not be sent a minute later either.
    """
    newest = _newest(connection)
    if newest is None or _staffed(connection):
        return 0
    line = _texting(lines, newest)
    if line is None:
        return 0
    waiting = connection.execute(
        select(func.count()).select_from(handoffs).where(handoffs.c.state == HandoffState.WAITING)
    ).scalar_one()
    written = 0
    for operator in _on_call(connection):
        assert operator.phone_sealed is not None  # they were looked for by it
        number = unseal(operator.phone_sealed, secrets.number_key)
        if _told(connection, pseudonym(number, secrets.pepper), newest, now):
            continue
        words = (say("text.on_call", count=waiting),)
        # Of two processes that look at once, both write in the name of the same case: one of them writes.
        answers = f"{_MARK}{operator.id}-{newest.id}"
        outbox.write(
            connection,
            secrets,
            outbox.Draft(line, number, words, newest.case_id, answers, locale=line.locale),
            limits,
            now=now,
        )
        written += 1
    return written


def _newest(connection: Connection) -> Handoff | None:
    """The case that came last among those that wait."""
    row = connection.execute(
        select(handoffs)
        .where(handoffs.c.state == HandoffState.WAITING)
        .order_by(handoffs.c.entered_at.desc(), handoffs.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else handoff_of(row)


def _staffed(connection: Connection) -> bool:
    there = operators.c.presence.in_([Presence.AVAILABLE, Presence.WRAPPING_UP]) & operators.c.disabled_at.is_(None)
    return connection.execute(select(operators.c.id).where(there).limit(1)).first() is not None


def _on_call(connection: Connection) -> list[Operator]:
    reachable = operators.c.on_call & operators.c.phone_sealed.is_not(None) & operators.c.disabled_at.is_(None)
    return [operator_of(row) for row in connection.execute(select(operators).where(reachable).order_by(operators.c.id))]


def _told(connection: Connection, name: str, newest: Handoff, now: datetime) -> bool:
    """Whether they had a text within QUIET, or since the last case came."""
    texts = outbox.outbox
    last: datetime | None = connection.execute(
        select(texts.c.written_at)
        .where(texts.c.caller == name, texts.c.answers.startswith(_MARK))
        .order_by(texts.c.id.desc())
        .limit(1)
    ).scalar()
    return last is not None and (now - last < QUIET or last >= newest.entered_at)


def _texting(lines: Lines, handoff: Handoff) -> Line | None:
    """The line that sends the text: the case's own, else any that sends texts."""
    own = lines.dialled(handoff.line)
    return own if own.text_sender is not None else next((line for line in lines.all if line.text_sender), None)
