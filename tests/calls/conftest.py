"""The scene of a written call: a line in this process, a key, and the installation ID the caller reads.

Headings: `iid` is `standard`, `compact` or `classic`; `key` is `sound` (the default), `unknown`, `blocked`,
`exhausted`, `ended` (its agreement) or `retired` (its product); `proof: wrong` makes an ID of no key; `again: yes` is
an installation that was activated before; `dropped: N` has an earlier call of the usual caller hang up at group N;
`held: yes` is a machine activated three times already, on a line where a person looks at such first; `locale` is the
language of the line; with `speech: yes` it listens for words.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import cycle

import pytest
from sqlalchemy import update

from ivr.lines import Lines
from keys import ledger
from keys.catalog import agreements
from keys.database import Database
from keys.groups import split
from keys.installation_id import encode
from keys.issue import block
from keys.products import products
from webhooks.app import create_app
from webhooks.rehearsal.dialling import Outcome, Terms, dial
from webhooks.rehearsal.scripted import Mood, ScriptedCaller
from webhooks.rehearsal.transport import Answer, Limits, Request, Transport
from webhooks.rehearsal.wsgi import InProcess

PRODUCTS = {"standard": 1, "compact": 3, "classic": 7}


@dataclass(frozen=True)
class Scene:
    """What a written call is played against; `sleep` moves the line's clock."""

    public_url: str
    auth_token: str
    number: str
    groups: tuple[str, ...]
    transport: Transport
    sleep: Callable[[float], None]


def drop(line: Scene, group: int) -> None:
    """An earlier call that is cut off where this group is asked for."""
    record = dial(
        line.public_url,
        auth_token=line.auth_token,
        public_url=line.public_url,
        caller_number="+14155550123",
        line_number=line.number,
        caller=ScriptedCaller(line.groups, Mood(hang_up_at=group)),
        terms=Terms(sleep=line.sleep, transport=line.transport),
    )
    assert record.outcome is Outcome.HUNG_UP


class InTurn:
    """A `Transport` to several nodes of one line: every request goes to the next, as a load balancer may send it."""

    def __init__(self, transports: Iterable[Transport]) -> None:
        self._transports = cycle(transports)

    def send(self, request: Request, limits: Limits) -> Answer:
        """See `Transport`."""
        return next(self._transports).send(request, limits)


@pytest.fixture
def node(exchange, database_url):
    """Another node of the line: the same settings, and nothing shared but the database."""
    opened: list[Database] = []

    def build(**parts: object) -> Transport:
        opened.append(Database(database_url))
        return InProcess(create_app(replace(exchange, database=opened[-1], **parts)))

    yield build
    for each in opened:
        each.close()


@pytest.fixture
def scene(database, exchange, clock, issue_key, installation, node):
    def build(headings: dict[str, str], nodes: int = 1) -> Scene:
        product = PRODUCTS[headings.get("iid", "standard")]
        key = headings.get("key", "sound")
        issued = issue_key(product=product, granted=0 if key == "exhausted" else 10)
        iid = installation(product, issued.key.serial + (500 if key == "unknown" else 0))
        with database.begin() as connection:
            if key == "blocked":
                block(connection, issued.key, now=clock.now, actor="tester", reason="leaked")
            if key == "ended":
                connection.execute(update(agreements).values(status="ended"))
            if key == "retired":
                connection.execute(update(products).values(status="retired"))
            if headings.get("again") == "yes":
                claim = ledger.Claim(iid, 2, "phone", "an earlier call")
                ledger.reserve_and_post(connection, claim, now=clock.now - timedelta(days=1))
            if headings.get("held") == "yes":
                for nonce in (501, 502, 503):
                    claim = ledger.Claim(replace(iid, nonce=nonce), 2, "phone", f"call {nonce}")
                    ledger.reserve_and_post(connection, claim, now=clock.now - timedelta(days=1))
        held_at = 30 if headings.get("held") == "yes" else None
        locale = headings.get("locale", exchange.lines.all[0].locale)
        speech = headings.get("speech") == "yes"
        line_file = Lines((replace(exchange.lines.all[0], held_at=held_at, locale=locale, speech=speech),))
        if headings.get("proof") == "wrong":
            iid = replace(iid, proof=iid.proof ^ 1)
        line = Scene(
            exchange.wording.public_url,
            exchange.auth_tokens[0],
            exchange.lines.all[0].number,
            split(encode(iid)),
            InTurn([node(lines=line_file) for _ in range(nodes)]),
            clock.sleep,
        )
        if "dropped" in headings:
            drop(line, int(headings["dropped"]))
        return line

    return build
