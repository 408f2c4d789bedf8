"""Activating thousands of installations in one request, each with an outcome of its own.

Rule: a chunk of lines is one transaction, and is told once it is committed, before the next one begins. Whoever is cut
off sends again what has no outcome; what was committed and not heard of comes back as a replay.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import structlog
from flask import Blueprint, Response

from ivr import online
from ivr.online import Asking
from ivr.tokens import Scope, Token
from keys import certifying
from keys.installation_id import InstallationID, InvalidInstallationID, decode
from keys.ledger import Activated
from keys.unavailable import Cause, DatabaseUnavailable
from webhooks import metrics
from webhooks.api.activations import answer
from webhooks.api.batches import Batches
from webhooks.api.bodies import (
    LARGEST_BATCH,
    BatchEnd,
    BatchLine,
    BatchOrder,
    BatchOutcome,
    body_of,
    idempotency_key,
    made_before,
)
from webhooks.api.guards import api, needs, request_id, token
from webhooks.api.problems import Code, ProblemError, detail_of, waiting, wrong_id
from webhooks.door import Exchange, exchange

CHUNK_LINES = 200
"""Lines of one transaction: a call that waits for the same key, or for SQLite's one writer, waits for so many."""
ATTEMPTS = 5
"""How often a chunk is tried that another writer keeps from its locks."""
COME_AGAIN_SECONDS = 5

_log = structlog.get_logger(__name__)

room = Blueprint("batch", __name__)


@room.post("/activations/batch")
@needs(Scope.ACTIVATE)
def activate() -> Response:
    """Activate every line, in order; 503 where as many batches run in this process as may."""
    order, raw = body_of(BatchOrder, LARGEST_BATCH)
    key, here = idempotency_key(), exchange()
    if key is not None:
        with here.database.begin() as connection:
            made_before(connection, key, raw)
    slot = _Slot(api().batches)
    if not slot.taken:
        raise ProblemError(Code.BATCHES_BUSY, headers=waiting(COME_AGAIN_SECONDS))
    batch = _Batch(here, api().batches, token(), request_id())
    response = Response(slot.until_the_end(batch.told(order.lines)), content_type="application/x-ndjson")
    response.call_on_close(slot.give_back)  # also where nobody ever read a line
    return response


class _Slot:
    """One of the batches that may run at once; given back once, however the request ends."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self.taken = batches.enter()

    def until_the_end(self, told: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from told
        finally:
            self.give_back()

    def give_back(self) -> None:
        if self.taken:
            self.taken = False
            self._batches.leave()


@dataclass(frozen=True, slots=True)
class _Batch:
    """One request while its answer is being sent: nothing of the request itself is at hand any more."""

    here: Exchange
    batches: Batches
    token: Token
    request_id: str

    def told(self, lines: Sequence[BatchLine]) -> Iterator[bytes]:
        """The outcomes as they are committed, a line of JSON each, and the sum of them."""
        counts: Counter[str] = Counter()
        failed: Code | None = None
        try:
            for start in range(0, len(lines), CHUNK_LINES):
                outcomes = self._chunk(start, lines[start : start + CHUNK_LINES])
                counts.update("replayed" if each.replay is True else each.outcome for each in outcomes)
                yield b"".join(msgspec.json.encode(each) + b"\n" for each in outcomes)
        except DatabaseUnavailable as error:
            metrics.no_database("batch", error)
            _log.error("batch_cut_off", request=self.request_id, cause=error.cause.value)
            failed = Code.DATABASE_UNAVAILABLE
        except Exception:  # noqa: BLE001 - the status is sent already: only the last line can say that it failed
            _log.exception("batch_failed", request=self.request_id)
            failed = Code.REQUEST_FAILED
        end = BatchEnd(
            done=failed is None,
            activated=counts["activated"],
            replayed=counts["replayed"],
            refused=counts["refused"],
            malformed=counts["malformed"],
        )
        if failed is not None:
            end = msgspec.structs.replace(end, code=failed.value, detail=detail_of(failed))
        yield msgspec.json.encode(end) + b"\n"

    def _chunk(self, start: int, lines: Sequence[BatchLine]) -> list[BatchOutcome]:
        """The outcomes of some lines, committed. Raises DatabaseUnavailable."""
        read = [_read(each) for each in lines]
        iids = [each for each in read if isinstance(each, InstallationID)]
        done = iter(self._activated(iids))
        outcomes = []
        for number, (line, each) in enumerate(zip(lines, read, strict=True), start):
            told = next(done) if isinstance(each, InstallationID) else _malformed(each)
            outcomes.append(msgspec.structs.replace(told, line=number, reference=line.reference))
        return outcomes

    def _activated(self, iids: Sequence[InstallationID]) -> list[BatchOutcome]:
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._attempt(iids)
            except DatabaseUnavailable as error:
                if error.cause is not Cause.BUSY or attempt == ATTEMPTS:
                    raise
                time.sleep(0.05 * attempt)

    def _attempt(self, iids: Sequence[InstallationID]) -> list[BatchOutcome]:
        here = self.here
        with self.batches.chunk(), here.database.begin() as connection:
            asking = Asking(connection, here.secrets, self.token, "proxy", self.request_id, here.now(), here.lines)
            outcomes = online.activate(asking, iids)
            ids = [each.reservation.id for each in outcomes if isinstance(each, Activated)]
            known = certifying.particulars(connection, ids)
        told = []
        for iid, each in zip(iids, outcomes, strict=True):
            metrics.came_to("proxy", each)
            if isinstance(each, Activated):
                whole = answer(each, known[each.reservation.id], iid, here.secrets)
                told.append(BatchOutcome(line=0, **msgspec.structs.asdict(whole)))
            else:
                why = each.refusal
                told.append(BatchOutcome(line=0, outcome="refused", code=why.value, detail=detail_of(why)))
        return told


def _read(line: BatchLine) -> InstallationID | InvalidInstallationID:
    try:
        return decode(line.installation_id)
    except InvalidInstallationID as error:
        return error


def _malformed(error: InvalidInstallationID) -> BatchOutcome:
    problem = wrong_id(error)
    return BatchOutcome(
        line=0,
        outcome="malformed",
        code=problem.code.value,
        detail=problem.detail or "",
        groups=problem.groups or [],
    )
