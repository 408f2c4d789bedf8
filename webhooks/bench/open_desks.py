"""Open desks, as browsers hold them: the queue's page, with its live stream, over which all comes that it shows.

Rule: a desk here does what the page's own script does, and no less: it puts what is told of the queue on what it has,
and where that does not fit it opens its stream anew. Browsers are other machines in earnest, so those here have a
process that runs only where nothing else wants the processor.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from webhooks.bench.load import WrongAnswerError

_PATH = "/desk/live?queue=1&channel=&line=&mark="
_PATIENCE = 30.0
_LONGEST_LINE = 1 << 22


@dataclass(slots=True, eq=False)
class _Desk:
    """One open desk: `heard` and `shown` are the moments at which a handoff was told of, and stood in its queue.

    `mark` is of the queue as it has it, and `rows` are its rows.
    """

    cookie: str
    open: asyncio.Event = field(default_factory=asyncio.Event)
    heard: dict[int, float] = field(default_factory=dict)
    shown: dict[int, float] = field(default_factory=dict)
    mark: str = ""
    rows: dict[int, str] = field(default_factory=dict)


class OpenDesks:
    """All desks that are open at one server, in a process of their own. Moments are of `time.perf_counter`."""

    def __init__(self, browsers: ProcessPoolExecutor) -> None:
        self._browsers = browsers

    @contextmanager
    def opened(self, cookies: Sequence[str]) -> Iterator[None]:
        """A desk for each cookie, which has the whole queue, until the block ends.

        Raises WrongAnswerError where a stream is refused.
        """
        try:
            self._browsers.submit(_open, cookies).result()
            yield
        finally:
            self._browsers.submit(_close).result()

    def reached(self, handoff: int) -> tuple[list[float], list[float]]:
        """The moments at which each desk heard of a handoff, and at which it stood in each queue.

        Waits until all have. Raises WrongAnswerError where one never does.
        """
        return self._browsers.submit(_reached, handoff).result()


@contextmanager
def open_desks(port: int) -> Iterator[OpenDesks]:
    """The desks that can be opened at the server of this port, none at first."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_begin, initargs=(port,)) as browsers:
        yield OpenDesks(browsers)


class _Browsers:
    """The desks in their own process, in a thread with a loop of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._desks: list[_Desk] = []
        self._streams: list[Future[None]] = []
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="open desks", daemon=True).start()

    def open(self, cookies: Sequence[str]) -> None:
        """Raises WrongAnswerError."""
        self._desks = [_Desk(cookie) for cookie in cookies]
        self._streams = [asyncio.run_coroutine_threadsafe(self._listen(desk), self._loop) for desk in self._desks]
        self._wait(asyncio.run_coroutine_threadsafe(self._all_open(), self._loop), self._streams)

    def close(self) -> None:
        """Close them; raises WrongAnswerError where a stream had ended by itself."""
        ended = [stream for stream in self._streams if stream.done()]
        for stream in self._streams:
            stream.cancel()
        self._streams = []
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), self._loop).result()
        for stream in ended:
            stream.result()
            raise WrongAnswerError(b"a stream ended")

    def reached(self, handoff: int) -> tuple[list[float], list[float]]:
        """As above."""
        end = time.perf_counter() + _PATIENCE
        desks = self._desks
        while time.perf_counter() < end:
            if all(handoff in desk.heard and handoff in desk.shown for desk in desks):
                return [desk.heard[handoff] for desk in desks], [desk.shown[handoff] for desk in desks]
            time.sleep(0.01)
        raise WrongAnswerError(b"a change did not reach every desk")

    def _wait(self, awaited: Future[None], streams: Sequence[Future[None]]) -> None:
        end = time.perf_counter() + _PATIENCE
        while not awaited.done():
            for stream in streams:
                if stream.done():
                    stream.result()
            if time.perf_counter() > end:
                raise WrongAnswerError(b"not every stream opened")
            time.sleep(0.01)

    async def _all_open(self) -> None:
        for desk in self._desks:
            await desk.open.wait()

    async def _listen(self, desk: _Desk) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=_LONGEST_LINE)
        try:
            writer.write(_request(_PATH + desk.mark, desk.cookie))
            first = await reader.readline()
            if b" 200 " not in first:
                raise WrongAnswerError(first)
            event = b""
            while line := await reader.readline():
                if line.startswith(b"event: "):
                    event = line[7:].strip()
                elif line.startswith(b"data: "):
                    _told(desk, event, line[6:])
        finally:
            writer.close()


def _told(desk: _Desk, event: bytes, data: bytes) -> None:
    now = time.perf_counter()
    if event == b"change":
        handoff = json.loads(data)["handoff"]
        if handoff is not None:
            desk.heard.setdefault(handoff, now)
    elif event == b"board":
        told = json.loads(data)
        if told["was"] not in {None, desk.mark}:
            raise WrongAnswerError(data)  # the page would open its stream anew; nothing here may make it
        rows = desk.rows | {int(handoff): row for handoff, row in told["rows"].items()}
        desk.mark, desk.rows = told["is"], {handoff: rows[handoff] for handoff in told["order"]}
        for handoff in desk.rows:
            desk.shown.setdefault(handoff, now)
        desk.open.set()


def _request(path: str, cookie: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode()


_here: list[_Browsers] = []
"""In the process of the browsers: all of them."""


def _begin(port: int) -> None:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    _here.append(_Browsers(port))


def _open(cookies: Sequence[str]) -> None:
    _here[0].open(cookies)


def _reached(handoff: int) -> tuple[list[float], list[float]]:
    return _here[0].reached(handoff)


def _close() -> None:
    _here[0].close()
