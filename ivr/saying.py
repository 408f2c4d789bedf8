"""A caller who says instead of keying: where words are listened for, which key they stand for, what is not understood.

Rule: speech is listened for at menus, and at entries only until the first key of a call has come: whoever keys may
read the digits aloud meanwhile, and a word must never end what is being keyed. Every word that is not understood is
counted, so that a call ends by words as it does by keys.

>>> from ivr.form import Form
>>> meant(WayOn(Form(), "ASKED"), "call_back"), meant(Opening(Form()), "4").digits
(Keyed(keys='1', after=60.0, at=None, text_failed=False), True)
"""

from __future__ import annotations

from dataclasses import replace

from ivr import choosing, items
from ivr.actions import Action, Listen, ReadBack, Say, say
from ivr.events import Keyed, Misheard, Silence
from ivr.form import Reason
from ivr.items import Step
from ivr.spoken_words import DIGITS, Meaning
from ivr.states import (
    AskingCase,
    AskingGroup,
    AskingHow,
    AskingWhy,
    ChoosingLanguage,
    ConfirmingAmount,
    ConfirmingGroup,
    ConfirmingMobile,
    ConfirmingNumber,
    ConfirmingToldAt,
    Opening,
    Outcome,
    ReadingBack,
    State,
    WayOn,
)
from ivr.tries import MOST_FAILURES, TRIES, failed

_STAR: dict[str, str] = {Meaning.AGAIN: "*"}
_PERSON: dict[str, str] = {Meaning.PERSON: "0", **_STAR}
_YES_OR_NO: dict[str, str] = {Meaning.YES: "1", Meaning.NO: "2", **_STAR}
_MENUS: dict[type[State], dict[str, str]] = {
    ConfirmingGroup: {**_YES_OR_NO, **_PERSON},
    ConfirmingNumber: _YES_OR_NO,
    ConfirmingMobile: _YES_OR_NO,
    ConfirmingAmount: _YES_OR_NO,
    ConfirmingToldAt: _YES_OR_NO,
    AskingWhy: _STAR,
    AskingHow: {Meaning.TEXT: "1", Meaning.CALL_BACK: "2", **_STAR},
    ChoosingLanguage: _PERSON,
    ReadingBack: {Meaning.NEXT: "#", Meaning.TEXT: "9", **_PERSON},
    WayOn: {Meaning.CALL_BACK: "1", Meaning.GO_ON: "2", Meaning.TEXT: "3", Meaning.MORE: "5", **_PERSON},
}
_ENTRIES: dict[type[State], dict[str, str]] = {Opening: _PERSON, AskingGroup: _PERSON, AskingCase: _PERSON}
LISTENING: tuple[type[State], ...] = (*_MENUS, *_ENTRIES)
"""Where words are listened for: numbers are choices in menus, and never taken at entries."""


def meant(
    state: State, said: str, after: float = 60.0, at: int | None = None, text_failed: bool = False
) -> Keyed | Silence | Misheard:
    """The key that a meaning stands for at this item (a Meaning, a digit or DIGITS; "" for what is not understood).

    It is no stray key, however soon it comes. Where nothing is listened for, it is as good as silence.
    """
    kind, number = type(state), said.isdigit()
    if kind not in LISTENING:
        return Silence(after, text_failed)
    key = said if number and kind in _MENUS else {**_MENUS, **_ENTRIES}[kind].get(said)
    if key is not None:
        return Keyed(key, at=at, text_failed=text_failed)
    return Misheard(digits=number or said == DIGITS, text_failed=text_failed)


def misheard(state: State, event: Misheard) -> Step:
    """What was said is not understood, or is digits: said so, and the item once more; after three times a way on."""
    form = failed(state.form, unheard=1)
    enough = form.tally.unheard >= TRIES or form.failures >= MOST_FAILURES
    state = replace(state, form=form)
    if isinstance(state, ReadingBack):
        if enough:
            return items.end(form, Outcome.ACTIVATED, say("readback.goodbye"))
        return items.say_first(items.read_back(state, state.blocks + 1), _why(event))
    if enough and isinstance(state, Opening | AskingGroup | AskingCase | ConfirmingGroup):
        return items.show_way_on(form, Reason.TRIES if form.ever_keyed else Reason.NO_KEYS)
    if enough:
        return items.end(form, Outcome.CASE_KEPT, say("wayon.goodbye"))
    return items.say_first(choosing.again(state), _why(event))


def with_ears(step: Step) -> Step:
    """The step, listening for words where this line and this item do; a caller who falls silent is told so."""
    state, actions = step
    kind, form = type(state), state.form
    writing = isinstance(state, ReadingBack) and state.paused_at is not None
    if not form.speech or kind not in LISTENING or writing or (kind in _ENTRIES and form.ever_keyed):
        return step
    told: tuple[Say, ...] = ()
    if form.tally.no_input or form.tally.no_match:
        told = (say("speech.menu" if kind in _MENUS else "speech.opening"),)
    return state, tuple(_listening(action, told) for action in actions)


def _listening(action: Action, told: tuple[Say, ...]) -> Action:
    match action:
        case Listen():
            return replace(action, prompts=(*action.prompts, *told), speech=True)
        case ReadBack():
            return replace(action, speech=True)
        case _:
            return action


def _why(event: Misheard) -> Say:
    return say("speech.digits" if event.digits else "speech.unknown")
