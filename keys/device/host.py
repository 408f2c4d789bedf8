"""The machine that becomes a licence host: install its key with its package, show the ID, deposit the answer.

One rule: a host is a machine like any other until its confirmation ID opens its package; what it may then sign with is
never stored open, but worked out anew from key, package and the stored pair of IDs, on this hardware, today.
"""

from dataclasses import dataclass
from datetime import date

from keys import confirmation_id
from keys.confirmation_id import ConfirmationID, InvalidConfirmationID, last_day
from keys.device import machine
from keys.device.build import ProductBuild
from keys.device.hardware import Hardware
from keys.device.host_package import Licence, Package, opened
from keys.device.machine import Confirm, Declined, Reason, Status
from keys.device.state import State
from keys.installation_id import InstallationID, decode
from keys.product_key import KeyType


@dataclass(frozen=True, slots=True)
class Standing:
    """How a host stands today. While it is ACTIVATED: its `licence`, and the activation's last day if it has one."""

    status: Status
    licence: Licence | None = None
    ends: date | None = None


def install(package: Package, text: str, hardware: Hardware, nonce: int, *, returned: tuple[str, ...] = ()) -> State:
    """Install the host key in `text`; makes the one IID of this installation. `returned` as in `machine.install`.

    Raises as `machine.install` does, and Declined (OTHER_KEY) where the package was made for another host key.
    """
    state = machine.install(package.build, text, hardware, nonce, types=(KeyType.KMS_HOST,), returned=returned)
    if decode(state.installation_id).serial != package.serial:
        raise Declined(Reason.OTHER_KEY)
    return state


def deposit(package: Package, state: State, text: str) -> State:
    """Keep the confirmation ID in `text`, if it opens the package. Raises InvalidConfirmationID, naming the block."""
    return machine.deposit(package.build, state, text, _confirm(package))


def deposit_pair(
    package: Package, state: State, iid_text: str, cid_text: str, hardware: Hardware, today: date
) -> State:
    """Adopt the saved pair of an earlier installation on this hardware: no call, and no reactivation counted.

    Raises as `machine.deposit_pair` does.
    """
    return machine.deposit_pair(package.build, state, iid_text, cid_text, hardware, today, _confirm(package))


def opens_too(package: Package, state: State) -> bool:
    """Whether a newer package opens with the confirmation ID that is there: then no call is needed for it."""
    try:
        deposit(package, state, state.confirmation_id or "")
    except (InvalidConfirmationID, Declined):
        return False
    return True


def standing(package: Package, state: State, hardware: Hardware, today: date) -> Standing:
    """How the host stands, worked out anew, and what it may sign with."""
    confirm = _confirm(package)
    status = machine.status(package.build, state, hardware, today, confirm)
    if status is not Status.ACTIVATED:
        return Standing(status)
    cid = confirm(package.build, state, decode(state.installation_id), state.confirmation_id or "")
    return Standing(status, opened(package, key_secret=state.key_secret, share=cid.mac), last_day(cid.valid_until))


def _confirm(package: Package) -> Confirm:
    """What reads a host's CID: the one whose share opens the package."""

    def confirm(build: ProductBuild, state: State, iid: InstallationID, text: str) -> ConfirmationID:
        secret = machine.secret_of(build, state, iid)
        if secret is None:
            raise Declined(Reason.NOT_INSTALLED)
        return confirmation_id.unmasked(
            text,
            iid,
            verification_secret=secret,
            key_secret=state.key_secret,
            opens=lambda share: opened(package, key_secret=state.key_secret, share=share) is not None,
        )

    return confirm
