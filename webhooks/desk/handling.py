"""What an operator does with a case: the common ground of all deeds, and those that move the case about.

Rule: a deed needs the claim, changes nothing where another has it or it has ended, and is an entry in the same
transaction. Deeds take a connection and never commit; rows are locked case before handoff, as the line does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select

from ivr import call_backs, cases, claims, desk_entries, operators, queue
from ivr.desk_entries import DeskEntry, Kind
from ivr.lines import Lines, TextLimits
from ivr.operators import Operator
from ivr.queue import Handoff, HandoffState
from keys.secrets_file import Secrets

LONGEST_REASON = 500
_LONG_NUMBER = re.compile(r"\+?\d(?:[\s.\-/()]*\d){10,}|\+(?:[\s.\-/()]*\d){7,}")
"""More digits in a row than a case number has, or a number with its country's code."""


class Disposition(StrEnum):
    """How an operator says that a case has ended."""

    ACTIVATED = "activated"
    REFUSED = "refused"
    CALLED_BACK = "called_back"
    NO_ANSWER = "no_answer"
    DUPLICATE = "duplicate"
    OTHER = "other"


class Why(StrEnum):
    """Why nothing was done."""

    NO_SUCH = "no_such"
    TAKEN = "taken"
    """Another operator has the case: `who`."""
    NOT_CLAIMED = "not_claimed"
    """Nobody has it; claim it first."""
    DECIDED = "decided"
    """It was decided, and the line takes it up: `who` decided."""
    ENDED = "ended"
    NOT_ALLOWED = "not_allowed"
    """The deed asks for a supervisor, or for the claim."""
    NO_REASON = "no_reason"
    """A reason is missing, or longer than LONGEST_REASON."""
    LONG_NUMBER = "long_number"
    """What was written holds an ID or a telephone number, which no entry may."""
    UNREADABLE = "unreadable"
    """The form holds what no page of ours sends."""
    NO_OPERATOR = "no_operator"
    """There is no such operator to hand over to."""
    FAULTY = "faulty"
    """A group does not fit, so nothing was kept."""
    ACTIVATED = "activated"
    """The case has its activation; other groups are another installation."""
    CALLER_GONE = "caller_gone"
    """Nobody is on the line to hear it."""
    INCOMPLETE = "incomplete"
    """The ID is not whole yet."""
    NOT_GENUINE = "not_genuine"
    """The ID was not made with a key of ours: `refusal`."""
    REFUSED = "refused"
    """The ledger refuses: `refusal`."""
    HELD = "held"
    """Something speaks for a look first: `score`, or None."""
    NO_NUMBER = "no_number"
    """The caller withheld their number."""
    NOT_SENT = "not_sent"
    """The text may not be sent: `text`."""
    NOT_ACTIVATED = "not_activated"
    """There is no confirmation ID yet."""
    NOTHING_MISSING = "nothing_missing"
    """There is no group to ask for."""
    OUT_OF_RANGE = "out_of_range"
    """The amount is not from 1 to `highest`."""
    ASKED_BEFORE = "asked_before"
    """A second person was asked for this key already."""
    OWN_REQUEST = "own_request"
    """Whoever asks never approves."""
    LIMIT = "limit"
    """More than whoever approves may give: `highest`."""
    NOT_WAITING = "not_waiting"
    """The request was decided already."""
    NOT_BLOCKED = "not_blocked"
    NOT_REACHED = "not_reached"
    """The machine may be activated again as it is."""
    NOT_HELD = "not_held"
    """Nobody has to look at it first, or somebody has."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: the entry's kind, and facts to say it with. `shown` is what was shown on demand."""

    kind: Kind
    facts: Mapping[str, Any] = field(default_factory=dict)
    shown: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NotDone:
    """Nothing was done; the facts are those that the reason names."""

    why: Why
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Doing:
    """What a deed works with: an open transaction, who does it and when, and what the line is set to."""

    connection: Connection
    secrets: Secrets
    operator: Operator
    now: datetime
    lines: Lines
    limits: TextLimits


def take(doing: Doing, handoff_id: int, reason: str) -> tuple[Handoff, str | None] | NotDone:
    """The handoff and the reason as it may be kept; else who has the case, or what is wrong with the reason.

    What was taken nobody else changes before the commit.
    """
    found = queue.read(doing.connection, handoff_id)
    if found is None:
        return NotDone(Why.NO_SUCH)
    if found.state is not HandoffState.CLAIMED or found.claimed_by != doing.operator.id:
        return not_theirs(doing, handoff_id)  # before any lock: the line may be taking its decision up just now
    lock_case(doing, found)
    if not claims.see(doing.connection, handoff_id, doing.operator.id, doing.now):
        return not_theirs(doing, handoff_id)
    mine = queue.read(doing.connection, handoff_id)
    assert mine is not None  # it was just seen
    why = written(reason)
    return why if isinstance(why, NotDone) else (mine, why)


def lock_case(doing: Doing, handoff: Handoff) -> None:
    """Wait for whoever works on the case, and let others wait for the commit."""
    # Not so strongly that a call-back or a text, which only refer to the case, would have to wait.
    row = select(cases.cases.c.id).where(cases.cases.c.id == handoff.case_id).with_for_update(key_share=True)
    doing.connection.execute(row)


def not_theirs(doing: Doing, handoff_id: int) -> NotDone:
    """Who has a case that is not this operator's."""
    found = queue.read(doing.connection, handoff_id)
    if found is None:
        return NotDone(Why.NO_SUCH)
    who = operators.names(doing.connection).get(found.claimed_by or 0, "")
    if found.state is HandoffState.DONE:
        return NotDone(Why.ENDED, {"who": who})
    if found.state is HandoffState.DECIDED:
        return NotDone(Why.DECIDED, {"who": who})
    return NotDone(Why.TAKEN, {"who": who}) if who else NotDone(Why.NOT_CLAIMED)


