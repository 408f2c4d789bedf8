"""Is the process alive, and can it take calls? For load balancers and people; both tell nothing else.

Rule: alive asks nobody; ready means that a turn could be taken now, so it takes the way of a turn through the database.
"""

from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from ivr.calls import calls
from keys.schema import Standing, standing
from keys.unavailable import DatabaseUnavailable
from webhooks.door import exchange

health = Blueprint("health", __name__)


@health.get("/healthz")
def alive() -> Response:
    """200 as long as the process answers."""
    return Response("alive\n", content_type="text/plain")


@health.get("/readyz")
def ready() -> Response:
    """200 if the database takes a write transaction within a turn's patience, else 503."""
    try:
        with exchange().database.begin() as connection:
            connection.execute(select(calls.c.sid).limit(1))
            if standing(connection) in {Standing.BEHIND, Standing.TOO_NEW}:
                return _not_ready("not at this version")
    except DatabaseUnavailable as unavailable:
        return _not_ready(unavailable.cause)
    except DBAPIError:
        # It answers, but a table or column of ours is missing: an upgrade is half done, or was not made.
        return _not_ready("not at this version")
    return Response("ready\n", content_type="text/plain")


def _not_ready(why: str) -> Response:
    return Response(f"not ready: database {why}\n", status=503, content_type="text/plain")
