"""What a caller is to be told: the words of a turn, and the digits that they only name.

Rule: the stored reply of a turn holds no digit. They are read for the answer, each time it is given, and only where the
words may name them; what the turn itself came to know is not read once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ivr import cases
from ivr.actions import ReadBack, Spoken
from ivr.callers import unseal
from ivr.calls import Call
from ivr.cases import Case
from ivr.events import Approved, Refused
from ivr.states import AskingGroup, ConfirmingGroup, Opening
from ivr.written import read_spoken
from keys import ledger
from keys.installation_id import InstallationID, decode
from keys.reservations import Reservation
from keys.secrets_file import Secrets


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say in which language, the number the next turn must bring, and the digits that the words only name.

    `said` is what the ledger answered in this very turn, for whoever counts: None where it was not asked, and so where
    the turn came twice; it makes no two answers differ.
    """

    turn: int
    spoken: Spoken
    case_number: str | None
    held_number: str | None
    blocks: tuple[str, ...]
    locale: str = ""
    said: Approved | Refused | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Known:
    """What a turn came to know of a case by asking the ledger: the case before it, the ID, and what was spent on it."""

    case: Case
    iid: InstallationID | None
    spent: Reservation | None


def answer(connection: Connection, secrets: Secrets, call: Call, known: Mapping[int, Known]) -> Answer:
    """The answer of a call as it stands. `known` is what the turn knows already of cases, by id."""
    spoken = read_spoken(call.spoken)
    if isinstance(call.state, Opening | AskingGroup | ConfirmingGroup) or call.case_id is None:
        return Answer(call.turn, spoken, None, None, (), call.state.form.locale)
    of_it = known.get(call.case_id) or Known(cases.read(connection, call.case_id), None, None)
    case, spent = of_it.case, of_it.spent
    blocks: tuple[str, ...] = ()
    if isinstance(spoken, ReadBack):
        if spent is None:
            assert case.reservation_id is not None  # it was approved
            spent = ledger.find(connection, case.reservation_id)
        blocks = ledger.confirmation_of(spent, of_it.iid or decode("".join(call.state.form.groups)), secrets)
    held = unseal(call.held, secrets.number_key) if call.held else None
    return Answer(call.turn, spoken, case.number, held, blocks, call.state.form.locale)
