"""`touchtone statistics`: activations by week, as they may be handed on.

Rule: it prints what `ivr.statistics` publishes; small counts are hidden here as on the desk's page.
"""

from __future__ import annotations

from datetime import UTC, datetime

import click

from webhooks.cli.output import show


@click.command()
@click.option("--weeks", default=13, show_default=True, type=click.IntRange(1, 104), help="How many, up to the last.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def statistics(weeks: int, as_json: bool) -> None:
    """Activations by product, channel and region, and every outcome, in the last weeks that are over (UTC)."""
    from ivr.statistics import publish
    from webhooks import settings
    from webhooks.cli.database import opened, secrets_of

    found = settings.load()
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
