"""One licence host at work: from what a client sent to the signed answer.

Rule: nothing is signed unless the host stands activated today, on this hardware; whoever is refused for what it asked
is not counted, and every answer says how many are. Clock and folder are handed in, so a test can travel in time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from keys import ed25519, signed
from keys.device.host_package import Licence
from keys.device.machine import Status
from keys.errors import BadInput
from keys.kms import messages
from keys.kms.certificate import HostCertificate
from keys.kms.certificate import read as read_certificate
from keys.kms.messages import HostFault, Request
from keys.signed import InvalidStatement, Sign
from webhooks.kms_host.counting import Counting, crossed
from webhooks.kms_host.events import Event, short
from webhooks.kms_host.folder import Folder
from webhooks.kms_host.register import Noted, Register
from webhooks.kms_host.together import Together

LOOK_AGAIN = timedelta(minutes=1)
"""How long the host's own activation and its count are taken to stand before they are looked at anew."""

_log = structlog.get_logger("kms_host")


class NoAnswer(Exception):  # noqa: N818 - what the client gets, not an error of ours
    """Nothing can be signed: `fault` says why."""

    def __init__(self, fault: HostFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class _Signer:
    """What an activated host signs with."""

    sign: Sign
    text: str
    certificate: HostCertificate


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was looked at last: when, the file as it was, what to sign with, why not, and the count."""

    at: datetime
    file: int
    signer: _Signer | None
    status: str
    count: int


_Given = tuple[str, str] | _Looked | HostFault
"""What comes of what was asked: a signed answer with the host's certificate, how the host stands, or why neither."""


class Host:
    """A licence host over a folder. Threads may ask it at once: those that do are written down in one commit.

    What stands in `_latest` and `_looked` is what the register says, as of the last commit.
    """

    def __init__(self, folder: Folder, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._file = folder.file
        self._now = now
        self._register = Register(folder.register)
        self._together: Together[bytes | None, _Given] = Together(self._work)
        self._latest = self._register.latest()
        self._looked: _Looked | None = None
        self._noted: list[Noted] = []
        with self._written():
            self._note(Event.HOST_STARTED, now())
            self._look(now())

    def close(self) -> None:
        """Close the register."""
        self._register.close()

    def answer(self, sent: bytes) -> tuple[str, str]:
        """The signed answer to what a client sent, and the host's certificate. Raises NoAnswer."""
        given = self._together.answer(sent)
        if isinstance(given, HostFault):
            raise NoAnswer(given)
        assert isinstance(given, tuple)
        return given

    def stands(self) -> dict[str, object]:
        """What anybody on the network may know of this host. Raises NoAnswer."""
        looked = self._together.answer(None)
        if isinstance(looked, HostFault):
            raise NoAnswer(looked)
        assert isinstance(looked, _Looked)
        certificate = looked.signer.certificate if looked.signer else None
        return {
            "activated": certificate is not None,
            "status": looked.status,
            "family": certificate and certificate.family,
            "threshold": certificate and certificate.threshold,
            "count": looked.count,
            "at": signed.instant_text(self._now()),
        }

    def _work(self, group: Sequence[bytes | None]) -> list[_Given]:
        """What comes of each that was asked: of what a client sent, or (None) of how the host stands."""
        now = self._now()
        requests = {place: read for place, sent in enumerate(group) if (read := _read(sent)) is not None}
        malformed = len(group) - len(requests) - group.count(None)
        try:
            # Signed before the commit, so that whoever cannot be answered is not written down; given away after it.
            with self._written():
                looked, answers = self._answered(list(requests.values()), malformed, now)
        except sqlite3.OperationalError as error:
            _log.error(Event.HOST_BUSY, error=str(error))
            return [HostFault.HOST_BUSY] * len(group)
        given = dict(zip(requests, answers, strict=True))
        return [given.get(place, looked if sent is None else HostFault.MALFORMED) for place, sent in enumerate(group)]

    def _answered(self, requests: list[Request], malformed: int, now: datetime) -> tuple[_Looked, Sequence[_Given]]:
        """How the host stands after requests that came together, and their answers."""
        looked = self._look(now)
        for _ in range(malformed):
            self._note(Event.REQUEST_MALFORMED, now)
        signer = looked.signer
        if signer is None:
            return looked, [HostFault.HOST_NOT_ACTIVATED] * len(requests)
        counting = Counting(self._register, signer.certificate, now, latest=self._latest, count=looked.count)
        answers = [(messages.write_answer(answer, signer.sign), signer.text) for answer in counting.answers(requests)]
        self._noted += counting.noted
        self._latest = counting.latest
        if counting.count != looked.count:
            self._looked = looked = replace(looked, count=counting.count)
        return looked, answers

    @contextmanager
    def _written(self) -> Iterator[None]:
        """One commit, with what is noted on the way. Only what stands is known by heart, and logged."""
        kept = self._latest, self._looked
        self._noted = []
        try:
            with self._register.written():
                yield
                if self._noted:
                    self._register.note(*self._noted)
        except BaseException:
            self._latest, self._looked = kept
            raise
        for noted in self._noted:
            told = noted.details if noted.identity is None else {"client": short(noted.identity), **noted.details}
            (_log.warning if noted.event.is_trouble else _log.info)(noted.event.value, **told)

    def _look(self, now: datetime) -> _Looked:
        """The host's standing and count, looked at anew once a minute, or when its file was replaced."""
        file = _changed_at(self._file)
        last = self._looked
        if last is not None and last.file == file and timedelta(0) <= now - last.at < LOOK_AGAIN:
            return last
        signer, status = self._standing(now)
        seconds = int(now.timestamp())
        self._register.tidy(seconds)
        self._latest = self._register.latest()
        looked = _Looked(now, file, signer, status, self._register.count(seconds))
        if last is not None and signer is not None:
            self._noted += crossed(seconds, last.count, looked.count, signer.certificate.threshold)
        if last is None or last.status != status:
            event = Event.HOST_NOT_ACTIVATED if signer is None else Event.HOST_ACTIVATED
            self._note(event, now, status=status)
        self._looked = looked
        return looked

    def _standing(self, now: datetime) -> tuple[_Signer | None, str]:
        try:
            found = self._folder.load().standing(now.date())
        except (OSError, BadInput):
            return None, Status.NOT_INSTALLED.value
        if found.licence is None:
            return None, found.status.value
        sign = ed25519.signer(found.licence.seed)
        return _Signer(sign, found.licence.certificate, stated(found.licence)), found.status.value

    def _note(self, event: Event, now: datetime, **details: object) -> None:
        self._noted.append(Noted(int(now.timestamp()), event, details=details))


def _read(sent: bytes | None) -> Request | None:
    """The request in what was sent, if it is one."""
    try:
        return None if sent is None else messages.read_request(sent)
    except InvalidStatement:
        return None


def stated(licence: Licence) -> HostCertificate:
    """What a host's own certificate says. The publisher's signature is for clients to check; a host only reads it."""
    return read_certificate(licence.certificate, b"", lambda *_: True)


def _changed_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
