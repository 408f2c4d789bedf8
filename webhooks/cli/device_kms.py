"""`touchtone device kms`: a copy of a volume edition that a licence host on the network leases, to rehearse with.

One rule: the commands do only what a publisher's own product would do with `keys.device`. The network is the customer's
own: its name service and its licence hosts.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.device import device
from webhooks.cli.output import refuse, show
from webhooks.cli.simulated import SimulatedCopy, hardware_of, load_copy, refuse_input, save_copy

if TYPE_CHECKING:
    from keys.device.asking import Tried

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_state_file = click.option("--state", "path", required=True, type=_FILE, help="The file that stands for the machine.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_at = click.option(
    "--at", type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]), help="The machine's clock (UTC), instead of now."
)


@device.group()
def kms() -> None:
    """A copy that a licence host on the network leases."""


def _hardware_options(command: Callable[..., None]) -> Callable[..., None]:
    from_file = click.option("--hardware", "hardware_file", type=_FILE, help="The machine's parts, as JSON.")
    from_name = click.option("--seed", help="Or a name, from which stable parts are made up.")
    return from_file(from_name(command))


def _where_options(command: Callable[..., None]) -> Callable[..., None]:
    given = click.option("--host", "hosts", multiple=True, help="ADDRESS or ADDRESS:PORT of a host; may be repeated.")
    named = click.option("--domain", help="Else the domain whose name service names the hosts.")
    server = click.option("--name-server", help="ADDRESS:PORT of the name server to ask, instead of the system's.")
    name = click.option("--name", help="What the machine calls itself, instead of its host name.")
    return given(named(server(name(command))))


@kms.command()
@click.option("--build", "build_file", required=True, type=_FILE, help="The volume edition's build, as JSON.")
@click.option(
    "--state", "path", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to be made."
)
@_hardware_options
@_as_json
def begin(build_file: Path, path: Path, hardware_file: Path | None, seed: str | None, as_json: bool) -> None:
    """Start a fresh copy with the client key that is built in."""
    from keys.device import leasing, store
    from keys.device.build import ProductBuild
    from keys.device.hardware import simulated
    from keys.errors import BadInput

    if path.exists():
        refuse("ALREADY_INSTALLED", f"{path} is a machine already.", as_json)
    try:
        build = ProductBuild.from_facts(store.read(build_file))
        hardware = hardware_of(hardware_file, seed) or simulated("touchtone")
        client = leasing.fresh(build, hardware, secrets.token_hex(16))
    except BadInput as error:
        refuse_input(error, as_json)
    copy = SimulatedCopy(build, hardware, client)
    save_copy(path, copy, as_json)
    show(_facts(copy, None), as_json)


@kms.command()
@_state_file
@_where_options
@_at
@click.option("--when-due", is_flag=True, help="Do nothing before the next try is due, as a product would.")
@_as_json
def ask(
    path: Path,
    hosts: tuple[str, ...],
    domain: str | None,
    name_server: str | None,
    name: str | None,
    at: datetime | None,
    when_due: bool,
    as_json: bool,
) -> None:
    """Find a host, ask it, and keep its lease."""
    copy = load_copy(path, as_json)
    if when_due and _now(at) < _standing(copy, at).next_try:
        show({"outcome": "not_due", **_facts(copy, at)}, as_json)
        return
    copy, tried = _ask(copy, hosts, domain, name_server, name, at, as_json)
    save_copy(path, copy, as_json)
    leased = bool(tried) and tried[-1].failure is None
    outcome = {"outcome": "leased" if leased else "not_leased"}
    show({**outcome, **_facts(copy, at), **({"tried": _tried(tried)} if as_json else {})}, as_json)
    if not leased:
        for one in _tried(tried):
            click.echo(f"{one['host']}: {one['sentence']}", err=True)
        raise click.exceptions.Exit(1)


@kms.command()
@_state_file
@_where_options
@_at
@_as_json
def check(
    path: Path,
    hosts: tuple[str, ...],
    domain: str | None,
    name_server: str | None,
    name: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Say why the copy is not activated, step by step: it asks as `ask` does, and tells what each host made of it."""
    copy = load_copy(path, as_json)
    copy, tried = _ask(copy, hosts, domain, name_server, name, at, as_json)
    save_copy(path, copy, as_json)
    steps = _tried(tried)
    if as_json:
        show({**_facts(copy, at), "tried": steps}, as_json)
    else:
        show([{"host": one["host"], "step": one["step"] or "leased", "": one["sentence"]} for one in steps])
    if steps[-1]["step"] is not None:
        raise click.exceptions.Exit(1)


