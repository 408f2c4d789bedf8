"""`touchtone key`: issue product keys, show what the line knows of them, grant, block and open them.

One rule: a key is printed whole once, when it is issued; afterwards it is named by product and serial, and shown by its
last five signs.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from webhooks.cli.database import login_name, opened, secrets_of
from webhooks.cli.output import refuse, show

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from keys.issue import IssuedKey, IssueError, Order
    from keys.secrets_file import Secrets

_TYPES = ("mak", "kms_host", "kms_client", "retail")
_WORDS = {
    "PRODUCT_UNKNOWN": "There is no such product in the catalogue.",
    "PRODUCT_RETIRED": "The product is retired.",
    "LICENSING_NOT_ALLOWED": "Keys of this type are not for copies of this product's licensing class.",
    "AGREEMENT_UNKNOWN": "There is no such agreement in the catalogue.",
    "AGREEMENT_INACTIVE": "The agreement is not active today.",
    "ISSUING_KEY_MISSING": "No issuing key for the product; load the catalogue with the root beside the secrets.",
    "GRANT_OUT_OF_RANGE": "The grant is out of range.",
    "SERIALS_EXHAUSTED": "The product has no serial left to give.",
}

as_json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
actor_option = click.option(
    "--actor", default=login_name, show_default="your login name", help="Who does it, for the entries."
)
key_argument = click.argument("named", metavar="KEY")


@click.group()
def key() -> None:
    """Issue, show and block product keys. A KEY is named PRODUCT:SERIAL, or by the whole of it."""


@key.command()
@click.option("--product", required=True, help="Number or name of the product.")
@click.option("--agreement", required=True, help="Number of the agreement.")
@click.option(
    "--granted", type=click.IntRange(min=0), help="How many activations it allows. Only a MAK has no usual number."
)
@click.option(
    "--type", "type_name", type=click.Choice(_TYPES), default="mak", show_default=True, help="What it is for."
)
@click.option(
    "--channel", "channels", multiple=True, help="Where it may be activated (repeatable; default everywhere)."
)
@click.option("--test", is_flag=True, help="A test key: it spends nothing, is granted nothing, and is never sold.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="From this day on it activates nothing anew.")
@click.option("--count", default=1, show_default=True, type=click.IntRange(1, 100_000), help="So many keys alike.")
@click.option("--csv", "file", type=click.Path(dir_okay=False, path_type=Path), help="A new file for them.")
@click.option("--reason", default="issued", show_default=True, help="Why, for the entries.")
@actor_option
@as_json_option
def issue(reason: str, actor: str, count: int, file: Path | None, as_json: bool, **said: Any) -> None:
    """Issue a key and print it, whole, this once; or many, into a CSV file that only its owner may read."""
    from keys import issue as issuing
    from webhooks.cli import key_file
    from webhooks.settings import load

    if count > 1 and file is None:
        raise click.UsageError("Several keys go into a file: give --csv FILE.")
    settings = load()
    secrets = secrets_of(settings, as_json=as_json)
    try:
        with (
            opened(settings, as_json=as_json) as database,
            nullcontext() if file is None else key_file.new_file(file) as writable,
            database.begin() as connection,
        ):
            order = _order(connection, said, as_json)
            facts: dict[str, Any] = {"now": datetime.now(UTC), "actor": actor, "reason": reason}
            issued = issuing.issue_many(connection, secrets, order, count, **facts)
            if writable is not None:
                key_file.write(writable, issued)
    except issuing.IssueError as error:
        refuse_issue(error, as_json)
    except FileExistsError:
        refuse("FILE_EXISTS", f"{file} is there already, and is not written over.", as_json)
    if file is not None:
        show({"outcome": "issued", "keys": len(issued), "file": str(file)}, as_json)
        return
    show({"outcome": "issued", "product_key": issued[0].text, **key_facts(issued[0].key)}, as_json)


def _order(connection: Connection, said: dict[str, Any], as_json: bool) -> Order:
    """What the options order; ends the command where they do not go together."""
    from keys.catalog import CHANNELS
    from keys.issue import Order
    from keys.product_key import KeyType
    from keys.products import find_product

    unknown = [channel for channel in said["channels"] if channel not in CHANNELS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]} is none of {', '.join(CHANNELS)}", param_hint="--channel")
    found = find_product(connection, said["product"])
    if found is None:
        refuse("PRODUCT_UNKNOWN", _WORDS["PRODUCT_UNKNOWN"], as_json)
    kind, granted, test = KeyType[said["type_name"].upper()], said["granted"], said["test"]
    if granted is None and not test and kind is KeyType.MAK:
        raise click.UsageError("Missing option '--granted'.")
    if granted is None:
        # A host key allows all that its hosts may use, a retail key its product's machines; a client key is never
        # activated here.
        usual = {
            KeyType.KMS_HOST: found.kms_hosts * (1 + found.kms_reactivations),
            KeyType.RETAIL: found.retail_machines,
        }
        granted = 0 if test else usual.get(kind, 0)
    expires = said["expires"].date() if said["expires"] else None
    return Order(found.number, said["agreement"], granted, kind, said["channels"], test, expires)


@key.command("list")
@click.option("--product", help="Only this product's: number or name.")
@click.option("--agreement", help="Only this agreement's.")
@click.option("--organisation", help="Only this organisation's.")
@click.option("--type", "type_name", type=click.Choice(_TYPES), help="Only this type's.")
@click.option("--test/--no-test", default=None, help="Only test keys, or only others.")
@as_json_option
def list_keys(
    product: str | None,
    agreement: str | None,
    organisation: str | None,
    type_name: str | None,
    test: bool | None,
    as_json: bool,
) -> None:
    """List the keys that were issued."""
    from keys import issue as issuing
    from keys import products
    from keys.product_key import KeyType
    from webhooks.settings import load

    kind = None if type_name is None else KeyType[type_name.upper()]
    with opened(load(), as_json=as_json) as database, database.read() as connection:
        found = None if product is None else products.find_product(connection, product)
        if product is not None and found is None:
            refuse("PRODUCT_UNKNOWN", _WORDS["PRODUCT_UNKNOWN"], as_json)
        wanted = issuing.Wanted(found.number if found else None, agreement, organisation, kind, test)
        keys = issuing.listed(connection, wanted)
    show([key_facts(one) for one in keys], as_json)


@key.command("show")
@key_argument
@as_json_option
def show_key(named: str, as_json: bool) -> None:
    """Show what the line knows of a KEY, with the wrong proofs that named it: a flag, never a lock."""
    from ivr import guesses

    with opened_for_key(named, as_json, writes=False) as (connection, found):
        wrong_proofs = guesses.naming(connection, found.product, found.serial)
        show({**key_facts(found), "wrong_proofs": wrong_proofs}, as_json)


@key.command()
@key_argument
@click.argument("more", type=click.IntRange(min=1))
@click.option("--reason", default="", help="Why, for the entries.")
@actor_option
@as_json_option
def grant(named: str, more: int, reason: str, actor: str, as_json: bool) -> None:
    """Allow MORE activations of a KEY."""
    from keys import issue as issuing

    with opened_for_key(named, as_json) as (connection, found):
        try:
            issuing.grant(connection, found, more, now=datetime.now(UTC), actor=actor, reason=reason)
        except issuing.IssueError as error:
            refuse_issue(error, as_json)
        after = issuing.show(connection, found.product, found.serial)
        assert after is not None
    show({"outcome": "granted", **key_facts(after)}, as_json)


@key.command()
@key_argument
@click.option("--reason", required=True, help="Why, for the entries.")
@actor_option
@as_json_option
def block(named: str, reason: str, actor: str, as_json: bool) -> None:
    """Block a KEY: nothing is activated with it, and nothing is read back again."""
    from keys import issue as issuing

    _turn(named, issuing.block, "blocked", "The key was not active.", reason, actor, as_json)


@key.command()
@key_argument
@click.option("--reason", default="", help="Why, for the entries.")
@actor_option
@as_json_option
def unblock(named: str, reason: str, actor: str, as_json: bool) -> None:
    """Open a blocked KEY again."""
    from keys import issue as issuing

    _turn(named, issuing.unblock, "unblocked", "The key was not blocked.", reason, actor, as_json)


def _turn(
    named: str, act: Callable[..., bool], outcome: str, otherwise: str, reason: str, actor: str, as_json: bool
) -> None:
    with opened_for_key(named, as_json) as (connection, found):
        if not act(connection, found, now=datetime.now(UTC), actor=actor, reason=reason):
            refuse(f"NOT_{outcome.upper()}", otherwise, as_json)
    show({"outcome": outcome, "product": found.product, "serial": found.serial, "last_five": found.last_five}, as_json)


@contextmanager
def opened_for_key(named: str, as_json: bool, *, writes: bool = True) -> Iterator[tuple[Connection, IssuedKey]]:
    """A transaction and the key that KEY names; ends the command with one sentence if there is none."""
    from webhooks.settings import load

    settings = load()
    with (
        opened(settings, as_json=as_json) as database,
        database.begin() if writes else database.read() as connection,
    ):
        secrets = None if ":" in named else secrets_of(settings, as_json=as_json)
        yield connection, find_key(connection, named, secrets, as_json)


def find_key(connection: Connection, named: str, secrets: Secrets | None, as_json: bool) -> IssuedKey:
    """The key that KEY names: PRODUCT:SERIAL, or the whole key, whose secret must then be the right one."""
    from keys import derivation, product_key, products
    from keys import issue as issuing

    if secrets is None:
        product_name, _, serial = named.rpartition(":")
        product = products.find_product(connection, product_name)
        found = issuing.show(connection, product.number, int(serial)) if product and serial.isdecimal() else None
    else:
        try:
            whole = product_key.decode(named)
        except product_key.InvalidProductKey as error:
            refuse("KEY_MALFORMED", f"That is no product key and no PRODUCT:SERIAL ({error.fault.value}).", as_json)
        held = secrets.products.get(whole.product)
        genuine = held is not None and hmac.compare_digest(
            derivation.key_secret(held.issuing_key, whole.serial), whole.secret
        )
        found = issuing.show(connection, whole.product, whole.serial) if genuine else None
    if found is None:
        refuse("KEY_UNKNOWN", "No such key was issued.", as_json)
    return found


def key_facts(found: IssuedKey) -> dict[str, Any]:
    """What may be shown of a key, by the names that the JSON uses."""
    return {
        "last_five": found.last_five,
        "product": found.product,
        "serial": found.serial,
        "type": found.type.name.lower(),
        "agreement": found.agreement,
        "status": found.status_on(datetime.now(UTC).date()).value,
        "expires": found.expires.isoformat() if found.expires else None,
        "test": found.test,
        "successor": found.successor,
        "channels": found.channels,
        "created_at": found.created_at.isoformat(),
        **balance_facts(found.balance),
    }


def balance_facts(balance: Any) -> dict[str, int]:
    """The counters of a key, by the names that the JSON uses."""
    return {
        "granted": balance.granted,
        "pending": balance.pending,
        "posted": balance.posted,
        "available": balance.available,
    }


def refuse_issue(error: IssueError, as_json: bool) -> NoReturn:
    """End the command, saying why no key was issued or no more granted."""
    most = f" At most {error.highest:,} fit." if error.highest is not None else ""
    refuse(error.fault.value, _WORDS[error.fault.value] + most, as_json)
