"""`touchtone case`: who waits for a person, and what we promised them.

Rule: a caller's number is shown only when it is asked for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from webhooks.cli.database import login_name, opened
from webhooks.cli.output import refuse, show


@click.group()
def case() -> None:
    """Show cases and the call-backs that are promised."""


@case.command("list")
@click.option("--show-numbers", is_flag=True, help="Decrypt the numbers to be called back.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def list_cases(show_numbers: bool, as_json: bool) -> None:
    """Every case that waits for a person, the earliest promise first."""
    from cryptography.fernet import InvalidToken

    from ivr.call_backs import waiting
    from ivr.callers import unseal
    from ivr.outbox import last_of_cases
    from webhooks import settings
    from webhooks.cli.database import secrets_of

    found = settings.load()
    with opened(found, as_json=as_json) as database, database.read() as connection:
        rows = waiting(connection)
        texts = last_of_cases(connection, [row["id"] for row in rows if row.get("number")])
    number_key = secrets_of(found, as_json=as_json).number_key if show_numbers else None
    listed = []
    for row in rows:
        sealed = row.get("number_sealed")
        number: Any = "wanted" if sealed else None
        if number_key is not None and isinstance(sealed, str):
            try:
                number = unseal(sealed, number_key)
            except InvalidToken:
                number = "sealed with another key"
        listed.append(
            {
                "case_number": row.get("number"),
                "call": row.get("call_sid"),
                "reason": row.get("reason"),
                "groups_keyed": len([group for group in str(row.get("groups") or "").split(",") if group]),
                "line": row["line"],
                "last_text": texts.get(row["id"]) if row.get("number") else None,
                "call_back": number,
                "due_at": row.get("due_at"),
            }
        )
    if not listed and not as_json:
        click.echo("Nobody waits.")
        return
    show(listed, as_json)


@case.command()
@click.argument("named", metavar="CASE_NUMBER|CALL")
@click.option("--actor", default=login_name, show_default="your login name", help="Who called back.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def close(named: str, actor: str, as_json: bool) -> None:
    """Say that a person has been helped: what was owed under this case number (or call) is done."""
    from ivr import call_backs
    from webhooks import settings

    reference = named.replace(" ", "")
    with opened(settings.load(), as_json=as_json) as database, database.begin() as connection:
        closed = call_backs.close(connection, reference, by=actor, now=datetime.now(UTC))
    if not closed:
        refuse("NOTHING_OWED", f"Nothing is owed under {named}.", as_json)
    show({"outcome": "closed", "case": reference, "by": actor}, as_json)
