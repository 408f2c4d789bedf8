"""Signed statements: each of its kind, by its signer, unchanged; and nothing else gets through."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import ed25519, signed
from keys.signed import InvalidStatement, StatementFault

SEED = b"s" * 32
KEY = ed25519.public_key(SEED)
FACTS = st.dictionaries(
    st.text(max_size=8), st.integers() | st.text(st.characters(exclude_categories=["Cs"])) | st.none()
)
TEXT = signed.make("lesson", {"count": 5}, ed25519.signer(SEED))


def fault_of(text, kind="lesson", key=KEY):
    with pytest.raises(InvalidStatement) as caught:
        signed.read(kind, text, key, ed25519.check)
    return caught.value.fault


@settings(deadline=None)
@given(FACTS)
def test_what_is_made_is_what_is_read(facts):
    text = signed.make("lesson", facts, ed25519.signer(SEED))
    assert signed.read("lesson", text, KEY, ed25519.check) == facts


@settings(deadline=None)
@given(st.data())
def test_no_sign_of_it_can_be_changed(data):
    place = data.draw(st.integers(0, len(TEXT) - 1))
    other = data.draw(st.characters().filter(lambda sign: sign != TEXT[place]))
    assert fault_of(TEXT[:place] + other + TEXT[place + 1 :]) in set(StatementFault)


@settings(deadline=None)
@given(st.text())
def test_no_text_is_more_than_a_fault(text):
    assert fault_of(text) is StatementFault.MALFORMED


def test_a_statement_of_one_kind_is_none_of_another():
    assert fault_of(TEXT, kind="another") is StatementFault.MALFORMED


def test_another_signer_does_not_count():
    assert fault_of(TEXT, key=ed25519.public_key(b"t" * 32)) is StatementFault.SIGNATURE
    assert fault_of(TEXT, key=b"no key") is StatementFault.SIGNATURE


def test_too_long_a_text_is_not_even_read():
    long = signed.make("lesson", {"words": "a" * signed.LONGEST}, ed25519.signer(SEED))
    assert fault_of(long) is StatementFault.MALFORMED


def test_signed_text_that_is_no_json_object_is_refused():
    head = TEXT.split(".")[0]
    for stated in (b"[]", b"7", b"{", b"\xff", b"[" * 3000):
        body = f"{head}.{base64.urlsafe_b64encode(stated).rstrip(b'=').decode()}"
        text = f"{body}.{signed.armoured(ed25519.signer(SEED)(body.encode()))}"
        assert fault_of(text) is StatementFault.MALFORMED


def test_any_library_for_json_web_signatures_can_read_it():
    header, facts, signature = (base64.urlsafe_b64decode(part + "==") for part in TEXT.split("."))
    assert json.loads(header) == {"alg": "EdDSA", "typ": "touchtone-lesson+jws"}
    assert json.loads(facts) == {"count": 5}
    assert len(signature) == 64


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_is_kept_to_the_second(at):
    assert signed.read_instant(signed.instant_text(at)) == at.replace(microsecond=0)


def test_a_moment_of_another_zone_is_the_same_moment():
    there = datetime(2026, 11, 24, 21, tzinfo=timezone(timedelta(hours=9)))
    assert signed.instant_text(there) == "2026-11-24T12:00:00Z"
    for wrong in ("2026-11-24", "2026-11-24T12:00:00+00:00", 7, None):
        with pytest.raises(InvalidStatement):
            signed.read_instant(wrong)
