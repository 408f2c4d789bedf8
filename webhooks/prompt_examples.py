"""Every prompt with example facts, so that a translator reads and hears what a caller will.

Rule: the facts are as long as they get, so that a text which fits here fits always.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ivr.actions import say
from ivr.prompts import Catalogue, Digits, Piece, Speech, plain
from keys.confirmation_id import LETTERS
from webhooks.segments import Segments, segments
from webhooks.text_body import body, lettered

FACTS: dict[str, Piece | Speech] = {
    "line_name": "Nordstern activation line",
    "case_number": Digits("9123456785"),
    "held_number": Digits("14155550123"),
    "digits": Digits("105201"),
    "group": 4,
    "other": 3,
    "place": 2,
    "key": 2,
    "product": 16_383,
    "groups": "1-3, 5, 8, 9",
    "blocks": lettered(["105201"] * len(LETTERS)),
    "words": "...",
    "count": 40,
    "hours": 24,
}
MOST_SEGMENTS = 2
"""Of a text that is one prompt; the confirmation ID has to fit one."""
ONE_SEGMENT = frozenset({"text.approved"})


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt in one of its plural forms (None: it has none), filled in; `text` what it costs where it is texted."""

    prompt: str
    form: int | None
    words: str
    speech: Speech
    text: Segments | None


def examples(catalogue: Catalogue) -> Iterator[Example]:
    """Every prompt in every plural form, in the catalogue's order."""
    for prompt in catalogue.prompts:
        for count in catalogue.counts(prompt):
            facts = FACTS if count is None else {**FACTS, "count": count, "hours": count}
            form = catalogue.form(prompt, count)
            if prompt.startswith("text."):
                told = body(catalogue, (say(prompt),), {name: _as_text(fact) for name, fact in facts.items()})
                yield Example(prompt, form, told, (), segments(told))
            else:
                speech = catalogue.speech(prompt, facts)
                yield Example(prompt, form, plain(speech), speech, None)


def too_long(catalogue: Catalogue) -> Iterator[tuple[str, int]]:
    """The texts that cost more than they may, with how many segments."""
    for example in examples(catalogue):
        most = 1 if example.prompt in ONE_SEGMENT else MOST_SEGMENTS
        if example.text is not None and example.text.count > most:
            yield example.prompt, example.text.count


def _as_text(fact: Piece | Speech) -> Piece:
    return fact if isinstance(fact, int) else str(fact)
