"""The life of a key at the command line: batches, tests, ends, replacements, and activations that come back."""

import csv
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from keys import product_key, return_code
from keys.database import Database
from keys.derivation import key_secret, proof_value
from keys.installation_id import InstallationID, encode
from keys.ledger import Claim, Refused, reserve_and_post
from keys.secrets_file import load
from tests.conftest import NOW
from tests.webhooks.test_cli_catalog import GOOD


@pytest.fixture
def line(touchtone, tmp_path):
    """The command line of a line with a catalogue whose product has one return and one release."""
    file = tmp_path / "catalogue.toml"
    file.write_text(GOOD + "returns = 1\nreleases = 1\n")
    assert touchtone("catalog", "load", file).status == 0
    return touchtone


ISSUE = ("key", "issue", "--product", "1", "--agreement", "NS-1")


def test_a_batch_goes_into_a_file_of_its_owner_s_whole_and_is_never_written_over(line, tmp_path):
    file = tmp_path / "keys.csv"
    done = line(*ISSUE, "--granted", "5", "--count", "12", "--csv", file, "--json")
    assert done.told == {"outcome": "issued", "keys": 12, "file": str(file)}
    assert file.stat().st_mode & 0o777 == 0o600
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [product_key.decode(row["product_key"]).serial for row in rows] == list(range(1, 13))
    assert {(row["granted"], row["type"], row["test"]) for row in rows} == {("5", "mak", "no")}
    before = file.read_bytes()
    again = line(*ISSUE, "--granted", "5", "--count", "2", "--csv", file, "--json")
    assert (again.status, again.told["outcome"]) == (1, "FILE_EXISTS")
    assert file.read_bytes() == before
    assert len(line("key", "list", "--json").told) == 12


def test_a_batch_that_is_refused_leaves_no_file_and_several_keys_need_one(line, tmp_path):
    file = tmp_path / "keys.csv"
    refused = line("key", "issue", "--product", "1", "--agreement", "NS-9", "--granted", "1", "--csv", file, "--json")
    assert refused.told["outcome"] == "AGREEMENT_UNKNOWN"
    assert not file.exists()
    assert line(*ISSUE, "--granted", "1", "--count", "2").status == 2


def test_test_keys_are_issued_without_a_grant_and_listed_apart(line):
    key = line(*ISSUE, "--test", "--expires", "2999-01-01", "--json").told
    assert (key["test"], key["granted"], key["expires"]) == (True, 0, "2999-01-01")
    line(*ISSUE, "--granted", "4")
    assert [one["serial"] for one in line("key", "list", "--test", "--json").told] == [1]
    assert [one["serial"] for one in line("key", "list", "--no-test", "--json").told] == [2]
    assert [one["serial"] for one in line("key", "list", "--organisation", "Nobody", "--json").told] == []
    assert line(*ISSUE, "--test", "--granted", "3", "--json").told["outcome"] == "GRANT_OUT_OF_RANGE"


def test_a_key_expires_on_a_day_or_at_once_or_never(line):
    line(*ISSUE, "--granted", "4")
    later = line("key", "expire", "1:1", "--on", "2999-01-01", "--reason", "lease", "--json").told
    assert (later["status"], later["expires"]) == ("active", "2999-01-01")
    assert line("key", "expire", "1:1", "--reason", "ended", "--json").told["status"] == "expired"
    assert line("key", "expire", "1:1", "--never", "--reason", "renewed", "--json").told["status"] == "active"
    assert line("key", "expire", "1:1", "--never", "--on", "2999-01-01", "--reason", "both").status == 2


def test_a_leaked_key_is_replaced_once_and_its_successor_printed_whole(line):
    line(*ISSUE, "--granted", "4")
    done = line("key", "replace", "1:1", "--reason", "on a forum", "--json").told
    assert (done["outcome"], done["replaces"], done["available"]) == ("replaced", "1:1", 4)
    assert product_key.decode(done["product_key"]).serial == done["serial"] == 2
    old = line("key", "show", "1:1", "--json").told
    assert (old["status"], old["successor"], old["available"]) == ("blocked", 2, 0)
    again = line("key", "replace", "1:1", "--reason", "once more", "--json")
    assert (again.status, again.told["outcome"]) == (1, "REPLACED_BEFORE")


