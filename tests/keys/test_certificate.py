"""A certificate states one activation, for anybody who has the public key, and nothing that was changed passes."""

import ast
import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from keys import certificate, ed25519, signed
from keys.certificate import (
    Certificate,
    CertificateFault,
    InvalidCertificate,
    public_key,
    public_key_text,
    read_public_key,
    sign,
    verify,
)

SEED, OTHER = b"c" * 32, b"d" * 32
KEY = public_key(SEED)
STATED = Certificate(
    1, "Fairway", "0019G", "ab" * 32, ("123456", "654321"), "2027-02", 3, datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
)
CERTIFICATES = st.builds(
    Certificate,
    product=st.integers(0, 2**14 - 1),
    product_name=st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    last_five=st.text("0123456789ABCDEFGH", min_size=5, max_size=5),
    installation=st.binary(min_size=32, max_size=32).map(bytes.hex),
    confirmation_id=st.lists(st.text("0123456789", min_size=6, max_size=6), min_size=5, max_size=8).map(tuple),
    valid_until=st.none() | st.dates().map(lambda day: f"{day:%Y}-{day:%m}".rjust(7, "0")),
    reactivation=st.integers(0, 10_000),
    made_at=st.datetimes(timezones=st.just(UTC)),
)


def fault_of(text, key=KEY):
    with pytest.raises(InvalidCertificate) as caught:
        verify(text, key)
    return caught.value.fault


def forged(facts, seed=SEED, header=None):
    """A text signed with the line's own key over a statement that the line would never make."""
    first = sign(STATED, SEED).split(".")[0] if header is None else encoded(json.dumps(header).encode())
    body = f"{first}.{encoded(facts if isinstance(facts, bytes) else json.dumps(facts).encode())}"
    return f"{body}.{encoded(Ed25519PrivateKey.from_private_bytes(seed).sign(body.encode()))}"


def encoded(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@given(CERTIFICATES)
def test_what_is_signed_is_what_is_read(stated):
    text = sign(stated, SEED)
    assert verify(text, KEY) == stated
    assert sign(stated, SEED) == text
    assert len(text) <= certificate.LONGEST


@given(st.data())
def test_no_sign_of_it_can_be_changed(data):
    text = sign(STATED, SEED)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda sign: sign != text[place] and not sign.isspace()))
    assert fault_of(text[:place] + other + text[place + 1 :]) in set(CertificateFault)


@given(st.text() | st.binary().map(encoded) | st.lists(st.binary().map(encoded)).map(".".join))
def test_whatever_is_no_certificate_is_refused_and_never_fails_otherwise(text):
    assert fault_of(text) is CertificateFault.MALFORMED
    assert fault_of(f"{sign(STATED, SEED)}{text}x") in set(CertificateFault)


def test_another_line_s_signature_does_not_count():
    assert fault_of(sign(STATED, OTHER)) is CertificateFault.SIGNATURE
    assert fault_of(sign(STATED, SEED), public_key(OTHER)) is CertificateFault.SIGNATURE


def test_a_certificate_cannot_choose_how_it_is_checked():
    facts = json.loads(base64.urlsafe_b64decode(sign(STATED, SEED).split(".")[1] + "=="))
    for header in ({"alg": "none"}, {"alg": "HS256", "typ": "touchtone-activation+jws"}, {"alg": "EdDSA"}):
        assert fault_of(forged(facts, header=header)) is CertificateFault.MALFORMED
    assert verify(forged(facts), KEY) == STATED


@pytest.mark.parametrize(
    "change",
    [
        {"product": "1"},
        {"product": True},
        {"product_name": None},
        {"installation": "AB" * 32},
        {"confirmation_id": []},
        {"confirmation_id": "123456"},
        {"confirmation_id": ["12345"]},
        {"confirmation_id": ["\uff11\uff12\uff13\uff14\uff15\uff16"]},
        {"valid_until": "2027-13"},
        {"valid_until": 14},
        {"made_at": "yesterday"},
        {"made_at": 7},
    ],
)
def test_a_statement_that_is_none_is_refused_even_if_it_is_signed(change):
    facts = json.loads(base64.urlsafe_b64decode(sign(STATED, SEED).split(".")[1] + "=="))
    assert fault_of(forged(facts | change)) is CertificateFault.MALFORMED
    without = {name: value for name, value in facts.items() if name not in change}
    assert fault_of(forged(without)) is CertificateFault.MALFORMED
    assert verify(forged(facts | {"of_a_later_version": 1}), KEY) == STATED


def test_a_signed_text_that_is_no_json_object_is_refused():
    for statement in (b"[]", b"7", b"null", b"{", b"\xff", b"[" * 2000):
        assert fault_of(forged(statement)) is CertificateFault.MALFORMED


def test_moments_of_any_zone_make_the_same_text():
    there = STATED.made_at.astimezone(timezone(timedelta(hours=9)))
    assert sign(replace(STATED, made_at=there), SEED) == sign(STATED, SEED)


def test_a_public_key_is_read_as_it_is_printed():
    text = public_key_text(KEY)
    assert len(text) == 43
    assert read_public_key(f" {text}\n") == KEY
    for wrong in ("", text[:-1], text + "A", text.replace(text[3], "+"), "ä" * 43):
        with pytest.raises(InvalidCertificate):
            read_public_key(wrong)


def test_whoever_checks_needs_cryptography_and_the_standard_library_alone():
    names = set()
    for room in (certificate, ed25519, signed):
        for node in ast.walk(ast.parse(Path(room.__file__).read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {name.name.partition(".")[0] for name in node.names}
            if isinstance(node, ast.ImportFrom) and node.module != "keys":
                names.add(node.module if node.module.startswith("keys") else node.module.partition(".")[0])
    standard = {"base64", "binascii", "collections", "dataclasses", "datetime", "enum", "functools", "json", "re"}
    assert names - standard - {"typing"} == {"cryptography", "keys.errors", "keys.ed25519", "keys.signed"}