@kms.command()
@_state_file
@_hardware_options
@_at
@_as_json
def status(path: Path, hardware_file: Path | None, seed: str | None, at: datetime | None, as_json: bool) -> None:
    """Show how things stand; other hardware or another clock can be tried without changing the machine."""
    from keys.errors import BadInput

    copy = load_copy(path, as_json)
    try:
        here = hardware_of(hardware_file, seed) or copy.hardware
    except BadInput as error:
        refuse_input(error, as_json)
    show(_facts(replace(copy, hardware=here), at), as_json)


@kms.command("to-mak")
@_state_file
@_as_json
@click.argument("product_key")
def to_mak(path: Path, as_json: bool, product_key: str) -> None:
    """Switch the copy to the multiple activation key PRODUCT_KEY; `device iid` and `confirm` go on from there."""
    from keys.device import leasing
    from keys.errors import BadInput

    copy = load_copy(path, as_json)
    nonce = secrets.randbelow(1 << copy.build.nonce_bits)
    try:
        copy = replace(copy, client=leasing.to_mak(copy.build, copy.client, product_key, copy.hardware, nonce))
    except BadInput as error:
        refuse_input(error, as_json)
    save_copy(path, copy, as_json)
    show(_facts(copy, None), as_json)


@kms.command("to-kms")
@_state_file
@_as_json
def to_kms(path: Path, as_json: bool) -> None:
    """Switch the copy back to its client key."""
    from keys.device import leasing

    copy = load_copy(path, as_json)
    copy = replace(copy, client=leasing.to_kms(copy.client))
    save_copy(path, copy, as_json)
    show(_facts(copy, None), as_json)


@kms.command("new-identity")
@_state_file
@_as_json
def new_identity(path: Path, as_json: bool) -> None:
    """Give the copy an identity of its own: for a machine made from another's image."""
    from keys.device import leasing

    copy = load_copy(path, as_json)
    copy = replace(copy, client=leasing.renewed_identity(copy.client, secrets.token_hex(16)))
    save_copy(path, copy, as_json)
    show(_facts(copy, None), as_json)


def _ask(
    copy: SimulatedCopy,
    hosts: tuple[str, ...],
    domain: str | None,
    name_server: str | None,
    name: str | None,
    at: datetime | None,
    as_json: bool,
) -> tuple[SimulatedCopy, list[Tried]]:
    """Ask the hosts given, or those that the domain names; the copy as it then is, and what became of each host."""
    from keys import ed25519
    from keys.device import asking, leasing
    from keys.errors import BadInput

    found = list(hosts) or _found(domain, name_server, as_json)
    try:
        client, tried = asking.renew(
            copy.build,
            leasing.seen(copy.client, _now(at)),
            copy.hardware,
            now=lambda: _now(at),
            hosts=found,
            check=ed25519.check,
            name=name or socket.gethostname() or "unnamed",
        )
    except BadInput as error:
        refuse_input(error, as_json)
    return replace(copy, client=client), tried


def _found(domain: str | None, name_server: str | None, as_json: bool) -> list[str]:
    from keys.device.finding import NoAddress, NotFound, address, ordered
    from keys.device.name_service import looked_up

    if domain is None:
        refuse("NO_HOST", "Say where to ask: --host ADDRESS, or --domain DOMAIN.", as_json)
    try:
        records = looked_up(domain, name_server=None if name_server is None else address(name_server))
    except NoAddress:
        refuse("NO_ADDRESS", f"{name_server} is no ADDRESS:PORT of a name server.", as_json)
    except NotFound as error:
        why = "names no host there" if error.answered else "does not answer"
        refuse("DNS", f"The name service {why} ({error.name}, SRV).", as_json)
    return [record.address for record in ordered(records)]


def _tried(tried: list[Tried]) -> list[dict[str, Any]]:
    from webhooks.lease_words import step_of

    rows = []
    for one in tried:
        step, sentence = (None, "The host gave a lease.") if one.failure is None else step_of(one.failure)
        rows.append({"host": one.host, "step": step, "sentence": sentence})
    return rows


def _now(at: datetime | None) -> datetime:
    return datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)


def _standing(copy: SimulatedCopy, at: datetime | None) -> Any:
    from keys import ed25519
    from keys.device import leasing

    return leasing.standing(copy.build, copy.client, copy.hardware, _now(at), ed25519.check)


def _facts(copy: SimulatedCopy, at: datetime | None) -> dict[str, Any]:
    """What every command of this group answers with."""
    standing = _standing(copy, at)
    lease = standing.lease
    switched = copy.client.mak is not None
    return {
        "product": copy.build.product,
        "product_name": copy.build.name,
        "family": copy.build.edition.family,
        "last_five": copy.client.mak.last_five if copy.client.mak else copy.client.last_five,
        "licensed_by": "mak" if switched else "kms",
        "client": copy.client.identity,
        "state": standing.status.value,
        "host": copy.client.host,
        "ends": None if lease is None or lease.ends is None else lease.ends.isoformat(),
        "count": None if lease is None else lease.count,
        "next_try": None if switched else standing.next_try.isoformat(),
    }
