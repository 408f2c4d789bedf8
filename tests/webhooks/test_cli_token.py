"""`touchtone token`: a token is printed once, listed by its name, and ended."""

import pytest

from ivr.tokens import digest_of, find
from keys.database import Database
from tests.conftest import NOW
from tests.webhooks.test_cli_catalog import GOOD

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ISSUE = ("token", "issue", "fleet console", "--organisation", "Nordstern Shipping")


@pytest.fixture
def loaded(touchtone, tmp_path):
    file = tmp_path / "catalogue.toml"
    file.write_text(GOOD)
    assert touchtone("catalog", "load", file).status == 0
    return touchtone


def test_a_token_is_printed_once_and_listed_without_itself(loaded, database_url):
    issued = loaded(*ISSUE, "--scope", "read", "--scope", "activate", "--expires", "2999-12-31", "--json")
    text = issued.told["token"]
    assert (issued.status, issued.told["outcome"]) == (0, "issued")
    listed = loaded("token", "list", "--json")
    assert text not in listed.said
    assert digest_of(text) not in listed.said
    (row,) = listed.told
    assert (row["name"], row["state"], row["scopes"]) == ("fleet console", "active", "activate read")
    assert row["expires_at"].startswith("3000-01-01"), "the last day is a whole one"
    database = Database(database_url)
    with database.read() as connection:
        found = find(connection, text, NOW)
    database.close()
    assert (found.name, found.organisation) == ("fleet console", "Nordstern Shipping")


def test_a_person_is_told_to_hand_it_on_now(loaded):
    issued = loaded(*ISSUE, "--scope", "read")
    assert "ttk_" in issued.said
    assert "not shown again" in issued.sighed


def test_what_is_wrong_is_said_in_one_sentence(loaded):
    assert loaded(*ISSUE, "--scope", "read").status == 0
    for words, outcome in (
        ((*ISSUE, "--scope", "read"), "TOKEN_EXISTS"),
        (("token", "issue", " ", "--organisation", "Nordstern Shipping", "--scope", "read"), "NAME_MALFORMED"),
        (("token", "issue", "x" * 65, "--organisation", "Nordstern Shipping", "--scope", "read"), "NAME_MALFORMED"),
        (("token", "issue", "a", "--organisation", "Nobody", "--scope", "read"), "ORGANISATION_UNKNOWN"),
        ((*ISSUE, "--scope", "read", "--expires", "2001-01-01"), "EXPIRED_ALREADY"),
        (("token", "revoke", "nobody's"), "TOKEN_UNKNOWN"),
    ):
        refused = loaded(*words, "--json")
        assert (refused.status, refused.told["outcome"]) == (1, outcome)
    assert loaded(*ISSUE).status == 2, "a scope is needed"
    assert loaded(*ISSUE, "--scope", "everything").status == 2


def test_a_token_is_ended_once_and_its_name_is_never_given_again(loaded):
    loaded(*ISSUE, "--scope", "read")
    assert loaded("token", "revoke", "fleet console", "--json").told["outcome"] == "revoked"
    assert loaded("token", "revoke", "fleet console", "--json").told["outcome"] == "REVOKED_ALREADY"
    assert loaded("token", "list", "--json").told[0]["state"] == "revoked"
    assert loaded(*ISSUE, "--scope", "read", "--json").told["outcome"] == "TOKEN_EXISTS"
    assert loaded("token", "list", "--organisation", "Nobody").said.startswith("No token was issued")


def test_both_stand_in_the_trail(loaded, database_url):
    from sqlalchemy import select

    from ivr.desk_entries import desk_entries

    loaded(*ISSUE, "--scope", "read", "--actor", "Anna")
    loaded("token", "revoke", "fleet console", "--actor", "Bo")
    database = Database(database_url)
    with database.read() as connection:
        rows = [(row.name, row.kind) for row in connection.execute(select(desk_entries))]
    database.close()
    assert rows == [("Anna", "token_issued"), ("Bo", "token_revoked")]
