"""A product in a trustee's hands: when it may go there, what goes along, and the same answers by the file alone."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from keys import age_file, escrow, ledger, returning
from keys.age_file import NoKey, NoRecipient, NotOpened, PassphraseTooShort
from keys.catalog import agreements
from keys.confirming import confirmation_of
from keys.entries import OF_A_PRODUCT, Entry, Kind, append, of_key
from keys.escrow import InvalidEscrow
from keys.handing_over import Handed, HandingFault, gather, note
from keys.issue import Order, block, expire, issue
from keys.product_key import KeyType
from keys.products import find_product, products
from keys.refusals import Refusal
from keys.returning import By
from keys.seals import seal
from keys.verify import verify
from tests.conftest import NOW
from tests.keys.claims import activate

LATER = date(2040, 5, 1)


def change(database, table, **values):
    with database.begin() as connection:
        connection.execute(update(table).values(**values))


@pytest.fixture
def retired(database, catalogue):  # noqa: ARG001 - there are products
    """Retires every product into a trustee's hands, after what a test has activated before."""

    def retire():
        change(database, products, status="retired", after_retirement="escrow")

    return retire


@pytest.fixture
def handed(database, secrets):
    """What a trustee is handed of a product, having been through its file."""

    def take(number=1):
        with database.read() as connection:
            held = gather(connection, secrets, find_product(connection, number), now=NOW)
        assert escrow.read(escrow.written(held)) == held
        return held

    return take


@pytest.mark.parametrize("format_number", [1, 3, 7])
def test_the_trustees_answer_is_the_lines_answer(
    database, retired, handed, issue_key, installation, secrets, format_number
):
    iid = installation(format_number, issue_key(format_number).key.serial)
    told = confirmation_of(activate(database, iid).reservation, iid, secrets)
    retired()
    assert escrow.confirm(handed(format_number), iid, LATER) == told


def test_a_licence_hosts_answer_carries_its_share_as_the_lines_does(
    database, retired, handed, issue_key, installation, secrets
):
    iid = installation(1, issue_key(key_type=KeyType.KMS_HOST).key.serial)
    told = confirmation_of(activate(database, iid).reservation, iid, secrets)
    retired()
    assert escrow.confirm(handed(), iid, LATER) == told


def test_every_generation_goes_along_and_a_term_is_kept(database, retired, handed, mak, installation):
    retired()
    held = handed()
    assert sorted(held.verification) == [1, 2]
    for generation in (1, 2):
        assert len(escrow.confirm(held, installation(1, mak.key.serial, generation=generation), LATER)) == 8
    change(database, products, term_months=12)
    answer = escrow.confirm(handed(), installation(1, mak.key.serial), date(2030, 3, 31))
    assert answer[0][1:4] == f"{(2031 - 2026) * 12 + 2:03d}"


def test_what_the_file_knows_against_a_key_or_an_installation_is_refused(
    database, retired, handed, mak, issue_key, installation, secrets
):
    blocked, ended, client = issue_key().key, issue_key().key, issue_key(key_type=KeyType.KMS_CLIENT).key
    gone = installation(1, mak.key.serial, nonce=9)
    reservation = activate(database, gone).reservation
    with database.begin() as connection:
        block(connection, blocked, now=NOW, actor="tester", reason="leaked")
        expire(connection, ended, date(2027, 1, 1), now=NOW, actor="tester")
        order = Order(1, "NS-1", 0, test=True)
        tested = issue(connection, secrets, order, now=NOW, actor="tester").key
        by = By("Anna Berg", "stolen")
        returning.release(connection, mak.key, returning.standing_of(connection, gone), by=by, now=NOW)
    assert reservation is not None
    retired()
    held = handed()

    def asked(serial, day=LATER, **more):
        return escrow.confirm(held, installation(1, serial, **more), day)

    assert asked(blocked.serial) is Refusal.KEY_BLOCKED
    assert asked(client.serial) is Refusal.KEY_TYPE_NOT_ALLOWED
    assert asked(tested.serial) is Refusal.KEY_TYPE_NOT_ALLOWED
    assert asked(ended.serial) is Refusal.KEY_EXPIRED
    assert len(asked(ended.serial, date(2026, 12, 31))) == 8
    assert asked(mak.key.serial, nonce=9) is Refusal.IID_RETURNED
    assert len(asked(mak.key.serial, nonce=10)) == 8
    assert asked(tested.serial + 1) is Refusal.KEY_UNKNOWN
    right = installation(1, mak.key.serial)
    assert escrow.confirm(held, replace(right, proof=(right.proof + 1) % 2**32), LATER) is Refusal.PROOF_WRONG
    assert escrow.confirm(held, installation(7, 1), LATER) is Refusal.PRODUCT_UNKNOWN
    assert escrow.confirm(held, replace(right, format=7), LATER) is Refusal.FORMAT_NOT_OF_PRODUCT


