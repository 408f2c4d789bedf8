"""`touchtone escrow`: a product is handed to a trustee, who then activates its machines by that file alone.

One rule: a product's secrets are written in a sealed file and nowhere else, never to the screen; and `key`, `show` and
`confirm` open no database, no secrets file and no network, since there may be none by then.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from webhooks.cli.database import opened, secrets_of
from webhooks.cli.key import actor_option, as_json_option
from webhooks.cli.output import refuse, show
from webhooks.cli.typed import installation_id_of

if TYPE_CHECKING:
    from keys.escrow import Escrow
    from keys.refusals import Refusal

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)
_WORDS = {
    "NO_ESCROW": "The catalogue hands this product to no trustee (after_retirement is not escrow).",
    "NOT_RETIRED": "The product is not retired, and the catalogue does not say escrow_ahead.",
    "ISSUING_KEY_MISSING": "The secrets file has no issuing key of the product.",
    "NO_RECIPIENT": "That is no public key of age (age1...).",
    "NO_KEY": "That file holds no secret key of age (AGE-SECRET-KEY-1...).",
    "PASSPHRASE_SHORT": "The passphrase is too short: at least 20 signs; whoever has the file may try for ever.",
    "NOT_OPENED": "It does not open: another key or passphrase, or the file is damaged.",
    "PRODUCT_UNKNOWN": "That installation ID is another product's.",
    "FORMAT_NOT_OF_PRODUCT": "That installation ID is of a format that the product does not use.",
    "PROOF_WRONG": "That installation ID was not made with a key of this product.",
    "KEY_UNKNOWN": "Its product key was never issued: somebody makes keys with the product's issuing key.",
    "KEY_BLOCKED": "Its product key was blocked when the product was handed over.",
    "KEY_TYPE_NOT_ALLOWED": "Its product key is of a kind that is not activated, or was for tests.",
    "KEY_EXPIRED": "Its product key has expired.",
    "IID_RETURNED": "That installation was given back; the machine needs a new one.",
}


@click.group()
def escrow() -> None:
    """Hand a product to a trustee at the end of its life; activate its machines by what was handed over."""


def _opening(command: Callable[..., None]) -> Callable[..., None]:
    """The file and the two ways to open it."""
    by_key = click.option("--key", "key_file", type=_FILE, help="The secret key that it was sealed for.")
    by_words = click.option("--passphrase-file", type=_FILE, help="The passphrase; without both it is asked for.")
    return click.argument("file", type=_FILE)(by_key(by_words(command)))


@escrow.command()
@click.option("--out", required=True, type=_NEW_FILE, help="The new file for the secret key.")
@as_json_option
def key(out: Path, as_json: bool) -> None:
    """Make the key of a trustee: the secret one into a new file, the public one (age1...) to be given away."""
    from keys import age_file

    made = age_file.new_key()
    _write_new(out, f"# public key: {age_file.recipient_of(made)}\n{made}\n", as_json)
    show({"outcome": "made", "recipient": age_file.recipient_of(made), "file": str(out)}, as_json)


@escrow.command()
@click.argument("product")
@click.option("--out", required=True, type=_NEW_FILE, help="The new file: sealed, and its owner's alone.")
@click.option("--trustee", required=True, help="Who is handed the product, for the entry.")
@click.option("--reason", required=True, help="Why, for the entry: the agreement under which it is done.")
@click.option("--recipient", help="The trustee's public key (age1...).")
@click.option("--passphrase-file", type=_FILE, help="Or a passphrase; without both it is asked for.")
@actor_option
@as_json_option
def export(
    product: str,
    out: Path,
    trustee: str,
    reason: str,
    recipient: str | None,
    passphrase_file: Path | None,
    actor: str,
    as_json: bool,
) -> None:
    """Hand PRODUCT (its number or name) to a trustee.

    Whoever opens the file can activate all machines of the product, and nobody counts.
    """
    from keys import escrow as held_in_trust
    from keys import handing_over
    from keys.products import find_product
    from webhooks.settings import load

    if not trustee.strip() or not reason.strip():
        raise click.UsageError("A trustee and a reason are needed, in words.")
    settings, now = load(), datetime.now(UTC)
    secrets = secrets_of(settings, as_json=as_json)
    with opened(settings, as_json=as_json) as database:
        with database.read() as connection:
            found = find_product(connection, product)
            if found is None:
                refuse("PRODUCT_UNKNOWN", f"There is no product {product}.", as_json)
            held = handing_over.gather(connection, secrets, found, now=now)
        if isinstance(held, handing_over.HandingFault):
            _refuse(held.value, as_json)
        sealed = _sealed(held_in_trust.written(held), recipient, passphrase_file, as_json)
        digest = sha256(sealed.encode()).hexdigest()
        sealed_for = "a passphrase" if recipient is None else recipient.strip()
        # Written before it is committed: an entry without a file would be a lie, and a file without one is taken away.
        _write_new(out, sealed, as_json)
        try:
            with database.begin() as connection:
                handed = handing_over.Handed(actor, trustee, reason, sealed_for, digest)
                handing_over.note(connection, held, handed, now=now)
        except BaseException:
            out.unlink(missing_ok=True)
            raise
    told = {"outcome": "handed_over", "trustee": trustee, **_facts(held), "sha256": digest, "file": str(out)}
    show(told, as_json)


@escrow.command("show")
@_opening
@as_json_option
def show_file(file: Path, key_file: Path | None, passphrase_file: Path | None, as_json: bool) -> None:
    """Open FILE and say what is in it; no secret is shown."""
    show(_facts(_open(file, key_file, passphrase_file, as_json)), as_json)


@escrow.command()
@_opening
@click.argument("installation_id", nargs=-1, required=True)
@as_json_option
def confirm(
    file: Path,
    key_file: Path | None,
    passphrase_file: Path | None,
    installation_id: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make the confirmation ID for INSTALLATION_ID by FILE alone."""
    from keys import escrow as held_in_trust
    from keys.groups import grouped
    from keys.installation_id import encode
    from keys.refusals import Refusal

    iid = installation_id_of(" ".join(installation_id), as_json)
    held = _open(file, key_file, passphrase_file, as_json)
    answer: tuple[str, ...] | Refusal = held_in_trust.confirm(held, iid, datetime.now(UTC).date())
    if isinstance(answer, Refusal):
        _refuse(answer.value, as_json)
    told = {"product": held.product, "product_name": held.name, "installation_id": grouped(encode(iid))}
    show({"outcome": "confirmed", **told, "confirmation_id": " ".join(answer)}, as_json)


