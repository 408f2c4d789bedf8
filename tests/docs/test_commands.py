"""Every command that a page shows is typed, in the order of the page, and does what its exit status says."""

import os
import shutil
from pathlib import Path

import pytest

from tests.docs.shown import PAGES, blocks
from tests.docs.stages import STAGES, TYPED_BY, a_line, made_line
from tests.docs.terminal import OURS, Terminal

HAVE_COMMANDS = [
    page for page in PAGES if page not in TYPED_BY and any(block.not_run is None for block in blocks(page))
]


@pytest.fixture(scope="session")
def line(tmp_path_factory):
    """A folder with a line in it."""
    folder = tmp_path_factory.mktemp("page")
    before = Path.cwd()
    os.chdir(folder)
    made_line(Terminal(folder))
    os.chdir(before)
    return folder


@pytest.fixture
def terminal(line, tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    folder = tmp_path / "here"
    shutil.copytree(line, folder)
    monkeypatch.chdir(folder)
    opened = Terminal(folder)
    listen = opened.another_address()
    opened.environment |= {
        "TOUCHTONE_LISTEN": listen,
        "TOUCHTONE_PUBLIC_URL": f"http://{listen}",
        "TOUCHTONE_DESK_LISTEN": opened.another_address(),
    }
    yield opened
    opened.close()


@pytest.mark.parametrize("page", HAVE_COMMANDS)
def test_every_command_of_a_page_is_typed_and_does_what_it_says(page, terminal):
    STAGES.get(page, a_line)(terminal)
    for block in blocks(page):
        if block.not_run is None:
            terminal.run(block)
