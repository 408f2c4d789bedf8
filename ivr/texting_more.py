"""More activations are asked for by text: MORE, how many, for which agreement, and why, in one text or in several.

Rule: only what is missing is asked for again, and nothing is asked of a person before all is there.

>>> from ivr.message import Word, read
>>> message = read("MORE 50 NS-2026-01", {"more": Word.MORE})
>>> state, actions = wished(TextWaiting(TextForm()), message)
>>> actions
(ReadWish(said='50 NS-2026-01', before=Wanted(amount=None, agreement=<Fit.MISSING: 'missing'>, reason='')),)
>>> state, actions = answered(state, WishRead(Wanted(50, Fit.RIGHT)))
>>> actions[0].words[0].prompt
'text.more_why'
"""

from __future__ import annotations

from dataclasses import replace

from ivr.actions import AskForMore, ReadWish, Reply, Say, TextAction, say
from ivr.agreed import Fit, Wanted
from ivr.events import Asked, NotAsked, WishImpossible, WishRead
from ivr.message import Message
from ivr.text_states import (
    TextForm,
    TextReadingWish,
    TextRequesting,
    TextState,
    TextWaiting,
    TextWanting,
)

FEW_DIGITS = 18
"""A text with so many digits is an installation ID, and no answer to what is missing of a wish."""


def wished(state: TextState, message: Message) -> tuple[TextState, tuple[TextAction, ...]]:
    """MORE came, with what followed it."""
    form = replace(state.form, quiet=False)
    before = replace(state, form=form)
    return TextReadingWish(form, before), (ReadWish(message.said, Wanted()),)


def is_answer(message: Message) -> bool:
    """Whether a text may say what is missing of a wish."""
    return sum(len(piece.digits) for run in message.runs for piece in run) < FEW_DIGITS


def said(state: TextWanting, message: Message) -> tuple[TextState, tuple[TextAction, ...]]:
    """What was missing came, or something else did."""
    return TextReadingWish(state.form, state), (ReadWish(message.said, state.wanted),)


def answered(
    state: TextReadingWish | TextRequesting, event: WishRead | WishImpossible | Asked | NotAsked
) -> tuple[TextState, tuple[TextAction, ...]]:
    """What the cases and the desk say to it."""
    match state, event:
        case TextReadingWish(form), WishRead(wanted):
            return _read(form, wanted)
        case TextReadingWish(_, before), WishImpossible():
            return before, (Reply((say("text.more_first"),)),)
        case TextRequesting(form, amount), Asked(by_text):
            words = say("text.more_asked", count=amount) if by_text else say("text.more_asked_call", count=amount)
            return TextWaiting(form), (Reply((words,)),)
        case _, NotAsked(already):
            return TextWaiting(state.form), (Reply((say("text.more_already" if already else "text.more_too_many"),)),)
        case _:
            raise ValueError(type(event).__name__)


def _read(form: TextForm, wanted: Wanted) -> tuple[TextState, tuple[TextAction, ...]]:
    if wanted.whole:
        assert wanted.amount is not None  # nothing is missing
        ask = AskForMore(wanted.amount, wanted.reason, held=False, by_text=True)
        return TextRequesting(form, wanted.amount), (ask,)
    return TextWanting(form, wanted), (Reply(_missing(wanted)),)


def _missing(wanted: Wanted) -> tuple[Say, ...]:
    """What is asked for; all at once where nothing is there."""
    if wanted.agreement is Fit.WRONG:
        return (say("text.more_wrong"), say("text.more_agreement"))
    if wanted.amount is None and wanted.agreement is Fit.MISSING:
        return (say("text.more_all"),)
    if wanted.agreement is Fit.MISSING:
        return (say("text.more_agreement"),)
    return (say("text.more_amount" if wanted.amount is None else "text.more_why"),)
