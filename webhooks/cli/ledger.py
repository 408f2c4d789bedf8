"""`touchtone ledger`: what a key has left, what happened, and proof that nobody changed it since.

One rule: these commands only read.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import click

from webhooks.cli.database import opened, secrets_of
from webhooks.cli.key import as_json_option, balance_facts, key_argument, opened_for_key
from webhooks.cli.output import show

_WORDS = {
    "edited": "an entry, or the reservation it holds, was edited",
    "missing": "an entry is missing",
    "seal_missing": "a seal is missing",
    "forged_seal": "a seal was forged",
    "cut_off": "the tail was cut off: the chain ends before a signed root",
    "rewritten": "the chain was made anew: it does not pass through a signed root",
    "bad_root": "a line of the roots file is no root of this line",
    "miscounted": "a key's counters are not the sums of its entries",
    "unvouched": "a reservation is not what its entries say",
    "hosts_miscounted": "a host key's counters of hosts are not what its entries come to",
    "unguarded": "a table is not append-only any more",
}


@click.group()
def ledger() -> None:
    """Balances, entries and their verification."""


@ledger.command("balance")
@key_argument
@as_json_option
def show_balance(named: str, as_json: bool) -> None:
    """Show what a KEY (PRODUCT:SERIAL, or the whole of it) was granted and has left."""
    with opened_for_key(named, as_json, writes=False) as (_, found):
        facts = {"product": found.product, "serial": found.serial, "last_five": found.last_five}
        show({**facts, **balance_facts(found.balance)}, as_json)


@ledger.command("entries")
@click.argument("named", metavar="[KEY]", required=False)
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="At most so many.")
@as_json_option
def show_entries(named: str | None, limit: int, as_json: bool) -> None:
    """Show the newest entries, oldest first, of one KEY or of all."""
    from keys import entries
    from webhooks.settings import load

    if named is None:
        with opened(load(), as_json=as_json) as database, database.read() as connection:
            found = entries.of_key(connection, limit=limit)
    else:
        with opened_for_key(named, as_json, writes=False) as (connection, issued):
            found = entries.of_key(connection, issued.id, limit=limit)
    show([_facts(entry, as_json) for entry in found], as_json)


@ledger.command()
@as_json_option
def verify(as_json: bool) -> None:
    """Check every seal, signed root and counter; exit status 1 if anything is wrong, and where."""
    from keys import verify as verifying
    from webhooks.settings import load

    settings = load()
    secrets = secrets_of(settings, as_json=as_json)
    with opened(settings, as_json=as_json) as database, database.read(at_leisure=True) as connection:
        report = verifying.verify(connection, secrets, settings.roots_file)
    found = [_problem(problem) for problem in report.problems]
    counts = {"sealed": report.sealed, "unsealed": report.unsealed, "roots": report.roots}
    shown: dict[str, Any] = {"outcome": "sound" if report.sound else "unsound", **counts}
    if as_json:
        show({**shown, "problems": found}, as_json)
    else:
        show(shown)
        for problem in found:
            where = ", ".join(
                f"{name.replace('_', ' ')} {value}" for name, value in problem.items() if name != "damage"
            )
            click.echo(f"{_WORDS[problem['damage']]}: {where}")
    if not report.sound:
        raise click.exceptions.Exit(1)


def _problem(problem: Any) -> dict[str, Any]:
    where = ("position", "entry_id", "line", "key_id", "reservation_id", "table")
    named = {name: getattr(problem, name) for name in where if getattr(problem, name) is not None}
    return {"damage": problem.damage.value, **named}


def _facts(entry: dict[str, Any], as_json: bool) -> dict[str, Any]:
    at: datetime = entry["at"]
    shown = {**entry, "at": at.isoformat(), "details": json.loads(entry["details"])}
    if as_json:
        return shown
    return {name: value for name, value in shown.items() if value not in (None, "", 0, {})}
