"""The folder of a licence host: its package, its key's state and its hardware in one file, its register in another.

Rule: a file is replaced whole or not at all, readable by its owner only; the key that signs leases stands in neither.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TextIO

from keys.device import hardware, host, host_package, store
from keys.device.hardware import Hardware
from keys.device.host_package import Package
from keys.device.state import State
from keys.device.store import FileDamaged
from keys.errors import BadInput
from webhooks.kms_host.this_machine import parts

FILE = "host.json"
LOCK = "serving.lock"
REGISTER = "clients.db"


@dataclass(frozen=True, slots=True)
class Installed:
    """What is installed: the package, the state of its key, and hardware to pretend (None: this machine's own)."""

    package: Package
    state: State
    pretended: Hardware | None = None

    @property
    def hardware(self) -> Hardware:
        """The parts of the machine it runs on."""
        return parts() if self.pretended is None else self.pretended

    def standing(self, today: date) -> host.Standing:
        """How the host stands today."""
        return host.standing(self.package, self.state, self.hardware, today)


@dataclass(frozen=True, slots=True)
class Folder:
    """A licence host's folder."""

    path: Path

    @property
    def file(self) -> Path:
        """What is installed."""
        return self.path / FILE

    @property
    def register(self) -> Path:
        """The clients it has seen."""
        return self.path / REGISTER

    def taken(self) -> TextIO | None:
        """The folder, for one process to serve until it ends or closes this; None where another serves it."""
        lock = os.fdopen(os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600), "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        return lock

    def load(self) -> Installed:
        """What is installed. Raises FileNotFoundError, or FileDamaged for a file that is none of ours."""
        facts = store.read(self.file)
        try:
            pretended = facts.get("hardware")
            return Installed(
                host_package.read(_mapping(facts.get("package"))),
                State.from_facts(_mapping(facts.get("state"))),
                None if pretended is None else hardware.from_facts(_mapping(pretended)),
            )
        except BadInput as error:
            raise FileDamaged(self.file) from error

    def returned(self) -> tuple[str, ...]:
        """The installations that were given back here: dead, whatever is installed over them."""
        try:
            return self.load().state.returned
        except (FileNotFoundError, FileDamaged):
            return ()

    def save(self, installed: Installed) -> None:
        """Keep what is installed. Raises OSError, leaving what was."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        pretended = installed.pretended
        facts = {
            "package": installed.package.to_facts(),
            "state": installed.state.to_facts(),
            "hardware": None if pretended is None else hardware.to_facts(pretended),
        }
        store.write(self.file, facts)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