def written(text: str, *, needed: bool = False) -> str | NotDone | None:
    """What an operator wrote, fit for an entry: None where nothing was and nothing is needed."""
    plain = "".join(sign for sign in text if sign.isprintable() or sign in "\n\t").strip()
    if len(plain) > LONGEST_REASON or (needed and not plain):
        return NotDone(Why.NO_REASON)
    if _LONG_NUMBER.search(plain):
        return NotDone(Why.LONG_NUMBER)
    return plain or None


def enter(
    doing: Doing,
    handoff: Handoff,
    kind: Kind,
    reason: str | None,
    details: Mapping[str, Any] | None = None,
    *,
    key_id: int | None = None,
) -> None:
    """Write down what was done, and let other desks know."""
    entry = DeskEntry(
        doing.now,
        doing.operator.name,
        kind,
        doing.operator.id,
        case_id=handoff.case_id,
        handoff_id=handoff.id,
        key_id=key_id,
        reason=reason,
        details=details,
    )
    desk_entries.append(doing.connection, entry)
    queue.note(doing.connection, kind, doing.now, handoff.id, handoff.case_id)


def claim(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Take a case that waits."""
    refused = NotDone(Why.NOT_CLAIMED)
    for _ in range(2):  # whoever has it may be giving it back at this moment
        claimed = claims.claim(doing.connection, handoff_id, doing.operator.id, doing.now)
        handoff = queue.read(doing.connection, handoff_id)
        if claimed and handoff is not None:
            enter(doing, handoff, Kind.CLAIMED, None)
            return Done(Kind.CLAIMED)
        if handoff is not None and (handoff.state, handoff.claimed_by) == (HandoffState.CLAIMED, doing.operator.id):
            return Done(Kind.CLAIMED)
        if (refused := not_theirs(doing, handoff_id)).why is not Why.NOT_CLAIMED:
            break
    return refused


def release(doing: Doing, handoff_id: int, reason: str) -> Done | NotDone:
    """Give a case back to the queue, at its old place."""
    taken = take(doing, handoff_id, reason)
    if isinstance(taken, NotDone):
        return taken
    handoff, why = taken
    claims.release(doing.connection, handoff_id, doing.operator.id, doing.now)
    enter(doing, handoff, Kind.RELEASED, why)
    return Done(Kind.RELEASED)


def transfer(doing: Doing, handoff_id: int, to: int, reason: str) -> Done | NotDone:
    """Hand a case to another operator, by their row id."""
    taken = take(doing, handoff_id, reason)
    if isinstance(taken, NotDone):
        return taken
    handoff, why = taken
    known = {each.id: each for each in operators.listed(doing.connection) if each.disabled_at is None}
    if to not in known or to == doing.operator.id:
        return NotDone(Why.NO_OPERATOR)
    claims.transfer(doing.connection, handoff_id, doing.operator.id, to, doing.now)
    enter(doing, handoff, Kind.TRANSFERRED, why, {"to": known[to].name})
    return Done(Kind.TRANSFERRED, {"to": known[to].name})


def note(doing: Doing, handoff_id: int, text: str) -> Done | NotDone:
    """Note something about a case; whoever knows something may, with the claim or without."""
    handoff = queue.read(doing.connection, handoff_id)
    if handoff is None:
        return NotDone(Why.NO_SUCH)
    words = written(text, needed=True)
    if isinstance(words, NotDone):
        return words
    enter(doing, handoff, Kind.NOTED, words)
    return Done(Kind.NOTED)


def called_back(doing: Doing, handoff_id: int, reached: bool, reason: str) -> Done | NotDone:
    """Say that the caller was called back, and whether they were reached: then no call-back is owed any more."""
    taken = take(doing, handoff_id, reason)
    if isinstance(taken, NotDone):
        return taken
    handoff, why = taken
    tries = tries_of(doing.connection, handoff.case_id) + 1
    if reached:
        nothing_owed(doing, handoff)
    facts = {"reached": reached, "tries": tries}
    enter(doing, handoff, Kind.CALLED_BACK, why, facts)
    return Done(Kind.CALLED_BACK, facts)


def tries_of(connection: Connection, case_id: int) -> int:
    """How often somebody was called back about a case."""
    table = desk_entries.desk_entries
    mine = (table.c.case_id == case_id) & (table.c.kind == Kind.CALLED_BACK)
    return int(connection.execute(select(func.count()).select_from(table).where(mine)).scalar_one())


def nothing_owed(doing: Doing, handoff: Handoff) -> None:
    """Every promised call-back of a case is done, and the case waits for nobody; its caller may go on with it."""
    number = cases.read(doing.connection, handoff.case_id).number
    call_backs.close(doing.connection, number, by=doing.operator.name, now=doing.now)


def close(doing: Doing, handoff_id: int, disposition: str, reason: str) -> Done | NotDone:
    """End a case's stay in the queue, and say how it ended."""
    taken = take(doing, handoff_id, reason)
    if isinstance(taken, NotDone):
        return taken
    handoff, why = taken
    if disposition not in set(Disposition):
        return NotDone(Why.UNREADABLE)
    finish(doing, handoff, Disposition(disposition))
    enter(doing, handoff, Kind.CLOSED, why, {"disposition": disposition})
    return Done(Kind.CLOSED, {"disposition": disposition})


def finish(doing: Doing, handoff: Handoff, disposition: Disposition) -> None:
    """End the stay in the queue; the entry is the caller's to write."""
    nothing_owed(doing, handoff)
    claims.finish(doing.connection, handoff.id, disposition, doing.now)
