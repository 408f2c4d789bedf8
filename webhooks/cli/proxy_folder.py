"""What every command of `touchtone proxy` begins with: the console's folder, opened, and its refusals said.

One rule: whatever goes wrong is one sentence and a stable code, and the folder is as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from webhooks.cli.output import refuse

if TYPE_CHECKING:
    from webhooks.proxy.collecting import Collected
    from webhooks.proxy.folder import Folder
    from webhooks.proxy.publisher_line import PublisherLine

in_folder = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="TOUCHTONE_PROXY_DIR",
    default="proxy",
    show_default=True,
    show_envvar=True,
    help="The console's own folder.",
)
as_json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@contextmanager
def opened(path: Path, as_json: bool) -> Iterator[Folder]:
    """The console in the folder; a fault inside the block ends the command with its sentence."""
    from keys.database import DatabaseUnavailable
    from webhooks.proxy.faults import FileFault
    from webhooks.proxy.folder import FolderFault, open_folder
    from webhooks.proxy.publisher_line import NotNow, TurnedAway
    from webhooks.proxy.tables import LaterVersion

    folder: Folder | None = None
    try:
        folder = open_folder(path)
        yield folder
    except FolderFault as fault:
        refuse(fault.code, fault.reason, as_json)
    except FileFault as fault:
        refuse("FILE_DAMAGED", f"{fault}.", as_json)
    except TurnedAway as trouble:
        refuse(trouble.code, trouble.reason, as_json)
    except NotNow as trouble:
        refuse("LINE_UNAVAILABLE", f"{trouble.reason} What was answered is kept: run this again.", as_json)
    except DatabaseUnavailable as trouble:
        refuse("FOLDER_UNAVAILABLE", f"The console's database cannot be used ({trouble.cause}).", as_json)
    except LaterVersion:
        refuse("FOLDER_OF_LATER_VERSION", "This folder was made by a later version of touchtone.", as_json)
    except OSError as error:
        refuse("FILE_UNUSABLE", f"{error.filename}: {error.strerror}.", as_json)
    finally:
        if folder is not None:
            folder.database.close()


def line_of(folder: Folder) -> PublisherLine:
    """The line this console is connected to. Raises FolderFault."""
    from webhooks.proxy.folder import FolderFault
    from webhooks.proxy.publisher_line import PublisherLine

    settings = folder.settings
    if settings.line is None or settings.token is None:
        raise FolderFault("not_connected", "This console is not connected: run touchtone proxy connect.")
    return PublisherLine(settings.line, settings.token, settings.authorities)


def tell_faults(collected: Collected) -> None:
    """What could not be taken, one line each, on standard error."""
    for fault in collected.faults:
        click.echo(str(fault), err=True)
