"""The words about calls: why none is placed, how far one has come, and what came of it.

Rule: every outcome has its sentence, and says what can be done instead where something can.

>>> why(CannotCall.TRIES_USED)
'This caller was rung 3 times already. Text them instead.'
"""

from __future__ import annotations

from enum import StrEnum

from ivr.called_back import EARLIEST, LATEST, MOST_TRIES
from ivr.rings import LIVE, Ring, RingKind, RingOutcome, RingState
from webhooks.page_texts import Words, later
from webhooks.page_texts import gettext as _


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


_WHY = Words(
    {
        CannotCall.NOT_YOURS: later("This case is not in your hands just now: claim it first."),
        CannotCall.NO_PHONE: later(
            "Your own telephone number is not on file, so that nothing of yours can ring. An administrator can add it."
        ),
        CannotCall.RINGING: later("A call of yours is under way already."),
        CannotCall.CALLER_GONE: later("The caller does not wait on the telephone."),
        CannotCall.CALLER_WAITS: later("The caller still waits on the telephone: talk to them there."),
        CannotCall.NO_NUMBER: later("No number of this caller is known."),
        CannotCall.NOT_TALKING: later("You are not talking to the caller just now."),
        CannotCall.SO_ALREADY: later("It is so already."),
        CannotCall.NO_COLLEAGUE: later("Choose whom to bring in."),
        CannotCall.COLLEAGUE_NO_PHONE: later("No telephone number of theirs is on file."),
        CannotCall.COLLEAGUE_BUSY: later("A call of theirs is under way already."),
    }
)
_TELEPHONES = Words(
    {
        (RingKind.TALK, False): later("The operator's telephone"),
        (RingKind.TALK, True): later("The operator's browser"),
        (RingKind.CALL_BACK, False): later("The operator's telephone"),
        (RingKind.CALL_BACK, True): later("The operator's browser"),
        (RingKind.JOIN, False): later("The colleague's telephone"),
        (RingKind.JOIN, True): later("The colleague's browser"),
        (RingKind.CALLER, False): later("The caller's telephone"),
    }
)
_HOW = Words(
    {
        RingState.DUE: later("%(telephone)s is about to ring."),
        RingState.PLACING: later("%(telephone)s is about to ring."),
        RingState.RINGING: later("%(telephone)s rings."),
        RingState.ANSWERED: later("%(telephone)s was picked up; 1 has not been pressed yet."),
        RingState.ACCEPTED: later("%(telephone)s is on the call."),
    }
)
_OUTCOMES = Words(
    {
        RingOutcome.TALKED: later("%(telephone)s talked."),
        RingOutcome.GONE: later("%(telephone)s took the call, but the other side had gone."),
        RingOutcome.NO_KEY: later("%(telephone)s was picked up, and no key was pressed (a voicemail, perhaps)."),
        RingOutcome.NO_ANSWER: later("%(telephone)s was not picked up."),
        RingOutcome.BUSY: later("%(telephone)s was busy."),
        RingOutcome.FAILED: later("%(telephone)s could not be rung."),
        RingOutcome.UNKNOWN: later("%(telephone)s may have rung; the provider never told."),
    }
)


def why(code: CannotCall) -> str:
    """Why no telephone rings."""
    match code:
        case CannotCall.OUT_OF_HOURS:
            return _(
                "Callers are rung from %(earliest)s to %(latest)s by their line's clock.",
                earliest=f"{EARLIEST:%H:%M}",
                latest=f"{LATEST:%H:%M}",
            )
        case CannotCall.TRIES_USED:
            return _("This caller was rung %(count)s times already. Text them instead.", count=MOST_TRIES)
    return _WHY[code]


def yours_rings() -> str:
    """That the operator is rung."""
    return _("It rings in a moment: take the call in your browser, or press 1 on your telephone.")


def told(ring: Ring) -> str:
    """How far one ring has come, or what came of it."""
    if ring.kind is RingKind.ROOM:
        said = _("The provider did not change the talk.")
    else:
        telephone = _TELEPHONES[ring.kind, ring.browser]
        if ring.outcome is None or ring.state in LIVE:
            said = _HOW.of(ring.state, telephone=telephone)
        else:
            said = _OUTCOMES.of(ring.outcome, telephone=telephone)
    return f"{said} {_('(error %(number)s)', number=str(ring.error))}" if ring.error else said


def is_trouble(ring: Ring) -> bool:
    """Whether an operator has to know that what they wished for a talk did not come about."""
    return ring.kind is RingKind.ROOM and ring.outcome is RingOutcome.FAILED
