"""`touchtone caller`: all that is kept about one caller, to hand it to them or to take it away.

Rule: whoever does it is an entry, which names neither the number nor its pseudonym.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.database import login_name, opened, secrets_of
from webhooks.cli.output import refuse, show

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ivr.desk_entries import Kind
    from keys.secrets_file import Secrets

_IN_USE = {
    "CALL_LIVES": "A call of this caller lives; try again when it has ended.",
    "CASE_WAITS": "A case of this caller is in the queue; let an operator end it first.",
    "TEXT_UNSENT": "A text to this caller is on its way; try again in a minute.",
}
_actor = click.option("--actor", default=login_name, show_default="your login name", help="Who asked for it.")
_reason = click.option("--reason", required=True, help="Why, for the entry; no number.")


@click.group()
def caller() -> None:
    """Export or erase what is kept about one caller."""


@caller.command()
@click.argument("number")
@_actor
@_reason
def export(number: str, actor: str, reason: str) -> None:
    """Print all that is kept about the caller with this NUMBER (+49...), as JSON."""
    from ivr.desk_entries import Kind
    from ivr.personal import export as everything
    from webhooks import settings

    found = settings.load()
    secrets = secrets_of(found, as_json=True)
    names = _known_as(number, secrets)
    with opened(found, as_json=True) as database, database.begin() as connection:
        rows: dict[str, list[Any]] = {}
        for name in names:
            for table, of in everything(connection, name, secrets.number_key).items():
                rows.setdefault(table, []).extend(of)
        _note(connection, Kind.CALLER_EXPORTED, actor, reason, {name: len(of) for name, of in rows.items()})
    show({"number": number, "pseudonym": names[0], "kept": rows}, as_json=True)


@caller.command()
@click.argument("number")
@_actor
@_reason
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def erase(number: str, actor: str, reason: str, as_json: bool) -> None:
    """Take away what names the caller with this NUMBER (+49...), promised call-backs included.

    An opt-out or a block that stands is kept, without the number; the ledger names no caller.
    """
    from ivr import personal
    from ivr.desk_entries import Kind
    from webhooks import settings

    found = settings.load()
    names = _known_as(number, secrets_of(found, as_json=as_json), as_json=as_json)
    gone: Counter[str] = Counter()
    with opened(found, as_json=as_json) as database, database.begin() as connection:
        needed = next(filter(None, (personal.in_use(connection, name, datetime.now(UTC)) for name in names)), None)
        if needed is None:
            for name in names:
                gone.update(personal.erase(connection, name))
            _note(connection, Kind.CALLER_ERASED, actor, reason, gone)
    if needed is not None:
        refuse(needed, _IN_USE[needed], as_json)
    show({"outcome": "erased", "rows": dict(gone) if as_json else sum(gone.values())}, as_json)


def _known_as(number: str, secrets: Secrets, *, as_json: bool = True) -> tuple[str, ...]:
    from ivr.callers import e164, known_as

    read = e164(number, "US") if number.startswith("+") else None
    if read is None:
        refuse("NUMBER_MALFORMED", "Write the number with the country's code: +49 ...", as_json)
    return known_as(read, secrets.pepper, secrets.peppers_before)


def _note(connection: Connection, kind: Kind, actor: str, reason: str, rows: Mapping[str, Any]) -> None:
    from ivr.desk_entries import DeskEntry, append

    append(connection, DeskEntry(datetime.now(UTC), actor, kind, reason=reason, details=rows))
