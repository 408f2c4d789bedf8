"""Giving an activation back: the machine has burnt it and shown a code, and its key has that one to give again.

Rule: what came back comes back once, however often it is sent, and an organisation gives back its own keys' alone.
"""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response
from sqlalchemy import Connection

from ivr import online
from ivr.online import Asking
from ivr.tokens import Scope
from keys import belonging
from keys.groups import grouped
from keys.installation_id import InstallationID, encode
from keys.refusals import Refusal
from keys.return_code import InvalidReturnCode
from keys.returning import GivenBack, ReturnFault
from webhooks.api.activations import refusal
from webhooks.api.bodies import Returned, ReturnOrder, body_of, idempotency_key, made_before
from webhooks.api.guards import needs, request_id, token
from webhooks.api.key_list import state_of
from webhooks.api.problems import RETURN_FAULTS, ProblemError, installation_of, wrong_code
from webhooks.door import exchange

room = Blueprint("returns", __name__)


@room.post("/returns")
@needs(Scope.RETURN)
def give_back() -> Response:
    """Return one activation: 201 the first time, 200 whenever it is sent again."""
    order, raw = body_of(ReturnOrder)
    idempotent = idempotency_key()
    iid, here = installation_of(order.installation_id), exchange()
    with here.database.begin() as connection:
        made_before(connection, idempotent, raw)
        asking = Asking(connection, here.secrets, token(), "api", request_id(), here.now(), here.lines)
        try:
            done = online.give_back(asking, iid, order.return_code)
        except InvalidReturnCode as error:
            raise wrong_code(error) from error
        told = _told(connection, done, iid)
    # A refusal is committed as well: a wrong try has to be counted.
    if isinstance(told, ProblemError):
        raise told
    return Response(msgspec.json.encode(told), 200 if told.replay else 201, content_type="application/json")


def _told(
    connection: Connection, done: GivenBack | ReturnFault | Refusal, iid: InstallationID
) -> Returned | ProblemError:
    if isinstance(done, ReturnFault):
        return ProblemError(done) if done in RETURN_FAULTS else refusal(connection, Refusal(done.value))
    if isinstance(done, Refusal):
        return refusal(connection, done)
    key = belonging.own_key(connection, token().organisation_id, (iid.product, iid.serial))
    assert key is not None  # it has just taken its activation back
    return Returned("returned", done.before, grouped(encode(iid)), done.counted, state_of(key))
