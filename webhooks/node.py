"""What the processes of one `touchtone serve` tell each other: a folder of their own in the data folder.

Rule: no other program on this machine has the line's address, so none has this folder; what an earlier run left in it
is taken away at the start, and it goes with the run. A data folder may be shared by machines: its name has theirs. A
container that was killed comes back under another name, so folders that nobody holds are tidied by whoever starts.

Three things lie there: a file that is locked for as long as the node runs, a mark that it is leaving, and, where
several processes serve, what each has counted, in files that Prometheus' library sums up at a scrape. The library must
be told of the folder before it is loaded.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

COUNTED_TOGETHER = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own name for it in the environment."""


LEFT_SECONDS = 24 * 3600.0
"""A folder that nobody holds is tidied once nothing in it has changed for so long: a version before holds none."""
NAMED = "serving-"
_HELD = "held"


def count_together(folder: Path, workers: int) -> None:
    """Have what several processes count summed up; one alone keeps it in memory. Before anything else is imported."""
    if workers > 1:
        os.environ[COUNTED_TOGETHER] = str(folder)
    else:
        os.environ.pop(COUNTED_TOGETHER, None)


def made_ready(folder: Path) -> Path:
    """The folder, empty, for whoever has the address. Raises OSError where the data folder takes none."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold the folder for the block, and no longer than this process lives, so that nobody tidies it."""
    held = None
    with suppress(OSError):  # a disk without locks: nobody can tidy there either
        held = _locked(folder)
    try:
        yield
    finally:
        if held is not None:
            held.close()


def _locked(folder: Path) -> IO[bytes]:
    while True:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as opened, suppress(FileNotFoundError):  # it was tidied away since
            held = opened.enter_context((folder / _HELD).open("ab"))
            fcntl.flock(held, fcntl.LOCK_SH)
            if os.path.samestat((folder / _HELD).stat(), os.fstat(held.fileno())):
                opened.pop_all()
                return held


def tidy(data_dir: Path) -> None:
    """Take away the folders of nodes that were killed, and of which nothing has been heard for a day."""
    for folder in data_dir.glob(f"{NAMED}*"):
        with suppress(OSError):  # somebody holds it, or has just tidied it
            if folder.is_dir() and time.time() - _last_change(folder) > LEFT_SECONDS:
                _tidy(folder)


def _last_change(folder: Path) -> float:
    return max(each.stat().st_mtime for each in (folder, *folder.iterdir()))


def _tidy(folder: Path) -> None:
    with ExitStack() as opened:
        if (folder / _HELD).exists():
            held = opened.enter_context((folder / _HELD).open("ab"))
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)


def done_with(folder: Path) -> None:
    """The run is over."""
    shutil.rmtree(folder, ignore_errors=True)


def leave(folder: Path) -> None:
    """Mark that this node is leaving, for whoever asks whether it is ready."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "leaving").touch()


def is_leaving(folder: Path) -> bool:
    """Whether it is."""
    return (folder / "leaving").exists()
