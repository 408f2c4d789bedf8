"""The rehearsal page's pretend machines: each visitor gets one with hardware of its own, awaiting its activation.

Rule: a page is told what a screen would show and nothing else; the product key, its secret and the build stay here.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from keys.confirmation_id import LETTERS, InvalidConfirmationID, check_block
from keys.device import machine
from keys.device.hardware import Hardware, simulated
from keys.device.qr import call_link, svg, text_link
from keys.device.state import State
from keys.groups import GroupFault, split
from webhooks.phone_file import Installable

MOST_KEPT = 256
PLACES = ("bridge", "wheelhouse", "engine-room", "chart-table", "radio-room", "cargo-control", "galley", "crows-nest")


@dataclass(frozen=True, slots=True)
class Machine:
    """One pretend machine: its id in addresses, the name its hardware is made from, and what the product stored."""

    id: str
    name: str
    hardware: Hardware = field(repr=False)
    state: State = field(repr=False)


class Machines:
    """All machines of this process's page; the ones longest untouched are forgotten first."""

    def __init__(self, installable: Installable) -> None:
        self._build = installable.build
        self._product_key = installable.product_key
        self._kept: OrderedDict[str, Machine] = OrderedDict()
        self._changing = threading.Lock()

    def make(self) -> Machine:
        """A machine that never was before, with the product key installed. Raises keys.errors.BadInput."""
        name = f"{secrets.choice(PLACES)}-{secrets.token_hex(2)}"
        hardware = simulated(name)
        nonce = secrets.randbelow(1 << self._build.nonce_bits)
        state = machine.install(self._build, self._product_key, hardware, nonce)
        made = Machine(secrets.token_urlsafe(12), name, hardware, state)
        self._keep(made)
        return made

    def find(self, name: str) -> Machine | None:
        """The machine of that id, while it is kept."""
        with self._changing:
            found = self._kept.get(name)
            if found is not None:
                self._kept.move_to_end(name)
            return found

    def confirm(self, found: Machine, blocks: list[str]) -> Machine:
        """Deposit a confirmation ID given block by block. Raises InvalidConfirmationID with all that is wrong."""
        faults = tuple(fault for number, text in enumerate(blocks, 1) if (fault := self.block_fault(number, text)))
        if faults:
            raise InvalidConfirmationID(faults)
        kept = replace(found, state=machine.deposit(self._build, found.state, " ".join(blocks)))
        self._keep(kept)
        return kept

    def block_fault(self, number: int, text: str) -> GroupFault | None:
        """What is wrong with one block by itself, or None; said while the next one is still being read."""
        return check_block(self._build.id_format, number, text.strip())

    def shown(self, found: Machine) -> dict[str, Any]:
        """What its screen shows."""
        build, state = self._build, found.state
        today = datetime.now(UTC).astimezone().date()
        return {
            "id": found.id,
            "name": found.name,
            "product": build.name,
            "last_five": state.last_five,
            "installation_id": list(split(state.installation_id)),
            "blocks": list(LETTERS[: build.blocks]),
            "confirmation_id": None if state.confirmation_id is None else list(split(state.confirmation_id)),
            "state": str(machine.status(build, state, found.hardware, today)),
            "line": build.line,
            "call_link": build.line and call_link(build.line, state.installation_id),
        }

    def picture(self, found: Machine, kind: str) -> str | None:
        """The QR code, as SVG, that calls (`call`) or texts (`text`) the line; None without a line in the build."""
        if self._build.line is None:
            return None
        make = call_link if kind == "call" else text_link
        return svg(make(self._build.line, found.state.installation_id))

    def _keep(self, made: Machine) -> None:
        with self._changing:
            self._kept[made.id] = made
            self._kept.move_to_end(made.id)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
