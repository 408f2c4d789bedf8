"""Signs at every door: shown, held and blocked for programs and operators as they are on the telephone."""

import json
from dataclasses import replace

import pytest

from ivr import guesses
from ivr.guesses import GuessKind
from ivr.lines import Lines
from ivr.operators import NewOperator, Role, add
from ivr.signs import RULES, Sign
from keys import ledger
from keys.groups import split
from keys.installation_id import encode
from tests.webhooks.api.conftest import Program, program
from tests.webhooks.conftest import Door
from webhooks.api.guards import opened
from webhooks.app import create_app
from webhooks.desk import deciding, deed_words, reviewing
from webhooks.desk.handling import Doing, Done, NotDone, Why, claim

from .conftest import app, foreign_key

__all__ = ["app", "foreign_key", "program"]
POINTS = {rule.sign: rule.points for rule in RULES}
GUESSED = POINTS[Sign.KEY_GUESSED]


@pytest.fixture
def guessed(database, clock, mak):
    """Two wrong proofs have named the key."""
    with database.begin() as connection:
        for _ in range(2):
            guesses.note(
                connection, GuessKind.PROOF, caller="another", call_sid="CA9", now=clock.now,
                product=1, serial=mak.key.serial,
            )  # fmt: skip


@pytest.fixture
def strict(exchange):
    """The exchange with a second line that is as strict as this; programs come on none."""

    def of(held_at=None, blocked_at=None):
        line = exchange.lines.all[0]
        other = replace(line, number="+15550199", held_at=held_at, blocked_at=blocked_at)
        return replace(exchange, lines=Lines((line, other)))

    return of


@pytest.fixture
def programs(program, catalogue):  # noqa: ARG001 - there is an organisation
    """The organisation's program at a line that is so strict."""
    return lambda exchange, **token: Program(create_app(exchange, api=opened(600, 8)), program(**token).text)


@pytest.fixture
def doing(database, secrets, clock, exchange):
    with database.begin() as connection:
        ada = add(connection, NewOperator("Ada", Role.OPERATOR, "x"), clock.now)
    return lambda connection, at=exchange: Doing(connection, secrets, ada, clock.now, at.lines, at.limits)


@pytest.fixture
def iid(mak, installation):
    return installation(1, mak.key.serial)


@pytest.fixture
def at_door(programs, doing, database, clock, rows):
    """Ask at a door for an installation: the code of the refusal, None for an activation."""
    parts = {"programs": programs, "doing": doing, "database": database, "clock": clock, "rows": rows}
    return lambda door, at, iid: KNOCKS[door](at, iid, **parts)


def spent(rows):
    return [row["state"] for row in rows("reservations")].count("posted")


@pytest.mark.usefixtures("guessed")
@pytest.mark.parametrize("door", ["phone", "text", "api", "proxy", "operator"])
@pytest.mark.parametrize(
    ("held_at", "blocked_at", "code"),
    [
        (None, None, None),
        (GUESSED + 1, GUESSED + 1, None),
        (GUESSED, None, "HELD_FOR_REVIEW"),
        (None, GUESSED, "KEY_BLOCKED"),
        (GUESSED, GUESSED, "KEY_BLOCKED"),
    ],
)
def test_a_sign_is_asked_at_every_door_and_does_what_the_setting_says(
    door, held_at, blocked_at, code, strict, at_door, iid, rows
):
    line = replace(strict().lines.all[0], held_at=held_at, blocked_at=blocked_at, text_sender="+15550100")
    at = replace(strict(), lines=Lines((line,)))
    assert at_door(door, at, iid) == code
    assert spent(rows) == (code is None)
    sighting = rows("sightings")[-1]
    assert (sighting["points"], list(json.loads(sighting["signs"]))) == (GUESSED, [Sign.KEY_GUESSED])
    assert (sighting["outcome"], sighting["channel"]) == (code or "activated", door)
    assert [row["status"] for row in rows("product_keys")] == ["blocked" if code == "KEY_BLOCKED" else "active"]
    held = [row for row in rows("reviews") if row["let_through_at"] is None]
    assert len(held) == (code == "HELD_FOR_REVIEW")
    if held:
        (case,) = rows("cases")
        assert (case["id"], case["points"]) == (held[0]["case_id"], GUESSED)


def by_phone(at, iid, *, clock, rows, **_):
    from tests.webhooks.conftest import Call

    words = Call(Door(at), clock, "+14155550123").key("".join(split(encode(iid)))).words
    if words.startswith("Approved."):
        return None
    assert rows("cases")[0]["state"] == "waiting"
    return rows("cases")[0]["reason"]


def by_text(at, iid, *, clock, rows, **_):
    from tests.webhooks.conftest import Texts

    (answer,) = Texts(at, clock).send(encode(iid))
    return None if answer.startswith("Approved.") else rows("cases")[0]["reason"]


