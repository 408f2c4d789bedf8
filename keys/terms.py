"""The terms of a new activation: fixed once, in its reservation, and never asked of the catalogue again.

The rule it keeps: an activation made alone and one made among thousands have the same row, and the same entries.
"""

from datetime import datetime
from typing import Any

from keys.confirmation_id import SCHEME, SHARE_BLOCKS, SHARE_SCHEME, months_from
from keys.entries import Entry, Kind
from keys.installation_id import fingerprint_number
from keys.product_key import KeyType
from keys.reservations import Basis, Claim, Reservation, State, claim_row

_TEST_MONTHS = 1
"""What a test key activates is good to the end of next month at most: such a key spends nothing, so it must end."""


def fresh_row(
    claim: Claim, seen: Any, iid_digest: bytes, basis: Basis, now: datetime, until: datetime | None = None
) -> dict[str, Any]:
    """The row of a new reservation of `claim`: held until `until`, or posted at once (None)."""
    row = claim_row(claim, iid_digest, fingerprint_number(claim.iid), key_id=seen.the_key, now=now)
    row |= {"scheme": SCHEME, "blocks": seen.product_blocks, "basis": basis.value}
    term_months = min(seen.term_months or _TEST_MONTHS, _TEST_MONTHS) if seen.test else seen.term_months
    row["valid_until"] = months_from(now.date(), term_months)
    if seen.type == KeyType.KMS_HOST:
        row |= {"scheme": SHARE_SCHEME, "blocks": SHARE_BLOCKS}
    state = State.PENDING if until else State.POSTED
    return row | {"state": state.value, "expires_at": until, "posted_at": None if until else now}


def fresh_entries(claim: Claim, made: Reservation, now: datetime) -> tuple[Entry, ...]:
    """What is written down of a new reservation: that it was held and, if it was posted at once, that too."""
    who: dict[str, Any] = {"actor": claim.actor, "channel": claim.channel, "holder": claim.holder}
    details = None if made.basis is Basis.FIRST else {"basis": made.basis}
    held = Entry(now, Kind.RESERVE, made.key_id, made.id, pending=made.basis.takes, details=details, **who)
    return (held,) if made.state is State.PENDING else (held, posted_entry(claim, made, now))


def posted_entry(claim: Claim, held: Reservation, now: datetime) -> Entry:
    """What is written down of a held one that is spent on `claim`."""
    who: dict[str, Any] = {"actor": claim.actor, "channel": claim.channel, "holder": claim.holder}
    takes = held.basis.takes
    return Entry(now, Kind.POST, held.key_id, held.id, pending=-takes, posted=takes, **who)
