"""Whoever has a machine to activate: devices of a bench's own product, the callers who stand before them, the answers.

Rule: a device is the real one. It makes the installation ID that is keyed, and believes an answer only if it is right.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import func, select

from keys import catalog, secrets_file
from keys.allowance import allowances
from keys.catalog_loading import load
from keys.database import Database
from keys.device import machine as device
from keys.device.build import ProductBuild
from keys.device.hardware import simulated
from keys.device.state import State
from keys.groups import split
from keys.issue import Order, issue
from keys.products import Product
from webhooks import settings
from webhooks.bench.calling import Keyer
from webhooks.bench.listening import Heard
from webhooks.bench.stores import Store

KEYS = 10
GRANTED = 100_000


@dataclass(slots=True)
class Owners:
    """Whoever has a machine to activate: the product, its keys, and the state of every machine."""

    build: ProductBuild
    keys: tuple[str, ...]
    store: Store
    states: list[State]

    @classmethod
    def made(cls, environment: Mapping[str, str], store: Store) -> Owners:
        """A product and its keys, in the files and the database of a line that is about to be served."""
        path = settings.load(environment).secrets_file
        secrets_file.add_product(path, 1, secrets_file.load_root(secrets_file.root_path(path)))
        held = secrets_file.load(path)
        product = Product(1, "Bench", 1, 8)
        agreement = catalog.Agreement("A-1", "Anybody", "volume", date(2026, 1, 1))
        database = Database(store.line_url)
        now = datetime.now(UTC)
        with database.begin() as connection:
            load(connection, catalog.Catalogue((catalog.Organisation("Anybody"),), (agreement,), (product,)))
            order = Order(1, "A-1", GRANTED)
            issued = [issue(connection, held, order, now=now, actor="bench").text for _ in range(KEYS)]
        database.close()
        return cls(catalog.product_build(product, held), tuple(issued), store, [])

    def ring(self, count: int, ramp: float) -> list[Keyer]:
        """So many new machines, and for each a caller with a number of its own."""
        keyers = []
        before = len(self.states)
        for place in range(count):
            number = before + place
            nonce = secrets.randbelow(1 << self.build.nonce_bits)
            state = device.install(self.build, self.keys[number % KEYS], simulated(f"machine {number}"), nonce)
            self.states.append(state)
            groups = tuple(split(state.installation_id))
            keyers.append(
                Keyer(f"CA{secrets.token_hex(16)}", f"+1415{2_000_000 + number}", groups, ramp * place / count)
            )
        return keyers

    def activated(self, heard: Sequence[Heard]) -> int:
        """How many of the machines of the last calls are activated by what was read to their callers."""
        today = datetime.now(UTC).date()
        done = 0
        for number, (state, one) in enumerate(
            zip(self.states[-len(heard) :], heard, strict=True), len(self.states) - len(heard)
        ):
            if one.confirmation_id is None:
                continue
            answered = device.deposit(self.build, state, one.confirmation_id)
            here = simulated(f"machine {number}")
            done += device.status(self.build, answered, here, today) is device.Status.ACTIVATED
        return done

    def posted(self) -> int:
        """How many activations the ledger holds."""
        database = Database(self.store.line_url)
        with database.read() as connection:
            posted = connection.execute(select(func.sum(allowances.c.posted))).scalar_one()
        database.close()
        return int(posted)
