"""Asking for a bigger allowance, and reading what a person said to it.

Rule: a token asks, and an operator decides at the desk; an organisation reads what was asked with its own tokens alone.
"""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, url_for
from sqlalchemy import Connection

from ivr import grant_requests, online
from ivr.online import Asking
from ivr.tokens import Scope
from keys import belonging
from webhooks.api.bodies import (
    MOST_NUMBER,
    AllowanceRequest,
    AllowanceWish,
    body_of,
    idempotency_key,
    made,
    made_before,
)
from webhooks.api.guards import needs, request_id, token
from webhooks.api.key_list import id_of, named
from webhooks.api.problems import Code, ProblemError
from webhooks.door import exchange

room = Blueprint("allowance_requests", __name__)


@room.post("/allowance-requests")
@needs(Scope.REQUEST)
def ask() -> Response:
    """Ask: 202, with where to read the answer. Under the same idempotency key it is the same request."""
    wish, raw = body_of(AllowanceWish)
    idempotent, here, wanted = idempotency_key(), exchange(), named(wish.key)
    with here.database.begin() as connection:
        number = made_before(connection, idempotent, raw)
        if number is None:
            key = None if wanted is None else belonging.own_key(connection, token().organisation_id, wanted)
            if key is None:
                raise ProblemError(Code.NOT_FOUND, "The organisation has no such key.")
            asking = Asking(connection, here.secrets, token(), "api", request_id(), here.now(), here.lines)
            number = online.ask_for_more(asking, key, int(wish.amount), wish.reason.replace("\x00", ""))
            if number is None:
                raise ProblemError(Code.ASKED_ALREADY)
            made(connection, idempotent, number)
        told = _read(connection, number)
    answer = Response(msgspec.json.encode(told), 202, content_type="application/json")
    answer.headers["Location"] = here.wording.public_url + url_for("api.allowance_requests.show", number=number)
    return answer


@room.get("/allowance-requests/<number>")
@needs(Scope.REQUEST)
def show(number: str) -> Response:
    """What was asked for, and what came of it."""
    known = number.isascii() and number.isdigit() and len(number) < 11 and int(number) <= MOST_NUMBER
    with exchange().database.read() as connection:
        told = _read(connection, int(number)) if known else None
    if told is None:
        raise ProblemError(Code.NOT_FOUND)
    return Response(msgspec.json.encode(told), content_type="application/json")


def _read(connection: Connection, number: int) -> AllowanceRequest | None:
    """The request of this organisation with this number; None for another's, and for what was asked at the desk."""
    found = grant_requests.read(connection, number)
    if found is None or found.token_id is None:
        return None
    key = belonging.own_key_of(connection, token().organisation_id, found.key_id)
    if key is None:
        return None
    return AllowanceRequest(
        id=found.id,
        key=id_of(key),
        amount=found.amount,
        reason=found.reason,
        state=found.state,
        asked_at=found.asked_at,
        decided_at=found.decided_at,
        answer=found.answer,
    )
