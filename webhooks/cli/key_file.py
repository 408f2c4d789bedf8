"""A file of new product keys: each whole, this once, for nobody but its owner.

One rule: a file that is there is never written over, and none is left behind where no key was issued.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from keys.issue import Issued

COLUMNS = ("product_key", "last_five", "product", "serial", "type", "agreement", "granted", "test", "expires")


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """A new file, mode 0600, on the disk when the block is over; gone again if the block fails.

    Raises FileExistsError.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def write(file: TextIO, issued: Sequence[Issued]) -> None:
    """Write keys as CSV with a head, and force them to the disk: they are not committed before that."""
    rows = csv.writer(file)
    rows.writerow(COLUMNS)
    for one in issued:
        key = one.key
        facts = (one.text, key.last_five, key.product, key.serial, key.type.name.lower(), key.agreement)
        rows.writerow((*facts, key.balance.granted, "yes" if key.test else "no", key.expires or ""))
    file.flush()
    os.fsync(file.fileno())
