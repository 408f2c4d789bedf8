"""Secrets renewed while the line serves: nodes are restarted one after another, and nothing is forgotten on the way."""

from dataclasses import replace

import pytest

from ivr import notices
from ivr.callers import known_as, seal
from keys import ledger, secrets_file
from keys.groups import split
from keys.installation_id import encode
from tests.webhooks.conftest import Texts

NUMBER = "+14155550123"


@pytest.fixture
def file(secrets, tmp_path):
    """The line's secrets as a file."""
    path = tmp_path / "secrets.toml"
    secrets_file.create(path)
    secrets_file._replace(path, secrets_file._text(secrets))
    return path


@pytest.fixture
def old_and_new(texting, clock, file):
    """A node that has not been restarted yet, and one that has been, after the pepper was renewed."""
    secrets_file.renew_pepper(file)
    renewed = secrets_file.load(file)
    assert renewed.pepper != texting.secrets.pepper
    return Texts(texting, clock), Texts(replace(texting, secrets=renewed), clock)


def test_an_opt_out_outlives_the_pepper_it_was_written_under(texts, clock, file, texting):
    assert texts.send("hello")
    assert texts.send("STOP") == []
    for _ in range(2):
        secrets_file.renew_pepper(file)
        after = Texts(replace(texting, secrets=secrets_file.load(file)), clock)
        assert after.send("hello again") == []
    assert after.send("START") == []
    assert after.send("hello again")


def test_an_opt_out_at_a_restarted_node_holds_at_one_that_was_not_and_the_other_way_round(old_and_new):
    old, new = old_and_new
    for first, second in ((old, new), (new, old)):
        assert first.send("STOP") == []
        assert second.send("status") == []
        assert new.send("START") == []
        assert new.send("status")


def test_a_blocked_caller_stays_blocked(ring, exchange, database, clock, file, door_of, secrets):
    with database.begin() as connection:
        blocked, *_ = known_as(NUMBER, secrets.pepper, ())
        notices.block(connection, blocked, seal(NUMBER, secrets.number_key), "abuse", 1, now=clock.now)
    secrets_file.renew_pepper(file)
    after = door_of(exchange, secrets=secrets_file.load(file))
    assert ring(NUMBER, at=after).over
    assert not ring("+14155550199", at=after).over


def test_a_verification_secret_is_added_with_no_pause(
    ring, exchange, database, mak, installation, secrets, file, door_of
):
    """Machines of the older builds are activated by both nodes; those of the next build once it is in the field."""
    assert secrets_file.add_generation(file, 1) == 3
    renewed = secrets_file.load(file)
    assert renewed.products[1].verification.items() > secrets.products[1].verification.items()
    not_yet, restarted = door_of(exchange), door_of(exchange, secrets=renewed)
    for nonce, door in ((1, not_yet), (2, restarted)):
        groups = split(encode(installation(1, mak.key.serial, nonce=nonce, generation=1)))
        assert "Approved" in ring(at=door).key("".join(groups)).words
    with database.read() as connection:
        assert ledger.balance(connection, mak.key.id).posted == 2


def test_the_command_adds_a_generation_and_the_next_build_is_made_under_it(touchtone, tmp_path):
    (tmp_path / "catalogue.toml").write_text('[[product]]\nnumber = 1\nname = "Fairway"\nformat = "standard"\n')
    assert touchtone("catalog", "load", tmp_path / "catalogue.toml").status == 0
    added = touchtone("secret", "generation", "Fairway", "--json")
    assert (added.status, added.told) == (0, {"outcome": "added", "product": 1, "generation": 2})
    touchtone("catalog", "build", "Fairway", "--out", tmp_path / "build.json")
    assert '"generation": 2' in (tmp_path / "build.json").read_text()
    none = touchtone("secret", "generation", "Nothing", "--json")
    assert (none.status, none.told["outcome"]) == (1, "PRODUCT_UNKNOWN")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_renews_the_pepper_and_prints_none(touchtone, tmp_path):
    path = tmp_path / "data" / "secrets.toml"
    before = secrets_file.load(path)
    done = touchtone("secret", "pepper", "--json")
    after = secrets_file.load(path)
    assert (done.status, done.told) == (0, {"outcome": "renewed"})
    assert after.peppers_before == (before.pepper,)
    assert after.pepper.hex() not in done.said
    assert replace(after, pepper=before.pepper, peppers_before=()) == before
    path.chmod(0o644)
    assert touchtone("secret", "pepper", "--json").told["outcome"] == "SECRETS"
