"""The live stream: every desk hears of a change within a second, hears what it missed, and the dead are dropped."""

import asyncio
import json
import re
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from ivr import calls, desk_entries, logins, operators, queue
from ivr.operators import Presence
from webhooks.desk import duties, live, sheets
from webhooks.desk.app import create_desk
from webhooks.desk.asgi import Application
from webhooks.desk.live import Live

TOKEN = "a-token-that-only-the-tests-know"


class Browser:
    """An open stream: what was heard on it, and its end."""

    def __init__(self, application, token, last=None, query=""):
        self.heard, self.status, self.stuck = "", None, False
        self.left = asyncio.Event()
        headers = [(b"cookie", f"touchtone_desk={token}".encode())]
        headers += [(b"last-event-id", last.encode())] if last else []
        scope = {"type": "http", "method": "GET", "path": "/desk/live", "headers": headers}
        scope["query_string"] = query.encode()
        self.task = asyncio.create_task(application(scope, self.receive, self.send))

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if self.stuck:
            await asyncio.Event().wait()
        self.status = message.get("status", self.status)
        self.heard += message.get("body", b"").decode()

    def boards(self):
        """What was told of the queue."""
        return [json.loads(told) for told in re.findall(r"event: board\ndata: (.*)\n", self.heard)]

    async def until(self, words, within=5.0):
        """Wait until the words were heard; how long it took."""
        began = time.monotonic()
        while words not in self.heard:
            if self.task.done():
                self.task.result()
            assert time.monotonic() - began < within, (self.status, self.heard, self.task)
            await asyncio.sleep(0.01)
        return time.monotonic() - began

    async def leave(self):
        self.left.set()
        await asyncio.wait_for(self.task, 2)


@pytest.fixture
def opened(desk, add_operator, database, clock):
    """The live stream's application, and the token of one who is logged in."""
    anna = add_operator("Anna Berg")
    with database.begin() as connection:
        logins.open_login(connection, anna.id, TOKEN, address="", browser="", now=clock.now)
    return Live(desk, create_desk(desk))


def note(database, clock, kind="entered", handoff=7):
    with database.begin() as connection:
        queue.note(connection, kind, clock.now, handoff, 3)


def test_two_desks_both_hear_of_a_change_within_a_second(opened, database, clock):
    async def scene():
        first, second = Browser(opened, TOKEN), Browser(opened, TOKEN)
        await first.until("event: hello")
        await second.until("event: hello")
        await asyncio.to_thread(note, database, clock)
        told = json.dumps({"kind": "entered", "handoff": 7, "case": 3})
        assert max(await first.until(told), await second.until(told)) < 1.0
        assert first.heard.count(told) == second.heard.count(told) == 1
        await first.leave()
        assert len(opened.listeners) == 1
        await second.leave()
        assert not opened.listeners

    asyncio.run(scene())


def test_who_comes_back_hears_what_was_missed(opened, database, clock):
    async def scene():
        before = Browser(opened, TOKEN)
        await before.until("event: hello")
        last = before.heard.rpartition("id: ")[2].partition("\n")[0]
        await before.leave()
        for handoff in (11, 12):
            await asyncio.to_thread(note, database, clock, handoff=handoff)
        after = Browser(opened, TOKEN, last)
        await after.until("event: hello")
        assert [number for number in (10, 11, 12) if f'"handoff": {number}' in after.heard] == [11, 12]
        await after.leave()

    asyncio.run(scene())


def test_who_missed_too_much_or_says_nonsense_is_told_to_look_at_everything(opened, database, clock, monkeypatch):
    monkeypatch.setattr(live, "MOST_BEHIND", 3)

    async def scene():
        for handoff in range(5):
            await asyncio.to_thread(note, database, clock, handoff=handoff)
        for last in ("0", "-1", "x", "9" * 30, "²"):
            browser = Browser(opened, TOKEN, last)
            await browser.until("event: hello")
            assert "event: change" not in browser.heard
            await browser.leave()

    asyncio.run(scene())


