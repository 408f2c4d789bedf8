"""The rehearsal page's texts: each sent by a thread of its own, and what has become of it and of the line's answers.

Rule: a text is brought to the line over HTTP as Twilio would, and an answer is what arrives in the rehearsal's file;
only how far a text has come is looked up in the outbox, since a telephone that sends none of its own could not know.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import or_, select

from ivr.outbox import TextState, outbox
from keys.database import Database
from keys.unavailable import DatabaseUnavailable
from webhooks.rehearsal import texting
from webhooks.rehearsal.carrier import Text
from webhooks.rehearsal.texting import Arrivals, Sent, TextLine

MOST_UNDER_WAY = 4
MOST_KEPT = 256
MOST_ASKED = 20
"""Texts whose state one request may ask for."""


class Way(StrEnum):
    """How far a text of the page has come: on its way, taken by the line, or lost since the line did not answer."""

    ON_ITS_WAY = "on_its_way"
    TAKEN = "taken"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a text: `state` is a Way for one of the page's, else the outbox's word.

    `reason` is why the line may not answer it (a NoText), or None.
    """

    state: str
    reason: str | None = None


class PhoneTexts:
    """All texts of this process's page."""

    def __init__(self, line: TextLine, database: Database, most: int = MOST_UNDER_WAY) -> None:
        self._line = line
        self._database = database
        self._most = most
        self._arrivals = Arrivals(line.arrivals)
        self._ways: OrderedDict[str, Way] = OrderedDict()
        self._changing = threading.Lock()

    def send(self, to: str, number: str, body: str, *, twice: bool = False) -> Sent | None:
        """Bring a text to the line, in a thread; None while as many as may be are under way."""
        text = texting.written(body)
        with self._changing:
            if sum(way is Way.ON_ITS_WAY for way in self._ways.values()) >= self._most:
                return None
            self._ways[text.sid] = Way.ON_ITS_WAY
            while len(self._ways) > MOST_KEPT:
                self._ways.popitem(last=False)
        bringing = threading.Thread(
            target=self._bring, args=(text, to, number, twice), name=f"text-{text.sid}", daemon=True
        )
        bringing.start()
        return text

    def come(self, number: str, after: int | None) -> tuple[list[Text], int]:
        """The texts to a number behind the place `after` (None: at the end), and the place they now end."""
        every = self._arrivals.all()
        fresh = [] if after is None else every[max(after, 0) :]
        return [text for text in fresh if text.recipient == number], len(every)

    def fates(self, sids: tuple[str, ...]) -> dict[str, Fate]:
        """What is known of these texts, of the page's and of the line's; fewer where the database does not answer."""
        wanted = sids[:MOST_ASKED]
        if not wanted:
            return {}
        with self._changing:
            found = {sid: Fate(self._ways[sid]) for sid in wanted if sid in self._ways}
        asked = select(outbox.c.sid, outbox.c.answers, outbox.c.state, outbox.c.reason)
        try:
            with self._database.read() as connection:
                rows = connection.execute(asked.where(or_(outbox.c.sid.in_(wanted), outbox.c.answers.in_(wanted))))
                for sid, answers, state, reason in rows:
                    if sid in wanted:
                        found[sid] = Fate(state)
                    if answers in found and state == TextState.REFUSED:
                        found[answers] = replace(found[answers], reason=reason)
        except DatabaseUnavailable:
            pass  # asked again in a moment
        return found

    def _bring(self, text: Sent, to: str, number: str, twice: bool) -> None:
        way = Way.LOST
        try:
            if texting.send(self._line, text, number=number, to=to, twice=twice) is None:
                way = Way.TAKEN
        finally:
            with self._changing:
                if text.sid in self._ways:
                    self._ways[text.sid] = way


def told(text: Sent | Text) -> dict[str, str | int]:
    """A text as the page is told it."""
    return {"id": text.sid, "at": text.at, "body": text.body, "segments": text.num_segments, "encoding": text.encoding}
