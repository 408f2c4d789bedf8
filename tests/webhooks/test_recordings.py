"""Recorded prompts: what is recorded is played, all else is spoken, and no file in the folder can break a call."""

import io
import shutil
import threading
import time
import wave
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from ivr.actions import Listen, ReadBack, say
from ivr.answer import Answer
from ivr.lines import Line
from ivr.recorded import wanted
from ivr.states import QUICKEST, SLOWEST
from tests.conftest import CATALOGUES
from webhooks import background, recordings
from webhooks.app import open_recordings
from webhooks.recordings import LARGEST, PLAYED_AT, Shelf, Unusable, read_recordings
from webhooks.rehearsal.reading import LARGEST_DOCUMENT
from webhooks.rehearsal.twiml import check_document
from webhooks.settings import SettingError
from webhooks.twiml import Wording, render

from .conftest import PUBLIC_URL, Call, Door

ENGLISH = CATALOGUES["en-US"]
LINE = Line("+15550100", "Nordstern", "US", "en-US", 24)
EIGHT = ("112233", "000000", "999999", "123456", "654321", "101010", "987654", "314159")
ALL = sorted(wanted(ENGLISH))


def sound(note):
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, 8000, 0, "NONE", ""))
        written.writeframes(note.encode() * 400)
    return file.getvalue()


@pytest.fixture
def studio(tmp_path):
    """Records these names; gives the folder."""
    folder = tmp_path / "recordings"

    def record(*names, locale="en-US", suffix=".wav", content=None):
        (folder / locale).mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / locale / f"{name}{suffix}").write_bytes(sound(name) if content is None else content)
        return folder

    return record


def document(folder, spoken, blocks=EIGHT):
    wording = Wording(PUBLIC_URL, CATALOGUES, Shelf(folder, CATALOGUES))
    made = render(wording, LINE, Answer(3, spoken, "9123456785", "+14155550123", blocks))
    assert check_document(made) == []
    return ET.fromstring(made)


def order(document):
    """What is heard, in order: words that are said, and the names of what is played."""
    heard = [each for each in document.iter() if each.tag in {"Play", "Say"}]
    return [
        ("play", each.text.rpartition("/")[2])
        if each.tag == "Play"
        else ("say", " ".join("".join(each.itertext()).split()))
        for each in heard
    ]


def test_a_recorded_prompt_is_played_and_one_that_is_not_is_spoken(studio):
    folder = studio("opening.short")
    heard = order(document(folder, Listen((say("opening.short"), say("opening.help")), 6, "#", 8, 4)))
    assert [kind for kind, _ in heard] == ["play", "say"]
    assert heard[1][1] == ENGLISH.text("opening.help", None)


def test_facts_between_recorded_pieces_are_played_as_digits_or_said(studio):
    folder = studio("resume.group-1", "resume.group-2")
    asked = Listen((say("resume.group", group=4),), 6, "#", 8, 4)
    kinds = [kind for kind, _ in order(document(folder, asked))]
    assert kinds[:2] == ["say", "play"]  # the line's name, which nobody can record in advance
    named = Listen((say("wayon.case"),), 1, "", 6, 1)
    folder = studio("wayon.case-1", *(f"digit.{digit}" for digit in range(10)))
    heard = order(document(folder, named))
    assert [kind for kind, _ in heard] == ["play"] * (1 + 10 + 2)
    assert [name for _, name in heard if name.startswith("quiet-")] == [f"quiet-{ENGLISH.pause}.wav"] * 2


def test_where_a_piece_is_missing_the_whole_prompt_is_spoken(studio):
    folder = studio("group.repeated-1")
    assert [
        kind for kind, _ in order(document(folder, Listen((say("group.repeated", other=3, group=4),), 6, "#", 8, 4)))
    ] == ["say"]


def test_each_plural_form_has_a_recording_of_its_own(studio):
    folder = studio("group.short~1-1", "group.short~1-2", "group.short~1-3")
    several = order(document(folder, Listen((say("group.short", count=5, group=4),), 6, "#", 8, 4)))
    one = order(document(folder, Listen((say("group.short", count=1, group=4),), 6, "#", 8, 4)))
    assert "play" in {kind for kind, _ in several}
    assert {kind for kind, _ in one} == {"say"}


