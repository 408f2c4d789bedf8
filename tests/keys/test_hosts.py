"""Licence hosts are counted: so many a key, so often each, on both databases, however many come at once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError

from keys import confirmation_id, derivation, ed25519, hosts, ledger, replacing, returning, volume
from keys.catalog_loading import load
from keys.confirming import confirmation_of
from keys.database import Database
from keys.device import host
from keys.device import returning as device_returning
from keys.device.hardware import simulated
from keys.device.host_package import opened
from keys.device.machine import Status
from keys.entries import of_key
from keys.hosts import HostBalance, host_balance, recount_hosts
from keys.installation_id import decode
from keys.issue import block
from keys.kms import certificate
from keys.ledger import Activated, Refused
from keys.ledger_many import reserve_and_post_many
from keys.product_key import KeyType, last_five
from keys.products import find_product, products
from keys.refusals import Refusal
from keys.verify import Damage, verify
from tests.conftest import NOW
from tests.keys.claims import HOLD, activate, balance, claim_of, reserve

BY = {"now": NOW, "actor": "Anna Berg", "reason": "on a forum"}


@pytest.fixture
def host_key(issue_key):
    return issue_key(1, 60, KeyType.KMS_HOST)


@pytest.fixture
def machine(installation, host_key):
    """The IID of a host's installation: `number` is the hardware, `nonce` the installation."""
    return lambda number, nonce: installation(1, host_key.key.serial, nonce=nonce, fingerprint=(number,) * 8)


def counted(database, key):
    with database.read() as connection:
        assert recount_hosts(connection) == ()
        found = host_balance(connection, key.id)
    return found.hosts, found.activations


def test_the_seventh_host_of_a_key_is_refused_and_leaves_no_trace(database, host_key, machine):
    for number in range(1, 7):
        assert isinstance(activate(database, machine(number, number)), Activated)
    assert activate(database, machine(7, 7)) == Refused(Refusal.HOSTS_EXHAUSTED)
    assert reserve(database, machine(7, 8)) == Refused(Refusal.HOSTS_EXHAUSTED)
    assert counted(database, host_key.key) == (6, 1)
    assert balance(database, host_key.key) == (0, 6, 54)
    assert activate(database, machine(6, 6)).replay


def test_a_host_is_activated_again_nine_times(database, host_key, machine):
    done = [activate(database, machine(1, nonce)) for nonce in range(1, 12)]
    assert [one.reservation.reactivation for one in done[:10]] == [False] + [True] * 9
    assert done[10] == Refused(Refusal.HOST_REACTIVATIONS_EXHAUSTED)
    assert activate(database, machine(1, 10)).replay
    assert isinstance(activate(database, machine(2, 1)), Activated)
    assert counted(database, host_key.key) == (2, 10)


def test_a_mak_and_a_retail_key_know_no_hosts(database, mak, installation):
    for number in range(1, 9):
        assert isinstance(activate(database, installation(1, mak.key.serial, nonce=number)), Activated)
    with database.read() as connection:
        assert host_balance(connection, mak.key.id) is None


def test_what_is_given_back_counts_no_more(database, host_key, machine):
    for number in range(1, 6):
        activate(database, machine(number, 1))
    reserve(database, machine(6, 1), holder="call-a")
    reserve(database, machine(1, 2), holder="call-b")
    assert counted(database, host_key.key) == (6, 2)
    assert reserve(database, machine(7, 1)) == Refused(Refusal.HOSTS_EXHAUSTED)
    with database.begin() as connection:
        ledger.void_held(connection, "call-a", now=NOW, reason="hung up")
    assert counted(database, host_key.key) == (5, 2)
    reserve(database, machine(7, 1), holder="call-c")
    with database.begin() as connection:
        assert ledger.expire(connection, now=NOW + HOLD + timedelta(minutes=1)) == 2
    assert counted(database, host_key.key) == (5, 1)
    assert isinstance(activate(database, machine(8, 1)), Activated)


def test_a_host_that_gave_back_with_its_code_is_counted_no_more(database, host_key, secrets):
    with database.begin() as connection:
        connection.execute(update(products).values(returns=1))
        made = volume.package_for(connection, secrets, find_product(connection, 1), host_key.key, nonce=bytes(12))
    state = host.install(made, host_key.text, simulated("server room"), nonce=9)
    iid = decode(state.installation_id)
    activate(database, iid)
    assert counted(database, host_key.key) == (1, 1)
    dead = device_returning.give_back(made.build, state, simulated("server room"))
    code = " ".join(device_returning.code(made.build, dead))
    with database.begin() as connection:
        by = returning.By("Anna Berg")
        assert returning.give_back(connection, secrets, iid, code, by=by, now=NOW).counted == 1
    assert counted(database, host_key.key) == (0, 0)
    assert activate(database, iid) == Refused(Refusal.IID_RETURNED)


