"""The signature: the official vectors, Twilio's own validator, and everything a stranger may send instead."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from webhooks.signature import is_signed, signature, spellings

FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
DUPLICATES = [
    ("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234"),
]  # fmt: skip
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
VECTORS = [
    (URL, FORM.items(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    (URL, DUPLICATES, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", FORM.items(), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    ("https://mycompany.com:443/myapp.php?foo=1&bar=2", FORM.items(), "kvajT1Ptam85bY51eRf/AJRuM3w="),
    ("http://mycompany.com:80/myapp.php?foo=1&bar=2", FORM.items(), "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    (
        URL + "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
        [],
        "a9nBmqA0ju/hNViExpshrM61xv4=",
    ),
    (
        "https://example.com/myapp.php?foo=1&bar=2",
        {**FORM, "From": "+14158675310", "Caller": "+14158675310"}.items(),
        "L/OH5YylLD5NRKLltdqwSvS0BnU=",
    ),
]
"""Twilio's published examples (twilio-python's tests, and the worked one of docs/usage/security); token 12345."""

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = st.one_of(TEXTS, st.sampled_from(["Digits", "From", "To", "CallSid", "a", "b", "A"]))
FORMS = st.lists(st.tuples(NAMES, st.one_of(TEXTS, st.sampled_from(["", " ", "+1415", "a b"]))), max_size=12)
URLS = st.sampled_from(
    [
        "https://line.example/voice/incoming",
        "https://line.example/voice/turn/3?at=5",
        "https://line.example:8443/voice/incoming",
        "https://line.example:443/voice/incoming",
        "http://127.0.0.1:8080/voice/incoming",
        "http://line.example/voice/incoming",
        "https://line.example/prefix/voice/status",
    ]
)
TOKENS = st.text(st.sampled_from("0123456789abcdef"), min_size=32, max_size=32)


class Repeated(dict):
    """A form as Twilio's validator wants one whose names come more than once."""

    def __init__(self, pairs):
        super().__init__(pairs)
        self._pairs = pairs

    def getlist(self, name):
        return [value for key, value in self._pairs if key == name]


@pytest.mark.parametrize(("url", "form", "expected"), VECTORS)
def test_the_published_vectors_come_out(url, form, expected):
    assert signature("12345", url, form) == expected
    assert is_signed(expected, ("12345",), url, form)


@settings(max_examples=150, deadline=None)
@given(token=TOKENS, url=URLS, pairs=FORMS)
def test_what_twilios_own_validator_signs_is_let_in(token, url, pairs):
    theirs = RequestValidator(token).compute_signature(url, Repeated(pairs))
    assert signature(token, url, pairs) == theirs
    assert is_signed(theirs, (token,), url, pairs)


@settings(max_examples=150, deadline=None)
@given(token=TOKENS, signed_as=URLS, seen_as=URLS, pairs=FORMS)
def test_whatever_spelling_of_the_address_we_accept_twilios_validator_accepts_as_well(token, signed_as, seen_as, pairs):
    theirs = RequestValidator(token)
    given = theirs.compute_signature(signed_as, Repeated(pairs))
    if is_signed(given, (token,), seen_as, pairs):
        assert theirs.validate(seen_as, Repeated(pairs), given)


@settings(max_examples=150, deadline=None)
@given(token=TOKENS, url=URLS, pairs=FORMS, changed=st.tuples(NAMES, TEXTS))
def test_one_parameter_more_breaks_the_signature(token, url, pairs, changed):
    given = signature(token, url, pairs)
    named_apart = (changed[0] + "\x00new", changed[1])
    assert not is_signed(given, (token,), url, [*pairs, named_apart])


@settings(max_examples=200, deadline=None)
@given(given=st.text(max_size=60), url=URLS)
def test_no_made_up_signature_is_let_in_or_raises(given, url):
    assert is_signed(given, ("0" * 32, "1" * 32), url, FORM.items()) is False


def test_an_address_with_another_port_than_the_default_is_also_signed_without_it():
    assert spellings("https://line.example:8443/voice/incoming")[1] == "https://line.example/voice/incoming"
    assert spellings("http://[::1]:8080/x")[1] == "http://[::1]/x"
    assert spellings("http://line.example/x")[1] == "http://line.example:80/x"