@pytest.mark.parametrize("token", ["", "another token"])
def test_nobody_listens_who_is_not_logged_in(opened, token):
    async def scene():
        browser = Browser(opened, token)
        await browser.task
        assert (browser.status, browser.heard) == (401, "")

    asyncio.run(scene())


def test_who_is_logged_out_is_told_so_at_the_next_look_and_hears_no_more(opened, database, clock, handoff, monkeypatch):
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.1)

    async def scene():
        browser = Browser(opened, TOKEN, query="queue=1")
        await browser.until("event: board")
        with database.begin() as connection:
            logins.revoke_all(connection, 1, clock.now)
        await asyncio.to_thread(handoff)
        await browser.until("event: gone")
        await asyncio.wait_for(browser.task, 2)
        assert browser.heard.count("event: board") == 1
        assert not opened.listeners

    asyncio.run(scene())


def test_a_stream_on_which_nothing_happens_says_that_it_is_still_there(opened, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.1)

    async def scene():
        browser = Browser(opened, TOKEN)
        await browser.until(": still here")
        await browser.leave()

    asyncio.run(scene())


def test_a_silent_stream_says_so_however_often_the_queue_is_looked_at_in_vain(opened, monkeypatch):
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", live.POLL_SECONDS * 2)

    async def scene():
        browser = Browser(opened, TOKEN)
        await browser.until(": still here")
        await browser.leave()

    asyncio.run(scene())


def test_many_streams_are_told_a_portion_after_the_other(opened, database, clock, monkeypatch):
    monkeypatch.setattr(live, "TELL_SECONDS", 1.0)
    monkeypatch.setattr(live, "PORTIONS", 5)

    async def scene():
        browsers = [Browser(opened, TOKEN) for _ in range(10)]
        for browser in browsers:
            await browser.until("event: waiting")
        await asyncio.to_thread(note, database, clock)
        told = []
        while sum(told) < len(browsers):
            told.append(sum("event: change" in browser.heard for browser in browsers) - sum(told))
            await asyncio.sleep(0.01)
        assert max(told) <= 2
        for browser in browsers:
            await browser.leave()

    asyncio.run(scene())


def test_a_page_of_the_queue_is_told_the_whole_and_then_what_is_new_of_it(opened, handoff):
    async def scene():
        await asyncio.to_thread(handoff)
        page, other = Browser(opened, TOKEN, query="queue=1&mark=old"), Browser(opened, TOKEN)
        await page.until("event: board")
        await other.until("event: waiting\ndata: 1\n")
        (whole,) = page.boards()
        assert (whole["was"], whole["order"], list(whole["rows"])) == (None, [1], ["1"])
        assert 'id="claim-1"' in whole["rows"]["1"]
        assert "1</span> waiting" in whole["parts"]["board-said"]
        entered = await asyncio.to_thread(handoff)
        assert await page.until(f'id=\\"claim-{entered.id}') < 1.0
        _, new = page.boards()
        assert (new["was"], new["order"], list(new["rows"])) == (whole["is"], [1, 2], ["2"])
        assert list(new["parts"]) == ["board-said"]
        await other.until("event: waiting\ndata: 2\n")
        assert "event: board" not in other.heard
        await page.leave(), await other.leave()

    asyncio.run(scene())


def test_a_page_that_has_the_queue_already_is_not_sent_it_again(opened, handoff, desk_client, database, clock):
    async def scene():
        await asyncio.to_thread(handoff)
        mark = re.search(r'data-mark="(\w+)"', desk_client().get("/desk/queue").text).group(1)
        browser = Browser(opened, TOKEN, query=f"queue=1&mark={mark}")
        await browser.until("event: waiting")
        await asyncio.to_thread(note, database, clock, handoff=1)
        await browser.until("event: change")
        await asyncio.sleep(0.1)
        assert not browser.boards()
        await browser.leave()

    asyncio.run(scene())


