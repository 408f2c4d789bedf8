"""`touchtone certificate`: the public key that certificates of activations are checked with, and the check itself.

One rule: the key printed here is no secret; checking with a key that is given needs nothing else of the line.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TextIO

import click

from webhooks.cli.database import secrets_of
from webhooks.cli.output import refuse, show

_WRONG = {
    "malformed": "This is no certificate.",
    "signature": "The signature does not fit: it was changed, or another line signed it.",
}
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group()
def certificate() -> None:
    """The signed certificates that go along with activations."""


@certificate.command()
@click.option("--pem", is_flag=True, help="In PEM, as OpenSSL reads it.")
@AS_JSON
def key(pem: bool, as_json: bool) -> None:
    """Print the public key. In JSON it is a JSON Web Key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from keys.certificate import public_key, public_key_text
    from webhooks.settings import load

    raw = public_key(secrets_of(load(), as_json=as_json).certificate_key)
    if as_json:
        show({"kty": "OKP", "crv": "Ed25519", "x": public_key_text(raw), "alg": "EdDSA", "use": "sig"}, as_json)
    elif pem:
        made = Ed25519PublicKey.from_public_bytes(raw)
        click.echo(made.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().rstrip())
    else:
        click.echo(public_key_text(raw))


@certificate.command()
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"), default="-")
@click.option("--key", "key_text", help="The public key, as `touchtone certificate key` prints it; else this line's.")
@click.option("--installation-id", help="Also check that it is this installation's.")
@AS_JSON
def check(file: TextIO, key_text: str | None, installation_id: str | None, as_json: bool) -> None:
    """Check the certificate in FILE (`-`: standard input) and show what it states."""
    from keys import certificate as certificates
    from keys.groups import grouped
    from keys.installation_id import InvalidInstallationID, decode, digest
    from webhooks.settings import load

    try:
        wanted = None if installation_id is None else digest(decode(installation_id)).hex()
    except InvalidInstallationID:
        refuse("INSTALLATION_ID_WRONG", "That is no installation ID.", as_json)
    if key_text is None:
        raw = certificates.public_key(secrets_of(load(), as_json=as_json).certificate_key)
    else:
        try:
            raw = certificates.read_public_key(key_text)
        except certificates.InvalidCertificate:
            refuse("KEY_MALFORMED", "That is no public key: it has 43 signs.", as_json)
    try:
        stated = certificates.verify(file.read(certificates.LONGEST + 1), raw)
    except certificates.InvalidCertificate as error:
        refuse(f"CERTIFICATE_{error.fault.name}", _WRONG[error.fault], as_json)
    if wanted not in {None, stated.installation}:
        refuse("OTHER_INSTALLATION", "The certificate is sound, and of another installation.", as_json)
    facts = asdict(stated) | {"made_at": stated.made_at.isoformat()}
    blocks = list(stated.confirmation_id) if as_json else grouped(stated.confirmation_id)
    show({"outcome": "sound", **facts, "confirmation_id": blocks}, as_json)
