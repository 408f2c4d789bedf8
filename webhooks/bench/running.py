"""Servers under measurement: started as anyone would start them, timed until they are ready, weighed, and stopped.

Rule: whatever was started is stopped, also when the measurement fails.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60.0
"""A desk gives way from its beginning, to whatever else keeps the machine busy."""
_POLL_SECONDS = 0.005
_STOP_SECONDS = 15.0
_READY = "GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


class NotStartedError(ValueError):
    """The server did not become ready, and said `said` on its standard error."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its port, its main process, and the seconds from its start to its first ready answer."""

    port: int
    pid: int
    start_seconds: float

    def worker_megabytes(self) -> float:
        """Resident memory of its largest serving process now, in MB of 1,000,000 bytes."""
        return max(resident(pid) for pid in (children(self.pid) or (self.pid,))) / 1e6


def run(*words: str, environment: Mapping[str, str]) -> None:
    """Run one of our own commands to its end. Raises NotStartedError where it fails."""
    done = subprocess.run(_command(*words), env=dict(environment), capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise NotStartedError(done.stderr.strip())


@contextmanager
def serving(
    *words: str,
    environment: Mapping[str, str],
    log: Path,
    listen: str = "TOUCHTONE_LISTEN",
    ready: str = "/readyz",
    apart: bool = False,
) -> Iterator[Server]:
    """Start one of our own commands that serve, wait until it is ready, and stop it at the end of the block.

    The port is put into its environment under the name `listen`, `ready` is a page that answers 200 once it serves, and
    what it says goes to `log`. `apart` gives it a session of its own, as a system's services have. Raises
    NotStartedError.
    """
    port = free_port()
    told = {**environment, listen: f"127.0.0.1:{port}"}
    with log.open("wb") as heard:
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own command
            _command(*words), env=told, stdout=heard, stderr=heard, start_new_session=apart
        )
        try:
            while not _is_ready(port, ready):
                if process.poll() is not None or time.perf_counter() - started > START_SECONDS:
                    raise NotStartedError(log.read_text("utf-8", "replace").strip())
                time.sleep(_POLL_SECONDS)
            yield Server(port, process.pid, time.perf_counter() - started)
        finally:
            workers = children(process.pid) if process.poll() is None else ()
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                # Workers outlive a main process that is killed.
                for pid in (process.pid, *workers):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                process.wait()


def children(pid: int) -> tuple[int, ...]:
    """The processes that `pid` started and that live."""
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        found.extend(int(child) for child in listed.read_text().split())
    # A helper of multiprocessing's own is no worker.
    return tuple(child for child in found if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes())


def resident(pid: int) -> int:
    """Resident memory of a process in bytes, shared pages included (/proc, statm)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "webhooks.cli", *words]


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_ready(port: int, page: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
        connection.sendall(_READY.format(page).encode())
        return connection.recv(64).startswith(b"HTTP/1.1 200")
    return False
