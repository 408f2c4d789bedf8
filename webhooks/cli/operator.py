"""`touchtone operator`: who works at the desk. The first administrator is made here.

Rule: a password comes from a prompt or a file, never from the command line, where others could read it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from webhooks.cli.database import login_name, opened, secrets_of
from webhooks.cli.output import refuse, show

ROLES = ("operator", "supervisor", "administrator")
PASSWORD_FILE = click.option(
    "--password-file",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="A file whose first line is the password (`-`: standard input); else it is asked for.",
)
ACTOR = click.option("--actor", default=login_name, show_default="your login name", help="Who does this.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group()
def operator() -> None:
    """Who works at the desk, in which role."""


@operator.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="operator", show_default=True, help="What they may do.")
@PASSWORD_FILE
@click.option("--phone", help="Their own telephone (+...), for taking calls and being on call.")
@click.option("--on-call", is_flag=True, help="Page them when a case comes and no desk is open.")
@click.option(
    "--grant-limit",
    type=click.IntRange(0, 1_000_000),
    default=50,
    show_default=True,
    help="Activations they may grant by themselves in 30 days.",
)
@click.option(
    "--totp", "with_totp", is_flag=True, help="Also ask for a code from an app, and print what the app scans."
)
@ACTOR
@AS_JSON
def add(  # noqa: PLR0913, PLR0917 - one argument an option, as click has it
    name: str,
    role: str,
    password_file: Path | None,
    phone: str | None,
    on_call: bool,
    grant_limit: int,
    with_totp: bool,
    actor: str,
    as_json: bool,
) -> None:
    """Add an operator."""
    from ivr.callers import seal
    from ivr.operators import NewOperator, OperatorExistsError, Role
    from ivr.operators import add as add_operator
    from webhooks import settings
    from webhooks.desk import totp

    name = _name(name, as_json)
    found = settings.load()
    key = secrets_of(found, as_json=as_json).number_key
    number = _number(phone, as_json) if phone else None
    if on_call and number is None:
        refuse("PHONE_MISSING", "Whoever is on call needs a telephone: give --phone.", as_json)
    secret = totp.new_secret() if with_totp else None
    new = NewOperator(
        name,
        Role(role),
        _hash(password_file, as_json),
        grant_limit,
        seal(number, key) if number else None,
        seal(secret, key) if secret else None,
        on_call,
    )
    with opened(found, as_json=as_json) as database, database.begin() as connection:
        try:
            add_operator(connection, new, datetime.now(UTC))
        except OperatorExistsError:
            refuse("OPERATOR_EXISTS", f"There is an operator {name} already; a name is never given twice.", as_json)
        _entry(connection, actor, name, "added", role)
    added = {"outcome": "added", "name": name, "role": role, "grant_limit": grant_limit, "totp": with_totp}
    if secret is None:
        show(added, as_json)
        return
    address = totp.address_of(secret, name)
    show({**added, "otpauth": address}, as_json)
    if not as_json:
        import segno

        click.echo("\nScan this with the app now; it is not shown again.\n")
        segno.make(address, error="m").terminal(out=sys.stdout, compact=True)


@operator.command("list")
@AS_JSON
def list_operators(as_json: bool) -> None:
    """Every operator, the disabled ones too."""
    from ivr import logins, operators
    from webhooks import settings

    with opened(settings.load(), as_json=as_json) as database, database.read() as connection:
        everybody = operators.listed(connection)
        live = logins.live(connection, datetime.now(UTC))
    rows: list[dict[str, Any]] = [
        {
            "name": each.name,
            "role": each.role,
            "state": "active" if each.disabled_at is None else "disabled",
            "presence": each.presence,
            "grant_limit": each.grant_limit,
            "telephone": "yes" if each.phone_sealed else "no",
            "on_call": "yes" if each.on_call else "no",
            "logins": sum(one.operator.id == each.id for one in live),
        }
        for each in everybody
    ]
    if not rows and not as_json:
        click.echo("Nobody works at the desk yet; see `touchtone operator add --help`.")
        return
    show(rows, as_json)


@operator.command()
@click.argument("name")
@ACTOR
@AS_JSON
def disable(name: str, actor: str, as_json: bool) -> None:
    """Let an operator in no more, and log them out everywhere. What they did stays under their name."""
    from ivr import logins, operators

    with _changing(name, as_json) as (connection, found):
        at = datetime.now(UTC)
        logins.revoke_all(connection, found.id, at)
        if not operators.disable(connection, found.id, at):
            refuse("DISABLED_ALREADY", f"{name} was disabled before.", as_json)
        _entry(connection, actor, name, "disabled")
    show({"outcome": "disabled", "name": name}, as_json)


@operator.command()
@click.argument("name")
@PASSWORD_FILE
@ACTOR
@AS_JSON
def password(name: str, password_file: Path | None, actor: str, as_json: bool) -> None:
    """Give an operator another password, and log them out everywhere."""
    from ivr import logins, operators

    made = _hash(password_file, as_json)
    with _changing(name, as_json) as (connection, found):
        operators.set_password(connection, found.id, made)
        logins.revoke_all(connection, found.id, datetime.now(UTC))
        _entry(connection, actor, name, "password")
    show({"outcome": "password_set", "name": name}, as_json)


@contextmanager
def _changing(name: str, as_json: bool) -> Iterator[tuple[Any, Any]]:
    """A transaction with the operator of a name; ends the command where there is none."""
    from ivr import operators
    from webhooks import settings

    with opened(settings.load(), as_json=as_json) as database, database.begin() as connection:
        found = operators.find(connection, name)
        if found is None:
            refuse("OPERATOR_UNKNOWN", f"There is no operator {name}.", as_json)
        yield connection, found


def _name(name: str, as_json: bool) -> str:
    """A name as it will stand in every entry: trimmed, printable, at most 64 signs."""
    name = " ".join(name.split())
    if not 0 < len(name) <= 64 or not name.isprintable():
        refuse("NAME_MALFORMED", "A name has 1 to 64 printable signs.", as_json)
    return name


def _number(phone: str, as_json: bool) -> str:
    from ivr.callers import e164

    number = e164(phone, "US") if phone.startswith("+") else None
    if number is None:
        refuse("PHONE_MALFORMED", "A telephone is written with its country: +14155550100.", as_json)
    return number


def _hash(file: Path | None, as_json: bool) -> str:
    """The hash of the password in a file, or of one that is asked for twice."""
    from webhooks.desk.passwords import LONGEST, SHORTEST, PasswordLengthError, hashed

    if file is None:
        text = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        try:
            text = (sys.stdin.readline() if str(file) == "-" else file.read_text("utf-8")).partition("\n")[0]
        except (OSError, UnicodeDecodeError):
            refuse("PASSWORD_FILE_UNREADABLE", f"The password file {file} cannot be read.", as_json)
    try:
        return hashed(text.rstrip("\r"))
    except PasswordLengthError as error:
        sentence = f"A password has {SHORTEST} to {LONGEST} signs; this one has {error.length}."
        refuse("PASSWORD_LENGTH", sentence, as_json)


def _entry(connection: Any, actor: str, name: str, change: str, role: str | None = None) -> None:
    """Write down what was changed about whom, under the name of whoever sits at the terminal."""
    from ivr.desk_entries import DeskEntry, Kind, append

    details = {"operator": name, "change": change} | ({"role": role} if role else {})
    append(connection, DeskEntry(datetime.now(UTC), actor[:64], Kind.OPERATOR_CHANGED, details=details))
