"""What the simulated machine says about bad input, in English: a stable code and one sentence.

One rule: the sentence says which part is wrong and what to do; it never repeats a whole key.

>>> from keys.confirmation_id import InvalidConfirmationID
>>> said(InvalidConfirmationID((GroupFault(3, Fault.LENGTH, found=5),)))
('confirmation_id_wrong', 'The confirmation ID is wrong: block C has 5 digits, not 6.')
"""

from keys.confirmation_id import LETTERS, InvalidConfirmationID
from keys.device.build import InvalidBuild
from keys.device.hardware import InvalidHardware
from keys.device.machine import Declined, Reason
from keys.device.paper import InvalidPaper
from keys.device.store import FileDamaged
from keys.errors import BadInput, FieldRange
from keys.groups import Fault, GroupFault
from keys.installation_id import InvalidInstallationID
from keys.product_key import InvalidProductKey, KeyFault, KeyType

_DECLINED = {
    Reason.NOT_INSTALLED: "What is stored was not made with this product; install the product key first.",
    Reason.OTHER_PRODUCT: "That belongs to another product, number {found}.",
    Reason.KEY_TYPE: "A product key of type {type} is not installed on a machine like this.",
    Reason.NO_OWN_IDENTITY: "This hardware has no fixed part with an identity of its own, so it cannot be told again.",
    Reason.OTHER_KEY: "That pair was made with another product key than the one installed here.",
    Reason.HARDWARE_CHANGED: "That pair was made on other hardware: {found} more votes would have to match.",
    Reason.EXPIRED: "That pair's last month is over; a new activation is needed.",
    Reason.RETURNED: "That installation was given back on this machine and stays dead; install the product key again.",
    Reason.NO_RETURNS: "This product has no returns; nothing was given back.",
    Reason.NOT_RETURNED: "This installation was not given back.",
}
_KEY = {
    KeyFault.LENGTH: "it has {found} signs and should have 25.",
    KeyFault.CHARACTER: "sign {place}, {found!r}, is in no product key.",
    KeyFault.CHECK: "a sign is mistyped, or two are exchanged.",
    KeyFault.VERSION: "it is of version {found}, which is not known here.",
    KeyFault.TYPE: "it is of type {found}, which does not exist.",
}
_GROUP = {
    Fault.LENGTH: "{subject} has {found} digits, {digits}.",
    Fault.CHARACTER: "{subject} has {found!r} in place {place} where a digit belongs.",
    Fault.CHECK_DIGIT: "{subject} does not fit its check digit; please look at it again.",
    Fault.OTHER_PLACE: "{subject} holds what belongs into {other}.",
    Fault.UNKNOWN_FORMAT: "{subject} begins with {found}, which is not known here.",
    Fault.WHOLE_ID: "every part fits, but the whole is not this machine's.",
}
_LOCATED = "{subject} should probably be {found}."


def said(error: BadInput) -> tuple[str, str]:
    """A stable code and a sentence for an error of the device's path."""
    match error:
        case InvalidProductKey():
            why = _KEY[error.fault].format(place=error.place, found=error.found)
            return f"product_key_{error.fault}", f"The product key is wrong: {why}"
        case Declined():
            kind = KeyType(error.found).name if error.reason is Reason.KEY_TYPE and error.found else ""
            return str(error.reason), _DECLINED[error.reason].format(found=error.found, type=kind)
        case InvalidConfirmationID():
            whys = " ".join(_why(fault, "block", "the confirmation ID") for fault in error.faults)
            return "confirmation_id_wrong", f"The confirmation ID is wrong: {whys}"
        case InvalidInstallationID():
            whys = " ".join(_why(fault, "group", "the installation ID") for fault in error.faults)
            return "installation_id_wrong", f"The installation ID is wrong: {whys}"
        case InvalidBuild():
            return "build_damaged", f"The build's field {error.field} is missing or impossible."
        case InvalidPaper():
            return "paper_damaged", f"The field {error.field} is missing or impossible."
        case InvalidHardware():
            return "hardware_damaged", f"The description of the hardware is wrong at {error.part}."
        case FileDamaged():
            return "file_damaged", f"{error.path} is not a JSON object."
        case FieldRange():
            return "no_room", f"The {error.field} {error.value} does not fit; the highest is {error.highest}."
    return "bad_input", f"That cannot be used ({type(error).__name__})."


def _why(fault: GroupFault, kind: str, whole: str) -> str:
    """One fault as the end of a sentence; blocks have letters, groups have numbers."""

    def named(number: int) -> str:
        return f"{kind} {LETTERS[number - 1] if kind == 'block' else number}"

    located = fault.fault is Fault.WHOLE_ID and fault.group is not None
    moved = fault.fault is Fault.OTHER_PLACE and isinstance(fault.found, int)
    return (_LOCATED if located else _GROUP[fault.fault]).format(
        subject=whole if fault.group is None else named(fault.group),
        found=fault.found,
        place=fault.place,
        other=named(int(fault.found or 0)) if moved else "another place",
        digits="too few or too many" if fault.group is None else "not 6",
    )
