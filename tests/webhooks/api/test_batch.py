"""Thousands of installations in one request: an outcome for each, in order, and nothing taken twice."""

import json
import threading
import time
from collections import Counter

import pytest
from structlog.testing import capture_logs

from ivr import online
from ivr.guesses import FREE_OF_TOKEN
from keys import certificate
from keys.entries import of_key
from keys.groups import grouped
from keys.installation_id import encode
from keys.unavailable import Cause, DatabaseUnavailable
from tests.webhooks.api.conftest import Program
from tests.webhooks.api.test_activations import problem
from tests.webhooks.api.test_tokens import wrong
from webhooks.api import batch
from webhooks.api.batches import Batches
from webhooks.api.bodies import LARGEST_BATCH, MOST_LINES
from webhooks.api.guards import opened
from webhooks.app import create_app

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def fleet(issue_key, installation):
    """A key for so many, and that many machines of it."""

    def machines(count, granted=None):
        key = issue_key(granted=count if granted is None else granted).key
        return key, [installation(1, key.serial, nonce=nonce) for nonce in range(count)]

    return machines


def test_every_line_has_its_outcome_in_order(program, fleet, mak, installation, secrets, balance):
    key, iids = fleet(4)
    spoilt = grouped(encode(iids[1])).split()
    spoilt[3] = "12345"
    lines = [
        {"installation_id": grouped(encode(iids[0])), "reference": "bridge"},
        {"installation_id": " ".join(spoilt), "reference": "engine room"},
        {"installation_id": encode(iids[0]), "reference": "bridge"},
        {"installation_id": encode(wrong(installation(1, mak.key.serial)))},
        {"installation_id": ""},
        {"installation_id": encode(iids[2]), "reference": None},
    ]
    answer = program().post("/activations/batch", {"lines": lines})
    assert (answer.status_code, answer.mimetype) == (200, "application/x-ndjson")
    *told, end = [json.loads(line) for line in answer.text.splitlines()]
    assert end == {"done": True, "activated": 2, "replayed": 1, "refused": 1, "malformed": 2}
    assert [each["line"] for each in told] == list(range(6))
    assert [each["reference"] for each in told] == ["bridge", "engine room", "bridge", None, None, None]
    assert [each["outcome"] for each in told] == [
        *("activated", "malformed", "activated", "refused", "malformed", "activated")
    ]
    assert [each.get("replay") for each in told] == [False, None, True, None, None, False]
    assert told[2] == told[0] | {"line": 2, "replay": True}
    assert [each["group"] for each in told[1]["groups"]] == [4]
    assert told[1]["code"] == told[4]["code"] == "INSTALLATION_ID_WRONG"
    assert told[3]["code"] == "KEY_UNKNOWN"
    proven = certificate.verify(told[5]["certificate"], certificate.public_key(secrets.certificate_key))
    assert list(proven.confirmation_id) == told[5]["confirmation_id"]
    assert balance(key) == (0, 2, 2)


def test_a_key_for_so_many_activates_so_many_and_the_rest_is_told(program, fleet, balance, database):
    key, iids = fleet(250, granted=240)
    outcomes, end = program(name="fleet console").batch(iids)
    assert end == {"done": True, "activated": 240, "replayed": 0, "refused": 10, "malformed": 0}
    assert Counter(each.get("code") for each in outcomes) == {None: 240, "ALLOWANCE_EXHAUSTED": 10}
    assert balance(key) == (0, 240, 0)
    with database.read() as connection:
        written = of_key(connection, key.id)[1:]
    assert {(entry["channel"], entry["actor"]) for entry in written} == {("proxy", "fleet console")}
    assert len({entry["holder"] for entry in written}) == 1


def test_whoever_was_cut_off_sends_the_rest_again_and_nothing_is_taken_twice(program, fleet, balance, monkeypatch):
    monkeypatch.setattr(batch, "CHUNK_LINES", 10)
    key, iids = fleet(50)
    knock = program()
    lines = [{"installation_id": encode(each)} for each in iids]
    answer = knock.client.open(
        "/api/v1/activations/batch",
        method="POST",
        json={"lines": lines},
        headers={"Authorization": f"Bearer {knock.text}"},
        buffered=False,
    )
    chunks = answer.iter_encoded()
    heard = [json.loads(line) for line in next(chunks).splitlines() + next(chunks).splitlines()]
    assert [each["line"] for each in heard] == list(range(20))
    assert balance(key) == (0, 20, 30), "what was heard is committed, and nothing else was begun"
    answer.close()
    outcomes, end = knock.batch(iids[15:])
    assert end == {"done": True, "activated": 30, "replayed": 5, "refused": 0, "malformed": 0}
    assert [each["confirmation_id"] for each in outcomes[:5]] == [each["confirmation_id"] for each in heard[15:]]
    assert balance(key) == (0, 50, 0)


