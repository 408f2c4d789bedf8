"""What the line answers for one installation, and the check that it is the publisher's answer for this one.

One rule: an answer that activates is believed for its certificate alone. Whoever stands between cannot swap two, change
a digit, or make one up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from keys.certificate import InvalidCertificate, verify
from keys.errors import BadInput
from keys.installation_id import decode, digest

_LONGEST_CODE = 64


class Outcome(StrEnum):
    """What became of one line."""

    ACTIVATED = "activated"
    REFUSED = "refused"
    MALFORMED = "malformed"


class AnswerFault(StrEnum):
    """Why an answer is not believed."""

    UNREADABLE = "unreadable"
    """A field is missing or is not what it should be."""
    UNSIGNED = "unsigned"
    """There is no certificate, or one that the pinned publisher did not sign."""
    SWAPPED = "swapped"
    """The certificate is another installation's, or another confirmation ID's."""


class InvalidAnswer(BadInput):
    """An answer that must not be kept: `fault` says why."""

    def __init__(self, fault: AnswerFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Answer:
    """One installation's answer; `confirmation_id` are the digits of the CID, `code` a refusal's stable code."""

    installation_id: str
    outcome: Outcome
    code: str | None = None
    replay: bool = False
    confirmation_id: str | None = None
    certificate: str | None = None

    def to_facts(self) -> dict[str, object]:
        """The answer as JSON values."""
        return {
            "installation_id": self.installation_id,
            "outcome": self.outcome.value,
            "code": self.code,
            "replay": self.replay,
            "confirmation_id": self.confirmation_id,
            "certificate": self.certificate,
        }


def read_answer(facts: Mapping[str, Any], installation_id: str, publisher: bytes) -> Answer:
    """The answer for `installation_id` that `facts` hold, believed. Raises InvalidAnswer."""
    try:
        outcome = Outcome(facts["outcome"])
    except (KeyError, ValueError, TypeError) as error:
        raise InvalidAnswer(AnswerFault.UNREADABLE) from error
    code, replay = facts.get("code"), facts.get("replay", False)
    if not isinstance(replay, bool) or not (code is None or (isinstance(code, str) and _is_code(code))):
        raise InvalidAnswer(AnswerFault.UNREADABLE)
    if outcome is not Outcome.ACTIVATED:
        return Answer(installation_id, outcome, code)
    blocks, certificate = facts.get("confirmation_id"), facts.get("certificate")
    digits = "".join(blocks) if isinstance(blocks, list) and all(isinstance(block, str) for block in blocks) else blocks
    if not isinstance(digits, str) or not digits.isascii() or not digits.isdigit():
        raise InvalidAnswer(AnswerFault.UNREADABLE)
    if not isinstance(certificate, str):
        raise InvalidAnswer(AnswerFault.UNSIGNED)
    try:
        stated = verify(certificate, publisher)
    except InvalidCertificate as error:
        raise InvalidAnswer(AnswerFault.UNSIGNED) from error
    of_this = stated.installation == digest(decode(installation_id)).hex()
    if not of_this or "".join(stated.confirmation_id) != digits:
        raise InvalidAnswer(AnswerFault.SWAPPED)
    return Answer(installation_id, outcome, None, replay, digits, certificate.strip())


def _is_code(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_CODE and text.isascii() and text.replace("_", "").isalnum()
