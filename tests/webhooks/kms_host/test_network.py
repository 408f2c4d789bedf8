"""A customer's network: hosts activated by telephone, clients that turn on together, a host that dies, and thieves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.device import asking, leasing, machine
from keys.device.asking import HostFailed
from keys.device.hardware import simulated
from keys.device.leasing import LeaseFault
from keys.groups import grouped
from keys.kms.messages import HostFault, HostRefusal
from keys.ledger import balance
from tests.conftest import NOW
from webhooks.lease_words import step_of
from webhooks.rehearsal.dialling import Outcome

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def counts(tried):
    return [one.failure and one.failure.count for one in tried]


def test_a_host_activated_by_a_telephone_call_turns_five_clients_on(network, database):
    host = network.host(1)
    copies = [network.copy(f"desk-{number}") for number in range(5)]
    (first,) = copies[0].ask()
    assert first.failure.fault is HostFault.HOST_NOT_ACTIVATED

    host.activate()
    with database.read() as connection:
        assert balance(connection, network.host_key.key.id).posted == 1
    for number, copy in enumerate(copies[:4], start=1):
        assert counts(copy.ask()) == [number]
        assert copy.status == "unlicensed"
        assert copy.standing.next_try == network.now() + 2 * HOUR
    assert copies[4].ask()[-1].failure is None

    network.clock.now += 2 * HOUR
    for copy in copies[:4]:
        assert copy.standing.next_try == network.now()
        copy.ask()
    assert {copy.status for copy in copies} == {"licensed"}
    assert {copy.standing.next_try for copy in copies[:4]} == {network.now() + 7 * DAY}
    assert host.events().count("client_leased") == 5


def test_a_second_host_takes_over_when_the_first_is_gone(network):
    first, second = network.host(1), network.host(2)
    first.activate()
    second.activate()
    copies = [network.copy(f"desk-{number}") for number in range(5)]
    for copy in copies * 2:
        copy.ask()
    assert {copy.client.host for copy in copies} == {first.address}

    first.kill()
    network.clock.now += 7 * DAY
    # Each host counts on its own, and the second has not seen all five: who is refused still has its lease.
    for copy in copies:
        tried = copy.ask()
        assert tried[0].host == first.address
        assert isinstance(tried[0].failure, HostFailed)
        assert [one.host for one in tried] == [first.address, second.address]
    assert {copy.status for copy in copies} == {"licensed"}
    network.clock.now += 7 * DAY
    for copy in copies:
        copy.ask()
    assert {copy.client.host for copy in copies} == {second.address}
    assert {copy.standing.lease.ends for copy in copies} == {network.now() + 180 * DAY}


def test_without_any_host_a_lease_lasts_180_days(network):
    host = network.host(1)
    host.activate()
    copies = [network.copy(f"desk-{number}") for number in range(5)]
    for copy in copies * 2:
        copy.ask()
    host.kill()
    for _ in range(25):
        network.clock.now += 7 * DAY
        copies[0].ask()
        assert copies[0].status == "licensed"
    network.clock.now = NOW + 180 * DAY
    assert copies[0].status == "lease_over"


def five_on(network):
    host = network.host(1)
    host.activate()
    copies = [network.copy(f"desk-{number}") for number in range(5)]
    for copy in copies * 2:
        copy.ask()
    return host, copies


def test_a_stolen_lease_does_not_work_on_another_machine(network):
    host, copies = five_on(network)
    thief = network.copy("thief")
    thief.client = replace(thief.client, reply=copies[0].client.reply, nonce=copies[0].client.nonce)
    assert thief.status == "unlicensed"
    thief.client = copies[0].client
    assert thief.status == "hardware_changed"
    # The thief who asks under the copied identity counts for nothing, and is seen.
    thief.ask()
    assert thief.standing.lease.count == 5
    assert "identity_shared" in host.events()
    assert copies[0].status == "licensed"


def test_a_replayed_answer_is_refused_by_the_client_and_a_replayed_request_by_the_host(network):
    host, copies = five_on(network)
    kept = {}

    def recording(address, sent):
        kept["sent"], kept["reply"] = sent, asking.posted(address, sent)
        return kept["reply"]

    copies[0].ask(recording)
    network.clock.now += HOUR
    before = copies[0].client
    (tried,) = copies[0].ask(lambda *_: kept["reply"])
    assert tried.failure.fault is LeaseFault.REPLAY
    assert copies[0].client.reply == before.reply

    (again,) = copies[0].ask(lambda address, _: asking.posted(address, kept["sent"]))
    assert (again.failure.fault, step_of(again.failure)[0]) == (LeaseFault.REPLAY, "replay")
    reply = asking.posted(host.address, kept["sent"])
    answer = leasing.read_reply(network.build, reply, lambda *_: True)
    assert answer.refusal is HostRefusal.REPLAY


def test_clocks_that_go_wrong_are_named_and_forgiven_once_right(network):
    _, copies = five_on(network)
    copy = copies[0]
    network.clock.now += DAY
    copy.ask()
    right = network.now()

    def off_by(away):
        """The client's clock alone is off."""
        client, tried = asking.renew(
            network.build,
            copy.client,
            copy.hardware,
            now=lambda: right + away,
            hosts=[network.hosts[0].address],
            check=lambda *_: True,
            name="x",
        )  # fmt: skip - a call
        assert client.reply == copy.client.reply
        return tried[0].failure

    assert step_of(off_by(-5 * HOUR)) == (
        "clock",
        "This machine's clock and the host's are more than four hours apart.",
    )
    assert off_by(5 * HOUR).fault is LeaseFault.CLOCK_AHEAD
    assert off_by(-5 * HOUR).fault is LeaseFault.CLOCK_BEHIND

    copy.client = leasing.seen(copy.client, right)
    network.clock.now = right - DAY
    assert copy.status == "clock_back"
    network.clock.now = right + 400 * DAY
    assert copy.status == "lease_over"
    copy.client = leasing.seen(copy.client, network.now())
    network.clock.now = right + DAY
    assert copy.status == "clock_back"
    copy.ask()
    assert copy.status == "licensed"


