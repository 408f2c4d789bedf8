"""The line and its database killed with -9 at random moments under many calls and texts at once: nothing is lost.

Afterwards sums, seals, idempotency and outbox verify; whoever was told a confirmation ID has exactly one posted
activation, which is that very one; and everybody got theirs in the end, from an allowance that has not one to spare.
"""

import asyncio
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ivr.outbox import TextState, outbox
from keys import confirmation_id, derivation, ledger
from keys.database import Database
from keys.groups import split
from keys.installation_id import InstallationID, digest, encode
from keys.reservations import State, reservations
from tests.torture.conftest import SECONDS
from tests.torture.killed_line import NUMBER, Crowd, Person, ServedLine, Server, action_of, heard, texts_of
from tests.webhooks.test_serving import CATALOGUE
from webhooks import incoming_texts, settings, twilio_rest
from webhooks.app import open_exchange
from webhooks.delivery import LEASE, deliver_one
from webhooks.rehearsal.hearing import Notepad

KILLS = 10 if SECONDS else 3
PEOPLE, TEXTERS = (220, 60) if SECONDS else (40, 12)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request):
    """Where the line keeps its ledger: a server that can be killed, or none."""
    if request.param == "sqlite":
        yield None
        return
    # Not in a folder of pytest's, which the server's own user may not enter.
    folder = Path(tempfile.mkdtemp(prefix="touchtone-pg-"))
    server = Server(folder)
    yield server
    server.close()
    shutil.rmtree(folder)


@pytest.fixture
def line(store, tmp_path):
    line = ServedLine(tmp_path / "line", store.url if store else None)
    line.told("init", "--text-sender", NUMBER, "--public-url", line.url)
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    line.told("catalog", "load", tmp_path / "catalogue.toml")
    line.start()
    line.wait_until_ready()
    yield line
    line.stop()


@pytest.fixture
def here(line):
    """The line's own settings, secrets and database, for whoever looks at what is left."""
    found = settings.load(line.environ)
    exchange = open_exchange(found)
    exchange.database.close()
    # A turn's patience is not for whoever reads all that a crowd left.
    exchange = replace(exchange, database=Database(found.database_url, patience=60.0))
    yield found, exchange
    exchange.database.close()


class Killer(threading.Thread):
    """Kills at random moments, and starts again what it killed, until told to stop or `most` kills are done."""

    def __init__(self, line, store, chance, most):
        super().__init__()
        self.line, self.store, self.chance, self.most = line, store, chance, most
        self.over, self.kills, self.error = threading.Event(), 0, None

    def run(self):
        try:
            while self.kills < self.most and not self.over.wait(self.chance.uniform(0.2, 2.0)):
                self._kill()
        except Exception as error:  # noqa: BLE001 - raised again by the test, in its own thread
            self.error = error

    def _kill(self):
        victims = self.chance.choice(("line", "store", "both")) if self.store else "line"
        if victims in {"line", "both"}:
            self.line.kill()
        if victims in {"store", "both"}:
            self.store.kill()
            time.sleep(self.chance.uniform(0.0, 1.0))
            self.store.start()
        if victims in {"line", "both"}:
            self.line.start()
        self.line.wait_until_ready()
        self.kills += 1


A_PREFIX = 1_000
"""Numbers that are alike but for their last three digits: so many texts a day go there as one round wants."""


