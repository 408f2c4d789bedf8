r"""Whole calls as text: written by hand, read as a call, played against a line.

The one rule: a script says what must be heard and what is then keyed, in order; between two of its lines the
telephone may say more. A call that does not come to the next line of its script is a mismatch, shown beside what was
heard instead.

    # A wrong group is asked again alone
    from: +14155550123
    iid: standard
    line: *first group*
    caller: {wrong g1}
    line: Group 1 again ...
    caller: {g1}
    line: Group 2.
    caller: (hangs up)
    outcome: hung_up

`line:` holds words that are heard; `*` and `...` stand for any words. `caller:` holds keys, words that are said
(`"yes"`, or `"yes" (unclear)` for a mumble), `(silence)` or `(hangs up)`; after keys or words may stand `(cutting in)`,
to begin over the line's words, or `(after 3 s)`, to wait first. `{g4}` is group 4 of the installation ID, `{wrong g4}`
the same with one slip, `{short g2}` without its last digit, `{all}` every group. `line: (hangs up)` is the line ending
the call. Any other `name: value` is a heading: facts for whoever sets the stage.

>>> script = parse("# One key\nfrom: anonymous\nline: hello\ncaller: 1 (after 3 s)\n")
>>> script.title, script.headings, script.steps[1]
('One key', {'from': 'anonymous'}, Step(who='caller', words='1 (after 3 s)', place=4))
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from webhooks.rehearsal.caller import SILENCE, Caller, Reaction, Stretch, hanging_up, keying, saying
from webhooks.rehearsal.clock import Pace
from webhooks.rehearsal.dialling import CallRecord
from webhooks.rehearsal.entries import End, Entry, Side
from webhooks.rehearsal.scripted import wrong

HANGS_UP = "(hangs up)"
SAYS_NOTHING = "(silence)"


class BadScriptError(ValueError):
    """A script cannot be read. `place` is the line in the file, `text` what stands there."""

    def __init__(self, place: int, text: str) -> None:
        super().__init__(place, text)
        self.place = place
        self.text = text


@dataclass(frozen=True, slots=True)
class Step:
    """One `line:` or `caller:` of a script and where it stands in the file."""

    who: str
    words: str
    place: int


@dataclass(frozen=True, slots=True)
class Script:
    """A call as written. `title` is the first comment; `headings` are all other names and values."""

    title: str
    headings: dict[str, str]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a script: the record of the call, and everything in which it differs from what is written."""

    record: CallRecord
    mismatches: tuple[str, ...]


def parse(text: str) -> Script:
    """Read a script. Raises `BadScriptError`."""
    title, headings, steps = "", {}, []
    for place, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line.startswith("#"):
            title = title or line.lstrip("# ")
            continue
        if not line:
            continue
        name, colon, value = line.partition(":")
        if not colon or not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise BadScriptError(place, line)
        if name in {"line", "caller"}:
            steps.append(Step(name, value.strip(), place))
        else:
            headings[name] = value.strip()
    return Script(title, headings, tuple(steps))


def keys_of(words: str, groups: Sequence[str], place: int = 0) -> str:
    """The keys a `caller:` stands for, placeholders filled in. Raises `BadScriptError`.

    >>> keys_of("{g1} {wrong g2} {short g2} *", ["111111", "222222"])
    '11111122322222222*'
    """

    def group(match: re.Match[str]) -> str:
        how, number = match[1], match[2]
        if number is None:
            return "".join(groups)
        if not 1 <= int(number) <= len(groups):
            raise BadScriptError(place, words)
        digits = groups[int(number) - 1]
        return {"wrong": wrong(digits), "short": digits[:-1]}.get(how, digits)

    keys = re.sub(r"\{(?:(?:(wrong|short) )?g(\d)|all)\}", group, words).replace(" ", "").replace("-", "")
    if not re.fullmatch(r"[0-9*#]+", keys):
        raise BadScriptError(place, words)
    return keys


def fits(pattern: str, heard: str) -> int | None:
    """Where in `heard` the first words that fit the pattern end, or None. Case and spacing do not matter.

    >>> fits("group 2 ... digits", "Thank you. Group 2.  Six digits."), fits("group 3", "Group 2.")
    (31, None)
    """
    parts = [part.strip() for part in re.split(r"\*|\.\.\.", pattern) if part.strip()]
    wanted = r"[\s\S]*?".join(r"\s+".join(re.escape(word) for word in part.split()) for part in parts)
    found = re.search(wanted, heard, re.IGNORECASE)
    return found.end() if found else None


