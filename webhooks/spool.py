"""Wishes to be called back, and texts, while the database is gone: append-only files, drained when it is back.

Rule: a wish or a text is on the disk (fsync) before anybody hears that we have it, and it leaves the disk only after
the database has it. Numbers in it are sealed, as everywhere, and texts whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import structlog

from ivr.call_backs import Wish

_Record = TypeVar("_Record")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is spooled together: its file, how the names of those set aside begin, and what a torn line is logged as."""

    file: str
    aside: str
    unreadable: str


_WISHES = _Kind("wishes.jsonl", "draining-", "wish_unreadable")
_TEXTS = _Kind("texts.jsonl", "texts-draining-", "kept_text_unreadable")


def put(folder: Path, wish: Wish) -> None:
    """Append one wish. Raises OSError where even the disk fails."""
    _put(folder, _WISHES, {**asdict(wish), "wished_at": wish.wished_at.isoformat()})


def put_text(folder: Path, sealed: str) -> None:
    """Append one text, sealed. Raises OSError where even the disk fails."""
    _put(folder, _TEXTS, {"sealed": sealed})


def drain(folder: Path, note: Callable[[list[Wish]], None]) -> int:
    """Hand every spooled wish to `note`, then forget it, and tell how many there were.

    The file is first set aside under a name of its own, so that a wish put meanwhile goes to a new one and waits for
    nobody. What was set aside by a drain that did not end is taken up again, and two may drain at once: `note` may see
    a wish twice.
    """
    return _drain(folder, _WISHES, _wish, note)


def drain_texts(folder: Path, take: Callable[[list[str]], None]) -> int:
    """Hand every spooled text, sealed as it was put, to `take`, as `drain` does."""
    return _drain(folder, _TEXTS, _text, take)


def _wish(record: dict[str, Any]) -> Wish:
    return Wish(**{**record, "wished_at": datetime.fromisoformat(record["wished_at"])})


def _text(record: dict[str, Any]) -> str:
    return str(record["sealed"])


def _put(folder: Path, kind: _Kind, facts: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / kind.file
    # The line break stands before the record as well, so that a line torn by a crash takes no later one with it.
    record = ("\n" + json.dumps(facts) + "\n").encode()
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


def _drain(
    folder: Path, kind: _Kind, made: Callable[[dict[str, Any]], _Record], take: Callable[[list[_Record]], None]
) -> int:
    with contextlib.suppress(FileNotFoundError):
        (folder / kind.file).rename(folder / f"{kind.aside}{time.time_ns()}-{os.getpid()}.jsonl")
    drained = 0
    for aside in sorted(folder.glob(f"{kind.aside}*.jsonl")):
        with contextlib.suppress(FileNotFoundError):  # another drain was quicker
            records = list(_read(aside, kind, made))
            take(records)
            aside.unlink()
            drained += len(records)
    return drained


def size(folder: Path) -> int:
    """Bytes of wishes and texts that wait here for the database."""
    waiting = 0
    for file in folder.glob("*.jsonl"):
        with contextlib.suppress(FileNotFoundError):  # drained this very moment
            waiting += file.stat().st_size
    return waiting


def _read(path: Path, kind: _Kind, made: Callable[[dict[str, Any]], _Record]) -> Iterator[_Record]:
    """The records of one file; a line cut off by a crash was never promised and is passed over."""
    with _locked(path, os.O_RDONLY):  # whoever still had it open has written by now
        lines = path.read_bytes().splitlines()
    for line in lines:
        if not line:
            continue
        try:
            yield made(json.loads(line.decode()))
        except (ValueError, TypeError, KeyError):
            _log.warning(kind.unreadable)


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
