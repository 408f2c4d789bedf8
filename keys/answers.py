"""What the ledger answers when it is asked to hold or to spend an activation.

The rule it keeps: an outcome is a value, and each has one meaning on every channel.
"""

from dataclasses import dataclass
from enum import Enum, auto

from keys.refusals import Refusal
from keys.reservations import Reservation, State


@dataclass(frozen=True, slots=True)
class Genuine:
    """The proof is right, under this generation's verification secret."""

    generation: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was held or spent."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Reserved:
    """One is held. `reactivation`: this key activated the same hardware before."""

    reservation_id: int
    reactivation: bool


@dataclass(frozen=True, slots=True)
class Replay:
    """A reservation stands for this installation: `state` is PENDING (the claim's holder has it now) or POSTED."""

    reservation_id: int
    state: State


@dataclass(frozen=True, slots=True)
class Activated:
    """One is spent on this installation. `replay`: it was before, and nothing was taken now."""

    reservation: Reservation
    replay: bool


class Posting(Enum):
    """What became of a wish to spend what is held."""

    POSTED = auto()
    ALREADY_POSTED = auto()
    GONE = auto()
