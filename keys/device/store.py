"""The device's files: JSON, readable by their owner only, and never half written.

One rule: a file is replaced whole. It is written beside the old one, forced to the disk and renamed over it, so a power
cut leaves the old file or the new one.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from keys.errors import BadInput


class FileDamaged(BadInput):
    """A file is there and is not what it should be; `path` is the file."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


def write(path: Path, facts: Mapping[str, object]) -> None:
    """Replace the file at `path` by `facts` as JSON, mode 0600. Raises OSError, leaving the old file as it was."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp gives mode 0600
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(facts, file, indent=2, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    _force_folder(path.parent)


def _force_folder(folder: Path) -> None:
    """Make the rename itself last, where the system lets a folder be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> dict[str, object]:
    """The JSON object in the file. Raises OSError, or FileDamaged for anything but a JSON object."""
    return facts_in(path.read_bytes(), path)


def facts_in(content: bytes, path: Path) -> dict[str, object]:
    """The JSON object that `content` is, which came from `path`. Raises FileDamaged for anything else."""
    try:
        facts = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or a number of thousands of digits
        raise FileDamaged(path) from error
    if not isinstance(facts, dict):
        raise FileDamaged(path)
    return facts
