"""Is the process alive, and can it take calls? For load balancers and people; both tell nothing else.

Rule: alive asks nobody; ready means that a turn could be taken now, so it takes the way of a turn through the database.
"""

from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy import select

from ivr.calls import calls
from keys.unavailable import DatabaseUnavailable
from webhooks.voice import exchange

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
    except DatabaseUnavailable as unavailable:
        return Response(f"not ready: database {unavailable.cause}\n", status=503, content_type="text/plain")
    return Response("ready\n", content_type="text/plain")
