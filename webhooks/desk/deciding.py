"""What an operator decides about an activation: its digits, whether it is given, and what the caller hears or reads.

Rule: an operator is no softer door. An ID is proven and spent through the same ledger as in a call, and only groups
that fit their places are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy import select

from ivr import call_backs, callers, cases, claims, outbox, reviews
from ivr.actions import Say, say
from ivr.called_back import number_of
from ivr.calls import calls
from ivr.cases import Case, CaseState
from ivr.consents import text_consents
from ivr.desk_entries import Kind
from ivr.form import Reason
from ivr.operators import Role
from ivr.outbox import Draft, NoText
from ivr.queue import Decision, Handoff
from ivr.second_look import Door, through
from ivr.sightings import Attempt
from ivr.text_states import ranges
from ivr.threads import threads
from keys import ledger
from keys.groups import grouped
from keys.installation_id import InstallationID
from keys.ledger import ConfirmationError
from keys.refusals import Refusal
from webhooks.desk import digits
from webhooks.desk.digits import Digits, Whole
from webhooks.desk.handling import Disposition, Doing, Done, NotDone, Why, enter, finish, nothing_owed, take, written

CHANNEL = "operator"
REFUSALS = (
    Reason.OPERATOR_REFUSED,
    Refusal.KEY_BLOCKED,
    Refusal.ALLOWANCE_EXHAUSTED,
    Refusal.HOSTS_EXHAUSTED,
    Refusal.HOST_REACTIVATIONS_EXHAUSTED,
    Refusal.TOO_MANY_REACTIVATIONS,
    Refusal.AGREEMENT_INACTIVE,
    Refusal.PRODUCT_RETIRED,
)
"""What an operator may refuse for; each has words that a caller hears or reads."""


class Texting(StrEnum):
    """What an operator may have texted: never words of their own, so that no digit is mistyped."""

    CASE_NUMBER = "case_number"
    CONFIRMATION_ID = "confirmation_id"
    GROUPS = "groups"


class Hidden(StrEnum):
    """What is shown on demand only."""

    CONFIRMATION_ID = "confirmation_id"
    NUMBER = "number"


def seen_of(doing: Doing, case: Case) -> Digits:
    """What the digits of a case tell."""
    return digits.look(case.format, case.groups, doing.secrets)


def set_groups(doing: Doing, handoff_id: int, whole: str, by_number: Mapping[int, str], reason: str) -> Done | NotDone:
    """Correct groups, or key the whole ID in any spelling. Kept are only groups that fit, and all of them or none."""
    taken = take(doing, handoff_id, reason)
    if isinstance(taken, NotDone):
        return taken
    handoff, why = taken
    case = cases.read(doing.connection, handoff.case_id)
    seen = digits.look(*digits.typed(whole, by_number, case.format), doing.secrets)
    if not seen.sound or (whole.strip() and seen.missing):
        return NotDone(Why.FAULTY, {"seen": seen})
    before = seen_of(doing, case).plain
    changed = [each.number for each, was in zip(seen.groups, _padded(before, seen), strict=True) if each.digits != was]
    assert seen.layout is not None  # groups without a format are not sound
    if not cases.keep_groups(doing.connection, case.id, seen.layout.number, seen.plain, doing.now):
        return NotDone(Why.ACTIVATED)
    enter(doing, handoff, Kind.GROUPS_SET, why, {"groups": changed, "missing": len(seen.missing)})
    return Done(Kind.GROUPS_SET, {"groups": changed, "missing": list(seen.missing), "genuine": seen.genuine})


def _padded(groups: tuple[str, ...], seen: Digits) -> tuple[str, ...]:
    return (*groups, *("",) * len(seen.groups))[: len(seen.groups)]


def hand_back(doing: Doing, handoff_id: int, reason: str) -> Done | NotDone:
    """Give the live call back to the line, which goes on with the case as it stands."""
    taken = take(doing, handoff_id, reason)
    if isinstance(taken, NotDone):
        return taken
    handoff, why = taken
    if not on_the_line(handoff):
        return NotDone(Why.CALLER_GONE)
    claims.decide(doing.connection, handoff_id, doing.operator.id, Decision.BACK, now=doing.now)
    enter(doing, handoff, Kind.HANDED_BACK, why)
    return Done(Kind.HANDED_BACK)


def on_the_line(handoff: Handoff) -> bool:
    """Whether a caller waits in a call, and will hear what is decided."""
    return handoff.channel != "text" and handoff.left_at is None


def issue(doing: Doing, handoff_id: int, reason: str, *, by_text: bool) -> Done | NotDone:
    """Activate: the line reads the confirmation ID to a caller who waits; else it is texted, if that is wanted.

    A text is answered by text, always. Where none can be sent the case stays with the operator, to call back.
    """
    taken = take(doing, handoff_id, reason)
    if isinstance(taken, NotDone):
        return taken
    handoff, why = taken
    case = cases.read(doing.connection, handoff.case_id)
    seen = seen_of(doing, case)
    if seen.iid is None:
        return NotDone(Why.INCOMPLETE)
    if seen.generation is None:
        return NotDone(Why.NOT_GENUINE, {"refusal": seen.refusal})
    claim = ledger.Claim(seen.iid, seen.generation, CHANNEL, f"operator-{doing.operator.id}", str(case.id))
    looked_at = reviews.let_through(doing.connection, case.id, seen.iid, doing.operator.name, doing.now)
    door = _door(doing, handoff, seen.iid)
    done = through(doing.connection, door, lambda: ledger.reserve_and_post(doing.connection, claim, now=doing.now))
    if done == ledger.Refused(Refusal.HELD_FOR_REVIEW):
        review = reviews.of_case(doing.connection, case.id, seen.iid)
        return NotDone(Why.HELD, {"score": None if review is None else review.score})
    if isinstance(done, ledger.Refused):
        return NotDone(Why.REFUSED, {"refusal": done.refusal})
    call_backs.keep(doing.connection, case.id, by=doing.operator.name, now=doing.now)
    facts: dict[str, object] = {"again": True} if done.replay else {}
    facts |= {"held_for": list(looked_at.score.counts)} if looked_at is not None else {}
    if on_the_line(handoff):
        claims.decide(doing.connection, handoff_id, doing.operator.id, Decision.ISSUED, now=doing.now)
        facts["by"] = "line"
    elif by_text or handoff.channel == "text":
        facts |= _answer(doing, handoff, (say("text.approved"),), Disposition.ACTIVATED)
    enter(doing, handoff, Kind.ISSUED, why, facts, key_id=done.reservation.key_id)
    return Done(Kind.ISSUED, facts)


def _door(doing: Doing, handoff: Handoff, iid: InstallationID) -> Door:
    """The operator's own door, for whoever the case is about; as strict as the line it came on."""
    country = doing.connection.execute(
        select(cases.cases.c.country).where(cases.cases.c.id == handoff.case_id)
    ).scalar()
    attempt = Attempt(handoff.caller, country, CHANNEL, iid)
    return Door(attempt, iid, handoff.case_id, doing.lines.dialled(handoff.line), doing.now)


