"""A leased copy believes a chain, its own nonce, its own hardware and a clock that goes forward, and nothing else."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import ed25519
from keys.device import client as clients
from keys.device import leasing, machine, returning
from keys.device.build import InvalidBuild
from keys.device.client import Reply
from keys.device.hardware import Component, replaced, simulated
from keys.device.leasing import LeaseDeclined, LeaseFault, LeaseStatus
from keys.device.machine import Declined, Reason
from keys.device.state import InvalidState
from keys.kms import certificate, messages
from keys.kms.certificate import HostCertificate
from keys.kms.messages import LEASE, Answer, HostRefusal
from keys.product_key import KeyType, make
from keys.product_key import encode as encode_key
from tests.kms import BUILD, ISSUING, PUBLISHER, VOLUME

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOST = b"h" * 32
HERE = simulated("wheelhouse")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CERTIFICATE = HostCertificate("Harbour", 9, 41, ed25519.public_key(HOST), 5, None)


class Copy:
    """A copy and a pretended host, on one clock."""

    def __init__(self, build=BUILD, hardware=HERE, identity="0a" * 16):
        self.build, self.hardware, self.now = build, hardware, NOON
        self.client = leasing.fresh(build, hardware, identity)

    def ask(self, nonce="0b" * 16):
        self.client, request = leasing.asked(self.build, self.client, self.hardware, nonce, self.now, "wheelhouse")
        return request

    def reply(
        self, request, at=None, count=5, refusal=None, stated=CERTIFICATE, seed=HOST, publisher=PUBLISHER, **other
    ):
        answer = Answer.to(request, at or self.now, count=count, threshold=5, refusal=refusal)
        answer = replace(answer, **other)
        return Reply(
            messages.write_answer(answer, ed25519.signer(seed)), certificate.write(stated, ed25519.signer(publisher))
        )

    def accept(self, request, reply):
        self.client = leasing.accept(self.build, self.client, request, reply, self.now, ed25519.check, "kms-1")

    def declined(self, request, reply):
        before = self.client
        with pytest.raises(LeaseDeclined) as caught:
            self.accept(request, reply)
        assert self.client == before
        return caught.value.fault

    def leased(self):
        request = self.ask()
        self.accept(request, self.reply(request))
        return self

    def look(self):
        return leasing.standing(self.build, self.client, self.hardware, self.now, ed25519.check)

    @property
    def status(self):
        return self.look().status


def test_a_copy_carries_its_client_key_and_asks_at_once():
    copy = Copy()
    found = copy.look()
    assert (found.status, found.lease, found.next_try) == (LeaseStatus.UNLICENSED, None, NOON)
    request = copy.ask()
    assert (request.family, request.product, request.threshold) == ("Harbour", 7, 5)
    assert request.client == copy.client.identity


def test_a_lease_holds_for_180_days_and_is_renewed_after_seven():
    copy = Copy().leased()
    assert copy.status is LeaseStatus.LICENSED
    assert copy.look().next_try == NOON + 7 * DAY
    copy.now = NOON + LEASE - timedelta(seconds=1)
    assert copy.status is LeaseStatus.LICENSED
    copy.now = NOON + LEASE
    assert copy.status is LeaseStatus.LEASE_OVER
    assert copy.look().next_try == copy.now
    copy.now = NOON + 7 * DAY
    request = copy.ask("0c" * 16)
    copy.accept(request, copy.reply(request))
    copy.now = NOON + LEASE + DAY
    assert copy.status is LeaseStatus.LICENSED


def test_whoever_has_no_lease_tries_every_two_hours_and_whoever_has_one_every_seven_days():
    copy = Copy()
    copy.client = leasing.failed(copy.client, copy.now)
    assert copy.look().next_try == NOON + 2 * HOUR
    copy = Copy().leased()
    copy.now = NOON + 7 * DAY
    copy.client = leasing.failed(copy.client, copy.now)
    assert copy.status is LeaseStatus.LICENSED
    assert copy.client.host is None
    assert copy.look().next_try == NOON + 14 * DAY
    copy.now = NOON + LEASE + HOUR
    copy.client = leasing.failed(copy.client, copy.now)
    assert copy.look().next_try == copy.now + 2 * HOUR


def _wrong(**changed):
    """A reply that is wrong in one thing."""
    copy = Copy()
    request = copy.ask()
    return copy.declined(request, copy.reply(request, **changed))


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"publisher": b"q" * 32}, LeaseFault.CHAIN),
        ({"stated": replace(CERTIFICATE, family="Inland")}, LeaseFault.FAMILY),
        ({"stated": replace(CERTIFICATE, ends=date(2026, 11, 23))}, LeaseFault.CERTIFICATE_ENDED),
        ({"seed": b"g" * 32}, LeaseFault.SIGNATURE),
        ({"nonce": "ff" * 16}, LeaseFault.REPLAY),
        ({"client": "ff" * 16}, LeaseFault.OTHER_MACHINE),
        ({"fingerprint": (9,) * 8}, LeaseFault.OTHER_MACHINE),
        ({"product": 8}, LeaseFault.OTHER_MACHINE),
        ({"family": "Inland"}, LeaseFault.OTHER_MACHINE),
        ({"at": NOON + 5 * HOUR}, LeaseFault.CLOCK_BEHIND),
        ({"at": NOON - 5 * HOUR}, LeaseFault.CLOCK_AHEAD),
        ({"count": 4}, LeaseFault.THRESHOLD),
        ({"ends": NOON + LEASE + DAY}, LeaseFault.TERM),
        ({"refusal": HostRefusal.BELOW_THRESHOLD}, LeaseFault.REFUSED),
        ({"refusal": HostRefusal.REPLAY}, LeaseFault.REFUSED),
    ],
)
def test_an_answer_that_is_wrong_in_one_thing_is_no_lease(changed, fault):
    assert _wrong(**changed) is fault


def test_an_answer_that_was_good_once_is_a_replay_ever_after():
    copy = Copy()
    request = copy.ask()
    reply = copy.reply(request)
    copy.accept(request, reply)
    copy.now += 7 * DAY
    assert copy.declined(copy.ask("0c" * 16), reply) is LeaseFault.REPLAY


@settings(deadline=None)
@given(st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")), st.sampled_from(["answer", "certificate"]))
def test_no_text_is_more_than_a_refusal(text, part):
    copy = Copy()
    request = copy.ask()
    reply = replace(copy.reply(request), **{part: text})
    assert copy.declined(request, reply) in (LeaseFault.CHAIN, LeaseFault.SIGNATURE)


@settings(deadline=None)
@given(st.data())
def test_no_sign_of_a_stored_lease_can_be_changed(data):
    copy = Copy().leased()
    part = data.draw(st.sampled_from(["answer", "certificate"]))
    text = getattr(copy.client.reply, part)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda sign: sign != text[place]))
    changed = text[:place] + other + text[place + 1 :]
    copy.client = replace(copy.client, reply=replace(copy.client.reply, **{part: changed}))
    assert copy.status is LeaseStatus.UNLICENSED


def test_a_stolen_lease_is_worth_nothing_on_another_machine():
    owner = Copy().leased()
    thief = Copy(hardware=simulated("elsewhere"), identity="0d" * 16)
    thief.client = replace(thief.client, reply=owner.client.reply, nonce=owner.client.nonce)
    assert thief.status is LeaseStatus.UNLICENSED
    # With the whole file, identity and all, the hardware tells.
    thief.client = owner.client
    assert thief.status is LeaseStatus.HARDWARE_CHANGED
    # And asking anew gives it a fingerprint of its own under the copied identity: a clone, which the host sees.
    request = thief.ask("0e" * 16)
    assert request.client == owner.client.identity
    assert request.fingerprint != owner.client.fingerprint
    assert thief.status is LeaseStatus.UNLICENSED


def test_a_small_change_of_hardware_is_forgiven():
    copy = Copy().leased()
    copy.hardware = replaced(HERE, disk="a new one")
    assert copy.status is LeaseStatus.LICENSED
    assert copy.ask("0c" * 16).fingerprint == Copy().client.fingerprint


def test_a_clock_turned_back_is_noticed_and_mended_by_a_host():
    copy = Copy().leased()
    copy.now = NOON + 100 * DAY
    copy.client = leasing.seen(copy.client, copy.now)
    copy.now = NOON + 99 * DAY
    assert copy.status is LeaseStatus.CLOCK_BACK
    copy.now = NOON - DAY
    assert copy.status is LeaseStatus.CLOCK_BACK
    copy.now = NOON + 100 * DAY - 3 * HOUR
    assert copy.status is LeaseStatus.LICENSED


def test_a_clock_that_ran_ahead_and_was_put_right_is_forgiven_by_the_next_lease():
    copy = Copy().leased()
    copy.now = NOON + 4000 * DAY
    assert copy.status is LeaseStatus.LEASE_OVER
    copy.client = leasing.failed(leasing.seen(copy.client, copy.now), copy.now)
    copy.now = NOON + DAY
    assert copy.status is LeaseStatus.CLOCK_BACK
    assert copy.look().next_try == copy.now
    request = copy.ask("0c" * 16)
    copy.accept(request, copy.reply(request))
    assert copy.status is LeaseStatus.LICENSED


def test_putting_the_clock_back_does_not_bring_a_lease_that_is_over_to_life():
    copy = Copy().leased()
    copy.now = NOON + LEASE + DAY
    copy.client = leasing.seen(copy.client, copy.now)
    copy.now = NOON + DAY
    assert copy.status is LeaseStatus.CLOCK_BACK


@settings(deadline=None)
@given(st.lists(st.integers(-400, 400), max_size=12))
def test_however_the_clock_is_moved_no_copy_is_licensed_outside_its_leases_time(moves):
    copy = Copy().leased()
    latest = NOON
    for move in moves:
        copy.now = NOON + move * DAY
        licensed = copy.status is LeaseStatus.LICENSED
        assert licensed == (latest - 4 * HOUR <= copy.now < NOON + LEASE)
        copy.client = leasing.seen(copy.client, copy.now)
        latest = max(latest, copy.now)


def test_a_products_own_threshold_holds_whatever_the_host_says():
    copy = Copy(build=replace(BUILD, volume=replace(VOLUME, threshold=25)))
    request = copy.ask()
    assert request.threshold == 25
    assert copy.declined(request, copy.reply(request, count=24)) is LeaseFault.THRESHOLD
    copy.accept(request, copy.reply(request, count=25))
    assert copy.status is LeaseStatus.LICENSED


def test_a_withdrawn_host_key_counts_no_more_in_the_next_build():
    copy = Copy().leased()
    copy.build = replace(BUILD, volume=replace(VOLUME, refused=("9:41",)))
    assert copy.status is LeaseStatus.UNLICENSED
    request = copy.ask("0c" * 16)
    assert copy.declined(request, copy.reply(request)) is LeaseFault.HOST_BLOCKED


def test_switching_to_a_mak_and_back_is_one_call_each():
    copy = Copy().leased()
    mak = encode_key(make(KeyType.MAK, 7, 41, ISSUING))
    switched = leasing.to_mak(BUILD, copy.client, mak, HERE, nonce=9)
    assert machine.status(BUILD, switched.mak, HERE, NOON.date()) is machine.Status.AWAITING_CONFIRMATION
    copy.client = leasing.to_kms(switched)
    assert copy.client.mak is None
    assert copy.status is LeaseStatus.LICENSED


def test_what_was_given_back_under_a_mak_stays_dead_when_the_copy_takes_one_again():
    copy, build = Copy().leased(), replace(BUILD, returns=True)
    mak = encode_key(make(KeyType.MAK, 7, 41, ISSUING))
    switched = leasing.to_mak(build, copy.client, mak, HERE, nonce=9)
    dead = returning.give_back(build, switched.mak, HERE)
    back = leasing.to_kms(replace(switched, mak=dead))
    assert clients.from_facts(json.loads(json.dumps(clients.to_facts(back)))) == back
    again = leasing.to_mak(build, back, mak, HERE, nonce=9)
    assert again.mak.returned == (dead.installation_id,)
    assert again.mak.installation_id != dead.installation_id
    assert leasing.to_mak(build, again, mak, HERE, nonce=9).mak.returned == again.mak.returned


def test_a_machine_made_from_an_image_takes_an_identity_of_its_own():
    copy = Copy().leased()
    copy.client = leasing.renewed_identity(copy.client, "0e" * 16)
    assert copy.status is LeaseStatus.UNLICENSED
    assert copy.ask("0c" * 16).client == "0e" * 16


def test_what_is_no_volume_edition_or_has_a_wrong_key_does_not_begin():
    for build in (
        replace(BUILD, volume=None),
        replace(BUILD, volume=replace(VOLUME, client_key=encode_key(make(KeyType.MAK, 7, 3, ISSUING)))),
        replace(BUILD, volume=replace(VOLUME, client_key=encode_key(make(KeyType.KMS_CLIENT, 8, 3, ISSUING)))),
    ):
        with pytest.raises(InvalidBuild):
            leasing.fresh(build, HERE, "0a" * 16)
    with pytest.raises(Declined) as caught:
        leasing.fresh(BUILD, {"network": (Component("02:42", virtual=True),)}, "0a" * 16)
    assert caught.value.reason is Reason.NO_OWN_IDENTITY


def test_a_copy_survives_its_file_and_a_damaged_file_is_told():
    copy = Copy().leased()
    mak = encode_key(make(KeyType.MAK, 7, 41, ISSUING))
    whole = leasing.seen(leasing.to_mak(BUILD, copy.client, mak, HERE, nonce=9), NOON + DAY)
    facts = json.loads(json.dumps(clients.to_facts(whole)))
    assert clients.from_facts(facts) == whole
    for name in facts:
        with pytest.raises(InvalidState):
            clients.from_facts(facts | {name: [["no"]]})
    with pytest.raises(InvalidState):
        clients.from_facts(facts | {"latest": "2026-11-24T12:00:00"})


def test_the_core_of_a_client_needs_no_library():
    program = (
        "import sys, keys.device.leasing, keys.device.asking;"
        "print([name for name in ('cryptography', 'dns', 'sqlalchemy', 'flask') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
