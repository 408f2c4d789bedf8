"""A caller who reads an installation ID off a screen, with the slips and the moods that are asked for.

The one rule: this caller answers what is asked and nothing else. A group is keyed when its number is heard; during
the read-back there is only listening; once all blocks are written down and the line moves on, the telephone is put
down.
"""

from dataclasses import dataclass, field

from webhooks.rehearsal.caller import SILENCE, Caller, Press, Reaction, Stretch, hanging_up, keying
from webhooks.rehearsal.clock import Pace
from webhooks.rehearsal.hearing import Notepad, asked_group, blocks, case_number, opens, yes_key

READ_BACK = "readback"
FOR_EVER = -1


@dataclass(frozen=True, slots=True)
class Mood:
    """What this caller does wrong or differently. Groups count from 1; 0 is none.

    `silences` is how many times group `silent_at` is met with silence, FOR_EVER being always. `hang_up_at` is a group
    number or `readback`. `express` keys the whole ID in one run, `person` keys 0 at once, `finish_key` follows every
    entry. `lost_key` is a group one of whose keys does not come through, once. A `practised` caller knows what is asked
    next: keys over the words unless they are unexpected, ends the first group with `#`, and hangs up as soon as the
    last block is copied. `copying` is the seconds that copying a block takes.
    """

    wrong_group: int = 0
    silent_at: int = 0
    silences: int = FOR_EVER
    hang_up_at: int | str = 0
    express: bool = False
    person: bool = False
    finish_key: str = ""
    lost_key: int = 0
    practised: bool = False
    copying: float = 0.0


@dataclass
class ScriptedCaller(Caller):
    """Keys the groups of one installation ID. `groups` are the digits of each group, without spaces."""

    groups: tuple[str, ...]
    mood: Mood = field(default_factory=Mood)
    pace: Pace = field(default_factory=Pace)
    notepad: Notepad = field(default_factory=Notepad)
    _slipped: bool = False
    _silent: int = 0
    _begun: bool = False
    _asked: int | None = None
    _expected: int = 1

    def react(self, stretch: Stretch) -> Reaction:
        """See `Caller`."""
        opening = 1 if opens(stretch.words) and not self._begun else None
        self._asked = asked_group(stretch.words) or self._asked or opening
        if not stretch.words and self._asked is None:
            return SILENCE
        if blocks(stretch.words) or self.notepad.blocks:
            return self._listen(stretch)
        if case_number(stretch.words) and stretch.listening:
            return hanging_up(stretch)  # written down: there is nothing more to be had in this call
        if not stretch.listening:
            return SILENCE  # words before the prompt: whoever keys now keys into nothing
        if self.mood.person and not self._begun:
            self._begun = True
            return keying("0", stretch, self.pace)
        return self._answer(stretch)

    def heard(self, words: str) -> None:
        """See `Caller`."""
        self.notepad.write(words)

    def dialling(self, pause: float, a_digit: float) -> Reaction:
        """The whole ID keyed by the telephone itself, as it does for a `tel:` link: after a pause, evenly."""
        self._begun = True
        digits = "".join(self.groups)
        return Reaction(tuple(Press(digit, pause + a_digit * place) for place, digit in enumerate(digits, start=1)))

    def _listen(self, stretch: Stretch) -> Reaction:
        if self.mood.hang_up_at == READ_BACK and (self.notepad.blocks or len(blocks(stretch.words)) > 1):
            return hanging_up(stretch, 0.5)
        ahead = Notepad(dict(self.notepad.blocks), announced=self.notepad.announced, ended=self.notepad.ended)
        ahead.write(stretch.words)
        if self.mood.practised and ahead.confirmation_id:
            return Reaction(hang_up_after=max(stretch.seconds, self.mood.copying))
        return hanging_up(stretch) if ahead.confirmation_id and ahead.ended else SILENCE

    def _answer(self, stretch: Stretch) -> Reaction:
        group, self._asked = self._asked, None
        yes = yes_key(stretch.words)
        if yes is not None:
            return keying(yes, stretch, self.pace)
        if group is None or not 1 <= group <= len(self.groups):
            return SILENCE
        if self.mood.hang_up_at == group:
            return hanging_up(stretch)
        if self.mood.silent_at == group and self._silent != self.mood.silences:
            self._silent += 1
            return SILENCE
        begun, self._begun = self._begun, True
        expected, self._expected = self._expected, group + 1
        start = 0.0 if self.mood.practised and group == expected else None
        finish = self.mood.finish_key or ("#" if self.mood.practised and not begun else "")
        if not self.mood.express or begun:
            return keying(self._keyed(group) + finish, stretch, self.pace, start)
        presses: tuple[Press, ...] = ()
        for place in range(1, len(self.groups) + 1):
            keys = self._keyed(place) + (finish if place == len(self.groups) else "")
            presses += keying(keys, stretch, self.pace, presses[-1].after if presses else start).presses
        return Reaction(presses)

    def _keyed(self, group: int) -> str:
        """The group as this caller's fingers key it: one digit wrong, the first time, where that is the mood."""
        digits = self.groups[group - 1]
        if self.mood.lost_key == group and not self._slipped:
            self._slipped = True
            return digits[:2] + digits[3:]
        if self.mood.wrong_group != group or self._slipped:
            return digits
        self._slipped = True
        return wrong(digits)


def wrong(digits: str) -> str:
    """The digits with one slip, in the third place, to the next digit: every check digit scheme of an ID sees it.

    >>> wrong("123456"), wrong("129456")
    ('124456', '120456')
    """
    place = min(2, len(digits) - 1)
    return digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]