def refuse(doing: Doing, handoff_id: int, code: str, reason: str, *, by_text: bool) -> Done | NotDone:
    """Refuse for one of REFUSALS: the caller hears why, or reads it; `reason` is for the entry."""
    taken = take(doing, handoff_id, reason)
    if isinstance(taken, NotDone):
        return taken
    handoff, why = taken
    if code not in REFUSALS:
        return NotDone(Why.UNREADABLE)
    facts: dict[str, object] = {"because": code}
    if on_the_line(handoff):
        nothing_owed(doing, handoff)
        claims.decide(doing.connection, handoff_id, doing.operator.id, Decision.REFUSED, reason=code, now=doing.now)
        facts["by"] = "line"
    elif by_text or handoff.channel == "text":
        facts |= _answer(doing, handoff, (say(f"reason.{code}"), say("text.case")), Disposition.REFUSED)
    enter(doing, handoff, Kind.REFUSED, why, facts)
    return Done(Kind.REFUSED, facts)


def _answer(doing: Doing, handoff: Handoff, words: tuple[Say, ...], disposition: Disposition) -> dict[str, object]:
    """Text the last word of a case; only where it can be sent has the case ended with it."""
    unsent = _text(doing, handoff, words)
    if isinstance(unsent, NotDone):
        return {"not_sent": unsent.facts.get("text", unsent.why)}
    finish(doing, handoff, disposition)
    return {"by": "text"}


def text(doing: Doing, handoff_id: int, what: str, again: tuple[int, ...], reason: str) -> Done | NotDone:
    """Text the caller; `again` are the numbers of groups to be asked for once more, which the case then forgets."""
    taken = take(doing, handoff_id, reason)
    if isinstance(taken, NotDone):
        return taken
    handoff, why = taken
    if what not in set(Texting):
        return NotDone(Why.UNREADABLE)
    words = _words(doing, handoff, Texting(what), again)
    if isinstance(words, NotDone):
        return words
    unsent = _text(doing, handoff, words)
    if isinstance(unsent, NotDone):
        return unsent
    if what == Texting.GROUPS:
        _forget(doing, handoff, again)
    enter(doing, handoff, Kind.TEXTED, why, {"what": what} | ({"groups": list(again)} if again else {}))
    return Done(Kind.TEXTED, {"what": what})


