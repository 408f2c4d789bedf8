"""Activating one installation: the same answer every time it is asked for, and one activation taken, the first time.

Rule: the confirmation ID is made only after the commit that spent the activation, and what is stated beside it is read
after it: until then all who wait for the key's counter wait for us. Whoever is cut off in between asks again.
"""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response
from sqlalchemy import Connection

from ivr import online
from ivr.online import Asking
from ivr.tokens import Scope
from keys import certificate, certifying
from keys.certifying import Particulars
from keys.confirming import confirmation_of
from keys.groups import grouped
from keys.installation_id import InstallationID, encode
from keys.ledger import Activated, Refused
from keys.refusals import Refusal
from keys.reservations import Reservation
from keys.secrets_file import Secrets
from webhooks import metrics
from webhooks.api.bodies import Activation, ActivationOrder, ProductName, body_of, idempotency_key, made_before
from webhooks.api.guards import needs, request_id, token
from webhooks.api.problems import ProblemError, installation_of, waiting
from webhooks.door import exchange

room = Blueprint("activations", __name__)


@room.post("/activations")
@needs(Scope.ACTIVATE)
def activate() -> Response:
    """Activate one installation: 201 the first time, 200 whenever it comes again."""
    order, raw = body_of(ActivationOrder)
    key = idempotency_key()
    iid, here = installation_of(order.installation_id), exchange()

    def ask(connection: Connection) -> Activated | tuple[Refused, ProblemError]:
        made_before(connection, key, raw)
        asking = Asking(connection, here.secrets, token(), "api", request_id(), here.now(), here.lines)
        (outcome,) = online.activate(asking, [iid])
        return outcome if isinstance(outcome, Activated) else (outcome, refusal(connection, outcome.refusal))

    done = here.database.carry_out(ask)
    if isinstance(done, tuple):
        refused, problem = done
        metrics.came_to("api", refused)
        raise problem
    metrics.came_to("api", done)
    with here.database.read() as connection:
        known = certifying.particulars(connection, [done.reservation.id])[done.reservation.id]
    told = answer(done, known, iid, here.secrets)
    return Response(msgspec.json.encode(told), 200 if done.replay else 201, content_type="application/json")


def refusal(connection: Connection, why: Refusal) -> ProblemError:
    """The problem of a refusal of the ledger; who has to wait is told how long."""
    now = exchange().now()
    until = online.wrong_tries(connection, token(), now).waits_until if why is Refusal.TOO_MANY_TRIES else None
    return ProblemError(why, headers=None if until is None else waiting((until - now).total_seconds()))


def answer(outcome: Activated, known: Particulars, iid: InstallationID, secrets: Secrets) -> Activation:
    """What is told of an activation once it is committed."""
    blocks = confirmation_of(outcome.reservation, iid, secrets)
    return Activation(
        outcome="activated",
        replay=outcome.replay,
        product=ProductName(known.product, known.product_name),
        last_five=known.last_five,
        installation_id=grouped(encode(iid)),
        confirmation_id=list(blocks),
        valid_until=certifying.month_text(outcome.reservation.valid_until),
        certificate=_certificate(outcome.reservation, known, blocks, secrets),
    )


def _certificate(reservation: Reservation, known: Particulars, blocks: tuple[str, ...], secrets: Secrets) -> str:
    return certificate.sign(certifying.certificate_of(reservation, known, blocks), secrets.certificate_key)
