"""What the callers of a load heard: made out of the documents when all have hung up, since a person's ear is dear.

Rule: nothing is taken on trust because it was asked for. Each answer to a group must ask for the next one in words, and
a confirmation ID counts only as it was read out. To make out a read-back costs thirty times what a turn costs the load.

>>> said = "<Response><Gather><Say>Thank you. Group {}.</Say></Gather></Response>"
>>> heard_out(Held(documents=[said.format(2), said.format(2), ""]))
Heard(confirmation_id=None, fault='after group 2: Thank you. Group 2.')
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from webhooks.bench.calling import Held
from webhooks.rehearsal.hearing import Notepad, asked_group
from webhooks.rehearsal.reading import NotTwimlError, read
from webhooks.rehearsal.verbs import Gather, Say, Words

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Heard:
    """What a caller made out of a call: the confirmation ID, None without one, and the fault, empty where none is."""

    confirmation_id: str | None
    fault: str


def heard_out(held: Held) -> Heard:
    """What a caller made out of a call that was held; a fault of the call itself stays the fault."""
    if held.fault:
        return Heard(None, held.fault)
    *asking, reading = [list(words_of(document)) for document in held.documents]
    for number, words in enumerate(asking, 1):
        said = " ".join(words)
        if asked_group(said) != number + 1:
            return Heard(None, f"after group {number}: {said[:_SHOWN]}")
    pad = Notepad()
    for words_of_one in reading:
        pad.write(words_of_one)
    fault = "" if pad.confirmation_id else f"instead of a confirmation ID: {' '.join(reading)[:_SHOWN]}"
    return Heard(pad.confirmation_id, fault)


def words_of(document: str) -> Iterator[str]:
    """The words of a document, verb by verb, each as one runs into the next."""
    try:
        verbs = read(document).verbs
    except NotTwimlError:
        yield f"no TwiML: {document}"
        return
    for verb in verbs:
        sounds = verb.nested if isinstance(verb, Gather) else (verb,)
        yield " ".join(
            piece.text
            for sound in sounds
            if isinstance(sound, Say)
            for piece in sound.pieces
            if isinstance(piece, Words)
        )
