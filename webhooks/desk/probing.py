"""Is the desk alive, and can anybody work at it? For load balancers and people, in the line's own words.

Rule: it stands beside `/desk` and not below it, so that a proxy which lets operators in shows it to nobody, and tells
nothing else. Alive asks nobody; ready takes the way of a page through the database.
"""

from __future__ import annotations

from flask import Blueprint, Response

from webhooks import health
from webhooks.desk.guards import here, without_login

room = Blueprint("probing", __name__)


@room.get("/healthz")
@without_login
def alive() -> Response:
    """200 as long as the process answers."""
    return health.alive()


@room.get("/readyz")
@without_login
def ready() -> Response:
    """200 if an operator could work now, and cases of silent ones go back; else 503 and why."""
    return health.answer(health.stuck(here().beats) or health.unready(here().database))
