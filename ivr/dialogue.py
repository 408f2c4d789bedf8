"""The dialogue: a pure function from a state and an event to the next state and what is to be said and done.

Rule: every call ends. No machine takes more than `TURN_CEILING` steps of the caller, whatever is keyed, and no call
more than `items.MOST_MACHINES` machines.

>>> from ivr.events import CallStarted, Keyed
>>> state, actions = step(None, CallStarted(withheld=False), country="US")
>>> actions[0].prompts[0].prompt
'opening.first'
>>> state, actions = step(state, Keyed("720650"), country="US")
>>> type(state).__name__, state.group, [type(action).__name__ for action in actions]
('AskingGroup', 2, ['KeepGroups', 'Listen'])
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from ivr import (
    asking,
    asking_more,
    choosing,
    items,
    leaving,
    offering,
    pacing,
    reading,
    repairing,
    resuming,
    saying,
    waiting,
)
from ivr.actions import say
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
from ivr.items import Step
from ivr.states import (
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
    Outcome,
    ReadingBack,
    Requesting,
    State,
    Talking,
    Texting,
    Waiting,
    WayOn,
    Weighing,
)
from ivr.transitions import TRANSITIONS

TURN_CEILING = 80
"""Steps of the caller for one machine after which a call is ended kindly; a whole activation takes about ten."""


_ASKED_IN_THE_TURN = (Checking, FindingCase, Weighing, Texting, CheckingAgreement, Requesting)
"""States of a question that is answered within the turn, so that no key ever meets one."""
_ANSWERED_AT_ONCE = (Ended, *_ASKED_IN_THE_TURN, Escalating, Waiting, Talking)
_Any = TypeVar("_Any", bound=State)


class UnknownTransition(RuntimeError):  # noqa: N818 - names what happened; a bug of ours, never the caller's
    """A step was taken that is not in the table of transitions."""


def step(state: State | None, event: Event, *, country: str) -> Step:
    """The next state and the actions. `state` is None before a call has begun; `country` is the line's (ISO 3166).

    Raises UnknownTransition for a step that is not in the table: such an event must not be passed in.
    """
    after, actions = saying.with_ears(pacing.paced(_react(state, event, country)))
    if (type(state) if state is not None else None, type(event), type(after)) not in TRANSITIONS:
        raise UnknownTransition(type(state).__name__, type(event).__name__, type(after).__name__)
    return after, actions


def _react(state: State | None, event: Event, country: str) -> Step:
    if isinstance(event, HungUp) and state is not None:
        outcome = state.outcome if isinstance(state, Ended) else Outcome.HUNG_UP
        return Ended(state.form, Outcome.ACTIVATED if _is_read(state) else outcome), ()
    if state is None and isinstance(event, CallStarted):
        return resuming.starting(event)
    if state is not None and isinstance(event, Keyed | Silence):
        return resuming.settled(state, _told(event, _hear(_noted(state, event), event, country)))
    if isinstance(state, saying.LISTENING) and isinstance(event, Misheard):
        return _told(event, _mishear(_noted(state, event), event))
    if isinstance(state, Weighing) and isinstance(event, Weighed):
        return repairing.weighed(state, event)
    if isinstance(state, Texting) and isinstance(event, TextWritten | TextRefused):
        return offering.written(state, event)
    if isinstance(state, CheckingAgreement) and isinstance(event, AgreementRight | AgreementWrong | NotAsked):
        return asking_more.checked(state, event)
    if isinstance(state, Requesting) and isinstance(event, Asked | NotAsked):
        return asking_more.requested(state, event)
    if isinstance(state, Checking | FindingCase):
        return _answered(state, event)
    if isinstance(state, Escalating | Waiting | Talking):
        return _queued(state, event)
    raise UnknownTransition(type(state).__name__, type(event).__name__)


def _queued(state: Escalating | Waiting | Talking, event: Event) -> Step:
    """The queue gave an answer, or an operator did."""
    match state, event:
        case Escalating(), Queued() | DeskClosed():
            return waiting.escalated(state, event)
        case Waiting(form), StillWaiting() if choosing.wished(state, event):
            return choosing.asked(replace(state, form=replace(form, waited=form.waited + 1)))
        case Waiting(), StillWaiting():
            return _told(event, waiting.at_waiting(_noted(state, event), event))
        case Talking(), StillWaiting():
            return waiting.parted(state, event)
        case Waiting() | Talking(), Joined():
            return waiting.joined(state, event)
        case Waiting() | Talking(), HandedBack() | Issued() | TurnedDown():
            return waiting.decided(state, event)
        case _:
            raise UnknownTransition(type(state).__name__, type(event).__name__)


def _noted(state: _Any, event: Keyed | Silence | Misheard | StillWaiting) -> _Any:
    return replace(state, form=replace(state.form, text_failed=True)) if event.text_failed else state


def _told(event: Keyed | Silence | Misheard | StillWaiting, heard: Step) -> Step:
    """The step; a caller whose text cannot arrive is told so first."""
    return items.say_first(heard, say("text_offer.failed")) if event.text_failed else heard


def _hear(state: State, event: Keyed | Silence, country: str) -> Step:
    """Keys or silence, counted against the ceiling of turns."""
    state = replace(state, form=replace(pacing.noted(state.form, state, event), turns=state.form.turns + 1))
    if state.form.turns >= TURN_CEILING and not isinstance(state, _ANSWERED_AT_ONCE):
        return _at_ceiling(state)
    if resuming.begins_another(state, event):
        return resuming.leaving_the_case(asking.at_opening(resuming.anew(state), event))
    if isinstance(state, ChoosingLanguage):
        return choosing.at_choosing(state, event)
    return choosing.asked(state) if choosing.wished(state, event) else _at_item(state, event, country)


def _mishear(state: State, event: Misheard) -> Step:
    """Words that are not understood, counted against the same ceiling."""
    state = replace(state, form=replace(state.form, turns=state.form.turns + 1))
    return _at_ceiling(state) if state.form.turns >= TURN_CEILING else saying.misheard(state, event)


def _at_ceiling(state: State) -> Step:
    return items.end_at_ceiling(state.form, Outcome.ACTIVATED if _is_read(state) else Outcome.CASE_KEPT)


def _at_item(state: State, event: Keyed | Silence, country: str) -> Step:
    """Keys or silence, for the item that is asked."""
    match state:
        case Opening():
            return asking.at_opening(state, event)
        case AskingGroup():
            return asking.at_group(state, event)
        case AskingCase():
            return asking.at_case(state, event)
        case ConfirmingGroup():
            return repairing.at_confirming_group(state, event)
        case ReadingBack():
            return reading.at_reading(state, event)
        case WayOn():
            return leaving.at_way_on(state, event)
        case AskingNumber() | ConfirmingNumber() | AskingMobile() | ConfirmingMobile():
            return _hear_number(state, event, country)
        case _:
            return _hear_wish(state, event, country)


def _hear_number(
    state: AskingNumber | ConfirmingNumber | AskingMobile | ConfirmingMobile, event: Keyed | Silence, country: str
) -> Step:
    """A number to call back or to text is keyed, or confirmed."""
    match state:
        case AskingNumber():
            return leaving.at_number(state, event, country)
        case ConfirmingNumber():
            return leaving.at_confirming(state, event)
        case AskingMobile():
            return offering.at_mobile(state, event, country)
        case ConfirmingMobile():
            return offering.at_confirming_mobile(state, event)


def _hear_wish(state: State, event: Keyed | Silence, country: str) -> Step:
    """One of the items of a request for more."""
    match state:
        case AskingAgreement() | AskingAmount() | ConfirmingAmount() | AskingWhy() | AskingHow():
            return asking_more.heard(state, event, country)
        case AskingToldAt() | ConfirmingToldAt():
            return asking_more.heard(state, event, country)
        case _:
            raise UnknownTransition(type(state).__name__, type(event).__name__)


def _is_read(state: State) -> bool:
    """Whether the confirmation ID is being read, or was just now, so that the call has what it was for."""
    if isinstance(state, AskingMobile | ConfirmingMobile | Texting | ChoosingLanguage):
        return state.reading is not None
    return isinstance(state, ReadingBack)


def _answered(state: Checking | FindingCase, event: Event) -> Step:
    """The ledger, or the cases, gave an answer."""
    match event:
        case Approved():
            prompt = "approved.again" if event.again else "approved.new"
            return items.read_back(pacing.reading(state.form, event.blocks), 1, say(prompt, count=event.blocks))
        case Refused():
            return items.show_way_on(state.form, event.refusal)
        case CaseFound():
            return asking.resume(state.form, event.format, event.groups)
        case CaseUnknown():
            return asking.case_not_found(state.form)
        case _:
            raise UnknownTransition(type(state).__name__, type(event).__name__)
