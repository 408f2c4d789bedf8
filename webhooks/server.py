"""The server that every serving command runs: granian, set up alike.

Rule: what is served is named (`module:function`), so that each worker makes its own.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

STREAMS_END_SECONDS = 3
"""Streams never end by themselves, and whoever holds one comes back: so long is waited for them at the end."""


FINISH_SECONDS = 10
"""Requests under way are finished at the end: no turn takes longer, and a batch that is cut off is sent again."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """How a server leaves when it is told to end (SIGTERM): it says so, and goes on answering for so many seconds.

    Whoever sends requests here by turns has noticed by then. A second signal, or Ctrl-C, ends it at once.
    """

    seconds: float
    say: Callable[[], None]


def run(target: str, *, host: str, port: int, workers: int, threads: int, farewell: Farewell | None = None) -> None:
    """Serve the WSGI application that `target` makes, until the process is told to stop."""
    from granian.constants import Interfaces

    _run(
        target,
        host,
        port,
        Interfaces.WSGI,
        farewell,
        workers=workers,
        blocking_threads=threads,
        workers_kill_timeout=FINISH_SECONDS,
    )


def run_with_streams(target: str, *, host: str, port: int) -> None:
    """Serve the ASGI application that `target` makes, by one worker, until the process is told to stop."""
    from granian.constants import Interfaces

    _run(target, host, port, Interfaces.ASGI, workers=1, workers_kill_timeout=STREAMS_END_SECONDS)


def _run(target: str, host: str, port: int, interface: Any, farewell: Farewell | None = None, **more: Any) -> None:
    from granian import Granian
    from granian.log import LogLevels

    served = Granian(
        target,
        factory=True,
        address=host,
        port=port,
        interface=interface,
        websockets=False,
        log_level=LogLevels.error,  # its warnings are about the number of threads, which is chosen
        respawn_failed_workers=True,
        **more,
    )
    if farewell is not None:
        # The server binds this very method to its signals when it starts.
        served.signal_handler_interrupt = _leaving(  # type: ignore[method-assign] # there is no other way in
            served.signal_handler_interrupt, farewell
        )
    served.serve()


def _leaving(end: Callable[..., None], farewell: Farewell) -> Callable[..., None]:
    """What takes a signal to end: `end` itself, after the farewell where it is asked for politely."""
    begun = threading.Event()

    def on_signal(number: int, frame: Any) -> None:
        if number != signal.SIGTERM or begun.is_set():
            end(number, frame)
            return
        begun.set()
        farewell.say()
        later = threading.Timer(farewell.seconds, end)
        later.daemon = True
        later.start()

    return on_signal


def why_not_bindable(host: str, port: int) -> str | None:
    """Why nothing can listen on an address and port, in the system's words; None where something can.

    The server itself would share a port that is taken, and every other connection would reach another program.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except OSError as error:
        return error.strerror or type(error).__name__
    return None
