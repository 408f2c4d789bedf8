"""`touchtone proxy`: the console of an administrator with many machines.

One rule: it needs no secret of the line's and no database but its own, and runs on the administrator's own machine.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from webhooks.cli.output import refuse, show, show_table
from webhooks.cli.proxy_activating import activate, apply, reapply
from webhooks.cli.proxy_collecting import collect
from webhooks.cli.proxy_folder import as_json_option, in_folder, opened
from webhooks.cli.proxy_rooms import activate_file, export, import_answers

_NONE = "No machine is listed. A product's number is always known, its name only where a machine has reported it."
_WAITS = "answered, not applied"
_ALREADY = "A publisher's key is pinned already; --replace takes another in its place."


@click.group()
def proxy() -> None:
    """Activate hundreds of machines from one console."""


for command in (collect, activate, apply, reapply, export, activate_file, import_answers):
    proxy.add_command(command)


@proxy.command()
@in_folder
@click.option("--publisher-key", help="The publisher's public key, to be pinned; or pin it later.")
@as_json_option
def init(folder: Path, publisher_key: str | None, as_json: bool) -> None:
    """Make the console's folder, with a signing key of its own."""
    from webhooks.proxy.folder import FolderFault, checked_key, make_folder

    try:
        key = None if publisher_key is None else checked_key(publisher_key)
        make_folder(folder).database.close()
    except FolderFault as fault:
        refuse(fault.code, fault.reason, as_json)
    if key is not None:
        _pin(folder, key, replace_it=False, as_json=as_json)
    _show_console(folder, as_json)


@proxy.command()
@in_folder
@click.option("--replace", "replace_it", is_flag=True, help="Take this key in place of the one pinned before.")
@as_json_option
@click.argument("key")
def pin(folder: Path, replace_it: bool, as_json: bool, key: str) -> None:
    """Pin the publisher's public KEY, as the publisher hands it out (touchtone certificate key)."""
    _pin(folder, key, replace_it=replace_it, as_json=as_json)
    _show_console(folder, as_json)


@proxy.command()
@in_folder
@click.option(
    "--token-file", type=click.File(), help="A file with the token (-: standard input); else it is asked for."
)
@click.option("--publisher-key", help="The publisher's public key, to be pinned with it.")
@click.option(
    "--authorities",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="A file of certificate authorities (PEM), where the line's certificate is from your own.",
)
@as_json_option
@click.argument("url")
def connect(
    folder: Path, token_file: Any, publisher_key: str | None, authorities: str | None, as_json: bool, url: str
) -> None:
    """Connect to the publisher's line at URL. The token never stands on the command line."""
    from dataclasses import replace

    from webhooks.proxy.folder import checked_line, checked_token
    from webhooks.proxy.publisher_line import PublisherLine

    if publisher_key is not None:
        _pin(folder, publisher_key, replace_it=False, as_json=as_json)
    with opened(folder, as_json) as console:
        assert console.publisher  # no answer could be believed without it
        line = checked_line(url)
        if token_file is None and not sys.stdin.isatty():
            refuse("TOKEN_MISSING", "Give the token in a file (--token-file), or at the prompt.", as_json)
        token = checked_token(token_file.read() if token_file is not None else click.prompt("Token", hide_input=True))
        knocked = PublisherLine(line, token, authorities)
        knocked.knock()
        knocked.close()
        console.save(replace(console.settings, line=line, token=token, authorities=authorities))
    _show_console(folder, as_json)


@proxy.command()
@in_folder
@as_json_option
def status(folder: Path, as_json: bool) -> None:
    """Show the console itself: its fingerprint, its line, how many machines stand how."""
    _show_console(folder, as_json)


@proxy.command(name="list")
@in_folder
@click.option(
    "--state",
    "standings",
    multiple=True,
    type=click.Choice(["licensed", "grace", "out_of_tolerance", "unlicensed"]),
    help="Only machines in this state; may be given again.",
)
@click.option("--product", help="Only this product, by number or name.")
@click.option("--csv", "csv_file", type=click.File("w", encoding="utf-8"), help="Write them to this file as CSV.")
@as_json_option
def list_machines(folder: Path, standings: tuple[str, ...], product: str | None, csv_file: Any, as_json: bool) -> None:
    """List the machines: how each stands, and what is to be done with it."""
    from webhooks.proxy.csv_file import COLUMNS, write_rows
    from webhooks.proxy.fleet import listed

    with opened(folder, as_json) as console, console.database.read() as connection:
        rows = [_row(machine) for machine in listed(connection, standings=standings, product=product)]
    if csv_file is not None:
        write_rows(csv_file, (*COLUMNS, "standing", "answer"), rows)
        csv_file.close()
        show({"machines": len(rows), "file": csv_file.name}, as_json)
    elif as_json:
        show(rows, as_json)
    elif rows:
        named = [{**row, "product": row["product_name"] or row["product"]} for row in rows]
        show_table(named, ("name", "product", "standing", "state", "answer"))
    else:
        click.echo(_NONE)


@proxy.command()
@in_folder
@as_json_option
@click.argument("names", nargs=-1, required=True)
def forget(folder: Path, as_json: bool, names: tuple[str, ...]) -> None:
    """Take machines off the list, by NAMES. Their pairs are kept."""
    from webhooks.proxy import fleet

    with opened(folder, as_json) as console, console.database.begin() as connection:
        gone = fleet.forget(connection, names)
    if not gone:
        refuse("MACHINE_UNKNOWN", "No machine is called so.", as_json)
    show({"forgotten": gone}, as_json)


def _pin(folder: Path, key: str, *, replace_it: bool, as_json: bool) -> None:
    from dataclasses import replace

    from webhooks.proxy.folder import checked_key

    with opened(folder, as_json) as console:
        text = checked_key(key)
        if console.settings.publisher_key not in {None, text} and not replace_it:
            refuse("PUBLISHER_PINNED", _ALREADY, as_json)
        console.save(replace(console.settings, publisher_key=text))


def _show_console(folder: Path, as_json: bool) -> None:
    from webhooks.proxy import fleet
    from webhooks.proxy.asked import applicable, due, reapplicable
    from webhooks.proxy.sealed_file import fingerprint, public_key
    from webhooks.proxy.standing import STANDINGS

    today = datetime.now(UTC).astimezone().date()
    with opened(folder, as_json) as console, console.database.read() as connection:
        counted = fleet.counts(connection)
        show(
            {
                "folder": str(folder),
                "fingerprint": fingerprint(public_key(console.settings.signing_key)),
                "publisher_key": console.settings.publisher_key,
                "line": console.settings.line,
                **{name: counted.get(name, 0) for name in STANDINGS},
                "to_activate": len(due(connection, today)),
                "to_apply": len(applicable(connection)),
                "to_reapply": len(reapplicable(connection, today)),
            },
            as_json,
        )


def _row(machine: Any) -> dict[str, Any]:
    from keys.groups import grouped

    answer = machine.code or machine.outcome
    if machine.confirmation_id and machine.standing != "licensed":
        answer = _WAITS
    return {
        "name": machine.name,
        "product": machine.product,
        "product_name": machine.product_name,
        "last_five": machine.last_five,
        "standing": machine.standing,
        "state": machine.state,
        "installation_id": machine.installation_id and grouped(machine.installation_id),
        "confirmation_id": machine.confirmation_id and grouped(machine.confirmation_id),
        "answer": answer,
        "host": machine.host,
        "reported_at": machine.reported_at.isoformat(),
    }