def test_an_exhausted_allowance_takes_no_host(database, issue_key, installation):
    key = issue_key(1, 1, KeyType.KMS_HOST).key
    activate(database, installation(1, key.serial, nonce=1))
    other = installation(1, key.serial, nonce=2, fingerprint=(9,) * 8)
    assert activate(database, other) == Refused(Refusal.ALLOWANCE_EXHAUSTED)
    assert counted(database, key) == (1, 1)


def test_limits_are_the_products_and_may_be_a_keys_own(database, host_key, machine):
    with database.begin() as connection:
        assert host_balance(connection, host_key.key.id) == HostBalance(6, 0, 10, 0)
        assert hosts.limit_hosts(connection, host_key.key.id, 1, 1, **BY)
    assert isinstance(activate(database, machine(1, 1)), Activated)
    assert activate(database, machine(2, 1)) == Refused(Refusal.HOSTS_EXHAUSTED)
    assert isinstance(activate(database, machine(1, 2)), Activated)
    assert activate(database, machine(1, 3)) == Refused(Refusal.HOST_REACTIVATIONS_EXHAUSTED)
    with database.begin() as connection:
        assert not hosts.limit_hosts(connection, host_key.key.id, 1, 0, **BY)
        assert hosts.limit_hosts(connection, host_key.key.id, 2, 2, **BY)
        details = [json.loads(entry["details"]) for entry in of_key(connection, host_key.key.id)]
    limits = [one for one in details if "most_hosts" in one]
    assert limits == [{"most_hosts": most, "most_reactivations": most} for most in (1, 2)]
    assert isinstance(activate(database, machine(1, 3)), Activated)
    assert isinstance(activate(database, machine(2, 1)), Activated)


@pytest.mark.parametrize("column", ["hosts", "activations"])
def test_the_database_itself_holds_the_limits(database, machine, column):
    activate(database, machine(1, 1))
    table, most = (hosts.host_keys, 6) if column == "hosts" else (hosts.hosts, 10)
    for value in (most + 1, -1):
        with pytest.raises(IntegrityError), database.begin() as connection:
            connection.execute(update(table).values({column: value}))


def test_verify_finds_counters_that_are_not_what_was_entered(database, host_key, machine, secrets):
    activate(database, machine(1, 1))
    row = {"key_id": host_key.key.id, "fingerprint": 77, "activations": 1, "most_activations": 10}
    for change in (
        update(hosts.host_keys).values(hosts=2),
        update(hosts.hosts).values(activations=3),
        update(hosts.hosts).values(most_activations=99),
        insert(hosts.hosts).values(row),
        text("DELETE FROM hosts"),
    ):
        with database.engine.connect() as connection:
            assert recount_hosts(connection) == ()
            connection.execute(change)
            report = verify(connection, secrets)
            assert [(problem.damage, problem.key_id) for problem in report.problems] == [
                (Damage.HOSTS_MISCOUNTED, host_key.key.id)
            ]
            connection.rollback()


