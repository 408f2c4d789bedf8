"""What a publisher has recorded: audio files in a folder of the settings, one folder in it for each locale.

Rule: a recording that cannot be used is left out, so that its words are spoken, and `touchtone prompts check` says why.
A file is served under a name that is made of its content: nobody can ask for another, and a new take is a new name. A
running line takes a change up once the folder has stood still, and all of it at one moment.
"""

from __future__ import annotations

import hashlib
import io
import threading
import time
import wave
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import structlog

from ivr.prompts import Catalogue
from ivr.recorded import wanted

PLAYED_AT = "/voice/recorded"
LARGEST = 5 * 1024 * 1024
"""Bytes of one recording, at most: some two minutes of telephone sound, and no caller listens to more."""
KINDS = {".wav": "audio/wav", ".mp3": "audio/mpeg"}
"""What the provider plays, of what a studio hands over."""
LOOK_SECONDS = 20.0
"""How often a running line looks at the folder; a change that stood still from one look to the next is taken up."""
_AT_MOST_EVERY = 1.0

_log = structlog.get_logger(__name__)


class Unusable(StrEnum):
    """Why a file in the folder is not played."""

    WRONG_NAME = "WRONG_NAME"
    """No words of this locale have that name, or no locale has."""
    TOO_LARGE = "TOO_LARGE"
    NO_AUDIO = "NO_AUDIO"
    """It is empty, or not what its name ends in says."""
    UNREADABLE = "UNREADABLE"
    TWICE = "TWICE"
    """The same words as another kind of file, which is the one played."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One file that is not played."""

    file: Path
    why: Unusable


@dataclass(frozen=True, slots=True)
class Recordings:
    """What is recorded: by locale and name the file's name on the line, and by that name the file itself."""

    names: Mapping[tuple[str, str], str]
    files: Mapping[str, Path]
    faults: tuple[Fault, ...] = ()

    @property
    def locales(self) -> frozenset[str]:
        """The locales for which anything is recorded."""
        return frozenset(locale for locale, _ in self.names)

    def file(self, locale: str, name: str) -> str | None:
        """Under which name the recording is served; None where there is none."""
        return self.names.get((locale, name))


NONE_RECORDED = Recordings({}, {})


class Shelf:
    """The folder of a running line, looked at again and again; `now` is what is played."""

    def __init__(self, folder: Path, catalogues: Mapping[str, Catalogue]) -> None:
        """Take up what is there. Raises OSError where the folder cannot be read."""
        self._folder, self._catalogues = folder, catalogues
        self._lock = threading.Lock()
        self._asked = 0.0
        self._taken = self._seen = _stamps(folder)
        self.now = NONE_RECORDED
        self._take_up(read_recordings(folder, catalogues))

    def look(self) -> None:
        """Take up what has changed, if it was so at the last look too: it may be half written.

        Where the folder cannot be read any more, nothing is recorded.
        """
        with self._lock:
            try:
                stamps = _stamps(self._folder)
                if stamps != self._taken and stamps == self._seen:
                    self._take_up(read_recordings(self._folder, self._catalogues))
                    self._taken = stamps
            except OSError:
                stamps = self._taken = {}
                self._take_up(Recordings({}, {}, (Fault(self._folder, Unusable.UNREADABLE),)))
            self._seen = stamps

    def file(self, name: str) -> Path | None:
        """The file that was, or is, served under a name. One we do not know another process may have taken up first."""
        if name not in self.now.files and time.monotonic() - self._asked > _AT_MOST_EVERY:
            self._asked = time.monotonic()
            with self._lock, suppress(OSError):
                if _stamps(self._folder) != self._taken:
                    found = read_recordings(self._folder, self._catalogues)
                    self.now = replace(self.now, files={**self.now.files, **found.files})
        return self.now.files.get(name)

    def _take_up(self, found: Recordings) -> None:
        """From now on these; names that were told a moment ago are asked for still."""
        for fault in found.faults:
            if fault not in self.now.faults:
                _log.warning("recording_not_used", file=str(fault.file), why=fault.why.value)
        self.now = Recordings(found.names, {**self.now.files, **found.files}, found.faults)


def read_recordings(folder: Path, catalogues: Mapping[str, Catalogue]) -> Recordings:
    """Everything in the folder, looked at once. Raises OSError where the folder itself cannot be read."""
    names: dict[tuple[str, str], str] = {}
    files: dict[str, Path] = {}
    faults: list[Fault] = []
    found = tuple(_files(folder))
    spoken = {file.parent.name for file in found} & set(catalogues)
    known = {locale: wanted(catalogues[locale]) for locale in spoken}
    for file in found:
        locale, name = file.parent.name, file.stem
        if file.parent.parent != folder or name not in known.get(locale, {}) or file.suffix not in KINDS:
            faults.append(Fault(file, Unusable.WRONG_NAME))
        elif (locale, name) in names:
            faults.append(Fault(file, Unusable.TWICE))
        else:
            looked = _look(file)
            if isinstance(looked, Unusable):
                faults.append(Fault(file, looked))
            else:
                names[locale, name] = looked
                files[looked] = file
    return Recordings(names, files, tuple(faults))


def _files(folder: Path) -> Iterator[Path]:
    """Every file but hidden ones, which systems leave in folders."""
    for entry in sorted(folder.iterdir()):
        inside = sorted(entry.rglob("*")) if entry.is_dir() else [entry]
        yield from (file for file in inside if not file.is_dir() and not file.name.startswith("."))


def _stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    """What tells that a file was written again: of each, when it was and how long it is."""
    found = {}
    for file in _files(folder):
        with suppress(OSError):  # it is gone, or a link to nowhere
            facts = file.stat()
            found[file] = (facts.st_mtime_ns, facts.st_size)
    return found


def _look(file: Path) -> str | Unusable:
    """The name a file is served under; or why it is not."""
    try:
        if file.stat().st_size > LARGEST:
            return Unusable.TOO_LARGE
        return name_of(file.suffix, file.read_bytes())
    except OSError:
        return Unusable.UNREADABLE


def name_of(suffix: str, content: bytes) -> str | Unusable:
    """The name that a sound is served under, made of its content; or why it is not."""
    if len(content) > LARGEST:
        return Unusable.TOO_LARGE
    sound = _is_wave(content) if suffix == ".wav" else _is_mp3(content)
    return f"{hashlib.sha256(content).hexdigest()[:32]}{suffix}" if sound else Unusable.NO_AUDIO


def _is_wave(content: bytes) -> bool:
    try:
        with wave.open(io.BytesIO(content)) as sound:
            return int(sound.getnframes()) > 0
    except (wave.Error, EOFError):
        return False


def _is_mp3(content: bytes) -> bool:
    """Whether it begins as one does: with a tag, or with a frame of layer III."""
    return content[:3] == b"ID3" or (len(content) > 4 and content[0] == 0xFF and content[1] & 0xE6 == 0xE2)
