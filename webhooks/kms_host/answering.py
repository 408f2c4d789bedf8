"""One licence host at work: from what a client sent to the signed answer.

Rule: nothing is signed unless the host stands activated today, on this hardware; whoever is refused for what it asked
is not counted, and every answer says how many are. Clock and folder are handed in, so a test can travel in time.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from keys import ed25519, signed
from keys.device.machine import Status
from keys.errors import BadInput
from keys.kms import messages
from keys.kms.certificate import HostCertificate
from keys.kms.certificate import read as read_certificate
from keys.kms.messages import CLOCK_LEEWAY, Answer, HostFault, HostRefusal, Request
from keys.signed import InvalidStatement, Sign
from webhooks.kms_host.events import Event, short
from webhooks.kms_host.folder import Folder
from webhooks.kms_host.register import Before, Register, Replayed

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


@dataclass(slots=True)
class _Looked:
    """What was looked at last: when, the file as it was, what to sign with, why not, and the count."""

    at: datetime
    file: int
    signer: _Signer | None
    status: str
    count: int


class Host:
    """A licence host over a folder. Threads may ask it at once."""

    def __init__(self, folder: Folder, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now
        self._register = Register(folder.register)
        self._lock = threading.Lock()
        self._latest = self._register.latest()
        self._looked: _Looked | None = None
        self._note(Event.HOST_STARTED)

    def close(self) -> None:
        """Close the register."""
        self._register.close()

    def answer(self, sent: bytes) -> tuple[str, str]:
        """The signed answer to what a client sent, and the host's certificate. Raises NoAnswer."""
        try:
            request = messages.read_request(sent)
        except InvalidStatement as error:
            with self._lock:
                self._note(Event.REQUEST_MALFORMED)
            raise NoAnswer(HostFault.MALFORMED) from error
        now = self._now()
        with self._lock:
            try:
                looked = self._look(now)
                if looked.signer is None:
                    raise NoAnswer(HostFault.HOST_NOT_ACTIVATED)
                answer = self._decided(request, now, looked, looked.signer.certificate)
            except sqlite3.OperationalError as error:
                _log.error(Event.HOST_BUSY, error=str(error))
                raise NoAnswer(HostFault.HOST_BUSY) from error
        return messages.write_answer(answer, looked.signer.sign), looked.signer.text

    def stands(self) -> dict[str, object]:
        """What anybody on the network may know of this host."""
        now = self._now()
        with self._lock:
            looked = self._look(now)
        certificate = looked.signer.certificate if looked.signer else None
        return {
            "activated": certificate is not None,
            "status": looked.status,
            "family": certificate and certificate.family,
            "threshold": certificate and certificate.threshold,
            "count": looked.count,
            "at": signed.instant_text(now),
        }

    def _decided(self, request: Request, now: datetime, looked: _Looked, stated: HostCertificate) -> Answer:
        """The answer to a request that can be read; what is to be kept is kept."""
        threshold = max(request.threshold, stated.threshold)
        refusal = self._not_counted(request, now, stated)
        if refusal is None:
            try:
                with self._register.written():
                    return self._counted(request, now, looked, threshold, stated)
            except Replayed:
                refusal = HostRefusal.REPLAY
        event = Event.HOST_CLOCK_BACK if refusal is HostRefusal.HOST_CLOCK_BACK else Event.LEASE_REFUSED
        self._note(event, request.client, name=request.name, refusal=refusal.value)
        return Answer.to(request, now, count=looked.count, threshold=threshold, refusal=refusal)

    def _not_counted(self, request: Request, now: datetime, stated: HostCertificate) -> HostRefusal | None:
        if request.family != stated.family:
            return HostRefusal.OTHER_FAMILY
        if now.timestamp() < self._latest - CLOCK_LEEWAY.total_seconds():
            return HostRefusal.HOST_CLOCK_BACK
        if abs(request.at - now) > CLOCK_LEEWAY:
            return HostRefusal.CLOCK_DIFFERS
        return None

    def _counted(
        self, request: Request, now: datetime, looked: _Looked, threshold: int, stated: HostCertificate
    ) -> Answer:
        seconds = int(now.timestamp())
        before = self._register.before(request, seconds)
        self._latest = max(self._latest, seconds)
        self._count(looked, looked.count + (not before.counted), stated.threshold)
        refusal = None
        if not stated.covers(now.date()):
            refusal = HostRefusal.CERTIFICATE_ENDED
        elif looked.count < threshold:
            refusal = HostRefusal.BELOW_THRESHOLD
        answer = Answer.to(request, now, count=looked.count, threshold=threshold, refusal=refusal)
        ends = None if answer.ends is None else int(answer.ends.timestamp())
        machines = self._register.keep(request, seconds, ends, refusal)
        self._tell(request, before, answer, seconds, shared=machines > max(1, before.machines))
        return answer

    def _tell(self, request: Request, before: Before, answer: Answer, seconds: int, *, shared: bool) -> None:
        """Note what is worth it: a renewal like any other is not."""
        if before.new:
            self._note(Event.CLIENT_NEW, request.client, name=request.name, product=request.product)
        if shared:
            self._note(Event.IDENTITY_SHARED, request.client, name=request.name)
        if answer.refusal is not None:
            ended = answer.refusal is HostRefusal.CERTIFICATE_ENDED
            told = {"refusal": answer.refusal.value, "count": answer.count, "threshold": answer.threshold}
            event = Event.CERTIFICATE_ENDED if ended else Event.LEASE_REFUSED
            self._note(event, request.client, name=request.name, **told)
        elif before.ends is None or before.ends <= seconds:
            self._note(Event.CLIENT_LEASED, request.client, name=request.name)

    def _count(self, looked: _Looked, count: int, threshold: int) -> None:
        """Keep the count, and note when it comes to the threshold or falls below."""
        if looked.count < threshold <= count:
            self._note(Event.THRESHOLD_REACHED, count=count, threshold=threshold)
        elif count < threshold <= looked.count:
            self._note(Event.THRESHOLD_LOST, count=count, threshold=threshold)
        looked.count = count

    def _look(self, now: datetime) -> _Looked:
        """The host's standing and count, looked at anew once a minute, or when its file was replaced."""
        file = _changed_at(self._folder)
        last = self._looked
        if last is not None and last.file == file and timedelta(0) <= now - last.at < LOOK_AGAIN:
            return last
        signer, status = self._standing(now)
        seconds = int(now.timestamp())
        self._register.tidy(seconds)
        self._latest = self._register.latest()
        count = self._register.count(seconds)
        self._looked = _Looked(now, file, signer, status, last.count if last else count)
        self._count(self._looked, count, signer.certificate.threshold if signer else 0)
        if last is None or last.status != status:
            event = Event.HOST_NOT_ACTIVATED if signer is None else Event.HOST_ACTIVATED
            self._note(event, status=status)
        return self._looked

    def _standing(self, now: datetime) -> tuple[_Signer | None, str]:
        try:
            found = self._folder.load().standing(now.date())
        except (OSError, BadInput):
            return None, Status.NOT_INSTALLED.value
        if found.licence is None:
            return None, found.status.value
        certificate = read_certificate(found.licence.certificate, b"", _unchecked)
        return _Signer(ed25519.signer(found.licence.seed), found.licence.certificate, certificate), found.status.value

    def _note(self, event: Event, identity: str | None = None, **details: object) -> None:
        """Keep an event and log it."""
        self._register.note(event, int(self._now().timestamp()), identity, **details)
        told = details if identity is None else {"client": short(identity), **details}
        (_log.warning if event.is_trouble else _log.info)(event.value, **told)


def _unchecked(*_: bytes) -> bool:
    """The publisher's signature is for clients to check; a host only reads what its own certificate says."""
    return True


def _changed_at(folder: Folder) -> int:
    try:
        return folder.file.stat().st_mtime_ns
    except OSError:
        return 0
