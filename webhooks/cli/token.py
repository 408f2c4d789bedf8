"""`touchtone token`: with what organisations' programs knock at the API.

One rule: a token is printed once, when it is issued; afterwards it is known by its name.
"""

from __future__ import annotations

import secrets as randomness
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.database import login_name, opened
from webhooks.cli.output import refuse, show

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ivr.desk_entries import Kind
    from ivr.tokens import Token

SCOPES = ("activate", "read", "request", "return")
ACTOR = click.option("--actor", default=login_name, show_default="your login name", help="Who does this.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group()
def token() -> None:
    """Tokens of organisations, for the API."""


@token.command()
@click.argument("name")
@click.option("--organisation", required=True, help="Whose keys it sees, as the catalogue names it.")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="What it may do.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="The last day (UTC) it is good for.")
@ACTOR
@AS_JSON
def issue(
    name: str, organisation: str, scopes: tuple[str, ...], expires: datetime | None, actor: str, as_json: bool
) -> None:
    """Issue a token and print it, this once. Its NAME stands in the entries of what it does."""
    from ivr import tokens
    from ivr.desk_entries import Kind
    from webhooks.settings import load

    now = datetime.now(UTC)
    name = " ".join(name.split())
    if not 0 < len(name) <= tokens.LONGEST_NAME or not name.isprintable():
        refuse("NAME_MALFORMED", f"A name has 1 to {tokens.LONGEST_NAME} printable signs.", as_json)
    over = None if expires is None else expires.replace(tzinfo=UTC) + timedelta(days=1)
    if over is not None and over <= now:
        refuse("EXPIRED_ALREADY", "That day is over.", as_json)
    text = tokens.text_of(randomness.token_bytes(tokens.TOKEN_BYTES))
    new = tokens.NewToken(name, organisation, frozenset(tokens.Scope(each) for each in scopes), actor, over)
    with opened(load(), as_json=as_json) as database, database.begin() as connection:
        try:
            known = tokens.issue(connection, new, text, now)
        except tokens.TokenExistsError:
            refuse("TOKEN_EXISTS", f"There is, or was, a token {name}; a name is never given twice.", as_json)
        if not known:
            refuse("ORGANISATION_UNKNOWN", f"There is no organisation {organisation} in the catalogue.", as_json)
        facts = {"token": name, "organisation": organisation, "scopes": sorted(set(scopes))}
        _entry(connection, actor, Kind.TOKEN_ISSUED, facts)
    show({"outcome": "issued", "token": text, "name": name, "organisation": organisation}, as_json)
    if not as_json:
        click.echo("\nGive it to the organisation now; it is not shown again.", err=True)


@token.command("list")
@click.option("--organisation", help="Only this one's.")
@AS_JSON
def list_tokens(organisation: str | None, as_json: bool) -> None:
    """Every token that was issued, the ended ones too."""
    from ivr import tokens
    from webhooks.settings import load

    with opened(load(), as_json=as_json) as database, database.read() as connection:
        found = tokens.listed(connection, organisation)
    if not found and not as_json:
        click.echo("No token was issued; see `touchtone token issue --help`.")
        return
    now = datetime.now(UTC)
    show([_facts(each, now) for each in found], as_json)


@token.command()
@click.argument("name")
@ACTOR
@AS_JSON
def revoke(name: str, actor: str, as_json: bool) -> None:
    """End a token: from now on it opens nothing. What it did stays under its name."""
    from ivr import tokens
    from ivr.desk_entries import Kind
    from webhooks.settings import load

    with opened(load(), as_json=as_json) as database, database.begin() as connection:
        ended = tokens.revoke(connection, name, by=actor, now=datetime.now(UTC))
        if ended is None:
            refuse("TOKEN_UNKNOWN", f"There is no token {name}.", as_json)
        if not ended:
            refuse("REVOKED_ALREADY", f"The token {name} was revoked before.", as_json)
        _entry(connection, actor, Kind.TOKEN_REVOKED, {"token": name})
    show({"outcome": "revoked", "name": name}, as_json)


def _facts(found: Token, now: datetime) -> dict[str, Any]:
    moments = {name: getattr(found, name) for name in ("issued_at", "expires_at", "revoked_at", "used_at")}
    return {
        "name": found.name,
        "organisation": found.organisation,
        "state": found.state(now),
        "scopes": " ".join(sorted(found.scopes)),
        **{name: None if at is None else at.isoformat() for name, at in moments.items()},
    }


def _entry(connection: Connection, actor: str, kind: Kind, facts: dict[str, Any]) -> None:
    """Write down what was done, under the name of whoever sits at the terminal."""
    from ivr.desk_entries import DeskEntry, append

    append(connection, DeskEntry(datetime.now(UTC), actor[:64], kind, details=facts))
