"""The table of transitions: from which state which event may lead where. The diagram is drawn from it.

Rule: a step that is not in this table is a bug, and `dialogue.step` raises on it.

>>> (Checking, Approved, ReadingBack) in TRANSITIONS
True
>>> (Checking, Keyed, ReadingBack) in TRANSITIONS
False
"""

from __future__ import annotations

from ivr.events import (
    AgreementRight,
    AgreementWrong,
    Approved,
    Asked,
    CallStarted,
    CaseFound,
    CaseUnknown,
    DeskClosed,
    Event,
    HandedBack,
    HungUp,
    Issued,
    Joined,
    Keyed,
    Misheard,
    NotAsked,
    Queued,
    Refused,
    Silence,
    StillWaiting,
    TextRefused,
    TextWritten,
    TurnedDown,
    Weighed,
)
from ivr.states import (
    STATES,
    AskingAgreement,
    AskingAmount,
    AskingCase,
    AskingGroup,
    AskingHow,
    AskingMobile,
    AskingNumber,
    AskingToldAt,
    AskingWhy,
    Checking,
    CheckingAgreement,
    ChoosingLanguage,
    ConfirmingAmount,
    ConfirmingGroup,
    ConfirmingMobile,
    ConfirmingNumber,
    ConfirmingToldAt,
    Ended,
    Escalating,
    FindingCase,
    Opening,
    ReadingBack,
    Requesting,
    State,
    Talking,
    Texting,
    Waiting,
    WayOn,
    Weighing,
)

Transition = tuple[type[State] | None, type[Event], type[State]]

_ROWS: dict[type[State] | None, dict[type[Event], tuple[type[State], ...]]] = {
    None: {CallStarted: (Opening, AskingGroup, Ended)},
    Opening: {
        Keyed: (Opening, AskingGroup, AskingCase, FindingCase, Weighing, Checking, WayOn, Escalating, Ended),
        Silence: (Opening, WayOn, Escalating, Ended),
    },
    AskingGroup: {
        Keyed: (AskingGroup, Weighing, Checking, WayOn, Escalating, Ended),
        Silence: (AskingGroup, WayOn, Escalating, Ended),
    },
    AskingCase: {
        Keyed: (AskingCase, FindingCase, WayOn, Escalating, Ended),
        Silence: (AskingCase, WayOn, Escalating, Ended),
    },
    FindingCase: {
        CaseFound: (AskingGroup, Opening, Checking),
        CaseUnknown: (AskingCase, WayOn, Escalating, Ended),
    },
    Weighing: {
        Weighed: (ConfirmingGroup, AskingGroup, WayOn, Escalating, Ended),
    },
    ConfirmingGroup: {
        Keyed: (ConfirmingGroup, AskingGroup, Checking, WayOn, Escalating, Ended),
        Silence: (ConfirmingGroup, WayOn, Escalating, Ended),
    },
    Checking: {
        Approved: (ReadingBack,),
        Refused: (WayOn, Escalating, Ended),
    },
    ReadingBack: {
        Keyed: (ReadingBack, Texting, AskingMobile, Opening, WayOn, Escalating, Ended),
        Silence: (ReadingBack, Ended),
    },
    WayOn: {
        Keyed: (WayOn, AskingGroup, Opening, AskingNumber, Texting, AskingMobile, AskingAgreement, Escalating, Ended),
        Silence: (WayOn, Ended),
    },
    AskingNumber: {
        Keyed: (AskingNumber, ConfirmingNumber, Ended),
        Silence: (AskingNumber, Ended),
    },
    ConfirmingNumber: {
        Keyed: (ConfirmingNumber, AskingNumber, Ended),
        Silence: (ConfirmingNumber, Ended),
    },
    AskingMobile: {
        Keyed: (AskingMobile, ConfirmingMobile, ReadingBack, WayOn, Waiting, Ended),
        Silence: (ReadingBack, WayOn, Waiting, Ended),
    },
    ConfirmingMobile: {
        Keyed: (ConfirmingMobile, AskingMobile, Texting, ReadingBack, WayOn, Waiting, Ended),
        Silence: (ConfirmingMobile, ReadingBack, WayOn, Waiting, Ended),
    },
    Texting: {
        TextWritten: (ReadingBack, WayOn, Waiting),
        TextRefused: (ReadingBack, WayOn, Waiting),
    },
    AskingAgreement: {
        Keyed: (AskingAgreement, CheckingAgreement, Escalating, WayOn, Ended),
        Silence: (AskingAgreement, WayOn, Ended),
    },
    CheckingAgreement: {
        AgreementRight: (AskingAmount,),
        AgreementWrong: (AskingAgreement, WayOn),
        NotAsked: (WayOn,),
    },
    AskingAmount: {
        Keyed: (AskingAmount, ConfirmingAmount, Escalating, WayOn, Ended),
        Silence: (AskingAmount, WayOn, Ended),
    },
    ConfirmingAmount: {
        Keyed: (ConfirmingAmount, AskingAmount, AskingWhy, WayOn, Ended),
        Silence: (ConfirmingAmount, WayOn, Ended),
    },
    AskingWhy: {
        Keyed: (AskingWhy, AskingHow, AskingToldAt, Requesting, WayOn, Ended),
        Silence: (AskingWhy, WayOn, Ended),
    },
    AskingHow: {
        Keyed: (AskingHow, Requesting, WayOn, Ended),
        Silence: (AskingHow, WayOn, Ended),
    },
    AskingToldAt: {
        Keyed: (AskingToldAt, ConfirmingToldAt, Escalating, WayOn, Ended),
        Silence: (AskingToldAt, WayOn, Ended),
    },
    ConfirmingToldAt: {
        Keyed: (ConfirmingToldAt, AskingToldAt, Requesting, WayOn, Ended),
        Silence: (ConfirmingToldAt, WayOn, Ended),
    },
    Requesting: {
        Asked: (Ended,),
        NotAsked: (WayOn,),
    },
    Escalating: {
        Queued: (Waiting,),
        DeskClosed: (WayOn, Ended),
    },
    Waiting: {
        StillWaiting: (Waiting, AskingGroup, Opening, AskingNumber, Texting, AskingMobile, AskingAgreement, Ended),
        HandedBack: (AskingGroup, Opening, Checking),
        TurnedDown: (WayOn,),
        Issued: (ReadingBack,),
        Joined: (Talking,),
    },
    Talking: {
        StillWaiting: (Waiting,),
        HandedBack: (AskingGroup, Opening, Checking),
        TurnedDown: (WayOn,),
        Issued: (ReadingBack,),
        Joined: (Talking,),
    },
}

