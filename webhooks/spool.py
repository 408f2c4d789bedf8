"""Wishes to be called back while the database is gone: an append-only file, drained when it is back.

Rule: a wish is on the disk (fsync) before the caller hears that it is noted, and it leaves the disk only after the
database has it. Numbers in it are sealed, as everywhere.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from ivr.call_backs import Wish

_log = logging.getLogger(__name__)


def put(folder: Path, wish: Wish) -> None:
    """Append one wish. Raises OSError where even the disk fails."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    record = json.dumps({**asdict(wish), "wished_at": wish.wished_at.isoformat()}) + "\n"
    descriptor = os.open(folder / "wishes.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, record.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drain(folder: Path, note: Callable[[list[Wish]], None]) -> int:
    """Hand every spooled wish to `note`, then forget it, and tell how many there were.

    The file is first set aside under a name of its own, so that a wish put meanwhile goes to a new one. What was set
    aside by a drain that did not end is taken up again: `note` may see a wish twice.
    """
    current = folder / "wishes.jsonl"
    if current.exists():
        current.rename(folder / f"draining-{os.getpid()}-{current.stat().st_mtime_ns}.jsonl")
    drained = 0
    for aside in sorted(folder.glob("draining-*.jsonl")):
        wishes = list(_read(aside))
        note(wishes)
        aside.unlink(missing_ok=True)
        drained += len(wishes)
    return drained


def _read(path: Path) -> Iterator[Wish]:
    """The wishes of one file; a line cut off by a crash was never promised and is passed over."""
    for line in path.read_text("utf-8").splitlines():
        try:
            record = json.loads(line)
            yield Wish(**{**record, "wished_at": datetime.fromisoformat(record["wished_at"])})
        except (ValueError, TypeError, KeyError):
            _log.warning("spool: a line that is no whole wish was passed over")
