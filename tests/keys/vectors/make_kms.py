"""Makes the frozen vector of licence hosts: `.venv/bin/python tests/keys/vectors/make_kms.py FOLDER` writes `kms.json`.

One rule: the file is frozen, like those of `make.py`. Its secrets are public (SHA-256 of a label) and good for nothing.
"""

import json
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

from keys import confirmation_id, derivation, ed25519
from keys.device import host_package
from keys.device.build import ProductBuild
from keys.formats import FORMATS
from keys.groups import grouped
from keys.installation_id import InstallationID, encode, payload
from keys.kms import certificate, messages
from keys.product_key import KeyType, make
from keys.product_key import encode as encode_key

PRODUCT, SERIAL, FAMILY = 1234, 41, "Harbour"
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def public_secret(label: str) -> bytes:
    """A 32-byte value that everybody knows."""
    return sha256(f"touchtone test vector: {label}".encode()).digest()


def vector() -> dict[str, object]:
    """From the issuing key to a lease."""
    issuing_key = derivation.issuing_key(public_secret("issuing root"), PRODUCT)
    key = make(KeyType.KMS_HOST, PRODUCT, SERIAL, issuing_key)
    verification_secret, publisher = public_secret("verification kms"), public_secret("publisher")
    share, seed = derivation.host_share(issuing_key, SERIAL), derivation.host_seed(issuing_key, SERIAL)
    stated = certificate.HostCertificate(FAMILY, PRODUCT, SERIAL, ed25519.public_key(seed), 5, date(2028, 12, 31))
    licence = host_package.Licence(seed, certificate.write(stated, ed25519.signer(publisher)))
    build = ProductBuild(PRODUCT, "Harbour Pilot", 1, 1, verification_secret, 8)
    package = host_package.seal(
        build, FAMILY, SERIAL, licence, key_secret=key.secret, share=share, nonce=public_secret("nonce")[:12]
    )
    request = messages.Request(FAMILY, PRODUCT, "0a" * 16, (1, 2, 3, 4, 5, 6, 7, 8), "0b" * 16, AT, 5, "bridge-2")
    answer = messages.Answer.to(request, AT, count=5, threshold=5)
    return {
        "issuing_key": issuing_key.hex(),
        "serial": SERIAL,
        "key_secret": key.secret.hex(),
        "product_key": encode_key(key),
        "verification_secret": verification_secret.hex(),
        "share": share,
        "host_seed": seed.hex(),
        "host_public_key": ed25519.public_key(seed).hex(),
        "package_key": derivation.package_key(share, key.secret).hex(),
        "package": package.to_facts(),
        "publisher_public_key": ed25519.public_key(publisher).hex(),
        "certificate": licence.certificate,
        "confirmations": [
            _confirmation(fmt, verification_secret, key.secret, share, until) for fmt in FORMATS for until in (0, 13)
        ],
        "request": messages.write_request(request).decode(),
        "answer": messages.write_answer(answer, ed25519.signer(seed)),
    }


def _confirmation(
    fmt: int, verification_secret: bytes, key_secret: bytes, share: str, valid_until: int
) -> dict[str, object]:
    fields = FORMATS[fmt].fingerprint_fields
    bare = InstallationID(fmt, PRODUCT % 1000, SERIAL, tuple(range(1, fields + 1)), 200, proof=0)
    iid = replace(bare, proof=derivation.proof_value(verification_secret, key_secret, bare))
    secrets = {"verification_secret": verification_secret, "key_secret": key_secret}
    made = confirmation_id.issue(iid, **secrets, blocks=8, scheme=2, valid_until=valid_until, share=share)
    return {
        "format": fmt,
        "installation_id": grouped(encode(iid)),
        "payload": payload(iid),
        "valid_until": valid_until,
        "confirmation_id": grouped(made),
    }


if __name__ == "__main__":
    text = json.dumps(vector(), indent=2, ensure_ascii=False)
    (Path(sys.argv[1]) / "kms.json").write_text(f"{text}\n", encoding="utf-8")
