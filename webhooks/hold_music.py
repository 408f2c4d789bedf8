"""The music that a waiting caller hears: one quiet round, made here, so that there is nothing to licence or to fetch.

Rule: the same for everybody, so it stands before no guard, and the provider may keep it.

>>> music()[:4], len(music()) == 44 + 2 * RATE * SECONDS
(b'RIFF', True)
"""

from __future__ import annotations

import array
import functools
import io
import math
import sys
import wave

from flask import Blueprint, Response

RATE = 8000
"""Samples a second: a telephone carries no more."""
SECONDS = 14
_NOTES = (261.63, 329.63, 392.00, 523.25, 440.00, 349.23, 293.66)
"""Hertz: one slow arpeggio, two seconds a note."""
_LOUDNESS = 5000
_NOTE_SECONDS = 2.0

hold_music = Blueprint("hold_music", __name__)


@hold_music.get("/voice/hold.wav")
def play() -> Response:
    """The round as a sound file."""
    response = Response(music(), content_type="audio/wav")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@functools.cache
def music() -> bytes:
    """One round: 16-bit samples of one channel as a WAV file, made once a process."""
    samples = array.array("h", (_sample(place / RATE) for place in range(RATE * SECONDS)))
    if sys.byteorder == "big":
        samples.byteswap()
    return as_file(samples.tobytes())


def as_file(samples: bytes) -> bytes:
    """16-bit samples of one channel as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(samples)
    return file.getvalue()


def _sample(at: float) -> int:
    """A soft note with one overtone, that swells and dies away before the next."""
    place, into = divmod(at, _NOTE_SECONDS)
    tone = 2 * math.pi * _NOTES[int(place) % len(_NOTES)] * at
    swell = math.sin(math.pi * into / _NOTE_SECONDS)
    return int(_LOUDNESS * swell * (math.sin(tone) + 0.3 * math.sin(2 * tone)))
