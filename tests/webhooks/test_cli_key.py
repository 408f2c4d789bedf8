"""`touchtone key`: a key is printed whole once, then named by product and serial, or by itself."""

import pytest

from keys import product_key
from tests.webhooks.test_cli_catalog import GOOD


@pytest.fixture
def line(touchtone, tmp_path):
    """The command line of a line with a catalogue."""
    file = tmp_path / "catalogue.toml"
    file.write_text(GOOD)
    assert touchtone("catalog", "load", file).status == 0
    return touchtone


@pytest.fixture
def issued(line):
    return line("key", "issue", "--product", "Fairway", "--agreement", "NS-1", "--granted", "3", "--json").told


def test_an_issued_key_is_printed_whole_once(line, issued):
    assert product_key.decode(issued["product_key"]).serial == issued["serial"] == 1
    names = ("outcome", "product", "type", "status", "granted", "pending", "posted", "available")
    assert [issued[name] for name in names] == ["issued", 1, "mak", "active", 3, 0, 0, 3]
    assert issued["product_key"].endswith(issued["last_five"])
    shown = line("key", "show", "1:1")
    listed = line("key", "list")
    assert shown.status == listed.status == 0
    for answer in (shown, listed):
        assert issued["last_five"] in answer.said
        assert issued["product_key"] not in answer.said


@pytest.mark.parametrize("named", ["1:1", "Fairway:1", "whole", "whole, in small letters"])
def test_a_key_is_named_by_product_and_serial_or_by_itself(line, issued, named):
    if named.startswith("whole"):
        named = issued["product_key"].lower() if "small" in named else issued["product_key"]
    assert line("key", "show", named, "--json").told["last_five"] == issued["last_five"]


@pytest.mark.parametrize(
    ("named", "outcome"),
    [
        ("1:2", "KEY_UNKNOWN"),
        ("9:1", "KEY_UNKNOWN"),
        ("1:one", "KEY_UNKNOWN"),
        ("ABCDE", "KEY_MALFORMED"),
        ("", "KEY_MALFORMED"),
    ],
)
def test_what_names_no_key_is_refused(line, issued, named, outcome):
    assert issued
    done = line("key", "show", named, "--json")
    assert (done.status, done.told["outcome"]) == (1, outcome)


def test_a_whole_key_made_with_another_issuing_key_is_unknown(line, issued):
    forged = product_key.encode(product_key.make(product_key.KeyType.MAK, 1, issued["serial"], bytes(32)))
    assert line("key", "show", forged, "--json").told["outcome"] == "KEY_UNKNOWN"


def test_a_key_is_granted_more_blocked_and_opened(line, issued):
    assert line("key", "grant", "1:1", "4", "--reason", "order 8", "--json").told["available"] == 7
    assert line("key", "block", "1:1").status == 2  # a block needs a reason
    assert line("key", "block", "1:1", "--reason", "leaked", "--actor", "Mara").status == 0
    assert line("key", "show", issued["product_key"], "--json").told["status"] == "blocked"
    again = line("key", "block", "1:1", "--reason", "leaked", "--json")
    assert (again.status, again.told["outcome"]) == (1, "NOT_BLOCKED")
    assert line("key", "unblock", "1:1", "--json").told["outcome"] == "unblocked"
    entries = line("ledger", "entries", "1:1", "--json").told
    assert [(entry["kind"], entry["reason"]) for entry in entries] == [
        ("grant", "issued"),
        ("grant", "order 8"),
        ("block", "leaked"),
        ("unblock", ""),
    ]
    assert entries[2]["actor"] == "Mara"


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (("--product", "8", "--agreement", "NS-1", "--granted", "1"), "PRODUCT_UNKNOWN"),
        (("--product", "1", "--agreement", "NS-8", "--granted", "1"), "AGREEMENT_UNKNOWN"),
        (("--product", "1", "--agreement", "NS-1", "--granted", "9999999999"), "GRANT_OUT_OF_RANGE"),
    ],
)
def test_what_cannot_be_issued_is_refused_by_reason_and_sentence(line, words, outcome):
    done = line("key", "issue", *words, "--json")
    assert (done.status, done.told["outcome"]) == (1, outcome)
    assert line("key", "issue", *words).sighed.strip().endswith(".")
    assert line("key", "list", "--json").told == []


def test_misuse_ends_with_status_two(line):
    assert line("key", "issue", "--product", "1").status == 2
    words = ("--product", "1", "--agreement", "NS-1", "--granted", "1")
    assert line("key", "issue", *words, "--channel", "fax").status == 2
    assert line("key", "issue", *words, "--type", "golden").status == 2


def test_keys_are_listed_by_product(line, issued):
    assert [key["serial"] for key in line("key", "list", "--product", "1", "--json").told] == [issued["serial"]]
    assert line("key", "list", "--product", "2", "--json").told["outcome"] == "PRODUCT_UNKNOWN"


@pytest.mark.parametrize("group", ["catalog", "key", "ledger", "db"])
def test_every_command_has_help(touchtone, group):
    assert touchtone(group, "--help").status == 0


def test_secrets_that_others_may_read_end_the_command_with_a_sentence(line, tmp_path):
    file = tmp_path / "data" / "secrets.toml"
    file.chmod(0o644)
    done = line("key", "issue", "--product", "1", "--agreement", "NS-1", "--granted", "1")
    assert done.status == 1
    assert "mode 0644" in done.sighed


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_retail_key_is_for_one_machine_and_is_installed_on_a_copy_that_is_not_for_volume(touchtone, tmp_path):
    file, build, machine = (tmp_path / name for name in ("catalogue.toml", "build.json", "machine.json"))

    def built(licensing):
        file.write_text(f'{GOOD}licensing = "{licensing}"\n')
        assert touchtone("catalog", "load", file).status == 0
        assert touchtone("catalog", "build", "1", "--out", build).status == 0

    built("retail")
    issuing = ("key", "issue", "--product", "1", "--agreement", "NS-1", "--type", "retail")
    issued = touchtone(*issuing, "--json").told
    assert (issued["type"], issued["granted"]) == ("retail", 1)
    refused = touchtone(*issuing, "--granted", "2")
    assert (refused.status, refused.sighed) == (1, "The grant is out of range. At most 1 fit.\n")
    installing = ("device", "install", "--build", build, "--state", machine, issued["product_key"], "--json")
    assert touchtone(*installing).told["state"] == "awaiting_confirmation"
    built("volume")
    assert touchtone(*installing, "--again").told["outcome"] == "KEY_TYPE"
