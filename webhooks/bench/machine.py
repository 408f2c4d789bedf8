"""The machine a measurement ran on, and what its processes have used: facts that a figure must stand beside.

Rule: nothing is believed that can be measured; what a durable write costs here is tried, not looked up.

>>> share(0.5, 2.0), share(1.0, 0.0)
(0.25, 0.0)
"""

from __future__ import annotations

import contextlib
import os
import platform
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def facts(folder: Path) -> dict[str, str]:
    """The machine by name and figure; `folder` is on the disk that is measured."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": platform.platform(terse=True),
        "load before the run": f"{os.getloadavg()[0]:.2f}",
        "a 4 kB write and fsync": f"{flush_seconds(folder) * 1000:.2f} ms",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("granian", "flask", "sqlalchemy", "psycopg")},
    }


def revision() -> str:
    """The revision of the checkout that was measured, else the version of the package."""
    with contextlib.suppress(OSError):
        asked = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git there is
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode == 0:
            return asked.stdout.strip()
    return version("touchtone")


def flush_seconds(folder: Path) -> float:
    """What the disk takes for one durable write, the median of fifty."""
    times = []
    with (folder / "flush").open("wb", buffering=0) as file:
        for _ in range(50):
            started = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def family(pid: int) -> tuple[int, ...]:
    """A process and all that descend from it and live."""
    found = [pid]
    for one in found:
        for listed in Path(f"/proc/{one}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found.extend(int(child) for child in listed.read_text().split())
    return tuple(found)


def used_seconds(*pids: int) -> float:
    """Processor seconds that these processes have used so far, in all threads; one that is gone counts nothing."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            # The name in parentheses may hold spaces; after it, times stand at places 11 and 12 (proc(5), stat).
            after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(after[11]) + int(after[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class CoreSeconds:
    """What all cores together have spent so far: on anything, idle while a disk was awaited, and to the host's others.

    What was `stolen` counts as busy too.
    """

    busy: float
    awaiting_disk: float
    stolen: float


def core_seconds() -> CoreSeconds:
    """What became of the time of the cores, by proc(5), stat."""
    words = next(_lines(Path("/proc/stat")), "cpu 0 0 0 0 0 0 0 0").split()[1:]
    seconds = [int(word) / os.sysconf("SC_CLK_TCK") for word in words[:8]]
    idle, awaiting, stolen = seconds[3], seconds[4], seconds[7]
    return CoreSeconds(sum(seconds) - idle - awaiting, awaiting, stolen)


def share(used: float, there: float) -> float:
    """How much of what was there was used, 0 where nothing was."""
    return used / there if there else 0.0


def _processor() -> str:
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _lines(path: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        yield from path.read_text().splitlines()
