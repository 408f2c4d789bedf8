"""The page of signs: alarms, the keys that something speaks against, and the rules."""

import json
import re
from datetime import timedelta

import pytest

from ivr import guessers, guesses, sightings, tokens
from ivr.callers import prefix_of, pseudonym
from ivr.guesses import FREE_GUESSES, FREE_OF_PREFIX, FREE_OF_TOKEN, Guesser, GuessKind
from ivr.operators import Role
from ivr.sightings import Attempt
from ivr.signs import RULES
from ivr.tokens import NewToken
from keys import alarms
from keys.alarms import AlarmKind
from webhooks.desk import sign_words

one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def words_of(page):
    main = page.partition('<main id="main"')[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


@pytest.fixture
def supervisor(desk_client):
    return desk_client(Role.SUPERVISOR, name="Sofia Lind")


@pytest.fixture
def asked(database, clock, installation):
    """Attempts with a key by so many callers, a minute apart."""

    def of(serial, callers, *, never_issued=False):
        for place in range(callers):
            clock.sleep(60)
            iid = installation(1, serial, nonce=place + 1)
            attempt = Attempt(f"{place:032d}", "DE", "phone", iid)
            with database.begin() as connection:
                score = sightings.look(connection, attempt, clock.now, never_issued=never_issued)
                sightings.note(connection, attempt, "activated", score, clock.now)

    return of


@pytest.fixture
def ring_alarm(database, clock):
    def ring(serial=4711):
        with database.begin() as connection:
            alarms.ring(connection, AlarmKind.SERIAL_NEVER_ISSUED, 1, serial, "phone", clock.now)

    return ring


def test_the_keys_to_look_at_stand_there_the_worst_first_with_points_and_reasons(
    supervisor, asked, issue_key, database, clock
):
    quiet, busy, guessed = issue_key(), issue_key(), issue_key()
    asked(quiet.key.serial, 4)
    asked(busy.key.serial, 7)
    with database.begin() as connection:
        for _ in range(3):
            guesses.note(
                connection, GuessKind.PROOF, caller=None, call_sid="CA1", now=clock.now,
                product=1, serial=guessed.key.serial,
            )  # fmt: skip
    asked(guessed.key.serial, 1)
    asked(9999, 1, never_issued=True)
    said = words_of(supervisor.get("/desk/signs").text)
    never, *rest = (
        said.partition("Keys to look at")[2].partition("Status Points Why Times Last")[2].split("Fairway")[1:]
    )
    assert "never issued 100 the proof is sound" in never
    assert "NS-1 active 30 7 callers asked with this key within 24 hours 3" in rest[0]
    assert "NS-1 active 20 3 wrong proofs named this key within 7 days 1" in rest[1]
    assert quiet.key.last_five not in said
    clock.sleep(timedelta(days=8).total_seconds())
    supervisor.log_in("Sofia Lind")
    assert "Nothing spoke against a key in the last 7 days." in words_of(supervisor.get("/desk/signs").text)


@one_database
def test_a_number_withheld_speaks_against_nobody_s_key(supervisor, database, clock, installation, mak):
    attempt = Attempt(None, None, "phone", installation(1, mak.key.serial))
    with database.begin() as connection:
        sightings.note(connection, attempt, "activated", sightings.look(connection, attempt, clock.now), clock.now)
    assert "Nothing spoke against a key" in words_of(supervisor.get("/desk/signs").text)


@one_database
def test_every_rule_is_written_out(supervisor):
    said = words_of(supervisor.get("/desk/signs").text)
    for rule in RULES:
        assert f"{rule.sign} {sign_words.sign(rule.sign, rule.least)} {rule.points}" in said


@pytest.mark.usefixtures("catalogue")
def test_an_alarm_stands_on_every_page_of_a_supervisor_until_it_is_seen_and_that_is_an_entry(
    supervisor, desk_client, ring_alarm, entries
):
    band = "named a key of Fairway that was never issued"
    assert band not in supervisor.part("/desk/alarms").text
    ring_alarm()
    ring_alarm()
    part = supervisor.part("/desk/alarms").text
    assert f"{band}, 2 times." in part
    assert 'hx-get="/desk/alarms" hx-trigger="load, desk-changed' in supervisor.get("/desk/queue").text
    assert 'hx-get="/desk/alarms" hx-trigger="desk-changed' in part, "what is swapped in must not ask again at once"
    assert 'hx-get="/desk/alarms"' not in desk_client().get("/desk/queue").text
    assert "4711 2" in words_of(supervisor.get("/desk/signs").text)
    assert supervisor.post("/desk/alarms/1/seen").status_code == 303
    assert "Sofia Lind" in words_of(supervisor.get("/desk/signs").text)
    assert band not in supervisor.part("/desk/alarms").text
    (entry,) = entries("alarm_seen")
    assert (entry.name, '"times": 2' in entry.details) == ("Sofia Lind", True)
    supervisor.post("/desk/alarms/1/seen")
    assert len(entries("alarm_seen")) == 1


@one_database
def test_an_operator_sees_neither_page_nor_band(desk_client):
    anna = desk_client()
    for path in ("/desk/signs", "/desk/alarms"):
        assert anna.get(path).status_code == 403
    assert anna.post("/desk/alarms/1/seen").status_code == 403


@pytest.fixture
def who_guesses(database, clock):
    """A caller, a block of numbers, and a token that guesses; each as often as it takes to wait."""

    def guess():
        agreed = NewToken("fleet console", "Nordstern Shipping", frozenset({tokens.Scope.ACTIVATE}), "tester")
        with database.begin() as connection:
            tokens.issue(connection, agreed, tokens.text_of(bytes(32)), clock.now)
            tries = [("a" * 32, None)] * (FREE_GUESSES + 1) + [("token 1", None)] * (FREE_OF_TOKEN + 1)
            tries += [(f"{number:032x}", "c" * 32) for number in range(FREE_OF_PREFIX + 1)]
            for caller, prefix in tries:
                guesses.note(connection, GuessKind.PROOF, caller=caller, prefix=prefix, call_sid="CA1", now=clock.now)

    return guess


@pytest.mark.usefixtures("catalogue")
def test_who_guesses_stands_there_with_how_often_since_when_and_until_when_they_wait(supervisor, who_guesses, clock):
    assert "Nobody guesses." in words_of(supervisor.get("/desk/signs").text)
    who_guesses()
    clock.sleep(60)
    said = words_of(supervisor.get("/desk/signs").text)
    for who, tries in (
        ("caller aaaaaa", FREE_GUESSES + 1),
        ("block cccccc: 21 numbers alike but for the last three digits", FREE_OF_PREFIX + 1),
        ("token Nordstern Shipping: fleet console", FREE_OF_TOKEN + 1),
    ):
        # Since, last, and a quarter of an hour after it.
        day = r"\w+ \d+, \d+,"
        assert re.search(rf"{who} {tries} {day} 12:00\sPM UTC {day} 12:00\sPM UTC {day} 12:15\sPM UTC", said), who
    clock.sleep(15 * 60)
    assert words_of(supervisor.get("/desk/signs").text).count("does not wait") == 3


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("who", "named", "in_german"),
    [
        ("a" * 32, {"caller": "aaaaaa", "tries": FREE_GUESSES + 1}, "Anrufer: aaaaaa, Versuche: 5"),
        ("c" * 32, {"prefix": "cccccc", "tries": FREE_OF_PREFIX + 1}, "Rufnummernblock: cccccc, Versuche: 21"),
        (
            "token 1",
            {"token": "Nordstern Shipping: fleet console", "tries": FREE_OF_TOKEN + 1},
            "Token: Nordstern Shipping: fleet console, Versuche: 51",
        ),
    ],
)
def test_a_supervisor_lets_somebody_try_again_and_who_and_why_is_an_entry(
    supervisor, who_guesses, database, clock, entries, who, named, in_german
):
    who_guesses()
    waits = {
        "a" * 32: lambda connection: guesses.hindrance(connection, Guesser("a" * 32, None, "CA2"), clock.now),
        "c" * 32: lambda connection: guesses.hindrance(connection, Guesser("e" * 32, "c" * 32, "CA2"), clock.now),
        "token 1": lambda connection: guesses.budget(connection, "token 1", clock.now, FREE_OF_TOKEN).waits_until,
    }

    def waiting():
        with database.read() as connection:
            return {each for each, asked in waits.items() if asked(connection)}

    assert waiting() == set(waits)
    assert supervisor.post("/desk/guesses/pardon", who=who, reason=" ").status_code == 303
    assert waiting() == set(waits), "not without a reason"
    supervisor.post("/desk/guesses/pardon", who=who, reason="They rang from +14155550177")
    assert waiting() == set(waits), "not with a number in it, which would be kept for good"
    assert supervisor.post("/desk/guesses/pardon", who=who, reason="A new fleet, known to us").status_code == 303
    assert waiting() == set(waits) - {who}
    (entry,) = entries("guesses_pardoned")
    assert (entry.name, entry.reason, json.loads(entry.details)) == ("Sofia Lind", "A new fleet, known to us", named)
    assert "let somebody who guessed try again" in words_of(supervisor.get("/desk/entries").text)
    assert in_german in words_of(supervisor.get("/desk/entries", **{"Accept-Language": "de"}).text)
    supervisor.post("/desk/guesses/pardon", who=who, reason="once more")
    assert len(entries("guesses_pardoned")) == 1, "nothing is counted against them any more"


