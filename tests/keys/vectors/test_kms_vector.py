"""The frozen vector of licence hosts, the page that explains it, and the code agree."""

import base64
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from keys import confirmation_id, ed25519
from keys.device import host_package
from keys.installation_id import decode
from keys.kms import certificate, messages

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs" / "kms-protocol.md").read_text(encoding="utf-8")
VECTOR = json.loads((HERE / "kms.json").read_text(encoding="utf-8"))
RAW = {
    name: bytes.fromhex(VECTOR[name])
    for name in VECTOR
    if re.search("key$|secret|seed", name) and "product" not in name
}


@pytest.fixture(scope="module")
def book():
    spec = importlib.util.spec_from_file_location("by_the_book", HERE / "by_the_book.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def unarmoured(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_made_again_the_vector_comes_out_the_same(tmp_path):
    subprocess.run(
        [sys.executable, HERE / "make_kms.py", tmp_path], check=True, cwd=HERE.parents[2], env={"PYTHONPATH": "."}
    )
    assert (tmp_path / "kms.json").read_bytes() == (HERE / "kms.json").read_bytes()


def test_the_page_alone_makes_share_seed_and_the_seals_key(book):
    assert book.host_share(RAW["issuing_key"], VECTOR["serial"]) == VECTOR["share"]
    assert book.host_seed(RAW["issuing_key"], VECTOR["serial"]) == RAW["host_seed"]
    assert book.package_key(VECTOR["share"], RAW["key_secret"]) == RAW["package_key"]


@pytest.mark.parametrize(
    "known", VECTOR["confirmations"], ids=lambda known: f"{known['format']}-{known['valid_until']}"
)
def test_the_page_alone_takes_the_share_from_a_confirmation_id(book, known):
    secrets = RAW["verification_secret"], RAW["key_secret"]
    assert book.share_of(known["payload"], known["confirmation_id"], *secrets) == VECTOR["share"]
    read = confirmation_id.unmasked(
        known["confirmation_id"],
        decode(known["installation_id"]),
        verification_secret=secrets[0],
        key_secret=secrets[1],
        opens=lambda share: share == VECTOR["share"],
    )
    assert read.valid_until == known["valid_until"]


def test_the_page_alone_opens_the_package():
    facts = dict(VECTOR["package"])
    sealed = unarmoured(facts.pop("sealed"))
    clear = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    inside = json.loads(ChaCha20Poly1305(RAW["package_key"]).decrypt(sealed[:12], sealed[12:], clear))
    assert unarmoured(inside["seed"]) == RAW["host_seed"]
    assert inside["certificate"] == VECTOR["certificate"]
    opened = host_package.opened(
        host_package.read(VECTOR["package"]), key_secret=RAW["key_secret"], share=VECTOR["share"]
    )
    assert opened == host_package.Licence(RAW["host_seed"], VECTOR["certificate"])


@pytest.mark.parametrize(("text", "key"), [("certificate", "publisher_public_key"), ("answer", "host_public_key")])
def test_signatures_are_plain_json_web_signatures(text, key):
    body, _, signature = VECTOR[text].rpartition(".")
    Ed25519PublicKey.from_public_bytes(RAW[key]).verify(unarmoured(signature), body.encode())
    assert (
        Ed25519PrivateKey.from_private_bytes(RAW["host_seed"]).public_key().public_bytes_raw() == RAW["host_public_key"]
    )


def test_the_lease_of_the_vector_is_read():
    stated = certificate.read(VECTOR["certificate"], RAW["publisher_public_key"], ed25519.check)
    answer = messages.read_answer(VECTOR["answer"], stated.public_key, ed25519.check)
    request = messages.read_request(VECTOR["request"].encode())
    assert answer.leased
    assert (answer.nonce, answer.client, answer.family) == (request.nonce, request.client, stated.family)


def test_the_page_quotes_the_frozen_vector():
    quoted = re.search(r"^```text kms\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL).group(1)
    expected = {name: str(value) for name, value in VECTOR.items() if not isinstance(value, dict | list)}
    expected["sealed"] = VECTOR["package"]["sealed"]
    for known in VECTOR["confirmations"]:
        where = f"{known['format']} {known['valid_until']:03d}"
        expected[f"installation_id {where}"] = known["installation_id"]
        expected[f"confirmation_id {where}"] = known["confirmation_id"]
    assert dict(line.split(" = ", 1) for line in quoted.splitlines()) == expected
