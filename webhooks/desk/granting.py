"""Giving a product key more activations, a machine more of them, and opening a blocked key: deeds upon the ledger.

Rule: only for a key that a genuine ID has proven. Up to the giver's limit one person is enough; above it a second one,
who is a supervisor and within their own limit, decides, and giving falls into the same transaction as deciding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from ivr import cases, desk_entries, grant_requests, queue, word_back
from ivr.askers import ToldBy
from ivr.desk_entries import DeskEntry, Kind
from ivr.grant_requests import Grant, GrantState, Wish
from ivr.operators import Role
from ivr.outbox import NoText
from ivr.queue import Handoff
from keys import issue, reactivation
from keys.issue import IssuedKey, IssueError, product_keys
from keys.products import find_product
from webhooks.desk import digits
from webhooks.desk.handling import Doing, Done, NotDone, Why, enter, lock_case, take, written


def key_of(doing: Doing, case_id: int) -> IssuedKey | NotDone:
    """The key that the ID of a case was made with; only a genuine ID names one."""
    case = cases.read(doing.connection, case_id)
    seen = digits.look(case.format, case.groups, doing.secrets)
    if seen.iid is None:
        return NotDone(Why.INCOMPLETE)
    if not seen.genuine:
        return NotDone(Why.NOT_GENUINE, {"refusal": seen.refusal})
    found = issue.show(doing.connection, seen.iid.product, seen.iid.serial)
    return NotDone(Why.NOT_GENUINE) if found is None else found


def grant(doing: Doing, handoff_id: int, amount: int, reason: str) -> Done | NotDone:
    """Give a key so many activations more, or ask a second person to where it is more than one may give alone."""
    taken = take(doing, handoff_id, reason)
    if isinstance(taken, NotDone):
        return taken
    handoff, why = taken
    if why is None:
        return NotDone(Why.NO_REASON)
    key = key_of(doing, handoff.case_id)
    if isinstance(key, NotDone):
        return key
    if not 1 <= amount <= issue.MOST_GRANTED:
        return NotDone(Why.OUT_OF_RANGE, {"highest": issue.MOST_GRANTED})
    wish = Wish(key.id, key.agreement, amount, why, handoff.case_id)
    facts: dict[str, Any] = {"amount": amount, "key": key.last_five}
    if amount > _room(doing, key.agreement):
        if any(each.case_id == handoff.case_id for each in grant_requests.waiting(doing.connection, key.id)):
            return NotDone(Why.ASKED_BEFORE)
        grant_requests.write(doing.connection, wish, GrantState.ASKED, doing.operator.id, doing.now)
        enter(doing, handoff, Kind.GRANT_ASKED, why, facts, key_id=key.id)
        return Done(Kind.GRANT_ASKED, facts)
    refused = _give(doing, key, amount, why)
    if refused is not None:
        return refused
    grant_requests.write(doing.connection, wish, GrantState.GRANTED, doing.operator.id, doing.now)
    enter(doing, handoff, Kind.GRANTED, why, facts, key_id=key.id)
    return Done(Kind.GRANTED, facts)


def _room(doing: Doing, agreement: str) -> int:
    """How much this operator may give just now; whoever gives to the same agreement waits for the commit."""
    limit = grant_requests.lock(doing.connection, doing.operator.id, agreement)
    return grant_requests.room(doing.connection, doing.operator.id, limit, agreement, doing.now)


def _give(doing: Doing, key: IssuedKey, amount: int, reason: str) -> NotDone | None:
    """The ledger's grant; whole or not at all."""
    savepoint = doing.connection.begin_nested()
    try:
        issue.grant(doing.connection, key, amount, now=doing.now, actor=doing.operator.name, reason=reason)
    except IssueError as error:
        savepoint.rollback()
        return NotDone(Why.OUT_OF_RANGE, {"highest": error.highest})
    savepoint.commit()
    return None


