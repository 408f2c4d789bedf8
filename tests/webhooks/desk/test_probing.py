"""Alive and ready: what a load balancer asks a desk, without a login and without learning anything."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import text

from keys.database import Database
from webhooks.beats import STUCK_SECONDS, Beats
from webhooks.desk import duties
from webhooks.desk.app import create_desk


def asked(desk, path):
    answer = create_desk(desk).test_client().get(path)
    assert answer.mimetype == "text/plain"
    return answer.status_code, answer.text


def test_a_desk_that_can_be_worked_at_is_alive_and_ready(desk_app):
    client = desk_app.test_client()
    for path, said in (("/healthz", "alive\n"), ("/readyz", "ready\n")):
        answer = client.get(path)
        assert (answer.status_code, answer.text, answer.mimetype) == (200, said, "text/plain")
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_desk_whose_database_is_gone_is_alive_and_not_ready(desk):
    gone = replace(desk, database=Database("postgresql://desk@127.0.0.1:1/ledger", patience=1.0))
    assert asked(gone, "/healthz") == (200, "alive\n")
    assert asked(gone, "/readyz") == (503, "not ready: database unreachable\n")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_desk_that_does_not_fit_the_schema_is_not_ready(desk, database):
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert asked(desk, "/readyz") == (503, "not ready: database not at this version\n")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_desk_whose_work_beside_the_pages_stands_still_is_not_ready_until_it_goes_on(desk, monkeypatch):
    at, stop = [0.0], threading.Event()
    watched = replace(desk, beats=Beats(clock=lambda: at[0]))
    monkeypatch.setattr(duties, "EVERY_SECONDS", 0.0)

    def round_that(work):
        stop.clear()
        monkeypatch.setattr(duties, "look_after", lambda _: (stop.set(), work()))
        duties.run(watched, stop)

    round_that(lambda: None)
    assert asked(watched, "/readyz") == (200, "ready\n")
    at[0] = STUCK_SECONDS + 1
    assert asked(watched, "/readyz") == (503, "not ready: stuck at looking_after_the_desk\n")
    monkeypatch.setattr(watched.beats, "expect", lambda *_: None)  # it began long ago
    round_that(lambda: 1 / 0)
    assert asked(watched, "/readyz")[0] == 503
    round_that(lambda: None)
    assert asked(watched, "/readyz") == (200, "ready\n")
