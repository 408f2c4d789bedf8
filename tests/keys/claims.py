"""What the tests of the ledger do again and again: claim, reserve, activate, and look at a balance."""

from datetime import timedelta

from keys import ledger
from keys.ledger import Claim
from tests.conftest import NOW

HOLD = timedelta(minutes=15)


def claim_of(iid, holder="call-1", channel="phone", case_id=None, actor="line"):
    return Claim(iid, 2, channel, holder, case_id, actor)


def activate(database, iid, now=NOW, **claim):
    return database.carry_out(lambda at: ledger.reserve_and_post(at, claim_of(iid, **claim), now=now))


def reserve(database, iid, now=NOW, **claim):
    return database.carry_out(lambda at: ledger.reserve(at, claim_of(iid, **claim), now=now, hold_for=HOLD))


def balance(database, key):
    with database.read() as connection:
        assert ledger.recount(connection) == ()
        found = ledger.balance(connection, key.id)
    return found.pending, found.posted, found.available