def test_as_many_batches_run_at_once_as_may_and_one_that_ends_makes_room(exchange, program, fleet, monkeypatch):
    monkeypatch.setattr(batch, "CHUNK_LINES", 1)
    _, iids = fleet(4)
    knock = Program(create_app(exchange, api=opened(600, 8)), program().text)
    body = {"lines": [{"installation_id": encode(each)} for each in iids]}

    def begun():
        headers = {"Authorization": f"Bearer {knock.text}"}
        answer = knock.client.post("/api/v1/activations/batch", json=body, headers=headers, buffered=False)
        return answer, answer.iter_encoded()

    first, second = begun(), begun()
    next(first[1])
    refused = knock.post("/activations/batch", body)
    problem(refused, 503, "BATCHES_BUSY")
    assert int(refused.headers["Retry-After"]) > 0
    assert knock.get("/keys").status_code == 200
    first[0].close()
    assert knock.batch(iids)[1]["done"] is True
    second[0].close()  # although nobody ever read from it
    assert [knock.batch(iids)[1]["replayed"] for _ in range(3)] == [4, 4, 4]


def test_chunks_go_one_at_a_time_and_leave_the_database_as_long_as_they_held_it(clock):
    slept = []

    def now():
        return clock.now.timestamp()

    def sleep(seconds):
        slept.append(seconds)
        clock.sleep(seconds)

    batches = Batches(8, now, sleep)
    for held in (0.25, 0.5):
        with batches.chunk():
            clock.sleep(held)
    clock.sleep(0.2)
    with batches.chunk():
        pass
    assert slept == pytest.approx([0, 0.25, 0.3])
    inside, most = [], []

    def one():
        with batches.chunk():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 6


@pytest.mark.parametrize(("threads", "at_once"), [(1, 0), (2, 1), (4, 1), (8, 2), (32, 8)])
def test_batches_hold_a_quarter_of_the_threads_and_never_the_last(threads, at_once):
    batches = Batches(threads)
    assert [batches.enter() for _ in range(at_once + 1)] == [True] * at_once + [False]
    if at_once:
        batches.leave()
        assert batches.enter()


@sqlite_only
def test_a_line_on_one_thread_leaves_it_to_the_calls(exchange, program, fleet):
    _, iids = fleet(1)
    alone = Program(create_app(exchange, api=opened(600, 1)), program().text)
    answer = alone.post("/activations/batch", {"lines": [{"installation_id": encode(iids[0])}]})
    problem(answer, 503, "BATCHES_BUSY")
    assert alone.activate(iids[0]).status_code == 201


def test_a_database_that_goes_away_in_the_middle_ends_the_answer_and_loses_nothing(
    program, fleet, balance, monkeypatch
):
    monkeypatch.setattr(batch, "CHUNK_LINES", 10)
    key, iids = fleet(30)
    real, calls = online.activate, []

    def failing(asking, some):
        calls.append(len(some))
        if len(calls) == 3:
            real(asking, some)
            raise DatabaseUnavailable(Cause.UNREACHABLE)
        return real(asking, some)

    monkeypatch.setattr(online, "activate", failing)
    knock = program()
    outcomes, end = knock.batch(iids)
    assert len(outcomes) == 20
    assert (end["done"], end["code"], end["activated"]) == (False, "DATABASE_UNAVAILABLE", 20)
    assert balance(key) == (0, 20, 10)
    assert knock.batch(iids)[1] == {"done": True, "activated": 10, "replayed": 20, "refused": 0, "malformed": 0}


@sqlite_only
def test_a_chunk_that_another_writer_keeps_from_its_locks_is_tried_again(program, fleet, balance, monkeypatch):
    key, iids = fleet(5)
    real, calls = online.activate, []

    def busy(asking, some):
        calls.append(len(some))
        done = real(asking, some)
        if len(calls) < batch.ATTEMPTS:
            raise DatabaseUnavailable(Cause.BUSY)
        return done

    monkeypatch.setattr(online, "activate", busy)
    assert program().batch(iids)[1]["activated"] == 5
    assert balance(key) == (0, 5, 0)


