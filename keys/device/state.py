"""What a machine keeps of its installation, and its JSON.

One rule: no flag says "activated", and nothing here is believed; `keys.device.machine` works the status out anew.

>>> state = State(7, "0019G", bytes(9), "1" * 54)
>>> state.is_returned, state.confirmation_id
(False, None)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keys.errors import BadInput
from keys.installation_id import decode, encode


class InvalidState(BadInput):
    """What is stored is no machine's state."""


@dataclass(frozen=True, slots=True)
class State:
    """What a machine keeps: the key's last five signs and secret, the IID made at installation, the CID once there.

    `installation_id` and `confirmation_id` are digits without spaces. Together they are the pair worth saving.
    `returned` are the IIDs that were given back on this machine, the oldest first; they outlive every installation.
    """

    product: int
    last_five: str
    key_secret: bytes = field(repr=False)
    installation_id: str
    confirmation_id: str | None = None
    returned: tuple[str, ...] = ()

    @property
    def is_returned(self) -> bool:
        """Whether this very installation was given back."""
        return self.installation_id in self.returned

    def to_facts(self) -> dict[str, object]:
        """The state as JSON values."""
        return {
            "product": self.product,
            "last_five": self.last_five,
            "key_secret": self.key_secret.hex(),
            "installation_id": self.installation_id,
            "confirmation_id": self.confirmation_id,
            "returned": list(self.returned),
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, object]) -> "State":
        """The state from its JSON values. Raises InvalidState for a missing or impossible one."""
        match facts:
            case {
                "product": int(product),
                "last_five": str(last_five),
                "key_secret": str(key_secret),
                "installation_id": str(installation_id),
                "confirmation_id": str() | None as answer,
            }:
                try:
                    made = encode(decode(installation_id))
                    return cls(product, last_five, bytes.fromhex(key_secret), made, answer, returned_in(facts))
                except ValueError as error:
                    raise InvalidState from error
        raise InvalidState


def returned_in(facts: Mapping[str, object]) -> tuple[str, ...]:
    """The IIDs that were given back, from a machine's JSON values. Raises a ValueError for what is none."""
    match facts.get("returned", []):
        case [*returned]:
            return tuple(encode(decode(iid if isinstance(iid, str) else "")) for iid in returned)
    raise InvalidState
