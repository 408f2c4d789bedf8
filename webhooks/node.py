"""What the processes of one `touchtone serve` tell each other: a folder of their own in the data folder.

Rule: no other program on this machine has the line's address, so none has this folder; what an earlier run left in it
is taken away at the start, and it goes with the run. A data folder may be shared by machines: its name has theirs.

Two things lie there: a mark that this node is leaving, and, where several processes serve, what each has counted, in
files that Prometheus' library sums up at a scrape. The library must be told of the folder before it is loaded.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

COUNTED_TOGETHER = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own name for it in the environment."""


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
