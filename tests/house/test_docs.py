"""What the pages show can be typed: run by a test, or marked with a reason; every command and option is there."""

import pytest

from tests.docs.shown import PAGES, ROOT, blocks, fault_of, simple, spans, within
from tests.docs.stages import REASONS, STAGES, TYPED_BY


@pytest.mark.parametrize("page", PAGES)
def test_every_command_option_and_target_that_a_page_names_is_there(page):
    shown = [(str(block), line) for block in blocks(page) for line in block.lines]
    shown += [(page, command) for command in (*spans(page), *within(page))]
    wrong = [
        f"{where}: {line}: {fault}" for where, line in shown for words in simple(line) if (fault := fault_of(words))
    ]
    assert not wrong


def test_whatever_is_not_run_has_one_of_the_reasons():
    marked = {str(block): block.not_run for page in PAGES for block in blocks(page) if block.not_run is not None}
    assert {where: reason for where, reason in marked.items() if reason not in REASONS} == {}


def test_every_stage_is_of_a_page_with_commands():
    assert [page for page in (*STAGES, *TYPED_BY) if not any(b.not_run is None for b in blocks(page))] == []


@pytest.mark.parametrize("page", TYPED_BY)
def test_a_page_with_a_test_of_its_own_is_read_by_it(page):
    for file in TYPED_BY[page]:
        assert f'blocks("{page}"' in (ROOT / file).read_text("utf-8")


def test_a_command_that_is_not_there_is_found():
    for line, fault in {
        "touchtone nothing": "touchtone has no command nothing",
        "touchtone key isue --product Fairway": "touchtone key has no command isue",
        "sudo FOO=1 .venv/bin/touchtone key issue --prduct Fairway": "touchtone key issue has no option --prduct",
        "touchtone key issue|isue": "touchtone key has no command isue",
        "cd there && make tset": "no target tset",
        "make test SECONDS=3": None,
        "touchtone key issue|list": None,
        "curl --nothing https://line.example.com": None,
    }.items():
        assert [each for words in simple(line) if (each := fault_of(words))] == ([fault] if fault else []), line
