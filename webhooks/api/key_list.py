"""The organisation's product keys: how each stands, and what is left of it.

Rule: another organisation's key is as one that was never issued.
"""

from __future__ import annotations

import re

import msgspec
from flask import Blueprint, Response, request

from ivr.tokens import Scope
from keys import belonging
from keys.belonging import Named, OwnKey
from webhooks.api.bodies import LARGEST_PAGE, USUAL_PAGE, KeyPage, KeyState, ProductName
from webhooks.api.guards import needs, token
from webhooks.api.problems import Code, ProblemError
from webhooks.door import exchange

_KEY_ID = re.compile(r"([0-9]{1,5})-([0-9]{1,9})")

room = Blueprint("key_list", __name__)


@room.get("/keys")
@needs(Scope.READ, "limit", "after")
def page() -> Response:
    """Some of the organisation's keys, by product and serial."""
    limit = _limit(request.args.get("limit", str(USUAL_PAGE)))
    text = request.args.get("after")
    after = None if text is None else named(text)
    if text is not None and after is None:
        raise ProblemError(Code.PARAMETER_INVALID, "after: it is no key's id.")
    with exchange().database.read() as connection:
        found = belonging.own_keys(connection, token().organisation_id, after=after, limit=limit + 1)
    following = id_of(found[limit - 1]) if len(found) > limit else None
    told = KeyPage([state_of(each) for each in found[:limit]], following)
    return Response(msgspec.json.encode(told), content_type="application/json")


@room.get("/keys/<key>")
@needs(Scope.READ)
def one(key: str) -> Response:
    """One of the organisation's keys."""
    with exchange().database.read() as connection:
        wanted = named(key)
        found = None if wanted is None else belonging.own_key(connection, token().organisation_id, wanted)
    if found is None:
        raise ProblemError(Code.NOT_FOUND)
    return Response(msgspec.json.encode(state_of(found)), content_type="application/json")


def named(key_id: str) -> Named | None:
    """What a key's id names; None where it is no key's id."""
    parts = _KEY_ID.fullmatch(key_id)
    return None if parts is None else (int(parts[1]), int(parts[2]))


def id_of(key: OwnKey) -> str:
    """A key's id: its product's number and its serial, of which neither is a secret."""
    return f"{key.product}-{key.serial}"


def state_of(key: OwnKey) -> KeyState:
    """How a key stands, as it is told."""
    return KeyState(
        id=id_of(key),
        product=ProductName(key.product, key.product_name),
        last_five=key.last_five,
        type=key.type.name.lower(),
        status=key.status,
        agreement=key.agreement,
        granted=key.balance.granted,
        pending=key.balance.pending,
        posted=key.balance.posted,
        available=key.balance.available,
    )


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= LARGEST_PAGE):
        raise ProblemError(Code.PARAMETER_INVALID, f"limit: a whole number from 1 to {LARGEST_PAGE}.")
    return int(text)
