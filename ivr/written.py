"""States and spoken replies as text for the database, and back.

Rule: what is written names its type first, so that a row can be read without guessing and by any version that knows it.

>>> from ivr.form import Form
>>> from ivr.states import Opening
>>> text = write(Opening(Form(withheld=True)))
>>> text.startswith('["Opening",')
True
>>> read_state(text) == Opening(Form(withheld=True))
True
"""

from __future__ import annotations

from typing import Any

import msgspec

from ivr.actions import HangUp, Join, Listen, ReadBack, Spoken, Wait
from ivr.states import STATES, State
from ivr.text_states import KEPT, TextState

_STATES = {kind.__name__: kind for kind in STATES}
_TEXT_STATES = {kind.__name__: kind for kind in KEPT}
_SPOKEN: dict[str, type[Spoken]] = {
    "Listen": Listen,
    "ReadBack": ReadBack,
    "Wait": Wait,
    "Join": Join,
    "HangUp": HangUp,
}
_NAMED = msgspec.json.Decoder(tuple[str, msgspec.Raw])


def write(record: State | TextState | Spoken) -> str:
    """A state or a spoken reply as one line of JSON."""
    return msgspec.json.encode((type(record).__name__, record)).decode()


def read_state(text: str) -> State:
    """The state that `write` wrote. Raises KeyError or msgspec's ValidationError where it was not."""
    state: State = _read(text, _STATES)
    return state


def read_text_state(text: str) -> TextState:
    """The state of a thread that `write` wrote. Raises as read_state does."""
    state: TextState = _read(text, _TEXT_STATES)
    return state


def read_spoken(text: str) -> Spoken:
    """The spoken reply that `write` wrote. Raises as read_state does."""
    spoken: Spoken = _read(text, _SPOKEN)
    return spoken


def _read(text: str, kinds: dict[str, Any]) -> Any:
    name, record = _NAMED.decode(text)
    return msgspec.json.decode(record, type=kinds[name])
