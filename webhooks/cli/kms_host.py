"""`touchtone kms-host`: a licence host on a customer's network, from its key to its clients.

One rule: every command needs the host's folder and nothing else: no line's settings, no database server, no network.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from webhooks.cli.output import refuse, show

if TYPE_CHECKING:
    from keys.device.host_package import Package
    from keys.errors import BadInput
    from webhooks.kms_host.folder import Folder, Installed
    from webhooks.kms_host.register import Register

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
WHY_NOT = {
    "awaiting_confirmation": "It waits for its confirmation ID: `touchtone kms-host iid` shows what to key or text.",
    "expired": "Its activation is over: install again, and activate again.",
    "hardware_changed": "Too much of its hardware is other than it was: install again, and activate again.",
    "returned": "It gave its activation back: install again, and activate again.",
    "not_installed": "What is stored does not fit its package: install again.",
}
_folder = click.option(
    "--folder",
    "path",
    default="kms-host",
    show_default=True,
    envvar="TOUCHTONE_KMS_FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the host keeps what it has.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group("kms-host")
def kms_host() -> None:
    """A licence host (KMS host): activated once, it leases to the clients of its network by itself."""


def options(command: Callable[..., None]) -> Callable[..., None]:
    """What every command of this group takes: the folder, and whether it answers in JSON."""
    return _folder(_as_json(command))


@kms_host.command()
@options
@click.option("--package", "package_file", required=True, type=_FILE, help="The package that came with the host key.")
@click.option("--hardware", "hardware_file", type=_FILE, help="Other parts than this machine's own, as JSON.")
@click.option("--seed", help="Or a name, from which stable parts are made up: to rehearse.")
@click.option("--again", is_flag=True, help="Install over an earlier installation; needs a new activation.")
@click.argument("product_key")
def install(
    path: Path,
    package_file: Path,
    hardware_file: Path | None,
    seed: str | None,
    again: bool,
    as_json: bool,
    product_key: str,
) -> None:
    """Install the KMS host key PRODUCT_KEY and make the installation ID."""
    from keys.device import hardware, host, store
    from keys.errors import BadInput
    from webhooks.kms_host.folder import Folder, Installed
    from webhooks.kms_host.this_machine import parts

    folder = Folder(path)
    if folder.file.exists() and not again:
        refuse("ALREADY_INSTALLED", f"{path} holds an installation already; --again makes a new one.", as_json)
    try:
        package = _package(package_file)
        pretended = hardware.simulated(seed) if seed else None
        if hardware_file is not None:
            pretended = hardware.from_facts(store.read(hardware_file))
        nonce = secrets.randbelow(1 << package.build.id_format.nonce_bits)
        here, returned = parts() if pretended is None else pretended, folder.returned()
        state = host.install(package, product_key, here, nonce, returned=returned)
    except BadInput as error:
        refuse_input(error, as_json)
    installed = Installed(package, state, pretended)
    save(folder, installed, as_json)
    show(host_facts(installed), as_json)


@kms_host.command()
@options
@click.argument("package_file", type=_FILE)
def package(path: Path, package_file: Path, as_json: bool) -> None:
    """Put in a newer PACKAGE_FILE of the same host key; the activation stays."""
    from keys.device import host
    from keys.errors import BadInput
    from webhooks.kms_host.events import Event
    from webhooks.kms_host.folder import Installed
    from webhooks.kms_host.register import Noted

    folder, installed = opened(path, as_json)
    try:
        newer = _package(package_file)
    except BadInput as error:
        refuse_input(error, as_json)
    if not host.opens_too(newer, installed.state):
        refuse("OTHER_KEY", "That package does not open with this host's activation: it is of another key.", as_json)
    installed = Installed(newer, installed.state, installed.pretended)
    save(folder, installed, as_json)
    register_of(folder).note(Noted(int(datetime.now(UTC).timestamp()), Event.PACKAGE_REPLACED))
    show(host_facts(installed), as_json)


@kms_host.command()
@options
def iid(path: Path, as_json: bool) -> None:
    """Show the installation ID: key it on the telephone, text it, or send it as any other."""
    _, installed = opened(path, as_json)
    show(host_facts(installed), as_json)


@kms_host.command()
@options
@click.argument("confirmation_id", nargs=-1, required=True)
def confirm(path: Path, as_json: bool, confirmation_id: tuple[str, ...]) -> None:
    """Deposit CONFIRMATION_ID, in one word or in blocks. A host that serves already takes it up by itself."""
    from dataclasses import replace

    from keys.device import host
    from keys.errors import BadInput

    folder, installed = opened(path, as_json)
    try:
        state = host.deposit(installed.package, installed.state, " ".join(confirmation_id))
    except BadInput as error:
        refuse_input(error, as_json)
    installed = replace(installed, state=state)
    save(folder, installed, as_json)
    show(host_facts(installed), as_json)


@kms_host.command()
@options
@click.argument("pair_file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
def deposit(path: Path, pair_file: Path, as_json: bool) -> None:
    """Deposit the pair in PAIR_FILE (- for standard input): of a proxy, or of this host before it was set up anew."""
    from dataclasses import replace

    from keys.device import host, store
    from keys.device.paper import SavedPair
    from keys.errors import BadInput

    folder, installed = opened(path, as_json)
    state = installed.state
    try:
        given = sys.stdin.buffer.read() if str(pair_file) == "-" else pair_file.read_bytes()
        saved = SavedPair.from_facts(store.facts_in(given, pair_file))
        # The pair of this very installation may be deposited on hardware that has changed; `status` says so then.
        if saved.installation_id == state.installation_id:
            state = host.deposit(installed.package, state, saved.confirmation_id)
        else:
            pair, today = (saved.installation_id, saved.confirmation_id), datetime.now(UTC).date()
            state = host.deposit_pair(installed.package, state, *pair, installed.hardware, today)
    except BadInput as error:
        refuse_input(error, as_json)
    installed = replace(installed, state=state)
    save(folder, installed, as_json)
    show(host_facts(installed), as_json)


@kms_host.command()
@options
@click.option(
    "--listen", default="0.0.0.0:8795", show_default=True, envvar="TOUCHTONE_KMS_LISTEN", help="Address and port."
)
@click.option("--threads", type=click.IntRange(1, 64), default=8, show_default=True, help="Threads that answer.")
def serve(path: Path, listen: str, threads: int, as_json: bool) -> None:
    """Serve the clients of this network until stopped."""
    from keys.device.finding import NoAddress, address
    from webhooks import server
    from webhooks.kms_host import serving

    folder, installed = opened(path, as_json)
    try:
        host, port = address(listen)
    except NoAddress:
        refuse("NO_ADDRESS", f"{listen} is no ADDRESS:PORT to listen on.", as_json)
    why_not = server.why_not_bindable(host, port)
    if why_not is not None:
        refuse("ADDRESS_TAKEN", f"Nothing can listen on {host}:{port} ({why_not}).", as_json)
    try:
        lock = folder.taken()
    except OSError as error:
        refuse("FILE_UNWRITABLE", f"Nothing can be written in {path}: {error.strerror}.", as_json)
    if lock is None:
        refuse("ALREADY_SERVING", f"Another process serves {path} already.", as_json)
    status = host_facts(installed)["state"]
    click.echo(
        f"The licence host for {installed.package.family} serves on {host}:{port}. Stop it with Ctrl-C.", err=True
    )
    if status != "activated":
        click.echo(f"It leases nothing yet. {WHY_NOT[status]}", err=True)
    with lock:
        serving.serve(folder, host, port, threads)


@kms_host.command("clock-is-right")
@options
def clock_is_right(path: Path, as_json: bool) -> None:
    """Go on after the host's clock ran ahead and was put right."""
    folder, installed = opened(path, as_json)
    register_of(folder).clock_is_right(int(datetime.now(UTC).timestamp()))
    show(host_facts(installed), as_json)