@dataclass
class ScriptCaller(Caller):
    """Plays the caller's side of a script, and ticks off what the line should say."""

    script: Script
    groups: Sequence[str]
    pace: Pace = field(default_factory=Pace)
    step: int = 0
    unheard: str = ""

    def react(self, stretch: Stretch) -> Reaction:
        """See `Caller`."""
        self.unheard = f"{self.unheard} {stretch.words}".strip()
        while self._next("line") and (end := fits(self.script.steps[self.step].words, self.unheard)) is not None:
            self.unheard = self.unheard[end:]
            self.step += 1
        if self.step == len(self.script.steps):
            return hanging_up(stretch)
        # Keys before the telephone listens would be lost; whoever wants that writes `(cutting in)`.
        if not self._next("caller") or not (stretch.listening or "(cutting in)" in self.script.steps[self.step].words):
            return SILENCE
        step = self.script.steps[self.step]
        self.step += 1
        self.unheard = ""
        return self._act(step, stretch)

    def heard(self, words: str) -> None:
        """See `Caller`."""

    def _next(self, who: str) -> bool:
        return (
            self.step < len(self.script.steps)
            and self.script.steps[self.step].who == who
            and (who, self.script.steps[self.step].words) != ("line", HANGS_UP)
        )

    def _act(self, step: Step, stretch: Stretch) -> Reaction:
        if step.words == SAYS_NOTHING:
            return SILENCE
        if step.words == HANGS_UP:
            return hanging_up(stretch)
        after = re.search(r"\(after (\d+(?:\.\d+)?) s\)", step.words)
        begin = 0.0 if "(cutting in)" in step.words else stretch.seconds + (float(after[1]) if after else 0.0)
        said = re.match(r'"([^"]+)"', step.words)
        if said is not None:
            return saying(said[1], stretch, self.pace, 0.2 if "(unclear)" in step.words else 0.9, begin)
        keys = keys_of(re.sub(r"\([^)]*\)", "", step.words), self.groups, step.place)
        return keying(keys, stretch, self.pace, begin)


def play(
    script: Script, groups: Sequence[str], ring: Callable[[ScriptCaller], CallRecord], pace: Pace | None = None
) -> Played:
    """Play a script; `ring` dials with the caller it is given. A TwiML problem or a difference is a mismatch too."""
    caller = ScriptCaller(script, groups, pace or Pace())
    record = ring(caller)
    return Played(record, tuple(_mismatches(script, caller, record)))


def _mismatches(script: Script, caller: ScriptCaller, record: CallRecord) -> list[str]:
    wrongs = []
    left = script.steps[caller.step :]
    if left and (left[0].who, left[0].words) == ("line", HANGS_UP) and record.ended_by is End.LINE:
        left = left[1:]
    if left:
        wrongs.append(
            f"line {left[0].place} of the script was not reached: {left[0].who}: {left[0].words}\n"
            f"  heard instead: {caller.unheard or '(nothing more)'}\n  the call was ended by: {record.ended_by}"
        )
    wanted = script.headings.get("outcome")
    if wanted is not None and wanted != record.outcome:
        wrongs.append(f"outcome: {wanted} was written, {record.outcome} came")
    wrongs += [f"TwiML: {problem}" for problem in record.problems]
    wrongs += [f"trouble: {trouble.fault.name} {trouble.url} {trouble.fact}".rstrip() for trouble in record.troubles]
    wrongs += [f"two answers at {unlike.path}: {unlike.first} / {unlike.second}" for unlike in record.differences]
    wrongs += [f"block {letter} was read in two ways" for letter, _, _ in record.conflicts]
    return wrongs


def written(script: Script, record: CallRecord, groups: Sequence[str]) -> str:
    """The call as it really went, as a script: what to put in the file where the new wording is right."""
    lines = [f"# {script.title}", *(f"{name}: {value}" for name, value in script.headings.items() if name != "outcome")]
    lines += [_as_written(entry, groups) for entry in record.transcript if entry.words != "" and not _lost(entry)]
    if record.ended_by is End.LINE:
        lines.append(f"line: {HANGS_UP}")
    return "\n".join([*lines, f"outcome: {record.outcome}", ""])


def _lost(entry: Entry) -> bool:
    return entry.note.startswith("lost")


def _as_written(entry: Entry, groups: Sequence[str]) -> str:
    if entry.side is Side.LINE:
        return f"line: {entry.words}"
    words = entry.words
    for number, digits in enumerate(groups, start=1):
        words = words.replace(digits, f"{{g{number}}}")
    return f"caller: {words}" + (" (cutting in)" if entry.note == "cutting in" else "")
