"""Retail keys from issue to the activated machine: one machine a key, and neither kind opens the other's copies."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import update

from keys.catalog import agreements, product_build
from keys.confirming import confirmation_of
from keys.device import machine
from keys.device.hardware import simulated
from keys.device.machine import Declined, Reason, Status
from keys.installation_id import decode
from keys.issue import IssueError, IssueFault, grant
from keys.ledger import Activated, Refused
from keys.product_key import KeyType
from keys.products import find_product, products
from keys.refusals import Refusal
from tests.conftest import NOW
from tests.keys.claims import activate, balance

HERE, THERE, TODAY = simulated("wheelhouse"), simulated("engine room"), date(2026, 11, 24)


@pytest.fixture
def change(database, catalogue):  # noqa: ARG001 - there are products
    def to(table, **values):
        with database.begin() as connection:
            connection.execute(update(table).values(**values))

    return to


@pytest.fixture
def build_of(database, secrets):
    def made():
        with database.read() as connection:
            return product_build(find_product(connection, 1), secrets)

    return made


@pytest.mark.parametrize("copies", ["retail", "preinstalled"])
def test_a_retail_key_activates_one_machine_of_a_retail_or_preinstalled_copy(
    database, change, build_of, issue_key, secrets, copies
):
    change(products, licensing=copies)
    key, build = issue_key(granted=1, key_type=KeyType.RETAIL), build_of()
    state = machine.install(build, key.text, HERE, nonce=9)
    iid = decode(state.installation_id)
    done = activate(database, iid)
    state = machine.deposit(build, state, " ".join(confirmation_of(done.reservation, iid, secrets)))
    assert machine.status(build, state, HERE, TODAY) is Status.ACTIVATED
    assert activate(database, iid).replay
    second = machine.install(build, key.text, THERE, nonce=10)
    assert activate(database, decode(second.installation_id)) == Refused(Refusal.ALLOWANCE_EXHAUSTED)
    assert balance(database, key.key) == (0, 1, 0)


def test_the_same_machine_again_is_free_where_its_product_says_so(database, change, build_of, issue_key):
    change(products, licensing="retail", free_reactivations=1)
    key, build = issue_key(granted=1, key_type=KeyType.RETAIL), build_of()
    for nonce in (9, 10):
        state = machine.install(build, key.text, HERE, nonce=nonce)
        assert isinstance(activate(database, decode(state.installation_id)), Activated)
    third = decode(machine.install(build, key.text, HERE, nonce=11).installation_id)
    assert activate(database, third) == Refused(Refusal.ALLOWANCE_EXHAUSTED)


def test_a_retail_key_is_issued_for_as_many_machines_as_its_product_says_and_no_more(database, change, issue_key):
    change(products, licensing="retail")
    with pytest.raises(IssueError) as refused:
        issue_key(granted=2, key_type=KeyType.RETAIL)
    assert (refused.value.fault, refused.value.highest) == (IssueFault.GRANT_OUT_OF_RANGE, 1)
    change(products, retail_machines=3)
    key = issue_key(granted=3, key_type=KeyType.RETAIL).key
    with database.begin() as connection:  # and a person may grant one key more, as any
        assert grant(connection, key, 1, now=NOW, actor="Anna Berg", reason="bought a fourth").granted == 4


def test_the_machine_itself_declines_a_retail_key_on_a_volume_copy(change, build_of, issue_key):
    change(products, licensing="retail")
    key = issue_key(granted=1, key_type=KeyType.RETAIL)
    change(products, licensing="volume")
    with pytest.raises(Declined) as caught:
        machine.install(build_of(), key.text, HERE, nonce=9)
    assert (caught.value.reason, caught.value.found) == (Reason.KEY_TYPE, KeyType.RETAIL)


def test_no_kind_of_key_opens_the_others_copies_whatever_a_machine_lets_in(database, change, build_of, issue_key):
    """A machine that was tampered with installs what it likes; the line holds the rule in both directions."""
    volume = issue_key()
    change(products, licensing="retail")
    retail = issue_key(granted=1, key_type=KeyType.RETAIL)

    def asked(key, copies):
        change(products, licensing=copies)
        state = machine.install(replace(build_of(), licensing="retail"), key.text, HERE, nonce=9)
        return activate(database, decode(state.installation_id))

    assert asked(retail, "volume") == Refused(Refusal.LICENSING_NOT_ALLOWED)
    assert asked(volume, "retail") == Refused(Refusal.LICENSING_NOT_ALLOWED)
    assert asked(volume, "preinstalled") == Refused(Refusal.LICENSING_NOT_ALLOWED)
    change(agreements, licensing="volume retail preinstalled")
    assert asked(retail, "volume") == Refused(Refusal.LICENSING_NOT_ALLOWED)
    assert isinstance(asked(volume, "retail"), Activated)
    assert isinstance(asked(retail, "preinstalled"), Activated)
