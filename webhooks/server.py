"""The server that every serving command runs: granian, set up alike.

Rule: what is served is named (`module:function`), so that each worker makes its own.
"""

from __future__ import annotations

import socket
from typing import Any

STREAMS_END_SECONDS = 3
"""Streams never end by themselves, and whoever holds one comes back: so long is waited for them at the end."""


def run(target: str, *, host: str, port: int, workers: int, threads: int) -> None:
    """Serve the WSGI application that `target` makes, until the process is told to stop."""
    from granian.constants import Interfaces

    _run(target, host, port, Interfaces.WSGI, workers=workers, blocking_threads=threads, workers_kill_timeout=10)


def run_with_streams(target: str, *, host: str, port: int) -> None:
    """Serve the ASGI application that `target` makes, by one worker, until the process is told to stop."""
    from granian.constants import Interfaces

    _run(target, host, port, Interfaces.ASGI, workers=1, workers_kill_timeout=STREAMS_END_SECONDS)


def _run(target: str, host: str, port: int, interface: Any, **more: Any) -> None:
    from granian import Granian
    from granian.log import LogLevels

    Granian(
        target,
        factory=True,
        address=host,
        port=port,
        interface=interface,
        websockets=False,
        log_level=LogLevels.error,  # its warnings are about the number of threads, which is chosen
        respawn_failed_workers=True,
        **more,
    ).serve()


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
