"""What `touchtone key` has for the life of a key: its end, its replacement where it leaked, and a machine's bound.

It completes the group, as `key_hosts` does. One rule: whatever ends is said by whom and why, and stands in the ledger.
"""

from __future__ import annotations

from datetime import UTC, datetime

import click

from webhooks.cli import key_hosts
from webhooks.cli.database import secrets_of
from webhooks.cli.key import (
    actor_option,
    as_json_option,
    key,
    key_argument,
    key_facts,
    opened_for_key,
    refuse_issue,
)
from webhooks.cli.output import refuse, show
from webhooks.cli.typed import installation_id_of

__all__ = ["key", "key_hosts"]


@key.command()
@key_argument
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="From this day on; left out: from now on.")
@click.option("--never", is_flag=True, help="It has no end any more.")
@click.option("--reason", required=True, help="Why, for the entries.")
@actor_option
@as_json_option
def expire(named: str, day: datetime | None, never: bool, reason: str, actor: str, as_json: bool) -> None:
    """Let a KEY expire: it activates nothing anew from then on; what it activated before is read back still."""
    from keys import issue as issuing

    if never and day is not None:
        raise click.UsageError("--on and --never exclude each other.")
    now = datetime.now(UTC)
    end = None if never else (day or now).date()
    with opened_for_key(named, as_json) as (connection, found):
        issuing.expire(connection, found, end, now=now, actor=actor, reason=reason)
        after = issuing.show(connection, found.product, found.serial)
        assert after is not None
    show({"outcome": "unlimited" if never else "expires", **key_facts(after)}, as_json)


@key.command()
@key_argument
@click.option("--reason", required=True, help="Why, for the entries.")
@actor_option
@as_json_option
def replace(named: str, reason: str, actor: str, as_json: bool) -> None:
    """Replace a KEY that leaked: print its successor, whole, this once; it inherits what is left, KEY is blocked."""
    from keys import replacing
    from keys.issue import IssueError
    from webhooks.settings import load

    secrets = secrets_of(load(), as_json=as_json)
    with opened_for_key(named, as_json) as (connection, found):
        if found.product not in secrets.products:
            refuse("ISSUING_KEY_MISSING", "The secrets file has no issuing key for the product.", as_json)
        try:
            issued = replacing.replace(connection, secrets, found, now=datetime.now(UTC), actor=actor, reason=reason)
        except IssueError as error:
            refuse_issue(error, as_json)
        if issued is None:
            refuse("REPLACED_BEFORE", f"The key was replaced before, by {found.product}:{found.successor}.", as_json)
    replaced = f"{found.product}:{found.serial}"
    told = {"outcome": "replaced", "replaces": replaced, "product_key": issued.text, **key_facts(issued.key)}
    show(told, as_json)


@key.command()
@click.argument("installation_id")
@click.option("--more", default=1, show_default=True, help="How often, within the machine's period.")
@click.option("--reason", required=True, help="Why, for the entries.")
@actor_option
@as_json_option
def lift(installation_id: str, more: int, reason: str, actor: str, as_json: bool) -> None:
    """Let the machine of an INSTALLATION_ID be activated again beyond its product's bound."""
    from keys import products, reactivation

    iid, now = installation_id_of(installation_id, as_json), datetime.now(UTC)
    if not 1 <= more <= reactivation.MOST_LIFTED:
        refuse("OUT_OF_RANGE", f"From 1 to {reactivation.MOST_LIFTED} at a time.", as_json)
    with opened_for_key(f"{iid.product}:{iid.serial}", as_json) as (connection, found):
        product = products.find_product(connection, found.product)
        assert product is not None  # its key was issued
        if not reactivation.lift(connection, found, product, iid, more, now=now, actor=actor, reason=reason):
            refuse("BOUND_NOT_REACHED", "This machine may be activated again as it is.", as_json)
        standing = reactivation.standing(connection, found, product, iid, now)
        assert standing is not None  # it has just been lifted
    told = {"product": found.product, "serial": found.serial, "last_five": found.last_five}
    show({"outcome": "lifted", **told, "reactivations": standing.counted, "most": standing.most}, as_json)
