"""The words about calls: why none is placed, how far one has come, and what came of it.

Rule: every outcome has its sentence, and says what can be done instead where something can.

>>> WHY[CannotCall.TRIES_USED]
'This caller was rung 3 times already. Text them instead.'
"""

from __future__ import annotations

from enum import StrEnum

from ivr.called_back import EARLIEST, LATEST, MOST_TRIES
from ivr.rings import LIVE, Ring, RingKind, RingOutcome, RingState


class CannotCall(StrEnum):
    """Why the operator's telephone is not rung."""

    NOT_YOURS = "not_yours"
    NO_PHONE = "no_phone"
    RINGING = "ringing"
    CALLER_GONE = "caller_gone"
    CALLER_WAITS = "caller_waits"
    NO_NUMBER = "no_number"
    OUT_OF_HOURS = "out_of_hours"
    TRIES_USED = "tries_used"
    NOT_TALKING = "not_talking"
    SO_ALREADY = "so_already"
    NO_COLLEAGUE = "no_colleague"
    COLLEAGUE_NO_PHONE = "colleague_no_phone"
    COLLEAGUE_BUSY = "colleague_busy"


WHY = {
    CannotCall.NOT_YOURS: "This case is not in your hands just now: claim it first.",
    CannotCall.NO_PHONE: "Your own telephone number is not on file, so that nothing of yours can ring. "
    "An administrator can add it.",
    CannotCall.RINGING: "A call of yours is under way already.",
    CannotCall.CALLER_GONE: "The caller does not wait on the telephone.",
    CannotCall.CALLER_WAITS: "The caller still waits on the telephone: talk to them there.",
    CannotCall.NO_NUMBER: "No number of this caller is known.",
    CannotCall.OUT_OF_HOURS: f"Callers are rung from {EARLIEST:%H:%M} to {LATEST:%H:%M} by their line's clock.",
    CannotCall.TRIES_USED: f"This caller was rung {MOST_TRIES} times already. Text them instead.",
    CannotCall.NOT_TALKING: "You are not talking to the caller just now.",
    CannotCall.SO_ALREADY: "It is so already.",
    CannotCall.NO_COLLEAGUE: "Choose whom to bring in.",
    CannotCall.COLLEAGUE_NO_PHONE: "No telephone number of theirs is on file.",
    CannotCall.COLLEAGUE_BUSY: "A call of theirs is under way already.",
}
WHOSE = {
    RingKind.TALK: "The operator's",
    RingKind.CALL_BACK: "The operator's",
    RingKind.JOIN: "The colleague's",
    RingKind.CALLER: "The caller's",
}
YOURS_RINGS = "It rings in a moment: take the call in your browser, or press 1 on your telephone."
HOW = {
    RingState.DUE: "is about to ring",
    RingState.PLACING: "is about to ring",
    RingState.RINGING: "rings",
    RingState.ANSWERED: "was picked up; 1 has not been pressed yet",
    RingState.ACCEPTED: "is on the call",
}
OUTCOMES = {
    RingOutcome.TALKED: "talked",
    RingOutcome.GONE: "took the call, but the other side had gone",
    RingOutcome.NO_KEY: "was picked up, and no key was pressed (a voicemail, perhaps)",
    RingOutcome.NO_ANSWER: "was not picked up",
    RingOutcome.BUSY: "was busy",
    RingOutcome.FAILED: "could not be rung",
    RingOutcome.UNKNOWN: "may have rung; the provider never told",
}


def told(ring: Ring) -> str:
    """How far one ring has come, or what came of it."""
    if ring.kind is RingKind.ROOM:
        return "The provider did not change the talk" + (f" (error {ring.error})." if ring.error else ".")
    what = "browser" if ring.browser else "telephone"
    how = HOW[ring.state] if ring.outcome is None or ring.state in LIVE else OUTCOMES[ring.outcome]
    return f"{WHOSE[ring.kind]} {what} {how}" + (f" (error {ring.error})." if ring.error else ".")


def is_trouble(ring: Ring) -> bool:
    """Whether an operator has to know that what they wished for a talk did not come about."""
    return ring.kind is RingKind.ROOM and ring.outcome is RingOutcome.FAILED
