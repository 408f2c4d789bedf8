"""Events, actions, states and what leads where, from the dialogue's own types and its table of transitions.

Rule: meanings are the first paragraph of each docstring; nothing is said here that the program does not say.
"""

from __future__ import annotations

import inspect
import types
from dataclasses import fields
from typing import get_args

from ivr.actions import Action
from ivr.events import Event, HungUp
from ivr.states import STATES
from ivr.text_states import TextState
from ivr.transitions import TRANSITIONS


def events() -> str:
    """All events."""
    return _table("event", _members(Event))


def actions() -> str:
    """All actions."""
    return _table("action", _members(Action))


def states() -> str:
    """All states of a call."""
    return _table("state", list(STATES))


def text_states() -> str:
    """All states of a case by text."""
    return _table("state", _members(TextState))


def transitions() -> str:
    """For every state what each event may lead to. Hanging up, possible everywhere, is left out."""
    rows = []
    order = {state: place for place, state in enumerate(STATES)}
    leads: dict[tuple[type | None, type], list[type]] = {}
    for before, event, after in TRANSITIONS:
        if event is not HungUp:
            leads.setdefault((before, event), []).append(after)
    for (before, event), afters in sorted(
        leads.items(), key=lambda item: (order.get(item[0][0], -1) if item[0][0] else -1, item[0][1].__name__)
    ):
        there = ", ".join(f"`{after.__name__}`" for after in sorted(afters, key=lambda after: order[after]))
        came = f"`{before.__name__}`" if before else "no call yet"
        rows.append(f"| {came} | `{event.__name__}` | {there} |")
    return "\n".join(["| in | when | then one of |", "|---|---|---|", *rows])


def _members(union: object) -> list[type]:
    """The types of a union of unions, each once, in their order."""
    if isinstance(union, type) and not isinstance(union, types.UnionType):
        return [union]
    return list(dict.fromkeys(each for part in get_args(union) for each in _members(part)))


def _table(head: str, kinds: list[type]) -> str:
    rows = []
    for kind in kinds:
        meaning = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split()).replace("|", "\\|")
        facts = ", ".join(f"`{field.name}`" for field in fields(kind))
        rows.append(f"| `{kind.__name__}` | {meaning} | {facts} |")
    return "\n".join([f"| {head} | what it is | facts |", "|---|---|---|", *rows])
