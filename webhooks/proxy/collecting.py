"""Reports from many machines, out of a folder, a CSV file or ssh, taken into the list.

One rule: one bad file, line or host spoils no other. What is sound is taken, all else is told with its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from keys.device import store
from keys.device.machine import Status
from keys.device.paper import MachineReport
from keys.errors import BadInput
from webhooks.device_words import said
from webhooks.proxy import fleet
from webhooks.proxy.csv_file import read_rows
from webhooks.proxy.faults import FileFault
from webhooks.proxy.over_ssh import Answered

LARGEST_REPORT = 64 * 1024
LARGEST_LIST = 64 * 1024 * 1024
"""Bytes of one file, at most."""


@dataclass(frozen=True, slots=True)
class Found:
    """A report, and where it came from: `host` is the address ssh reached it at, if it did."""

    report: MachineReport
    source: str
    line: int | None = None
    host: str | None = None


@dataclass(slots=True)
class Collected:
    """What came of it: how many reports were taken, how many of them from machines not known before, the faults."""

    taken: int = 0
    new: int = 0
    faults: list[FileFault] = field(default_factory=list)

    def to_facts(self) -> dict[str, Any]:
        """The same as JSON values."""
        faults = [{"file": fault.file, "line": fault.line, "reason": fault.reason} for fault in self.faults]
        return {"taken": self.taken, "new": self.new, "faults": faults}


def take(
    connection: Connection, found: Iterable[Found | FileFault], now: datetime, into: Collected | None = None
) -> Collected:
    """Take reports into the list. A second machine of the same name and product in one run is a fault."""
    collected = into or Collected()
    seen: dict[tuple[str, int], str] = {}
    for one in found:
        if isinstance(one, FileFault):
            collected.faults.append(one)
            continue
        known = seen.setdefault((one.report.name, one.report.product), one.report.installation_id or "")
        if known != (one.report.installation_id or ""):
            collected.faults.append(FileFault(one.source, one.line, f"is a second machine called {one.report.name}"))
            continue
        collected.new += fleet.note(connection, one.report, source=one.source, host=one.host, now=now)
        collected.taken += 1
    return collected


def in_folder(folder: Path) -> Iterator[Found | FileFault]:
    """Every `*.json` below a folder: reports, or what `device status --json` prints, named by the file then."""
    for path in sorted(folder.rglob("*.json")):
        try:
            if path.stat().st_size > LARGEST_REPORT:
                yield FileFault(path, None, "is far larger than a report")
                continue
            yield _report(path.read_bytes(), path, path.stem)
        except OSError as error:
            yield FileFault(path, None, f"cannot be read: {error.strerror}")


def in_csv(path: Path) -> Iterator[Found | FileFault]:
    """Every row of a CSV file, whose columns `webhooks.proxy.csv_file.COLUMNS` names. No state means: not activated."""
    try:
        if path.stat().st_size > LARGEST_LIST:
            yield FileFault(path, None, "is far larger than a list of machines")
            return
        content = path.read_bytes()
    except OSError as error:
        yield FileFault(path, None, f"cannot be read: {error.strerror}")
        return
    rows = read_rows(path, content)
    while True:
        try:
            row = next(rows, None)
        except FileFault as fault:
            yield fault
            return
        if row is None:
            return
        facts: dict[str, Any] = {"state": Status.AWAITING_CONFIRMATION.value, **row.facts}
        product = facts.get("product", "")
        if isinstance(product, str) and product.isascii() and product.isdigit() and len(product) < 10:
            facts["product"] = int(product)
        try:
            yield Found(MachineReport.from_facts(facts), str(path), row.line)
        except BadInput as error:
            yield FileFault(path, row.line, _why(error))


def over_ssh(answers: Iterable[Answered]) -> Iterator[Found | FileFault]:
    """What hosts printed; a machine is called as the list of hosts calls it."""
    for answered in answers:
        if answered.trouble is not None:
            yield FileFault(answered.host.address, None, answered.trouble)
            continue
        read = _report(answered.printed, Path(answered.host.address), answered.host.name, rename=True)
        yield (
            Found(read.report, f"ssh {answered.host.address}", None, answered.host.address)
            if isinstance(read, Found)
            else read
        )


def _report(content: bytes, path: Path, name: str, *, rename: bool = False) -> Found | FileFault:
    try:
        facts = store.facts_in(content, path)
        return Found(MachineReport.from_facts({**facts, "name": name} if rename else facts, name), str(path))
    except store.FileDamaged:
        return FileFault(path, None, "is not a JSON object")
    except BadInput as error:
        return FileFault(path, None, _why(error))


def _why(error: BadInput) -> str:
    """The device's own words about bad input, as the end of a sentence."""
    words = said(error)[1].rstrip(".")
    return words[:1].lower() + words[1:]
