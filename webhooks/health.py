"""Is the process alive, and can it take calls? For load balancers and people; both tell nothing else.

Rule: alive asks nobody; ready means that a turn could be taken now, so it takes the way of a turn through the database,
and that this node keeps what it was promised: it is not leaving, has room on its disk, and its work beside the calls
goes on. What ails all nodes alike, such as a tail that nobody seals, is for the metrics to tell.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from flask import Blueprint, Response, current_app
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from ivr.calls import calls
from keys.database import Database
from keys.schema import Standing, standing
from keys.unavailable import DatabaseUnavailable
from webhooks import node
from webhooks.beats import Beats
from webhooks.door import exchange

LEAST_FREE = 128 * 2**20
"""Bytes on the data folder's disk: below them SQLite, the spool and the roots may fail any moment."""

health = Blueprint("health", __name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched of a serving process: its folders and its work; one for each app.

    `metrics_token` is what whoever reads the metrics must show, empty where nobody may.
    """

    data_dir: Path
    node_dir: Path
    beats: Beats = field(default_factory=Beats)
    metrics_token: str = field(default="", repr=False)


def watch() -> Watch | None:
    """What is watched of the running app; None where a program opened it without being a node of a line."""
    found: Watch | None = current_app.extensions.get("watch")
    return found


@health.get("/healthz")
def alive() -> Response:
    """200 as long as the process answers."""
    return Response("alive\n", content_type="text/plain")


@health.get("/readyz")
def ready() -> Response:
    """200 if a turn could be taken within its patience, and the next ones as well; else 503 and why."""
    here = watch()
    why = None if here is None else ailing(here)
    return answer(why or unready(exchange().database))


def answer(why: str | None) -> Response:
    """200, or 503 and what is lacking."""
    if why is None:
        return Response("ready\n", content_type="text/plain")
    return Response(f"not ready: {why}\n", status=503, content_type="text/plain")


def ailing(here: Watch) -> str | None:
    """What this process itself lacks; None where it lacks nothing."""
    if node.is_leaving(here.node_dir):
        return "leaving"
    if free_bytes(here.data_dir) < LEAST_FREE:
        return "disk nearly full"
    return stuck(here.beats)


def stuck(beats: Beats) -> str | None:
    """Which work of this process stands still; None where all of it goes on."""
    still = beats.stuck()
    return f"stuck at {', '.join(still)}" if still else None


def unready(database: Database) -> str | None:
    """Why the database takes no turn; None where it does."""
    try:
        with database.begin() as connection:
            connection.execute(select(calls.c.sid).limit(1))
            unfit = standing(connection) in {Standing.BEHIND, Standing.TOO_NEW}
    except DatabaseUnavailable as unavailable:
        return f"database {unavailable.cause}"
    except DBAPIError:
        # It answers, but a table or column of ours is missing: an upgrade is half done, or was not made.
        unfit = True
    return "database not at this version" if unfit else None


def free_bytes(folder: Path) -> int:
    """What is free on a folder's disk, for us."""
    return shutil.disk_usage(folder).free