def test_forty_hosts_at_once_for_a_key_of_six(database_url, host_key, machine):
    busy = Database(database_url, patience=60, connections=20)
    start = threading.Barrier(40)

    def call(number):
        start.wait()
        return activate(busy, machine(number // 2 + 1, number + 1), holder=f"call-{number}")

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(call, range(40)))
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert all(answer == Refused(Refusal.HOSTS_EXHAUSTED) for answer in refused)
    # Six hosts, and of each the one or two calls that it made.
    assert counted(busy, host_key.key)[0] == 6
    assert 6 <= len(answers) - len(refused) <= 12
    busy.close()


def test_a_hosts_answer_opens_its_package_also_where_the_product_has_five_blocks(
    database, issue_key, secrets, catalogue
):
    for product in catalogue.products:
        issued = issue_key(product.number, 60, KeyType.KMS_HOST)
        with database.read() as connection:
            package = volume.package_for(connection, secrets, product, issued.key, nonce=b"n" * 12)
        here = simulated("server room")
        state = host.install(package, issued.text, here, nonce=9)
        iid = decode(state.installation_id)
        found = ledger.identify(iid, secrets)
        with database.begin() as connection:
            claim = ledger.Claim(iid, found.generation, "phone", "call-1")
            done = ledger.reserve_and_post(connection, claim, now=NOW)
        blocks = confirmation_of(done.reservation, iid, secrets)
        assert (done.reservation.scheme, len(blocks), blocks[0][0]) == (2, 8, "2")
        state = host.deposit(package, state, " ".join(blocks))
        standing = host.standing(package, state, here, NOW.date())
        assert standing.status is Status.ACTIVATED
        stated = certificate.read(
            standing.licence.certificate, ed25519.public_key(secrets.certificate_key), ed25519.check
        )
        assert (stated.family, stated.product, stated.serial) == (product.name, product.number, issued.key.serial)
        assert (stated.threshold, stated.ends) == (5, date(2028, 12, 31))


def test_a_package_is_for_a_host_key_alone(database, mak, secrets, catalogue):
    with database.read() as connection, pytest.raises(volume.NoHostKey):
        volume.package_for(connection, secrets, catalogue.products[0], mak.key, nonce=b"n" * 12)


def test_an_edition_carries_its_client_key_and_learns_of_withdrawn_hosts(database, issue_key, secrets, catalogue):
    product = catalogue.products[0]

    def edition():
        with database.read() as connection:
            return volume.edition(connection, secrets, product)

    assert edition() is None
    client_key = issue_key(1, 0, KeyType.KMS_CLIENT)
    leaked = issue_key(1, 60, KeyType.KMS_HOST)
    found = edition()
    assert last_five(found.client_key) == client_key.key.last_five
    assert (found.family, found.threshold, found.refused) == ("Fairway", 5, ())
    with database.begin() as connection:
        block(connection, leaked.key, now=NOW, actor="tester", reason="leaked")
    assert edition().refused == (f"1:{leaked.key.serial}",)


def test_the_certificates_threshold_is_the_familys_least(database, issue_key, secrets, catalogue):
    first, second, third = catalogue.products
    with database.begin() as connection:
        load(
            connection, replace(catalogue, products=(replace(first, family="Harbour", kms_threshold=25), second, third))
        )
    issued = issue_key(1, 60, KeyType.KMS_HOST)
    thresholds = []
    for other in (third, replace(third, family="Harbour", kms_threshold=7)):
        with database.begin() as connection:
            load(
                connection,
                replace(catalogue, products=(replace(first, family="Harbour", kms_threshold=25), second, other)),
            )
            product = replace(first, family="Harbour", kms_threshold=25)
            package = volume.package_for(connection, secrets, product, issued.key, nonce=b"n" * 12)
        share = derivation.host_share(secrets.products[1].issuing_key, issued.key.serial)
        secret = derivation.key_secret(secrets.products[1].issuing_key, issued.key.serial)
        licence = opened(package, key_secret=secret, share=share)
        text = licence.certificate
        thresholds.append(certificate.read(text, ed25519.public_key(secrets.certificate_key), ed25519.check).threshold)
    assert thresholds == [25, 7]


def test_a_host_key_needs_its_line_for_every_answer(database, host_key, machine, secrets):
    """What product and key can compute is the MAC; the share is the line's."""
    iid = machine(1, 1)
    done = activate(database, iid)
    blocks = confirmation_of(done.reservation, iid, secrets)
    own = confirmation_id.issue(
        iid,
        verification_secret=secrets.products[1].verification[2],
        key_secret=derivation.key_secret(secrets.products[1].issuing_key, host_key.key.serial),
        blocks=8,
    )
    assert blocks != own


def test_claims_of_a_blocked_host_key_are_refused(database, host_key, machine):
    activate(database, machine(1, 1))
    with database.begin() as connection:
        block(connection, host_key.key, now=NOW, actor="tester", reason="leaked")
        done = ledger.reserve_and_post(connection, claim_of(machine(1, 1)), now=NOW)
    assert done == Refused(Refusal.KEY_BLOCKED)


def test_hosts_among_thousands_are_counted_as_any_other(database, host_key, mak, machine, installation):
    claims = [claim_of(machine(number, 1), channel="proxy") for number in range(1, 9)]
    claims[3:3] = [claim_of(installation(1, mak.key.serial, nonce=number), channel="proxy") for number in range(20)]
    with database.begin() as connection:
        answers = reserve_and_post_many(connection, claims, now=NOW)
    schemes = [answer.reservation.scheme if isinstance(answer, Activated) else answer.refusal for answer in answers]
    assert schemes[:3] == [2, 2, 2]
    assert schemes[3:23] == [1] * 10 + [Refusal.ALLOWANCE_EXHAUSTED] * 10
    assert schemes[23:] == [2, 2, 2, Refusal.HOSTS_EXHAUSTED, Refusal.HOSTS_EXHAUSTED]
    assert counted(database, host_key.key) == (6, 1)


def test_a_replaced_host_key_hands_its_own_limits_on(database, host_key, machine, installation, secrets):
    with database.begin() as connection:
        assert hosts.limit_hosts(connection, host_key.key.id, 2, 1, **BY)
    activate(database, machine(1, 1))
    with database.begin() as connection:
        fresh = replacing.replace(connection, secrets, host_key.key, **BY)
    with database.read() as connection:
        # The hosts are the old key's: each is activated anew, under the new key.
        assert host_balance(connection, fresh.key.id) == HostBalance(2, 0, 2, 0)
        assert recount_hosts(connection) == ()
    again = [installation(1, fresh.key.serial, nonce=number, fingerprint=(number,) * 8) for number in (1, 2, 3)]
    assert [isinstance(activate(database, iid), Activated) for iid in again] == [True, True, False]
