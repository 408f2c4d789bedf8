"""How a machine stands, in the four words an administrator sorts by.

One rule: the words follow from what the machine itself reported; the console never calls a machine licensed that has
not said so.

>>> standing("activated"), standing("hardware_changed"), standing("expired")
('licensed', 'out_of_tolerance', 'unlicensed')
"""

from typing import Final

from keys.device.machine import Status
from keys.device.paper import GRACE

LICENSED: Final = "licensed"
OUT_OF_TOLERANCE: Final = "out_of_tolerance"
UNLICENSED: Final = "unlicensed"
STANDINGS: Final = (LICENSED, GRACE, OUT_OF_TOLERANCE, UNLICENSED)

_OF = {Status.ACTIVATED.value: LICENSED, Status.HARDWARE_CHANGED.value: OUT_OF_TOLERANCE, GRACE: GRACE}

MAY_BE_ASKED: Final = (Status.AWAITING_CONFIRMATION.value, GRACE)
"""States in which an answer helps: the others are activated, or have to install anew first."""


def standing(state: str) -> str:
    """The word for a reported state."""
    return _OF.get(state, UNLICENSED)
