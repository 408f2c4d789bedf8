"""How long a real voice takes: espeak-ng at 160 words a minute, where it is installed.

Rule: the figures say which voice they were made with; without espeak-ng a stated table decides
(`webhooks/rehearsal/speech.py`).
"""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Callable
from functools import lru_cache

WORDS_A_MINUTE = 160
_QUIET = 300
"""Samples at most this loud, of 32,767, are silence."""


def measured() -> Callable[[str], float] | None:
    """A function from words to seconds, or None where espeak-ng is not installed."""
    program = shutil.which("espeak-ng")
    return lru_cache(maxsize=None)(lambda words: _seconds(program, words)) if program else None


def _seconds(program: str, words: str) -> float:
    """Speak the words into memory and measure them, without the silence around them."""
    command = [program, "-v", "en-us", "-s", str(WORDS_A_MINUTE), "--stdout", "--", words]
    spoken = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 - our own prompts
    with wave.open(io.BytesIO(spoken)) as sound:
        rate, frames = sound.getframerate(), sound.readframes(1 << 30)
    samples = memoryview(frames[: len(frames) // 2 * 2]).cast("h")
    loud = [place for place, sample in enumerate(samples) if abs(sample) > _QUIET]
    return (loud[-1] - loud[0]) / rate if loud else 0.0
