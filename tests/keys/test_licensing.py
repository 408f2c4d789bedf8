"""Which keys are for which copies, and what becomes of a product once it is retired."""

from datetime import date, timedelta

import pytest
from sqlalchemy import update

from keys.catalog import agreements
from keys.issue import IssueError, IssueFault, product_keys
from keys.ledger import Activated, Refused
from keys.product_key import KeyType
from keys.products import products
from keys.refusals import Refusal
from tests.conftest import NOW
from tests.keys.claims import activate


def change(database, table, **values):
    with database.begin() as connection:
        connection.execute(update(table).values(**values))


@pytest.mark.parametrize(
    ("key_type", "copies", "agreed", "allowed"),
    [
        (KeyType.MAK, "volume", "volume", True),
        (KeyType.MAK, "retail", "volume", False),
        (KeyType.MAK, "retail", "volume retail", True),
        (KeyType.MAK, "preinstalled", "volume retail", False),
        (KeyType.MAK, "preinstalled", "volume preinstalled", True),
        (KeyType.KMS_HOST, "retail", "volume", False),
        (KeyType.KMS_HOST, "retail", "volume retail", True),
        (KeyType.RETAIL, "retail", "volume", True),
        (KeyType.RETAIL, "preinstalled", "volume", True),
        (KeyType.RETAIL, "volume", "volume retail", False),
    ],
)
def test_volume_keys_are_for_volume_copies_unless_the_agreement_says_so(
    database, issue_key, installation, key_type, copies, agreed, allowed
):
    """Refused at issue; and where a key was issued before the rule came to forbid it, refused on the line."""
    usual = "retail" if key_type is KeyType.RETAIL else "volume"
    change(database, products, licensing=usual, retail_machines=10)
    key = issue_key(key_type=key_type).key
    change(database, products, licensing=copies)
    change(database, agreements, licensing=agreed)
    done = activate(database, installation(1, key.serial))
    if allowed:
        assert isinstance(done, Activated)
        assert issue_key(key_type=key_type)
    else:
        assert done == Refused(Refusal.LICENSING_NOT_ALLOWED)
        with pytest.raises(IssueError) as refused:
            issue_key(key_type=key_type)
        assert refused.value.fault is IssueFault.LICENSING_NOT_ALLOWED


def test_what_was_activated_before_the_rule_is_answered_still(database, mak, installation):
    iid = installation(1, mak.key.serial)
    assert isinstance(activate(database, iid), Activated)
    change(database, products, licensing="retail")
    assert activate(database, iid).replay


EVE, DAY = date(2026, 11, 23), NOW.date()


@pytest.mark.parametrize("after", ["refuse", "escrow", "approve"])
def test_on_its_day_a_product_is_retired_and_what_happens_then_is_as_it_says(database, mak, installation, after):
    serial = mak.key.serial
    change(database, products, retires=DAY, after_retirement=after)
    early = activate(database, installation(1, serial), now=NOW - timedelta(days=1))
    assert isinstance(early, Activated)
    anew = activate(database, installation(1, serial, nonce=2))
    if after == "approve":
        assert isinstance(anew, Activated)
        assert not anew.replay
    else:
        assert anew == Refused(Refusal.PRODUCT_RETIRED)
    assert activate(database, installation(1, serial)).replay


@pytest.mark.parametrize(
    ("agreement", "key", "refusal"),
    [
        ({"ends": EVE}, {}, None),
        ({"status": "ended"}, {}, None),
        ({"status": "suspended"}, {}, Refusal.AGREEMENT_INACTIVE),
        ({}, {"status": "blocked"}, Refusal.KEY_BLOCKED),
        ({}, {"status": "expired"}, Refusal.KEY_EXPIRED),
    ],
)
def test_a_product_approved_for_ever_outlives_its_agreements_but_no_block(
    database, mak, installation, agreement, key, refusal
):
    change(database, products, retires=DAY, after_retirement="approve")
    if agreement:
        change(database, agreements, **agreement)
    if key:
        change(database, product_keys, **key)
    done = activate(database, installation(1, mak.key.serial))
    assert isinstance(done, Activated) if refusal is None else done == Refused(refusal)


def test_a_product_approved_for_ever_still_counts(database, issue_key, installation):
    serial = issue_key(granted=1).key.serial
    change(database, products, status="retired", after_retirement="approve")
    assert isinstance(activate(database, installation(1, serial)), Activated)
    assert activate(database, installation(1, serial, nonce=2)) == Refused(Refusal.ALLOWANCE_EXHAUSTED)


def test_no_key_of_a_retired_product_is_issued_from_its_day_on(database, issue_key):
    change(database, products, retires=DAY + timedelta(days=1))
    assert issue_key()
    change(database, products, retires=DAY)
    with pytest.raises(IssueError) as refused:
        issue_key()
    assert refused.value.fault is IssueFault.PRODUCT_RETIRED
