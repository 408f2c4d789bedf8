"""`touchtone desk`: serve the operators' desk, a process of its own beside the line."""

from __future__ import annotations

import sys

import click


@click.command()
def desk() -> None:
    """Serve the operators' desk until stopped. It shares the database and the secrets file with the line."""
    from keys.unavailable import DatabaseUnavailable
    from webhooks import serving, settings
    from webhooks.desk import asgi

    found = settings.load()
    try:
        serving.check(found)
        serving.check_bindable("TOUCHTONE_DESK_LISTEN", found.desk_host, found.desk_port)
    except DatabaseUnavailable as unavailable:
        click.echo(f"The database does not answer ({unavailable.cause}); is DATABASE_URL right?", err=True)
        sys.exit(1)
    click.echo(f"The desk is at {found.desk_url}/desk. Stop it with Ctrl-C.", err=True)
    click.echo("Nobody can log in yet? Run `touchtone operator add NAME --role administrator`.", err=True)
    asgi.serve(found)
