"""The desk gives way to the line, also where each was started by itself."""

import subprocess
import sys
from pathlib import Path

from webhooks.desk.asgi import NICENESS

OF_SESSION = Path("/proc/self/autogroup")
"""Empty in whatever was started before anybody began a session, such as all of a container."""
GROUPING = Path("/proc/sys/kernel/sched_autogroup_enabled")
NICEST = 19
SAID = """
import os
from pathlib import Path
from webhooks.desk.asgi import give_way
before = os.nice(0)
give_way()
group = Path("/proc/self/autogroup")
print(before, os.nice(0), *(group.read_text().split()[-1:] if group.exists() else ()))
"""


def given_way(*, own_session):
    done = subprocess.run(
        [sys.executable, "-c", SAID], capture_output=True, text=True, check=True, start_new_session=own_session
    )
    before, after, *of_session = map(int, done.stdout.split())
    assert after == min(before + NICENESS, NICEST)
    return of_session


def test_a_desk_with_a_session_of_its_own_makes_all_of_it_nicer():
    groups_sessions = GROUPING.exists() and GROUPING.read_text().strip() == "1"
    assert given_way(own_session=True) == ([NICENESS] if groups_sessions else [])


def test_a_desk_in_somebody_elses_session_makes_nobody_nicer_but_itself():
    before = OF_SESSION.read_text() if OF_SESSION.exists() else None
    given_way(own_session=False)
    assert (OF_SESSION.read_text() if OF_SESSION.exists() else None) == before
