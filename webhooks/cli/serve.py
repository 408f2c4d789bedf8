"""`touchtone serve`: answer the telephone with a production server."""

from __future__ import annotations

import sys

import click


@click.command()
def serve() -> None:
    """Answer the telephone until stopped. Settings come from the environment and the data folder."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    from keys.unavailable import DatabaseUnavailable
    from webhooks import serving, settings

    found = settings.load()
    try:
        serving.check(found)
    except DatabaseUnavailable as unavailable:
        click.echo(f"The database does not answer ({unavailable.cause}); is DATABASE_URL right?", err=True)
        sys.exit(1)
    click.echo(f"Touchtone answers on {found.host}:{found.port}, as {found.public_url}. Stop it with Ctrl-C.", err=True)
    Granian(
        "webhooks.serving:application",
        factory=True,
        address=found.host,
        port=found.port,
        interface=Interfaces.WSGI,
        workers=found.workers,
        blocking_threads=found.threads,
        websockets=False,
        log_level=LogLevels.error,  # its warnings are about the number of threads, which is chosen
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    ).serve()
