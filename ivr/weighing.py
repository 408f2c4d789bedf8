"""Groups taken for an installation ID, and which of several are genuine.

Rule: whether an ID is genuine is told by its proof alone; no row of the database is asked, so nothing else is learnt.
"""

from __future__ import annotations

from keys import ledger
from keys.installation_id import InstallationID, InvalidInstallationID, decode
from keys.repair import Candidate
from keys.secrets_file import Secrets


def decoded(groups: tuple[str, ...]) -> InstallationID | None:
    """The installation ID of complete groups; None for digits that pass every check and yet make none."""
    try:
        return decode("".join(groups))
    except InvalidInstallationID:
        return None


def genuine_among(candidates: tuple[Candidate, ...], secrets: Secrets) -> tuple[int, ...]:
    """The indexes of the candidates whose proof was made with a key of ours. Every one is tried."""
    meant = [decoded(candidate.groups) for candidate in candidates]
    return tuple(
        index
        for index, iid in enumerate(meant)
        if iid is not None and isinstance(ledger.identify(iid, secrets), ledger.Genuine)
    )
