"""The one place where an activation is held, spent and given back, for every channel alike.

The rule it keeps: whoever comes with the same installation ID twice gets the same activation, and no key ever gives
more than it was granted, however many come at once. Every function takes a connection and none commits: what is done
here stands or falls with the turn, text or request that asked for it.

A first activation, `reserve_and_post`, is a look and three statements (`keys.taking`), which go with the commit on
PostgreSQL where the work may take for granted what it has seen (`keys.database.trusts`).
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, bindparam, select

from keys import alarms, reactivation, rules, terms
from keys import ledger_statements as statements
from keys.alarms import AlarmKind
from keys.allowance import Balance, Mismatch, balance, move, recount
from keys.answers import Activated, Genuine, Posting, Refused, Replay, Reserved
from keys.confirming import ConfirmationError, ConfirmationFault, confirmation_of
from keys.database import trusts
from keys.direct import Statement
from keys.entries import Entry, Kind, append
from keys.genuine import generation_of
from keys.holds import expire, extend, void_held
from keys.hosts import take_host
from keys.installation_id import InstallationID, digest, fingerprint_number
from keys.product_key import KeyType
from keys.refusals import Refusal
from keys.reservations import STORED, Basis, Claim, Reservation, State, reservations, stored
from keys.secrets_file import Secrets
from keys.taking import claim_and_take, take_for_granted
from keys.unavailable import Cause, DatabaseUnavailable

__all__ = [
    "Activated",
    "Balance",
    "Claim",
    "ConfirmationError",
    "ConfirmationFault",
    "Genuine",
    "Mismatch",
    "Posting",
    "Refused",
    "Replay",
    "Reservation",
    "Reserved",
    "State",
    "balance",
    "confirmation",
    "confirmation_of",
    "expire",
    "extend",
    "find",
    "identify",
    "post",
    "recount",
    "reserve",
    "reserve_and_post",
    "void_held",
]

# How often a claim may come too late for what it has just seen before the database is called busy. Each round is short,
# and a turn's time bounds them all; on a busy machine five were not enough where twelve came and went at once.
_ROUNDS = 20

_log = structlog.get_logger(__name__)


def identify(iid: InstallationID, secrets: Secrets) -> Genuine | Refused:
    """Tell whether an IID was made with a key of ours: PRODUCT_UNKNOWN or PROOF_WRONG if not. Asks no database."""
    product = secrets.products.get(iid.product)
    if product is None:
        return Refused(Refusal.PRODUCT_UNKNOWN)
    generation = generation_of(iid, product.issuing_key, product.verification)
    return Refused(Refusal.PROOF_WRONG) if generation is None else Genuine(generation)


def reserve(connection: Connection, claim: Claim, *, now: datetime, hold_for: timedelta) -> Reserved | Replay | Refused:
    """Hold one activation for a proven claim until `now + hold_for`, or find the one that is there.

    A pending one is taken over: the claim's holder holds it from now on, and for no shorter than it was held.
    """
    done = _settle(connection, claim, now, now + hold_for)
    if isinstance(done, Refused):
        return done
    if done.replay:
        return Replay(done.reservation.id, done.reservation.state)
    return Reserved(done.reservation.id, done.reservation.reactivation)


def reserve_and_post(connection: Connection, claim: Claim, *, now: datetime) -> Activated | Refused:
    """Spend one activation on a proven claim, held for it already or new. Its answer may then be told."""
    return _settle(connection, claim, now, None)


def post(connection: Connection, reservation_id: int, *, holder: str, now: datetime) -> Posting:
    """Spend what `holder` holds; GONE where it ran out or another has it: then `reserve_and_post`."""
    row = connection.execute(
        statements.POST_HELD, {"the_id": reservation_id, "the_holder": holder, "now": now}
    ).one_or_none()
    if row is not None:
        takes = Basis(row.basis).takes
        move(connection, row.key_id, pending=-takes, posted=takes)
        who: dict[str, Any] = {"channel": row.channel, "holder": holder}
        append(connection, Entry(now, Kind.POST, row.key_id, reservation_id, pending=-takes, posted=takes, **who))
        return Posting.POSTED
    found = find(connection, reservation_id)
    return Posting.ALREADY_POSTED if found is not None and found.state is State.POSTED else Posting.GONE


_FIND = select(*STORED).where(reservations.c.id == bindparam("the_id"))


def find(connection: Connection, reservation_id: int) -> Reservation | None:
    """The reservation with this id, as it stands."""
    row = connection.execute(_FIND, {"the_id": reservation_id}).one_or_none()
    return None if row is None else stored(row)


def confirmation(connection: Connection, reservation_id: int, iid: InstallationID, secrets: Secrets) -> tuple[str, ...]:
    """The CID of a posted reservation, from its own terms. Raises ConfirmationError."""
    return confirmation_of(find(connection, reservation_id), iid, secrets)


def _settle(connection: Connection, claim: Claim, now: datetime, until: datetime | None) -> Activated | Refused:
    """Hold one until `until`, or spend one at once (None). The reservation comes back as it now stands."""
    iid_digest = digest(claim.iid)
    exhausted: Refusal | None = None
    for _ in range(_ROUNDS):
        seen = _look(connection, claim, iid_digest)
        if seen is None:
            return Refused(unknown(connection, claim, now))
        refusal = rules.never(seen, claim, seen.state)
        if refusal is not None:
            return Refused(refusal)
        if seen.id is not None:
            standing = _replay(connection, stored(seen), claim, now, until)
            if standing is None:
                continue  # it was given back or spent since we looked
            return standing
        if exhausted is not None:
            return Refused(exhausted)
        refusal = rules.not_anew(seen, now.date())
        basis = refusal or _weigh(connection, claim, seen, now)
        if isinstance(basis, Refusal):
            return Refused(basis)
        row = terms.fresh_row(claim, seen, iid_digest, basis, now, until)
        made = _make(connection, claim, seen, basis, row, now)
        if isinstance(made, Reservation):
            return Activated(made, replay=False)
        exhausted = made  # and look once more, lest the holder of a reservation hear "exhausted"
    raise DatabaseUnavailable(Cause.BUSY)


_LOOK = Statement(statements.LOOK, alone=True)
_LOOK_AHEAD = Statement(statements.LOOK_AHEAD, alone=True)


def _look(connection: Connection, claim: Claim, iid_digest: bytes) -> Any:
    """Everything the decision needs, in one statement; None where there is no such key."""
    wanted = {
        "the_product": claim.iid.product,
        "the_serial": claim.iid.serial,
        "the_digest": iid_digest,
        "the_fingerprint": fingerprint_number(claim.iid),
    }
    row = (_LOOK_AHEAD if trusts(connection) else _LOOK).first(connection, wanted)
    return None if row is None else statements.Seen(*row)


def unknown(connection: Connection, claim: Claim, now: datetime) -> Refusal:
    """Why a proven claim names no key: its product is unknown or, and that is an alarm, its serial was never issued."""
    if connection.execute(statements.PRODUCT_THERE, {"the_product": claim.iid.product}).one_or_none() is None:
        return Refusal.PRODUCT_UNKNOWN
    # The proof was sound, so somebody makes keys with our issuing key.
    _log.critical("serial_never_issued", product=claim.iid.product, channel=claim.channel)
    alarms.ring(connection, AlarmKind.SERIAL_NEVER_ISSUED, claim.iid.product, claim.iid.serial, claim.channel, now)
    return Refusal.KEY_UNKNOWN


def _replay(
    connection: Connection, standing: Reservation, claim: Claim, now: datetime, until: datetime | None
) -> Activated | None:
    """Answer from the reservation that stands; a pending one is taken over. None if it no longer stands."""
    if standing.state is State.POSTED:
        return Activated(standing, replay=True)
    facts = statements.taken_over(claim, standing.id)
    if until is not None:
        if connection.execute(statements.TAKE_OVER, {**facts, "until": until}).one_or_none() is None:
            return None
        return Activated(replace(standing, holder=claim.holder), replay=True)
    if connection.execute(statements.POST_ANY, {**facts, "now": now}).one_or_none() is None:
        return None
    move(connection, standing.key_id, pending=-standing.basis.takes, posted=standing.basis.takes)
    append(connection, terms.posted_entry(claim, standing, now))
    return Activated(replace(standing, holder=claim.holder, state=State.POSTED), replay=False)


def _weigh(connection: Connection, claim: Claim, seen: Any, now: datetime) -> Basis | Refusal:
    """How the claim would count; only of a machine that was here before is more asked."""
    machine = None
    if seen.latest is not None:
        fingerprint = fingerprint_number(claim.iid)
        machine = reactivation.machines(connection, seen.the_key, (fingerprint,)).get(fingerprint)
    return reactivation.weigh(seen, seen.latest, machine, now)


def _make(
    connection: Connection, claim: Claim, seen: Any, basis: Basis, row: dict[str, Any], now: datetime
) -> Reservation | Refusal | None:
    """Make the reservation in `row`: claim the installation and take one from every counter, all or nothing.

    What is exhausted, if anything; None where somebody else came first: with this installation, or again with this
    machine.
    """
    host = seen.type == KeyType.KMS_HOST
    if not host and not basis.again:
        if seen.available is not None and seen.available >= basis.takes:
            return take_for_granted(connection, claim, {"id": seen.number, **row}, now)
        return claim_and_take(connection, claim, row, now)
    savepoint = connection.begin_nested()
    made = claim_and_take(connection, claim, row, now)
    if isinstance(made, Reservation) and host:
        made = take_host(connection, seen.the_key, fingerprint_number(claim.iid)) or made
    if isinstance(made, Reservation) and basis.again and not reactivation.count_row(connection, row, basis, seen, now):
        made = None
    if isinstance(made, Reservation):
        savepoint.commit()
    else:
        savepoint.rollback()
    return made
