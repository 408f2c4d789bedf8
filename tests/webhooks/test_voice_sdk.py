"""The browser telephone's library: the pinned version is kept, anything else is not, and each failure has its words."""

import base64
import hashlib
import io
import tarfile

import pytest

from webhooks import voice_sdk
from webhooks.desk import asgi
from webhooks.settings import SettingError, load
from webhooks.voice_sdk import Cause, VoiceSdkError, fetch, place_in, read

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SCRIPT = b"window.Twilio = {};"


def package(script=SCRIPT):
    """A package as npm packs it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        member = tarfile.TarInfo(voice_sdk.SCRIPT)
        member.size = len(script)
        archive.addfile(member, io.BytesIO(script))
    return content.getvalue()


@pytest.fixture
def packed(monkeypatch):
    """What npm gives; the sums are those of a package of ours."""
    content = package()
    monkeypatch.setattr(voice_sdk, "INTEGRITY", "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode())
    monkeypatch.setattr(voice_sdk, "SCRIPT_SUM", hashlib.sha512(SCRIPT).hexdigest())

    def pack(given=content):
        def into(folder):
            file = folder / "package.tgz"
            file.write_bytes(given)
            return file

        return into

    return pack


@pytest.fixture
def folder(tmp_path, touchtone):
    assert touchtone("db", "upgrade").status == 0
    return tmp_path / "data"


def test_the_pinned_version_is_kept_under_its_number(folder, packed):
    assert read(folder) is None
    assert fetch(folder, packed()) == folder / f"voice-sdk-{voice_sdk.VERSION}.js"
    assert read(folder) == SCRIPT


def test_another_package_of_the_same_name_is_not_kept(folder, packed):
    fetch(folder, packed())
    with pytest.raises(VoiceSdkError) as error:
        fetch(folder, packed(package(b"steal()")))
    assert error.value.cause is Cause.NOT_AS_PINNED
    assert read(folder) == SCRIPT


def test_a_library_that_was_changed_in_its_folder_keeps_the_desk_from_starting(folder, packed, monkeypatch):
    monkeypatch.setenv("TWILIO_API_KEY", "SK" + "1" * 32)
    monkeypatch.setenv("TWILIO_API_SECRET", "secret")
    (folder / "lines.toml").write_text('[[line]]\nnumber = "+15550100"\nname = "Line"\ncountry = "US"\n')
    assert asgi.open_desk(load()).voice is None
    fetch(folder, packed())
    voice = asgi.open_desk(load()).voice
    assert (voice.script, voice.account_sid) == (SCRIPT, "AC" + "0" * 32)
    assert "secret" not in repr(voice)
    place_in(folder).write_bytes(SCRIPT + b"steal()")
    with pytest.raises(SettingError, match="run `touchtone twilio voice-sdk` again"):
        asgi.open_desk(load())
    monkeypatch.delenv("TWILIO_API_KEY")
    monkeypatch.delenv("TWILIO_API_SECRET")
    assert asgi.open_desk(load()).voice is None


def test_without_npm_the_command_says_so(touchtone, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = touchtone("twilio", "voice-sdk")
    assert answer.status == 1
    assert answer.sighed.startswith("npm is needed to fetch @twilio/voice-sdk@2.18.5")
    assert touchtone("twilio", "voice-sdk", "--json").told["outcome"] == "NPM_MISSING"


@pytest.mark.parametrize(
    ("does", "said"),
    [("exit 1", "npm could not fetch"), ("echo x > $5/voice.tgz", "is not what this program was made for")],
)
def test_what_npm_does_wrong_is_said_and_nothing_is_kept(touchtone, monkeypatch, tmp_path, does, said):
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\n{does}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    answer = touchtone("twilio", "voice-sdk")
    assert (answer.status, said in answer.sighed) == (1, True)
    assert not list((tmp_path / "data").glob("voice-sdk*"))


def test_the_command_keeps_what_npm_gives(touchtone, packed, monkeypatch, tmp_path):
    (tmp_path / "there.tgz").write_bytes(package())
    monkeypatch.setattr(voice_sdk, "_npm_pack", lambda _folder: tmp_path / "there.tgz")
    answer = touchtone("twilio", "voice-sdk")
    assert answer.status == 0
    assert "It is used once TWILIO_API_KEY is set." in answer.said
    assert read(tmp_path / "data") == SCRIPT
    assert packed is not None