@pytest.mark.usefixtures("catalogue")
def test_whoever_is_not_on_the_list_is_found_by_number_or_name_and_let_through(
    supervisor, who_guesses, database, clock, secrets, entries, monkeypatch
):
    monkeypatch.setattr(guessers, "MOST", 1)
    number = "+493012345678"
    caller, block = pseudonym(number, secrets.pepper), prefix_of(number, secrets.pepper)
    with database.begin() as connection:
        for _ in range(FREE_GUESSES + 1):
            guesses.note(connection, GuessKind.PROOF, caller=caller, prefix=block, call_sid="CA1", now=clock.now)
    clock.sleep(1)
    who_guesses()
    said = words_of(supervisor.get("/desk/signs").text)
    assert "Who guesses, those who wait first; 2 more are not shown" in said
    assert caller[:6] not in said

    def found_under(typed):
        answer = supervisor.post("/desk/signs", whose=typed)
        assert answer.status_code == 303
        assert "30123456" not in answer.location
        return words_of(supervisor.get(answer.location).text)

    said = found_under(" +49 30 12345678 ")
    assert f"caller {caller[:6]} {FREE_GUESSES + 1} " in said
    assert f"block {block[:6]}: one number" in said
    assert "fleet console" not in said
    assert "token Nordstern Shipping: fleet console 51 " in found_under("fleet console")
    assert "Nothing is counted against them." in found_under("+14155550100")
    assert "those who wait first" in found_under("")
    supervisor.post("/desk/guesses/pardon", who=caller, reason="A known customer, whose sheet was wrong")
    assert [entry.name for entry in entries("guesses_pardoned")] == ["Sofia Lind"]
    with database.read() as connection:
        assert guesses.hindrance(connection, Guesser(caller, block, "CA2"), clock.now) is None


@one_database
def test_what_is_neither_number_nor_token_is_said_at_its_field(supervisor):
    answer = supervisor.post("/desk/signs", whose="nobody <b>")
    assert answer.status_code == 400
    assert "No token is called that, and it is no telephone number." in words_of(answer.text)
    assert 'aria-invalid="true" aria-describedby="fault-whose"' in answer.text


@one_database
def test_only_who_may_guess_can_be_named(supervisor, entries):
    for who in ("", "x" * 32, "token 0", "token x", "a" * 33, "'; --"):
        assert supervisor.post("/desk/guesses/pardon", who=who, reason="why").status_code == 404
    assert entries("guesses_pardoned") == []