@pytest.fixture
def activated(line, database_url, tmp_path):
    """Machines that were activated with a key for 5, each with the return code that it would show."""
    line(*ISSUE, "--granted", "5")
    held = load(tmp_path / "data" / "secrets.toml").products[1]
    secret = key_secret(held.issuing_key, 1)
    database = Database(database_url)
    machines = []
    for nonce in range(3):
        bare = InstallationID(1, 1, 1, (nonce + 1,) * 8, nonce, 0)
        proof = proof_value(held.verification[1], secret, bare)
        iid = InstallationID(1, 1, 1, (nonce + 1,) * 8, nonce, proof)
        with database.begin() as connection:
            reserve_and_post(connection, Claim(iid, 1, "phone", f"call-{nonce}"), now=NOW)
        code = return_code.issue(iid, verification_secret=held.verification[1], key_secret=secret)
        machines.append((encode(iid), " ".join(code)))
    database.close()
    return machines


def test_a_machine_is_returned_by_its_code_within_what_the_product_allows(line, activated):
    (first, code), (second, other), _ = activated
    wrong = line("ledger", "return", first, other, "--json")
    assert (wrong.status, wrong.told["outcome"]) == (1, "RETURN_CODE_WRONG")
    assert line("ledger", "return", first, "123456", "--json").told["outcome"] == "RETURN_CODE_MALFORMED"
    done = line("ledger", "return", first, code, "--json").told
    assert (done["outcome"], done["before"], done["available"]) == ("returned", False, 3)
    assert line("ledger", "return", first, code, "--json").told["before"]
    assert line("ledger", "return", second, other, "--json").told["outcome"] == "TOO_MANY_RETURNS"
    assert line("ledger", "verify").status == 0


def test_a_lost_machine_is_released_with_a_reason_within_what_the_product_allows(line, activated):
    (first, _), (second, _), _ = activated
    assert line("ledger", "release", "1:1", first).status == 2
    done = line("ledger", "release", "1:1", first, "--reason", "sunk", "--actor", "Anna Berg", "--json").told
    assert (done["outcome"], done["available"]) == ("released", 3)
    entry = line("ledger", "entries", "1:1", "--json").told[-1]
    assert [entry[name] for name in ("kind", "actor", "reason", "posted")] == ["return", "Anna Berg", "sunk", -1]
    refused = line("ledger", "release", "1:1", second, "--reason", "sunk too", "--json")
    assert (refused.status, refused.told["outcome"]) == (1, "TOO_MANY_RELEASES")
    assert line("ledger", "release", "1:1", "12", "--reason", "x", "--json").told["outcome"] == "INSTALLATION_ID_WRONG"


def test_a_machine_that_was_activated_too_often_is_allowed_more_and_it_is_written_down(line, database_url, tmp_path):
    (tmp_path / "bound.toml").write_text(GOOD + "most_reactivations = 1\n")
    assert line("catalog", "load", tmp_path / "bound.toml").status == 0
    line(*ISSUE, "--granted", "5")
    held, now = load(tmp_path / "data" / "secrets.toml").products[1], datetime.now(UTC)
    secret, database, machine = key_secret(held.issuing_key, 1), Database(database_url), []
    for nonce in range(4):
        bare = InstallationID(1, 1, 1, (1,) * 8, nonce, 0)
        machine.append(replace(bare, proof=proof_value(held.verification[1], secret, bare)))

    def activates(iid):
        with database.begin() as connection:
            return not isinstance(reserve_and_post(connection, Claim(iid, 1, "phone", "call"), now=now), Refused)

    typed = encode(machine[0])
    why = ("--reason", "a broken disk", "--actor", "Anna Berg", "--json")
    assert activates(machine[0])
    early = line("key", "lift", typed, *why)
    assert (early.status, early.told["outcome"]) == (1, "BOUND_NOT_REACHED")
    assert [activates(iid) for iid in machine[1:3]] == [True, False]
    assert line("key", "lift", typed, "--more", "0", *why).told["outcome"] == "OUT_OF_RANGE"
    assert line("key", "lift", "12", *why).told["outcome"] == "INSTALLATION_ID_WRONG"
    done = line("key", "lift", typed, *why).told
    assert (done["outcome"], done["reactivations"], done["most"]) == ("lifted", 1, 2)
    assert [activates(iid) for iid in machine[2:]] == [True, False]
    entry = [each for each in line("ledger", "entries", "1:1", "--json").told if each["actor"] == "Anna Berg"]
    assert [(each["kind"], each["granted"], each["reason"]) for each in entry] == [("grant", 0, "a broken disk")]
    assert line("ledger", "verify").status == 0
    database.close()
