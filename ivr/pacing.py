"""More time for whoever asks for it: a lone star doubles every wait for the rest of the call, and slows the read-back.

Rule: nobody has to ask twice. A relay operator, a text telephone or a slow hand needs the time at every prompt, not at
the one where it was asked for.

>>> from ivr.form import Form
>>> from ivr.states import Opening
>>> state, actions = paced((Opening(Form(patient=True)), (Listen((), 6, "#", 8, 4), Listen((), 1, "", 6, 1))))
>>> [(listen.first_wait, listen.between) for listen in actions]
[(16, 8), (12, 2)]
"""

from __future__ import annotations

from dataclasses import replace

from ivr.actions import Action, Listen, ReadBack
from ivr.entry import after_star
from ivr.events import Keyed, Silence
from ivr.form import Form
from ivr.items import FIRST_WAIT, Step
from ivr.states import ReadingBack, State

SLOWER = 1
"""The pace at which the confirmation ID is first read to whoever has asked for more time."""


def noted(form: Form, state: State, event: Keyed | Silence) -> Form:
    """The form; patient from now on where more time is asked for, by a star alone. A read-back's star is its own."""
    asked = isinstance(event, Keyed) and "*" in event.keys and not after_star(event.keys)
    return replace(form, patient=True) if asked and not isinstance(state, ReadingBack) else form


def reading(form: Form, blocks: int) -> ReadingBack:
    """The read-back of so many blocks, at the pace that suits this caller."""
    return ReadingBack(form, blocks, SLOWER if form.patient else 0)


def paced(step: Step) -> Step:
    """The step, its waits doubled for a patient caller; those that are long already stay."""
    state, actions = step
    return (state, tuple(map(_patiently, actions))) if state.form.patient else step


def _patiently(action: Action) -> Action:
    match action:
        case Listen() if action.first_wait <= FIRST_WAIT:
            return replace(action, first_wait=2 * action.first_wait, between=2 * action.between)
        case ReadBack():
            return replace(action, patient=True)
        case _:
            return action