def _facts(held: Escrow) -> dict[str, Any]:
    """What an escrow holds, in numbers."""
    return {
        "product": held.product,
        "product_name": held.name,
        "generations": sorted(held.verification),
        "made": held.made.isoformat(),
        "serials_issued": held.serials - 1,
        "keys_blocked": len(held.blocked),
        "host_keys": len(held.hosts),
        "installations_returned": len(held.returned),
    }


def _sealed(content: bytes, recipient: str | None, passphrase_file: Path | None, as_json: bool) -> str:
    """The content, sealed as the options say."""
    from keys import age_file

    if recipient is not None and passphrase_file is not None:
        raise click.UsageError("--recipient and --passphrase-file exclude each other.")
    try:
        if recipient is not None:
            return age_file.for_recipient(content, recipient)
        return age_file.by_passphrase(content, _passphrase(passphrase_file, as_json, twice=True))
    except age_file.NoRecipient:
        _refuse("NO_RECIPIENT", as_json)
    except age_file.PassphraseTooShort:
        _refuse("PASSPHRASE_SHORT", as_json)


def _open(file: Path, key_file: Path | None, passphrase_file: Path | None, as_json: bool) -> Escrow:
    """The escrow in a file, opened as the options say."""
    from keys import age_file
    from keys import escrow as held_in_trust

    if key_file is not None and passphrase_file is not None:
        raise click.UsageError("--key and --passphrase-file exclude each other.")
    try:
        sealed = _text(file, as_json)
        if key_file is not None:
            content = age_file.opened_by_key(sealed, _text(key_file, as_json))
        else:
            content = age_file.opened_by_passphrase(sealed, _passphrase(passphrase_file, as_json))
        return held_in_trust.read(content)
    except age_file.NoKey:
        _refuse("NO_KEY", as_json)
    except age_file.NotOpened:
        _refuse("NOT_OPENED", as_json)
    except held_in_trust.InvalidEscrow as error:
        refuse(
            "ESCROW_DAMAGED", f"What is in {file} is no product's escrow: {error.field} is missing or wrong.", as_json
        )


def _passphrase(file: Path | None, as_json: bool, *, twice: bool = False) -> str:
    """The passphrase in the first line of a file, or as it is typed, unseen."""
    if file is None:
        return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True))
    return _text(file, as_json).partition("\n")[0].strip()


def _text(file: Path, as_json: bool) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        refuse("FILE_UNREADABLE", f"{file} cannot be read as text.", as_json)


def _write_new(path: Path, text: str, as_json: bool) -> None:
    """A new file, mode 0600, on the disk; none is written over, and none is left half written."""
    from webhooks.cli.key_file import new_file

    try:
        with new_file(path) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        refuse("FILE_EXISTS", f"{path} is there already, and is not written over.", as_json)
    except OSError as error:
        refuse("FILE_UNWRITABLE", f"{path} cannot be written: {error.strerror}.", as_json)


def _refuse(code: str, as_json: bool) -> NoReturn:
    refuse(code, _WORDS[code], as_json)
