"""`touchtone ledger`: what a key has left, what happened to it, and whether anybody touched it."""

import pytest
from sqlalchemy import text

from keys import ledger, seals
from keys.database import Database
from keys.secrets_file import load
from tests.conftest import NOW
from tests.webhooks.test_cli_catalog import GOOD


@pytest.fixture
def used(touchtone, tmp_path, database_url):
    """A line on which a key of 5 was issued, and everything sealed."""
    file = tmp_path / "catalogue.toml"
    file.write_text(GOOD)
    touchtone("catalog", "load", file)
    touchtone("key", "issue", "--product", "1", "--agreement", "NS-1", "--granted", "5")
    database = Database(database_url)
    held = load(tmp_path / "data" / "secrets.toml")
    with database.begin() as connection:
        seals.seal(connection, held.ledger_key)
        seals.write_root(connection, held, tmp_path / "data" / "ledger-roots.jsonl", NOW)
    yield database
    database.close()


@pytest.mark.usefixtures("used")
def test_a_balance_has_the_words_of_the_ledger(touchtone):
    told = touchtone("ledger", "balance", "1:1", "--json").told
    assert [told[name] for name in ("granted", "pending", "posted", "available")] == [5, 0, 0, 5]
    assert "available" in touchtone("ledger", "balance", "1:1").said


@pytest.mark.usefixtures("used")
def test_entries_are_shown_of_one_key_and_of_all(touchtone):
    (entry,) = touchtone("ledger", "entries", "--json").told
    assert (entry["kind"], entry["granted"], entry["details"]) == ("grant", 5, {})
    assert touchtone("ledger", "entries", "1:1", "--json").told == [entry]
    assert "grant" in touchtone("ledger", "entries").said
    assert touchtone("ledger", "entries", "1:2", "--json").told["outcome"] == "KEY_UNKNOWN"


@pytest.mark.usefixtures("used")
def test_an_untouched_ledger_verifies(touchtone):
    done = touchtone("ledger", "verify", "--json")
    assert done.status == 0
    assert done.told == {"outcome": "sound", "sealed": 1, "unsealed": 0, "roots": 1, "problems": []}


def test_a_touched_ledger_ends_with_status_one_and_says_where(touchtone, used):
    with used.begin() as connection:
        connection.execute(text("UPDATE allowances SET granted = 500"))
        (found,) = ledger.recount(connection)
    done = touchtone("ledger", "verify", "--json")
    assert done.status == 1
    assert done.told["outcome"] == "unsound"
    assert done.told["problems"] == [{"damage": "miscounted", "key_id": found.key_id}]
    assert "counters are not the sums" in touchtone("ledger", "verify").said
