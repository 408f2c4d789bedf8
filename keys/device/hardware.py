"""The hardware fingerprint, and the vote on whether this is still the same machine.

One rule: a part that is absent, virtual or removable has no vote and costs none; among the parts that were there when
the machine was activated, those of its model alone never carry the vote.

A new processor is forgiven, a new machine of the same model is not:

>>> from keys.formats import FORMATS
>>> fmt, secret = FORMATS[1], bytes(9)
>>> pilot = simulated("wheelhouse")
>>> activated = fingerprint(fmt, pilot, secret)
>>> vote(fmt, activated, replaced(pilot, processor="another"), secret)
Vote(present=10, needed=7, matched=9)
>>> vote(fmt, activated, simulated("engine room", model="wheelhouse"), secret).passed
False
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from keys.derivation import fingerprint_key
from keys.errors import BadInput
from keys.formats import Format

USUAL_SHARE: Final = 7
DOCKABLE_SHARE: Final = 4
"""Tenths of the present votes that must match."""


class InvalidHardware(BadInput):
    """A description of hardware is not one; `part` names the component class at fault, None for the whole."""

    def __init__(self, part: str | None) -> None:
        super().__init__(part)
        self.part = part


@dataclass(frozen=True, slots=True)
class ComponentClass:
    """One fingerprint field: its votes, and whether its identity is one machine's (a serial) or a model's."""

    name: str
    votes: int
    serial_like: bool


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the machine. `identity` is its serial, address or model name; capitals and outer spaces are alike."""

    identity: str
    virtual: bool = False
    removable: bool = False


_EIGHT: Final = (
    ComponentClass("machine", 2, True),
    ComponentClass("board", 2, True),
    ComponentClass("disk", 1, True),
    ComponentClass("network", 1, True),
    ComponentClass("security_chip", 1, True),
    ComponentClass("processor", 1, False),
    ComponentClass("graphics", 1, False),
    ComponentClass("memory", 1, False),
)
_SEVEN: Final = (
    ComponentClass("machine", 2, True),
    ComponentClass("board", 2, True),
    ComponentClass("disk", 2, True),
    ComponentClass("network", 1, True),
    ComponentClass("processor", 1, False),
    ComponentClass("graphics", 1, False),
    ComponentClass("memory", 1, False),
)
_CLASSES: Final = {len(classes): classes for classes in (_EIGHT, _SEVEN)}

Hardware = Mapping[str, tuple[Component, ...]]
"""The parts of a machine, by the name of their component class; a class may have none or several."""


@dataclass(frozen=True, slots=True)
class Vote:
    """Votes of the parts present at activation, how many must match, and how many do."""

    present: int
    needed: int
    matched: int

    @property
    def passed(self) -> bool:
        """Whether this is still the same machine."""
        return self.matched >= self.needed


def classes_of(fmt: Format) -> tuple[ComponentClass, ...]:
    """The component classes of a format's fingerprint fields, in order."""
    return _CLASSES[fmt.fingerprint_fields]


def fingerprint(fmt: Format, hardware: Hardware, key_secret: bytes) -> tuple[int, ...]:
    """One number a component class: 0 where no part counts, else that of the part whose identity sorts first."""
    return tuple(
        _value(key_secret, part.name, identities[0], fmt.fingerprint_field_bits) if identities else 0
        for part in classes_of(fmt)
        for identities in (_identities(hardware, part.name),)
    )


def has_own_identity(fmt: Format, activated: tuple[int, ...]) -> bool:
    """Whether the fingerprint holds any serial-like part; without one no vote could ever pass."""
    return any(value for part, value in zip(classes_of(fmt), activated, strict=True) if part.serial_like)


