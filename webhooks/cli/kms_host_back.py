"""What `touchtone kms-host` has for giving an activation back.

It completes the group. One rule: what is shown is made of what is stored, so no code of a host that is alive.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from webhooks.cli.kms_host import host_facts, kms_host, opened, options, refuse_input, save
from webhooks.cli.output import show

__all__ = ["kms_host"]


@kms_host.command("return")
@options
def give_back(path: Path, as_json: bool) -> None:
    """Give the host's activation back: it leases no more, and its return code is shown; again, where it was lost."""
    from keys.device import returning
    from keys.errors import BadInput

    folder, installed = opened(path, as_json)
    build = installed.package.build
    try:
        dead = replace(installed, state=returning.give_back(build, installed.state, installed.hardware))
        save(folder, dead, as_json)  # before anything is shown
        code = returning.code(build, dead.state)
    except BadInput as error:
        refuse_input(error, as_json)
    show({**host_facts(dead), "return_code": " ".join(code)}, as_json)
