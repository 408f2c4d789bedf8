"""Letting through what is held for a look.

Rule: a yes has a name and a reason, and is for what was held by then.
"""

from __future__ import annotations

from ivr import cases, claims, online_reviews, reviews
from ivr.desk_entries import Kind
from ivr.queue import Decision
from webhooks.desk import deciding
from webhooks.desk.handling import Doing, Done, NotDone, Why, enter, take


def let_through(doing: Doing, handoff_id: int, reason: str) -> Done | NotDone:
    """Let an activation through that is held for a look; the line activates for a caller who waits.

    The reason is asked for: it says what the look came to. For a program it is a yes to all machines that are held.
    """
    taken = take(doing, handoff_id, reason)
    if isinstance(taken, NotDone):
        return taken
    handoff, why = taken
    if why is None:
        return NotDone(Why.NO_REASON)
    iid = deciding.seen_of(doing, cases.read(doing.connection, handoff.case_id)).iid
    if iid is None:
        return NotDone(Why.INCOMPLETE)
    if online_reviews.is_online(doing.connection, handoff.case_id):
        found = reviews.let_all_through(doing.connection, handoff.case_id, doing.operator.name, doing.now)
    else:
        review = reviews.let_through(doing.connection, handoff.case_id, iid, doing.operator.name, doing.now)
        found = [] if review is None else [review]
    if not found:
        return NotDone(Why.NOT_HELD)
    worst = max(found, key=lambda each: each.score.points).score
    by = "line" if deciding.on_the_line(handoff) else "nobody"
    if by == "line":
        claims.decide(doing.connection, handoff_id, doing.operator.id, Decision.BACK, now=doing.now)
    enter(doing, handoff, Kind.LET_THROUGH, why, {"points": worst.points, "held_for": list(worst.counts)})
    return Done(Kind.LET_THROUGH, {"by": by} | ({"many": len(found)} if len(found) > 1 else {}))
