"""What comes in and what goes out, as types: they read and check a body, and the published description is made of them.

Rule: a body is read once, whole, within its door's bound, and as these types have it; what they do not name is refused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from flask import request
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import Connection

from ivr import idempotency
from ivr.grant_requests import GrantState
from ivr.idempotency import LONGEST_KEY, OtherBody
from keys.issue import KeyStatus
from webhooks.api.guards import token
from webhooks.api.problems import Code, Group, ProblemError
from webhooks.door import exchange

LARGEST_BODY = 64 * 1024
LARGEST_BATCH = 4 * 1024 * 1024
MOST_LINES = 10_000
USUAL_PAGE = 50
LARGEST_PAGE = 200
MOST_NUMBER = 2**31 - 1
LONGEST_ID = 400
"""Signs of an installation ID, at most: 54 digits in any spelling."""

InstallationText = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID, description="The digits, in any spelling.")]
KeyId = Annotated[str, Meta(pattern=r"^[0-9]{1,5}-[0-9]{1,9}$", description="A product key: product and serial.")]
Blocks = Annotated[list[Annotated[str, Meta(pattern=r"^[0-9]{6}$")]], Meta(min_length=5, max_length=8)]
Month = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}$", description="The last month it is good for.")]


class ActivationOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """One installation to activate."""

    installation_id: InstallationText


class BatchLine(Struct, frozen=True, forbid_unknown_fields=True):
    """One installation of a batch; `reference` is given back with its outcome."""

    installation_id: Annotated[str, Meta(max_length=LONGEST_ID, description="The digits, in any spelling.")]
    reference: Annotated[str, Meta(max_length=64)] | None = None


class BatchOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Many installations to activate, in order."""

    lines: Annotated[list[BatchLine], Meta(min_length=1, max_length=MOST_LINES)]


class ProductName(Struct, frozen=True):
    """A product."""

    number: int
    name: str


class Activation(Struct, frozen=True):
    """An installation that is activated. `replay`: it was before, and nothing was taken now."""

    outcome: Literal["activated"]
    replay: bool
    product: ProductName
    last_five: str
    installation_id: str
    confirmation_id: Blocks
    valid_until: Month | None
    certificate: str


class BatchOutcome(Struct, frozen=True, omit_defaults=True):
    """What became of one line: `activated` has all that an activation has, `refused` and `malformed` have a code."""

    line: int
    outcome: Literal["activated", "refused", "malformed"]
    reference: str | UnsetType | None = UNSET
    replay: bool | UnsetType = UNSET
    product: ProductName | UnsetType = UNSET
    last_five: str | UnsetType = UNSET
    installation_id: str | UnsetType = UNSET
    confirmation_id: Blocks | UnsetType = UNSET
    valid_until: Month | UnsetType | None = UNSET
    certificate: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    groups: list[Group] | UnsetType = UNSET


class BatchEnd(Struct, frozen=True, omit_defaults=True):
    """The last line: how many had which outcome. `done` is false where it could not go on; then `code` says why."""

    done: bool
    activated: int
    replayed: int
    refused: int
    malformed: int
    code: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET


class KeyState(Struct, frozen=True):
    """A product key of the organisation: how it stands and what is left of it."""

    id: KeyId
    product: ProductName
    last_five: str
    type: Annotated[str, Meta(description="mak, kms_host, kms_client or retail.")]
    status: KeyStatus
    agreement: str
    granted: int
    pending: int
    posted: int
    available: int


class KeyPage(Struct, frozen=True):
    """Some keys, by product and serial; `next` goes into `after` for those that follow, null where there are none."""

    keys: list[KeyState]
    next: KeyId | None


class ReturnOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """An activation to give back, with the code that its machine shows once its installation is burnt."""

    installation_id: InstallationText
    return_code: Annotated[str, Meta(min_length=1, max_length=LONGEST_ID, description="The digits, in any spelling.")]


class Returned(Struct, frozen=True):
    """An activation that came back. `replay`: it had before, and nothing was counted now.

    `counted` is how many the key has more to give for it: none where the activation had taken none. `key` is the key
    as it then stands.
    """

    outcome: Literal["returned"]
    replay: bool
    installation_id: str
    counted: int
    key: KeyState


class AllowanceWish(Struct, frozen=True, forbid_unknown_fields=True):
    """More activations for a key, and why: a person decides."""

    key: KeyId
    # A whole number: to JSON 20.0 is one as well.
    amount: Annotated[float, Meta(ge=1, le=1_000_000, multiple_of=1)]
    reason: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"[^\s\u0000]", description="For a person.")]


class AllowanceRequest(Struct, frozen=True):
    """What was asked for, and what came of it. `answer` is what the person who decided said, if anything."""

    id: int
    key: KeyId
    amount: int
    reason: str
    state: GrantState
    asked_at: datetime
    decided_at: datetime | None
    answer: str | None


_Body = TypeVar("_Body", bound=Struct)


def body_of(kind: type[_Body], largest: int = LARGEST_BODY) -> tuple[_Body, bytes]:
    """The body of this request, as what it says and as it came. Raises ProblemError, and 413 where it is too large."""
    if request.mimetype != "application/json":
        raise ProblemError(Code.TYPE_UNSUPPORTED)
    request.max_content_length = largest
    raw = request.get_data(cache=False)
    try:
        return msgspec.json.decode(raw, type=kind), raw
    except msgspec.ValidationError as error:
        raise ProblemError(Code.BODY_INVALID, f"{error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(Code.BODY_MALFORMED) from error


def idempotency_key() -> str | None:
    """The request's own key, if it sent one. Raises ProblemError."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and all("!" <= sign <= "~" for sign in key)):
        raise ProblemError(Code.IDEMPOTENCY_KEY_INVALID)
    return key


def made_before(connection: Connection, key: str | None, raw: bytes) -> int | None:
    """The id of what this request made when it came before. Raises ProblemError where it was another request."""
    if key is None:
        return None
    try:
        return idempotency.begin(connection, token().id, key, request.path.encode() + b"\n" + raw, exchange().now())
    except OtherBody as error:
        raise ProblemError(Code.IDEMPOTENCY_KEY_USED) from error


def made(connection: Connection, key: str | None, number: int) -> None:
    """What this request made has this id: found by it, should the request come again."""
    if key is not None:
        idempotency.made(connection, token().id, key, number)
