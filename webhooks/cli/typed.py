"""What is typed at the command line as a caller would key it.

Rule: whatever cannot be read ends the command with one sentence that says where it is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from webhooks.cli.output import refuse

if TYPE_CHECKING:
    from keys.installation_id import InstallationID


def installation_id_of(text: str, as_json: bool) -> InstallationID:
    """The installation ID that was typed, in any spelling."""
    from keys.installation_id import InvalidInstallationID, decode

    try:
        return decode(text)
    except InvalidInstallationID as error:
        wrong = ", ".join(str(fault.group or "the whole") for fault in error.faults)
        refuse("INSTALLATION_ID_WRONG", f"That is no installation ID; wrong is group: {wrong}.", as_json)
