"""`touchtone escrow`: handed over sealed and written down, and machines activated by the file with the line gone."""

import json
import shutil
import stat

import pytest
from sqlalchemy.exc import OperationalError

from keys import handing_over

CATALOGUE = """\
[[organisation]]
name = "Nordstern"
[[agreement]]
number = "NS-1"
organisation = "Nordstern"
programme = "volume"
starts = 2020-01-01
[[product]]
number = 1
name = "Fairway"
format = "standard"
after_retirement = "escrow"
"""
WORDS = ("--trustee", "Nordtrust", "--reason", "escrow agreement 7", "--actor", "Anna Berg")


@pytest.fixture
def folder(touchtone, tmp_path):
    """A product with a machine that shows its installation ID; and a trustee with a key. The product is retired."""
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    touchtone("catalog", "load", tmp_path / "catalogue.toml")
    touchtone("catalog", "build", "1", "--out", tmp_path / "build.json")
    issued = touchtone("key", "issue", "--product", "1", "--agreement", "NS-1", "--granted", "5", "--json").told
    (tmp_path / "key").write_text(issued["product_key"])
    installing = ("device", "install", "--build", tmp_path / "build.json", "--state", tmp_path / "machine.json")
    shown = touchtone(*installing, issued["product_key"], "--json").told
    (tmp_path / "iid").write_text(shown["installation_id"])
    made = touchtone("escrow", "key", "--out", tmp_path / "trustee.key", "--json").told
    (tmp_path / "recipient").write_text(made["recipient"])
    (tmp_path / "catalogue.toml").write_text(CATALOGUE + 'status = "retired"\n')
    touchtone("catalog", "load", tmp_path / "catalogue.toml")
    return tmp_path


def hand_over(touchtone, folder, *words, product="1"):
    recipient = (folder / "recipient").read_text()
    return touchtone(
        "escrow", "export", product, "--out", folder / "fairway.age", "--recipient", recipient, *WORDS, *words, "--json"
    )


def secrets_in(folder):
    """Every secret of the product, as it stands in the secrets file."""
    text = (folder / "data" / "secrets.toml").read_text()
    products = text[text.index("[products.1]") :]
    return [line.partition('"')[2].strip('"') for line in products.splitlines() if '"' in line]


def test_a_trustee_activates_by_the_file_alone_when_the_line_is_gone(touchtone, folder):
    done = hand_over(touchtone, folder)
    assert (done.status, done.told["outcome"], done.told["serials_issued"]) == (0, "handed_over", 1)
    shutil.rmtree(folder / "data")
    iid = (folder / "iid").read_text().split()
    opening = ("--key", folder / "trustee.key")
    told = touchtone("escrow", "confirm", folder / "fairway.age", *iid, *opening, "--json").told
    assert told["outcome"] == "confirmed"
    machine = ("device", "confirm", "--state", folder / "machine.json", told["confirmation_id"], "--json")
    assert touchtone(*machine).told["state"] == "activated"
    shown = touchtone("escrow", "show", folder / "fairway.age", *opening, "--json").told
    assert (shown["product_name"], shown["generations"], shown["keys_blocked"]) == ("Fairway", [1], 0)


def test_it_is_an_entry_with_who_to_whom_and_why_and_no_secret_is_printed(touchtone, folder):
    done = hand_over(touchtone, folder)
    entries = touchtone("ledger", "entries", "--json").told
    (entry,) = [each for each in entries if each["kind"] == "escrow"]
    assert (entry["actor"], entry["reason"]) == ("Anna Berg", "escrow agreement 7")
    assert entry["details"]["trustee"] == "Nordtrust"
    assert entry["details"]["sha256"] == done.told["sha256"]
    assert entry["details"]["sealed_for"] == (folder / "recipient").read_text()
    assert touchtone("ledger", "verify").status == 0
    sealed = (folder / "fairway.age").read_text()
    assert stat.S_IMODE((folder / "fairway.age").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "trustee.key").stat().st_mode) == 0o600
    shown = touchtone("escrow", "show", folder / "fairway.age", "--key", folder / "trustee.key").said
    known = secrets_in(folder)
    assert len(known) == 2
    for secret in known:
        assert secret not in done.said + shown + sealed + json.dumps(entries)