def vote(
    fmt: Format, activated: tuple[int, ...], hardware: Hardware, key_secret: bytes, *, dockable: bool = False
) -> Vote:
    """Compare today's `hardware` with the fingerprint the machine was activated with.

    Needed are seven tenths (dockable: four) of the votes present then, rounded up, and always one more than the model's
    parts have together: so at least one serial-like part must match. Where a class has several parts today, any may.
    """
    return _vote(
        fmt,
        activated,
        [
            {
                _value(key_secret, part.name, identity, fmt.fingerprint_field_bits)
                for identity in _identities(hardware, part.name)
            }
            for part in classes_of(fmt)
        ],
        DOCKABLE_SHARE if dockable else USUAL_SHARE,
    )


def resemblance(fmt: Format, one: tuple[int, ...], other: tuple[int, ...]) -> Vote:
    """Compare two fingerprints made under one key secret, where the hardware itself is not at hand.

    A guess for whoever keeps many pairs and looks for a machine's own; the machine alone decides, by `vote`.
    """
    return _vote(fmt, one, [{value} for value in other], USUAL_SHARE)


def _vote(fmt: Format, activated: tuple[int, ...], today: Sequence[Collection[int]], share: int) -> Vote:
    """The tally, where `today` holds for each class the values that match."""
    present = matched = of_model = 0
    for part, value, values in zip(classes_of(fmt), activated, today, strict=True):
        if value == 0:
            continue
        present += part.votes
        of_model += 0 if part.serial_like else part.votes
        matched += part.votes if value in values else 0
    return Vote(present, max(-(-present * share // 10), of_model + 1), matched)


def _identities(hardware: Hardware, name: str) -> list[str]:
    """The canonical identities of the parts of one class that count, in order."""
    parts = hardware.get(name, ())
    return sorted({_canonical(part.identity) for part in parts if not part.virtual and not part.removable} - {""})


def _canonical(identity: str) -> str:
    """Without outer spaces and tabs, ASCII letters in capitals; all else as it is."""
    return "".join(sign.upper() if "a" <= sign <= "z" else sign for sign in identity.strip(" \t\r\n"))


def _value(key_secret: bytes, name: str, identity: str, bits: int) -> int:
    """A part's number, 1 to 2^bits - 1: HMAC over class name, a zero byte and identity; its first 4 bytes, reduced."""
    message = name.encode("ascii") + b"\0" + identity.encode("utf-8")
    mac = hmac.new(fingerprint_key(key_secret), message, sha256).digest()
    return int.from_bytes(mac[:4], "big") % ((1 << bits) - 1) + 1


def simulated(name: str, model: str | None = None) -> Hardware:
    """A machine that exists only in rehearsal: stable parts made from its `name`, the model-level ones from `model`."""
    return {
        part.name: (Component(sha256(f"{part.name} {seed}".encode()).hexdigest()[:12].upper()),)
        for part in _EIGHT
        for seed in (name if part.serial_like else model or name,)
    }


def replaced(hardware: Hardware, **identities: str) -> Hardware:
    """The same machine with one new part in each class named."""
    return {**hardware, **{name: (Component(identity),) for name, identity in identities.items()}}


def to_facts(hardware: Hardware) -> dict[str, object]:
    """The hardware as JSON values."""
    return {
        name: [
            {"identity": part.identity, "virtual": part.virtual, "removable": part.removable} for part in hardware[name]
        ]
        for name in hardware
    }


def from_facts(facts: Mapping[str, object]) -> Hardware:
    """Hardware from JSON: for each component class a list of objects as `to_facts` writes, or of bare identities.

    Raises InvalidHardware for an unknown class or a part without an identity.
    """
    known = {part.name for part in _EIGHT}
    hardware: dict[str, tuple[Component, ...]] = {}
    for name, parts in facts.items():
        if name not in known or not isinstance(parts, list):
            raise InvalidHardware(name)
        hardware[name] = tuple(_component(name, part) for part in parts)
    return hardware


def _component(name: str, part: object) -> Component:
    """One part from JSON."""
    if isinstance(part, str):
        return Component(part)
    if not isinstance(part, dict) or not isinstance(part.get("identity"), str):
        raise InvalidHardware(name)
    return Component(part["identity"], virtual=part.get("virtual") is True, removable=part.get("removable") is True)
