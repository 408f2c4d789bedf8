"""The demo's servers: line and desk, each started as anyone would start it, and stopped with the demo.

Rule: whatever was started is stopped, however the demo ends.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import click

START_SECONDS = 20.0
STOP_SECONDS = 20.0
"""Longer than a server waits for its own workers, which would outlive it if it were killed before."""


@contextlib.contextmanager
def serving(**pages: str) -> Iterator[subprocess.Popen[bytes]]:
    """Commands that serve, each in a process of its own, once their pages answer; gives the first."""
    servers = []
    try:
        for command in pages:
            click.secho(f"\n$ touchtone {command}", bold=True)
            servers.append(subprocess.Popen([sys.executable, "-m", "webhooks.cli", command]))  # noqa: S603 - our own
        for server, page in zip(servers, pages.values(), strict=True):
            _wait_until_ready(server, page)
        yield servers[0]
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(STOP_SECONDS)
            server.kill()


def _wait_until_ready(server: subprocess.Popen[bytes], page: str) -> None:
    import requests

    patience = time.monotonic() + START_SECONDS
    while time.monotonic() < patience and server.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(page, timeout=1).ok:
                return
        time.sleep(0.05)
    raise click.ClickException("line or desk did not start")


def free_port(wanted: int) -> int:
    """The wanted port, or any other where that is taken."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise click.ClickException("no port is free on this machine")
