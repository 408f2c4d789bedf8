"""The legs of a talk: what happens when an operator's telephone, or a caller's who is called back, is picked up.

Rule: nobody is joined with anybody before a person has pressed 1, or the button of a browser telephone, so that no
voicemail takes a caller; and no confirmation ID is read on a call of ours before that. Nothing here commits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, update

from ivr import calls, cases, claims, queue, rings, rooms
from ivr.actions import Join, Say, say
from ivr.answer import Answer
from ivr.called_back import number_of
from ivr.callers import Caller, pseudonym, unseal
from ivr.calls import Call
from ivr.dialled import LONGEST_TALK
from ivr.form import Form
from ivr.lines import Line
from ivr.queue import Decision, Handoff, HandoffState, handoffs
from ivr.ring_ends import come_to, end
from ivr.rings import Ring, RingKind, RingOutcome, RingState, Wanted
from ivr.rooms import room_of
from ivr.states import Talking
from ivr.textable import Texts, takes_texts
from ivr.turn import CHANNEL
from ivr.waiting_room import is_open
from ivr.written import write
from keys.secrets_file import Secrets

TAKES = "1"
"""The key that takes a call."""
MOST_ROUNDS = 45
"""Of two seconds, in which an operator waits for the other: longer than a round of music, or than a telephone rings."""
_GREETINGS = {RingKind.TALK: "desk.leg.talk", RingKind.JOIN: "desk.leg.join", RingKind.CALL_BACK: "desk.leg.call_back"}
_CALLER_BUSY = (RingState.DUE, RingState.PLACING, RingState.RINGING, RingState.ANSWERED)


@dataclass(frozen=True, slots=True)
class Ask:
    """Say who rings, and ask for the key."""

    prompts: tuple[Say, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """Nobody to join with yet: ask again in two seconds."""

    prompts: tuple[Say, ...] = ()


@dataclass(frozen=True, slots=True)
class Talk:
    """Join the operator's leg to the room; `ends` says whether the talk is over when this leg leaves."""

    room: str
    ends: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """Say why, and hang up."""

    prompts: tuple[Say, ...]


Reply = Ask | Hold | Talk | Part | Answer
"""An Answer is a turn of the line: the caller's leg is a call of the line's from the key on."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A request of one leg: which ring our address names, which call it is, on which line, and when."""

    connection: Connection
    secrets: Secrets
    ring_id: int
    sid: str
    line: Line
    now: datetime


def pick_up(leg: Leg) -> Reply:
    """The telephone was picked up: say who rings and ask for a key, if there still is a reason to."""
    ring = _own(leg)
    if ring is None or not (ring.state is RingState.ACCEPTED or rings.answered(leg.connection, ring, leg.sid, leg.now)):
        return Part((say("desk.leg.over"),))
    if ring.state is RingState.ACCEPTED:
        return Hold()
    queue.note(leg.connection, "ring_answered", leg.now, ring.handoff_id, ring.case_id)
    pointless = _unless_pointless(leg, ring)
    if pointless is not None or not ring.browser:
        return pointless or Ask(_greeting(leg, ring))
    return _take(leg, ring)  # whoever took it pressed the button of their page


def press(leg: Leg, key: str, *, asked_again: bool) -> Reply:
    """The key, or its absence. The question is asked twice."""
    ring = _own(leg)
    if ring is None or ring.state not in {RingState.ANSWERED, RingState.ACCEPTED}:
        return Part((say("desk.leg.over"),))
    if ring.state is RingState.ACCEPTED:  # the provider brings the key once more
        return _joined(leg) if ring.kind is RingKind.CALLER else Hold()
    if key != TAKES:
        if not asked_again:
            return Ask(_greeting(leg, ring))
        end(leg.connection, ring, RingOutcome.NO_KEY, leg.now, sid=leg.sid)
        return Part(
            (_to(leg, ring, "desk.caller.not_taken" if ring.kind is RingKind.CALLER else "desk.leg.not_taken"),)
        )
    return _unless_pointless(leg, ring) or _take(leg, ring)


