"""`touchtone certificate`: the public key in three spellings, and a check that needs nothing but it."""

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from keys import secrets_file
from keys.certificate import Certificate, public_key, sign
from keys.groups import grouped
from keys.installation_id import digest, encode

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def seed(touchtone, tmp_path):  # noqa: ARG001 - it makes the secrets file
    return secrets_file.load(tmp_path / "data" / "secrets.toml").certificate_key


@pytest.fixture
def iid(installation):
    return installation(1, 41)


@pytest.fixture
def file(seed, iid, tmp_path):
    stated = Certificate(
        1, "Fairway", "0019G", digest(iid).hex(), ("123456",) * 8, None, 0, datetime(2026, 11, 24, tzinfo=UTC)
    )
    path = tmp_path / "one.certificate"
    path.write_text(sign(stated, seed) + "\n")
    return path


def test_the_key_is_printed_for_people_for_openssl_and_as_a_web_key(touchtone, seed):
    plain = touchtone("certificate", "key").said.strip()
    assert base64.urlsafe_b64decode(plain + "=") == public_key(seed)
    pem = load_pem_public_key(touchtone("certificate", "key", "--pem").said.encode())
    assert pem.public_bytes_raw() == public_key(seed)
    jwk = touchtone("certificate", "key", "--json").told
    assert jwk == {"kty": "OKP", "crv": "Ed25519", "x": plain, "alg": "EdDSA", "use": "sig"}


def test_a_sound_certificate_is_shown(touchtone, file, iid):
    done = touchtone("certificate", "check", file, "--installation-id", grouped(encode(iid)), "--json")
    assert done.status == 0
    assert done.told["outcome"] == "sound"
    assert done.told["product_name"] == "Fairway"
    assert done.told["confirmation_id"] == ["123456"] * 8
    assert done.told["installation"] == digest(iid).hex()
    assert "123456 123456" in touchtone("certificate", "check", file).said


def test_with_the_key_given_nothing_of_the_line_is_needed(touchtone, file, tmp_path, monkeypatch):
    key = touchtone("certificate", "key").said.strip()
    monkeypatch.setenv("TOUCHTONE_DATA_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("TOUCHTONE_PUBLIC_URL")
    assert touchtone("certificate", "check", file, "--key", key).status == 0
    other = base64.urlsafe_b64encode(public_key(b"o" * 32)).decode().rstrip("=")
    refused = touchtone("certificate", "check", file, "--key", other, "--json")
    assert (refused.status, refused.told["outcome"]) == (1, "CERTIFICATE_SIGNATURE")


def test_what_is_wrong_is_said_in_one_sentence(touchtone, file):
    file.write_bytes(b"\xff\xfe no certificate")
    refused = touchtone("certificate", "check", file)
    assert (refused.status, refused.sighed) == (1, "This is no certificate.\n")
    assert json.loads(touchtone("certificate", "check", file, "--json").said)["outcome"] == "CERTIFICATE_MALFORMED"
    assert touchtone("certificate", "check", file, "--key", "short").sighed.startswith("That is no public key")
    assert touchtone("certificate", "check", file, "--installation-id", "12").sighed == "That is no installation ID.\n"


def test_a_certificate_of_another_machine_is_refused(touchtone, file, installation):
    refused = touchtone(
        "certificate", "check", file, "--installation-id", encode(installation(1, 41, nonce=2)), "--json"
    )
    assert (refused.status, refused.told["outcome"]) == (1, "OTHER_INSTALLATION")