def _words(doing: Doing, handoff: Handoff, what: Texting, again: tuple[int, ...]) -> tuple[Say, ...] | NotDone:
    case = cases.read(doing.connection, handoff.case_id)
    if what is Texting.CASE_NUMBER:
        return (say("text.case_from_call"),)
    if what is Texting.CONFIRMATION_ID:
        told = case.state is CaseState.ACTIVATED
        return (say("text.approved"),) if told else NotDone(Why.NOT_ACTIVATED)
    if case.state is CaseState.ACTIVATED:
        return NotDone(Why.ACTIVATED)
    seen = seen_of(doing, case)
    wrong = tuple(number for number in again if 1 <= number <= len(seen.groups) and number not in seen.missing)
    missing = seen.missing if seen.layout is not None or 1 not in seen.missing else (1,)
    words = (say("text.wrong", groups=ranges(wrong), count=len(wrong)),) if wrong else ()
    if missing:
        words = (*words, say("text.missing", groups=ranges(missing), count=len(missing)))
    if not words and seen.whole is Whole.DOES_NOT_FIT:
        words = (say("text.whole"),)
    return (*words, say("text.case")) if words else NotDone(Why.NOTHING_MISSING)


def _forget(doing: Doing, handoff: Handoff, again: tuple[int, ...]) -> None:
    """Take groups out of the case that are asked for once more: what comes in their place is new."""
    case = cases.read(doing.connection, handoff.case_id)
    kept = tuple("" if number in again else group for number, group in enumerate(case.groups, 1))
    if kept != case.groups:
        cases.keep_groups(doing.connection, case.id, case.format, kept, doing.now)


def _text(doing: Doing, handoff: Handoff, words: tuple[Say, ...]) -> NotDone | None:
    """Write a text to whoever the handoff is about."""
    sealed = _number_to_text(doing, handoff)
    if sealed is None:
        return NotDone(Why.NO_NUMBER)
    number = callers.unseal(sealed, doing.secrets.number_key)
    doubtful = handoff.channel != "text"
    draft = Draft(doing.lines.dialled(handoff.line), number, words, handoff.case_id, doubtful=doubtful)
    refused: NoText | None = outbox.write(doing.connection, doing.secrets, draft, doing.limits, now=doing.now)
    return None if refused is None else NotDone(Why.NOT_SENT, {"text": refused})


def _number_to_text(doing: Doing, handoff: Handoff) -> str | None:
    """The sealed number that called or texted, else the one that was keyed in the call to be texted at."""
    texted = select(threads.c.number_sealed).where(threads.c.line == handoff.line, threads.c.caller == handoff.caller)
    called = select(calls.c.number_sealed).where(calls.c.sid == handoff.sid)
    keyed = select(text_consents.c.number_sealed).where(text_consents.c.case_id == handoff.case_id)
    order = (texted,) if handoff.channel == "text" else (called, keyed)
    found = (doing.connection.execute(asked).scalar() for asked in order)
    return next((sealed for sealed in found if sealed is not None), None)


def show(doing: Doing, handoff: Handoff, what: str, reason: str) -> Done | NotDone:
    """Show what is hidden, to whoever has the case or is a supervisor; that it was shown is an entry."""
    why = written(reason)
    if isinstance(why, NotDone):
        return why
    if handoff.claimed_by != doing.operator.id and not doing.operator.role.covers(Role.SUPERVISOR):
        return NotDone(Why.NOT_ALLOWED)
    if what not in set(Hidden):
        return NotDone(Why.UNREADABLE)
    found = _number(doing, handoff) if what == Hidden.NUMBER else _confirmation(doing, handoff)
    if isinstance(found, NotDone):
        return found
    enter(doing, handoff, Kind.SHOWN, why, {"what": what.replace("_", " ")})
    return Done(Kind.SHOWN, {"what": what}, shown=found)


def _number(doing: Doing, handoff: Handoff) -> str | NotDone:
    sealed = number_of(doing.connection, handoff)
    return NotDone(Why.NO_NUMBER) if sealed is None else callers.unseal(sealed, doing.secrets.number_key)


def _confirmation(doing: Doing, handoff: Handoff) -> str | NotDone:
    case = cases.read(doing.connection, handoff.case_id)
    iid = seen_of(doing, case).iid
    if case.reservation_id is None or iid is None:
        return NotDone(Why.NOT_ACTIVATED)
    try:
        return grouped(ledger.confirmation(doing.connection, case.reservation_id, iid, doing.secrets))
    except ConfirmationError:
        return NotDone(Why.NOT_ACTIVATED)
