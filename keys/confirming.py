"""From a posted reservation to the confirmation ID it paid for.

The rule it keeps: no confirmation ID without a posted reservation of this very installation; scheme, end, generation
and length come from the reservation, never from today's catalogue.
"""

from enum import StrEnum

from keys import confirmation_id
from keys.confirmation_id import SHARE_SCHEME
from keys.derivation import host_share, key_secret
from keys.installation_id import InstallationID, digest
from keys.reservations import Reservation, State
from keys.secrets_file import Secrets


class ConfirmationFault(StrEnum):
    """Why there is no confirmation ID to tell."""

    UNKNOWN = "unknown"  #: there is no such reservation
    NOT_POSTED = "not_posted"  #: it is not spent, or was returned
    OTHER_INSTALLATION = "other_installation"  #: it belongs to another installation ID
    GENERATION_GONE = "generation_gone"  #: the secrets of its product or generation are no longer in the secrets file


class ConfirmationError(ValueError):
    """No confirmation ID is told; `fault` says why."""

    def __init__(self, fault: ConfirmationFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


def confirmation_of(reservation: Reservation | None, iid: InstallationID, secrets: Secrets) -> tuple[str, ...]:
    """The blocks of the CID of a posted reservation, six digits each. Raises ConfirmationError."""
    if reservation is None:
        raise ConfirmationError(ConfirmationFault.UNKNOWN)
    if reservation.state is not State.POSTED:
        raise ConfirmationError(ConfirmationFault.NOT_POSTED)
    if reservation.iid_digest != digest(iid):
        raise ConfirmationError(ConfirmationFault.OTHER_INSTALLATION)
    product = secrets.products.get(iid.product)
    verification = product.verification.get(reservation.generation) if product else None
    if product is None or verification is None:
        raise ConfirmationError(ConfirmationFault.GENERATION_GONE)
    return confirmation_id.issue(
        iid,
        verification_secret=verification,
        key_secret=key_secret(product.issuing_key, iid.serial),
        blocks=reservation.blocks,
        scheme=reservation.scheme,
        valid_until=reservation.valid_until,
        share=host_share(product.issuing_key, iid.serial) if reservation.scheme == SHARE_SCHEME else None,
    )