# The door itself.

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def fields(exchange):
    return {"CallSid": "CA" + "1" * 32, "AccountSid": exchange.account_sid, "From": "+14155550123", "To": "+15550100"}


@sqlite_only
def test_both_tokens_are_good_while_they_are_rotated(door_of, exchange):
    old, new = "0" * 32, "f" * 32
    rotating = door_of(exchange, auth_tokens=(old, new))
    for token in (old, new):
        assert rotating.knock("/voice/incoming", fields(exchange), signed=token).status_code == 200
    settled = door_of(exchange, auth_tokens=(new,))
    assert settled.knock("/voice/incoming", fields(exchange), signed=old).status_code == 403


GARBAGE = [
    "",
    "=",
    "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
    "\u00fc\u00df\u00ff",
    "\x7f\x01",
    "A" * 100_000,
    "None",
    "a, b",
    "'; --",
]


@sqlite_only
@pytest.mark.parametrize("given", GARBAGE, ids=range(len(GARBAGE)))
def test_a_wrong_signature_is_403_whatever_it_holds(knock, exchange, given):
    answer = knock("/voice/incoming", fields(exchange), headers={"X-Twilio-Signature": given})
    assert answer.status_code == 403


@sqlite_only
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80))
def test_no_header_at_all_opens_the_door(knock, exchange, given):
    answer = knock("/voice/status", fields(exchange), headers={"X-Twilio-Signature": given})
    assert answer.status_code == 403


FORGED = [
    {"Host": "evil.example"},
    {"Host": "line.example:99999"},
    {"Host": "a b\u00fc"},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "1", "X-Forwarded-For": "1"},
    {"Forwarded": "host=evil.example;proto=http"},
    {"X-Original-Url": "/voice/status", "X-Rewrite-Url": "/voice/status"},
    {"X-Http-Method-Override": "GET"},
]


@sqlite_only
@pytest.mark.parametrize("forged", FORGED, ids=lambda forged: next(iter(forged)))
def test_forged_headers_neither_open_nor_close_the_door(knock, exchange, forged):
    form = fields(exchange)
    assert knock("/voice/incoming", form, headers=forged).status_code == 200
    over_theirs = signature(exchange.auth_tokens[0], "https://evil.example/voice/incoming", form.items())
    answer = knock("/voice/incoming", form, headers={**forged, "X-Twilio-Signature": over_theirs})
    assert answer.status_code == 403


@sqlite_only
def test_the_query_is_part_of_what_is_signed(knock, exchange):
    form = fields(exchange)
    assert knock("/voice/turn/1?at=3", form).status_code == 200
    bare = signature(exchange.auth_tokens[0], "https://line.example/voice/turn/1", form.items())
    assert knock("/voice/turn/1?at=3", form, headers={"X-Twilio-Signature": bare}).status_code == 403


@sqlite_only
def test_a_parameter_changed_on_the_way_closes_the_door(knock, exchange):
    form = fields(exchange)
    given = signature(exchange.auth_tokens[0], "https://line.example/voice/incoming", form.items())
    headers = {"X-Twilio-Signature": given}
    assert knock("/voice/incoming", form, headers=headers).status_code == 200
    assert knock("/voice/incoming", {**form, "Digits": "1"}, headers=headers).status_code == 403
    assert knock("/voice/incoming", {**form, "From": "+14155550124"}, headers=headers).status_code == 403


@sqlite_only
def test_parameters_nobody_announced_are_signed_too(knock, exchange):
    form = {**fields(exchange), "NewOne": "", "StirVerstat": "TN-Validation-Passed-A", "CallerName": " J\u00f6rg  "}
    assert knock("/voice/incoming", form).status_code == 200


@sqlite_only
def test_a_public_address_with_a_prefix_works_behind_a_proxy_that_strips_it(door_of, exchange, ring):
    wording = replace(exchange.wording, public_url="https://host.example/activation")
    call = ring(at=door_of(exchange, wording=wording))
    assert call.actions == ["/voice/turn/1"]
    assert "https://host.example/activation/voice/turn/1#" in call.heard
    assert "group" in call.silence().words.lower()
