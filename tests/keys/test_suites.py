"""A suite's key activates every member on a machine, and a machine is one of what the key is for."""

from dataclasses import replace
from datetime import date

import pytest

from keys.catalog import product_build
from keys.catalog_loading import load as load_catalogue
from keys.confirming import confirmation_of
from keys.device import machine, returning
from keys.device.hardware import simulated
from keys.device.machine import Declined, Reason, Status
from keys.installation_id import decode
from keys.ledger import Activated, identify
from keys.products import Suite, find_product, suites_of
from keys.reservations import Basis
from tests.keys.claims import activate, balance

HERE, THERE, TODAY = simulated("wheelhouse"), simulated("engine room"), date(2026, 11, 24)


@pytest.fixture
def members(database, catalogue, secrets):
    """The builds of products 1 (standard) and 3 (compact), which are sold as suite 7 (classic)."""
    with database.begin() as connection:
        load_catalogue(connection, replace(catalogue, suites=(Suite(7, (1, 3)),)))
    with database.read() as connection:
        return [
            product_build(find_product(connection, number), secrets, suites=suites_of(connection, number))
            for number in (1, 3)
        ]


@pytest.fixture
def suite_key(members, issue_key):  # noqa: ARG001 - it is a suite
    return issue_key(7)


@pytest.fixture
def answer(database, secrets):
    """Activates at the line whatever a machine shows, and gives the answer to it."""

    def ask(state):
        iid = decode(state.installation_id)
        done = activate(database, iid)
        assert isinstance(done, Activated), done
        return " ".join(confirmation_of(done.reservation, iid, secrets)), done

    return ask


def test_one_activation_serves_every_member_on_the_machine(members, suite_key, answer, database):
    first, second = members
    state = machine.install(first, suite_key.text, HERE, nonce=9)
    assert (state.product, decode(state.installation_id).product) == (7, 7)
    state = machine.deposit(first, state, answer(state)[0])
    assert machine.is_installed(second, state, suite_key.text)
    for build in members:
        assert machine.status(build, state, HERE, TODAY) is Status.ACTIVATED
        assert machine.status(build, state, THERE, TODAY) is Status.HARDWARE_CHANGED
    assert balance(database, suite_key.key) == (0, 1, 9)


def test_a_member_that_keeps_a_state_of_its_own_takes_the_pair_and_nothing_is_counted(
    members, suite_key, answer, database
):
    first, second = members
    state = machine.install(first, suite_key.text, HERE, nonce=9)
    state = machine.deposit(first, state, answer(state)[0])
    alone = machine.install(second, suite_key.text, HERE, nonce=10)
    alone = machine.deposit_pair(second, alone, *machine.pair(state), HERE, TODAY)
    assert machine.status(second, alone, HERE, TODAY) is Status.ACTIVATED
    assert balance(database, suite_key.key) == (0, 1, 9)


def test_an_installation_of_its_own_is_the_same_machine_again_and_counts_like_one(members, suite_key, answer, database):
    first, second = members
    answer(machine.install(first, suite_key.text, HERE, nonce=9))
    _, done = answer(machine.install(second, suite_key.text, HERE, nonce=10))
    assert done.reservation.basis is Basis.REACTIVATION
    assert balance(database, suite_key.key) == (0, 2, 8)


def test_two_machines_are_two_whatever_members_they_have(members, suite_key, answer, database):
    for build, place in zip(members, (HERE, THERE), strict=True):
        answer(machine.install(build, suite_key.text, place, nonce=9))
    assert balance(database, suite_key.key) == (0, 2, 8)


def test_a_members_own_key_activates_that_member_alone(members, suite_key, issue_key, answer, database):
    first, second = members
    own = issue_key(1)
    state = machine.install(first, own.text, HERE, nonce=9)
    state = machine.deposit(first, state, answer(state)[0])
    assert machine.status(first, state, HERE, TODAY) is Status.ACTIVATED
    assert machine.status(second, state, HERE, TODAY) is Status.NOT_INSTALLED
    assert not machine.is_installed(second, state, own.text)
    assert not machine.is_installed(second, state, suite_key.text)
    with pytest.raises(Declined) as caught:
        machine.install(second, own.text, HERE, nonce=9)
    assert (caught.value.reason, caught.value.found) == (Reason.OTHER_PRODUCT, 1)
    assert (balance(database, own.key), balance(database, suite_key.key)) == ((0, 1, 9), (0, 0, 10))


def test_a_product_outside_of_the_suite_takes_neither_its_key_nor_its_state(
    members, suite_key, answer, secrets, database
):
    with database.read() as connection:
        outside = product_build(find_product(connection, 1), secrets)
    with pytest.raises(Declined) as caught:
        machine.install(outside, suite_key.text, HERE, nonce=9)
    assert caught.value.reason is Reason.OTHER_PRODUCT
    state = machine.install(members[0], suite_key.text, HERE, nonce=9)
    state = machine.deposit(members[0], state, answer(state)[0])
    assert machine.status(outside, state, HERE, TODAY) is Status.NOT_INSTALLED


def test_given_back_by_one_member_it_is_dead_for_all(members, suite_key, answer, secrets):
    members = [
        replace(build, suites=tuple(replace(suite, returns=True) for suite in build.suites)) for build in members
    ]
    state = machine.install(members[0], suite_key.text, HERE, nonce=9)
    state = machine.deposit(members[0], state, answer(state)[0])
    dead = returning.give_back(members[1], state, HERE)
    assert [machine.status(build, dead, HERE, TODAY) for build in members] == [Status.RETURNED] * 2
    assert returning.code(members[0], dead) == returning.code(members[1], dead)
    assert identify(decode(dead.installation_id), secrets).generation == 2


def test_a_member_built_before_the_suites_secret_was_renewed_says_so(members, suite_key):
    (suite,) = members[1].suites
    older = replace(members[1], suites=(replace(suite, verification_secret=bytes(32), earlier={}),))
    state = machine.install(members[0], suite_key.text, HERE, nonce=9)
    assert machine.status(older, state, HERE, TODAY) is Status.NOT_INSTALLED
    with pytest.raises(Declined) as caught:
        machine.is_installed(older, state, suite_key.text)
    assert caught.value.reason is Reason.NOT_INSTALLED
