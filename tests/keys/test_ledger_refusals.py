"""Each reason that refuses an activation, and what it does to an installation that was activated before."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from keys import ledger
from keys.catalog import agreements
from keys.issue import product_keys
from keys.ledger import Activated, Refused
from keys.product_key import KeyType
from keys.products import products
from keys.refusals import Refusal
from keys.reservations import reservations
from tests.conftest import NOW
from tests.keys.claims import activate, balance, claim_of, reserve


def change(database, statement):
    with database.begin() as connection:
        connection.execute(statement)


def end_agreement(database):
    change(database, update(agreements).values(ends=date(2026, 11, 23)))


def suspend_agreement(database):
    change(database, update(agreements).values(status="suspended"))


def begin_agreement_tomorrow(database):
    change(database, update(agreements).values(starts=date(2026, 11, 25)))


def retire_product(database):
    change(database, update(products).values(status="retired"))


def expire_key(database):
    change(database, update(product_keys).values(status="expired"))


def block_key(database):
    change(database, update(product_keys).values(status="blocked"))


def close_phone_for_product(database):
    change(database, update(products).values(channels="text api"))


def close_phone_for_key(database):
    change(database, update(product_keys).values(channels="operator"))


@pytest.mark.parametrize(
    ("happened", "refusal", "replayed"),
    [
        (end_agreement, Refusal.AGREEMENT_INACTIVE, True),
        (suspend_agreement, Refusal.AGREEMENT_INACTIVE, True),
        (begin_agreement_tomorrow, Refusal.AGREEMENT_INACTIVE, True),
        (retire_product, Refusal.PRODUCT_RETIRED, True),
        (expire_key, Refusal.KEY_EXPIRED, True),
        (block_key, Refusal.KEY_BLOCKED, False),
        (close_phone_for_product, Refusal.CHANNEL_NOT_ALLOWED, False),
        (close_phone_for_key, Refusal.CHANNEL_NOT_ALLOWED, False),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_reason_refuses_a_new_activation_and_some_a_replay(
    database, mak, installation, happened, refusal, replayed
):
    known = installation(1, mak.key.serial)
    activate(database, known)
    happened(database)
    fresh = installation(1, mak.key.serial, nonce=2)
    assert activate(database, fresh) == Refused(refusal)
    assert reserve(database, fresh) == Refused(refusal)
    again = activate(database, known)
    assert again.replay if replayed else again == Refused(refusal)
    assert balance(database, mak.key) == (0, 1, 9)


@pytest.mark.parametrize(
    ("key_type", "activated"),
    [(KeyType.MAK, True), (KeyType.KMS_HOST, True), (KeyType.KMS_CLIENT, False)],
)
def test_only_keys_that_this_line_activates_are_activated(database, issue_key, installation, key_type, activated):
    key = issue_key(key_type=key_type).key
    done = activate(database, installation(1, key.serial))
    assert isinstance(done, Activated) if activated else done == Refused(Refusal.KEY_TYPE_NOT_ALLOWED)


@pytest.mark.usefixtures("catalogue")
def test_a_sound_proof_on_a_serial_never_issued_raises_the_alarm_without_any_digits(database, installation):
    with capture_logs() as logs:
        assert activate(database, installation(1, 77_777)) == Refused(Refusal.KEY_UNKNOWN)
    assert [(line["event"], line["log_level"]) for line in logs] == [("serial_never_issued", "critical")]
    assert "77777" not in str(logs)


def test_a_product_that_the_catalogue_does_not_know_is_unknown_and_no_alarm(database, installation):
    with capture_logs() as logs:
        assert activate(database, installation(1, 1)) == Refused(Refusal.PRODUCT_UNKNOWN)
    assert logs == []


def test_an_id_of_another_format_than_its_product_s_is_refused(database, mak, installation):
    iid = replace(installation(1, mak.key.serial), format=7)
    assert activate(database, iid) == Refused(Refusal.FORMAT_NOT_OF_PRODUCT)


def test_a_wrong_proof_and_an_unknown_product_are_found_without_the_database(secrets, installation):
    iid = installation(1, 5)
    assert ledger.identify(iid, secrets) == ledger.Genuine(2)
    assert ledger.identify(installation(1, 5, generation=1), secrets) == ledger.Genuine(1)
    assert ledger.identify(replace(iid, proof=iid.proof ^ 1), secrets) == Refused(Refusal.PROOF_WRONG)
    assert ledger.identify(replace(iid, serial=6), secrets) == Refused(Refusal.PROOF_WRONG)
    assert ledger.identify(replace(iid, product=2), secrets) == Refused(Refusal.PRODUCT_UNKNOWN)


def test_a_returned_installation_is_dead(database, mak, installation):
    iid = installation(1, mak.key.serial)
    activate(database, iid)
    change(database, update(reservations).values(state="returned"))
    with database.begin() as connection:
        assert ledger.reserve_and_post(connection, claim_of(iid), now=NOW) == Refused(Refusal.IID_RETURNED)
