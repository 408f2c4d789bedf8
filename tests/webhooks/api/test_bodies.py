"""What is no request of the API's is told by its code, and an idempotency key belongs to one body."""

import pytest
from sqlalchemy import select

from ivr.idempotency import idempotency_keys
from keys.installation_id import encode
from keys.unavailable import Cause, DatabaseUnavailable
from tests.webhooks.api.test_activations import problem
from webhooks.api.guards import PREFIX

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "BODY_MALFORMED"),
        (b"{", 400, "BODY_MALFORMED"),
        (b'{"installation_id": "\xff"}', 400, "BODY_MALFORMED"),
        (b'{"installation_id": ' + b"[" * 5000, 422, "BODY_INVALID"),
        (b"[]", 422, "BODY_INVALID"),
        (b"{}", 422, "BODY_INVALID"),
        (b'{"installation_id": 7}', 422, "BODY_INVALID"),
        (b'{"installation_id": ""}', 422, "BODY_INVALID"),
        (b'{"installation_id": "1", "product": 1}', 422, "BODY_INVALID"),
        (b'{"installation_id": "' + b"1" * 401 + b'"}', 422, "BODY_INVALID"),
        (b'{"installation_id": "1"}', 422, "INSTALLATION_ID_WRONG"),
        (b'{"installation_id": "\\u0000"}', 422, "INSTALLATION_ID_WRONG"),
        ('{"installation_id": "\N{PILE OF POO}"}'.encode(), 422, "INSTALLATION_ID_WRONG"),
    ],
)
@sqlite_only
def test_a_body_that_is_none_is_refused_by_its_fault(program, body, status, code):
    answer = program().open("POST", "/activations", data=body, content_type="application/json")
    problem(answer, status, code)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
@sqlite_only
def test_another_type_of_body_is_refused(program, kind):
    for path in ("/activations", "/activations/batch"):
        problem(program(name=path).open("POST", path, data=b"{}", content_type=kind), 415, "TYPE_UNSUPPORTED")


@sqlite_only
def test_an_address_or_a_method_that_is_none_is_a_problem_too(program, app):
    knock = program()
    problem(knock.get("/nothing"), 404, "NOT_FOUND")
    problem(knock.get(""), 404, "NOT_FOUND")
    answer = knock.open("DELETE", "/activations")
    problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert "POST" in answer.headers["Allow"]
    elsewhere = app.test_client().get("/api/v1x")
    assert (elsewhere.status_code, elsewhere.mimetype) == (404, "text/html"), "what is not the API's is as it was"


def test_an_idempotency_key_is_harmless_and_belongs_to_one_body(program, mak, installation, clock, balance):
    one, two = (installation(1, mak.key.serial, nonce=nonce) for nonce in (1, 2))
    knock = program()
    first = knock.activate(one, Idempotency_Key="k-1")
    again = knock.activate(one, Idempotency_Key="k-1")
    assert (first.status_code, again.status_code) == (201, 200)
    problem(knock.activate(two, Idempotency_Key="k-1"), 422, "IDEMPOTENCY_KEY_USED")
    lines = {"lines": [{"installation_id": encode(two)}]}
    problem(knock.post("/activations/batch", lines, Idempotency_Key="k-1"), 422, "IDEMPOTENCY_KEY_USED")
    assert program(name="another").activate(two, Idempotency_Key="k-1").status_code == 201, "keys are a token's own"
    clock.sleep(86_401)
    assert knock.activate(two, Idempotency_Key="k-1").status_code == 200, "and of a day"
    assert balance(mak.key) == (0, 2, 8)


@pytest.mark.parametrize("key", ["", " ", "a b", "\xe9", "k" * 256])
@sqlite_only
def test_an_idempotency_key_that_is_none_is_refused(program, mak, installation, key, database):
    problem(program().activate(installation(1, mak.key.serial), Idempotency_Key=key), 400, "IDEMPOTENCY_KEY_INVALID")
    with database.read() as connection:
        assert not connection.execute(select(idempotency_keys)).all()


@sqlite_only
def test_a_database_that_is_gone_is_told_with_when_to_come_again(program, mak, installation, exchange, monkeypatch):
    knock = program()

    def gone(*_):
        raise DatabaseUnavailable(Cause.UNREACHABLE)

    for door in ("read", "begin"):
        with monkeypatch.context() as patched:
            patched.setattr(type(exchange.database), door, gone)
            answer = knock.activate(installation(1, mak.key.serial))
        problem(answer, 503, "DATABASE_UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) > 0
    assert knock.activate(installation(1, mak.key.serial)).status_code == 201


@sqlite_only
def test_a_fault_of_ours_is_a_problem_with_the_request_s_name_and_no_more(program, monkeypatch):
    from structlog.testing import capture_logs

    from keys import belonging

    def broken(*_args, **_named):
        raise RuntimeError("secret 123456")

    monkeypatch.setattr(belonging, "own_keys", broken)
    with capture_logs() as logs:
        answer = program().get("/keys")
    facts = problem(answer, 500, "REQUEST_FAILED")
    assert "123456" not in str(facts)
    assert [(each["event"], each["request"]) for each in logs] == [("request_failed", answer.headers["X-Request-Id"])]


@sqlite_only
def test_every_answer_names_its_request_and_is_kept_by_nobody(program):
    seen = set()
    knock = program()
    for answer in (knock.get("/keys"), knock.get("/keys"), knock.get("/keys/1-1"), knock.activate("1")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        seen.add(answer.headers["X-Request-Id"])
    assert len(seen) == 4
    assert PREFIX == "/api/v1"
