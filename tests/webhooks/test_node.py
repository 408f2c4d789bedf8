"""The folder of a serving node: held while it runs, and tidied by others once it was killed and a day is over."""

import os
import signal
import subprocess
import sys
import time

import pytest

from webhooks import node


@pytest.fixture
def folder(tmp_path):
    """Makes a node's folder in which nothing has changed for so long."""

    def make(name="one", age=node.LEFT_SECONDS + 60):
        made = tmp_path / f"{node.NAMED}{name}-127.0.0.1-8080"
        made.mkdir(exist_ok=True)
        (made / "counter_7.db").write_bytes(b"counted")
        return aged(made, age)

    return make


def aged(folder, age=node.LEFT_SECONDS + 60):
    for each in (*folder.iterdir(), folder):
        os.utime(each, times=(time.time() - age,) * 2)
    return folder


def test_a_folder_that_a_node_holds_stays_and_goes_a_day_after_it_was_killed(folder, tmp_path):
    killed = folder()
    program = f"import pathlib, time; from webhooks import node\nwith node.holding(pathlib.Path({str(killed)!r})):\n"
    program += "    print('held', flush=True)\n    time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        aged(killed)
        node.tidy(tmp_path)
        assert (killed / "counter_7.db").exists()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    aged(killed, node.LEFT_SECONDS - 60)
    node.tidy(tmp_path)
    assert killed.exists()
    aged(killed)
    node.tidy(tmp_path)
    assert not killed.exists()


def test_a_folder_of_a_version_before_which_holds_none_goes_once_it_is_quiet_for_a_day(folder, tmp_path):
    gone, used = folder("gone"), folder("used")
    (used / "counter_7.db").write_bytes(b"counted just now")
    node.tidy(tmp_path)
    assert (gone.exists(), used.exists()) == (False, True)


def test_nothing_else_in_the_data_folder_is_tidied(tmp_path):
    for name in ("spool", "recordings", "unserving-one"):
        aged_folder = tmp_path / name
        aged_folder.mkdir()
        aged(aged_folder)
    (tmp_path / f"{node.NAMED}notes").write_text("a file")
    os.utime(tmp_path / f"{node.NAMED}notes", times=(0, 0))
    node.tidy(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_node_whose_folder_was_tidied_while_it_began_makes_it_anew_and_what_fails_inside_is_heard(tmp_path):
    folder = tmp_path / f"{node.NAMED}one"

    def serve():
        with node.holding(folder):
            aged(folder)
            node.tidy(tmp_path)
            assert folder.exists()
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        serve()
    node.tidy(tmp_path)
    assert not folder.exists()
