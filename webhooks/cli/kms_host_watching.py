"""What `touchtone kms-host` has for watching: how the host stands, its clients, and what happened.

It completes the group, so the program takes `kms_host` from here. One rule: looking changes nothing, and goes on beside
a host that serves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.kms_host import WHY_NOT, host_facts, opened, options, register_of
from webhooks.cli.kms_host_back import kms_host
from webhooks.cli.output import show, show_table

if TYPE_CHECKING:
    from webhooks.kms_host.register import Known

_SOON = timedelta(days=30)
_CLIENT = ("client", "name", "product", "state", "last_seen", "ends", "refusal", "machines")
_EVENT = ("at", "event", "client", "name", "details")


@kms_host.command()
@options
def status(path: Path, as_json: bool) -> None:
    """Show how the host stands: count, clients by state, leases soon to end, the last errors."""
    from webhooks.kms_host.answering import stated

    folder, installed = opened(path, as_json)
    facts = host_facts(installed)
    register, now = register_of(folder), datetime.now(UTC)
    known = register.clients()
    states = [one.state(now).value for one in known]
    licence = installed.standing(now.date()).licence
    certified = None if licence is None else stated(licence)
    facts |= {
        "threshold": certified and certified.threshold,
        "certificate_ends": certified and certified.ends and certified.ends.isoformat(),
        "count": register.count(int(now.timestamp())),
        "clients": {state: states.count(state) for state in ("leased", "waiting", "gone")},
        "leases_soon_to_end": [
            _client(one, now) for one in known if one.ends is not None and now < one.ends < now + _SOON
        ],
        "identities_shared": [_client(one, now) for one in known if one.machines > 1],
        "last_errors": register.events(10, trouble=True),
    }
    if as_json:
        show(facts, as_json)
        return
    ending, shared, errors = (facts.pop(name) for name in ("leases_soon_to_end", "identities_shared", "last_errors"))
    facts["clients"] = ", ".join(f"{number} {state}" for state, number in facts["clients"].items())
    show(facts)
    if facts["state"] in WHY_NOT:
        click.echo(f"\n{WHY_NOT[facts['state']]}")
    for name, rows, columns in (
        ("leases soon to end", ending, _CLIENT),
        ("identities shared", shared, _CLIENT),
        ("last errors", [_event(row) for row in errors], _EVENT),
    ):
        click.echo(f"\n{name}: {len(rows) or 'none'}")
        show_table(rows, columns)


@kms_host.command()
@options
@click.option("--state", type=click.Choice(["leased", "waiting", "gone"]), help="Only these.")
def clients(path: Path, state: str | None, as_json: bool) -> None:
    """List the clients that were seen, the last one first."""
    folder, _ = opened(path, as_json)
    rows = [_client(one, datetime.now(UTC)) for one in register_of(folder).clients()]
    rows = [row for row in rows if state in (None, row["state"])]
    show(rows, as_json) if as_json else show_table(rows, _CLIENT)


@kms_host.command()
@options
@click.option("--last", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@click.option("--trouble", is_flag=True, help="Only what an administrator should look at.")
def events(path: Path, last: int, trouble: bool, as_json: bool) -> None:
    """List the newest events, oldest first."""
    folder, _ = opened(path, as_json)
    rows = register_of(folder).events(last, trouble=trouble)
    show(rows, as_json) if as_json else show_table([_event(row) for row in rows], _EVENT)


def _client(known: Known, now: datetime) -> dict[str, Any]:
    return {
        "client": known.identity,
        "name": known.name,
        "product": known.product,
        "state": known.state(now).value,
        "last_seen": known.last_seen.isoformat(),
        "ends": None if known.ends is None else known.ends.isoformat(),
        "refusal": known.refusal,
        "machines": known.machines,
    }


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event in the columns of a table: what only some have stands last."""
    details = {name: value for name, value in event.items() if name not in _EVENT}
    return {**{name: event.get(name) for name in _EVENT}, "details": details or None}
