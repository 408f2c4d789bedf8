"""What `touchtone ledger` has for activations that come back: returned by the machine's code, or released by a person.

It completes the group. One rule: who lets one go says why, and the ledger says it for ever.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

import click

from webhooks.cli.database import secrets_of
from webhooks.cli.key import (
    actor_option,
    as_json_option,
    balance_facts,
    key_argument,
    opened_for_key,
)
from webhooks.cli.ledger import ledger
from webhooks.cli.output import refuse, show
from webhooks.cli.typed import installation_id_of

if TYPE_CHECKING:
    from keys.returning import GivenBack, ReturnFault

__all__ = ["ledger"]

_WORDS = {
    "PRODUCT_UNKNOWN": "The secrets file has no product of this number.",
    "PROOF_WRONG": "This installation ID was not made with a key of this line.",
    "KEY_UNKNOWN": "No such key was issued.",
    "KEY_BLOCKED": "The key is blocked.",
    "RETURN_CODE_WRONG": "That is not the return code of this installation.",
    "NOT_ACTIVATED": "This installation has no activation of this key to give back.",
    "RETURNS_OFF": "The product has no returns.",
    "TOO_MANY_RETURNS": "As many of this key were returned as its product allows within a period.",
    "RELEASES_OFF": "The product has no releases.",
    "TOO_MANY_RELEASES": "As many of this key were released as its product allows within a period.",
}


@ledger.command()
@key_argument
@click.argument("installation_id")
@click.option("--reason", required=True, help="Why, for the entries: what became of the machine.")
@actor_option
@as_json_option
def release(named: str, installation_id: str, reason: str, actor: str, as_json: bool) -> None:
    """Release the activation of a lost or dead machine: its INSTALLATION_ID is dead, and KEY has one more to give."""
    from keys import returning

    iid = installation_id_of(installation_id, as_json)
    by = returning.By(actor, reason, "operator")
    with opened_for_key(named, as_json) as (connection, found):
        standing = returning.standing_of(connection, iid)
        done = returning.release(connection, found, standing, by=by, now=datetime.now(UTC))
    _tell(done, "released", as_json)


@ledger.command("return")
@click.argument("installation_id")
@click.argument("return_code")
@actor_option
@as_json_option
def take_back(installation_id: str, return_code: str, actor: str, as_json: bool) -> None:
    """Take an activation back by the RETURN_CODE that its machine showed."""
    from keys import returning
    from keys.return_code import InvalidReturnCode
    from webhooks.settings import load

    iid = installation_id_of(installation_id, as_json)
    secrets = secrets_of(load(), as_json=as_json)
    by = returning.By(actor, channel="operator")
    with opened_for_key(f"{iid.product}:{iid.serial}", as_json) as (connection, _):
        try:
            done = returning.give_back(connection, secrets, iid, return_code, by=by, now=datetime.now(UTC))
        except InvalidReturnCode as error:
            wrong = ", ".join(str(fault.group or "the whole") for fault in error.faults)
            refuse("RETURN_CODE_MALFORMED", f"That is no return code; wrong is block: {wrong}.", as_json)
    _tell(done, "returned", as_json)


def _tell(done: GivenBack | ReturnFault, outcome: str, as_json: bool) -> None:
    from keys.returning import ReturnFault

    if isinstance(done, ReturnFault):
        _refuse(done, as_json)
    key = done.key
    facts = {"product": key.product, "serial": key.serial, "last_five": key.last_five}
    show({"outcome": outcome, "before": done.before, **facts, **balance_facts(key.balance)}, as_json)


def _refuse(fault: ReturnFault, as_json: bool) -> NoReturn:
    refuse(fault.value, _WORDS[fault.value], as_json)
