"""Giving an activation back over HTTPS: burnt on the machine, counted once, and dead at every door from then on."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select, update

from ivr import guesses
from ivr.guesses import FREE_OF_TOKEN
from ivr.tokens import Scope
from keys import checkdigit
from keys.alarms import alarms
from keys.catalog import product_build
from keys.device import machine, returning
from keys.device.hardware import simulated
from keys.entries import Kind, of_key
from keys.formats import FORMATS
from keys.installation_id import decode, encode
from keys.issue import block
from keys.products import find_product, products
from tests.webhooks.api.conftest import OTHER
from tests.webhooks.api.test_activations import problem
from tests.webhooks.api.test_tokens import wrong

HERE, TODAY = simulated("wheelhouse"), date(2026, 11, 24)
WRONG_CODE = "".join(f"12345{checkdigit.calc(FORMATS[1].check_rule, number, '12345')}" for number in (1, 2, 3))
"""Its check digits fit, and no installation has it."""

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Machine:
    """One machine of product 1, with what a publisher built into it."""

    def __init__(self, build, key_text):
        self.build, self.key_text, self.state = build, key_text, None

    def install(self, nonce):
        burnt = self.state.returned if self.state else ()
        self.state = machine.install(self.build, self.key_text, HERE, nonce, returned=burnt)
        return self.state.installation_id

    def deposit(self, blocks):
        self.state = machine.deposit(self.build, self.state, " ".join(blocks))

    def give_back(self):
        self.state = returning.give_back(self.build, self.state, HERE)
        return " ".join(returning.code(self.build, self.state))

    @property
    def status(self):
        return machine.status(self.build, self.state, HERE, TODAY).value


@pytest.fixture
def allow(database):
    def set_policy(**policy):
        with database.begin() as connection:
            connection.execute(update(products).values(**policy))

    return set_policy


@pytest.fixture
def made(database, secrets, allow, mak):
    """A machine of a product with three returns a period."""
    allow(returns=3)
    with database.read() as connection:
        return Machine(product_build(find_product(connection, 1), secrets), mak.text)


def back(knock, iid, code, **headers):
    text = iid if isinstance(iid, str) else encode(iid)
    return knock.post("/returns", {"installation_id": text, "return_code": code}, **headers)


def test_the_whole_round_on_machine_and_line(program, made, mak, balance, database):
    knock = program()
    first = made.install(nonce=7)
    made.deposit(knock.activate(first).get_json()["confirmation_id"])
    saved = machine.pair(made.state)
    assert (made.status, balance(mak.key)) == ("activated", (0, 1, 9))
    code = made.give_back()
    assert made.status == "returned"
    answer = back(knock, first, code)
    told = answer.get_json()
    assert (answer.status_code, told["outcome"], told["replay"], told["counted"]) == (201, "returned", False, 1)
    assert (told["key"]["posted"], told["key"]["available"]) == (0, 10)
    assert balance(mak.key) == (0, 0, 10)
    problem(knock.activate(first), 410, "IID_RETURNED")
    problem(knock.activate(first), 410, "IID_RETURNED")
    with pytest.raises(machine.Declined, match="returned"):
        machine.deposit_pair(made.build, made.state, *saved, HERE, TODAY)
    second = made.install(nonce=7)
    assert second != first
    made.deposit(knock.activate(second).get_json()["confirmation_id"])
    assert (made.status, balance(mak.key)) == ("activated", (0, 1, 9))
    with database.read() as connection:
        (entry,) = [each for each in of_key(connection, mak.key.id) if each["kind"] == Kind.RETURN]
    assert (entry["posted"], entry["actor"], entry["channel"]) == (-1, "fleet console", "api")
    assert entry["holder"] == answer.headers["X-Request-Id"]


def test_sent_again_it_is_answered_again_and_counts_once(program, made, mak, balance):
    knock = program()
    iid = made.install(nonce=7)
    knock.activate(iid)
    code = made.give_back()
    first, second = back(knock, iid, code), back(knock, iid, code.replace(" ", "-"))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.get_json() == first.get_json() | {"replay": True}
    assert balance(mak.key) == (0, 0, 10)
    assert back(knock, iid, code, Idempotency_Key="k1").status_code == 200
    problem(back(knock, iid, code + " ", Idempotency_Key="k1"), 422, "IDEMPOTENCY_KEY_USED")


def test_an_organisation_gives_back_its_own_activations_alone(program, foreign_key, made, mak, balance, database):
    own, stranger = program(), program(organisation=OTHER, name="theirs") if foreign_key() else None
    iid = made.install(nonce=7)
    own.activate(iid)
    problem(back(stranger, iid, made.give_back()), 404, "KEY_UNKNOWN")
    assert balance(mak.key) == (0, 1, 9)
    with database.read() as connection:
        assert connection.execute(select(guesses.guesses.c.kind)).scalars().all() == ["foreign"]


@sqlite_only
def test_only_a_token_with_the_scope_gives_back(program, made, mak, balance):
    knock = program(scopes=(Scope.ACTIVATE, Scope.READ, Scope.REQUEST))
    iid = made.install(nonce=7)
    knock.activate(iid)
    problem(back(knock, iid, made.give_back()), 403, "SCOPE_MISSING")
    assert balance(mak.key) == (0, 1, 9)


@sqlite_only
def test_what_is_no_code_and_what_is_a_wrong_one_are_told_apart_and_the_wrong_one_is_a_try(
    program, made, database, mak, balance
):
    knock = program()
    iid = made.install(nonce=7)
    knock.activate(iid)
    code = made.give_back()
    slipped = problem(back(knock, iid, code[:-1] + str((int(code[-1]) + 1) % 10)), 422, "RETURN_CODE_MALFORMED")
    assert [(each["group"], each["fault"]) for each in slipped["groups"]] == [(3, "check_digit")]
    problem(back(knock, iid[:-1], code), 422, "INSTALLATION_ID_WRONG")
    with database.read() as connection:
        assert guesses.naming(connection, 1, mak.key.serial) == 0
        assert connection.execute(select(guesses.guesses)).all() == []
    other = Machine(made.build, mak.text)
    other.install(nonce=8)
    problem(back(knock, iid, other.give_back()), 409, "RETURN_CODE_WRONG")
    assert balance(mak.key) == (0, 1, 9)
    with database.read() as connection:
        assert connection.execute(select(guesses.guesses.c.kind)).scalars().all() == ["return"]
    assert back(knock, iid, code).status_code == 201


@sqlite_only
def test_guessing_codes_has_the_same_budget_as_guessing_proofs(program, made):
    knock = program()
    iid = made.install(nonce=7)
    knock.activate(iid)
    other = Machine(made.build, made.key_text)
    other.install(nonce=8)
    code = other.give_back()
    for _ in range(FREE_OF_TOKEN + 1):
        problem(back(knock, iid, code), 409, "RETURN_CODE_WRONG")
    answer = back(knock, iid, made.give_back())
    problem(answer, 429, "TOO_MANY_TRIES")
    assert int(answer.headers["Retry-After"]) > 0


@sqlite_only
def test_each_bound_has_its_word_and_a_code_stays_good_for_the_next_period(program, made, allow, mak, clock, database):
    knock = program()
    never = Machine(made.build, made.key_text)
    problem(back(knock, never.install(nonce=3), never.give_back()), 409, "NOT_ACTIVATED")
    iids = [made.install(nonce=nonce) for nonce in (7, 8)]
    codes = []
    for nonce, iid in zip((7, 8), iids, strict=True):
        assert knock.activate(iid).status_code == 201
        one = Machine(made.build, made.key_text)
        one.install(nonce=nonce)
        codes.append(one.give_back())
    allow(returns=0)
    problem(back(knock, iids[0], codes[0]), 403, "RETURNS_OFF")
    allow(returns=1, period_days=30)
    assert back(knock, iids[0], codes[0]).status_code == 201
    problem(back(knock, iids[1], codes[1]), 409, "TOO_MANY_RETURNS")
    clock.sleep(30 * 86_400)
    assert back(knock, iids[1], codes[1]).status_code == 201
    with database.begin() as connection:
        block(connection, mak.key, now=clock.now, actor="tester", reason="leaked")
    problem(back(knock, iids[1], codes[1]), 403, "KEY_BLOCKED")


@sqlite_only
def test_a_wrong_proof_is_an_unknown_key_and_a_serial_never_issued_rings_the_alarm(
    program, made, installation, database
):
    knock = program()
    problem(back(knock, wrong(decode(made.install(nonce=7))), WRONG_CODE), 404, "KEY_UNKNOWN")
    with database.read() as connection:
        assert connection.execute(select(alarms)).all() == []
    problem(back(knock, installation(1, 77_777), WRONG_CODE), 404, "KEY_UNKNOWN")
    with database.read() as connection:
        (alarm,) = connection.execute(select(alarms)).all()
        kinds = connection.execute(select(guesses.guesses.c.kind)).scalars().all()
    assert (alarm.product, alarm.serial) == (1, 77_777)
    assert kinds == ["proof", "proof"]
    problem(back(knock, replace(installation(1, 1), product=5), WRONG_CODE), 404, "PRODUCT_UNKNOWN")
