"""`touchtone device`: an offline machine to rehearse with.

One rule: the commands do only what a publisher's own product would do with `keys.device`; they open no database and no
network. One file stands for the whole simulated machine: its build, its hardware and its state.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from webhooks.cli.output import refuse, show

if TYPE_CHECKING:
    from keys.device.build import ProductBuild
    from keys.device.hardware import Hardware
    from keys.device.machine import State
    from keys.errors import BadInput

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_state_file = click.option(
    "--state", "path", required=True, type=_FILE, help="The file that stands for the simulated machine."
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_today = click.option(
    "--today", type=click.DateTime(["%Y-%m-%d"]), default=None, help="The machine's date, instead of today's."
)


@dataclass(frozen=True, slots=True)
class SimulatedMachine:
    """What the one file holds: the product's build, the machine's hardware, and what the product stored."""

    build: ProductBuild
    hardware: Hardware
    state: State


@click.group()
def device() -> None:
    """The device side: an offline machine to rehearse with."""


def _hardware_options(command: Callable[..., None]) -> Callable[..., None]:
    """The two ways to say what hardware a simulated machine has."""
    from_file = click.option("--hardware", "hardware_file", type=_FILE, help="The machine's parts, as JSON.")
    from_name = click.option("--seed", help="Or a name, from which stable parts are made up.")
    return from_file(from_name(command))


@device.command()
@click.option("--build", "build_file", required=True, type=_FILE, help="The product's build, as JSON.")
@click.option(
    "--state", "path", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to be made."
)
@_hardware_options
@click.option("--again", is_flag=True, help="Install over an earlier installation; needs a new activation.")
@_as_json
@click.argument("product_key")
def install(
    build_file: Path,
    path: Path,
    hardware_file: Path | None,
    seed: str | None,
    again: bool,
    as_json: bool,
    product_key: str,
) -> None:
    """Install PRODUCT_KEY on a simulated machine and make its installation ID."""
    from keys.device import machine, store
    from keys.device.build import ProductBuild
    from keys.device.hardware import simulated
    from keys.errors import BadInput

    if path.exists() and not again:
        refuse("already_installed", f"{path} holds an installation already; --again makes a new one.", as_json)
    try:
        build = ProductBuild.from_facts(store.read(build_file))
        hardware = _hardware(hardware_file, seed) or simulated("touchtone")
        nonce = secrets.randbelow(1 << build.id_format.nonce_bits)
        state = machine.install(build, product_key, hardware, nonce)
    except BadInput as error:
        _refuse_input(error, as_json)
    made = SimulatedMachine(build, hardware, state)
    _save(path, made, as_json)
    show(_facts(made, None), as_json)


@device.command()
@_state_file
@click.option("--qr", type=click.Choice(["sms", "tel"]), help="Also show a QR code: to text the ID, or to call.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Write the QR code to this file instead.")
@_as_json
def iid(path: Path, qr: str | None, svg: Path | None, as_json: bool) -> None:
    """Show the installation ID, always the one made at installation."""
    shown = _load(path, as_json)
    facts = _facts(shown, None)
    if qr is None and svg is None:
        show(facts, as_json)
        return
    if shown.build.line is None:
        refuse("no_line", "This product's build names no line to call or text.", as_json)
    from keys.device.qr import call_link, text_link
    from keys.device.qr import svg as drawn
    from keys.device.qr import terminal as printed

    make = call_link if qr == "tel" else text_link
    link = make(shown.build.line, shown.state.installation_id)
    if svg is not None:
        try:
            svg.write_text(drawn(link), encoding="utf-8")
        except OSError as error:
            refuse("file_unwritable", f"{svg} cannot be written: {error.strerror}.", as_json)
    show({**facts, "link": link}, as_json)
    if svg is None and not as_json:
        click.echo(printed(link))


@device.command()
@_state_file
@click.option("--pair", "saved_iid", help="The installation ID of a saved pair, to adopt it after a re-image.")
@_hardware_options
@_today
@_as_json
@click.argument("confirmation_id", nargs=-1, required=True)
def confirm(
    path: Path,
    saved_iid: str | None,
    hardware_file: Path | None,
    seed: str | None,
    today: datetime | None,
    as_json: bool,
    confirmation_id: tuple[str, ...],
) -> None:
    """Deposit CONFIRMATION_ID, in one word or in blocks."""
    from keys.device import machine
    from keys.errors import BadInput

    shown = _load(path, as_json)
    text = " ".join(confirmation_id)
    try:
        here = _hardware(hardware_file, seed) or shown.hardware
        if saved_iid is None:
            state = machine.deposit(shown.build, shown.state, text)
        else:
            state = machine.deposit_pair(shown.build, shown.state, saved_iid, text, here, _day(today))
    except BadInput as error:
        _refuse_input(error, as_json)
    kept = SimulatedMachine(shown.build, here, state)
    _save(path, kept, as_json)
    show(_facts(kept, today), as_json)


@device.command()
@_state_file
@_hardware_options
@_today
@_as_json
def status(path: Path, hardware_file: Path | None, seed: str | None, today: datetime | None, as_json: bool) -> None:
    """Show how things stand; other hardware or another date can be tried without changing the machine."""
    from keys.errors import BadInput

    shown = _load(path, as_json)
    try:
        here = _hardware(hardware_file, seed) or shown.hardware
    except BadInput as error:
        _refuse_input(error, as_json)
    show(_facts(SimulatedMachine(shown.build, here, shown.state), today), as_json)


@device.command()
@_state_file
@_as_json
def pair(path: Path, as_json: bool) -> None:
    """Show the pair to keep: with it the machine is activated again after a re-image, without a call."""
    from keys.device import machine
    from keys.groups import grouped

    saved = machine.pair(_load(path, as_json).state)
    if saved is None:
        refuse("no_confirmation_id", "There is no confirmation ID yet, so no pair to keep.", as_json)
    show({"installation_id": grouped(saved[0]), "confirmation_id": grouped(saved[1])}, as_json)


def _day(today: datetime | None) -> date:
    """The date asked for, else the one of the clock."""
    return (today or datetime.now(UTC).astimezone()).date()


def _hardware(hardware_file: Path | None, seed: str | None) -> Hardware | None:
    """The hardware the options describe, or None. Raises InvalidHardware or FileDamaged."""
    from keys.device import hardware, store

    if hardware_file is not None:
        return hardware.from_facts(store.read(hardware_file))
    return None if seed is None else hardware.simulated(seed)


def _load(path: Path, as_json: bool) -> SimulatedMachine:
    """The machine in the file, or a refusal."""
    from keys.device import hardware, store
    from keys.device.build import ProductBuild
    from keys.device.machine import State
    from keys.errors import BadInput

    try:
        facts = store.read(path)
        build, parts, state = (_mapping(facts.get(name)) for name in ("build", "hardware", "state"))
        return SimulatedMachine(ProductBuild.from_facts(build), hardware.from_facts(parts), State.from_facts(state))
    except BadInput as error:
        refuse(
            "state_damaged",
            f"{path} is no machine made by `touchtone device install` ({type(error).__name__}).",
            as_json,
        )


def _mapping(value: object) -> Mapping[str, object]:
    """A part of the file; what is no mapping counts as an empty one, which its reader then refuses."""
    return value if isinstance(value, dict) else {}


def _save(path: Path, machine: SimulatedMachine, as_json: bool) -> None:
    """Write the machine's one file, or refuse."""
    from keys.device import hardware, store

    facts = {
        "build": machine.build.to_facts(),
        "hardware": hardware.to_facts(machine.hardware),
        "state": machine.state.to_facts(),
    }
    try:
        store.write(path, facts)
    except OSError as error:
        refuse("file_unwritable", f"{path} cannot be written: {error.strerror}.", as_json)


def _facts(shown: SimulatedMachine, today: datetime | None) -> dict[str, Any]:
    """What every command of this group answers with."""
    from keys.device import machine
    from keys.groups import grouped

    state = machine.status(shown.build, shown.state, shown.hardware, _day(today))
    answer = shown.state.confirmation_id
    ended = state in (machine.Status.ACTIVATED, machine.Status.EXPIRED)
    until = machine.valid_until(shown.build, shown.state) if ended else None
    return {
        "product": shown.build.product,
        "product_name": shown.build.name,
        "last_five": shown.state.last_five,
        "installation_id": grouped(shown.state.installation_id),
        "confirmation_id": None if answer is None else grouped(answer),
        "valid_until": None if until is None else until.isoformat(),
        "state": state.value,
    }


def _refuse_input(error: BadInput, as_json: bool) -> NoReturn:
    """Say in a sentence what was wrong with the input."""
    from webhooks.device_words import said

    refuse(*said(error), as_json)
