"""`touchtone device`: an offline machine to rehearse with.

One rule: the commands do only what a publisher's own product would do with `keys.device`; they open no database and no
network.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from webhooks.cli.device_screen import Screen
from webhooks.cli.output import refuse, show
from webhooks.cli.simulated import (
    SimulatedMachine,
    day_of,
    facts_of,
    hardware_of,
    load,
    outlasting,
    refuse_input,
    save,
)

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_state_file = click.option(
    "--state", "path", required=True, type=_FILE, help="The file that stands for the simulated machine."
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_today = click.option(
    "--today", type=click.DateTime(["%Y-%m-%d"]), default=None, help="The machine's date, instead of today's."
)


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
    """Install PRODUCT_KEY on a simulated machine and make its installation ID.

    A suite's key that another member has installed there is not installed again: the machine is one activation, and
    the build is added to it.
    """
    from keys.device import machine, store
    from keys.device.build import ProductBuild
    from keys.device.hardware import simulated
    from keys.errors import BadInput

    if path.exists() and not again:
        if _join(path, build_file, product_key, as_json):
            return
        refuse("ALREADY_INSTALLED", f"{path} holds an installation already; --again makes a new one.", as_json)
    try:
        build = ProductBuild.from_facts(store.read(build_file))
        hardware = hardware_of(hardware_file, seed) or simulated("touchtone")
        nonce = secrets.randbelow(1 << build.nonce_bits)
        returned, builds = outlasting(path)
        state = machine.install(build, product_key, hardware, nonce, returned=returned)
    except BadInput as error:
        refuse_input(error, as_json)
    # With a suite's key, what else of the suite is on the machine is installed anew with it.
    members = tuple(each for each in builds if each.product != build.product and each.under(state.product))
    made = SimulatedMachine(build, hardware, state, members=members)
    save(path, made, as_json)
    show(facts_of(made, None), as_json)


def _join(path: Path, build_file: Path, product_key: str, as_json: bool) -> bool:
    """Add a further member of a suite to the machine, if the suite's key is installed there already."""
    from keys.device import machine, store
    from keys.device.build import ProductBuild
    from keys.errors import BadInput

    there = load(path, as_json)
    try:
        build = ProductBuild.from_facts(store.read(build_file))
        known = {member.product for member in (there.build, *there.members)}
        if build.product in known or not machine.is_installed(build, there.state, product_key):
            return False
    except BadInput as error:
        refuse_input(error, as_json)
    joined = replace(there, members=(*there.members, build))
    save(path, joined, as_json)
    show(facts_of(joined, None), as_json)
    return True


@device.command()
@_state_file
@click.option("--qr", type=click.Choice(["sms", "tel"]), help="Also show a QR code: to text the ID, or to call.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Write the QR code to this file instead.")
@click.option(
    "--page", type=click.Path(dir_okay=False, path_type=Path), help="Write the screen as a page, to print too."
)
@click.option("--locale", default="en-US", show_default=True, help="The language of the page.")
@_as_json
def iid(path: Path, qr: str | None, svg: Path | None, page: Path | None, locale: str, as_json: bool) -> None:
    """Show the installation ID, always the one made at installation."""
    shown = load(path, as_json)
    facts = facts_of(shown, None)
    if page is not None:
        Screen(shown, as_json).page(page, locale)
        facts = {**facts, "page": str(page)}
    if qr is None and svg is None:
        show(facts, as_json)
        return
    screen = Screen(shown, as_json)
    link = screen.link(by_text=qr != "tel")
    if svg is not None:
        screen.code(svg, link)
    show({**facts, "link": link}, as_json)
    if svg is None and not as_json:
        from keys.device.qr import terminal as printed

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

    shown = load(path, as_json)
    text = " ".join(confirmation_id)
    try:
        here = hardware_of(hardware_file, seed) or shown.hardware
        if saved_iid is None:
            state = machine.deposit(shown.build, shown.state, text)
        else:
            state = machine.deposit_pair(shown.build, shown.state, saved_iid, text, here, day_of(today))
    except BadInput as error:
        refuse_input(error, as_json)
    kept = replace(shown, hardware=here, state=state)
    save(path, kept, as_json)
    show(facts_of(kept, today), as_json)