def people_with_machines(exchange, key, first):
    """Everybody with a machine of their own, all of the one key; no two rounds have numbers that are neighbours."""
    held = exchange.secrets.products[1]
    secret = derivation.key_secret(held.issuing_key, key["serial"])
    generation = max(held.verification)
    people, ids = [], {}
    for place in range(PEOPLE + TEXTERS):
        parts = (place % 64, place // 64 % 64, first % 64, 4, 5, 6, 7, 8)
        bare = InstallationID(1, 1, key["serial"], parts, place + 1, 0)
        iid = replace(bare, proof=derivation.proof_value(held.verification[generation], secret, bare))
        area, rest = divmod(first * A_PREFIX + place, 10_000)
        number = f"+1415{200 + area % 700}{rest:04d}"
        people.append(Person(number, split(encode(iid)), texts=place >= PEOPLE))
        ids[number] = iid
    return people, ids


def deliver_the_rest(found, exchange):
    """Answer what came while there was no database, and send what a killed delivery still has in its hands."""
    incoming_texts.take_kept(exchange)
    later = replace(exchange, now=lambda: datetime.now(UTC) + LEASE + timedelta(seconds=5))
    carrier = twilio_rest.opened(found)
    while deliver_one(later, carrier, "the test"):
        pass


def assert_true(told, iid, exchange, secret):
    """What somebody was told activates their very machine."""
    verification = exchange.secrets.products[1].verification
    assert any(matches(told, iid, one, secret) for one in verification.values()), (
        "a confirmation ID that was told fits no installation"
    )


def matches(told, iid, verification, secret):
    try:
        confirmation_id.matches(told, iid, verification_secret=verification, key_secret=secret, blocks=8)
    except ValueError:
        return False
    return True


def assert_nothing_lost(line, exchange, people, ids, key):
    """Sums, seals, one posted activation each, and what everybody was told is what the ledger holds."""
    assert line.told("ledger", "verify")["outcome"] == "sound"
    secret = derivation.key_secret(exchange.secrets.products[1].issuing_key, key["serial"])
    with exchange.database.read() as connection:
        assert ledger.recount(connection) == ()
        per_id = {
            bytes(row.iid_digest): (row.id, row.many)
            for row in connection.execute(
                select(reservations.c.iid_digest, func.max(reservations.c.id).label("id"), func.count().label("many"))
                .where(reservations.c.state == State.POSTED)
                .group_by(reservations.c.iid_digest)
            )
        }
        for person in people:
            assert person.told, person
            reservation, many = per_id[digest(ids[person.number])]
            assert many == 1, person
            spent = ledger.confirmation(connection, reservation, ids[person.number], exchange.secrets)
            for told in person.told:
                assert told.split() == list(spent), person
                assert_true(told, ids[person.number], exchange, secret)
    balance = line.told("ledger", "balance", key["product_key"])
    assert (balance["posted"], balance["pending"], balance["available"]) == (len(people), 0, 0)
    assert not [person for person in people if person.refusals], "somebody was refused an allowance that is exact"


def read_texts_into(people, folder, exchange):
    """What arrived by text, each once; nothing is left in the outbox."""
    with exchange.database.read() as connection:
        states = dict(connection.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state)).all())
    assert set(states) <= {TextState.ACCEPTED, TextState.SENT, TextState.DELIVERED}, states
    arrived = texts_of(folder)
    assert len({text["sid"] for text in arrived}) == len(arrived) == sum(states.values())
    by_number = {person.number: person for person in people}
    for text in arrived:
        if text["recipient"] in by_number:
            by_number[text["recipient"]].told.append(" ".join(line[2:] for line in text["body"].split("\n")[1:]))


def test_killed_under_many_calls_and_texts_nothing_is_lost_or_given_twice(
    store, line, here, term, chance, record_property, capsys
):
    found, exchange = here
    rounds = kills = answered = unanswered = people_in_all = 0
    while term.goes_on(rounds, 1):
        key = line.told("key", "issue", "--product", "Fairway", "--agreement", "NS-1", "--granted", PEOPLE + TEXTERS)
        people, ids = people_with_machines(exchange, key, rounds)
        killer = Killer(line, store, chance, KILLS)
        crowd = Crowd(line, *as_twilio(found), chance, killer)
        killer.start()
        asyncio.run(asyncio.wait_for(crowd.all_of(people), 600))
        killer.over.set()
        killer.join()
        assert killer.error is None, killer.error
        again = [replace(one, told=[]) for one in people[:3]]
        asyncio.run(crowd.all_of(again))
        assert [one.told for one in again] == [one.told for one in people[:3]], "the same installation, another answer"
        line.kill()
        deliver_the_rest(found, exchange)
        read_texts_into(people, found.data_dir, exchange)
        line.start()
        line.wait_until_ready()
        assert_nothing_lost(line, exchange, people, ids, key)
        rounds, kills = rounds + 1, kills + killer.kills + 1
        answered, unanswered = answered + crowd.requests - crowd.unanswered, unanswered + crowd.unanswered
        people_in_all += len(people)
    told = f"{people_in_all} people, {kills} kills; {answered} requests were answered, {unanswered} were not"
    record_property("survived", told)
    if SECONDS:
        with capsys.disabled():
            sys.stdout.write(f"\n  survived: {told}\n")


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_node_killed_in_the_middle_of_a_call_costs_its_caller_nothing(line, here, chance):
    found, exchange = here
    other = ServedLine(line.folder, line.environ["DATABASE_URL"])
    other.start()
    try:
        other.wait_until_ready()
        key = line.told("key", "issue", "--product", "Fairway", "--agreement", "NS-1", "--granted", 1)
        people, ids = people_with_machines(exchange, key, 0)
        person = people[0]
        document = asyncio.run(cut_over(Crowd(line, *as_twilio(found), chance), other, person))
        pad = Notepad()
        pad.write(heard(document))
        person.told.append(pad.confirmation_id)
        assert_nothing_lost(other, exchange, [person], ids, key)
    finally:
        other.stop()


def as_twilio(found):
    """As whom requests are signed: account, token, public address."""
    return found.account_sid, found.auth_tokens[0], found.public_url


async def cut_over(crowd, other, person):
    """A call group by group, whose node dies after the fourth; the next turn comes to the other. What is heard last."""
    form = crowd.voice(person, "CA" + "5" * 32)
    document = await crowd.ask("/voice/incoming", form)
    for number, group in enumerate(person.groups, 1):
        if number == 5:
            crowd.line.kill()
            crowd.line = other
        document = await crowd.ask(action_of(document), form | {"Digits": group, "msg": "Gather"})
    return document
