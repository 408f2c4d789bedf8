"""Who is let in at the API, and how often: tokens, scopes, strangers, guesses and rates."""

from datetime import timedelta

import pytest
from sqlalchemy import event, select

from ivr import guesses, rates, tokens
from ivr.guesses import FREE_OF_TOKEN
from ivr.tokens import Scope, TokenExistsError
from keys.installation_id import InstallationID
from tests.webhooks.api.conftest import OTHER, Program
from tests.webhooks.api.test_activations import problem
from webhooks.api.guards import WRONG_PER_MINUTE, opened
from webhooks.app import create_app

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def wrong(iid, by=1):
    """The same ID with another proof: its check digits fit, its key did not make it."""
    return InstallationID(iid.format, iid.product, iid.serial, iid.fingerprint, iid.nonce, (iid.proof + by) % 2**32)


@sqlite_only
def test_without_a_token_of_ours_nobody_is_let_in(program, app, mak, installation, balance):
    program()
    for text in ("", "ttk_", "ttk_" + "A" * 43, "Bearer", "\xff"):
        answer = Program(app, text).activate(installation(1, mak.key.serial))
        problem(answer, 401, "TOKEN_UNKNOWN")
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="touchtone"')
    bare = Program(app, "").client.get("/api/v1/keys")
    problem(bare, 401, "TOKEN_MISSING")
    assert bare.headers["WWW-Authenticate"] == 'Bearer realm="touchtone"'
    assert balance(mak.key) == (0, 0, 10)


@sqlite_only
def test_a_token_is_kept_as_its_digest_only(program, database):
    text = program().text
    with database.read() as connection:
        row = connection.execute(select(tokens.tokens)).one()
    assert row.token_digest == tokens.digest_of(text)
    assert text not in str(row)
    assert len(text) == 47


def test_a_token_ends_when_it_is_revoked_and_when_it_expires(program, database, clock):
    ended = program(name="ended")
    over = program(name="over", expires_at=clock.now + timedelta(days=1))
    assert ended.get("/keys").status_code == over.get("/keys").status_code == 200
    with database.begin() as connection:
        assert tokens.revoke(connection, "ended", by="tester", now=clock.now) is True
        assert tokens.revoke(connection, "ended", by="tester", now=clock.now) is False
        assert tokens.revoke(connection, "never", by="tester", now=clock.now) is None
    problem(ended.get("/keys"), 401, "TOKEN_UNKNOWN")
    clock.sleep(86_400)
    problem(over.get("/keys"), 401, "TOKEN_UNKNOWN")
    with pytest.raises(TokenExistsError):
        program(name="ended")


@pytest.mark.parametrize("scope", list(Scope))
@sqlite_only
def test_a_scope_opens_its_own_doors_only(program, mak, installation, scope):
    knock = program(scopes=(scope,))
    asked = {
        "activate": lambda: knock.activate(installation(1, mak.key.serial)),
        "read": lambda: knock.get("/keys"),
        "request": lambda: knock.post("/allowance-requests", {"key": "1-1", "amount": 1, "reason": "more"}),
    }
    for needed, ask in asked.items():
        answer = ask()
        if scope == needed:
            assert answer.status_code < 300
        else:
            problem(answer, 403, "SCOPE_MISSING")
            assert f'scope="{needed}"' in answer.headers["WWW-Authenticate"]


def test_when_a_token_was_used_is_known_to_a_minute(program, database, clock):
    knock = program()

    def used():
        with database.read() as connection:
            return tokens.listed(connection)[0].used_at

    assert used() is None
    knock.get("/keys")
    first = used()
    assert first == clock.now
    clock.sleep(59)
    knock.get("/keys")
    assert used() == first
    clock.sleep(1)
    knock.get("/keys")
    assert used() == clock.now


def test_another_organisation_s_installation_is_answered_as_an_unknown_one(
    program, foreign_key, mak, installation, balance, database
):
    theirs = foreign_key().key
    knock = program()
    foreign = knock.activate(installation(1, theirs.serial))
    unknown = knock.activate(wrong(installation(1, mak.key.serial)))
    assert problem(foreign, 404, "KEY_UNKNOWN") == problem(unknown, 404, "KEY_UNKNOWN")
    assert balance(theirs) == balance(mak.key) == (0, 0, 10)
    assert program(organisation=OTHER, name="theirs").activate(installation(1, theirs.serial)).status_code == 201
    # Not even what is activated already is shown to others.
    problem(knock.activate(installation(1, theirs.serial)), 404, "KEY_UNKNOWN")
    with database.read() as connection:
        kinds = [row.kind for row in connection.execute(select(guesses.guesses).order_by(guesses.guesses.c.id))]
        flagged = guesses.naming(connection, 1, theirs.serial)
    assert kinds == ["foreign", "proof", "foreign"]
    assert flagged == 0, "a sound proof is no wrong one"


