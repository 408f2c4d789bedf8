"""The one file that stands for a simulated machine: its product's build, its hardware, and what the product stored.

One rule: it is read whole or refused, and replaced whole. A copy that a licence host leases has its `client` in it, and
a `state` only while it is switched to a multiple activation key. The builds of further members of a suite stand in
`members`: they share the one state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from webhooks.cli.output import refuse

if TYPE_CHECKING:
    from keys.device.build import ProductBuild
    from keys.device.client import Client
    from keys.device.hardware import Hardware
    from keys.device.state import State
    from keys.errors import BadInput


@dataclass(frozen=True, slots=True)
class SimulatedMachine:
    """What the one file holds: the product's build, the machine's hardware, and what the product stored.

    `members` are the builds of the other members of a suite that were installed on the machine as well.
    """

    build: ProductBuild
    hardware: Hardware
    state: State
    client: Client | None = None
    members: tuple[ProductBuild, ...] = ()


@dataclass(frozen=True, slots=True)
class SimulatedCopy:
    """What the file of a leased copy holds."""

    build: ProductBuild
    hardware: Hardware
    client: Client


def day_of(today: datetime | None) -> date:
    """The date asked for, else the one of the clock."""
    return (today or datetime.now(UTC).astimezone()).date()


def hardware_of(hardware_file: Path | None, seed: str | None) -> Hardware | None:
    """The hardware the options describe, or None. Raises InvalidHardware or FileDamaged."""
    from keys.device import hardware, store

    if hardware_file is not None:
        return hardware.from_facts(store.read(hardware_file))
    return None if seed is None else hardware.simulated(seed)


def load(path: Path, as_json: bool) -> SimulatedMachine:
    """The machine in the file, or a refusal."""
    from keys.device import hardware, store
    from keys.device.build import ProductBuild
    from keys.device.state import State
    from keys.errors import BadInput

    try:
        facts = store.read(path)
        build, parts, state = (_mapping(facts.get(name)) for name in ("build", "hardware", "state"))
        if facts.get("client") is not None:
            copy = load_copy(path, as_json)
            if copy.client.mak is None:
                refuse(
                    "LEASED", f"{path} is leased by a licence host; `touchtone device kms to-mak` switches it.", as_json
                )
            return SimulatedMachine(copy.build, copy.hardware, copy.client.mak, copy.client)
        others = facts.get("members")
        members = [ProductBuild.from_facts(_mapping(each)) for each in (others if isinstance(others, list) else [])]
        kept = ProductBuild.from_facts(build), hardware.from_facts(parts), State.from_facts(state)
        return SimulatedMachine(*kept, members=tuple(members))
    except BadInput as error:
        refuse(
            "STATE_DAMAGED",
            f"{path} is no machine made by `touchtone device install` ({type(error).__name__}).",
            as_json,
        )


def outlasting(path: Path) -> tuple[tuple[str, ...], tuple[ProductBuild, ...]]:
    """What outlasts a new installation on the machine in the file: the installations given back, and the builds."""
    from keys.device import store
    from keys.device.build import ProductBuild
    from keys.device.state import returned_in
    from keys.errors import BadInput

    try:
        facts = store.read(path)
        kept = [_mapping(facts.get(name)) for name in ("client", "state")]
        others = facts.get("members")
        builds = [facts.get("build"), *(others if isinstance(others, list) else [])]
        returned = dict.fromkeys(iid for part in kept for iid in returned_in(part))
        return tuple(returned), tuple(ProductBuild.from_facts(_mapping(each)) for each in builds)
    except (BadInput, OSError):
        return (), ()  # no machine's file


def load_copy(path: Path, as_json: bool) -> SimulatedCopy:
    """The leased copy in the file, or a refusal."""
    from keys.device import client, hardware, store
    from keys.device.build import ProductBuild
    from keys.errors import BadInput

    try:
        facts = store.read(path)
        build, parts, kept = (_mapping(facts.get(name)) for name in ("build", "hardware", "client"))
        found = client.from_facts({**kept, "mak": facts.get("state")})
        return SimulatedCopy(ProductBuild.from_facts(build), hardware.from_facts(parts), found)
    except BadInput as error:
        refuse(
            "STATE_DAMAGED",
            f"{path} is no copy made by `touchtone device kms begin` ({type(error).__name__}).",
            as_json,
        )


def _mapping(value: object) -> Mapping[str, object]:
    """A part of the file; what is no mapping counts as an empty one, which its reader then refuses."""
    return value if isinstance(value, dict) else {}


def save(path: Path, machine: SimulatedMachine, as_json: bool) -> None:
    """Write the machine's one file, or refuse."""
    if machine.client is not None:
        save_copy(
            path, SimulatedCopy(machine.build, machine.hardware, replace(machine.client, mak=machine.state)), as_json
        )
        return
    stored: dict[str, object] = {"state": machine.state.to_facts()}
    if machine.members:
        stored["members"] = [member.to_facts() for member in machine.members]
    _write(path, machine, stored, as_json)


def save_copy(path: Path, copy: SimulatedCopy, as_json: bool) -> None:
    """Write the leased copy's one file, or refuse."""
    from keys.device import client

    facts = client.to_facts(copy.client)
    _write(path, copy, {"state": facts.pop("mak"), "client": facts}, as_json)


def _write(path: Path, whole: SimulatedMachine | SimulatedCopy, stored: dict[str, object], as_json: bool) -> None:
    from keys.device import hardware, store

    facts = {"build": whole.build.to_facts(), "hardware": hardware.to_facts(whole.hardware), **stored}
    try:
        store.write(path, facts)
    except OSError as error:
        refuse("FILE_UNWRITABLE", f"{path} cannot be written: {error.strerror}.", as_json)


def facts_of(shown: SimulatedMachine, today: datetime | None) -> dict[str, Any]:
    """What every command of this group answers with."""
    from keys.device import machine
    from keys.groups import grouped

    def standing(build: ProductBuild) -> str:
        return machine.status(build, shown.state, shown.hardware, day_of(today)).value

    own = shown.build.of(shown.state.product)
    state = machine.status(shown.build, shown.state, shown.hardware, day_of(today))
    answer = shown.state.confirmation_id
    ended = state in (machine.Status.ACTIVATED, machine.Status.EXPIRED)
    until = machine.valid_until(shown.build, shown.state) if ended else None
    members = {member.name: standing(member) for member in (shown.build, *shown.members)}
    return {
        "product": own.product,
        "product_name": own.name,
        "last_five": shown.state.last_five,
        "installation_id": grouped(shown.state.installation_id),
        "confirmation_id": None if answer is None else grouped(answer),
        "valid_until": None if until is None else until.isoformat(),
        "state": state.value,
        # A suite's number is that of no copy; its members on this machine are.
        **({} if own is shown.build else {"members": members}),
    }


def refuse_input(error: BadInput, as_json: bool) -> NoReturn:
    """Say in a sentence what was wrong with the input."""
    from webhooks.device_words import said

    refuse(*said(error), as_json)
