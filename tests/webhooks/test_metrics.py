"""Metrics: what happened is counted once, what waits is measured, nobody but the token's bearer reads it, and no label
holds what is a caller's."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, text, update
from structlog.testing import capture_logs

from ivr import standing
from ivr.outbox import TextState, outbox
from keys.database import Database
from keys.entries import entries
from keys.groups import split
from keys.installation_id import encode
from keys.refusals import Refusal
from keys.seals import seal, tail
from webhooks.app import create_app
from webhooks.beats import Beats
from webhooks.health import Watch
from webhooks.metrics import COUNTED
from webhooks.metrics_page import Seldom

TOKEN = "read-the-metrics-0123456789"


def sample(name, **labels):
    """What a counter stands at now; the tests of one process share it, so differences are what counts."""
    return COUNTED.get_sample_value(name, labels) or 0.0


@pytest.fixture
def watched(exchange, tmp_path):
    """An app that is watched, and its metrics as `scraped()` gives them: {(name, labels): value}."""
    app = create_app(exchange, watch=Watch(tmp_path, tmp_path / "node", Beats(), TOKEN))
    client = app.test_client()

    def scraped(token=TOKEN):
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert answer.mimetype == "text/plain"
        families = text_string_to_metric_families(answer.text)
        return {(each.name, *sorted(each.labels.items())): each.value for family in families for each in family.samples}

    scraped.client, scraped.kept = client, app.extensions["metrics_kept"]
    return scraped


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("shown", ["", "Bearer ", f"Bearer {TOKEN}x", TOKEN[:-1], "Bearer \u00fc"])
def test_nobody_reads_the_metrics_without_the_token(watched, shown):
    before = sample("touchtone_requests_turned_away_total", door="metrics", reason="token")
    answer = watched.client.get("/metrics", headers={"Authorization": shown})
    assert (answer.status_code, "touchtone" in answer.text) == (403, False)
    assert sample("touchtone_requests_turned_away_total", door="metrics", reason="token") == before + 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_where_no_token_is_set_nobody_reads_them_at_all(exchange, tmp_path):
    for watch in (None, Watch(tmp_path, tmp_path)):
        client = create_app(exchange, watch=watch).test_client()
        for shown in ("", "Bearer ", "Bearer None"):
            assert client.get("/metrics", headers={"Authorization": shown}).status_code == 403


def test_a_whole_call_is_counted_turn_by_turn_and_its_activation_once(ring, groups, watched):
    names = ("listen", "read_back")
    before = {name: sample("touchtone_turn_seconds_count", channel="phone", outcome=name) for name in names}
    fresh = {"channel": "phone", "replay": "no"}
    activated = sample("touchtone_activations_total", **fresh)
    call = ring("+14155550123")
    for group in groups:
        call.key(group)
    assert "Approved" in call.words
    last = call.actions[-1]
    call.post(last.replace("/turn/", "/turn/9"), Digits="")  # out of order: the stored reply, and nothing to count
    after = {name: sample("touchtone_turn_seconds_count", channel="phone", outcome=name) for name in names}
    assert after["listen"] - before["listen"] == 9
    assert after["read_back"] - before["read_back"] == 2
    assert sample("touchtone_activations_total", **fresh) == activated + 1
    told = watched()
    assert told["touchtone_unsealed_entries",] > 0
    assert told["touchtone_database_up",] == 1


def test_a_refusal_is_counted_by_its_reason_and_a_guesser_who_waits_as_throttled(ring, mak, installation):
    genuine = installation(1, mak.key.serial)
    wrong_groups = split(encode(replace(genuine, proof=genuine.proof ^ 1)))
    of = {"channel": "phone", "refusal": Refusal.PROOF_WRONG.value}
    before = sample("touchtone_refusals_total", **of)
    waits = sample("touchtone_throttled_total", what="guessing")
    for _ in range(6):
        call = ring("+14155550123")
        for group in wrong_groups:
            call.key(group)
    assert sample("touchtone_refusals_total", **of) == before + 5
    assert sample("touchtone_throttled_total", what="guessing") == waits + 1


def test_an_activation_by_text_is_counted_like_one_by_telephone(texts, groups):
    before = sample("touchtone_activations_total", channel="text", replay="no")
    again = sample("touchtone_activations_total", channel="text", replay="yes")
    turns = sample("touchtone_turn_seconds_count", channel="text", outcome="answered")
    texts.send(" ".join(groups))
    texts.send(" ".join(groups))
    assert sample("touchtone_activations_total", channel="text", replay="no") == before + 1
    assert sample("touchtone_activations_total", channel="text", replay="yes") == again + 1
    assert sample("touchtone_turn_seconds_count", channel="text", outcome="answered") == turns + 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_fails_for_want_of_the_database_is_counted_and_the_scrape_still_answers(ring, door_of, exchange, tmp_path):
    call = ring("+14155550123")
    gone = Database("postgresql://line@127.0.0.1:1/ledger", patience=2.4)
    before = {
        "turn": sample("touchtone_turn_seconds_count", channel="phone", outcome="no_database"),
        "failure": sample("touchtone_database_failures_total", door="voice", cause="unreachable"),
        "apology": sample("touchtone_fallback_documents_total", door="voice"),
        "spooled": sample("touchtone_call_back_wishes_spooled_total", fault="DatabaseUnavailable"),
    }
    call.door = door_of(exchange, database=gone)
    call.key("123456")
    call.key("1")
    assert "call you back" in call.words
    assert sample("touchtone_turn_seconds_count", channel="phone", outcome="no_database") == before["turn"] + 1
    assert sample("touchtone_database_failures_total", door="voice", cause="unreachable") == before["failure"] + 1
    assert sample("touchtone_fallback_documents_total", door="voice") == before["apology"] + 1
    spooled = sample("touchtone_call_back_wishes_spooled_total", fault="DatabaseUnavailable")
    assert spooled == before["spooled"] + 1
    app = create_app(call.door.exchange, watch=Watch(tmp_path, tmp_path / "node", Beats(), TOKEN))
    said = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    told = {each.name: each.value for family in text_string_to_metric_families(said) for each in family.samples}
    assert told["touchtone_database_up"] == 0
    assert told["touchtone_spool_bytes"] > 0
    assert "touchtone_cases_waiting" not in told
    gone.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_request_without_a_signature_or_with_a_wrong_one_is_counted_apart(knock, ring):
    def turned_away():
        reasons = ("signature_missing", "signature_refused", "account_refused")
        return [sample("touchtone_requests_turned_away_total", door="twilio", reason=each) for each in reasons]

    call, before = ring("+14155550123"), turned_away()
    knock("/voice/incoming", call.form(), signed=False)
    knock("/voice/incoming", call.form(), signed="f" * 32)
    knock("/voice/incoming", call.form(AccountSid="AC" + "9" * 32))
    assert turned_away() == [each + 1 for each in before]


def test_what_waits_is_measured_with_its_age(texts, groups, exchange, clock, database, watched):
    texts.send(" ".join(groups))
    texts.send("AGENT")
    with database.begin() as connection:
        connection.execute(update(outbox).values(state=TextState.QUEUED, due_at=clock.now))
        seal(connection, exchange.secrets.ledger_key)
    clock.sleep(90)
    told = watched()
    many = told["touchtone_texts_due",]
    assert many == 2
    assert told["touchtone_texts_due_oldest_seconds",] == 90
    assert told["touchtone_unsealed_entries",] == 0
    assert told["touchtone_operators", ("presence", "available")] == 0
    waiting = told["touchtone_cases_waiting",] + told["touchtone_call_backs",]
    assert waiting == 1
    with database.begin() as connection:
        connection.execute(update(outbox).values(state=TextState.FAILED))
    assert watched()["touchtone_texts_failed",] == 2
    clock.now += timedelta(days=2)
    assert watched()["touchtone_texts_failed",] == 0


def test_the_tail_is_what_a_pass_of_sealing_would_find(mak, exchange, database, issue_key):
    del mak
    with database.begin() as connection:
        made = tail(connection)
        assert made.many > 0
        assert made.oldest == connection.execute(entries.select().order_by(entries.c.id)).first().at
        seal(connection, exchange.secrets.ledger_key)
        assert (tail(connection).many, tail(connection).oldest) == (0, None)
    issue_key()
    with database.read() as connection:
        assert tail(connection).many == 1


def test_a_key_that_runs_low_is_seen_and_one_for_a_single_machine_is_not(issue_key, database):
    for granted in (1, 10, 20):
        issue_key(granted=granted)
    with database.begin() as connection:
        assert standing.read_allowances(connection) == standing.Allowances(0, 0)
        connection.exec_driver_sql("UPDATE allowances SET posted = granted WHERE granted IN (1, 10)")
        connection.exec_driver_sql("UPDATE allowances SET posted = 18 WHERE granted = 20")
        assert standing.read_allowances(connection) == standing.Allowances(low=2, used_up=1)


def test_a_scrape_only_reads_and_looks_at_every_key_now_and_then_alone(watched, database):
    said = []
    for engine in {database.engine, database._readers}:
        event.listen(engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    watched()
    first = len(said)
    assert any("FROM allowances" in each for each in said)
    assert not [each for each in said if re.match(r"\s*(INSERT|UPDATE|DELETE)", each)]
    watched()
    again = said[first:]
    assert 10 <= len([each for each in again if "SAVEPOINT" not in each]) <= 16
    assert not any("FROM allowances" in each for each in again)


def test_where_the_schema_does_not_fit_the_rest_is_told_and_what_is_missing_is_said_once(watched, database):
    whole = watched()
    assert whole["touchtone_measures_missing",] == 0
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE call_backs RENAME COLUMN due_at TO due_later"))
        connection.execute(text("ALTER TABLE allowances RENAME TO allowances_away"))
    watched.kept.keys = Seldom()
    try:
        with capture_logs() as logged:
            told, again = watched(), watched()
    finally:
        with database.engine.begin() as connection:
            connection.execute(text("ALTER TABLE call_backs RENAME COLUMN due_later TO due_at"))
            connection.execute(text("ALTER TABLE allowances_away RENAME TO allowances"))
    ours = {name for name in whole if name[0].startswith("touchtone_")}
    gone = {
        "touchtone_call_backs",
        "touchtone_call_backs_oldest_seconds",
        "touchtone_keys_low",
        "touchtone_keys_used_up",
    }
    assert {name for name, *_ in ours - set(told)} == gone
    assert (told["touchtone_database_up",], told["touchtone_measures_missing",]) == (1, 2)
    assert set(again) == set(told)
    (line,) = [line for line in logged if line["event"] == "measures_missing"]
    assert set(line["missing"]) == {"call_backs", "keys"}
    assert "due_at" in line["missing"]["call_backs"]
    with capture_logs() as logged:
        after = watched()
    assert (set(after), after["touchtone_measures_missing",], logged) == (set(whole), 0, [])


def test_nothing_that_grows_with_the_calls_is_read_through_for_a_scrape(mak, exchange, database):
    """By the plan; operators, of whom there are as many as people, are looked at whole."""
    del mak
    with database.begin() as connection:
        seal(connection, exchange.secrets.ledger_key)  # before the first pass the whole journal is the tail
    plan = []

    def explain(_connection, cursor, statement, parameters, *_):
        if statement.startswith("SELECT"):
            how = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
            plan.extend(str(row[-1]) for row in cursor.execute(how + statement, parameters).fetchall())

    with database.read() as connection:
        if database.dialect == "postgresql":  # of an empty table it would read the one page
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        event.listen(connection, "before_cursor_execute", explain)
        standing.read(connection, exchange.now())
    walked = {found[1] for line in plan if (found := re.search(r"(?:^SCAN|Seq Scan on) (\w+)(?!.* USING)", line))}
    assert walked <= {"operators"}
    assert any("ix_call_backs_owed" in line for line in plan)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_label_holds_a_number_a_key_or_an_id(ring, groups, watched, texts):
    call = ring("+14155550123")
    for group in groups:
        call.key(group)
    texts.send("AGENT")
    for name, *labels in watched():
        for label, value in labels:
            fits = r"[0-9.e+-]+|\+Inf" if label == "le" else r"[A-Za-z_.0-9]{1,40}"
            assert re.fullmatch(fits, value), (name, label, value)
            assert label in {"le", "status", "version"} or not re.search(r"\d", value), (name, label, value)
