"""The live stream: every open desk hears within a second that something changed, and asks for it by itself.

Rule: one reader a process, whatever the number of listeners; it tells what changed and never what it is, so that a
stream carries nothing to be kept secret. Who listens is looked up again at every heartbeat.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy import func, select
from werkzeug.http import parse_cookie

from ivr import logins
from ivr.queue import desk_events
from keys.unavailable import DatabaseUnavailable
from webhooks.desk.guards import Desk

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

POLL_SECONDS = 0.3
HEARTBEAT_SECONDS = 15.0
OVERLAP_SECONDS = 10.0
"""How long an id is read again and again: on PostgreSQL a smaller one may be committed after a greater."""
PATIENCE_SECONDS = 10.0
"""How long a listener may take to accept what it is sent before it is given up."""
MOST_LISTENERS = 1000
MOST_BEHIND = 500
"""Of so many missed changes each is told; who missed more is told to look at everything."""

_log = structlog.get_logger(__name__)


class Tail:
    """Which of the rows that were read are new. `low` is the id after which to read the next time.

    >>> tail = Tail(newest=7)
    >>> tail.fresh([(9, "nine")], at=0.0), tail.fresh([(8, "late"), (9, "nine")], at=1.0), tail.low
    ([(9, 'nine')], [(8, 'late')], 7)
    >>> tail.fresh([(8, "late"), (9, "nine")], at=12.0), tail.low
    ([], 9)
    """

    def __init__(self, newest: int) -> None:
        self.low = newest
        self._seen: deque[tuple[float, int]] = deque()

    def fresh(self, rows: Iterable[tuple[int, str]], at: float) -> list[tuple[int, str]]:
        """The rows that were not there before, in the order of their ids."""
        known = {row_id for _, row_id in self._seen}
        new = [row for row in rows if row[0] not in known]
        self._seen.extend((at, row_id) for row_id, _ in new)
        while self._seen and at - self._seen[0][0] >= OVERLAP_SECONDS:
            self.low = max(self.low, self._seen.popleft()[1])
        return new


class _Listener:
    """One open stream: what it has still to be told."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[tuple[int, str] | None] = asyncio.Queue(MOST_BEHIND)
        self.behind = False

    def tell(self, row: tuple[int, str]) -> None:
        """Put a change in line; a listener that does not keep up is let go, and comes back by itself."""
        try:
            self.waiting.put_nowait(row)
        except asyncio.QueueFull:
            self.behind = True


class Live:
    """The ASGI application at `/desk/live`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.listeners: set[_Listener] = set()
        self._reader: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One stream, from the look at its cookie to its end."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        token = parse_cookie(headers.get(b"cookie")).get(self.desk.cookie, "")
        if scope["method"] != "GET":
            return await _refuse(send, 405)
        try:
            if not await asyncio.to_thread(self._is_live, token):
                return await _refuse(send, 401)
        except DatabaseUnavailable:
            return await _refuse(send, 503)
        if len(self.listeners) >= MOST_LISTENERS:
            return await _refuse(send, 503)
        listener = _Listener()
        self.listeners.add(listener)
        try:
            if self._reader is None or self._reader.done():
                self._reader = asyncio.create_task(self._read())
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await self._feed(listener, token, headers.get(b"last-event-id", ""), receive, send)
        finally:
            self.listeners.discard(listener)

    async def _feed(self, listener: _Listener, token: str, last: str, receive: Receive, send: Send) -> None:
        """Tell a listener what it missed, then what comes, until it goes or may not listen any more."""
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await _write(send, await asyncio.to_thread(self._missed, last))
            while not gone.done() and not listener.behind:
                next_row = asyncio.create_task(listener.waiting.get())
                await asyncio.wait({gone, next_row}, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if next_row.done():
                    await _write(send, _change(next_row.result()))  # type: ignore[arg-type] # only rows are put in
                    continue
                next_row.cancel()
                if not gone.done() and not await asyncio.to_thread(self._is_live, token):
                    await _write(send, "event: gone\ndata: {}\n\n")
                    break
                await _write(send, ": still here\n\n")
            await send({"type": "http.response.body", "body": b""})
        except (TimeoutError, OSError, DatabaseUnavailable):
            pass  # the browser comes back by itself, and says what it heard last
        finally:
            gone.cancel()

    async def _read(self) -> None:
        """Read what is new and tell everybody, for as long as anybody listens."""
        tail = None
        while self.listeners:
            try:
                if tail is None:
                    tail = Tail(await asyncio.to_thread(self._newest))
                rows = await asyncio.to_thread(self._after, tail.low)
                for row in tail.fresh(rows, time.monotonic()):
                    for listener in tuple(self.listeners):
                        listener.tell(row)
            except DatabaseUnavailable as unavailable:
                _log.warning("live_stream_postponed", cause=unavailable.cause.value)
            await asyncio.sleep(POLL_SECONDS)

    def _is_live(self, token: str) -> bool:
        if not token:
            return False
        with self.desk.database.read() as connection:
            return logins.find(connection, token, self.desk.now()) is not None

    def _newest(self) -> int:
        with self.desk.database.read() as connection:
            return connection.execute(select(func.max(desk_events.c.id))).scalar() or 0

    def _after(self, low: int) -> list[tuple[int, str]]:
        with self.desk.database.read() as connection:
            rows = connection.execute(
                select(desk_events).where(desk_events.c.id > low).order_by(desk_events.c.id).limit(MOST_BEHIND + 1)
            )
            return [(row.id, _data(row)) for row in rows]

    def _missed(self, last: str) -> str:
        """What a listener is told at first: the changes since the last it heard of, or to look at everything."""
        newest = self._newest()
        rows = self._after(int(last)) if last.isascii() and last.isdigit() and len(last) < 16 else []
        told = "".join(_change(row) for row in rows) if len(rows) <= MOST_BEHIND else ""
        return f"retry: 2000\n\n{told}id: {newest}\nevent: hello\ndata: {{}}\n\n"


_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy must pass on each change at once
    (b"x-content-type-options", b"nosniff"),
]


def _data(row: Any) -> str:
    return json.dumps({"kind": row.kind, "handoff": row.handoff_id, "case": row.case_id})


def _change(row: tuple[int, str]) -> str:
    return f"id: {row[0]}\nevent: change\ndata: {row[1]}\n\n"


async def _write(send: Send, text: str) -> None:
    sent = send({"type": "http.response.body", "body": text.encode(), "more_body": True})
    await asyncio.wait_for(sent, PATIENCE_SECONDS)


async def _refuse(send: Send, status: int) -> None:
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store"), (b"retry-after", b"5")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive) -> None:
    with suppress(OSError):
        while (await receive())["type"] != "http.disconnect":
            pass
