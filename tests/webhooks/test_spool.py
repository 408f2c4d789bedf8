"""The spool: a promised call-back survives crashes, torn lines and drains at the same moment, and comes out once."""

import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.call_backs import Wish, note
from webhooks import spool

AT = datetime(2026, 11, 24, 12, 30, 0, 123456, tzinfo=UTC)


def wish(name="CA1"):
    return Wish(name, None, "+15550100", "gAAAAAB-sealed", AT, 24)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "spool"


def drained(folder):
    seen = []
    spool.drain(folder, seen.extend)
    return seen


@settings(max_examples=30, deadline=None)
@given(
    st.builds(
        Wish,
        call_sid=st.text(st.characters(codec="utf-8"), max_size=40),
        case_id=st.one_of(st.none(), st.integers(0, 2**63 - 1)),
        line=st.text(max_size=10),
        number_sealed=st.text(max_size=60),
        wished_at=st.datetimes(timezones=st.just(UTC)),
        hours=st.integers(1, 168),
    )
)
def test_a_wish_comes_out_as_it_was_put_in(tmp_path_factory, put_in):
    folder = tmp_path_factory.mktemp("spool")
    spool.put(folder, put_in)
    assert drained(folder) == [put_in]


def test_wishes_come_out_in_order_and_once(folder):
    for number in range(20):
        spool.put(folder, wish(f"CA{number}"))
    assert drained(folder) == [wish(f"CA{number}") for number in range(20)]
    assert drained(folder) == []
    assert list(folder.iterdir()) == []


def test_an_empty_spool_is_no_trouble(folder):
    assert spool.drain(folder, lambda _: pytest.fail("there is nothing")) == 0


def test_nobody_else_can_read_it(folder):
    spool.put(folder, wish())
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_could_not_be_noted_is_noted_the_next_time(folder):
    spool.put(folder, wish("CA1"))

    def fail(_wishes):
        raise ConnectionError

    for _ in range(3):
        with pytest.raises(ConnectionError):
            spool.drain(folder, fail)
    spool.put(folder, wish("CA2"))
    assert drained(folder) == [wish("CA1"), wish("CA2")]
    assert drained(folder) == []


def test_a_crash_between_noting_and_forgetting_gives_one_row(folder, database, rows):
    spool.put(folder, wish("CA1"))
    spool.put(folder, wish("CA2"))

    class CrashError(Exception):
        pass

    def note_all(wishes):
        with database.begin() as connection:
            for one in wishes:
                note(connection, one)

    def note_and_crash(wishes):
        note_all(wishes)
        raise CrashError

    with pytest.raises(CrashError):
        spool.drain(folder, note_and_crash)
    assert spool.drain(folder, note_all) == 2
    assert [row["call_sid"] for row in rows("call_backs")] == ["CA1", "CA2"]
    assert {row["due_at"] for row in rows("call_backs")} <= {
        AT + timedelta(hours=24),
        (AT + timedelta(hours=24)).replace(tzinfo=None),  # as SQLite shows it to one who does not know the column
    }


@pytest.mark.parametrize("kept", [0, 1, 40, -2])
def test_a_line_torn_by_a_crash_is_passed_over_and_takes_no_other_with_it(folder, kept, caplog):
    spool.put(folder, wish("CA1"))
    spool.put(folder, wish("CA2"))
    (file,) = folder.iterdir()
    whole = file.read_bytes().rstrip(b"\n")
    first = whole.rindex(b"{")
    file.write_bytes(whole[: first + kept] if kept >= 0 else whole[:kept])
    spool.put(folder, wish("CA3"))  # after the crash, another caller is promised a call
    assert drained(folder) == [wish("CA1"), wish("CA3")]
    assert "gAAAAAB" not in caplog.text


@pytest.mark.parametrize(
    "line", ["", "[]", "7", "null", '"x"', "{}", '{"call_sid": "CA9"}', "\x00\x00", '{"wished_at": 5}', "\ufffd"]
)
def test_a_line_that_is_no_wish_is_passed_over(folder, line):
    spool.put(folder, wish("CA1"))
    (file,) = folder.iterdir()
    with file.open("a") as end:
        end.write(line + "\n")
    spool.put(folder, wish("CA2"))
    assert drained(folder) == [wish("CA1"), wish("CA2")]


def test_bytes_that_are_no_text_are_passed_over(folder):
    spool.put(folder, wish("CA1"))
    (file,) = folder.iterdir()
    with file.open("ab") as end:
        end.write(b"\xff\xfe\x00{\n")
    assert drained(folder) == [wish("CA1")]


def test_no_wish_is_lost_or_doubled_while_others_drain(folder):
    """Callers put and drains run at the same moments; nothing falls between setting the file aside and reading it."""
    seen, done = [], threading.Event()
    folder.mkdir(parents=True)

    def put_many(name):
        for number in range(60):
            spool.put(folder, wish(f"{name}x{number}"))

    def drain_on():
        while not done.is_set():
            spool.drain(folder, seen.extend)

    putting = [threading.Thread(target=put_many, args=(f"CA{name}",)) for name in range(4)]
    draining = [threading.Thread(target=drain_on) for _ in range(2)]
    for thread in putting + draining:
        thread.start()
    for thread in putting:
        thread.join()
    done.set()
    for thread in draining:
        thread.join()
    spool.drain(folder, seen.extend)
    assert {one.call_sid for one in seen} == {f"CA{name}x{number}" for name in range(4) for number in range(60)}


def test_a_full_disk_is_said_and_not_taken_for_noted(folder):
    folder.mkdir(parents=True)
    (folder / "wishes.jsonl").symlink_to("/dev/full")
    with pytest.raises(OSError, match="space"):
        spool.put(folder, wish())


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        spool.put(tmp_path / "file", wish())
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_texts_and_wishes_are_spooled_apart(folder):
    spool.put(folder, wish("CA1"))
    for number in range(3):
        spool.put_text(folder, f"sealed {number}")
    texts = []
    assert (spool.drain_texts(folder, texts.extend), texts) == (3, ["sealed 0", "sealed 1", "sealed 2"])
    assert drained(folder) == [wish("CA1")]
    assert list(folder.iterdir()) == []
