"""Giving an activation back: burnt before its code is shown, dead for good, and only where it can be meant."""

from dataclasses import replace
from datetime import date

import pytest

from keys import confirmation_id, return_code
from keys.device import machine, returning
from keys.device.build import InvalidBuild, ProductBuild
from keys.device.hardware import simulated
from keys.device.machine import Declined, Reason, Status
from keys.device.state import InvalidState, State
from keys.groups import digits_of
from keys.installation_id import decode, encode
from keys.product_key import KeyType, make
from keys.product_key import encode as encode_key

TODAY = date(2026, 11, 24)
KEY = make(KeyType.MAK, 7, 41, b"issuing key of product seven....")
HERE = simulated("wheelhouse")
BUILD = ProductBuild(7, "Harbour Pilot", 1, generation=2, verification_secret=b"two." * 8, blocks=8, returns=True)


def answer_to(state, build=BUILD):
    return "".join(
        confirmation_id.issue(
            decode(state.installation_id),
            verification_secret=build.verification_secret,
            key_secret=KEY.secret,
            blocks=build.blocks,
        )
    )


def installed(nonce=9, build=BUILD, returned=()):
    return machine.install(build, encode_key(KEY), HERE, nonce, returned=returned)


@pytest.fixture
def alive():
    state = installed()
    return machine.deposit(BUILD, state, answer_to(state))


def reason_of(call, *arguments):
    with pytest.raises(Declined) as caught:
        call(*arguments)
    return caught.value.reason


def test_a_machine_that_gave_back_is_dead_and_shows_the_code_the_line_believes(alive):
    dead = returning.give_back(BUILD, alive, HERE)
    assert machine.status(BUILD, dead, HERE, TODAY) is Status.RETURNED
    assert (dead.confirmation_id, machine.pair(dead)) == (None, None)
    code = " ".join(returning.code(BUILD, dead))
    iid = decode(alive.installation_id)
    assert return_code.faults(code, 1) == ()
    assert return_code.matches(code, iid, verification_secret=BUILD.verification_secret, key_secret=alive.key_secret)


def test_no_code_is_made_of_a_machine_that_is_alive(alive):
    assert reason_of(returning.code, BUILD, alive) is Reason.NOT_RETURNED
    assert machine.status(BUILD, alive, HERE, TODAY) is Status.ACTIVATED


def test_a_code_that_was_lost_is_shown_again_from_what_is_stored(alive):
    dead = returning.give_back(BUILD, alive, HERE)
    stored = State.from_facts(dead.to_facts())
    assert stored == dead
    assert returning.give_back(BUILD, stored, HERE) == dead
    assert returning.code(BUILD, stored) == returning.code(BUILD, dead)


def test_neither_its_answer_nor_its_saved_pair_brings_a_dead_installation_to_life(alive):
    iid, cid = machine.pair(alive)
    dead = returning.give_back(BUILD, alive, HERE)
    assert reason_of(machine.deposit, BUILD, dead, cid) is Reason.RETURNED
    assert reason_of(machine.deposit_pair, BUILD, dead, iid, cid, HERE, TODAY) is Reason.RETURNED
    anew = installed(10, returned=dead.returned)
    assert reason_of(machine.deposit_pair, BUILD, anew, iid, cid, HERE, TODAY) is Reason.RETURNED
    edited = replace(dead, confirmation_id=digits_of(cid))
    assert machine.status(BUILD, edited, HERE, TODAY) is Status.RETURNED


def test_the_machine_is_installed_again_under_a_nonce_that_was_never_burnt(alive):
    dead = returning.give_back(BUILD, alive, HERE)
    anew = installed(9, returned=dead.returned)  # chance has drawn the burnt nonce again
    assert anew.installation_id != dead.installation_id
    assert decode(anew.installation_id).nonce == 10
    assert anew.returned == (dead.installation_id,)
    back = machine.deposit(BUILD, anew, answer_to(anew))
    assert machine.status(BUILD, back, HERE, TODAY) is Status.ACTIVATED
    twice = returning.give_back(BUILD, back, HERE)
    assert twice.returned == (dead.installation_id, back.installation_id)
    assert decode(installed(9, returned=twice.returned).installation_id).nonce == 11


def test_after_the_last_nonce_comes_the_first():
    last = 2**16 - 1
    burnt = installed(last).installation_id
    assert decode(installed(last, returned=(burnt,)).installation_id).nonce == 0


def test_only_the_machine_that_was_activated_gives_back_by_burning(alive):
    assert reason_of(returning.give_back, BUILD, alive, simulated("engine room")) is Reason.HARDWARE_CHANGED


def test_an_installation_whose_answer_was_never_keyed_may_be_given_back_too():
    dead = returning.give_back(BUILD, installed(), HERE)
    assert len(returning.code(BUILD, dead)) == 3


def test_a_product_without_returns_burns_nothing(alive):
    without = replace(BUILD, returns=False)
    assert reason_of(returning.give_back, without, alive, HERE) is Reason.NO_RETURNS
    with pytest.raises(InvalidBuild):
        ProductBuild(7, "Sounder", 3, 2, b"two." * 8, blocks=5, returns=True)


def test_what_another_build_made_is_not_burnt(alive):
    other = replace(BUILD, verification_secret=b"one." * 8)
    assert reason_of(returning.give_back, other, alive, HERE) is Reason.NOT_INSTALLED
    dead = returning.give_back(BUILD, alive, HERE)
    assert reason_of(returning.code, other, dead) is Reason.NOT_INSTALLED


@pytest.mark.parametrize("returned", ["123", [7], ["123"], {"a": 1}])
def test_a_damaged_list_of_what_was_given_back_is_refused(alive, returned):
    with pytest.raises(InvalidState):
        State.from_facts(alive.to_facts() | {"returned": returned})


def test_a_file_from_before_returns_were_known_is_read(alive):
    older = alive.to_facts()
    del older["returned"]
    assert State.from_facts(older) == alive
    assert encode(decode(alive.installation_id)) == alive.installation_id
