"""What could go wrong on the way to PostgreSQL alone, a fault at a time: the machine that finds each, and the fault."""

from tests.torture.ledger_machine import LedgerMachine
from tests.torture.planting import fault
from tests.torture.turn_machine import TurnMachine

POSTGRESQL = (
    (
        LedgerMachine,
        fault(
            "what is taken for granted is written down nowhere",
            (
                "keys.taking:take_for_granted",
                "_WRITE[len(entered)].later(connection, _facts(entered))",
                "len(entered)",
            ),
        ),
    ),
    (
        LedgerMachine,
        fault(
            "what is taken for granted is not counted",
            ("keys.taking:take_for_granted", "_MOVE.later(connection, moved)", "len(moved)"),
        ),
    ),
    (
        LedgerMachine,
        fault(
            "what is taken for granted is told, and there is no such reservation",
            ("keys.taking:take_for_granted", "_CLAIM_FOR_GRANTED.later(connection, row)", "len(row)"),
        ),
    ),
    (
        LedgerMachine,
        fault(
            "a statement that waits is forgotten where the transaction ends",
            ("keys.libpq:Wire.end", "if self._waiting:", "if self._waiting and self._waiting.clear():"),
        ),
    ),
    (
        LedgerMachine,
        fault(
            "a statement that waits is sent once more by whoever has the connection next",
            (
                "keys.libpq:Wire._send_waiting",
                "waiting, self._waiting = self._waiting, []",
                "waiting = [*self._waiting]",
            ),
        ),
    ),
    (
        TurnMachine,
        fault(
            "what waits is sent, and the transaction not ended",
            ("keys.libpq:Wire.end", "last=[_COMMIT] if self.begun else []", "last=[]"),
        ),
    ),
    (
        TurnMachine,
        fault(
            "groups that are kept for granted are not kept",
            ("ivr.cases:keep_groups", "_KEEP_FOR_GRANTED.later(connection, facts)", "len(facts)"),
        ),
    ),
)
