"""What the publisher gives out for licence hosts: the package of a host key, and what a volume edition has built in.

The rule it keeps: nothing of it is stored. All is made again from the product's issuing key, the line's certificate key
and the catalogue as it stands; a package made anew opens with the confirmation ID its host has already.
"""

from datetime import date

from sqlalchemy import Connection, func, select

from keys import derivation, ed25519, product_key
from keys.catalog import agreements, product_build
from keys.device import host_package
from keys.device.build import Volume
from keys.device.host_package import Licence, Package
from keys.issue import IssuedKey, KeyStatus, product_keys
from keys.kms import certificate
from keys.kms.certificate import HostCertificate
from keys.product_key import KeyType
from keys.products import Licensing, Product, products
from keys.secrets_file import Secrets


class NoHostKey(ValueError):  # noqa: N818 - what it is not
    """The key is of another type, and opens no licence host."""


def package_for(
    connection: Connection, secrets: Secrets, product: Product, key: IssuedKey, *, nonce: bytes, line: str | None = None
) -> Package:
    """The package of a KMS host key. `nonce` must be 12 new, random bytes; `line` is the number its host shows.

    Raises NoHostKey, and KeyError where the secrets file does not know the product.
    """
    if key.type is not KeyType.KMS_HOST:
        raise NoHostKey
    issuing_key = secrets.products[product.number].issuing_key
    seed = derivation.host_seed(issuing_key, key.serial)
    stated = HostCertificate(
        product.family,
        product.number,
        key.serial,
        ed25519.public_key(seed),
        _least_threshold(connection, product.family),
        _last_day(connection, key.agreement),
    )
    return host_package.seal(
        product_build(product, secrets, line=line),
        product.family,
        key.serial,
        Licence(seed, certificate.write(stated, ed25519.signer(secrets.certificate_key))),
        key_secret=derivation.key_secret(issuing_key, key.serial),
        share=derivation.host_share(issuing_key, key.serial),
        nonce=nonce,
    )


def edition(connection: Connection, secrets: Secrets, product: Product) -> Volume | None:
    """What a volume edition has built in; None where it is none, or no KMS client key was issued for it.

    Its client key is the first that was issued and is not blocked; withdrawn are the blocked host keys of its family.
    """
    serial = connection.execute(
        select(func.min(product_keys.c.serial)).where(
            product_keys.c.product == product.number,
            product_keys.c.type == int(KeyType.KMS_CLIENT),
            product_keys.c.status == KeyStatus.ACTIVE,
        )
    ).scalar_one()
    if product.licensing is not Licensing.VOLUME or serial is None:
        return None
    issuing_key = secrets.products[product.number].issuing_key
    return Volume(
        product.family,
        ed25519.public_key(secrets.certificate_key),
        product_key.encode(product_key.make(KeyType.KMS_CLIENT, product.number, serial, issuing_key)),
        product.kms_threshold,
        _withdrawn(connection, product.family),
    )


def _least_threshold(connection: Connection, family: str) -> int:
    """The smallest count that any volume edition of the family takes; the host holds each to its own."""
    query = select(func.min(products.c.kms_threshold)).where(
        products.c.family == family, products.c.licensing == Licensing.VOLUME
    )
    return int(connection.execute(query).scalar_one())


def _last_day(connection: Connection, agreement: str) -> date | None:
    ends: date | None = connection.execute(
        select(agreements.c.ends).where(agreements.c.number == agreement)
    ).scalar_one()
    return ends


def _withdrawn(connection: Connection, family: str) -> tuple[str, ...]:
    rows = connection.execute(
        select(product_keys.c.product, product_keys.c.serial)
        .join(products, products.c.number == product_keys.c.product)
        .where(
            products.c.family == family,
            product_keys.c.type == int(KeyType.KMS_HOST),
            product_keys.c.status == KeyStatus.BLOCKED,
        )
        .order_by(product_keys.c.product, product_keys.c.serial)
    )
    return tuple(f"{row.product}:{row.serial}" for row in rows)