@pytest.mark.parametrize("pace", range(QUICKEST, SLOWEST + 1))
def test_all_that_can_be_recorded_is_played_within_the_provider_s_limit(studio, pace):
    folder = studio(*ALL)
    opening = (say("approved.again", count=8),)
    read = document(folder, ReadBack(opening, 1, 8, pace, (say("readback.menu.next"),)))
    assert len(ET.tostring(read)) < LARGEST_DOCUMENT / 2
    assert "say" not in {kind for kind, _ in order(read)}  # counts are digits, so nothing is left to say
    played = [name for kind, name in order(read) if kind == "play"]
    names = read_recordings(folder, CATALOGUES)
    digits = {names.file("en-US", f"digit.{digit}"): str(digit) for digit in range(10)}
    assert "".join(digits[name] for name in played if name in digits).endswith("".join(EIGHT))


@pytest.fixture
def recorded_line(exchange, studio):
    folder = studio(*ALL)
    wording = replace(exchange.wording, shelf=Shelf(folder, CATALOGUES))
    return replace(exchange, wording=wording)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_whatever_a_call_plays_can_be_fetched_by_anybody_and_kept(recorded_line, clock, groups):
    door = Door(recorded_line)
    call = Call(door, clock, "+14155550123")
    addresses = set()
    for group in groups:
        addresses |= {play.text for play in ET.fromstring(call.heard).iter("Play")}
        call.key(group)
    addresses |= {play.text for play in ET.fromstring(call.heard).iter("Play")}
    assert len(addresses) > 20
    for address in addresses:
        answer = door.client.get(address.removeprefix(PUBLIC_URL))
        assert (answer.status_code, answer.mimetype) == (200, "audio/wav"), address
        assert "immutable" in answer.headers["Cache-Control"]
        with wave.open(io.BytesIO(answer.data)) as played:
            assert played.getnframes() > 0


