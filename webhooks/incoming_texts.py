"""A text that came in: taken in one transaction or, where there is no database to take it into, kept for when there is.

Rule: a text that was answered for is not lost for want of a database. It is on the disk, sealed, before its sender's
provider hears that we have it; it may be taken twice, and is answered once, by its id. Only one at which our own code
fails is given up, and logged, so that the others are taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import structlog
from cryptography.fernet import InvalidToken

from ivr.callers import e164, of_number, seal, unseal
from ivr.lines import Line
from ivr.message import Word
from ivr.prompts import Catalogue
from ivr.text_turn import Incoming, Vocabulary, take_text
from keys.unavailable import DatabaseUnavailable
from webhooks import metrics, spool
from webhooks.door import Exchange

_WORDS = {
    "word.instructions": Word.INSTRUCTIONS,
    "word.status": Word.STATUS,
    "word.new": Word.NEW,
    "word.agent": Word.AGENT,
    "word.more": Word.MORE,
    "word.languages": Word.LANGUAGES,
}
_COMMA = re.compile("[,\u060c\u3001\uff0c]")
"""As it is written in Latin, Arabic and Chinese."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A text as it came: the provider's id, from and to whom, by which of the provider's services, and what it says."""

    sid: str
    sender: str
    recipient: str
    service: str
    body: str
    opt_out: str


def take(here: Exchange, arrived: Arrived) -> None:
    """Take a text, and write its answer into the outbox. Raises DatabaseUnavailable."""
    line = here.lines.texted(arrived.recipient, arrived.service)
    number = None if line is None else e164(arrived.sender, line.country)
    if line is None or number is None:
        # A line without texts, or a sender that is no telephone number: a short number, or a name.
        _log.warning("text_not_for_us", message_sid=arrived.sid)
        return
    held = here.secrets
    caller = of_number(number, pepper=held.pepper, number_key=held.number_key, before=held.peppers_before)
    text = Incoming(arrived.sid, caller, number, line, arrived.body, arrived.opt_out)
    words = vocabulary(line, here.wording.catalogues)
    with metrics.Turn("text"):
        said = here.database.carry_out(
            lambda connection: take_text(
                connection, here.secrets, text, words=words, limits=here.limits, now=here.now(), below=here.below
            )
        )
    here.texts_due.set()
    if said is not None:
        metrics.came_to("text", said)
    _log.debug("text_taken", message_sid=text.sid)


def keep(here: Exchange, arrived: Arrived) -> None:
    """Keep a text on the disk until the database is back. Raises OSError where even the disk fails."""
    spool.put_text(here.spool_dir, seal(json.dumps(asdict(arrived)), here.secrets.number_key))


def take_kept(here: Exchange) -> int:
    """Take what was kept, in its order, and tell how many there were. Raises DatabaseUnavailable: all stay, then."""

    def take_all(kept: list[str]) -> None:
        for sealed in kept:
            _take_one(here, sealed)

    return spool.drain_texts(here.spool_dir, take_all)


def _take_one(here: Exchange, sealed: str) -> None:
    """Take one. What fails by a fault of ours is logged and passed over: it would keep all others waiting for ever."""
    sid = ""
    try:
        arrived = Arrived(**json.loads(unseal(sealed, here.secrets.number_key)))
        sid = arrived.sid
        take(here, arrived)
    except DatabaseUnavailable:
        raise
    except InvalidToken:
        _log.error("kept_text_unreadable")
    except Exception:  # noqa: BLE001 - the others of the spool have to be taken
        _log.exception("text_failed", message_sid=sid)


def vocabulary(line: Line, catalogues: Mapping[str, Catalogue]) -> Vocabulary:
    """The words of every language that the line speaks. A name that two have alike means the line's first."""
    words = {
        locale: {text: word for prompt, word in _WORDS.items() for text in _listed(catalogues[locale], prompt)}
        for locale in line.locales
    }
    named = reversed(line.locales) if len(line.locales) > 1 else ()
    languages = {text: locale for locale in named for text in _listed(catalogues[locale], "word.language")}
    return Vocabulary(words, languages)


def _listed(catalogue: Catalogue, prompt: str) -> list[str]:
    """The words of a prompt, casefolded: it lists one or more, with commas between."""
    return [word.strip().casefold() for word in _COMMA.split(catalogue.text(prompt, None)) if word.strip()]