def decide(doing: Doing, request_id: int, reason: str, *, approve: bool) -> Done | NotDone:
    """Approve or decline what another asked for; approving gives it. The case it was about hears of it."""
    if not doing.operator.role.covers(Role.SUPERVISOR):
        return NotDone(Why.NOT_ALLOWED)
    why = written(reason)
    if isinstance(why, NotDone):
        return why
    asked = grant_requests.read(doing.connection, request_id)
    if asked is None:
        return NotDone(Why.NO_SUCH)
    # Agreement before request: whoever gives alone takes the same locks in the same order.
    room = _room(doing, asked.agreement)
    asked = grant_requests.read(doing.connection, request_id, locked=True)
    if asked is None or asked.state is not GrantState.ASKED:
        return NotDone(Why.NOT_WAITING)
    if asked.asked_by == doing.operator.id:
        return NotDone(Why.OWN_REQUEST)
    if approve and asked.amount > room:
        return NotDone(Why.LIMIT, {"highest": room})
    key = key_asked_for(doing.connection, asked)
    refused = _give(doing, key, asked.amount, asked.reason) if approve else None
    if refused is not None:
        return refused
    state = GrantState.APPROVED if approve else GrantState.DECLINED
    decided = grant_requests.decide(doing.connection, request_id, doing.operator.id, state, doing.now, why)
    assert decided  # its row is locked
    after = replace(asked, state=state)
    told = word_back.tell(doing.connection, doing.secrets, doing.lines, doing.limits, after, doing.now)
    return _told(doing, after, key, why, told)


def _told(doing: Doing, grant: Grant, key: IssuedKey, why: str | None, told: ToldBy | NoText | None) -> Done:
    """Write down what was decided, with the case it was about, so that whoever has the case sees it."""
    who = grant_requests.askers(doing.connection, [grant])[grant.id]
    facts = {"decision": grant.state, "amount": grant.amount, "key": key.last_five, "asked_by": who}
    facts |= {"not_told": told} if isinstance(told, NoText) else {"told_by": told} if told is not None else {}
    handoff = None if grant.case_id is None else queue.of_case(doing.connection, grant.case_id)
    entry = DeskEntry(
        doing.now,
        doing.operator.name,
        Kind.GRANT_DECIDED,
        doing.operator.id,
        case_id=grant.case_id,
        handoff_id=handoff.id if handoff is not None else None,
        key_id=key.id,
        reason=why,
        details=facts,
    )
    desk_entries.append(doing.connection, entry)
    handoff_id = handoff.id if handoff is not None else None
    queue.note(doing.connection, Kind.GRANT_DECIDED, doing.now, handoff_id, grant.case_id)
    return Done(Kind.GRANT_DECIDED, facts)


def key_asked_for(connection: Connection, grant: Grant) -> IssuedKey:
    """The key that a grant is for."""
    row = connection.execute(
        select(product_keys.c.product, product_keys.c.serial).where(product_keys.c.id == grant.key_id)
    ).one()
    found = issue.show(connection, row.product, row.serial)
    assert found is not None  # keys are never deleted
    return found


def unblock(doing: Doing, handoff: Handoff, reason: str) -> Done | NotDone:
    """Open the blocked key of a case again: a supervisor may, whoever has the case."""
    if not doing.operator.role.covers(Role.SUPERVISOR):
        return NotDone(Why.NOT_ALLOWED)
    why = written(reason, needed=True)
    if isinstance(why, NotDone):
        return why
    lock_case(doing, handoff)
    key = key_of(doing, handoff.case_id)
    if isinstance(key, NotDone):
        return key
    if not issue.unblock(doing.connection, key, now=doing.now, actor=doing.operator.name, reason=why or ""):
        return NotDone(Why.NOT_BLOCKED)
    facts = {"key": key.last_five}
    enter(doing, handoff, Kind.KEY_UNBLOCKED, why, facts, key_id=key.id)
    return Done(Kind.KEY_UNBLOCKED, facts)


def lift(doing: Doing, handoff: Handoff, more: int, reason: str) -> Done | NotDone:
    """Let the machine of a case be activated again so often beyond its product's bound: a supervisor may."""
    if not doing.operator.role.covers(Role.SUPERVISOR):
        return NotDone(Why.NOT_ALLOWED)
    why = written(reason, needed=True)
    if isinstance(why, NotDone):
        return why
    if not 1 <= more <= reactivation.MOST_LIFTED:
        return NotDone(Why.OUT_OF_RANGE, {"highest": reactivation.MOST_LIFTED})
    lock_case(doing, handoff)
    key = key_of(doing, handoff.case_id)
    if isinstance(key, NotDone):
        return key
    case = cases.read(doing.connection, handoff.case_id)
    iid = digits.look(case.format, case.groups, doing.secrets).iid
    product = find_product(doing.connection, key.product)
    assert iid is not None  # the key was found by it
    assert product is not None  # products are never deleted
    if not reactivation.lift(
        doing.connection, key, product, iid, more, now=doing.now, actor=doing.operator.name, reason=why or ""
    ):
        return NotDone(Why.NOT_REACHED)
    facts = {"more": more, "key": key.last_five}
    enter(doing, handoff, Kind.MACHINE_LIFTED, why, facts, key_id=key.id)
    return Done(Kind.MACHINE_LIFTED, facts)
