"""A machine becomes a licence host: with its key, its package and one genuine activation, and with nothing less."""

from dataclasses import replace
from datetime import date

import pytest

from keys import confirmation_id, derivation, ed25519
from keys.confirmation_id import InvalidConfirmationID
from keys.device import host, host_package, machine, returning
from keys.device.build import InvalidBuild, ProductBuild, Volume
from keys.device.hardware import replaced, simulated
from keys.device.host_package import InvalidPackage
from keys.device.machine import Declined, Reason, Status
from keys.formats import FORMATS
from keys.groups import Fault, GroupFault, grouped
from keys.installation_id import decode
from keys.kms import certificate
from keys.product_key import KeyType
from tests.kms import ISSUING, PUBLISHER, answered, key_of, package_of

TODAY = date(2026, 11, 24)
HERE = simulated("server room")


@pytest.fixture(params=FORMATS.values(), ids=lambda fmt: fmt.name)
def package(request):
    return package_of(request.param)


def test_a_host_is_opened_by_its_confirmation_id_in_every_format(package):
    state = host.install(package, key_of(), HERE, nonce=9)
    before = host.standing(package, state, HERE, TODAY)
    assert (before.status, before.licence) == (Status.AWAITING_CONFIRMATION, None)
    state = host.deposit(package, state, answered(package, state))
    after = host.standing(package, state, HERE, TODAY)
    assert after.status is Status.ACTIVATED
    stated = certificate.read(after.licence.certificate, ed25519.public_key(PUBLISHER), ed25519.check)
    assert stated.public_key == ed25519.public_key(after.licence.seed)
    assert stated.family == "Harbour"


def test_a_package_survives_its_file_and_not_a_change(package):
    facts = package.to_facts()
    assert host_package.read(facts) == package
    share = derivation.host_share(ISSUING, 41)
    secret = derivation.key_secret(ISSUING, 41)
    assert host_package.opened(package, key_secret=secret, share=share)
    for changed in (
        replace(package, family="Inland"),
        replace(package, serial=42),
        replace(package, build=replace(package.build, verification_secret=b"own." * 8)),
        replace(package, sealed=package.sealed[:-1] + bytes([package.sealed[-1] ^ 1])),
    ):
        assert host_package.opened(changed, key_secret=secret, share=share) is None
    assert host_package.opened(package, key_secret=bytes(9), share=share) is None
    assert b"certificate" not in package.sealed
    assert share not in repr(package)


@pytest.mark.parametrize(
    "change", [{"kind": "x"}, {"build": []}, {"sealed": "AA"}, {"sealed": 7}, {"serial": "1"}, {"family": ""}]
)
def test_what_is_no_package_is_refused(package, change):
    with pytest.raises(InvalidPackage):
        host_package.read(package.to_facts() | change)


def test_a_host_that_gave_back_has_nothing_to_sign_with_and_is_installed_anew():
    package = package_of(returns=True)
    state = host.install(package, key_of(), HERE, nonce=9)
    answer = answered(package, state)
    state = host.deposit(package, state, answer)
    dead = returning.give_back(package.build, state, HERE)
    standing = host.standing(package, dead, HERE, TODAY)
    assert (standing.status, standing.licence) == (Status.RETURNED, None)
    assert len(returning.code(package.build, dead)) == 3
    with pytest.raises(Declined) as declined:
        host.deposit(package, dead, answer)
    assert declined.value.reason is Reason.RETURNED
    anew = host.install(package, key_of(), HERE, nonce=9, returned=dead.returned)
    assert anew.installation_id != dead.installation_id


def test_without_a_genuine_activation_product_key_and_package_make_nothing(package):
    state = host.install(package, key_of(), HERE, nonce=9)
    iid = decode(state.installation_id)
    secrets = {"verification_secret": package.build.verification_secret, "key_secret": state.key_secret}
    own = [
        confirmation_id.issue(iid, **secrets, blocks=8),
        *(confirmation_id.issue(iid, **secrets, blocks=8, scheme=2, share=digit * 36) for digit in "0123456789"),
    ]
    for made in own:
        with pytest.raises(InvalidConfirmationID):
            host.deposit(package, state, grouped(made))
    forged = replace(state, confirmation_id="".join(own[1]))
    assert host.standing(package, forged, HERE, TODAY).licence is None


