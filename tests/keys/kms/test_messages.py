"""Requests and answers of licence hosts: read whole, or not at all, whatever comes over the network."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import ed25519, signed
from keys.kms import certificate, messages
from keys.kms.certificate import HostCertificate
from keys.kms.messages import LEASE, Answer, HostRefusal, Request
from keys.signed import InvalidStatement

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SEED = b"h" * 32
KEY = ed25519.public_key(SEED)
TOKENS = st.binary(min_size=16, max_size=16).map(bytes.hex)
NAMES = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=64)
REQUESTS = st.builds(
    Request,
    family=NAMES,
    product=st.integers(0, 2**14 - 1),
    client=TOKENS,
    fingerprint=st.lists(st.integers(0, 63), min_size=7, max_size=8).map(tuple),
    nonce=TOKENS,
    at=st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),
    threshold=st.integers(0, 10_000),
    name=NAMES,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
ASKED = Request("Fairway", 1, "0a" * 16, (1,) * 8, "0b" * 16, NOON, 5, "bridge")


@settings(deadline=None)
@given(REQUESTS)
def test_a_request_is_read_as_it_was_written(request):
    sent = messages.write_request(request)
    assert len(sent) <= messages.LONGEST_REQUEST
    assert messages.read_request(sent) == request


@settings(deadline=None)
@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_no_request_is_malformed_and_nothing_else(sent):
    with pytest.raises(InvalidStatement):
        messages.read_request(sent)


@settings(deadline=None)
@given(st.sampled_from(sorted(json.loads(messages.write_request(ASKED)))), JSON)
def test_a_request_with_one_wrong_field_is_refused_or_means_what_it_says(field, value):
    facts = json.loads(messages.write_request(ASKED))
    sent = json.dumps(facts | {field: value}).encode()
    try:
        read = messages.read_request(sent)
    except InvalidStatement:
        return
    assert json.loads(messages.write_request(read)) == facts | {field: value}


def test_too_long_a_request_is_refused():
    with pytest.raises(InvalidStatement):
        messages.read_request(messages.write_request(ASKED) + b" " * messages.LONGEST_REQUEST)


@settings(deadline=None)
@given(REQUESTS, st.integers(0, 20_000), st.sampled_from([None, *HostRefusal]))
def test_an_answer_is_read_as_it_was_signed(request, count, refusal):
    answer = Answer.to(request, NOON, count=count, threshold=5, refusal=refusal)
    assert answer.leased is (refusal is None)
    assert answer.ends == (NOON + LEASE if refusal is None else None)
    text = messages.write_answer(answer, ed25519.signer(SEED))
    assert len(text) <= signed.LONGEST
    assert messages.read_answer(text, KEY, ed25519.check) == answer


@pytest.mark.parametrize(
    "change", [{"ends": "2030-01-01T00:00:00Z"}, {"refusal": "OTHER"}, {"count": -1}, {"nonce": "x"}]
)
def test_an_answer_that_is_both_or_neither_is_malformed_even_if_signed(change):
    refused = Answer.to(ASKED, NOON, count=1, threshold=5, refusal=HostRefusal.BELOW_THRESHOLD)
    text = messages.write_answer(refused, ed25519.signer(SEED))
    facts = json.loads(signed.bare(text.split(".")[1])) | change
    with pytest.raises(InvalidStatement):
        messages.read_answer(signed.make(messages.KIND, facts, ed25519.signer(SEED)), KEY, ed25519.check)


def test_a_certificate_is_no_answer_and_an_answer_no_certificate():
    stated = HostCertificate("Fairway", 1, 41, KEY, 5, date(2028, 12, 31))
    text = certificate.write(stated, ed25519.signer(SEED))
    assert certificate.read(text, KEY, ed25519.check) == stated
    with pytest.raises(InvalidStatement):
        messages.read_answer(text, KEY, ed25519.check)
    answer = messages.write_answer(Answer.to(ASKED, NOON, count=5, threshold=5), ed25519.signer(SEED))
    with pytest.raises(InvalidStatement):
        certificate.read(answer, KEY, ed25519.check)


def test_a_certificate_ends_with_its_last_day():
    stated = HostCertificate("Fairway", 1, 41, KEY, 5, date(2028, 12, 31))
    assert stated.covers(date(2028, 12, 31))
    assert not stated.covers(date(2029, 1, 1))
    assert replace(stated, ends=None).covers(date(2099, 1, 1))
    facts = {"family": "Fairway", "product": 1, "serial": 41, "public_key": signed.armoured(KEY), "threshold": 5}
    for ends in ("20281231", "never", 7):
        text = signed.make(certificate.KIND, facts | {"ends": ends}, ed25519.signer(SEED))
        with pytest.raises(InvalidStatement):
            certificate.read(text, KEY, ed25519.check)