def test_a_host_of_another_customer_or_family_serves_nobody_else(network):
    _, copies = five_on(network)
    copy = copies[0]
    copy.network = network
    other = replace(network.build, volume=replace(network.build.edition, family="Inland"))
    client, tried = asking.renew(
        other,
        copy.client,
        copy.hardware,
        now=network.now,
        hosts=[network.hosts[0].address],
        check=lambda *_: True,
        name="x",
    )  # fmt: skip - a call
    assert step_of(tried[0].failure)[0] == "family"
    assert client.reply == copy.client.reply


def test_what_answers_and_is_no_host_is_passed_over(network):
    network.names.records.append(f"0 0 {network.names.address[1]} 127.0.0.1.")
    _, copies = five_on(network)
    tried = copies[4].ask()
    assert tried[-1].failure is None
    fresh = network.copy("late")
    tried = fresh.ask()
    assert [step_of(one.failure)[0] if one.failure else "leased" for one in tried] == ["reach", "leased"]


def test_hosts_beyond_the_sixth_are_refused_on_the_telephone(network):
    for number in range(1, 7):
        network.host(number).activate()
    seventh = network.host(7)
    record = network.call(seventh.folder.load().state.installation_id)
    assert record.outcome is not Outcome.ACTIVATED
    assert record.refusal == "This host key has activated as many licence hosts as it may."


def test_a_client_is_switched_to_a_mak_by_one_call_and_back(network, mak):
    _, copies = five_on(network)
    copy = copies[0]
    switched = leasing.to_mak(network.build, copy.client, mak.text, copy.hardware, nonce=7)
    record = network.call(switched.mak.installation_id)
    state = machine.deposit(network.build, switched.mak, record.confirmation_id)
    today = network.now().date()
    assert machine.status(network.build, state, copy.hardware, today) is machine.Status.ACTIVATED
    assert len(grouped(state.confirmation_id).split()) == 8
    copy.client = leasing.to_kms(replace(switched, mak=state))
    assert copy.status == "licensed"


def test_a_copied_host_folder_leases_nothing_elsewhere(network):
    host, copies = five_on(network)
    whole = host.folder.load()
    host.folder.save(replace(whole, pretended=simulated("a thief's server")))
    (tried,) = copies[0].ask()
    assert step_of(tried.failure)[0] == "host_not_activated"
    assert copies[0].status == "licensed"
