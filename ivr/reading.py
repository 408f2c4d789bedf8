"""The confirmation ID is read: hands free, and steered by single keys.

Rule: silence is never an error. Blocks follow one another by themselves; after the last, quiet brings the whole again,
and a third quiet end is a goodbye.
"""

from __future__ import annotations

from dataclasses import replace

from ivr import items, offering
from ivr.actions import say
from ivr.events import Keyed, Silence
from ivr.items import Step
from ivr.states import QUICKEST, SLOWEST, Outcome, ReadingBack, Reason

MOST_ROUNDS = 3
"""Whole readings in one call before the line says goodbye; the same ID brings the same answer in another call."""


def at_reading(state: ReadingBack, event: Keyed | Silence) -> Step:
    """`*` is the block again and slower (in the menu: the whole), `#` the next and quicker, 1 to 8 a jump.

    9 is a pause for writing (in the menu the text offered there), 0 a person. The pace stays as the caller set it.
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
        return items.end(state.form, Outcome.ACTIVATED, say("readback.goodbye"))
    if key == "#":
        return items.read_back(_paced(state, -1), at + 1)
    if key == "9" and in_menu and items.may_text(state.form, state):
        return offering.wished(state.form, state, "")
    if key == "9":
        return items.pause_reading(state, at)
    if key in "12345678"[: state.blocks]:
        return items.read_back(state, int(key))
    return items.read_back(state, at, say("readback.no_such_block"))


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
