"""What a key gives, to whom, and what it refuses, one claim after another."""

from datetime import timedelta

from keys import ledger
from keys.ledger import Activated, Claim, Posting, Refused, Replay, Reserved, State
from keys.refusals import Refusal
from tests.conftest import NOW

HOLD = timedelta(minutes=15)


def claim_of(iid, holder="call-1", channel="phone", case_id=None):
    return Claim(iid, 2, channel, holder, case_id)


def test_a_first_activation_takes_one_and_gives_its_confirmation_id(database, mak, secrets, installation):
    iid = installation(1, mak.key.serial)
    assert ledger.identify(iid, secrets) == ledger.Genuine(2)
    with database.begin() as connection:
        done = ledger.reserve_and_post(connection, claim_of(iid), now=NOW)
        assert isinstance(done, Activated)
        blocks = ledger.confirmation(connection, done.reservation.id, iid, secrets)
    assert len(blocks) == 8
    with database.read() as connection:
        assert ledger.balance(connection, mak.key.id) == ledger.Balance(10, 0, 1)
