"""A machine's life: installed, confirmed, moved, expired, wiped and brought back with its saved pair."""

import subprocess
import sys
from dataclasses import replace
from datetime import date

import pytest

from keys import confirmation_id
from keys.confirmation_id import InvalidConfirmationID, month_number
from keys.device import machine
from keys.device.build import ProductBuild
from keys.device.hardware import Component, replaced, simulated
from keys.device.machine import Declined, Reason, Status
from keys.device.state import InvalidState, State
from keys.errors import FieldRange
from keys.formats import FORMATS
from keys.groups import Fault, GroupFault, grouped
from keys.installation_id import InvalidInstallationID, decode, encode
from keys.product_key import InvalidProductKey, KeyFault, KeyType, make
from keys.product_key import encode as encode_key

TODAY = date(2026, 11, 24)
ISSUING = b"issuing key of product seven...."
HERE = simulated("wheelhouse")
BUILD = ProductBuild(7, "Harbour Pilot", 1, generation=2, verification_secret=b"two." * 8, blocks=8)


def _key(product=7, serial=41, kind=KeyType.MAK):
    return encode_key(make(kind, product, serial, ISSUING))


def _confirmation(build, state, valid_until=0):
    """What the line would read back."""
    return grouped(
        confirmation_id.issue(
            decode(state.installation_id),
            verification_secret=build.verification_secret,
            key_secret=state.key_secret,
            blocks=build.blocks,
            valid_until=valid_until,
        )
    )


def _activated(build=BUILD, hardware=HERE, nonce=9, valid_until=0):
    state = machine.install(build, _key(), hardware, nonce)
    return machine.deposit(build, state, _confirmation(build, state, valid_until))


@pytest.fixture(params=FORMATS.values(), ids=lambda fmt: fmt.name)
def build(request):
    fmt = request.param
    return ProductBuild(7, fmt.name, fmt.number, generation=2, verification_secret=b"two." * 8, blocks=fmt.blocks)


def test_a_machine_is_activated_in_every_format(build):
    assert machine.status(build, None, HERE, TODAY) is Status.NOT_INSTALLED
    state = machine.install(build, _key(), HERE, nonce=9)
    assert machine.status(build, state, HERE, TODAY) is Status.AWAITING_CONFIRMATION
    assert machine.pair(state) is None
    state = machine.deposit(build, state, _confirmation(build, state))
    assert machine.status(build, state, HERE, TODAY) is Status.ACTIVATED
    assert machine.valid_until(build, state) is None


def test_the_same_installation_always_shows_the_same_id_and_a_new_one_another():
    first, again, other = (machine.install(BUILD, _key(), HERE, nonce) for nonce in (9, 9, 10))
    assert first.installation_id == again.installation_id != other.installation_id


def _declined(call, *arguments):
    with pytest.raises(Declined) as caught:
        call(*arguments)
    return caught.value.reason, caught.value.found


def test_another_products_key_is_declined_before_any_digit_is_keyed():
    assert _declined(machine.install, BUILD, _key(product=8), HERE, 9) == (Reason.OTHER_PRODUCT, 8)


@pytest.mark.parametrize("kind", [KeyType.KMS_HOST, KeyType.KMS_CLIENT, KeyType.RETAIL])
def test_a_key_of_a_type_that_is_not_installed_is_declined(kind):
    assert _declined(machine.install, BUILD, _key(kind=kind), HERE, 9) == (Reason.KEY_TYPE, kind)


@pytest.mark.parametrize("copies", ["retail", "preinstalled"])
def test_a_retail_key_is_installed_on_copies_that_are_not_for_volume(copies):
    build = replace(BUILD, licensing=copies)
    state = machine.install(build, _key(kind=KeyType.RETAIL), HERE, 9)
    assert machine.status(build, state, HERE, TODAY) is Status.AWAITING_CONFIRMATION
    assert machine.install(build, _key(), HERE, 9).product == 7  # where the agreement says so, the line will
    for kind in (KeyType.KMS_HOST, KeyType.KMS_CLIENT):
        assert _declined(machine.install, build, _key(kind=kind), HERE, 9) == (Reason.KEY_TYPE, kind)


