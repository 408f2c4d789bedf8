"""The confirmation ID is read: hands free, and steered by single keys.

Rule: silence is never an error. Blocks follow one another by themselves; after the last, quiet brings the whole again,
and a third quiet end is a goodbye.
"""

from __future__ import annotations

from dataclasses import replace

from ivr import items
from ivr.actions import say
from ivr.events import Keyed, Silence
from ivr.items import Step
from ivr.states import Outcome, ReadingBack, Reason

MOST_ROUNDS = 3
"""Whole readings in one call before the line says goodbye; the same ID brings the same answer in another call."""


def at_reading(state: ReadingBack, event: Keyed | Silence) -> Step:
    """`*` is the block again and slower (in the menu: the whole), `#` the next, 1 to 8 a jump, 0 a person."""
    if isinstance(event, Silence):
        return _again(state, slow=state.slow)
    key = event.keys[:1]
    at = event.at or 1
    in_menu = at > state.blocks
    if key == "0":
        return items.show_way_on(state.form, Reason.ASKED)
    if key == "*" and in_menu:
        return _again(state, slow=True)
    if key == "*":
        return items.read_back(replace(state, slow=True), at)
    if key == "#" and in_menu:
        return items.end(state.form, Outcome.ACTIVATED, say("readback.goodbye"))
    if key == "#":
        return items.read_back(state, at + 1)
    if key in "12345678"[: state.blocks]:
        return items.read_back(state, int(key))
    return items.read_back(state, at, say("readback.no_such_block"))


def _again(state: ReadingBack, *, slow: bool) -> Step:
    if state.rounds >= MOST_ROUNDS:
        return items.end(state.form, Outcome.ACTIVATED, say("readback.goodbye"))
    return items.read_back(replace(state, rounds=state.rounds + 1, slow=slow), 1, say("readback.once_more"))
