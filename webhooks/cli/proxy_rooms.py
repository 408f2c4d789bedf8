"""`touchtone proxy export`, `activate-file` and `import`: machines in a room that no line reaches.

One rule: a file is taken from a console that is known by its fingerprint, whole and unchanged, or not at all.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from webhooks.cli.output import refuse, show
from webhooks.cli.proxy_activating import ask
from webhooks.cli.proxy_folder import as_json_option, in_folder, opened

if TYPE_CHECKING:
    from webhooks.proxy.folder import Folder

_THERE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(dir_okay=False, path_type=Path)


@click.command()
@in_folder
@click.option(
    "--privacy",
    type=click.Choice(["all", "no-names", "ids"]),
    default="ids",
    show_default=True,
    help="What leaves this room: everything; numbers in place of names; installation IDs alone.",
)
@click.option("--anew", is_flag=True, help="Also ask for machines that a saved pair would do for.")
@as_json_option
@click.argument("file", type=_NEW)
def export(folder: Path, privacy: str, anew: bool, as_json: bool, file: Path) -> None:
    """Write a request for every machine that lacks an answer to FILE, signed, for removable media."""
    from webhooks.proxy import asked, rooms
    from webhooks.proxy.sealed_file import fingerprint, public_key

    now = datetime.now(UTC)
    with opened(folder, as_json) as console:
        with console.database.begin() as connection:
            lines = asked.due(connection, now.astimezone().date(), anew=anew)
            if not lines:
                refuse("NOTHING_TO_ASK", "No machine lacks an answer.", as_json)
            content = rooms.export(connection, lines, rooms.Privacy(privacy), console.settings.signing_key, now=now)
            _write(file, content)
        mine = fingerprint(public_key(console.settings.signing_key))
    show({"machines": len(lines), "privacy": privacy, "file": str(file), "fingerprint": mine}, as_json)


@click.command(name="activate-file")
@in_folder
@click.option("--from", "origin", help="The fingerprint of the console that made it; else it is asked for, once.")
@click.option("--keep", is_flag=True, help="Take the machines over into this console's own list (privacy: all).")
@click.option("--patience", default=600.0, show_default=True, help="Seconds without any answer before giving up.")
@as_json_option
@click.argument("request_file", type=_THERE)
@click.argument("answers_file", type=_NEW)
def activate_file(
    folder: Path,
    origin: str | None,
    keep: bool,
    patience: float,
    as_json: bool,
    request_file: Path,
    answers_file: Path,
) -> None:
    """Ask the line for what REQUEST_FILE holds, and write the answers to ANSWERS_FILE."""
    from webhooks.proxy import asked, fleet, rooms

    with opened(folder, as_json) as console:
        _, request = rooms.read_request(_read(request_file), str(request_file))
        _know(console, request.origin, origin, as_json)
        if keep and not request.reports:
            refuse("NAMES_MISSING", "This request names no machines, so none can be taken over.", as_json)
        with console.database.begin() as connection:
            for report in request.reports if keep else ():
                fleet.note(connection, report, source=str(request_file), host=None, now=datetime.now(UTC))
            asked.take_guests(connection, request.id, request.installation_ids)
            lines = asked.due_among(connection, request.installation_ids)
        if lines:
            ask(console, lines, patience, as_json)
        with console.database.begin() as connection:
            content, number = rooms.write_answers(
                connection, request, console.settings.signing_key, now=datetime.now(UTC)
            )
            _write(answers_file, content)
            refused = sum(not answer.confirmation_id for answer in asked.answered(connection, request.installation_ids))
            asked.dismiss_guests(connection, request.id)
    facts = {"activated": number - refused, "refused": refused, "file": str(answers_file)}
    show(facts, as_json)
    if refused:
        sys.exit(1)


@click.command(name="import")
@in_folder
@click.option("--from", "origin", help="The fingerprint of the console that activated; else it is asked for, once.")
@as_json_option
@click.argument("answers_file", type=_THERE)
def import_answers(folder: Path, origin: str | None, as_json: bool, answers_file: Path) -> None:
    """Take the answers in ANSWERS_FILE in, each checked against this console's request and the publisher's key."""
    from webhooks.proxy import rooms

    with opened(folder, as_json) as console:
        publisher = console.publisher
        content = _read(answers_file)
        with console.database.read() as connection:
            sealed, answers, missing = rooms.read_answers(connection, content, str(answers_file), publisher)
        _know(console, sealed.signer, origin, as_json)
        with console.database.begin() as connection:
            rooms.take_answers(connection, sealed, answers, now=datetime.now(UTC))
    activated = sum(answer.confirmation_id is not None for answer in answers)
    show({"activated": activated, "refused": len(answers) - activated, "unanswered": missing}, as_json)
    if activated < len(answers):
        sys.exit(1)


def _know(console: Folder, key: str, given: str | None, as_json: bool) -> None:
    """Take files of this key, if it is known or is made known now by its fingerprint; else refuse."""
    from webhooks.proxy import rooms
    from webhooks.proxy.sealed_file import fingerprint

    shown = fingerprint(key)
    with console.database.read() as connection:
        known = rooms.is_known(connection, key)
    if given is not None and "".join(given.split()).lower() != "".join(shown.split()):
        refuse("CONSOLE_OTHER", f"The file was signed by the console {shown}, and not by {given}.", as_json)
    if known:
        return
    if given is None and (as_json or not sys.stdin.isatty()):
        refuse("CONSOLE_UNKNOWN", f"The console {shown} is not known here: compare it, and add --from.", as_json)
    if given is None and not click.confirm(f"The file was signed by the console {shown}. Is that the one?", err=True):
        refuse("CONSOLE_UNKNOWN", "Nothing was taken.", as_json)
    with console.database.begin() as connection:
        rooms.pin(connection, key, now=datetime.now(UTC))


def _read(file: Path) -> bytes:
    """The file, unless it is far too large. Raises FileFault, OSError."""
    from webhooks.proxy.faults import FileFault
    from webhooks.proxy.sealed_file import LARGEST

    if file.stat().st_size > LARGEST:
        raise FileFault(file, None, "is far larger than any such file")
    return file.read_bytes()


def _write(file: Path, content: bytes) -> None:
    """Write the file whole, onto the medium itself. Raises OSError."""
    import os

    beside = file.with_name(f".{file.name}.part")
    try:
        with beside.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