def test_who_comes_after_a_while_is_not_told_what_was_there_when_the_last_one_left(opened, handoff, desk_client):
    async def scene():
        await asyncio.to_thread(handoff)
        before = Browser(opened, TOKEN, query="queue=1")
        await before.until("event: board")
        await before.leave()
        await asyncio.sleep(live.POLL_SECONDS * 2)
        await asyncio.to_thread(handoff)
        mark = re.search(r'data-mark="(\w+)"', desk_client().get("/desk/queue").text).group(1)
        after = Browser(opened, TOKEN, query=f"queue=1&mark={mark}")
        await after.until("event: waiting")
        assert "event: waiting\ndata: 1\n" not in after.heard
        assert all(len(told["order"]) == 2 for told in after.boards())
        await after.leave()

    asyncio.run(scene())


def test_each_page_is_told_what_it_shows_of_the_queue(opened, handoff):
    async def scene():
        called = await asyncio.to_thread(handoff)
        texted = await asyncio.to_thread(handoff, channel="text", caller="+14155550199")
        every, texts = Browser(opened, TOKEN, query="queue=1"), Browser(opened, TOKEN, query="queue=1&channel=text")
        await every.until("event: board"), await texts.until("event: board")
        assert (every.boards()[0]["order"], texts.boards()[0]["order"]) == ([called.id, texted.id], [texted.id])
        assert texts.boards()[0]["parts"]["board-said"].count("one shown") == 1
        await every.leave(), await texts.leave()

    asyncio.run(scene())


def test_a_change_is_looked_at_and_drawn_once_however_many_look(opened, handoff, monkeypatch):
    looks, drawn = [], []
    look, draw = sheets.look, sheets.render_template
    monkeypatch.setattr(sheets, "look", lambda *given: looks.append(1) or look(*given))
    monkeypatch.setattr(sheets, "render_template", lambda name, **facts: drawn.append(name) or draw(name, **facts))

    async def scene():
        for _ in range(3):
            await asyncio.to_thread(handoff)
        browsers = [Browser(opened, TOKEN, query="queue=1") for _ in range(20)]
        for browser in browsers:
            await browser.until("event: board")
        await asyncio.sleep(live.POLL_SECONDS * 2)
        looks.clear(), drawn.clear()
        entered = await asyncio.to_thread(handoff, caller="+14155550199")
        for browser in browsers:
            await browser.until(f'id=\\"claim-{entered.id}')
        assert len(looks) == 1
        assert sorted(drawn) == ["_board_beside.html", "_board_empty.html", "_board_row.html", "_board_said.html"]
        for browser in browsers:
            await browser.leave()

    asyncio.run(scene())


def test_what_nobody_tells_of_is_seen_within_seconds(opened, handoff, database, clock, monkeypatch):
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.5)

    async def scene():
        waits = await asyncio.to_thread(handoff)
        browser = Browser(opened, TOKEN, query="queue=1")
        await browser.until("event: board")
        clock.sleep(2)
        with database.begin() as connection:  # a dropped call whose end no callback told
            connection.execute(update(calls.calls).where(calls.calls.c.sid == waits.sid).values(ended_at=clock.now))
        await browser.until("hung up")
        await browser.leave()

    asyncio.run(scene())


def test_a_look_that_fails_is_not_the_last(opened, handoff, monkeypatch):
    push = sheets.Sheets.push
    fails = iter([True, False])

    def once(self, *given):
        if next(fails, False):
            raise RuntimeError
        push(self, *given)

    monkeypatch.setattr(sheets.Sheets, "push", once)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.1)

    async def scene():
        await asyncio.to_thread(handoff)
        browser = Browser(opened, TOKEN, query="queue=1")
        await browser.until("event: board", within=30)
        await browser.leave()

    asyncio.run(scene())


def test_a_browser_that_accepts_nothing_more_is_dropped(opened, database, clock, monkeypatch):
    monkeypatch.setattr(live, "PATIENCE_SECONDS", 0.2)

    async def scene():
        dead, well = Browser(opened, TOKEN), Browser(opened, TOKEN)
        await dead.until("event: hello")
        await well.until("event: hello")
        dead.stuck = True
        await asyncio.to_thread(note, database, clock)
        await well.until("event: change")
        await asyncio.wait_for(dead.task, 3)
        assert len(opened.listeners) == 1
        await well.leave()

    asyncio.run(scene())


