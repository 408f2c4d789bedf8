"""The live stream: every open desk hears within a second what changed, and the queue's own pages what is new of it.

Rule: one reader a process, whatever the number of listeners: it looks once, and draws once a language. Of a case a
change says only which; the queue holds nothing that is one operator's own. Whose login is over is told at the next
look, and no more.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import structlog
from flask import Flask
from sqlalchemy import Connection, func, select
from werkzeug.http import parse_cookie

from ivr import logins, queue
from ivr.logins import Login
from ivr.queue import desk_events
from keys.unavailable import DatabaseUnavailable
from webhooks.desk.guards import Desk
from webhooks.desk.sheets import Chosen, Sheets, chosen_of
from webhooks.page_texts import ENGLISH, languages

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

POLL_SECONDS = 0.3
"""Between two looks for changes: whatever changes within it is drawn and told together."""
TELL_SECONDS = 0.1
"""Within which all are told, in so many portions: what a turn of the line may have to wait for is one of them."""
PORTIONS = 25
LOOK_SECONDS = 5.0
"""How often the queue is looked at though nothing is known to have changed: a caller moves on in the call."""
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
    """One open stream: whose it is, what its page shows, and what it has still to be told."""

    def __init__(self, login_id: int, chosen: Chosen | None, mark: str) -> None:
        self.login_id = login_id
        self.chosen = chosen
        self.mark = mark
        self.waiting: int | None = None
        self.changes: list[bytes] = []
        self.wake = asyncio.Event()
        self.over = False
        self.looked = False
        """Whether there was a look since it came: what was drawn before may be older than its page."""

    def news(self, sheets: Sheets, waiting: int | None) -> bytes:
        """All there is to tell, as the stream writes it; from then on it was told."""
        told = self.changes.copy()
        self.changes.clear()
        if self.looked and waiting is not None and waiting != self.waiting:
            self.waiting = waiting
            told.append(b"event: waiting\ndata: %d\n\n" % waiting)
        if self.looked and self.chosen is not None:
            self.mark, lacking = sheets.lacking(self.chosen, self.mark)
            told += [b"event: board\ndata: ", lacking, b"\n\n"] if lacking else []
        return b"".join(told)

    async def woken(self) -> bool:
        """Wait until it is woken; False where nothing happens for as long as a stream may be silent."""
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                return await self.wake.wait()
        except TimeoutError:
            return False

    def lacks(self, sheets: Sheets, waiting: int | None) -> bool:
        """Whether there is anything to tell."""
        if self.changes or self.over or waiting != self.waiting:
            return True
        return self.chosen is not None and bool(sheets.lacking(self.chosen, self.mark)[1])


class Live:
    """The ASGI application at `/desk/live`; `pages` is the application of the desk's pages, which draws the queue."""

    def __init__(self, desk: Desk, pages: Flask) -> None:
        self.desk = desk
        self.listeners: set[_Listener] = set()
        self._pages = pages
        self._sheets: Sheets = pages.extensions["queue"]
        self._waiting: int | None = None
        self._drawn_at = -LOOK_SECONDS
        self._reader: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One stream, from the look at its cookie to its end."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        token = parse_cookie(headers.get(b"cookie")).get(self.desk.cookie, "")
        if scope["method"] != "GET":
            return await _refuse(send, 405)
        try:
            login, newest = await asyncio.to_thread(self._login, token)
        except DatabaseUnavailable:
            return await _refuse(send, 503)
        if login is None:
            return await _refuse(send, 401)
        if len(self.listeners) >= MOST_LISTENERS:
            return await _refuse(send, 503)
        listener = self._listener(login, scope.get("query_string", b""))
        self.listeners.add(listener)
        try:
            if self._reader is None or self._reader.done():
                self._reader = asyncio.create_task(self._read(Tail(newest)))
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await self._feed(listener, headers.get(b"last-event-id", ""), receive, send)
        finally:
            self.listeners.discard(listener)

    def _listener(self, login: Login, asked: bytes) -> _Listener:
        """Who listens; the page of the queue asks for the queue as well, and says what of it it has."""
        query = dict(parse_qsl(asked.decode("latin-1")))
        self._drawn_at = -LOOK_SECONDS  # it is told nothing of the queue before a look
        if "queue" not in query:
            return _Listener(login.id, None, "")
        read_in = query.get("language", "")
        locale = read_in if read_in in languages("desk") else ENGLISH[0]
        chosen = chosen_of(query, self.desk.lines, locale)
        return _Listener(login.id, chosen, query.get("mark", ""))

    async def _feed(self, listener: _Listener, last: str, receive: Receive, send: Send) -> None:
        """Tell a listener what it missed, then what comes, until it goes or may not listen any more."""
        gone = asyncio.create_task(_until_gone(receive))
        gone.add_done_callback(lambda _: listener.wake.set())
        try:
            await _write(send, await asyncio.to_thread(self._missed, last))
            while not gone.done() and len(listener.changes) <= MOST_BEHIND:
                listener.wake.clear()
                if listener.over:
                    await _write(send, b"event: gone\ndata: {}\n\n")
                    break
                if told := listener.news(self._sheets, self._waiting):
                    await _write(send, told)
                elif not await listener.woken():
                    await _write(send, b": still here\n\n")
            await send({"type": "http.response.body", "body": b""})
        except (TimeoutError, OSError, DatabaseUnavailable):
            pass  # the browser comes back by itself, and says what it heard last
        finally:
            gone.cancel()

    async def _read(self, tail: Tail) -> None:
        """Read what is new, draw it once and tell everybody, for as long as anybody listens.

        `tail` begins before the first stream says hello: its page is as old as that, and is told all that came after.
        """
        while self.listeners:
            next_look = time.monotonic() + POLL_SECONDS
            try:
                rows = tail.fresh(await asyncio.to_thread(self._after, tail.low), time.monotonic())
                changes = [_change(row) for row in rows]
                for listener in self.listeners:
                    listener.changes += changes
                if rows or time.monotonic() - self._drawn_at >= LOOK_SECONDS:
                    await self._look(anew=bool(rows))
            except DatabaseUnavailable as unavailable:
                _log.warning("live_stream_postponed", cause=unavailable.cause.value)
            except Exception:  # noqa: BLE001 - a look that fails must not be the last
                _log.exception("live_stream_failed")
            await asyncio.sleep(max(0.0, next_look - time.monotonic()))

    async def _look(self, *, anew: bool) -> None:
        """Draw the queue for all who look at it, find out who may still listen, and tell them."""
        self._drawn_at = time.monotonic()
        there = tuple(self.listeners)
        choices = {listener.chosen for listener in there if listener.chosen is not None}
        try:
            self._waiting, live = await asyncio.to_thread(self._drawn, choices, anew=anew)
            for listener in there:
                listener.looked, listener.over = True, listener.login_id not in live
        finally:
            await self._tell()

    async def _tell(self) -> None:
        """Wake whoever lacks anything, in portions, with the processor left to others between two of them."""
        lacking = [listener for listener in self.listeners if listener.lacks(self._sheets, self._waiting)]
        few = -(-len(lacking) // PORTIONS)
        for place in range(0, len(lacking), few or 1):
            for listener in lacking[place : place + few]:
                listener.wake.set()
            await asyncio.sleep(TELL_SECONDS / PORTIONS)

    def _drawn(self, choices: set[Chosen], *, anew: bool) -> tuple[int, set[int]]:
        """How many wait, and the logins that are not over."""
        now = self.desk.now()
        with self.desk.database.read() as connection:
            live = logins.live_ids(connection, now)
            if not choices:
                return queue.waiting(connection), live
            board = self._sheets.board(connection, self.desk.lines, now, anew=anew)
        with self._pages.test_request_context(base_url=self.desk.public_url):
            self._sheets.push(board, choices)
        return board.waiting, live

    def _login(self, token: str) -> tuple[Login | None, int]:
        """Whose the token is, and the newest change."""
        if not token:
            return None, 0
        with self.desk.database.read() as connection:
            return logins.find(connection, token, self.desk.now()), _newest(connection)

    def _after(self, low: int) -> list[tuple[int, str]]:
        with self.desk.database.read() as connection:
            rows = connection.execute(
                select(desk_events).where(desk_events.c.id > low).order_by(desk_events.c.id).limit(MOST_BEHIND + 1)
            )
            return [(row.id, _data(row)) for row in rows]

    def _missed(self, last: str) -> bytes:
        """What a listener is told at first: the changes since the last it heard of, or to look at everything."""
        with self.desk.database.read() as connection:
            newest = _newest(connection)
        rows = self._after(int(last)) if last.isascii() and last.isdigit() and len(last) < 16 else []
        told = b"".join(map(_change, rows)) if len(rows) <= MOST_BEHIND else b""
        return b"retry: 2000\n\n%bid: %d\nevent: hello\ndata: {}\n\n" % (told, newest)


_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy must pass on each change at once
    (b"x-content-type-options", b"nosniff"),
]


def _newest(connection: Connection) -> int:
    return connection.execute(select(func.max(desk_events.c.id))).scalar() or 0


def _data(row: Any) -> str:
    return json.dumps({"kind": row.kind, "handoff": row.handoff_id, "case": row.case_id})


def _change(row: tuple[int, str]) -> bytes:
    return f"id: {row[0]}\nevent: change\ndata: {row[1]}\n\n".encode()


async def _write(send: Send, text: bytes) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await send({"type": "http.response.body", "body": text, "more_body": True})


async def _refuse(send: Send, status: int) -> None:
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store"), (b"retry-after", b"5")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive) -> None:
    with suppress(OSError):
        while (await receive())["type"] != "http.disconnect":
            pass
