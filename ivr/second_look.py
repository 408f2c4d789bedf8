"""What every door asks before it spends an activation: what speaks against it, and whether a person looks first.

Rule: one score for all doors, and nothing follows from it but what the setting of a line says. A call, a text and an
operator's button have a line of their own; programs have none, and so keep to the strictest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ivr import cases, queue, reviews, sightings
from ivr.cases import Kept
from ivr.lines import Line
from ivr.sightings import Attempt
from ivr.signs import Score
from keys import issue
from keys.installation_id import InstallationID
from keys.ledger import Activated, Refused
from keys.refusals import Refusal

ALARM = "alarm"
"""What an open desk is told when a key was named that was never issued."""


@dataclass(frozen=True, slots=True)
class Door:
    """One activation that is asked for with a proven ID, in a case and on a line; `kept` are groups to keep with it."""

    attempt: Attempt
    iid: InstallationID
    case_id: int
    line: Line
    now: datetime
    kept: Kept | None = None


def through(connection: Connection, door: Door, spend: Callable[[], Activated | Refused]) -> Activated | Refused:
    """Spend, unless a person is to look first; what was seen and what came of it is written down, in the case too."""
    score = sightings.look(connection, door.attempt, door.now)
    if is_at(score, door.line.blocked_at):
        block(connection, door.iid, score, door.now)
        done = spend()
    elif reviews.held(connection, door.case_id, door.iid, score, door.line.held_at, door.now):
        done = Refused(Refusal.HELD_FOR_REVIEW)
    else:
        done = spend()
    if isinstance(done, Refused) and done.refusal is Refusal.KEY_UNKNOWN:
        # An alarm has been raised: whoever sits at the desk is to see it.
        score = sightings.look(connection, door.attempt, door.now, never_issued=True)
        queue.note(connection, ALARM, door.now, case_id=door.case_id)
    sightings.note(connection, door.attempt, outcome_of(done), score, door.now)
    if isinstance(done, Activated):
        cases.activated(connection, door.case_id, done.reservation.id, door.now, score, door.kept)
    else:
        cases.scored(connection, door.case_id, score)
    return done


def is_at(score: Score, points: int | None) -> bool:
    """Whether a score is so high; never where the setting says nothing."""
    return points is not None and score.points >= points


def block(connection: Connection, iid: InstallationID, score: Score, now: datetime) -> None:
    """Block the key that an ID names, for what was seen: only where a line's own setting says so."""
    key = issue.show(connection, iid.product, iid.serial)
    if key is not None:
        counted = ", ".join(f"{sign} {count}" for sign, count in score.counts.items())
        issue.block(connection, key, now=now, actor="line", reason=f"{score.points} points: {counted}")


def outcome_of(done: Activated | Refused) -> str:
    """What came of an attempt, as a sighting keeps it."""
    if isinstance(done, Activated):
        return "again" if done.replay else "activated"
    return done.refusal.value
