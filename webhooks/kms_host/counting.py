"""How requests that came together are decided: who is counted, who is leased to, and what is worth a note.

Rule: whoever is refused for what it asked is not counted, and what is decided for many is what would have been decided
for each of them alone, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from keys.kms.certificate import HostCertificate
from keys.kms.messages import CLOCK_LEEWAY, Answer, HostRefusal, Request
from webhooks.kms_host.events import Event
from webhooks.kms_host.register import Before, Kept, Noted, Register


class Counting:
    """The decisions of one moment, over a register that is being written.

    `latest` is the latest moment that any client was seen at, and `count` how many are counted: handed in as they were,
    and afterwards as they are. `noted` are the events to keep.
    """

    def __init__(self, register: Register, stated: HostCertificate, now: datetime, *, latest: int, count: int) -> None:
        self._register, self._stated, self._now = register, stated, now
        self._seconds = int(now.timestamp())
        self.latest, self.count = latest, count
        self.noted: list[Noted] = []

    def answers(self, requests: Sequence[Request]) -> list[Answer]:
        """The answers to requests, in their order; what is to be kept of them is kept."""
        refusals = self._refusals(requests)
        answers: list[Answer] = []
        for run in _runs(requests, refusals):
            counted = [requests[place] for place in run if refusals[place] is None]
            before = self._register.before(counted, self._seconds) if counted else {}
            kept = []
            for place in run:
                request, refusal = requests[place], refusals[place]
                if refusal is not None:
                    answers.append(self._refused(request, refusal))
                    continue
                answers.append(self._decided(request, before[request.client]))
                kept.append(self._kept(request, before[request.client], answers[-1]))
            if kept:
                self.latest = max(self.latest, self._seconds)
                self._register.keep(kept, self._seconds)
        return answers

    def _refusals(self, requests: Sequence[Request]) -> list[HostRefusal | None]:
        """Why each is refused for what it asks, or None: it is counted then, and its nonce is noted."""
        refusals = [self._not_counted(request) for request in requests]
        sound = [place for place, refusal in enumerate(refusals) if refusal is None]
        fresh = self._register.arrived({requests[place].nonce for place in sound}, self._seconds) if sound else set()
        for place in sound:
            if requests[place].nonce not in fresh:
                refusals[place] = HostRefusal.REPLAY
            fresh.discard(requests[place].nonce)
        return refusals

    def _not_counted(self, request: Request) -> HostRefusal | None:
        if request.family != self._stated.family:
            return HostRefusal.OTHER_FAMILY
        if self._now.timestamp() < self.latest - CLOCK_LEEWAY.total_seconds():
            return HostRefusal.HOST_CLOCK_BACK
        if abs(request.at - self._now) > CLOCK_LEEWAY:
            return HostRefusal.CLOCK_DIFFERS
        return None

    def _refused(self, request: Request, refusal: HostRefusal) -> Answer:
        event = Event.HOST_CLOCK_BACK if refusal is HostRefusal.HOST_CLOCK_BACK else Event.LEASE_REFUSED
        self._note(event, request, refusal=refusal.value)
        threshold = max(request.threshold, self._stated.threshold)
        return Answer.to(request, self._now, count=self.count, threshold=threshold, refusal=refusal)

    def _decided(self, request: Request, before: Before) -> Answer:
        threshold, refusal = max(request.threshold, self._stated.threshold), None
        if not before.counted:
            self.count += 1
            self.noted += crossed(self._seconds, self.count - 1, self.count, self._stated.threshold)
        if not self._stated.covers(self._now.date()):
            refusal = HostRefusal.CERTIFICATE_ENDED
        elif self.count < threshold:
            refusal = HostRefusal.BELOW_THRESHOLD
        return Answer.to(request, self._now, count=self.count, threshold=threshold, refusal=refusal)

    def _kept(self, request: Request, before: Before, answer: Answer) -> Kept:
        """What is kept of an answer; and it is noted what is worth it: a renewal like any other is not."""
        if before.new:
            self._note(Event.CLIENT_NEW, request, product=request.product)
        if before.others + 1 > max(1, before.machines):
            self._note(Event.IDENTITY_SHARED, request)
        if answer.refusal is not None:
            ended = answer.refusal is HostRefusal.CERTIFICATE_ENDED
            event = Event.CERTIFICATE_ENDED if ended else Event.LEASE_REFUSED
            told = {"refusal": answer.refusal.value, "count": answer.count, "threshold": answer.threshold}
            self._note(event, request, **told)
        elif before.ends is None or before.ends <= self._seconds:
            self._note(Event.CLIENT_LEASED, request)
        ends = None if answer.ends is None else int(answer.ends.timestamp())
        return Kept(request, ends, answer.refusal, before.others + 1)

    def _note(self, event: Event, request: Request, **details: object) -> None:
        self.noted.append(Noted(self._seconds, event, request.client, {"name": request.name, **details}))


def _runs(requests: Sequence[Request], refusals: Sequence[HostRefusal | None]) -> Iterator[list[int]]:
    """The places of requests, in order, in runs in which no client is counted twice: the second time it is known."""
    run: list[int] = []
    clients: set[str] = set()
    for place, (request, refusal) in enumerate(zip(requests, refusals, strict=True)):
        if refusal is None and request.client in clients:
            yield run
            run, clients = [], set()
        run.append(place)
        if refusal is None:
            clients.add(request.client)
    yield run


def crossed(at: int, before: int, count: int, threshold: int) -> list[Noted]:
    """What is to be noted where a count came to the threshold, or fell below it."""
    told = {"count": count, "threshold": threshold}
    if before < threshold <= count:
        return [Noted(at, Event.THRESHOLD_REACHED, details=told)]
    if count < threshold <= before:
        return [Noted(at, Event.THRESHOLD_LOST, details=told)]
    return []
