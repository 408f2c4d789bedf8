"""A publisher of the tests, who makes host keys, packages and builds, and gives the confirmation IDs of hosts.

- `PUBLISHER` signs, `ISSUING` is product 7's issuing key, family `Harbour`.
- `package_of(...)`: a host package; `key_of(...)`: a product key; `answered(package, state)`: what the line reads back.
- `BUILD`: what a volume edition of the family has built in.
"""

from keys import confirmation_id, derivation, ed25519
from keys.device import host_package
from keys.device.build import ProductBuild, Volume
from keys.device.host_package import Licence
from keys.formats import FORMATS
from keys.groups import grouped
from keys.installation_id import decode
from keys.kms import certificate
from keys.kms.certificate import HostCertificate
from keys.product_key import KeyType, make
from keys.product_key import encode as encode_key

ISSUING = b"issuing key of product seven...."
PUBLISHER = b"p" * 32


def package_of(fmt=FORMATS[1], serial=41, nonce=b"n" * 12, ends=None, returns=False):
    build = ProductBuild(7, "Harbour Pilot", fmt.number, 2, b"two." * 8, fmt.blocks, returns=returns)
    seed = derivation.host_seed(ISSUING, serial)
    stated = HostCertificate("Harbour", 7, serial, ed25519.public_key(seed), 5, ends)
    return host_package.seal(
        build,
        "Harbour",
        serial,
        Licence(seed, certificate.write(stated, ed25519.signer(PUBLISHER))),
        key_secret=derivation.key_secret(ISSUING, serial),
        share=derivation.host_share(ISSUING, serial),
        nonce=nonce,
    )


def key_of(serial=41, kind=KeyType.KMS_HOST):
    return encode_key(make(kind, 7, serial, ISSUING))


def answered(package, state, valid_until=0):
    """What the line would read back."""
    return grouped(
        confirmation_id.issue(
            decode(state.installation_id),
            verification_secret=package.build.verification_secret,
            key_secret=state.key_secret,
            blocks=8,
            scheme=2,
            valid_until=valid_until,
            share=derivation.host_share(ISSUING, package.serial),
        )
    )


VOLUME = Volume("Harbour", ed25519.public_key(PUBLISHER), key_of(3, KeyType.KMS_CLIENT))
BUILD = ProductBuild(7, "Harbour Pilot", 1, 2, b"two." * 8, 8, volume=VOLUME)
