"""A machine that is activated without a network: install a product key, show the ID, deposit the answer, status.

One rule: nothing is believed because it was stored. Every status is worked out anew from the key's secret, the stored
pair of IDs, today's hardware and today's date; a state file edited by hand or carried to another machine gains nothing.

>>> from keys import confirmation_id, product_key
>>> from keys.device.hardware import simulated
>>> build = ProductBuild(7, "Harbour Pilot", 1, generation=1, verification_secret=bytes(32), blocks=8)
>>> key = product_key.make(product_key.KeyType.MAK, product=7, serial=41, issuing_key=bytes(32))
>>> here, today = simulated("wheelhouse"), date(2026, 11, 24)
>>> state = install(build, product_key.encode(key), here, nonce=9)
>>> status(build, state, here, today).value
'awaiting_confirmation'
>>> answer = confirmation_id.issue(
...     decode(state.installation_id), verification_secret=bytes(32), key_secret=key.secret, blocks=8
... )
>>> status(build, deposit(build, state, " ".join(answer)), here, today).value
'activated'
"""

import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from enum import StrEnum

from keys import confirmation_id, derivation, product_key
from keys.confirmation_id import ConfirmationID
from keys.device.build import VOLUME, ProductBuild
from keys.device.hardware import Hardware, fingerprint, has_own_identity, vote
from keys.device.state import State
from keys.errors import BadInput, InvalidNumber
from keys.groups import digits_of
from keys.installation_id import InstallationID, decode, encode
from keys.product_key import KeyType

INSTALLABLE = {
    VOLUME: (KeyType.MAK,),
    "retail": (KeyType.MAK, KeyType.RETAIL),
    "preinstalled": (KeyType.MAK, KeyType.RETAIL),
}
"""Keys that make a machine of a copy, by its class: a retail key is for no volume copy.

Whether a volume key is for a retail copy stands in its agreement, which the line knows. A licence host installs its own
type (`keys.device.host`).
"""


class Status(StrEnum):
    """How things stand with a machine."""

    NOT_INSTALLED = "not_installed"
    """No product key, or one of another product."""
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    """An installation ID is shown; its confirmation ID is still to come."""
    ACTIVATED = "activated"
    """A confirmation ID for this installation is there, on this hardware, within its time."""
    EXPIRED = "expired"
    """The confirmation ID's last month is over: install again, call again."""
    HARDWARE_CHANGED = "hardware_changed"
    """Too much of the hardware is other than it was at installation: install again, call again."""
    RETURNED = "returned"
    """This installation was given back and is dead: install again, call again."""


class Reason(StrEnum):
    """Why the machine declined what it was given."""

    NOT_INSTALLED = "not_installed"
    """What is stored was not made with this product's build; install the product key first."""
    OTHER_PRODUCT = "other_product"
    """The product key, or the pair, is another product's; `found` is its number."""
    KEY_TYPE = "key_type"
    """Keys of this type are not installed on a copy like this; `found` is the type's number."""
    NO_OWN_IDENTITY = "no_own_identity"
    """The hardware has no fixed part with an identity of its own (all absent, virtual, removable or model-level)."""
    OTHER_KEY = "other_key"
    """The pair was made with another product key than the one installed."""
    HARDWARE_CHANGED = "hardware_changed"
    """The pair was made on other hardware; `found` is how many votes are missing."""
    EXPIRED = "expired"
    """The pair's last month is over; `found` is its month number."""
    RETURNED = "returned"
    """The installation was given back on this machine; nothing brings it to life again."""
    NO_RETURNS = "no_returns"
    """The product, or its format, has no returns: nothing was burnt."""
    NOT_RETURNED = "not_returned"
    """There is no return code of an installation that was not given back."""


class Declined(BadInput):
    """The machine declines: `reason`, and `found` where the reason says what that is."""

    def __init__(self, reason: Reason, found: int | None = None) -> None:
        super().__init__(reason, found)
        self.reason = reason
        self.found = found


Confirm = Callable[[ProductBuild, State, InstallationID, str], ConfirmationID]
"""Reads a CID in a text if it confirms an installation; else raises InvalidConfirmationID or Declined."""


def install(
    build: ProductBuild,
    text: str,
    hardware: Hardware,
    nonce: int,
    *,
    types: tuple[KeyType, ...] | None = None,
    returned: tuple[str, ...] = (),
) -> State:
    """Install the product key in `text`; makes the one IID of this installation.

    `nonce` must be new and random, of `build.nonce_bits` bits; `returned` are the IIDs that were given back on this
    machine, and where chance would make one of them again, the next nonce is taken. Raises InvalidProductKey for a
    mistyped key, Declined for one that is not for this product or this hardware, FieldRange for a serial that the
    format has no room for.
    """
    key = product_key.decode(text)
    own = build.under(key.product)
    if own is None:
        raise Declined(Reason.OTHER_PRODUCT, key.product)
    build = own
    if key.type not in (types or INSTALLABLE[build.licensing]):
        raise Declined(Reason.KEY_TYPE, int(key.type))
    parts = fingerprint(build.id_format, hardware, key.secret)
    if not has_own_identity(build.id_format, parts):
        raise Declined(Reason.NO_OWN_IDENTITY)
    nonces = 1 << build.id_format.nonce_bits
    bare = InstallationID(build.format, key.product, key.serial, parts, nonce % nonces, proof=0)
    made = _proven(build, key.secret, bare)
    while made in returned:
        bare = replace(bare, nonce=(bare.nonce + 1) % nonces)
        made = _proven(build, key.secret, bare)
    return State(build.product, key.last_five, key.secret, made, returned=returned)


