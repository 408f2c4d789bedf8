"""`touchtone serve`: answer the telephone with a production server."""

from __future__ import annotations

import gc
import sys

import click


@click.command()
def serve() -> None:
    """Answer the telephone until stopped. Settings come from the environment and the data folder."""
    # All that is loaded now stays. To look through it for what is done with, time and again, took a tenth of the start.
    gc.disable()
    # Where a tool of the developers' has brought rich, the log would load it for tracebacks in colour: 7 MB a worker.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type] # None is how Python notes that a module is not there
    from webhooks import node, settings

    found = settings.load()
    node.count_together(found.node_dir, found.workers)
    from keys.unavailable import DatabaseUnavailable
    from webhooks import serving

    try:
        serving.check(found)
        serving.check_address(found)
    except DatabaseUnavailable as unavailable:
        click.echo(f"The database does not answer ({unavailable.cause}); is DATABASE_URL right?", err=True)
        sys.exit(1)
    click.echo(f"Touchtone answers on {found.host}:{found.port}, as {found.public_url}. Stop it with Ctrl-C.", err=True)
    if found.phone:
        from webhooks import phone_file

        address = phone_file.address(found, phone_file.opened(found.phone_file))
        click.echo(f"The rehearsal telephone is at {address}", err=True)
    serving.serve("webhooks.serving:application", found)
