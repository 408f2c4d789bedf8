"""What refuses an activation, given everything one look at the ledger saw.

The rule it keeps: the same look is refused alike on every channel, alone or among thousands. Some things refuse even
an installation that was activated before, all others a new activation only.

A look is a row with the columns of `keys.ledger_statements.KEY_FACTS`; the database is never asked here.
"""

from datetime import date
from typing import Any

from keys.catalog import AgreementStatus, agreement_is_active, allows
from keys.issued import KeyStatus, may_be_for, status_on
from keys.product_key import KeyType
from keys.products import AfterRetirement, is_retired
from keys.refusals import Refusal
from keys.reservations import Claim, State

# The other type is asked of a customer's own licence host.
_ACTIVATED_HERE = (KeyType.MAK, KeyType.KMS_HOST, KeyType.RETAIL)


def never(seen: Any, claim: Claim, standing: str | None) -> Refusal | None:
    """What refuses even an installation that was activated before: no door is softer for a replay.

    `standing` is the state of the reservation that stands for this installation, if one does.
    """
    if seen.format != claim.iid.format:
        return Refusal.FORMAT_NOT_OF_PRODUCT
    if seen.key_status == KeyStatus.BLOCKED:
        return Refusal.KEY_BLOCKED
    if not allows(seen.key_channels, claim.channel) or not allows(seen.product_channels, claim.channel):
        return Refusal.CHANNEL_NOT_ALLOWED
    if standing == State.RETURNED:
        return Refusal.IID_RETURNED
    return None


def not_anew(seen: Any, day: date) -> Refusal | None:
    """What refuses a new activation only."""
    if seen.type not in _ACTIVATED_HERE:
        return Refusal.KEY_TYPE_NOT_ALLOWED
    if not may_be_for(KeyType(seen.type), seen.product_licensing, seen.agreement_licensing):
        return Refusal.LICENSING_NOT_ALLOWED
    if status_on(seen.key_status, seen.expires, day) is KeyStatus.EXPIRED:
        return Refusal.KEY_EXPIRED
    if is_retired(seen.product_status, seen.retires, day):
        return _retired(seen)
    if not agreement_is_active(seen.agreement_status, seen.starts, seen.ends, day):
        return Refusal.AGREEMENT_INACTIVE
    return None


def _retired(seen: Any) -> Refusal | None:
    """A product that is approved for ever outlives its agreements; one that was suspended stays so."""
    if seen.after_retirement != AfterRetirement.APPROVE:
        return Refusal.PRODUCT_RETIRED
    return Refusal.AGREEMENT_INACTIVE if seen.agreement_status == AgreementStatus.SUSPENDED else None