def test_a_suspended_agreements_keys_are_refused_and_an_ended_ones_are_not(
    database, retired, handed, mak, installation
):
    retired()
    change(database, agreements, status="ended")
    assert len(escrow.confirm(handed(), installation(1, mak.key.serial), LATER)) == 8
    change(database, agreements, status="suspended")
    assert escrow.confirm(handed(), installation(1, mak.key.serial), LATER) is Refusal.KEY_BLOCKED


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        ({"status": "retired", "after_retirement": "refuse"}, HandingFault.NO_ESCROW),
        ({"status": "retired", "after_retirement": "approve"}, HandingFault.NO_ESCROW),
        ({"after_retirement": "escrow"}, HandingFault.NOT_RETIRED),
        ({"after_retirement": "escrow", "retires": NOW.date() + timedelta(days=1)}, HandingFault.NOT_RETIRED),
        ({"after_retirement": "refuse", "escrow_ahead": True}, HandingFault.NO_ESCROW),
        ({"after_retirement": "escrow", "retires": NOW.date()}, None),
        ({"after_retirement": "escrow", "escrow_ahead": True}, None),
    ],
)
def test_a_product_is_handed_over_when_its_catalogue_says_so_and_not_before(
    database, catalogue, secrets, policy, fault
):
    assert catalogue.products
    change(database, products, **policy)
    with database.read() as connection:
        found = gather(connection, secrets, find_product(connection, 1), now=NOW)
    assert found is fault if fault else found.product == 1


def test_without_its_secrets_there_is_nothing_to_hand_over(database, retired, secrets):
    retired()
    with database.read() as connection:
        poor = replace(secrets, products={})
        found = gather(connection, poor, find_product(connection, 1), now=NOW)
    assert found is HandingFault.ISSUING_KEY_MISSING


def test_handing_over_is_a_sealed_entry_that_miscounts_nothing(database, retired, handed, secrets, mak):
    assert mak.key
    retired()
    one = Handed("Anna Berg", "Nordtrust", "escrow agreement 7", "age1qqq", "ab" * 32)
    with database.begin() as connection:
        note(connection, handed(), one, now=NOW)
    with database.begin() as connection:
        seal(connection, secrets.ledger_key)
    with database.read() as connection:
        (entry,) = [each for each in of_key(connection) if each["kind"] == Kind.ESCROW]
        assert verify(connection, secrets).sound
    assert (entry["key_id"], entry["actor"], entry["reason"]) == (OF_A_PRODUCT, "Anna Berg", "escrow agreement 7")
    told = json.loads(entry["details"])
    assert told == {
        "product": 1,
        "trustee": "Nordtrust",
        "sealed_for": "age1qqq",
        "sha256": "ab" * 32,
        "generations": [1, 2],
    }
    for nobody in (replace(one, reason=" "), replace(one, trustee="")):
        with pytest.raises(ValueError, match="Anna"), database.begin() as connection:
            note(connection, handed(), nobody, now=NOW)


def test_an_entry_of_no_key_that_counts_something_is_missed(database, catalogue):
    assert catalogue.products
    with database.begin() as connection:
        append(connection, Entry(NOW, Kind.ESCROW, OF_A_PRODUCT, granted=5))
        assert [mismatch.key_id for mismatch in ledger.recount(connection)] == [OF_A_PRODUCT]


def test_nothing_secret_is_in_a_repr(retired, handed):
    retired()
    held = handed()
    assert held.issuing_key.hex() not in repr(held)
    assert repr(held.issuing_key) not in repr(held)
    assert repr(held.verification[1]) not in repr(held)


@pytest.mark.parametrize("name", ["product", "issuing_key", "verification", "serials", "made", "blocked", "returned"])
def test_what_is_no_escrow_is_refused_by_its_part(retired, handed, name):
    retired()
    facts = json.loads(escrow.written(handed()))
    for wrong in (None, "no", [["no"]], -1):
        with pytest.raises(InvalidEscrow) as refused:
            escrow.read(json.dumps(facts | {name: wrong}).encode())
        assert refused.value.field == name
    for text in (b"", b"[]", b"{}", b"\xff", json.dumps(facts | {"escrow": 2}).encode()):
        with pytest.raises(InvalidEscrow, match="escrow"):
            escrow.read(text)


def test_a_seal_opens_for_its_key_alone_and_no_changed_one_opens():
    mine, other = age_file.new_key(), age_file.new_key()
    sealed = age_file.for_recipient(b"secret of a product", age_file.recipient_of(mine))
    assert "secret" not in sealed
    assert age_file.opened_by_key(sealed, f"# a remark\n{mine}\n") == b"secret of a product"
    middle = len(sealed) - 60
    changed = sealed[:middle] + ("A" if sealed[middle] != "A" else "B") + sealed[middle + 1 :]
    for text, key in ((sealed, other), (changed, mine), (sealed[:-90], mine), ("", mine), ("no age file", mine)):
        with pytest.raises(NotOpened):
            age_file.opened_by_key(text, key)
    for no_key in ("", "age1x", f"{mine}\n{other}"):
        with pytest.raises(NoKey):
            age_file.opened_by_key(sealed, no_key)
    with pytest.raises(NoRecipient):
        age_file.for_recipient(b"", "age1x")
    with pytest.raises(NotOpened):
        age_file.opened_by_passphrase(sealed, "a passphrase of many words")
    with pytest.raises(PassphraseTooShort):
        age_file.by_passphrase(b"", "a" * 19)
