"""How long words take, and what is heard of them when they are cut off.

The one rule: a table decides, never a guess about a voice. A word takes 60 / 160 s; a single letter or digit 0.30 s
(the figure that fits espeak-ng's eight spoken blocks at that speed: 64 short words in 19.2 s beside their breaks);
where words are not spaced, a Han sign takes 0.22 s and a kana 0.13 s; digits that are not spaced are spoken as a whole
number, one and a half words a digit; a break takes what it says.

>>> sounds = spoken((Say((Words("A, Alpha. 1 2 3"), Break(0.5), Words("4 5 6"))),), Pace())
>>> round(total(sounds), 3)
2.975
>>> text(sounds)
'A, Alpha. 1 2 3 4 5 6'
>>> text(cut(sounds, 1.2))
'A, Alpha. 1'
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from webhooks.rehearsal.clock import Pace
from webhooks.rehearsal.verbs import Break, Pause, Play, Say, Words

HAN_SECONDS, KANA_SECONDS = 0.22, 0.13
_HAN, _KANA = re.compile("[\u4e00-\u9fff]"), re.compile("[\u3040-\u30ff]")
MOST_REPEATS = 1000
"""`loop="0"` ends after this many (docs/voice/twiml/say)."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One word or one silence, with its length in seconds. `words` is empty for a silence."""

    words: str
    seconds: float


def spoken(verbs: Iterable[Say | Play | Pause], pace: Pace) -> tuple[Sound, ...]:
    """Everything a caller hears from these verbs, in order."""
    return tuple(sound for verb in verbs for sound in _sounds(verb, pace))


def _sounds(verb: Say | Play | Pause, pace: Pace) -> Iterator[Sound]:
    match verb:
        case Pause(length):
            yield Sound("", float(length))
        case Play(url, digits, loop):
            once = Sound("", 0.5 * len(digits)) if digits else Sound(f"({url.rsplit('/', 1)[-1]})", pace.play_seconds)
            for _ in range(loop or MOST_REPEATS):
                yield once
        case Say(pieces, _, _, loop):
            for _ in range(loop or MOST_REPEATS):
                for piece in pieces:
                    yield from _piece(piece, pace)


def _piece(piece: Words | Break, pace: Pace) -> Iterator[Sound]:
    if isinstance(piece, Break):
        yield Sound("", piece.seconds)
        return
    words = piece.text.split()
    by_table = [word_seconds(word, pace) for word in words]
    # A measured voice says how long the whole takes; within it, the words keep the table's proportions.
    scale = pace.measured(piece.text) / sum(by_table) if pace.measured and sum(by_table) else 1.0
    for word, seconds in zip(words, by_table, strict=True):
        yield Sound(word, seconds * scale / piece.rate)


def word_seconds(word: str, pace: Pace) -> float:
    """How long one word takes at the voice's usual speed, by the table above."""
    signs = re.sub(r"\W", "", word)
    if len(signs) <= 1:
        return pace.short_word_seconds if signs else 0.0
    one = 60.0 / pace.words_a_minute
    unspaced = len(_HAN.findall(signs)) * HAN_SECONDS + len(_KANA.findall(signs)) * KANA_SECONDS
    return one * 1.5 * len(signs) if signs.isdigit() else unspaced or one


def total(sounds: Iterable[Sound]) -> float:
    """The whole length in seconds."""
    return sum(sound.seconds for sound in sounds)


def text(sounds: Iterable[Sound]) -> str:
    """The words alone."""
    return " ".join(sound.words for sound in sounds if sound.words)


def speech_seconds(sounds: tuple[Sound, ...]) -> float:
    """The length up to the end of the last word: what follows is silence, in which a caller already answers."""
    last = max((place for place, sound in enumerate(sounds) if sound.words), default=-1)
    return total(sounds[: last + 1])


def cut(sounds: tuple[Sound, ...], seconds: float) -> tuple[Sound, ...]:
    """What was wholly heard when the audio stopped after so many seconds."""
    heard: list[Sound] = []
    passed = 0.0
    for sound in sounds:
        passed += sound.seconds
        if passed > seconds + 1e-9:  # sums of tenths miss by a hair
            break
        heard.append(sound)
    return tuple(heard)
