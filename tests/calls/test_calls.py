"""Every call in this folder, played against the line as it stands. README.md says how a call is written.

`WRITE_CALLS=1 pytest tests/calls` writes each file anew as the call really went: for a change of words, to be read in
the diff.
"""

import os
from functools import partial
from pathlib import Path

import pytest

from webhooks.rehearsal.clock import Pace
from webhooks.rehearsal.dialling import Terms, dial
from webhooks.rehearsal.fetching import Twice
from webhooks.rehearsal.script import parse, play, written

CALLS = sorted(Path(__file__).parent.glob("*.txt"))
HEADINGS = {"from", "turn-delay", "deliver-twice", "outcome"}
"""Read here; all others are the scene's."""


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_the_call_goes_as_it_is_written(path, scene):
    play_call(path, scene)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_the_call_goes_as_it_is_written_with_every_turn_at_another_node(path, scene):
    play_call(path, partial(scene, nodes=3))


def play_call(path, scene):
    script = parse(path.read_text(encoding="utf-8"))
    headings = script.headings
    line = scene({name: value for name, value in headings.items() if name not in HEADINGS})
    pace = Pace(turn_delay=float(headings.get("turn-delay", "0.8")))
    twice = Twice.TURN_ABOUT if headings.get("deliver-twice") == "yes" else Twice.NEVER

    def ring(caller):
        return dial(
            line.public_url,
            auth_token=line.auth_token,
            public_url=line.public_url,
            caller_number=headings.get("from", "+14155550123"),
            line_number=line.number,
            caller=caller,
            terms=Terms(pace=pace, sleep=line.sleep, transport=line.transport, twice=twice),
        )

    played = play(script, line.groups, ring, pace)
    went = written(script, played.record, line.groups)
    if os.environ.get("WRITE_CALLS"):
        path.write_text(went, encoding="utf-8")
    else:
        assert not played.mismatches, "\n".join([*played.mismatches, "", "The call as it went:", went])
