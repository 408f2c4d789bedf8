"""Which licence hosts there are: by a given address, or by SRV records in the network's own name service.

One rule: hosts are tried in the order of RFC 2782: the lowest priority first, and within one by chance in proportion to
weight, drawn anew each time. The look-up itself is in `keys.device.name_service`.

>>> records = [Record(2, 0, "spare", 8795), Record(1, 9, "big", 8795), Record(1, 1, "small", 8795)]
>>> [record.target for record in ordered(records, lambda most: most)]
['big', 'small', 'spare']
>>> address("[::1]:9000"), address("kms.example.com")
(('::1', 9000), ('kms.example.com', 8795))
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from keys.errors import BadInput

SERVICE: Final = "_touchtone-kms._tcp"
USUAL_PORT: Final = 8795


class NoAddress(BadInput):
    """A text is no address of a host."""


class NotFound(BadInput):
    """The name service names no host: `name` is what was asked for, `answered` whether it answered at all."""

    def __init__(self, name: str, *, answered: bool) -> None:
        super().__init__(name, answered)
        self.name = name
        self.answered = answered


@dataclass(frozen=True, slots=True)
class Record:
    """One SRV record."""

    priority: int
    weight: int
    target: str
    port: int

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return f"{self.target.rstrip('.')}:{self.port}"


def address(text: str) -> tuple[str, int]:
    """Host and port in a text: HOST, HOST:PORT or [IPV6]:PORT. Raises NoAddress."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or port.endswith("]"):
        host, port = text.strip(), str(USUAL_PORT)
    bare = host.removeprefix("[").removesuffix("]")
    if not bare or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536 or set(bare) & set("/@ []"):
        raise NoAddress(text)
    return bare, int(port)


def ordered(records: Iterable[Record], draw: Callable[[int], int] | None = None) -> list[Record]:
    """All records in the order to try them in. `draw(most)` gives a number from 0 to `most`, by chance."""
    draw = draw or (lambda most: secrets.randbelow(most + 1))
    order: list[Record] = []
    # Of one priority those of weight 0 stand first, so that they are drawn, if seldom.
    left = sorted(records, key=lambda record: (record.priority, record.weight, record.target, record.port))
    while left:
        group = [record for record in left if record.priority == left[0].priority]
        drawn, total = draw(sum(record.weight for record in group)), 0
        for record in group:
            total += record.weight
            if total >= drawn:
                break
        order.append(record)
        left.remove(record)
    return order