def hold(leg: Leg, rounds: int) -> Reply:
    """An operator who took the call waits for the other: look whether they are there."""
    ring = _own(leg)
    if ring is None or ring.state is not RingState.ACCEPTED or ring.kind is RingKind.CALLER:
        return Part((say("desk.leg.over"),))
    waits, gone = _caller_there(leg, ring)
    if waits is False:
        rings.talking(leg.connection, ring, leg.now)
        queue.note(leg.connection, "ring_talking", leg.now, ring.handoff_id, ring.case_id)
        return Talk(room_of(ring.handoff_id), ends=not rooms.others(leg.connection, ring))
    if waits and rounds < MOST_ROUNDS:
        return Hold()
    end(leg.connection, ring, RingOutcome.GONE, leg.now, sid=leg.sid)
    return Part((say(gone),))


def parted(leg: Leg, *, hung_up: bool) -> Reply:
    """The conference is over for an operator.

    Where it ended because a colleague left who had handed the case over, the caller is joined with this operator anew.
    """
    ring = _own(leg)
    if ring is None or ring.state is not RingState.ACCEPTED or hung_up:
        return Part(())
    if ring.posted_at is not None and leg.now - ring.posted_at >= LONGEST_TALK:
        return Part((say("desk.leg.over"),))
    handoff = _handoff(leg, ring)
    if _waits(handoff, ring) and claims.decide(
        leg.connection, ring.handoff_id, ring.operator_id, Decision.TALK, now=leg.now
    ):
        return Hold((say("desk.leg.moment"),))
    return Part((say("desk.leg.gone"),))


def news(leg: Leg, outcome: RingOutcome | None) -> None:
    """The provider tells of the call: it is under way (None), or over. TALKED is only what a completed call may be."""
    ring = _own(leg)
    if ring is None:
        return
    if outcome is None:
        rings.known(leg.connection, ring, leg.sid, leg.now)
        return
    came_to = come_to(ring) if outcome is RingOutcome.TALKED else outcome
    end(leg.connection, ring, came_to, leg.now, sid=leg.sid)


def _own(leg: Leg) -> Ring | None:
    ring = rings.lock(leg.connection, leg.ring_id)
    return ring if ring is not None and ring.sid in {None, leg.sid} else None


def _handoff(leg: Leg, ring: Ring) -> Handoff:
    found = queue.read(leg.connection, ring.handoff_id)
    assert found is not None  # the ring refers to it
    return found


def _greeting(leg: Leg, ring: Ring) -> tuple[Say, ...]:
    if ring.kind is RingKind.CALLER:
        return (_to(leg, ring, "desk.caller.ask"),)
    ending = cases.read(leg.connection, ring.case_id).number[-4:]
    return (say(_GREETINGS[ring.kind], digits=ending),)


def _waits(handoff: Handoff, ring: Ring) -> bool:
    """Whether the handoff is still this operator's, and a caller waits on the telephone."""
    return rooms.is_theirs(handoff, ring) and handoff.left_at is None and handoff.finished_at is None


def _unless_pointless(leg: Leg, ring: Ring) -> Part | None:
    """The end of a leg that leads nowhere any more: the case is another's, or the other side has gone."""
    handoff = _handoff(leg, ring)
    theirs = rooms.is_theirs(handoff, ring)
    match ring.kind:
        case RingKind.CALLER:
            leads, why = theirs and _partner(leg, ring) is not None, "desk.caller.sorry"
        case RingKind.JOIN:
            leads, why = rooms.leads_somewhere(leg.connection, ring, handoff), "desk.leg.over"
        case _:
            leads = rooms.leads_somewhere(leg.connection, ring, handoff)
            why = "desk.leg.gone" if theirs else "desk.leg.not_yours"
    if leads:
        return None
    end(leg.connection, ring, RingOutcome.GONE, leg.now, sid=leg.sid)
    return Part((_to(leg, ring, why),))


def _to(leg: Leg, ring: Ring, prompt: str) -> Say:
    """Words to a caller in the language of their case; to an operator in the line's own."""
    return Say(prompt, locale=cases.read(leg.connection, ring.case_id).locale if ring.kind is RingKind.CALLER else "")


def _partner(leg: Leg, ring: Ring) -> Ring | None:
    """The leg of the operator who called this caller back, if it still is there."""
    return next(
        (
            other
            for other in rings.of_handoff(leg.connection, ring.handoff_id)
            if other.kind is RingKind.CALL_BACK
            and other.operator_id == ring.operator_id
            and other.state is RingState.ACCEPTED
        ),
        None,
    )