@device.command()
@_state_file
@_hardware_options
@_today
@_as_json
def status(path: Path, hardware_file: Path | None, seed: str | None, today: datetime | None, as_json: bool) -> None:
    """Show how things stand; other hardware or another date can be tried without changing the machine."""
    from keys.errors import BadInput

    shown = load(path, as_json)
    try:
        here = hardware_of(hardware_file, seed) or shown.hardware
    except BadInput as error:
        refuse_input(error, as_json)
    show(facts_of(replace(shown, hardware=here), today), as_json)


@device.command()
@_state_file
@_as_json
def pair(path: Path, as_json: bool) -> None:
    """Show the pair to keep: with it the machine is activated again after a re-image, without a call."""
    from keys.device import machine
    from keys.groups import grouped

    saved = machine.pair(load(path, as_json).state)
    if saved is None:
        refuse("NO_CONFIRMATION_ID", "There is no confirmation ID yet, so no pair to keep.", as_json)
    show({"installation_id": grouped(saved[0]), "confirmation_id": grouped(saved[1])}, as_json)


@device.command()
@_state_file
@click.option("--name", help="What the administrator calls this machine; else its host name.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to this file instead.")
@_today
@_as_json
def report(path: Path, name: str | None, out: Path | None, today: datetime | None, as_json: bool) -> None:
    """Report how this machine stands, as JSON, for an administrator's `touchtone proxy collect`."""
    import platform

    from keys.device import store
    from keys.device.paper import MachineReport
    from keys.errors import BadInput

    try:
        facts = MachineReport.from_facts(
            facts_of(load(path, as_json), today), name or platform.node() or None
        ).to_facts()
    except BadInput as error:
        refuse_input(error, as_json)
    if out is None:
        show(facts, as_json=True)
        return
    try:
        store.write(out, facts)
    except OSError as error:
        refuse("FILE_UNWRITABLE", f"{out} cannot be written: {error.strerror}.", as_json)


@device.command()
@_state_file
@_today
@_as_json
@click.argument("pair_file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
def deposit(path: Path, today: datetime | None, as_json: bool, pair_file: Path) -> None:
    """Deposit the pair in PAIR_FILE (- for standard input), as `touchtone proxy apply` and `reapply` write it."""
    from keys.device import machine, store
    from keys.device.paper import SavedPair
    from keys.errors import BadInput

    shown = load(path, as_json)
    try:
        given = sys.stdin.buffer.read() if str(pair_file) == "-" else pair_file.read_bytes()
        saved = SavedPair.from_facts(store.facts_in(given, pair_file))
        # A pair of this very installation may be deposited on hardware that has changed; `status` says so then.
        if saved.installation_id == shown.state.installation_id:
            state = machine.deposit(shown.build, shown.state, saved.confirmation_id)
        else:
            state = machine.deposit_pair(
                shown.build, shown.state, saved.installation_id, saved.confirmation_id, shown.hardware, day_of(today)
            )
    except BadInput as error:
        refuse_input(error, as_json)
    kept = replace(shown, state=state)
    save(path, kept, as_json)
    show(facts_of(kept, today), as_json)


@device.command("return")
@_state_file
@_hardware_options
@_as_json
def give_back(path: Path, hardware_file: Path | None, seed: str | None, as_json: bool) -> None:
    """Give the activation back: this installation is dead from now on, and its return code is shown.

    A code that was lost is shown again.
    """
    from keys.device import returning
    from keys.errors import BadInput

    shown = load(path, as_json)
    try:
        here = hardware_of(hardware_file, seed) or shown.hardware
        dead = replace(shown, state=returning.give_back(shown.build, shown.state, here))
        # What is shown is made of what is stored: no code without a dead machine, however this ends.
        save(path, dead, as_json)
        code = returning.code(dead.build, dead.state)
    except BadInput as error:
        refuse_input(error, as_json)
    show({**facts_of(dead, None), "return_code": " ".join(code)}, as_json)
