"""The parts of the machine that this program runs on, as far as Linux tells them.

Rule: what cannot be read is absent, and what is virtual or removable says so; nothing is made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from keys.device.hardware import Component, Hardware

_ROOT = Path("/")
_MEANT_NOTHING = re.compile(
    r"^(0+|f+|none|n/?a|default string|to be filled.*|not specified|system serial number)$", re.IGNORECASE
)
_REMOVABLE_DISKS = ("sr", "fd", "loop", "ram", "zram", "dm-", "md", "nbd")


def parts(root: Path = _ROOT) -> Hardware:
    """Its parts, by component class. `root` is where the system's own files stand."""
    dmi = root / "sys/class/dmi/id"
    found = {
        # Where the firmware tells nothing, as in a container, the identity that the system was installed with.
        "machine": _first(dmi / "product_uuid", dmi / "product_serial", root / "etc/machine-id"),
        "board": _first(dmi / "board_serial"),
        "disk": tuple(_disks(root / "sys/block")),
        "network": tuple(_cards(root / "sys/class/net")),
        "processor": _line(root / "proc/cpuinfo", r"^model name\s*:\s*(.+)$"),
        "memory": _line(root / "proc/meminfo", r"^MemTotal:\s*(\d+) kB$"),
    }
    return {name: here for name, here in found.items() if here}


def _first(*files: Path) -> tuple[Component, ...]:
    for file in files:
        text = _text(file)
        if text and not _MEANT_NOTHING.match(text):
            return (Component(text),)
    return ()


def _disks(folder: Path) -> Iterator[Component]:
    for disk in _inside(folder):
        serial = _text(disk / "device/serial") or _text(disk / "device/wwid") or _text(disk / "wwid")
        if serial:
            removable = disk.name.startswith(_REMOVABLE_DISKS) or _text(disk / "removable") == "1"
            yield Component(serial, removable=removable)


def _cards(folder: Path) -> Iterator[Component]:
    for card in _inside(folder):
        address = _text(card / "address")
        if address and address.strip("0:"):
            # A card without a device behind it is a bridge, a tunnel or a container's end of one.
            yield Component(address, virtual=not (card / "device").exists())


def _line(file: Path, pattern: str) -> tuple[Component, ...]:
    found = re.search(pattern, _text(file), re.MULTILINE)
    return (Component(found[1]),) if found else ()


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
