"""One run that asks the line for everything that is due, and writes each answer down as it comes.

One rule: a run may be cut off anywhere. What was written down is not asked for again, and what was answered but not
written down yet is answered alike, for nothing, the next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from keys.database import Database
from webhooks.proxy import asked
from webhooks.proxy.answers import Answer, InvalidAnswer, Outcome, read_answer
from webhooks.proxy.asked import Line
from webhooks.proxy.publisher_line import MOST_LINES, NotNow, PublisherLine, TurnedAway

WRITTEN_AT_ONCE = 100
"""Answers that are written in one go, at most."""
WRITTEN_EVERY = 0.5
"""Seconds that an answer waits to be written, at most."""
_FIRST_WAIT, _MOST_WAIT = 1.0, 60.0


@dataclass(slots=True)
class Tally:
    """What a run has brought; `refusals` counts by code."""

    activated: int = 0
    replayed: int = 0
    refused: int = 0
    malformed: int = 0
    refusals: dict[str, int] = field(default_factory=dict)

    def count(self, answer: Answer) -> None:
        """Add one answer."""
        if answer.outcome is Outcome.ACTIVATED:
            self.activated += 1
            self.replayed += answer.replay
            return
        if answer.outcome is Outcome.REFUSED:
            self.refused += 1
        else:
            self.malformed += 1
        code = answer.code or answer.outcome.value
        self.refusals[code] = self.refusals.get(code, 0) + 1

    def to_facts(self) -> dict[str, Any]:
        """The numbers as JSON values."""
        return {
            "activated": self.activated,
            "replayed": self.replayed,
            "refused": self.refused,
            "malformed": self.malformed,
            "refusals": self.refusals,
        }


@dataclass(frozen=True, slots=True)
class Run:
    """What a run works with.

    `patience` is how many seconds it goes on without any answer before it gives up; `told` hears of every answer,
    `waiting` of every wait and why.
    """

    database: Database
    line: PublisherLine
    publisher: bytes
    patience: float = 600.0
    told: Callable[[Answer], None] = lambda _answer: None
    waiting: Callable[[float, str], None] = lambda _seconds, _reason: None
    sleep: Callable[[float], None] = field(default_factory=lambda: time.sleep)

    def ask(self, lines: Sequence[Line]) -> Tally:
        """Ask for all, in requests of at most MOST_LINES. Raises TurnedAway, or NotNow once patience is over."""
        tally = Tally()
        left = list(lines)
        waited, wait = 0.0, _FIRST_WAIT
        while left:
            batch, before = left[:MOST_LINES], tally.activated + tally.refused + tally.malformed
            try:
                self._take(batch, tally)
            except NotNow as trouble:
                if tally.activated + tally.refused + tally.malformed > before:
                    waited, wait = 0.0, _FIRST_WAIT
                seconds = trouble.seconds if trouble.seconds is not None else wait
                if waited + seconds > self.patience:
                    raise
                self.waiting(seconds, trouble.reason)
                self.sleep(seconds)
                waited, wait = waited + seconds, min(wait * 2, _MOST_WAIT)
            left = left[tally.activated + tally.refused + tally.malformed - before :]
        return tally

    def _take(self, batch: Sequence[Line], tally: Tally) -> None:
        """One request. What has come is written down whatever ends it."""
        held: list[Answer] = []
        since = time.monotonic()
        try:
            for line, facts in self.line.ask(batch):
                try:
                    answer = read_answer(facts, line.installation_id, self.publisher)
                except InvalidAnswer as error:
                    raise TurnedAway(
                        f"answer_{error.fault}", f"An answer is not the pinned publisher's ({error.fault})."
                    ) from error
                held.append(answer)
                tally.count(answer)
                if len(held) >= WRITTEN_AT_ONCE or time.monotonic() - since > WRITTEN_EVERY:
                    self._write(held)
                    since = time.monotonic()
        finally:
            self._write(held)

    def _write(self, held: list[Answer]) -> None:
        with self.database.begin() as connection:
            asked.keep(connection, held, now=datetime.now(UTC))
        for answer in held:
            self.told(answer)
        held.clear()