def test_a_mistyped_key_is_told():
    text = _key()
    with pytest.raises(InvalidProductKey) as caught:
        machine.install(BUILD, text[:-1] + ("0" if text[-1] != "0" else "1"), HERE, 9)
    assert caught.value.fault is KeyFault.CHECK


@pytest.mark.parametrize(
    "hardware",
    [
        {},
        {"processor": (Component("x"),), "memory": (Component("16"),)},
        {"machine": (Component("vm-1", virtual=True),), "disk": (Component("usb", removable=True),)},
    ],
)
def test_hardware_without_an_identity_of_its_own_is_declined(hardware):
    assert _declined(machine.install, BUILD, _key(), hardware, 9) == (Reason.NO_OWN_IDENTITY, None)


def test_a_serial_that_the_format_has_no_room_for_is_refused():
    compact = ProductBuild(7, "c", 3, generation=1, verification_secret=bytes(32), blocks=5)
    with pytest.raises(FieldRange) as caught:
        machine.install(compact, _key(serial=2**22), HERE, 9)
    assert caught.value.field == "serial"


def test_a_wrong_block_is_named_and_nothing_is_kept():
    state = machine.install(BUILD, _key(), HERE, 9)
    blocks = _confirmation(BUILD, state).split()
    blocks[4] = str((int(blocks[4][0]) + 1) % 10) + blocks[4][1:]
    with pytest.raises(InvalidConfirmationID) as caught:
        machine.deposit(BUILD, state, " ".join(blocks))
    assert caught.value.faults == (GroupFault(5, Fault.CHECK_DIGIT),)
    assert machine.status(BUILD, state, HERE, TODAY) is Status.AWAITING_CONFIRMATION


def test_a_confirmation_id_of_another_installation_is_told():
    one, two = (machine.install(BUILD, _key(), HERE, nonce) for nonce in (9, 10))
    with pytest.raises(InvalidConfirmationID) as caught:
        machine.deposit(BUILD, one, _confirmation(BUILD, two))
    assert caught.value.faults == (GroupFault(None, Fault.WHOLE_ID),)


def test_a_term_lasts_to_the_end_of_its_month():
    state = _activated(valid_until=month_number(date(2027, 2, 1)))
    assert machine.valid_until(BUILD, state) == date(2027, 2, 28)
    assert machine.status(BUILD, state, HERE, date(2027, 2, 28)) is Status.ACTIVATED
    assert machine.status(BUILD, state, HERE, date(2027, 3, 1)) is Status.EXPIRED


def test_a_small_change_is_forgiven_and_a_copied_file_is_not():
    state = _activated()
    assert machine.status(BUILD, state, replaced(HERE, disk="new", memory="32"), TODAY) is Status.ACTIVATED
    assert machine.status(BUILD, state, simulated("engine room", "wheelhouse"), TODAY) is Status.HARDWARE_CHANGED


def test_a_dockable_product_forgives_more():
    dockable = replace(BUILD, dockable=True)
    state = _activated(dockable)
    docked = replaced(HERE, machine="dock", board="dock", disk="dock")
    assert machine.status(dockable, state, docked, TODAY) is Status.ACTIVATED
    assert machine.status(BUILD, state, docked, TODAY) is Status.HARDWARE_CHANGED


def test_a_state_edited_by_hand_gains_nothing():
    state, other = _activated(), _activated(nonce=10)
    edited = replace(state, confirmation_id="1" * 48)
    assert machine.status(BUILD, edited, HERE, TODAY) is Status.AWAITING_CONFIRMATION
    edited = replace(state, confirmation_id=other.confirmation_id)
    assert machine.status(BUILD, edited, HERE, TODAY) is Status.AWAITING_CONFIRMATION
    forged = encode(replace(decode(state.installation_id), nonce=11))
    assert machine.status(BUILD, replace(state, installation_id=forged), HERE, TODAY) is Status.NOT_INSTALLED
    assert _declined(machine.deposit, BUILD, replace(state, installation_id=forged), state.confirmation_id) == (
        Reason.NOT_INSTALLED,
        None,
    )


def test_a_newer_build_still_accepts_what_an_earlier_generation_activated():
    state = _activated()
    newer = replace(BUILD, generation=3, verification_secret=b"three..." * 4, earlier={2: BUILD.verification_secret})
    assert machine.status(newer, state, HERE, TODAY) is Status.ACTIVATED
    assert machine.status(replace(newer, earlier={}), state, HERE, TODAY) is Status.NOT_INSTALLED