def _proven(build: ProductBuild, key_secret: bytes, bare: InstallationID) -> str:
    """The digits of an IID with its proof."""
    return encode(replace(bare, proof=derivation.proof_value(build.verification_secret, key_secret, bare)))


def confirmed(build: ProductBuild, state: State, iid: InstallationID, text: str) -> ConfirmationID:
    """The CID in `text`, if it confirms `iid`; else raises InvalidConfirmationID or Declined."""
    secret = secret_of(build, state, iid)
    if secret is None:
        raise Declined(Reason.NOT_INSTALLED)
    return confirmation_id.matches(
        text, iid, verification_secret=secret, key_secret=state.key_secret, blocks=build.blocks
    )


def deposit(build: ProductBuild, state: State, text: str, confirm: Confirm = confirmed) -> State:
    """Keep the confirmation ID in `text`. Raises InvalidConfirmationID, saying which block is wrong and how.

    Whether it still holds today, and on today's hardware, is for `status` to say. Raises Declined for an installation
    that was given back.
    """
    if state.is_returned:
        raise Declined(Reason.RETURNED)
    build = build.of(state.product)
    confirm(build, state, decode(state.installation_id), text)
    return replace(state, confirmation_id=digits_of(text))


def pair(state: State) -> tuple[str, str] | None:
    """The pair (IID, CID) to save for a later re-image; None before there is a CID."""
    return None if state.confirmation_id is None else (state.installation_id, state.confirmation_id)


def deposit_pair(
    build: ProductBuild,
    state: State,
    iid_text: str,
    cid_text: str,
    hardware: Hardware,
    today: date,
    confirm: Confirm = confirmed,
) -> State:
    """Adopt a saved pair after a re-image: no call, and nothing taken from the allowance.

    The same product key must be installed. Key, proof, MAC, today's hardware and the end are checked; the new
    installation's own IID gives way to the saved one. A pair that was given back on this machine stays dead. Raises
    InvalidInstallationID, InvalidConfirmationID or Declined.
    """
    build, iid = build.of(state.product), decode(iid_text)
    if encode(iid) in state.returned:
        raise Declined(Reason.RETURNED)
    if (iid.format, iid.product) != (build.format, build.product):
        raise Declined(Reason.OTHER_PRODUCT, iid.product)
    if iid.serial != decode(state.installation_id).serial or secret_of(build, state, iid) is None:
        raise Declined(Reason.OTHER_KEY)
    cid = confirm(build, state, iid, cid_text)
    tally = vote(build.id_format, iid.fingerprint, hardware, state.key_secret, dockable=build.dockable)
    if not tally.passed:
        raise Declined(Reason.HARDWARE_CHANGED, tally.needed - tally.matched)
    if _is_over(cid, today):
        raise Declined(Reason.EXPIRED, cid.valid_until)
    return replace(state, installation_id=encode(iid), confirmation_id=digits_of(cid_text))


def status(
    build: ProductBuild, state: State | None, hardware: Hardware, today: date, confirm: Confirm = confirmed
) -> Status:
    """How things stand, worked out anew; with a suite's key installed, for every member alike."""
    own = None if state is None else build.under(state.product)
    if state is None or own is None:
        return Status.NOT_INSTALLED
    build, iid = own, decode(state.installation_id)
    if (iid.format, iid.product) != (build.format, build.product) or secret_of(build, state, iid) is None:
        return Status.NOT_INSTALLED
    if state.is_returned:
        return Status.RETURNED
    if not vote(build.id_format, iid.fingerprint, hardware, state.key_secret, dockable=build.dockable).passed:
        return Status.HARDWARE_CHANGED
    try:
        cid = confirm(build, state, iid, state.confirmation_id or "")
    except InvalidNumber:
        return Status.AWAITING_CONFIRMATION
    return Status.EXPIRED if _is_over(cid, today) else Status.ACTIVATED


def valid_until(build: ProductBuild, state: State) -> date | None:
    """The last day of the confirmation ID that is there; None where it is for ever, or not there at all."""
    if state.confirmation_id is None:
        return None
    build = build.of(state.product)
    cid = confirmation_id.decode(state.confirmation_id, build.id_format, build.blocks)
    return confirmation_id.last_day(cid.valid_until)


def secret_of(build: ProductBuild, state: State, iid: InstallationID) -> bytes | None:
    """The verification secret the IID was proven with, among those the build accepts; None for a wrong proof."""
    width = -(-build.id_format.proof_bits // 8)
    shown = iid.proof.to_bytes(width, "big")
    for secret in build.secrets.values():
        made = derivation.proof_value(secret, state.key_secret, iid)
        if hmac.compare_digest(made.to_bytes(width, "big"), shown):
            return secret
    return None


def is_installed(build: ProductBuild, state: State, text: str) -> bool:
    """Whether the product key in `text` is installed here already, for this product or another member of its suite.

    Then there is nothing to install: the installation that is there is this product's as well. Raises
    InvalidProductKey, and Declined where this build does not know the secret that it was made with.
    """
    key, own = product_key.decode(text), build.under(state.product)
    iid = decode(state.installation_id)
    if own is None or (key.product, key.serial) != (state.product, iid.serial):
        return False
    if secret_of(own, state, iid) is None:
        raise Declined(Reason.NOT_INSTALLED)
    return hmac.compare_digest(key.secret, state.key_secret)


def _is_over(cid: ConfirmationID, today: date) -> bool:
    """Whether the CID's last day has passed."""
    end = confirmation_id.last_day(cid.valid_until)
    return end is not None and today > end
