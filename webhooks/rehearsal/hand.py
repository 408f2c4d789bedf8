"""The hand on the telephone: keys and hanging up as moments of the call clock, and what others do meanwhile.

The one rule: time passes here and nowhere else, so that whatever ends a stretch of it (a key, a hang-up, another call
of the same wire) is met at its own moment.

>>> from webhooks.rehearsal.caller import Press, Reaction
>>> hand = Hand(CallClock(), Pace(), lambda _entry: None, "CA1")
>>> hand.take(Reaction((Press("4", 1.0),)), began=2.0)
>>> hand.next_press(9.0).after, hand.next_press(9.0)
(3.0, None)
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from webhooks.rehearsal.caller import SILENCE, Keypad, Press, Reaction
from webhooks.rehearsal.clock import CallClock, Pace
from webhooks.rehearsal.entries import End, Entry, Side
from webhooks.rehearsal.wire import What, Wire

GLANCE = 0.5
"""Seconds between two looks at what other calls, and the provider's own interface, have done."""
_HEARD = {What.HELD: "(on hold, with music)", What.TAKEN_BACK: "(taken back from hold)"}


class OverError(Exception):
    """The call is over, which is no fault."""

    def __init__(self, end: End) -> None:
        super().__init__(end)
        self.end = end


class SentOnError(Exception):
    """The call goes on with another document, which is no fault either."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


@dataclass
class Hand:
    """One call's hand. `keypad` is a real one, in wall time; `wire` what the call shares with others, if anything.

    `audible_until` is when the words end that are heard just now, `pending` are keys that are on the clock already.
    """

    clock: CallClock
    pace: Pace
    note: Callable[[Entry], None]
    call: str
    keypad: Keypad | None = None
    wire: Wire | None = None
    pending: deque[Press] = field(default_factory=deque)
    hang_up_at: float | None = None
    audible_until: float = 0.0
    _looked: int = 0
    _room: str = ""
    _parted: bool = False

    def __post_init__(self) -> None:
        """What was before this call is none of its business."""
        if self.wire is not None:
            self._looked = self.wire.after(0)[1]

    def take(self, reaction: Reaction, began: float) -> None:
        """Put on the clock what the caller does, counted from `began`."""
        for press in reaction.presses:
            latest = self.pending[-1].after if self.pending else began
            self.pending.append(replace(press, after=max(began + press.after, latest)))
        if reaction.hang_up_after is not None:
            self.hang_up_at = began + reaction.hang_up_after

    def next_press(self, before: float) -> Press | None:
        """Take the next key that comes before this moment: one on the clock already, or one pressed while we wait."""
        while self.keypad is not None:
            moments = [before] if self.hang_up_at is None else [before, self.hang_up_at]
            until = min([*moments, *(press.after for press in self.pending)])
            peek = until if self.wire is None else min(until, self.clock.now + GLANCE)
            done = self.keypad.until(peek)
            self.take(done, 0.0)
            if done == SILENCE and peek >= until:
                break
            if done == SILENCE:
                self._pass(peek)
                self._glance()
        return self.pending.popleft() if self.pending and self.pending[0].after < before else None

    def pass_to(self, moment: float, keyed: bool = False) -> None:
        """Move the clock on to `moment`. Raises OverError where the caller hangs up on the way, and SentOnError."""
        while self.wire is not None and moment - self.clock.now > GLANCE:
            self._pass(self.clock.now + GLANCE)
            self._glance()
        self._pass(moment, keyed)

    def lose_until(self, moment: float) -> list[Press]:
        """Let time pass in which nobody listens for keys: those that were pressed. Raises as pass_to does."""
        lost = []
        while (press := self.next_press(moment)) is not None:
            self.pass_to(press.after, keyed=True)
            lost.append(press)
        if lost:
            keys = "".join(press.key or f'"{press.words}"' for press in lost)
            self.note(Entry(self.clock.now, Side.CALLER, keys, "lost: nobody was listening"))
        self.pass_to(moment)
        return lost

    def stay(self, room: str, until: float, *, ends: bool) -> list[Press]:
        """Be in a room with others, until somebody leaves whose leaving ends the talk. Raises as pass_to does."""
        assert self.wire is not None  # without one nobody is in any room
        self._room, self._parted = room, False
        lost = []
        self.wire.enter(room, self.call, ends=ends)
        try:
            while not self._parted and self.clock.now < until:
                lost += self.lose_until(min(self.clock.now + GLANCE, until))
                self._glance()
        finally:
            self.wire.leave(room, self.call)
            self._room = ""
        return lost

    def _pass(self, moment: float, keyed: bool = False) -> None:
        gone = self.hang_up_at is not None and self.hang_up_at <= moment
        if self.hang_up_at is not None and gone:
            moment = max(self.hang_up_at, self.clock.now)
        self.clock.hear(min(self.audible_until, moment) - self.clock.now)
        quiet = moment - self.clock.now
        keying = min(quiet, self.pace.think_seconds + self.pace.key_seconds) if keyed and not gone else 0.0
        self.clock.wait(quiet - keying)
        self.clock.key(keying)
        if gone:
            self.note(Entry(self.clock.now, Side.CALLER, "(hangs up)"))
            raise OverError(End.CALLER)

    def _glance(self) -> None:
        """See what has been done to this call, and in its room, since the last look."""
        if self.wire is None:
            return
        news, self._looked = self.wire.after(self._looked)
        for each in news:
            if each.call == self.call:
                if each.what in _HEARD:
                    self.note(Entry(self.clock.now, Side.LINE, _HEARD[each.what]))
                if each.what is What.SENT_ON:
                    raise SentOnError(each.to)
            elif each.what is What.LEFT and each.ends and each.to == self._room:
                self._parted = True
