"""Hosts are found by name, in the order of RFC 2782, asking a real name server; or by a given address."""

import random
import socket
import threading
from collections import Counter

import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.device.finding import NoAddress, NotFound, Record, address, ordered
from keys.device.name_service import looked_up

RECORDS = st.lists(
    st.builds(Record, st.integers(0, 3), st.integers(0, 100), st.text("abc", min_size=1), st.integers(1, 65535)),
    max_size=12,
)


@given(RECORDS, st.randoms())
def test_each_host_is_tried_once_and_lower_priorities_first(records, chance):
    order = ordered(records, lambda most: chance.randint(0, most))
    assert Counter(order) == Counter(records)
    assert [record.priority for record in order] == sorted(record.priority for record in records)


def test_weight_is_a_share_of_first_tries():
    records = [Record(1, weight, str(weight), 1) for weight in (0, 10, 30, 60)]
    chance = random.Random(7)
    first = Counter(ordered(records, lambda most: chance.randint(0, most))[0].weight for _ in range(10_000))
    for weight in (10, 30, 60):
        assert abs(first[weight] / 10_000 - weight / 100) < 0.02
    # One in 101 draws is the zero, which is the small chance that RFC 2782 leaves the record without weight.
    assert 0 < first[0] < 300


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("kms.example.com", ("kms.example.com", 8795)),
        ("127.0.0.2:9000", ("127.0.0.2", 9000)),
        (" [::1] ", ("::1", 8795)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_an_address_is_read(text, where):
    assert address(text) == where


@pytest.mark.parametrize("text", ["", ":80", "a:b", "a:0", "a:65536", "http://a", "a b", "::1:x", "a:\u0661"])
def test_what_is_no_address_is_told(text):
    with pytest.raises(NoAddress):
        address(text)


@pytest.fixture
def name_server():
    """A small name server on the loopback, for whatever `zone` holds: name to SRV texts, or to nothing at all."""
    zone = {}
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                sent, whom = sock.recvfrom(2048)
            except OSError:
                return
            query = dns.message.from_wire(sent)
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.AA
            question = query.question[0]
            found = zone.get(question.name.to_text())
            if found is None:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            elif found:
                reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "SRV", *found))
            sock.sendto(reply.to_wire(), whom)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield zone, sock.getsockname()
    sock.close()


def test_a_domains_hosts_are_looked_up(name_server):
    zone, where = name_server
    zone["_touchtone-kms._tcp.ships.example."] = ["10 5 8795 kms-1.ships.example.", "20 0 9000 kms-2.ships.example."]
    found = looked_up("ships.example", name_server=where)
    assert [one.address for one in ordered(found)] == ["kms-1.ships.example:8795", "kms-2.ships.example:9000"]


@pytest.mark.parametrize("held", [None, [], ["0 0 0 ."]])
def test_a_domain_without_hosts_is_told(name_server, held):
    zone, where = name_server
    if held is not None:
        zone["_touchtone-kms._tcp.ships.example."] = held
    with pytest.raises(NotFound) as caught:
        looked_up("ships.example", name_server=where)
    assert (caught.value.name, caught.value.answered) == ("_touchtone-kms._tcp.ships.example.", True)


def test_a_name_server_that_does_not_answer_is_told_apart(monkeypatch):
    monkeypatch.setattr("keys.device.name_service._PATIENCE", 0.3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        with pytest.raises(NotFound) as caught:
            looked_up("ships.example", name_server=deaf.getsockname())
    assert caught.value.answered is False
    for domain in ("", "a..b", "ä" * 300):
        with pytest.raises(NotFound):
            looked_up(domain, name_server=("127.0.0.1", 9))
