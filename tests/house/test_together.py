"""What is started once for many tests is started once: they are run by one process."""

import re
from pathlib import Path

from tests.conftest import TOGETHER, Together

ROOT = Path(__file__).parents[2]


def places():
    return [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "tests").rglob("test_*.py"))]


def test_a_file_whose_fixtures_are_its_own_is_run_by_one_process():
    of_a_module = re.compile(r'^@pytest\.fixture\(scope="module"', re.MULTILINE)
    shared = [place for place in places() if of_a_module.search((ROOT / place).read_text("utf-8"))]
    assert shared
    assert [place for place in shared if not place.startswith(TOGETHER)] == []


def test_every_place_that_is_named_is_there():
    assert [place for place in TOGETHER if not (ROOT / place).exists()] == []


def test_tests_of_a_place_go_together_and_all_others_alone():
    def scope(test):
        return Together._split_scope(None, test)

    place = next(place for place in TOGETHER if place.endswith("/"))
    assert scope(f"{place}test_queue.py::test_a[x@y]") == scope(f"{place}test_told.py::test_b") == place
    assert scope("tests/ivr/test_turn.py::test_a") != scope("tests/ivr/test_turn.py::test_b")
