"""What `touchtone key` has for licence hosts: the package of a host key, and how many hosts it may activate.

It completes the group, so the program takes `key` from here. One rule: a package holds no more than the product does,
but for what only its host key and one genuine activation open.
"""

from __future__ import annotations

import secrets as randomness
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from webhooks.cli.database import secrets_of
from webhooks.cli.key import actor_option, as_json_option, key, key_argument, key_facts, opened_for_key
from webhooks.cli.output import refuse, show


@key.command()
@key_argument
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to be written or renewed."
)
@click.option("--line", help="The telephone number that the host shows, in international form.")
@as_json_option
def package(named: str, out: Path, line: str | None, as_json: bool) -> None:
    """Write the package of the KMS host KEY, for `touchtone kms-host install`. It may be made anew at any time."""
    from keys import volume
    from keys.device import store
    from keys.device.host_package import NONCE_BYTES
    from keys.products import find_product
    from webhooks.settings import load

    settings = load()
    secrets = secrets_of(settings, as_json=as_json)
    with opened_for_key(named, as_json, writes=False) as (connection, found):
        product = find_product(connection, found.product)
        assert product is not None
        try:
            nonce = randomness.token_bytes(NONCE_BYTES)
            made = volume.package_for(connection, secrets, product, found, nonce=nonce, line=line)
        except volume.NoHostKey:
            refuse("NO_HOST_KEY", "That key is not of type kms_host.", as_json)
        except KeyError:
            refuse("ISSUING_KEY_MISSING", f"Product {found.product} has no issuing key here.", as_json)
    try:
        store.write(out, made.to_facts())
    except OSError as error:
        refuse("FILE_UNWRITABLE", f"{out} cannot be written: {error.strerror}.", as_json)
    show({"outcome": "written", "family": made.family, "serial": made.serial, "file": str(out)}, as_json)


@key.command()
@key_argument
@click.option("--hosts", type=click.IntRange(1, 10_000), help="How many hosts it may activate, from now on.")
@click.option("--reactivations", type=click.IntRange(0, 10_000), help="How often each of them again.")
@click.option("--reason", default="", help="Why, for the entries.")
@actor_option
@as_json_option
def hosts(named: str, hosts: int | None, reactivations: int | None, reason: str, actor: str, as_json: bool) -> None:
    """Show, or set, how many licence hosts the KMS host KEY activates and how often each again."""
    from keys import hosts as counted

    with opened_for_key(named, as_json) as (connection, found):
        before = counted.host_balance(connection, found.id)
        if before is None:
            refuse("NO_HOST_KEY", "That key is not of type kms_host.", as_json)
        wanted = hosts or before.most_hosts
        again = before.most_activations - 1 if reactivations is None else reactivations
        limited = partial(counted.limit_hosts, now=datetime.now(UTC), actor=actor, reason=reason)
        if (hosts, reactivations) != (None, None) and not limited(connection, found.id, wanted, again):
            refuse("LIMIT_TOO_LOW", "More than that have been activated already.", as_json)
        after = counted.host_balance(connection, found.id)
    show({**key_facts(found), **host_facts(after)}, as_json)


def host_facts(balance: Any) -> dict[str, int]:
    """The counters of a host key, by the names that the JSON uses."""
    return {
        "hosts": balance.hosts,
        "most_hosts": balance.most_hosts,
        "most_reactivations": balance.most_activations - 1,
        "most_reactivated": max(0, balance.activations - 1),
    }
