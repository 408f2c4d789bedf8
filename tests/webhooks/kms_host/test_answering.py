"""A licence host at work: whom it counts, whom it leases to, what it refuses and notes, and what it survives."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from wsgiref.util import setup_testing_defaults

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys.device.hardware import simulated
from keys.kms import messages
from keys.kms.messages import LEASE, HostFault, HostRefusal, Request
from tests.kms import package_of
from tests.kms_stand import NOON, Stand
from webhooks.kms_host.answering import Host, NoAnswer
from webhooks.kms_host.register import Register
from webhooks.kms_host.wsgi import application

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_the_fifth_client_turns_all_five_on(stand):
    for number in range(1, 5):
        answer = stand.ask(number)
        assert (answer.refusal, answer.count, answer.threshold) == (HostRefusal.BELOW_THRESHOLD, number, 5)
    assert stand.ask(4).count == 4
    fifth = stand.ask(5)
    assert (fifth.refusal, fifth.count, fifth.ends) == (None, 5, NOON + LEASE)
    assert all(stand.ask(number).leased for number in range(1, 5))
    assert stand.events().count("threshold_reached") == 1
    assert stand.events().count("client_leased") == 5
    known = stand.register(lambda register: register.clients())
    assert {one.state(NOON) for one in known} == {"leased"}


def test_a_product_that_says_so_waits_for_twenty_five(stand):
    for number in range(1, 25):
        assert stand.ask(number, threshold=25).refusal is HostRefusal.BELOW_THRESHOLD
    assert stand.ask(24).leased
    assert stand.ask(25, threshold=25).leased


def test_no_product_asks_for_less_than_the_publisher_certified(stand):
    answer = stand.ask(1, threshold=1)
    assert (answer.refusal, answer.threshold) == (HostRefusal.BELOW_THRESHOLD, 5)


def test_clones_count_once_and_are_reported(stand):
    for disk in range(10):
        answer = stand.ask(1, fingerprint=(disk + 1,) * 8)
        assert (answer.refusal, answer.count) == (HostRefusal.BELOW_THRESHOLD, 1)
    assert stand.events().count("identity_shared") == 9
    (known,) = stand.register(lambda register: register.clients())
    assert known.machines == 10
    stand.now += 31 * DAY
    stand.ask(1)
    (known,) = stand.register(lambda register: register.clients())
    assert known.machines == 1


def test_a_client_counts_for_thirty_days(stand):
    for number in range(1, 6):
        stand.ask(number)
    stand.now += 30 * DAY
    answer = stand.ask(1)
    assert (answer.refusal, answer.count) == (HostRefusal.BELOW_THRESHOLD, 1)
    assert "threshold_lost" in stand.events()
    # What was leased holds on, and the refusal takes nothing away.
    known = {one.identity: one for one in stand.register(lambda register: register.clients())}
    states = {int(identity, 16): one.state(stand.now) for identity, one in known.items()}
    assert states == {1: "waiting", 2: "gone", 3: "gone", 4: "gone", 5: "leased"}


def test_a_replay_is_refused_and_counts_nobody(stand):
    for number in range(1, 5):
        stand.ask(number)
    request = stand.request(5)
    assert stand.send(request).leased
    again = stand.send(request)
    assert (again.refusal, again.count) == (HostRefusal.REPLAY, 5)
    stand.now += 40 * DAY
    assert stand.send(request).refusal is HostRefusal.CLOCK_DIFFERS
    assert stand.ask(6).count == 1


@pytest.mark.parametrize("away", [5 * HOUR, -5 * HOUR])
def test_a_client_with_another_clock_is_refused_and_not_counted(stand, away):
    answer = stand.ask(1, at=NOON + away)
    assert (answer.refusal, answer.count, answer.at) == (HostRefusal.CLOCK_DIFFERS, 0, NOON)
    assert stand.ask(1, at=NOON + away / 2).count == 1


def test_a_client_of_another_family_is_refused_and_not_counted(stand):
    answer = stand.ask(1, family="Inland")
    assert (answer.refusal, answer.count) == (HostRefusal.OTHER_FAMILY, 0)


def test_every_edition_of_the_family_is_leased_to(stand):
    assert [stand.ask(number, product=number).leased for number in range(1, 6)] == [False] * 4 + [True]


def test_a_host_whose_clock_was_put_back_leases_nothing_until_it_is_mended(stand):
    for number in range(1, 6):
        stand.ask(number)
    stand.now += 50 * DAY
    for number in range(1, 6):
        stand.ask(number)
    stand.now = NOON + DAY
    assert stand.ask(1).refusal is HostRefusal.HOST_CLOCK_BACK
    assert "host_clock_back" in stand.events()
    stand.register(lambda register: register.clock_is_right(int(stand.now.timestamp())))
    stand.now += timedelta(minutes=2)
    assert stand.ask(1).leased


def test_a_host_that_is_not_activated_signs_nothing_and_takes_its_answer_up_while_it_serves(tmp_path):
    stand = Stand(tmp_path / "host")
    whole = stand.folder.load()
    stand.folder.save(replace(whole, state=replace(whole.state, confirmation_id=None)))
    with pytest.raises(NoAnswer) as caught:
        stand.ask(1)
    assert caught.value.fault is HostFault.HOST_NOT_ACTIVATED
    assert stand.host.stands()["status"] == "awaiting_confirmation"
    stand.folder.save(whole)
    assert stand.ask(1).count == 1
    assert [event for event in stand.events() if event.startswith("host_")] == [
        "host_started",
        "host_activated",
        "host_not_activated",
        "host_activated",
    ]
    stand.folder.file.write_text("{")
    with pytest.raises(NoAnswer):
        stand.ask(1)
    stand.host.close()


def test_a_copied_folder_signs_nothing_on_other_hardware(stand):
    whole = stand.folder.load()
    stand.folder.save(replace(whole, pretended=simulated("elsewhere")))
    with pytest.raises(NoAnswer):
        stand.ask(1)
    assert stand.host.stands()["status"] == "hardware_changed"


def test_nothing_is_leased_after_the_certificates_last_day(tmp_path):
    stand = Stand(tmp_path / "host", package_of(ends=date(2026, 11, 30)))
    for number in range(1, 6):
        stand.ask(number)
    stand.now = datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert stand.ask(1).leased
    stand.now += 2 * HOUR
    assert stand.ask(1).refusal is HostRefusal.CERTIFICATE_ENDED
    assert "certificate_ended" in stand.events()
    stand.host.close()


def test_a_host_started_again_remembers_its_clients(stand):
    for number in range(1, 5):
        stand.ask(number)
    stand.host.close()
    stand.host = Host(stand.folder, lambda: stand.now)
    assert stand.ask(5).leased


def test_a_host_does_not_count_the_same_client_twice_however_it_is_asked(stand):
    seen = set()
    for number in (1, 2, 1, 3, 2, 1, 4, 3):
        seen.add(number)
        assert stand.ask(number).count == len(seen)


def called(stand, method="POST", path=messages.PATH, body=b"", **environ):
    """Status, headers and JSON of one request to the host's application."""
    asked = {"REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
    asked |= environ
    setup_testing_defaults(asked)
    begun = []
    body = b"".join(application(stand.host)(asked, lambda *head: begun.append(head)))
    ((status, headers),) = begun
    assert dict(headers)["Content-Length"] == str(len(body))
    return int(status[:3]), json.loads(body)


def test_the_doors_answer_in_json(stand):
    status, told = called(stand, body=messages.write_request(stand.request(1)))
    assert (status, sorted(told)) == (200, ["answer", "certificate"])
    status, told = called(stand, "GET", messages.HOST_PATH)
    assert (status, told["activated"], told["family"], told["count"]) == (200, True, "Harbour", 1)
    assert called(stand, "GET", "/healthz") == (200, {"serving": True})
    assert called(stand, "GET") == (405, {"fault": "MALFORMED"})
    assert called(stand, "GET", "/etc/passwd") == (404, {"fault": "MALFORMED"})
    assert called(stand, body=b"x" * 5000) == (413, {"fault": "MALFORMED"})
    assert called(stand, body=b"{}", CONTENT_LENGTH="two") == (400, {"fault": "MALFORMED"})
    assert "request_malformed" in stand.events()


def test_a_host_that_cannot_write_says_so(stand, monkeypatch):
    monkeypatch.setattr(stand.host, "_register", None)
    assert called(stand, "GET", messages.HOST_PATH)[0] == 500
    monkeypatch.undo()
    other = Register(stand.folder.register)
    with other.written():
        status, told = called(stand, body=messages.write_request(stand.request(1)))
    other.close()
    assert (status, told) == (503, {"fault": "HOST_BUSY"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
FIELDS = sorted(json.loads(messages.write_request(Request("f", 1, "0" * 32, (1,) * 8, "1" * 32, NOON, 5, "n"))))


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_sent_there_is_no_error_of_ours(stand, data):
    facts = json.loads(messages.write_request(stand.request(1, nonce=f"{data.draw(st.integers(0, 2**128 - 1)):032x}")))
    changed = data.draw(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3))
    body = data.draw(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()) | st.just(b"")) or (
        json.dumps(facts | changed).encode()
    )
    status, told = called(stand, body=body)
    assert status in (200, 400, 413)
    assert sorted(told) in (["answer", "certificate"], ["fault"])