def by_api(at, iid, *, programs, **_):
    answer = programs(at).activate(iid)
    if answer.status_code == 201:
        return None
    assert answer.mimetype == "application/problem+json"
    assert answer.status_code in (403, 409)
    return answer.get_json()["code"]


def by_proxy(at, iid, *, programs, **_):
    (outcome,), end = programs(at).batch([iid])
    assert end["done"] is True
    return outcome.get("code")


def by_operator(at, iid, *, doing, database, clock, **_):
    from ivr import cases, queue

    with database.begin() as connection:
        case = cases.open_case(
            connection, line="+15550100", caller=None, layout=1, groups=split(encode(iid)), now=clock.now,
            below=lambda _: 7,
        )  # fmt: skip
        found = queue.enter(
            connection, case.id, channel="phone", sid="CA1", line="+15550100", caller="c" * 32, reason="ASKED",
            now=clock.now,
        )  # fmt: skip
        claim(doing(connection, at), found.id)
    with database.begin() as connection:
        done = deciding.issue(doing(connection, at), found.id, "", by_text=False)
    if isinstance(done, Done):
        return None
    if done.why is Why.HELD:
        assert "Look at this first: 2 wrong proofs named this key" in deed_words.not_done(done)
        return "HELD_FOR_REVIEW"
    return str(done.facts["refusal"])


KNOCKS = {"phone": by_phone, "text": by_text, "api": by_api, "proxy": by_proxy, "operator": by_operator}


@pytest.mark.usefixtures("guessed")
def test_what_is_held_for_a_program_is_one_case_for_its_key_and_one_yes_is_for_all_that_wait(
    strict, programs, doing, database, mak, installation, rows
):
    at = strict(GUESSED)
    knock = programs(at)
    iids = [installation(1, mak.key.serial, nonce=nonce, fingerprint=(nonce,) * 8) for nonce in range(1, 6)]
    outcomes, end = knock.batch(iids)
    assert {each["code"] for each in outcomes} == {"HELD_FOR_REVIEW"}
    assert (end["refused"], end["activated"]) == (5, 0)
    assert knock.activate(iids[0]).get_json()["code"] == "HELD_FOR_REVIEW", "asked again, it is the same case"
    (case,), (handoff,) = rows("cases"), rows("handoffs")
    assert (case["state"], case["caller"], handoff["reason"]) == ("waiting", None, "HELD_FOR_REVIEW")
    assert handoff["left_at"] is not None, "nobody waits on the other side"
    assert len(rows("reviews")) == 5
    with database.begin() as connection:
        claim(doing(connection, at), handoff["id"])
        done = reviewing.let_through(doing(connection, at), handoff["id"], "they replace a hall of machines")
    assert done.facts == {"by": "nobody", "many": 5}
    outcomes, end = knock.batch(iids)
    assert (end["activated"], end["refused"]) == (5, 0)
    later = installation(1, mak.key.serial, nonce=9)
    assert knock.activate(later).get_json()["code"] == "HELD_FOR_REVIEW", "a yes is for what waited then"
    with database.read() as connection:
        assert ledger.recount(connection) == ()


@pytest.mark.usefixtures("guessed")
def test_what_was_activated_before_is_answered_a_program_without_a_look(
    strict, programs, database, clock, mak, installation
):
    iid = installation(1, mak.key.serial)
    with database.begin() as connection:
        ledger.reserve_and_post(connection, ledger.Claim(iid, 2, "phone", "CA1"), now=clock.now)
    answer = programs(strict(GUESSED)).activate(iid)
    assert (answer.status_code, answer.get_json()["replay"]) == (200, True)


def test_a_program_s_many_machines_are_no_sign_against_its_own_key(strict, programs, installation, rows, issue_key):
    at = strict(1)
    key = issue_key(granted=100)
    iids = [installation(1, key.key.serial, nonce=nonce, fingerprint=(nonce % 64,) * 8) for nonce in range(1, 41)]
    knock = programs(at)
    _, end = knock.batch(iids)
    assert (end["activated"], rows("sightings"), rows("cases")) == (40, [], [])
    assert knock.activate(installation(1, key.key.serial, nonce=99)).status_code == 201


@pytest.mark.usefixtures("guessed")
def test_an_operator_who_has_seen_why_activates_and_stands_for_it(
    strict, doing, database, clock, mak, installation, rows
):
    line = replace(strict().lines.all[0], held_at=GUESSED)
    at = replace(strict(), lines=Lines((line,)))
    iid = installation(1, mak.key.serial)
    assert by_operator(at, iid, doing=doing, database=database, clock=clock) == "HELD_FOR_REVIEW"
    with database.begin() as connection:
        done = deciding.issue(doing(connection, at), 1, "known customer", by_text=False)
    assert not isinstance(done, NotDone)
    assert rows("reviews")[0]["let_through_by"] == "Ada"
    assert json.loads(rows("desk_entries")[-1]["details"])["held_for"] == [Sign.KEY_GUESSED]
