"""The load: many keep-alive connections in one process, each sending its next request when the last is answered.

Rule: an answer counts only if it is a 200 and holds what it must; whatever else comes back ends the run.
One thread and plain sockets, since on a small machine the client takes its share of what is measured.
"""

from __future__ import annotations

import gc
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

Sent = tuple[bytes, bytes]
"""A request, and bytes its answer must hold."""
_PATIENCE = 20.0
_LONGEST_SHOWN = 300


class WrongAnswerError(ValueError):
    """The server answered other than it must. `answer` is the beginning of what came back (empty: nothing did)."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer[:_LONGEST_SHOWN])
        self.answer = answer[:_LONGEST_SHOWN]


@dataclass(frozen=True, slots=True)
class Timed:
    """What a load took: seconds from the first request to the last answer, and of each request."""

    seconds: float
    latencies: tuple[float, ...]


@dataclass(slots=True)
class _Connection:
    """One connection: the requests still to be sent, the last first, and what has come back of the current answer."""

    socket: socket.socket
    left: list[Sent]
    awaited: bytes = b""
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send_next(self) -> bool:
        """Send the next request; False where none is left."""
        if not self.left:
            return False
        text, self.awaited = self.left.pop()
        self.received.clear()
        self.sent_at = time.perf_counter()
        self.socket.sendall(text)
        return True

    def take(self) -> bool:
        """Read what has come; True once the answer is whole. Raises WrongAnswerError."""
        piece = self.socket.recv(65536)
        self.received += piece
        end = _end_of(self.received)
        if not piece or (end is not None and len(self.received) > end):
            raise WrongAnswerError(bytes(self.received))
        if end is None or len(self.received) < end:
            return False
        if not self.received.startswith(b"HTTP/1.1 200 ") or self.awaited not in self.received:
            raise WrongAnswerError(bytes(self.received))
        return True


def run(port: int, queues: Sequence[Sequence[Sent]]) -> Timed:
    """Send each queue over a connection of its own, all at once. Raises WrongAnswerError and OSError."""
    connections = [
        _Connection(socket.create_connection(("127.0.0.1", port), _PATIENCE), list(reversed(queue))) for queue in queues
    ]
    latencies: list[float] = []
    gc.disable()
    try:
        with selectors.DefaultSelector() as selector:
            for connection in connections:
                connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection.socket, selectors.EVENT_READ, connection)
            started = time.perf_counter()
            busy = sum(connection.send_next() for connection in connections)
            while busy:
                ready = selector.select(_PATIENCE)
                if not ready:
                    raise WrongAnswerError(b"")
                for key, _ in ready:
                    connection = key.data
                    if connection.take():
                        latencies.append(time.perf_counter() - connection.sent_at)
                        busy -= not connection.send_next()
            return Timed(time.perf_counter() - started, tuple(latencies))
    finally:
        gc.enable()
        for connection in connections:
            connection.socket.close()


def _end_of(received: bytearray) -> int | None:
    """Where the answer will end, as its head says; None while the head is not whole."""
    head_end = received.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    head = bytes(received[:head_end]).lower()
    _, found, after = head.partition(b"content-length: ")
    if not found:
        raise WrongAnswerError(bytes(received))
    return head_end + 4 + int(after.partition(b"\r\n")[0])
