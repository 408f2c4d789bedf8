"""The package of a licence host: what makes one of an ordinary machine, sealed until it is activated.

The rule it keeps: the seal opens with two shares only, the host key's secret and the 36 digits that a confirmation ID
of scheme 2 carries; whoever has the product, the host key and the package has nothing to sign with.

In the clear stands what a product has built in, under the seal's tag; sealed are the host's signature key and its
certificate. The seal is ChaCha20-Poly1305 (RFC 8439).

>>> from keys.device.build import ProductBuild
>>> build = ProductBuild(7, "Harbour Pilot", 1, generation=1, verification_secret=bytes(32), blocks=8)
>>> licence = Licence(seed=bytes(32), certificate="a certificate")
>>> package = seal(build, "Fairway", 41, licence, key_secret=bytes(9), share="0" * 36, nonce=bytes(12))
>>> opened(read(package.to_facts()), key_secret=bytes(9), share="0" * 36) == licence
True
>>> opened(package, key_secret=bytes(9), share="0" * 35 + "1") is None
True
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from keys.derivation import package_key
from keys.device.build import ProductBuild
from keys.errors import BadInput
from keys.kms.fields import number, words
from keys.signed import InvalidStatement, armoured, bare, plain

KIND: Final = "touchtone kms host package 1"
NONCE_BYTES: Final = 12
_LONGEST = 16_384


class InvalidPackage(BadInput):
    """What was given is no host package."""


@dataclass(frozen=True, slots=True)
class Licence:
    """What is under the seal: the 32-byte seed of the host's signature key, and the certificate's text."""

    seed: bytes = field(repr=False)
    certificate: str


@dataclass(frozen=True, slots=True)
class Package:
    """A host package. `serial` is the host key's; `sealed` begins with the seal's nonce."""

    build: ProductBuild
    family: str
    serial: int
    sealed: bytes = field(repr=False)

    def to_facts(self) -> dict[str, object]:
        """The package as JSON values."""
        return {**_clear(self.build, self.family, self.serial), "sealed": armoured(self.sealed)}


def seal(
    build: ProductBuild, family: str, serial: int, licence: Licence, *, key_secret: bytes, share: str, nonce: bytes
) -> Package:
    """Seal a licence. `nonce` must be 12 new, random bytes: a package may be made again, with another certificate."""
    inside = plain({"seed": armoured(licence.seed), "certificate": licence.certificate})
    box = ChaCha20Poly1305(package_key(share, key_secret))
    sealed = nonce + box.encrypt(nonce, inside, plain(_clear(build, family, serial)))
    return Package(build, family, serial, sealed)


def opened(package: Package, *, key_secret: bytes, share: str) -> Licence | None:
    """The licence under the seal; None where key secret, share or the clear part are not the right ones."""
    nonce, box = package.sealed[:NONCE_BYTES], ChaCha20Poly1305(package_key(share, key_secret))
    clear = plain(_clear(package.build, package.family, package.serial))
    try:
        facts = json.loads(box.decrypt(nonce, package.sealed[NONCE_BYTES:], clear))
    except InvalidTag:
        return None
    return Licence(bare(facts["seed"]), facts["certificate"])


def read(facts: Mapping[str, object]) -> Package:
    """The package in a file's JSON. Raises InvalidPackage, or InvalidBuild for what is wrong in its build."""
    build = facts.get("build")
    if facts.get("kind") != KIND or not isinstance(build, dict):
        raise InvalidPackage
    try:
        sealed = bare(words(facts, "sealed", _LONGEST))
        package = Package(ProductBuild.from_facts(build), words(facts, "family"), number(facts, "serial"), sealed)
    except InvalidStatement as error:
        raise InvalidPackage from error
    # A seal is longer than its nonce and tag: what is shorter was cut off.
    if len(sealed) <= NONCE_BYTES + 16:
        raise InvalidPackage
    return package


def _clear(build: ProductBuild, family: str, serial: int) -> dict[str, object]:
    return {"kind": KIND, "family": family, "serial": serial, "build": build.to_facts()}
