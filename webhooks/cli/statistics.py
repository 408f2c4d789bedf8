"""`touchtone statistics`: activations by week, as they may be handed on.

Rule: it prints what `ivr.statistics` publishes; small counts are hidden here as on the desk's page.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from webhooks.cli.output import show, show_table

if TYPE_CHECKING:
    from sqlalchemy import Connection


@click.command()
@click.option("--weeks", default=13, show_default=True, type=click.IntRange(1, 104), help="How many, up to the last.")
@click.option("--licences", is_flag=True, help="Instead: how organisations are licensed, by MAK and by licence host.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def statistics(weeks: int, licences: bool, as_json: bool) -> None:
    """Activations by product, channel and region, and every outcome, in the last weeks that are over (UTC)."""
    from ivr.statistics import publish
    from webhooks import settings
    from webhooks.cli.database import opened, secrets_of

    found = settings.load()
    if licences:
        with opened(found, as_json=as_json) as database, database.read() as connection:
            _show_licences(connection, as_json)
        return
    secrets = secrets_of(found, as_json=as_json)
    with opened(found, as_json=as_json) as database, database.read() as connection:
        published = publish(connection, secrets.pepper, datetime.now(UTC), weeks=weeks)
    rows = [
        {"by": by.name, "name": name, "week_begins": monday.isoformat(), "count": count, "hidden": count is None}
        for by in published.by
        for monday, line in zip(published.weeks, by.lines, strict=True)
        for name, count in (*line.shown.items(), *([] if by.name == "outcome" else [("total", line.total)]))
    ]
    if not as_json:
        rows = [row for row in rows if row["count"] != 0]
        if not rows:
            click.echo("Nothing was counted in these weeks.")
            return
    show(rows, as_json)


def _show_licences(connection: Connection, as_json: bool) -> None:
    """The mix of each organisation, as the desk's page *Licences* has it."""
    from keys.mix import mixes

    columns = ("organisation", "maks", "mak_activations", "host_keys", "hosts", "host_activations")
    rows = [
        {**{name: getattr(mix, name) for name in columns}, "host_keys": len(mix.host_keys)} for mix in mixes(connection)
    ]
    if as_json:
        show(rows, as_json)
    elif rows:
        show_table(rows, columns)
    else:
        click.echo("No organisation has a multiple activation key or a host key yet.")