@pytest.mark.parametrize(
    "name",
    [
        "x.wav",
        "../secrets.toml",
        "..%2fsecrets.toml",
        "quiet-0.wav",
        "quiet-99999.wav",
        "quiet--1.wav",
        "opening.short.wav",
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_else_is_served(recorded_line, name):
    assert Door(recorded_line).client.get(f"{PLAYED_AT}/{name}").status_code == 404


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_recording_that_has_gone_since_the_start_is_not_found(recorded_line):
    name, file = next(iter(recorded_line.wording.shelf.now.files.items()))
    file.unlink()
    assert Door(recorded_line).client.get(f"{PLAYED_AT}/{name}").status_code == 404


def test_a_new_take_has_a_new_address(studio):
    first = read_recordings(studio("opening.short"), CATALOGUES).file("en-US", "opening.short")
    second = read_recordings(studio("opening.short", content=sound("better")), CATALOGUES).file(
        "en-US", "opening.short"
    )
    assert first != second


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_recording_that_is_overwritten_while_the_line_runs_is_heard_from_its_next_look_on(recorded_line, studio):
    shelf, client = recorded_line.wording.shelf, Door(recorded_line).client
    before = shelf.now.file("en-US", "opening.short")
    studio("opening.short", content=sound("a better one"))
    # A document that was told the old name a moment ago has it played, and nobody keeps that.
    answer = client.get(f"{PLAYED_AT}/{before}")
    assert (answer.data, answer.headers["Cache-Control"]) == (sound("a better one"), "no-store")
    shelf.look()
    assert shelf.now.file("en-US", "opening.short") == before  # it may be half written
    shelf.look()
    after = shelf.now.file("en-US", "opening.short")
    assert after != before
    answer = client.get(f"{PLAYED_AT}/{after}")
    assert (answer.data, "immutable" in answer.headers["Cache-Control"]) == (sound("a better one"), True)
    assert client.get(f"{PLAYED_AT}/{before}").status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_name_that_another_process_has_taken_up_first_is_found_at_once(recorded_line, studio):
    folder = studio("opening.short", content=sound("a better one"))
    name = Shelf(folder, CATALOGUES).now.file("en-US", "opening.short")
    assert Door(recorded_line).client.get(f"{PLAYED_AT}/{name}").data == sound("a better one")
    assert recorded_line.wording.shelf.now.file("en-US", "opening.short") != name  # we tell it after a look of our own


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_recording_that_is_half_written_is_not_played(recorded_line, studio):
    name = recorded_line.wording.shelf.now.file("en-US", "opening.short")
    studio("opening.short", content=sound("a better one")[:20])
    with capture_logs() as logged:
        assert Door(recorded_line).client.get(f"{PLAYED_AT}/{name}").status_code == 404
    assert [line["event"] for line in logged] == ["recording_gone"]


def test_what_is_added_and_taken_away_while_the_line_runs_is_played_and_spoken(studio):
    folder = studio("opening.short")
    wording = Wording(PUBLIC_URL, CATALOGUES, Shelf(folder, CATALOGUES))

    def heard():
        answer = Answer(
            3, Listen((say("opening.short"), say("opening.help")), 6, "#", 8, 4), "1", "+14155550123", EIGHT
        )
        return [kind for kind, _ in order(ET.fromstring(render(wording, LINE, answer)))]

    def looked():
        wording.shelf.look()
        wording.shelf.look()

    assert heard() == ["play", "say"]
    studio("opening.help")
    (folder / "en-US" / "opening.short.wav").unlink()
    looked()
    assert heard() == ["say", "play"]
    studio("opening.helf")
    with capture_logs() as logged:
        looked()
        looked()
    assert [(line["event"], line["why"]) for line in logged] == [("recording_not_used", "WRONG_NAME")]
    shutil.rmtree(folder)
    with capture_logs() as logged:
        looked()
    assert [(line["event"], line["why"]) for line in logged] == [("recording_not_used", "UNREADABLE")]
    assert heard() == ["say", "say"]
    studio("opening.short")
    looked()
    assert heard() == ["play", "say"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_work_beside_the_calls_looks_at_the_recordings(recorded_line, studio, tmp_path, monkeypatch):
    monkeypatch.setattr(recordings, "LOOK_SECONDS", 0.0)
    shelf, stop = recorded_line.wording.shelf, threading.Event()
    before = shelf.now
    thread = threading.Thread(target=background.run, args=(recorded_line, tmp_path / "roots", stop))
    studio("opening.short", content=sound("a better one"))
    thread.start()
    patience = time.monotonic() + 20
    while shelf.now is before and time.monotonic() < patience:
        time.sleep(0.05)
    stop.set()
    thread.join()
    assert shelf.now is not before


def test_a_file_that_cannot_be_played_is_left_out_with_its_reason(studio):
    folder = studio("opening.short", "opening.help")
    studio("opening.shrt", "word.new", "opening.first")
    studio("opening.silent", content=b"RIFF and no more")
    studio("opening.anew", content=b"")
    studio("opening.next", suffix=".mp3", content=b"no tag and no frame")
    studio("opening.short", suffix=".mp3", content=b"ID3" + bytes(40))
    studio("opening.short", locale="xx-XX")
    studio("group.restart", suffix=".ogg")
    with (folder / "en-US" / "case.ask.wav").open("wb") as huge:
        huge.truncate(LARGEST + 1)
    (folder / "en-US" / "case.wrong.wav").symlink_to(folder / "nowhere.wav")
    (folder / "notes.txt").write_text("for the studio")
    (folder / "en-US" / ".DS_Store").write_bytes(b"x")
    found = read_recordings(folder, CATALOGUES)
    assert set(found.names) == {("en-US", "opening.short"), ("en-US", "opening.help")}
    assert sorted((fault.file.name, fault.why) for fault in found.faults) == [
        ("case.ask.wav", Unusable.TOO_LARGE),
        ("case.wrong.wav", Unusable.UNREADABLE),
        ("group.restart.ogg", Unusable.WRONG_NAME),
        ("notes.txt", Unusable.WRONG_NAME),
        ("opening.anew.wav", Unusable.NO_AUDIO),
        ("opening.first.wav", Unusable.WRONG_NAME),
        ("opening.next.mp3", Unusable.NO_AUDIO),
        ("opening.short.wav", Unusable.TWICE),
        ("opening.short.wav", Unusable.WRONG_NAME),
        ("opening.shrt.wav", Unusable.WRONG_NAME),
        ("opening.silent.wav", Unusable.NO_AUDIO),
        ("word.new.wav", Unusable.WRONG_NAME),
    ]


def test_a_folder_that_is_not_there_stops_the_start_with_a_sentence(tmp_path):
    class Found:
        recordings_dir = tmp_path / "nowhere"

    with pytest.raises(SettingError, match=r"^TOUCHTONE_RECORDINGS_DIR names .*nowhere, which cannot be read"):
        open_recordings(Found(), CATALOGUES)