def _take(leg: Leg, ring: Ring) -> Reply:
    """A person has taken the call."""
    if not rings.accepted(leg.connection, ring, leg.now):
        return Part((say("desk.leg.over"),))
    queue.note(leg.connection, "ring_accepted", leg.now, ring.handoff_id, ring.case_id)
    match ring.kind:
        case RingKind.TALK | RingKind.JOIN if rooms.others(leg.connection, ring):
            # Whoever is there must not end the talk any more by leaving; only then does a second come in.
            rooms.arrange(leg.connection, ring, leg.now)
            return Hold((say("desk.leg.moment"),))
        case RingKind.TALK:
            claims.decide(leg.connection, ring.handoff_id, ring.operator_id, Decision.TALK, now=leg.now)
            return Hold((say("desk.leg.moment"),))
        case RingKind.CALL_BACK:
            number = number_of(leg.connection, _handoff(leg, ring))
            wanted = Wanted(RingKind.CALLER, ring.handoff_id, ring.case_id, ring.operator_id, ring.line, number)
            rings.ask(leg.connection, wanted, leg.now, leg.now)
            return Hold((say("desk.leg.ringing"),))
        case _:
            rings.talking(leg.connection, ring, leg.now)
            return _begin(leg, ring)


def _begin(leg: Leg, ring: Ring) -> Answer:
    """The caller's leg becomes a call of the line's, which waits in the queue and is being talked to."""
    handoff, case = _handoff(leg, ring), cases.read(leg.connection, ring.case_id)
    assert ring.number_sealed is not None  # somebody was rung
    number = unseal(ring.number_sealed, leg.secrets.number_key)
    texts = Texts.OWN if takes_texts(number, leg.line.texts_go_to) else Texts.NONE
    desk = is_open(leg.line, leg.now)
    form = Form(case.format, case.groups, texts=texts, desk=desk, in_queue=True, ever_keyed=True, resumed=True)
    form = replace(form, locale=case.locale, languages=leg.line.choice)
    spoken = Join((say("waiting.joined"),), room_of(handoff.id))
    state, caller = Talking(form, handoff.reason), Caller(pseudonym(number, leg.secrets.pepper), ring.number_sealed)
    call = Call(leg.sid, leg.line.number, caller, 1, state, write(spoken), leg.now, ring.case_id, None, None)
    calls.begin(leg.connection, call)
    on_the_telephone = {"channel": CHANNEL, "sid": leg.sid, "left_at": None}
    leg.connection.execute(update(handoffs).where(handoffs.c.id == handoff.id).values(**on_the_telephone))
    return Answer(1, spoken, None, None, (), case.locale)


def _joined(leg: Leg) -> Reply:
    """The first answer of a caller's leg once more, as long as it is that call's turn."""
    ring = rings.read(leg.connection, leg.ring_id)
    call = calls.lock(leg.connection, leg.sid)
    if ring is None or call is None or not isinstance(call.state, Talking):
        return Part((say("desk.caller.sorry"),))
    spoken = Join((say("waiting.joined"),), room_of(ring.handoff_id))
    return Answer(call.turn, spoken, None, None, (), call.state.form.locale)


def _caller_there(leg: Leg, ring: Ring) -> tuple[bool | None, str]:
    """False where the caller is there, True while they may still come, None when they will not; and how to say that."""
    handoff = _handoff(leg, ring)
    if ring.kind is not RingKind.CALL_BACK:
        gone = "desk.leg.gone" if ring.kind is RingKind.TALK else "desk.leg.over"
        return _is_in_the_room(leg, ring, handoff), gone
    rung = next((other for other in rings.of_handoff(leg.connection, ring.handoff_id) if other.id > ring.id), None)
    if rung is not None and rung.state is RingState.ACCEPTED:
        return False, ""
    waiting = rung is not None and rung.state in _CALLER_BUSY
    return (True if waiting else None), "desk.leg.unreached"


def _is_in_the_room(leg: Leg, ring: Ring, handoff: Handoff) -> bool | None:
    """The same for a caller who has a call: who may be in the room with a colleague, who may have left it meanwhile."""
    if rooms.is_being_arranged(leg.connection, handoff.id):
        return True
    theirs = _waits(handoff, ring)
    if rooms.caller_is_in(leg.connection, handoff):
        return False if theirs or rooms.others(leg.connection, ring) else None
    if handoff.state is HandoffState.DECIDED and handoff.decision is Decision.TALK:
        return True
    again = theirs and claims.decide(leg.connection, handoff.id, ring.operator_id, Decision.TALK, now=leg.now)
    return True if again else None
