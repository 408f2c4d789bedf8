"""Callers whom the document for a total outage promised a call-back, because nothing of ours answered them.

Rule: one promise a caller at a time, however often they called and their calls are read; none for who has got
through since. What the provider tells of a call is all there is: nothing was keyed, and nothing recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, exists, select

from ivr.call_backs import Wish, call_backs, note
from ivr.callers import Caller
from ivr.calls import calls
from ivr.lines import Line


class Became(StrEnum):
    """What became of a caller."""

    NOTED = "noted"
    ALREADY = "already noted"
    CAME_THROUGH = "has got through since"


@dataclass(frozen=True, slots=True)
class Missed:
    """One call that the document answered: its id, to which of our lines, by whom, and when."""

    call_sid: str
    line: Line
    caller: Caller
    at: datetime


def collect(connection: Connection, missed: Iterable[Missed]) -> dict[Became, int]:
    """Note a call-back for every caller who was promised one; how many of them became what."""
    by_caller: dict[str, list[Missed]] = {}
    for each in sorted(missed, key=lambda each: (each.at, each.call_sid)):
        by_caller.setdefault(each.caller.pseudonym, []).append(each)
    counted = dict.fromkeys(Became, 0)
    for those in by_caller.values():
        counted[_settle(connection, those)] += 1
    return counted


def _settle(connection: Connection, those: list[Missed]) -> Became:
    """Note one caller's call-back, unless they have one or need none; the earliest of their calls comes first."""
    sids = [each.call_sid for each in those]
    promised = connection.execute(select(call_backs.c.done_at).where(call_backs.c.call_sid.in_(sids))).scalars().all()
    # A call in a later outage, after the call-back was made, is another promise.
    open_still = [each for each in those if all(done is not None and each.at > done for done in promised)]
    if not open_still:
        return Became.ALREADY
    first, last = open_still[0], open_still[-1]
    later = calls.c.caller.in_(last.caller.known_as) & (calls.c.started_at > last.at) & calls.c.sid.not_in(sids)
    if connection.scalar(select(exists().where(later))):
        return Became.CAME_THROUGH
    hours, case_id = first.line.call_back_hours, _case(connection, sids)
    note(connection, Wish(first.call_sid, case_id, first.line.number, first.caller.sealed, first.at, hours))
    return Became.NOTED


def _case(connection: Connection, sids: list[str]) -> int | None:
    """The case that one of the calls was about, where the outage came in its middle."""
    found: int | None = connection.scalar(
        select(calls.c.case_id).where(calls.c.sid.in_(sids), calls.c.case_id.is_not(None)).limit(1)
    )
    return found
