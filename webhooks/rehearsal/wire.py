"""The wire between the calls of a rehearsal: who is in which room, who is on hold, and what a live call is told.

The one rule: it is a list of what happened, that only grows; whoever looks goes on from where they stopped. In a file,
the line that rings telephones shares it with callers in other processes.

>>> wire = Wire()
>>> wire.enter("handoff-7", "CA1", ends=True); wire.enter("handoff-7", "CA2", ends=False)
>>> wire.people("handoff-7")
{'CA1': True, 'CA2': False}
>>> wire.leave("handoff-7", "CA2"); wire.conference("handoff-7")[:2], wire.conference("handoff-8")
('CF', None)
"""

import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path


class What(StrEnum):
    """What happened to a call."""

    ENTERED = "entered"
    LEFT = "left"
    HELD = "held"
    TAKEN_BACK = "taken back"
    BOUND = "bound"
    """Whether its leaving ends the talk was changed."""
    SENT_ON = "sent on"
    """It is to go on with another document."""


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened: `to` is a room or an address; `ends` says whether that call's leaving ends the talk."""

    what: What
    call: str
    to: str = ""
    ends: bool = False


class Wire:
    """See above; without a file it is for one process alone."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._kept: list[News] = []

    def enter(self, room: str, call: str, *, ends: bool) -> None:
        """A call comes into a room."""
        self._tell(News(What.ENTERED, call, room, ends))

    def leave(self, room: str, call: str) -> None:
        """A call goes out of a room, and the talk may be over with it."""
        people = self.people(room)
        if call in people:
            self._tell(News(What.LEFT, call, room, people[call]))

    def hold(self, call: str, *, on: bool) -> None:
        """A call is to hear music, or to be heard again."""
        self._tell(News(What.HELD if on else What.TAKEN_BACK, call))

    def bind(self, room: str, call: str, *, ends: bool) -> None:
        """A call's leaving ends the talk from now on, or does not."""
        self._tell(News(What.BOUND, call, room, ends))

    def send_on(self, call: str, url: str) -> None:
        """A call is to go on with the document at `url`, whatever it hears just now."""
        self._tell(News(What.SENT_ON, call, url))

    def after(self, place: int) -> tuple[list[News], int]:
        """What happened since that place, and the place to look from the next time; 0 is the beginning."""
        if self._file is None:
            return self._kept[place:], len(self._kept)
        try:
            with self._file.open("rb") as file:
                place = place if place <= file.seek(0, os.SEEK_END) else 0  # it was begun anew
                file.seek(place)
                whole, end, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return [], 0
        return [_read(line) for line in whole.splitlines()], place + len(whole) + len(end)

    def people(self, room: str) -> dict[str, bool]:
        """The calls in a room, each with whether its leaving ends the talk."""
        found: dict[str, bool] = {}
        for news in self.after(0)[0]:
            match news.what:
                case What.ENTERED if news.to == room:
                    found[news.call] = news.ends
                case What.BOUND if news.to == room and news.call in found:
                    found[news.call] = news.ends
                case What.LEFT if news.to == room:
                    found.pop(news.call, None)
                    if news.ends:
                        found.clear()
        return found

    def is_held(self, call: str) -> bool:
        """Whether a call hears music in its room."""
        told = [news.what for news in self.after(0)[0] if news.call == call and news.what in _OF_HOLDING]
        return bool(told) and told[-1] is What.HELD

    def conference(self, room: str) -> str | None:
        """The id of the conference in a room; None while nobody is there."""
        return _id(room) if self.people(room) else None

    def room(self, conference: str) -> str | None:
        """The room of a conference that is under way."""
        rooms = {news.to for news in self.after(0)[0] if news.what is What.ENTERED}
        return next((room for room in rooms if _id(room) == conference and self.people(room)), None)

    def begin_anew(self) -> None:
        """Forget everything: no call outlives the line it was with."""
        self._kept.clear()
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _tell(self, news: News) -> None:
        if self._file is None:
            self._kept.append(news)
            return
        file = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, json.dumps(asdict(news)).encode() + b"\n")
        finally:
            os.close(file)


_OF_HOLDING = frozenset({What.HELD, What.TAKEN_BACK, What.LEFT})


def _read(line: bytes) -> News:
    told = json.loads(line)
    return News(What(told["what"]), told["call"], told["to"], told["ends"])


def _id(room: str) -> str:
    return "CF" + sha256(room.encode()).hexdigest()[:32]
