"""Programs that knock at the API, each with a token of its own.

- `program(scopes=..., organisation=..., name=...)`: issues a token and gives a `Program`: `.activate(iid)`,
  `.batch(iids)`, `.get(path)`, `.post(path, body)`.
- `foreign_key()`: a key of another organisation.
- `balance(key)`: pending, posted and available of a key, with the counters held against the entries.
"""

import json
import secrets as randomness
from datetime import date

import pytest
from werkzeug.test import Client

from ivr import tokens
from ivr.tokens import NewToken, Scope
from keys import catalog, ledger
from keys.catalog_loading import load as load_catalogue
from keys.installation_id import encode
from keys.issue import Order, issue
from tests.conftest import NOW
from webhooks.api.guards import opened
from webhooks.app import create_app

ALL = tuple(Scope)
OWN, OTHER = "Nordstern Shipping", "Suedstern Shipping"


class Program:
    """A program of an organisation, with the token it was given."""

    def __init__(self, app, text):
        self.client, self.text = Client(app, use_cookies=False), text

    def open(self, method, path, *, headers=None, **given):
        """One request with the token, at a path below the API's own."""
        with_token = {"Authorization": f"Bearer {self.text}", **(headers or {})}
        return self.client.open("/api/v1" + path, method=method, headers=with_token, **given)

    def get(self, path):
        """A GET."""
        return self.open("GET", path)

    def post(self, path, body, **headers):
        """A POST of JSON; the names of headers are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.open("POST", path, json=body, headers=named)

    def activate(self, iid, **headers):
        """Activate one installation, given as such or in a spelling of its own."""
        text = iid if isinstance(iid, str) else encode(iid)
        return self.post("/activations", {"installation_id": text}, **headers)

    def batch(self, iids):
        """Activate many; the outcomes and the end."""
        lines = [{"installation_id": each if isinstance(each, str) else encode(each)} for each in iids]
        answer = self.post("/activations/batch", {"lines": lines})
        assert answer.status_code == 200, answer.text
        *outcomes, end = [json.loads(line) for line in answer.text.splitlines()]
        return outcomes, end


@pytest.fixture
def app(exchange, catalogue):  # noqa: ARG001 - there is an organisation
    """The line with its API, on eight threads."""
    return create_app(exchange, api=opened(600, 8))


@pytest.fixture
def program(app, database, clock):
    """Issues tokens, each to a program of its own."""

    def one(scopes=ALL, organisation=OWN, name="fleet console", expires_at=None):
        text = tokens.text_of(randomness.token_bytes(32))
        new = NewToken(name, organisation, frozenset(scopes), "tester", expires_at)
        with database.begin() as connection:
            assert tokens.issue(connection, new, text, clock.now)
        return Program(app, text)

    return one


@pytest.fixture
def foreign_key(database, catalogue, secrets):
    """Issues keys of product 1 to another organisation."""
    agreement = catalog.Agreement("SS-1", OTHER, "volume", date(2026, 1, 1), date(2028, 12, 31))
    with database.begin() as connection:
        load_catalogue(connection, catalog.Catalogue((catalog.Organisation(OTHER),), (agreement,), catalogue.products))

    def one(granted=10):
        with database.begin() as connection:
            return issue(connection, secrets, Order(1, "SS-1", granted), now=NOW, actor="tester")

    return one


@pytest.fixture
def balance(database):
    """What a key has, as pending, posted and available."""

    def now_of(key):
        with database.read() as connection:
            assert ledger.recount(connection) == ()
            found = ledger.balance(connection, key.id)
        return found.pending, found.posted, found.available

    return now_of