def test_a_saved_pair_activates_the_machine_again_after_a_re_image():
    saved = machine.pair(_activated(nonce=9))
    fresh = machine.install(BUILD, _key(), replaced(HERE, disk="new"), nonce=10)
    state = machine.deposit_pair(BUILD, fresh, grouped(saved[0]), grouped(saved[1]), replaced(HERE, disk="new"), TODAY)
    assert machine.status(BUILD, state, HERE, TODAY) is Status.ACTIVATED
    assert machine.pair(state) == saved


def test_a_saved_pair_is_declined_on_another_machine():
    saved = machine.pair(_activated())
    there = simulated("engine room", "wheelhouse")
    fresh = machine.install(BUILD, _key(), there, nonce=10)
    reason, missing = _declined(machine.deposit_pair, BUILD, fresh, *saved, there, TODAY)
    assert reason is Reason.HARDWARE_CHANGED
    assert missing >= 1


def test_a_pair_of_another_key_product_or_time_is_declined():
    saved = machine.pair(_activated(valid_until=12))
    other_key = machine.install(BUILD, _key(serial=42), HERE, nonce=10)
    assert _declined(machine.deposit_pair, BUILD, other_key, *saved, HERE, TODAY) == (Reason.OTHER_KEY, None)
    other = replace(BUILD, product=8)
    of_other = machine.install(other, _key(product=8), HERE, nonce=10)
    assert _declined(machine.deposit_pair, other, of_other, *saved, HERE, TODAY) == (Reason.OTHER_PRODUCT, 7)
    fresh = machine.install(BUILD, _key(), HERE, nonce=10)
    late = date(2027, 2, 1)
    assert _declined(machine.deposit_pair, BUILD, fresh, *saved, HERE, late) == (Reason.EXPIRED, 12)


def test_a_pair_with_a_forged_proof_is_declined():
    iid_text, cid_text = machine.pair(_activated())
    iid = decode(iid_text)
    fresh = machine.install(BUILD, _key(), HERE, nonce=10)
    forged = encode(replace(iid, proof=iid.proof ^ 1))
    assert _declined(machine.deposit_pair, BUILD, fresh, forged, cid_text, HERE, TODAY) == (Reason.OTHER_KEY, None)


def test_a_mistyped_pair_names_the_group_or_the_block():
    iid_text, cid_text = machine.pair(_activated())
    fresh = machine.install(BUILD, _key(), HERE, nonce=10)
    wrong = str((int(iid_text[-1]) + 1) % 10)
    with pytest.raises(InvalidInstallationID) as caught:
        machine.deposit_pair(BUILD, fresh, iid_text[:-1] + wrong, cid_text, HERE, TODAY)
    assert caught.value.faults == (GroupFault(9, Fault.CHECK_DIGIT),)
    wrong = str((int(cid_text[-1]) + 1) % 10)
    with pytest.raises(InvalidConfirmationID) as caught:
        machine.deposit_pair(BUILD, fresh, iid_text, cid_text[:-1] + wrong, HERE, TODAY)
    assert caught.value.faults == (GroupFault(8, Fault.CHECK_DIGIT),)


def test_the_state_survives_its_file_and_shows_no_secret():
    state = _activated()
    assert State.from_facts(state.to_facts()) == state
    assert state.key_secret.hex() not in repr(state)
    assert _key() not in str(state.to_facts())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("product", "7"),
        ("last_five", None),
        ("key_secret", "xyz"),
        ("installation_id", "123"),
        ("confirmation_id", 7),
    ],
)
def test_a_damaged_state_is_refused(name, value):
    with pytest.raises(InvalidState):
        State.from_facts(_activated().to_facts() | {name: value})
    without = _activated().to_facts()
    del without[name]
    with pytest.raises(InvalidState):
        State.from_facts(without)


def test_the_devices_path_needs_only_the_standard_library_and_stdnum():
    program = (
        "import sys; before = set(sys.modules); import keys.device.machine, keys.device.store\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(name for name in new - set(sys.stdlib_module_names) if not name.startswith('_sysconfigdata')))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['keys', 'stdnum']"