def _package(file: Path) -> Package:
    from keys.device import host_package, store

    return host_package.read(store.read(file))


def opened(path: Path, as_json: bool) -> tuple[Folder, Installed]:
    """The folder and what is installed, or a refusal."""
    from keys.errors import BadInput
    from webhooks.kms_host.folder import Folder

    folder = Folder(path)
    try:
        return folder, folder.load()
    except FileNotFoundError:
        refuse("NOT_INSTALLED", f"Nothing is installed in {path}; begin with `touchtone kms-host install`.", as_json)
    except BadInput:
        refuse("HOST_DAMAGED", f"{folder.file} is no host made by `touchtone kms-host install`.", as_json)
    except OSError as error:
        refuse("FILE_UNREADABLE", f"{folder.file} cannot be read: {error.strerror}.", as_json)


def register_of(folder: Folder) -> Register:
    """The clients that the host has seen."""
    from webhooks.kms_host.register import Register

    return Register(folder.register)


def save(folder: Folder, installed: Installed, as_json: bool) -> None:
    """Keep what is installed, or say why it cannot be kept and end."""
    try:
        folder.save(installed)
    except OSError as error:
        refuse("FILE_UNWRITABLE", f"{folder.file} cannot be written: {error.strerror}.", as_json)


def host_facts(installed: Installed) -> dict[str, Any]:
    """What every command of this group answers with."""
    from keys.groups import grouped

    standing = installed.standing(datetime.now(UTC).date())
    answer = installed.state.confirmation_id
    return {
        "family": installed.package.family,
        "product": installed.package.build.product,
        "serial": installed.package.serial,
        "last_five": installed.state.last_five,
        "line": installed.package.build.line,
        "installation_id": grouped(installed.state.installation_id),
        "confirmation_id": None if answer is None else grouped(answer),
        "valid_until": None if standing.ends is None else standing.ends.isoformat(),
        "state": standing.status.value,
    }


def refuse_input(error: BadInput, as_json: bool) -> NoReturn:
    """Say in a sentence what was wrong with the input, and end."""
    from keys.device.host_package import InvalidPackage
    from webhooks.device_words import said

    if isinstance(error, InvalidPackage):
        refuse("PACKAGE_DAMAGED", "That file is no package of a licence host.", as_json)
    refuse(*said(error), as_json)