def test_it_is_refused_before_retirement_and_where_no_trustee_follows(touchtone, folder):
    for text, outcome in (
        (CATALOGUE, "NOT_RETIRED"),
        (CATALOGUE.replace('"escrow"', '"refuse"') + 'status = "retired"\n', "NO_ESCROW"),
    ):
        (folder / "catalogue.toml").write_text(text)
        touchtone("catalog", "load", folder / "catalogue.toml")
        refused = hand_over(touchtone, folder)
        assert (refused.status, refused.told["outcome"]) == (1, outcome)
    assert hand_over(touchtone, folder, product="77").told["outcome"] == "PRODUCT_UNKNOWN"
    assert not (folder / "fairway.age").exists()
    assert [each["kind"] for each in touchtone("ledger", "entries", "--json").told] == ["grant"]


def test_ahead_of_retirement_it_is_handed_over_where_the_catalogue_says_so(touchtone, folder):
    (folder / "catalogue.toml").write_text(CATALOGUE + "escrow_ahead = true\n")
    touchtone("catalog", "load", folder / "catalogue.toml")
    assert hand_over(touchtone, folder).status == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_passphrase_opens_it_as_well_and_a_short_one_is_refused(touchtone, folder):
    words = folder / "words"
    words.write_text("too short\n")
    exporting = ("escrow", "export", "1", "--out", folder / "fairway.age", "--passphrase-file", words, *WORDS, "--json")
    assert touchtone(*exporting).told["outcome"] == "PASSPHRASE_SHORT"
    words.write_text("seven lamps along the northern mole\n")
    assert touchtone(*exporting).status == 0
    shown = touchtone("escrow", "show", folder / "fairway.age", "--passphrase-file", words, "--json")
    assert shown.told["product"] == 1
    words.write_text("seven lamps along the southern mole\n")
    wrong = touchtone("escrow", "show", folder / "fairway.age", "--passphrase-file", words, "--json")
    assert (wrong.status, wrong.told["outcome"]) == (1, "NOT_OPENED")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_is_written_over_and_no_file_is_left_without_its_entry(touchtone, folder, monkeypatch):
    def lost(*_arguments, **_named):
        raise OperationalError("INSERT", {}, Exception("the disk is full"))

    with monkeypatch.context() as broken:
        broken.setattr(handing_over, "note", lost)
        assert hand_over(touchtone, folder).status == 1
    assert not (folder / "fairway.age").exists()
    (folder / "fairway.age").write_text("somebody's file")
    assert hand_over(touchtone, folder).told["outcome"] == "FILE_EXISTS"
    assert (folder / "fairway.age").read_text() == "somebody's file"
    again = touchtone("escrow", "key", "--out", folder / "trustee.key", "--json")
    assert again.told["outcome"] == "FILE_EXISTS"
    assert [each["kind"] for each in touchtone("ledger", "entries", "--json").told] == ["grant"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_bad_input_has_its_word(touchtone, folder):
    hand_over(touchtone, folder)
    file, opening = folder / "fairway.age", ("--key", folder / "trustee.key", "--json")
    iid = (folder / "iid").read_text()
    last = str((int(iid[-1]) + 1) % 10)
    assert touchtone("escrow", "confirm", file, iid[:-1] + last, *opening).told["outcome"] == "INSTALLATION_ID_WRONG"
    assert touchtone("escrow", "confirm", folder / "key", iid, *opening).told["outcome"] == "NOT_OPENED"
    no_key = ("--key", folder / "iid", "--json")
    assert touchtone("escrow", "confirm", file, iid, *no_key).told["outcome"] == "NO_KEY"
    (folder / "fairway.age").unlink()
    (folder / "recipient").write_text("age1nobody")
    assert hand_over(touchtone, folder).told["outcome"] == "NO_RECIPIENT"
    misused = touchtone("escrow", "export", "1", "--out", file, "--trustee", " ", "--reason", "why")
    assert misused.status == 2
