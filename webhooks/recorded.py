"""Recorded prompts as the provider fetches them, and the short quiet between two of them.

Rule: only a file that was taken up is served, under the name made of what was in it then. It says the same to
everybody, so it stands before no guard, and whoever has it may keep it; but nobody what has come into the file since.
"""

from __future__ import annotations

import functools

import structlog
from flask import Blueprint, Response, abort

from ivr.prompts import LONGEST_PAUSE
from webhooks.door import exchange
from webhooks.hold_music import RATE, as_file
from webhooks.recordings import KINDS, PLAYED_AT, Unusable, name_of

_LONGEST_QUIET = 3 * LONGEST_PAUSE
_KEPT = "public, max-age=31536000, immutable"

_log = structlog.get_logger(__name__)

recorded = Blueprint("recorded", __name__)


@recorded.get(f"{PLAYED_AT}/<name>")
def play(name: str) -> Response:
    """One recording; 404 for a name that none has, or where its file has gone since, or holds no sound any more."""
    shelf = exchange().wording.shelf
    file = None if shelf is None else shelf.file(name)
    if file is None:
        abort(404)
    try:
        content = file.read_bytes()
    except OSError:
        content = b""
    named = name_of(file.suffix, content)
    if isinstance(named, Unusable):
        _log.error("recording_gone", file=file.name)
        abort(404)
    # Another take, whose own name is not told yet: it is heard, and under this name heard once.
    return _sound(content, KINDS[file.suffix], _KEPT if named == name else "no-store")


@recorded.get(f"{PLAYED_AT}/quiet-<int:milliseconds>.wav")
def quiet(milliseconds: int) -> Response:
    """So many milliseconds of silence."""
    if not 0 < milliseconds <= _LONGEST_QUIET:
        abort(404)
    return _sound(_silence(milliseconds), KINDS[".wav"], _KEPT)


@functools.lru_cache(32)
def _silence(milliseconds: int) -> bytes:
    return as_file(bytes(2 * (RATE * milliseconds // 1000)))


def _sound(content: bytes, kind: str, kept: str) -> Response:
    response = Response(content, content_type=kind)
    response.headers["Cache-Control"] = kept
    return response
