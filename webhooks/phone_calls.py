"""The rehearsal page's calls: each one real telephone in a thread of its own, dialling the line over HTTP.

Rule: few at a time, and none for ever. A call whose page is gone hangs up, the line ends every call of itself, and
what is kept of a call that is over is its transcript, for a while.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from webhooks.rehearsal.caller import SILENCE, Press, Reaction, Stretch
from webhooks.rehearsal.clock import Pace
from webhooks.rehearsal.dialling import CallRecord, Terms, dial
from webhooks.rehearsal.entries import Entry
from webhooks.rehearsal.fetching import Twice
from webhooks.rehearsal.held import HeldKeypad
from webhooks.rehearsal.wire import Wire

MOST_AT_ONCE = 4
MOST_KEPT = 32
LINK = re.compile(r"tel:(?P<number>\+\d{5,15})(?P<pauses>,{0,9})(?P<digits>\d{0,80})")
PAUSE_SECONDS = 2.0
"""What one comma of a `tel:` link waits; the usual figure of mobile telephones."""
DIALLED_KEY_SECONDS = 0.2
"""A telephone that keys a link's digits itself: 0.1 s of tone and as much of silence."""


@dataclass(frozen=True, slots=True)
class Far:
    """The line as the telephone reaches it, with what its requests are signed, and the wire to telephones it rings."""

    url: str
    public_url: str
    account_sid: str
    auth_token: str = field(repr=False)
    wire: Wire | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """One call as it was asked for. `link_keys` are keyed by the telephone itself, `link_after` seconds on.

    `twice` delivers every request two times; `drop_after` cuts the call off after so many seconds.
    """

    line: str
    caller: str
    link_keys: str = ""
    link_after: float = 0.0
    twice: bool = False
    turn_delay: float = 0.8
    drop_after: float | None = None


def read_link(link: str) -> tuple[str, float, str] | None:
    """Number, seconds of pause and keys of a `tel:` link; None where it is no such link.

    >>> read_link("tel:+15005550006,,100000000012")
    ('+15005550006', 4.0, '100000000012')
    """
    match = LINK.fullmatch(link)
    return match and (match["number"], PAUSE_SECONDS * len(match["pauses"]), match["digits"])


class LiveCall:
    """One call: its keypad for whoever holds the telephone, its transcript so far, and the record once it is over."""

    def __init__(self, wish: Wish, far: Far, speed: float) -> None:
        self.id = secrets.token_urlsafe(12)
        self.keypad = HeldKeypad()
        self.entries: list[Entry] = []
        self.listening = False
        self.record: CallRecord | None = None
        self.over = False
        self._wish = wish
        self._far = far
        self._speed = speed
        self._untouched = True

    @property
    def twice(self) -> bool:
        """Whether every request is delivered two times."""
        return self._wish.twice

    def told(self) -> dict[str, Any]:
        """How the call ended, once it is over."""
        record = self.record
        if record is None:
            return {"outcome": "no_answer", "ended_by": "trouble"}
        return {
            "outcome": str(record.outcome),
            "ended_by": str(record.ended_by),
            "turns": record.turns,
            "heard": round(record.heard, 1),
            "keyed": round(record.keyed, 1),
            "waited": round(record.waited, 1),
            "lost": record.lost,
            "differences": len(record.differences),
            "problems": len(record.problems) + len(record.troubles),
        }

    def start(self) -> None:
        """Dial, in a thread that ends with the call, or with the process."""
        threading.Thread(target=self._ring, name=f"phone-{self.id}", daemon=True).start()

    def react(self, stretch: Stretch) -> Reaction:
        """What the telephone does of itself as the first words begin; all the rest is done by hand."""
        self.listening = stretch.listening
        if not self._untouched:
            return SILENCE
        self._untouched = False
        wish = self._wish
        presses = (
            Press(key, (wish.link_after + DIALLED_KEY_SECONDS * place) / self._speed)
            for place, key in enumerate(wish.link_keys)
        )
        drop = None if wish.drop_after is None else wish.drop_after - stretch.at
        return Reaction(tuple(presses), drop)

    def heard(self, words: str) -> None:  # noqa: ARG002 - the words are on the page already
        """See `Caller`: the stretch is over, and nobody listens for keys until the next."""
        self.listening = False

    def _ring(self) -> None:
        wish = self._wish
        usual = Pace()
        pace = Pace(
            words_a_minute=usual.words_a_minute * self._speed,
            short_word_seconds=usual.short_word_seconds / self._speed,
            play_seconds=usual.play_seconds / self._speed,
            turn_delay=wish.turn_delay,
        )
        try:
            self.record = dial(
                self._far.url,
                auth_token=self._far.auth_token,
                public_url=self._far.public_url,
                caller_number=wish.caller,
                line_number=wish.line,
                caller=self,
                terms=Terms(
                    pace=pace,
                    keypad=self.keypad,
                    twice=Twice.TURN_ABOUT if wish.twice else Twice.NEVER,
                    account_sid=self._far.account_sid,
                    wire=self._far.wire,
                ),
                on_line=self.entries.append,
            )
        finally:
            self.over = True


class Switchboard:
    """All calls of this process's page. `speed` is for tests: words and a link's keys go so many times faster."""

    def __init__(self, far: Far, speed: float = 1.0, most: int = MOST_AT_ONCE) -> None:
        self._far = far
        self._speed = speed
        self._most = most
        self._calls: OrderedDict[str, LiveCall] = OrderedDict()
        self._changing = threading.Lock()

    def dial(self, wish: Wish) -> LiveCall | None:
        """A new call; None while as many as may be are under way."""
        with self._changing:
            if sum(not call.over for call in self._calls.values()) >= self._most:
                return None
            ended = [name for name, call in self._calls.items() if call.over]
            for name in ended[: max(len(self._calls) - MOST_KEPT + 1, 0)]:
                del self._calls[name]
            call = LiveCall(wish, self._far, self._speed)
            self._calls[call.id] = call
        call.start()
        return call

    def find(self, name: str) -> LiveCall | None:
        """The call of that id, while it is kept."""
        return self._calls.get(name)