def test_what_changes_once_a_stream_has_said_hello_is_told_however_late_the_first_look_is(
    opened, database, clock, monkeypatch
):
    look, noted = Live._read, asyncio.Event()

    async def late(self, *given):
        await noted.wait()
        await look(self, *given)

    monkeypatch.setattr(Live, "_read", late)

    async def scene():
        browser = Browser(opened, TOKEN)
        await browser.until("event: hello")
        await asyncio.to_thread(note, database, clock)
        noted.set()
        await browser.until("event: change")
        await browser.leave()

    asyncio.run(scene())


def test_two_hundred_streams_all_hear_within_a_second(opened, database, clock):
    async def scene():
        browsers = [Browser(opened, TOKEN) for _ in range(200)]
        for browser in browsers:
            await browser.until("event: hello", within=30)
        await asyncio.to_thread(note, database, clock)
        began = time.monotonic()
        for browser in browsers:
            await browser.until("event: change")
        assert time.monotonic() - began < 1.0
        for browser in browsers:
            await browser.leave()

    asyncio.run(scene())


def test_more_streams_than_may_be_are_turned_away(opened, monkeypatch):
    monkeypatch.setattr(live, "MOST_LISTENERS", 1)

    async def scene():
        first = Browser(opened, TOKEN)
        await first.until("event: hello")
        second = Browser(opened, TOKEN)
        await second.task
        assert second.status == 503
        await first.leave()

    asyncio.run(scene())


def test_pages_and_streams_come_from_one_application(desk):
    async def scene():
        application = Application(desk)
        answers = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            answers.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": "/desk/login",
            "raw_path": b"/desk/login",
            "root_path": "",
            "query_string": b"",
            "scheme": "http",
            "headers": [(b"host", b"desk.example")],
            "server": ("desk.example", 80),
            "client": ("127.0.0.1", 5),
        }
        await application(scope, receive, send)
        assert answers[0]["status"] == 200
        assert b"Touchtone desk" in b"".join(message.get("body", b"") for message in answers)

    asyncio.run(scene())


def test_the_case_of_a_silent_operator_goes_back_to_the_queue(desk, desk_client, handoff, database, clock, entries):
    anna = desk_client()
    waits = handoff()
    anna.post("/desk/claim", handoff=waits.id)
    for _ in range(10):
        clock.sleep(30)
        anna.post_part("/desk/seen")
        duties.look_after(desk)
    with database.read() as connection:
        assert queue.read(connection, waits.id).claimed_by == anna.operator.id
    clock.sleep(181)
    duties.look_after(desk)
    with database.read() as connection:
        assert queue.read(connection, waits.id).state == "waiting"
        assert operators.find(connection, "Anna Berg").presence == Presence.OFF
    assert [(row.name, row.details) for row in entries("returned")] == [("desk", '{"had": "Anna Berg"}')]


def test_who_was_sent_off_and_comes_back_is_away_until_they_say_otherwise(desk, desk_client, database, clock):
    anna = desk_client()
    clock.sleep(200)
    duties.look_after(desk)
    answer = anna.post_part("/desk/seen")
    assert "You are set to Away" in answer.headers["HX-Trigger"]
    with database.read() as connection:
        assert operators.find(connection, "Anna Berg").presence == Presence.AWAY
    assert anna.post_part("/desk/seen").status_code == 204


def test_changes_and_logins_are_forgotten_in_time_and_entries_never(desk, desk_client, database, clock, rows):
    desk_client()
    note(database, clock)
    clock.now += timedelta(days=43)
    duties.look_after(desk)
    assert rows("logins") == []
    assert [row["kind"] for row in rows("desk_events")] == ["presence"]
    assert [row["kind"] for row in rows(desk_entries.desk_entries.name)] == ["logged_in"]


def test_the_desk_outlives_a_round_that_fails(desk, monkeypatch):
    rounds, stop = [], threading.Event()
    monkeypatch.setattr(duties, "EVERY_SECONDS", 0.001)

    def fail(_):
        rounds.append(1)
        if len(rounds) == 3:
            stop.set()
        raise RuntimeError

    monkeypatch.setattr(duties, "look_after", fail)
    duties.run(replace(desk), stop)
    assert len(rounds) == 3