def test_another_installations_or_another_keys_answer_opens_nothing(package):
    state = host.install(package, key_of(), HERE, nonce=9)
    other = host.install(package, key_of(), HERE, nonce=10)
    with pytest.raises(InvalidConfirmationID) as caught:
        host.deposit(package, state, answered(package, other))
    assert caught.value.faults == (GroupFault(None, Fault.WHOLE_ID),)
    theirs = package_of(FORMATS[package.build.format], serial=42)
    with pytest.raises(InvalidConfirmationID):
        host.deposit(package, state, answered(theirs, host.install(theirs, key_of(42), HERE, nonce=9)))


def test_only_the_host_key_of_the_package_is_installed(package):
    for text, reason in ((key_of(kind=KeyType.MAK), Reason.KEY_TYPE), (key_of(serial=42), Reason.OTHER_KEY)):
        with pytest.raises(Declined) as caught:
            host.install(package, text, HERE, nonce=9)
        assert caught.value.reason is reason


def test_a_copied_host_signs_nothing_on_other_hardware_and_nothing_after_its_end(package):
    state = host.install(package, key_of(), HERE, nonce=9)
    state = host.deposit(package, state, answered(package, state, valid_until=11))
    held = host.standing(package, state, replaced(HERE, memory="more"), date(2026, 12, 31))
    assert held.status is Status.ACTIVATED
    assert held.ends == date(2026, 12, 31)
    assert host.standing(package, state, simulated("elsewhere"), TODAY) == host.Standing(Status.HARDWARE_CHANGED)
    assert host.standing(package, state, HERE, date(2027, 1, 1)) == host.Standing(Status.EXPIRED)


def test_a_package_made_again_opens_with_the_answer_that_is_there(package):
    state = host.install(package, key_of(), HERE, nonce=9)
    state = host.deposit(package, state, answered(package, state))
    newer = package_of(FORMATS[package.build.format], nonce=b"m" * 12, ends=date(2030, 1, 1))
    assert newer != package
    assert host.opens_too(newer, state)
    assert host.standing(newer, state, HERE, TODAY).status is Status.ACTIVATED
    assert not host.opens_too(package_of(FORMATS[package.build.format], serial=42), state)


def test_after_a_re_image_the_saved_pair_brings_the_activation_back_there_and_nowhere_else(package):
    saved = host.install(package, key_of(), HERE, nonce=9)
    saved = host.deposit(package, saved, answered(package, saved, valid_until=11))
    pair = machine.pair(saved)
    again = host.install(package, key_of(), HERE, nonce=10)
    assert host.standing(package, again, HERE, TODAY).status is Status.AWAITING_CONFIRMATION
    back = host.deposit_pair(package, again, *pair, HERE, TODAY)
    assert back == saved
    assert host.standing(package, back, HERE, TODAY).status is Status.ACTIVATED

    other = host.install(package, key_of(), simulated("elsewhere"), nonce=10)
    for state, hardware, today, reason in (
        (other, simulated("elsewhere"), TODAY, Reason.HARDWARE_CHANGED),
        (again, HERE, date(2027, 1, 1), Reason.EXPIRED),
    ):
        with pytest.raises(Declined) as caught:
            host.deposit_pair(package, state, *pair, hardware, today)
        assert caught.value.reason is reason
    with pytest.raises(InvalidConfirmationID):
        host.deposit_pair(package, again, pair[0], answered(package, again), HERE, TODAY)


def test_what_a_volume_edition_has_built_in_survives_its_file():
    volume = Volume("Harbour", ed25519.public_key(PUBLISHER), key_of(kind=KeyType.KMS_CLIENT), 25, ("7:41",))
    build = ProductBuild(7, "Harbour Pilot", 1, 2, b"two." * 8, 8, volume=volume)
    assert ProductBuild.from_facts(build.to_facts()) == build
    assert "volume" not in replace(build, volume=None).to_facts()
    assert volume.client_key not in repr(build)
    for change in ({"family": ""}, {"publisher_key": "00"}, {"threshold": 0}, {"refused": [1]}, {"client_key": 7}):
        with pytest.raises(InvalidBuild) as caught:
            ProductBuild.from_facts(build.to_facts() | {"volume": volume.to_facts() | change})
        assert caught.value.field
    with pytest.raises(InvalidBuild):
        ProductBuild.from_facts(build.to_facts() | {"volume": 7})


def test_a_machine_of_the_product_takes_no_host_key(package):
    with pytest.raises(Declined) as caught:
        machine.install(package.build, key_of(), HERE, nonce=9)
    assert caught.value.reason is Reason.KEY_TYPE