@sqlite_only
def test_a_fault_of_ours_is_logged_and_told_in_the_last_line(program, fleet, monkeypatch):
    def broken(*_):
        raise RuntimeError

    monkeypatch.setattr(online, "activate", broken)
    _, iids = fleet(2)
    with capture_logs() as logs:
        outcomes, end = program().batch(iids)
    assert (outcomes, end["done"], end["code"]) == ([], False, "REQUEST_FAILED")
    assert [entry["event"] for entry in logs] == ["batch_failed"]


@sqlite_only
def test_who_guesses_in_a_batch_is_stopped_within_it(program, mak, installation, balance):
    good = [installation(1, mak.key.serial, nonce=nonce) for nonce in (900, 901)]
    bad = [wrong(installation(1, mak.key.serial, nonce=nonce)) for nonce in range(FREE_OF_TOKEN + 20)]
    knock = program()
    outcomes, end = knock.batch([good[0], *bad, good[1]])
    assert Counter(each.get("code") for each in outcomes) == {
        None: 1, "KEY_UNKNOWN": FREE_OF_TOKEN + 1, "TOO_MANY_TRIES": 20,
    }  # fmt: skip
    assert outcomes[-1]["code"] == "TOO_MANY_TRIES", "what came after was not looked at"
    assert end["refused"] == FREE_OF_TOKEN + 21
    assert balance(mak.key) == (0, 1, 9)


@sqlite_only
def test_more_lines_or_bytes_than_a_batch_may_have_are_refused_whole(program, mak, installation, balance):
    knock, text = program(), encode(installation(1, mak.key.serial))
    problem(knock.post("/activations/batch", {"lines": []}), 422, "BODY_INVALID")
    many = {"lines": [{"installation_id": text}] * (MOST_LINES + 1)}
    problem(knock.post("/activations/batch", many), 422, "BODY_INVALID")
    long = {"lines": [{"installation_id": text, "reference": "r" * 65}]}
    assert "lines[0].reference" in problem(knock.post("/activations/batch", long), 422, "BODY_INVALID")["detail"]
    huge = b'{"lines":[' + b" " * LARGEST_BATCH + b"]}"
    answer = knock.open("POST", "/activations/batch", data=huge, content_type="application/json")
    problem(answer, 413, "BODY_TOO_LARGE")
    single = knock.open("POST", "/activations", data=b" " * 70_000, content_type="application/json")
    problem(single, 413, "BODY_TOO_LARGE")
    assert balance(mak.key) == (0, 0, 10)


@sqlite_only
def test_a_batch_may_be_larger_than_any_other_body(program, issue_key, installation):
    key = issue_key(granted=1).key
    lines = [{"installation_id": grouped(encode(installation(1, key.serial))), "reference": "é" * 60}] * 2000
    body = json.dumps({"lines": lines}).encode()
    assert len(body) > 512 * 1024
    answer = program().open("POST", "/activations/batch", data=body, content_type="application/json; charset=utf-8")
    end = json.loads(answer.text.splitlines()[-1])
    assert (end["activated"], end["replayed"]) == (1, 1999)


def test_installations_of_several_keys_and_formats_go_in_one_batch(program, issue_key, installation, balance):
    keys = [issue_key(product, granted=3).key for product in (1, 3, 7, 1)]
    iids = [installation(key.product, key.serial, nonce=nonce) for nonce in (1, 2, 3, 4) for key in keys]
    outcomes, end = program().batch(iids)
    assert (end["activated"], end["refused"]) == (12, 4)
    assert {len(each["confirmation_id"]) for each in outcomes[:12]} == {5, 8}
    assert [balance(key) for key in keys] == [(0, 3, 0)] * 4


@sqlite_only
def test_the_same_hardware_twice_in_a_batch_is_a_reactivation(program, fleet, installation, secrets):
    key, (iid, _) = fleet(2)
    outcomes, _ = program().batch([iid, installation(1, key.serial, nonce=77)])
    public = certificate.public_key(secrets.certificate_key)
    # Within one chunk both happen at the same moment: which of the two was first is the ledger's to say.
    assert {certificate.verify(each["certificate"], public).reactivation for each in outcomes} == {0, 1}
