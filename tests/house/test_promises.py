"""Every promise of docs/promises.md names tests that there are."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "promises.md").read_text("utf-8")
ROWS = [line.strip("|").split("|")[-1] for line in PAGE.splitlines() if line.startswith("|") and ".py`" in line]
NAMED = re.compile(r"`([\w/]+\.(?:py|txt))`(?:: ([^;|`]+))?")


def functions_in(file):
    return {node.name for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)}


def as_in_a_name(sentence):
    return re.sub(r"[^a-z0-9]+", "_", sentence.lower().replace("'", "")).strip("_")


def test_every_test_that_a_promise_names_is_there():
    wrong, seen = [], 0
    for row in ROWS:
        folder = None
        for path, sentence in NAMED.findall(row):
            # A file named alone stands beside the one named before it.
            file = ROOT / path if "/" in path else folder / path
            folder = file.parent
            if not file.is_file():
                wrong.append(path)
                continue
            # An ellipsis stands for what is left out of a name, before, after, or between two names.
            pieces = [as_in_a_name(piece) for piece in re.split(r"…|\.\.\.", sentence)]
            names = functions_in(file) if any(pieces) else set()
            wrong += [f"{path}: {piece}" for piece in pieces if piece and not any(piece in one for one in names)]
            seen += 1
    assert not wrong
    assert seen > 60
