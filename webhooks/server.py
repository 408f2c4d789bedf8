"""The server that every serving command runs: granian, set up alike.

Rule: what is served is named (`module:function`), so that each worker makes its own.
"""

from __future__ import annotations


def run(target: str, *, host: str, port: int, workers: int, threads: int) -> None:
    """Serve the WSGI application that `target` makes, until the process is told to stop."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    Granian(
        target,
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        websockets=False,
        log_level=LogLevels.error,  # its warnings are about the number of threads, which is chosen
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    ).serve()
