"""Wishes to be called back while the database is gone: an append-only file, drained when it is back.

Rule: a wish is on the disk (fsync) before the caller hears that it is noted, and it leaves the disk only after the
database has it. Numbers in it are sealed, as everywhere.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import structlog

from ivr.call_backs import Wish

_log = structlog.get_logger(__name__)


def put(folder: Path, wish: Wish) -> None:
    """Append one wish. Raises OSError where even the disk fails."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "wishes.jsonl"
    # The line break stands before the wish as well, so that a line torn by a crash takes no later wish with it.
    record = ("\n" + json.dumps({**asdict(wish), "wished_at": wish.wished_at.isoformat()}) + "\n").encode()
    while True:
        with _locked(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as descriptor:
            if not _stands(file, descriptor):
                continue  # a drain set it aside between our opening and our lock: the next one is ours
            if os.write(descriptor, record) < len(record):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
            os.fsync(descriptor)
        for place in (folder, folder.parent):  # a new file is on the disk only once its folder is
            _sync(place)
        return


def drain(folder: Path, note: Callable[[list[Wish]], None]) -> int:
    """Hand every spooled wish to `note`, then forget it, and tell how many there were.

    The file is first set aside under a name of its own, so that a wish put meanwhile goes to a new one and waits for
    nobody. What was set aside by a drain that did not end is taken up again, and two may drain at once: `note` may see
    a wish twice.
    """
    with contextlib.suppress(FileNotFoundError):
        (folder / "wishes.jsonl").rename(folder / f"draining-{time.time_ns()}-{os.getpid()}.jsonl")
    drained = 0
    for aside in sorted(folder.glob("draining-*.jsonl")):
        with contextlib.suppress(FileNotFoundError):  # another drain was quicker
            wishes = list(_read(aside))
            note(wishes)
            aside.unlink()
            drained += len(wishes)
    return drained


def size(folder: Path) -> int:
    """Bytes of wishes that wait here for the database."""
    waiting = 0
    for file in folder.glob("*.jsonl"):
        with contextlib.suppress(FileNotFoundError):  # drained this very moment
            waiting += file.stat().st_size
    return waiting


def _read(path: Path) -> Iterator[Wish]:
    """The wishes of one file; a line cut off by a crash was never promised and is passed over."""
    with _locked(path, os.O_RDONLY):  # whoever still had it open has written by now
        lines = path.read_bytes().splitlines()
    for line in lines:
        if not line:
            continue
        try:
            record = json.loads(line.decode())
            yield Wish(**{**record, "wished_at": datetime.fromisoformat(record["wished_at"])})
        except (ValueError, TypeError, KeyError):
            _log.warning("wish_unreadable")


@contextlib.contextmanager
def _locked(path: Path, flags: int) -> Iterator[int]:
    """The file, open and ours alone among all processes; for moments only."""
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _stands(path: Path, descriptor: int) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
