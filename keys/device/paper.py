"""What passes between a machine and an administrator's console: the machine's report, and the pair it gets back.

One rule: neither is believed. The report holds nothing secret, and a pair is checked by the machine itself before it
is kept, so both may travel on any stick, by any mail, past any eyes.

>>> report = MachineReport("wheelhouse", 7, "Harbour Pilot", "0019G", "not_installed", None)
>>> MachineReport.from_facts(report.to_facts()) == report
True
>>> MachineReport.from_facts({"name": "wheelhouse", "product": 7, "state": "asleep"})
Traceback (most recent call last):
    ...
keys.device.paper.InvalidPaper: state
"""

from collections.abc import Mapping
from dataclasses import dataclass

from keys.device.machine import Status
from keys.errors import BadInput
from keys.groups import digits_of, grouped
from keys.installation_id import decode

LONGEST_NAME = 200
"""Signs of a machine's or a product's name, at most."""
GRACE = "grace"
"""A state that `keys.device` itself never has: for a product that lets a machine work on for a while."""
STATES = frozenset({*Status, GRACE})


class InvalidPaper(BadInput):
    """A report or a pair is incomplete or impossible; `field` names the first one that is."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class MachineReport:
    """How one product stands on one machine.

    `name` is whatever the administrator knows the machine by, `state` one of STATES, `installation_id` the digits of
    the IID (None where no key is installed) and `confirmation_id` those of the CID that was deposited, if any.
    """

    name: str
    product: int
    product_name: str | None
    last_five: str | None
    state: str
    installation_id: str | None
    confirmation_id: str | None = None

    def to_facts(self) -> dict[str, object]:
        """The report as JSON values; the IDs in sixes."""
        return {
            "report": 1,
            "name": self.name,
            "product": self.product,
            "product_name": self.product_name,
            "last_five": self.last_five,
            "state": self.state,
            "installation_id": None if self.installation_id is None else grouped(self.installation_id),
            "confirmation_id": None if self.confirmation_id is None else grouped(self.confirmation_id),
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, object], name: str | None = None) -> "MachineReport":
        """The report from its JSON values, which may be more than these; `name` is for facts that hold none.

        Raises InvalidPaper, or InvalidInstallationID for an IID with a slip in it.
        """
        state = _text(facts, "state")
        if state not in STATES:
            raise InvalidPaper("state")
        installation = _ids(facts, "installation_id")
        iid = None if installation is None else decode(installation)
        if iid is None and state != Status.NOT_INSTALLED:
            raise InvalidPaper("installation_id")
        product = facts.get("product", None if iid is None else iid.product)
        if not isinstance(product, int) or isinstance(product, bool) or (iid is not None and iid.product != product):
            raise InvalidPaper("product")
        called = _name(facts if "name" in facts else {"name": name}, "name")
        if called is None:
            raise InvalidPaper("name")
        return cls(
            called,
            product,
            _name(facts, "product_name"),
            _last_five(facts),
            state,
            installation,
            _ids(facts, "confirmation_id"),
        )


@dataclass(frozen=True, slots=True)
class SavedPair:
    """A pair (IID, CID) for one machine to deposit, as digits; `certificate` is the line's, where there is one."""

    installation_id: str
    confirmation_id: str
    certificate: str | None = None

    def to_facts(self) -> dict[str, object]:
        """The pair as JSON values; the IDs in sixes."""
        return {
            "pair": 1,
            "installation_id": grouped(self.installation_id),
            "confirmation_id": grouped(self.confirmation_id),
            "certificate": self.certificate,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, object]) -> "SavedPair":
        """The pair from its JSON values. Raises InvalidPaper; whether it fits is for `machine.deposit_pair` to say."""
        installation, answer = _ids(facts, "installation_id"), _ids(facts, "confirmation_id")
        if installation is None:
            raise InvalidPaper("installation_id")
        if answer is None:
            raise InvalidPaper("confirmation_id")
        return cls(installation, answer, _optional(facts, "certificate"))


def _optional(facts: Mapping[str, object], field: str) -> str | None:
    value = facts.get(field)
    if value is not None and not isinstance(value, str):
        raise InvalidPaper(field)
    return value


def _text(facts: Mapping[str, object], field: str) -> str:
    value = _optional(facts, field)
    if value is None:
        raise InvalidPaper(field)
    return value


def _name(facts: Mapping[str, object], field: str) -> str | None:
    """A name in one printable line."""
    value = _optional(facts, field)
    if value is None:
        return None
    value = value.strip()
    if not value or len(value) > LONGEST_NAME or not value.isprintable():
        raise InvalidPaper(field)
    return value


def _last_five(facts: Mapping[str, object]) -> str | None:
    value = _optional(facts, "last_five")
    if value is not None and not (len(value) == 5 and value.isascii() and value.isalnum()):
        raise InvalidPaper("last_five")
    return value


def _ids(facts: Mapping[str, object], field: str) -> str | None:
    """The bare digits of an ID in any spelling."""
    value = _optional(facts, field)
    if value is None:
        return None
    try:
        digits = digits_of(value)
    except ValueError as error:
        raise InvalidPaper(field) from error
    if not digits:
        raise InvalidPaper(field)
    return digits