def test_nor_do_the_steps_tell_them_apart(program, foreign_key, mak, installation, database):
    knock = program()
    asked = {
        "foreign": installation(1, foreign_key().key.serial),
        "wrong": wrong(installation(1, mak.key.serial)),
        "never issued": wrong(installation(1, 9999)),
    }
    knock.get("/keys")
    steps = {}
    for name, iid in asked.items():
        said = []

        def note(_connection, _cursor, statement, *_rest, said=said):
            said.append(statement)

        for engine in {database.engine, database._readers}:
            event.listen(engine, "before_cursor_execute", note)
        assert knock.activate(iid).status_code == 404
        for engine in {database.engine, database._readers}:
            event.remove(engine, "before_cursor_execute", note)
        steps[name] = said
    assert steps["foreign"] == steps["wrong"] == steps["never issued"]
    assert len(steps["wrong"]) > 4


@sqlite_only
def test_wrong_proofs_have_a_budget_and_then_a_growing_wait(program, mak, installation, clock, balance):
    knock, good = program(), installation(1, mak.key.serial, nonce=500)
    for nonce in range(FREE_OF_TOKEN + 1):
        problem(knock.activate(wrong(installation(1, mak.key.serial, nonce=nonce))), 404, "KEY_UNKNOWN")
    answer = knock.activate(good)
    problem(answer, 429, "TOO_MANY_TRIES")
    assert 890 <= int(answer.headers["Retry-After"]) <= 901
    assert balance(mak.key) == (0, 0, 10)
    assert program(name="another").activate(installation(1, mak.key.serial, nonce=501)).status_code == 201
    clock.sleep(15 * 60)
    problem(knock.activate(wrong(good)), 404, "KEY_UNKNOWN")
    longer = knock.activate(good)
    problem(longer, 429, "TOO_MANY_TRIES")
    assert int(longer.headers["Retry-After"]) > 1700
    clock.sleep(30 * 60)
    assert knock.activate(good).status_code == 201


def test_a_token_may_come_so_often_a_minute_whichever_node_it_comes_to(exchange, program, clock):
    text = program().text
    nodes = [Program(create_app(exchange, api=opened(3, 8)), text) for _ in range(2)]
    seen = [nodes[number % 2].get("/keys") for number in range(4)]
    assert [answer.status_code for answer in seen] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit"] for answer in seen] == [f'"token";r={left};t=60' for left in (2, 1, 0, 0)]
    assert seen[3].headers["RateLimit-Policy"] == '"token";q=3;w=60'
    assert seen[3].headers["Retry-After"] == "60"
    problem(seen[3], 429, "RATE_LIMITED")
    clock.sleep(60)
    assert nodes[0].get("/keys").status_code == 200


def test_strangers_are_slowed_by_address_and_let_nobody_else_wait(program, app, clock, database):
    stranger, knock = Program(app, "ttk_" + "B" * 43), program()
    answers = [stranger.get("/keys").status_code for _ in range(WRONG_PER_MINUTE + 2)]
    assert answers == [401] * WRONG_PER_MINUTE + [429, 429]
    assert knock.get("/keys").status_code == 200, "a right token from the same address is let in"
    elsewhere = stranger.client.get(
        "/api/v1/keys", environ_base={"REMOTE_ADDR": "203.0.113.9"}, headers={"Authorization": "Bearer x"}
    )
    assert elsewhere.status_code == 401
    clock.sleep(60)
    assert stranger.get("/keys").status_code == 401
    with database.read() as connection:
        known = [row.who for row in connection.execute(select(rates.rate_windows))]
    assert not [who for who in known if "127.0.0.1" in who or "203" in who.split()[0]], "no address in the clear"


def test_windows_and_idempotency_keys_are_forgotten_after_a_day(exchange, program, mak, installation, clock, database):
    from ivr.idempotency import idempotency_keys
    from webhooks import background

    program().activate(installation(1, mak.key.serial), Idempotency_Key="one")

    def left():
        with database.read() as connection:
            return [len(connection.execute(select(table)).all()) for table in (rates.rate_windows, idempotency_keys)]

    background.forget(exchange)
    assert left() == [1, 1]
    clock.sleep(86_401)
    background.forget(exchange)
    assert left() == [0, 0]