_LANGUAGE_AT: tuple[type[State], ...] = (
    Opening, AskingGroup, AskingCase, ConfirmingGroup, WayOn, AskingNumber, ConfirmingNumber, AskingMobile,
    ConfirmingMobile, ConfirmingAmount, AskingWhy, AskingHow, AskingToldAt, ConfirmingToldAt, Waiting,
)  # fmt: skip
"""Where another language can be asked for, and what is gone back to."""
_LANGUAGE: list[Transition] = [
    *((before, StillWaiting if before is Waiting else Keyed, ChoosingLanguage) for before in _LANGUAGE_AT),
    *((ChoosingLanguage, event, after) for event in (Keyed, Silence) for after in (*_LANGUAGE_AT, Ended)),
    (ChoosingLanguage, Keyed, ChoosingLanguage),
    (ChoosingLanguage, Keyed, Escalating),
]

_SAID_AT: tuple[type[State], ...] = (
    Opening, AskingGroup, AskingCase, ConfirmingGroup, WayOn, ConfirmingNumber, ConfirmingMobile, ConfirmingAmount,
    AskingWhy, AskingHow, ConfirmingToldAt, ChoosingLanguage, ReadingBack,
)  # fmt: skip
"""Where something may be said that is not understood."""
_MISHEARD: list[Transition] = [
    *((state, Misheard, after) for state in _SAID_AT for after in (state, Ended)),
    *((state, Misheard, after) for state in _SAID_AT[:4] for after in (WayOn, Escalating)),
]

TRANSITIONS: frozenset[Transition] = frozenset(
    [(before, event, after) for before, events in _ROWS.items() for event, afters in events.items() for after in afters]
    + _LANGUAGE
    + _MISHEARD
    + [(state, HungUp, Ended) for state in STATES]
)
"""Every step there is: state before (None: no call yet), event, state after."""


def diagram() -> str:
    """The table as a Mermaid state diagram, one line a pair of states. Hanging up, possible everywhere, is left out."""
    labels: dict[tuple[str, str], list[str]] = {}
    for before, event, after in TRANSITIONS:
        if event is HungUp:
            continue
        pair = (before.__name__ if before else "[*]", after.__name__)
        labels.setdefault(pair, []).append(event.__name__)
    lines = [f"    {before} --> {after}: {', '.join(sorted(events))}" for (before, after), events in labels.items()]
    return "\n".join(["stateDiagram-v2", *sorted(lines), "    Ended --> [*]"])
