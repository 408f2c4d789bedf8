"""Recorded prompts as the provider fetches them, and the short quiet between two of them.

Rule: only a file that was read at the start is served, under the name made of what was in it then. It says the same to
everybody, so it stands before no guard, and whoever has it may keep it.
"""

from __future__ import annotations

import functools

import structlog
from flask import Blueprint, Response, abort

from ivr.prompts import LONGEST_PAUSE
from webhooks.door import exchange
from webhooks.hold_music import RATE, as_file
from webhooks.recordings import KINDS, PLAYED_AT

_LONGEST_QUIET = 3 * LONGEST_PAUSE
_KEPT = "public, max-age=31536000, immutable"

_log = structlog.get_logger(__name__)

recorded = Blueprint("recorded", __name__)


@recorded.get(f"{PLAYED_AT}/<name>")
def play(name: str) -> Response:
    """One recording as it was handed over; 404 for a name that none has, or where its file has gone since."""
    file = exchange().wording.recordings.files.get(name)
    if file is None:
        abort(404)
    try:
        content = file.read_bytes()
    except OSError:
        _log.error("recording_gone", file=file.name)
        abort(404)
    return _sound(content, KINDS[file.suffix])


@recorded.get(f"{PLAYED_AT}/quiet-<int:milliseconds>.wav")
def quiet(milliseconds: int) -> Response:
    """So many milliseconds of silence."""
    if not 0 < milliseconds <= _LONGEST_QUIET:
        abort(404)
    return _sound(_silence(milliseconds), KINDS[".wav"])


@functools.lru_cache(32)
def _silence(milliseconds: int) -> bytes:
    return as_file(bytes(2 * (RATE * milliseconds // 1000)))


def _sound(content: bytes, kind: str) -> Response:
    response = Response(content, content_type=kind)
    response.headers["Cache-Control"] = _KEPT
    return response
