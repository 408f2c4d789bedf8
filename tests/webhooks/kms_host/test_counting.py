"""Requests that come together are decided as they would have been one after the other, in one commit or in none."""

import sqlite3
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.kms.certificate import HostCertificate
from keys.kms.messages import HostFault, Request
from tests.kms_stand import NOON
from webhooks.kms_host import answering
from webhooks.kms_host.answering import NoAnswer
from webhooks.kms_host.counting import Counting
from webhooks.kms_host.register import Register

DAY = timedelta(days=1)
STATED = HostCertificate("Harbour", 7, 41, b"k" * 32, 3, None)
ASKED = st.builds(
    lambda client, disk, nonce, family, late, threshold: Request(
        family, 7, f"{client:032x}", (disk,) * 8, f"{nonce:032x}", NOON + late, threshold, f"desk-{client}"
    ),
    st.integers(1, 5),
    st.integers(1, 2),
    st.integers(1, 30),
    st.sampled_from(["Harbour"] * 8 + ["Inland"]),
    st.sampled_from([timedelta(0)] * 8 + [timedelta(hours=5)]),
    st.sampled_from([1, 3, 3, 4]),
)


class Counted:
    """A register of its own, to which requests come in groups."""

    def __init__(self):
        self.register = Register(Path(":memory:"))
        self.latest = self.count = 0
        self.answers, self.noted = [], []

    def come(self, requests, now):
        """One group."""
        with self.register.written():
            counting = Counting(self.register, STATED, now, latest=self.latest, count=self.count)
            self.answers += counting.answers([replace(one, at=one.at + (now - NOON)) for one in requests])
        self.latest, self.count = counting.latest, counting.count
        self.noted += counting.noted

    def told(self):
        """Everything that anybody could know of it, events in their order."""
        clients = self.register.clients()
        nonces = self.register._connection.execute("SELECT nonce, at FROM nonces ORDER BY nonce").fetchall()
        self.register.close()
        return self.answers, self.noted, clients, [tuple(row) for row in nonces], self.count


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(ASKED, max_size=8), max_size=4), st.sampled_from([DAY, 20 * DAY]))
def test_many_at_once_are_what_one_after_the_other_would_have_been(groups, apart):
    together, alone = Counted(), Counted()
    for number, group in enumerate(groups):
        now = NOON + number * apart
        together.come(group, now)
        for request in group:
            alone.come([request], now)
    assert together.told() == alone.told()


def at_once(stand, requests, monkeypatch):
    """Send requests so that all after the first come while it is being answered; the answers, or why there is none."""
    begun, go, told = threading.Event(), threading.Event(), {}
    now = stand.now

    def held_up():
        begun.set()
        assert go.wait(60)
        return now

    def send(place, request):
        try:
            told[place] = stand.send(request)
        except NoAnswer as none:
            told[place] = none.fault
        except RuntimeError as error:
            told[place] = str(error)

    monkeypatch.setattr(stand.host, "_now", held_up)
    threads = []
    for place, request in enumerate(requests):
        threads.append(threading.Thread(target=send, args=(place, request)))
        threads[-1].start()
        assert begun.wait(60)
        while len(stand.host._together._waiting) < place:
            time.sleep(0.001)
    go.set()
    for thread in threads:
        thread.join(60)
    monkeypatch.undo()
    return [told[place] for place in range(len(requests))]


def test_forty_clients_at_once_are_forty(stand, monkeypatch):
    answers = at_once(stand, [stand.request(number) for number in range(40)], monkeypatch)
    assert [answer.count for answer in answers] == list(range(1, 41))
    assert [answer.leased for answer in answers] == [False] * 4 + [True] * 36
    assert {answer.client for answer in answers} == {f"{number:032x}" for number in range(40)}
    assert stand.host.stands()["count"] == 40
    assert stand.events().count("threshold_reached") == 1


def test_the_same_request_forty_times_at_once_is_answered_once(stand, monkeypatch):
    answers = at_once(stand, [stand.request(1)] * 40, monkeypatch)
    assert sorted(answer.refusal for answer in answers) == ["BELOW_THRESHOLD"] + ["REPLAY"] * 39
    assert {answer.count for answer in answers} == {1}


def test_a_request_that_fails_among_others_is_not_counted_and_harms_none(stand, monkeypatch):
    """Whatever goes wrong for one client, here while its answer is written, undoes what was noted of it alone."""
    written = answering.messages.write_answer

    def failing(answer, sign):
        if answer.client == f"{6:032x}":
            raise RuntimeError("a fault of ours")
        return written(answer, sign)

    requests = [stand.request(number) for number in range(1, 10)]
    monkeypatch.setattr(answering.messages, "write_answer", failing)
    told = at_once(stand, requests, monkeypatch)
    assert told[5] == "a fault of ours"
    assert [answer.count for place, answer in enumerate(told) if place != 5] == [1, 2, 3, 4, 5, 6, 7, 8]
    known = stand.register(lambda register: register.clients())
    assert sorted(int(one.identity, 16) for one in known) == [1, 2, 3, 4, 5, 7, 8, 9]
    # Its nonce was not used up either: the very same request is answered once the fault is mended.
    assert stand.send(requests[5]).count == 9
    assert stand.events().count("client_new") == 9


def test_a_group_that_cannot_be_written_is_promised_nothing(stand, monkeypatch):
    for number in range(1, 5):
        stand.ask(number)
    requests = [stand.request(number) for number in range(5, 12)]
    other = Register(stand.folder.register)
    stand.host._register._connection.execute("PRAGMA busy_timeout=50")
    with other.written():
        assert at_once(stand, requests, monkeypatch) == [HostFault.HOST_BUSY] * 7
    other.close()
    assert stand.host.stands()["count"] == 4
    assert "threshold_reached" not in stand.events()
    assert [answer.count for answer in at_once(stand, requests, monkeypatch)] == [5, 6, 7, 8, 9, 10, 11]


def test_a_commit_that_fails_is_no_promise(stand, monkeypatch):
    """The disk is full at the very end: nothing is counted, nothing is logged, and the next try goes well."""

    class Full:
        def __init__(self, connection):
            self.connection = connection

        def __getattr__(self, name):
            return getattr(self.connection, name)

        def commit(self):
            raise sqlite3.OperationalError("database or disk is full")

    for number in range(1, 5):
        stand.ask(number)
    fifth = stand.request(5)
    monkeypatch.setattr(stand.host._register, "_connection", Full(stand.host._register._connection))
    with pytest.raises(NoAnswer) as caught:
        stand.send(fifth)
    assert caught.value.fault is HostFault.HOST_BUSY
    monkeypatch.undo()
    assert stand.host.stands()["count"] == 4
    answer = stand.send(fifth)
    assert (answer.count, answer.leased) == (5, True)
    assert stand.events().count("threshold_reached") == 1
