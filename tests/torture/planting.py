"""A small fault in the real code, for as long as a block lasts: what somebody in a hurry might have written.

A fault is a sentence and, for one function or statement of ours (or two, where one stands behind the other), a few
words of its source with others in their place. What it changes must be there, and there once: a fault that can no
longer be planted fails, and is not taken for one that nobody found.
"""

import __future__

import ast
import importlib
import inspect
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from textwrap import dedent
from types import FunctionType

OURS = ("keys.", "ivr.", "webhooks.")


@dataclass(frozen=True)
class Edit:
    """In `where`, as `module:name` or `module:Class.method`, the words `sound` become `broken`.

    Without words: a statement that was made of one that is changed, to be made anew.
    """

    where: str
    sound: str = ""
    broken: str = ""


@dataclass(frozen=True)
class Fault:
    """`sentence` is what goes wrong, as a caller, an operator or an auditor would say it."""

    sentence: str
    edits: tuple[Edit, ...]


def fault(sentence, *edits):
    """A fault of one edit or more, each as its texts."""
    return Fault(sentence, tuple(Edit(*edit) for edit in edits))


def committed_after(words, connection="connection"):
    """The same words, and a commit after them in the middle of a transaction."""
    return f"{words}; {connection}.exec_driver_sql('COMMIT'); {connection}.exec_driver_sql('BEGIN')"


@contextmanager
def planted(one):
    """Have the fault in the code until the end of the block."""
    with ExitStack() as undo:
        for edit in one.edits:
            undo.callback(_plant(edit))
        yield


def edited(edit):
    """The source of what an edit is about, changed."""
    module, name = _named(edit)
    source = _sources(module).get(name)
    assert source is not None, f"{edit.where} is no more"
    if not edit.sound:
        return source
    assert source.count(edit.sound) == 1, f"{edit.where} says {source.count(edit.sound)} times: {edit.sound}"
    return source.replace(edit.sound, edit.broken)


@lru_cache
def _sources(module):
    """The source of each function, method and name of a module."""
    text = inspect.getsource(module)
    found = {}
    for node in ast.parse(text).body:
        names = [node.name] if isinstance(node, ast.FunctionDef) else getattr(node, "targets", ())
        found |= {getattr(each, "id", each): ast.get_source_segment(text, node) for each in names}
        for each in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(each, ast.FunctionDef):
                found[f"{node.name}.{each.name}"] = dedent(ast.get_source_segment(text, each, padded=True))
    return found


def _named(edit):
    module, _, name = edit.where.partition(":")
    return importlib.import_module(module), name


def _plant(edit):
    module, name = _named(edit)
    later = getattr(module, "annotations", None) is __future__.annotations
    flags = __future__.annotations.compiler_flag if later else 0
    names = dict(vars(module))
    exec(compile(edited(edit), edit.where, "exec", flags, dont_inherit=True), names)
    *owner, name = name.split(".")
    sound, broken = getattr(getattr(module, *owner) if owner else module, name), names[name]
    if isinstance(sound, FunctionType):
        before, sound.__code__ = sound.__code__, broken.__code__  # for everybody who has it, by whatever name
        return lambda: setattr(sound, "__code__", before)
    places = [
        (each, known)
        for each in (sys.modules[name] for name in sys.modules if name.startswith(OURS))
        for known, value in vars(each).items()
        if value is sound
    ]
    for each, known in places:
        setattr(each, known, broken)
    return lambda: [setattr(each, known, sound) for each, known in places]
