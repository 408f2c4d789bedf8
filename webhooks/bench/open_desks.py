"""Open desks, as browsers hold them: a live stream each, and a look at the queue at every change.

Rule: a desk here does what the page's own script does, and no less: many changes within an eighth of a second are one,
and after it the count and the queue are fetched.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from webhooks.bench.load import WrongAnswerError

GATHERED_SECONDS = 0.12
"""What the page waits for more changes; see desk.js."""
_PARTS = ("/desk/queue/count", "/desk/queue/board")
_PATIENCE = 30.0
_LONGEST_LINE = 1 << 20


@dataclass(slots=True, eq=False)
class _Desk:
    """One open desk: `heard` and `shown` are the moments at which a handoff was told of, and stood in its queue."""

    cookie: str
    looks: bool
    open: asyncio.Event = field(default_factory=asyncio.Event)
    heard: dict[int, float] = field(default_factory=dict)
    shown: dict[int, float] = field(default_factory=dict)
    looking: asyncio.Task[None] | None = None


class OpenDesks:
    """All desks that are open at one server, in a thread with a loop of its own. Moments are of `time.perf_counter`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._desks: list[_Desk] = []
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="open desks", daemon=True).start()

    @contextmanager
    def opened(self, cookies: Sequence[str], looking: int) -> Iterator[None]:
        """A desk for each cookie, until the block ends; the first `looking` also fetch what changed.

        Raises WrongAnswerError where a stream is refused.
        """
        self._desks = [_Desk(cookie, place < looking) for place, cookie in enumerate(cookies)]
        streams = [asyncio.run_coroutine_threadsafe(self._listen(desk), self._loop) for desk in self._desks]
        try:
            self._wait(asyncio.run_coroutine_threadsafe(self._all_open(), self._loop), streams)
            yield
            for stream in streams:
                if stream.done():
                    stream.result()
                    raise WrongAnswerError(b"a stream ended")
        finally:
            for stream in streams:
                stream.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), self._loop).result()

    def reached(self, handoff: int) -> tuple[list[float], list[float]]:
        """The moments at which each desk heard of a handoff, and at which it stood in each queue that is looked at.

        Waits until all have. Raises WrongAnswerError where one never does.
        """
        end = time.perf_counter() + _PATIENCE
        looking = [desk for desk in self._desks if desk.looks]
        while time.perf_counter() < end:
            if all(handoff in desk.heard for desk in self._desks) and all(handoff in desk.shown for desk in looking):
                return [desk.heard[handoff] for desk in self._desks], [desk.shown[handoff] for desk in looking]
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
            writer.write(_request("/desk/live", desk.cookie))
            first = await reader.readline()
            if b" 200 " not in first:
                raise WrongAnswerError(first)
            event = b""
            while line := await reader.readline():
                if line.startswith(b"event: "):
                    event = line[7:].strip()
                elif line.startswith(b"data: "):
                    self._told(desk, event, line[6:])
        finally:
            if desk.looking is not None:
                desk.looking.cancel()
            writer.close()

    def _told(self, desk: _Desk, event: bytes, data: bytes) -> None:
        if event == b"hello":
            desk.open.set()
        elif event == b"change":
            handoff = json.loads(data)["handoff"]
            if handoff is not None:
                desk.heard.setdefault(handoff, time.perf_counter())
            if desk.looks and (desk.looking is None or desk.looking.done()):
                desk.looking = asyncio.create_task(self._look(desk))

    async def _look(self, desk: _Desk) -> None:
        """Fetch what the page fetches; once more where something was told meanwhile."""
        known = -1
        while known != len(desk.heard):
            await asyncio.sleep(GATHERED_SECONDS)
            known = len(desk.heard)
            _, board = await asyncio.gather(*(self._fetch(path, desk.cookie) for path in _PARTS))
            now = time.perf_counter()
            for handoff in desk.heard.keys() - desk.shown.keys():
                if f'id="case-{handoff}"'.encode() in board:
                    desk.shown[handoff] = now

    async def _fetch(self, path: str, cookie: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(_request(path, cookie, "HX-Request: true\r\nConnection: close\r\n"))
            answer = await reader.read()
        finally:
            writer.close()
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise WrongAnswerError(answer)
        return answer


def _request(path: str, cookie: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n{more}\r\n".encode()
