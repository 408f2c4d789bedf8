"""A caller at a keyboard: hears the line in print and keys whatever is typed.

The one rule: what is typed is what a telephone has. Enter alone is silence, `h` hangs up, words in quotation marks are
said, and a line with anything but keys in it is asked for again instead of being sent.

>>> typed = iter(["12 34x", "12-34"])
>>> caller = KeyboardCaller(lambda prompt: next(typed))
>>> "".join(press.key for press in caller.react(Stretch("Group 2.", 0.0, 0.7, listening=True)).presses)
'1234'
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from webhooks.rehearsal.caller import SILENCE, Reaction, Stretch, hanging_up, keying, saying
from webhooks.rehearsal.clock import Pace

PROMPT = "keys> "
PROMPT_AGAIN = 'only 0-9 * #, "words" to say, Enter for silence, h to hang up> '


@dataclass
class KeyboardCaller:
    """Asks `read(prompt)` for a line wherever the telephone listens; the end of the input hangs up."""

    read: Callable[[str], str]
    pace: Pace = field(default_factory=Pace)

    def react(self, stretch: Stretch) -> Reaction:
        """See `Caller`."""
        if not stretch.listening:
            return SILENCE
        prompt = PROMPT
        while True:
            try:
                typed = self.read(prompt)
            except EOFError:
                return hanging_up(stretch)
            said = re.fullmatch(r'\s*"([^"]+)"?\s*', typed)
            if said is not None:
                return saying(said[1], stretch, self.pace)
            keys = "".join(sign for sign in typed if sign not in " -")
            if keys.lower() == "h":
                return hanging_up(stretch)
            if all(key in "0123456789*#" for key in keys):
                return keying(keys, stretch, self.pace)
            prompt = PROMPT_AGAIN

    def heard(self, words: str) -> None:
        """See `Caller`; the words are on the screen already."""
