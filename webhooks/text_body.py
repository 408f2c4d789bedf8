r"""The body of a text: the words of the outbox in the line's language, with the facts they ask for.

Rule: digits stand as they are written, since a text is read and not heard; and the blocks of a confirmation ID are read
only for a text that asks for them, when it is about to be sent.

>>> from ivr.actions import say
>>> from ivr.prompts import parse
>>> catalogue = parse(b'msgid ""\nmsgstr "Language: en\\n"\n\n'
...                   b'msgctxt "text.in"\nmsgid "Groups {groups} are in."\nmsgstr "Groups {groups} are in."\n\n'
...                   b'msgctxt "text.blocks"\nmsgid "Your blocks:\\n{blocks}"\nmsgstr "Your blocks:\\n{blocks}"\n',
...                   "en-US")
>>> words = (say("text.in", groups="1-3, 5"), say("text.blocks"))
>>> sorted(asked(catalogue, words))
['blocks', 'groups']
>>> print(body(catalogue, words, {"blocks": lettered(("123456", "654321"))}))
Groups 1-3, 5 are in. Your blocks:
A 123456
B 654321
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from ivr import cases
from ivr.actions import Say
from ivr.languages import in_a_sentence
from ivr.lines import Line
from ivr.prompts import Catalogue, Piece
from keys import ledger
from keys.confirmation_id import LETTERS
from keys.installation_id import decode
from keys.secrets_file import Secrets
from webhooks.segments import segments

_OF_A_CASE = frozenset({"case_number", "blocks"})
_NONE: Mapping[str, Catalogue] = {}


def asked(catalogue: Catalogue, words: tuple[Say, ...], others: Mapping[str, Catalogue] = _NONE) -> frozenset[str]:
    """The names of all facts these words ask for; of `others` are those with a locale. Raises UnknownPrompt."""
    formatter = string.Formatter()
    texts = (others.get(word.locale, catalogue).text(word.prompt, None) for word in words)
    return frozenset(name for text in texts for _, name, _, _ in formatter.parse(text) if name is not None)


def read_facts(
    connection: Connection, secrets: Secrets, line: Line, case_id: int | None, names: frozenset[str]
) -> dict[str, Piece]:
    """What the line and the case say to these names; the case is read only if one of them is about it.

    Raises LookupError where a case is asked for and there is none, or a confirmation ID and it has none: bugs of ours.
    """
    facts: dict[str, Piece] = {"line_name": line.name, "hours": line.call_back_hours}
    if not names & _OF_A_CASE:
        return facts
    if case_id is None:
        raise LookupError("case_id")
    case = cases.read(connection, case_id)
    facts["case_number"] = case.number
    if "blocks" in names:
        if case.reservation_id is None:
            raise LookupError("reservation_id")
        iid = decode("".join(case.groups))
        facts["blocks"] = lettered(ledger.confirmation(connection, case.reservation_id, iid, secrets))
    return facts


def body(
    catalogue: Catalogue,
    words: tuple[Say, ...],
    facts: Mapping[str, Piece],
    others: Mapping[str, Catalogue] = _NONE,
) -> str:
    """The text itself; a word's own facts go before the line's, and a word with a locale is of `others`.

    Blocks come without a space after their letter where that alone makes one text of it: with any sign that is not of
    the small alphabet there is room for 70 in all. Raises UnknownPrompt, and KeyError for a fact.
    """
    told = _filled_in(catalogue, words, facts, others)
    if "blocks" not in facts or segments(told).count == 1:
        return told
    close = _filled_in(catalogue, words, {**facts, "blocks": str(facts["blocks"]).replace(" ", "")}, others)
    return close if segments(close).count == 1 else told


def _filled_in(
    catalogue: Catalogue, words: tuple[Say, ...], facts: Mapping[str, Piece], others: Mapping[str, Catalogue]
) -> str:
    text = ""
    for word in words:
        spoken = others.get(word.locale, catalogue)
        given = {**facts, **dict(word.facts)}
        pieces = spoken.speech(word.prompt, _set_apart(spoken.locale, given))
        sentence = "".join(str(piece) for piece in pieces)
        gap = "" if not text or text.endswith("\n") or sentence.startswith("\n") else " "
        text += gap + sentence
    return text


def _set_apart(locale: str, facts: Mapping[str, Piece]) -> dict[str, Piece]:
    """The facts as they stand in a sentence; plain numbers and whole lines need nothing in any language."""
    return {
        name: in_a_sentence(locale, fact) if isinstance(fact, str) and not _stands(fact) else fact
        for name, fact in facts.items()
    }


def _stands(fact: str) -> bool:
    return fact.isdigit() or "\n" in fact


def lettered(blocks: Iterable[str]) -> str:
    """The blocks of a confirmation ID, one a line, each after its letter."""
    return "\n".join(f"{letter} {block}" for letter, block in zip(LETTERS, blocks, strict=False))
