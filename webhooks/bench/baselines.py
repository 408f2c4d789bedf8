"""Two applications to compare a turn with: a bare signed view, and the same with the least a durable turn can do.

Rule: each does what it stands for as fast as plain code can, on the same server, threads and database as the line, so
that the ratio says what our own code costs and nothing else.

The floor is one `UPDATE .. RETURNING` and its commit through the bare driver: on SQLite one connection that the threads
take in turns, on PostgreSQL one connection for each thread.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from flask import Flask, Response, abort, request
from twilio.request_validator import RequestValidator

URL_VARIABLE = "TOUCHTONE_BENCH_DATABASE"
GATHER = (
    '<?xml version="1.0" encoding="UTF-8"?><Response><Gather action="https://line.example/voice/turn/2"'
    ' actionOnEmptyResult="true" finishOnKey="#" numDigits="6" timeout="4"><Say voice="Polly.Joanna-Neural"'
    ' language="en-US">Group 2.</Say><Pause length="8" /></Gather></Response>'
)
TABLE = "CREATE TABLE turns (sid VARCHAR(64) PRIMARY KEY, turn INTEGER NOT NULL, keys VARCHAR(16) NOT NULL)"
_TAKE = "UPDATE turns SET turn = turn + 1, keys = {0} WHERE sid = {0} RETURNING turn"
_BEGIN = "INSERT INTO turns (sid, turn, keys) VALUES ({0}, 1, '')"

Take = Callable[[str, str], bool]
"""From a call's id and its keys: whether the turn was written and committed. Without keys a call begins."""


def signed_view(environment: Mapping[str, str] = os.environ) -> Flask:
    """(a): check the signature with Twilio's own validator, return a fixed gather."""
    return _application(environment, lambda _sid, _keys: True)


def floor(environment: Mapping[str, str] = os.environ) -> Flask:
    """(b): the same, and one row updated and committed. What it keeps open ends with its extension "kept"."""
    url, kept = environment[URL_VARIABLE], ExitStack()
    app = _application(environment, (_on_sqlite if url.startswith("sqlite") else _on_postgresql)(url, kept))
    app.extensions["kept"] = kept
    return app


def _application(environment: Mapping[str, str], take: Take) -> Flask:
    app = Flask("baseline", static_folder=None)
    validator = RequestValidator(environment["TWILIO_AUTH_TOKEN"])
    public_url = environment["TOUCHTONE_PUBLIC_URL"]

    @app.post("/voice/incoming", defaults={"number": 0})
    @app.post("/voice/turn/<int:number>")
    def turn(number: int) -> Response:
        del number
        form = request.form
        if not validator.validate(public_url + request.path, form, request.headers.get("X-Twilio-Signature", "")):
            abort(403)
        if not take(form["CallSid"], form.get("Digits", "")):
            abort(404)
        return Response(GATHER, content_type="text/xml; charset=utf-8")

    @app.get("/readyz")
    def ready() -> Response:
        return Response("ready\n", content_type="text/plain")

    return app


def _on_sqlite(url: str, kept: ExitStack) -> Take:
    file = Path(url.removeprefix("sqlite:///"))
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    kept.callback(connection.close)
    connection.execute("PRAGMA busy_timeout=10000")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    lock = threading.Lock()
    begin, update = _BEGIN.format("?"), _TAKE.format("?")

    def take(sid: str, keys: str) -> bool:
        with lock:
            connection.execute("BEGIN IMMEDIATE")
            if keys:
                found = connection.execute(update, (keys, sid)).fetchone() is not None
            else:
                found = connection.execute(begin, (sid,)).rowcount == 1
            connection.execute("COMMIT")
        return found

    return take


def _on_postgresql(url: str, kept: ExitStack) -> Take:
    import psycopg

    own = threading.local()
    begin, update = _BEGIN.format("%s"), _TAKE.format("%s")

    def take(sid: str, keys: str) -> bool:
        if not hasattr(own, "connection"):
            own.connection = psycopg.connect(url)
            kept.callback(own.connection.close)
        connection = own.connection
        if keys:
            found = connection.execute(update, (keys, sid)).fetchone() is not None
        else:
            found = connection.execute(begin, (sid,)).rowcount == 1
        connection.commit()
        return found

    return take
