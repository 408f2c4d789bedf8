"""Pairs handed out to machines: as files for them to deposit, or over ssh on the spot.

One rule: the machine judges. What the console believes of it changes only by what the machine answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from keys.device import store
from webhooks.proxy.asked import Deposit
from webhooks.proxy.over_ssh import Answered, Host, Ssh


def write_files(folder: Path, deposits: Sequence[Deposit]) -> list[Path]:
    """One file a machine, named after it; the same machine has the same file again. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for deposit in deposits:
        path = folder / file_name(deposit)
        store.write(path, {"name": deposit.machine.name, **deposit.pair.to_facts()})
        written.append(path)
    return written


def file_name(deposit: Deposit) -> str:
    """The machine's name in plain signs, with its number in the list, so that no two are alike."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", deposit.machine.name).strip("-")[:60] or "machine"
    return f"{plain}-{deposit.machine.id}.pair.json"


def over_ssh(ssh: Ssh, deposits: Sequence[Deposit], command: str) -> Iterator[Answered]:
    """Give each machine that has a host its pair as the input of `command`; what each printed."""
    reached = [deposit for deposit in deposits if deposit.machine.host]
    hosts = [Host(deposit.machine.host or "", deposit.machine.name) for deposit in reached]
    return ssh.each(hosts, command, [json.dumps(deposit.pair.to_facts()).encode() for deposit in reached])
