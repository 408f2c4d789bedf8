"""What a probe and the line's processes share while it runs: one file says that it runs, another takes what comes.

Rule: without the first file there is no probe, and its routes are not there; it is taken away at the probe's end, and
good for minutes if that fails. Times are the line's own, and no number but our own two stands in either.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

LONGEST = 240.0
"""Seconds that a probe is good for."""
MOST_BYTES = 64 * 1024
"""Of the record: a probe has some thirty requests."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe that runs: the word in its addresses, the number that calls, the line's, and till when (epoch)."""

    word: str
    calling: str
    line: str
    until: float


def start(file: Path, calling: str, line: str, *, now: float | None = None) -> Probe:
    """Switch the routes on. Raises OSError, FileExistsError where another probe runs."""
    if running(file, now=now) is not None:
        raise FileExistsError(str(file))
    probe = Probe(secrets.token_hex(16), calling, line, (time.time() if now is None else now) + LONGEST)
    record_of(file).unlink(missing_ok=True)
    new = file.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        json.dump(asdict(probe), opened)
    new.replace(file)
    return probe


def running(file: Path | None, *, now: float | None = None) -> Probe | None:
    """The probe that runs; None where none does, which is nearly always and costs one look at the folder.

    Every call that begins asks: a file that cannot be read, as when another user probes, is no probe.
    """
    if file is None:
        return None
    try:
        probe = Probe(**json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return probe if (time.time() if now is None else now) < probe.until else None


def note(file: Path, **facts: object) -> None:
    """Add one request to the record."""
    descriptor = os.open(record_of(file), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "ab") as opened:
        if opened.tell() < MOST_BYTES:
            opened.write(json.dumps(facts).encode() + b"\n")


def noted(file: Path) -> list[dict[str, object]]:
    """The record so far."""
    try:
        lines = record_of(file).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]


def end(file: Path) -> None:
    """Switch the routes off; a second time changes nothing."""
    for path in (file, record_of(file)):
        path.unlink(missing_ok=True)


def record_of(file: Path) -> Path:
    """The file that takes what comes."""
    return file.with_suffix(".jsonl")
