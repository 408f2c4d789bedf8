"""The confirmation ID is read: hands free, and steered by single keys; then the call may go on with another machine.

Rule: silence is never an error. Blocks follow one another by themselves; after the last, quiet brings the whole again,
and a third quiet end is a goodbye.
"""

from __future__ import annotations

from dataclasses import replace

from ivr import items, offering
from ivr.actions import LeaveCase, say
from ivr.events import Keyed, Silence
from ivr.form import Form, Reason
from ivr.items import Step
from ivr.states import QUICKEST, SLOWEST, Outcome, ReadingBack
from ivr.tries import is_left_over, stray

MOST_ROUNDS = 3
"""Whole readings in one call before the line says goodbye; the same ID brings the same answer in another call."""


def at_reading(state: ReadingBack, event: Keyed | Silence) -> Step:
    """`*` is the block again and slower (in the menu: the whole), `#` the next block, and quicker; 1 to 8 a jump.

    9 is a pause for writing (in the menu the text offered there), 0 a person; in the menu `#` goes on with the next
    machine. The pace stays as the caller set it.
    """
    if state.paused_at is not None:
        return _after_pause(state, event)
    if isinstance(event, Silence):
        return _again(state)
    key = event.keys[:1]
    at = event.at or 1
    in_menu = at > state.blocks
    if key == "0":
        return items.show_way_on(state.form, Reason.ASKED)
    if key == "*":
        slower = _paced(state, 1)
        return _again(slower) if in_menu else items.read_back(slower, at)
    if key == "#" and in_menu:
        return _next_machine(state, event.after)
    if key == "#":
        return items.read_back(_paced(state, -1), at + 1)
    if key == "9" and in_menu and items.may_text(state.form, state):
        return offering.wished(state.form, state, "")
    if key == "9":
        return items.pause_reading(state, at)
    if key in "12345678"[: state.blocks]:
        return items.read_back(state, int(key))
    return items.read_back(state, at, say("readback.no_such_block"))


def _next_machine(state: ReadingBack, after: float) -> Step:
    """Begin another case in this call: its counters are its own, and what is known of the telephone stays."""
    if is_left_over(state.form, "#", after):  # the last of several that hurried through the blocks
        return items.read_back(replace(state, form=stray(state.form)), state.blocks + 1)
    if not items.may_go_on(state.form):
        return items.end(state.form, Outcome.ACTIVATED, say("readback.goodbye"))
    old = state.form
    form = Form(
        withheld=old.withheld,
        texts=old.texts,
        desk=old.desk,
        waited=old.waited,
        machine=old.machine + 1,
        ever_keyed=True,
        lane=old.lane,
        locale=old.locale,
        languages=old.languages,
        speech=old.speech,
        patient=old.patient,
    )
    opening, actions = items.ask_opening(form, say("opening.next"))
    return opening, (LeaveCase(), *actions)


def _after_pause(state: ReadingBack, event: Keyed | Silence) -> Step:
    """Go on where the pause began, at whatever key but 9, which is more time, and 0, which is a person."""
    at, key = state.paused_at or 1, event.keys[:1] if isinstance(event, Keyed) else ""
    if key == "0":
        return items.show_way_on(state.form, Reason.ASKED)
    if key == "9":
        return items.pause_reading(state, at)
    return items.read_back(replace(state, paused_at=None), at)


def _paced(state: ReadingBack, change: int) -> ReadingBack:
    return replace(state, pace=min(max(state.pace + change, QUICKEST), SLOWEST))


def _again(state: ReadingBack) -> Step:
    if state.rounds >= MOST_ROUNDS:
        return items.end(state.form, Outcome.ACTIVATED, say("readback.goodbye"))
    return items.read_back(replace(state, rounds=state.rounds + 1), 1, say("readback.once_more"))
