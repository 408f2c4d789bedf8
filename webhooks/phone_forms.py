"""What the rehearsal page sends: bodies as JSON, each field within its bounds.

Rule: what does not fit is answered 400, and nothing of it is looked at any further.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from flask import abort, request

_Form = TypeVar("_Form", bound=msgspec.Struct)


class Dial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call to be dialled."""

    line: Annotated[str, msgspec.Meta(pattern=r"^\+\d{5,15}\Z")]
    caller: Annotated[str, msgspec.Meta(pattern=r"^(\+\d{7,15}|anonymous)\Z")]
    link: str | None = None
    twice: bool = False
    turn_delay: Annotated[float, msgspec.Meta(ge=0.3, le=1.5)] = 0.8
    drop_after: Annotated[int, msgspec.Meta(ge=1, le=1800)] | None = None


class WrittenText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text to be sent."""

    line: Annotated[str, msgspec.Meta(pattern=r"^\+\d{5,15}\Z")]
    caller: Annotated[str, msgspec.Meta(pattern=r"^\+\d{7,15}\Z")]
    body: Annotated[str, msgspec.Meta(min_length=1, max_length=1600)]
    twice: bool = False


class Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keys pressed."""

    keys: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]{1,100}\Z")]


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One block of a confirmation ID."""

    number: Annotated[int, msgspec.Meta(ge=1, le=8)]
    digits: Annotated[str, msgspec.Meta(max_length=20)]


class Blocks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of them."""

    blocks: Annotated[list[Annotated[str, msgspec.Meta(max_length=20)]], msgspec.Meta(max_length=8)]


def read(kind: type[_Form]) -> _Form:
    """The JSON body of the request as `kind`; 400 for anything else."""
    try:
        return msgspec.json.decode(request.get_data(), type=kind)
    except msgspec.DecodeError:
        abort(400)
