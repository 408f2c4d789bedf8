"""Words spoken to a file by espeak-ng, where it is installed: an ear's first impression, not the provider's voice.

Rule: nothing of a line depends on it; who has it not is told how to get it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ivr.prompts import Speech

PROGRAM = "espeak-ng"
VOICES = {"zh-Hans": "cmn", "pt-BR": "pt-br", "en-US": "en-us", "en-GB": "en-gb"}
"""Its names for languages, where they are not the locale's own."""
PATIENCE = 60
"""Seconds for one prompt."""


class NoSynthesizer(RuntimeError):  # noqa: N818 - names what happened
    """espeak-ng is not there, or did not speak."""


def speak(locale: str, speech: Speech, file: Path) -> None:
    """Speak to a WAV file, whose folder is made. Raises NoSynthesizer."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise NoSynthesizer(f"{PROGRAM} is not installed; on Debian: apt-get install {PROGRAM}.")
    file.parent.mkdir(parents=True, exist_ok=True)
    marked = "".join(f'<break time="{piece}ms"/>' if isinstance(piece, int) else _escaped(piece) for piece in speech)
    voice = VOICES.get(locale, locale)
    try:
        done = subprocess.run(  # noqa: S603 - the program's own path, and no shell
            [program, "-v", voice, "-m", "-w", str(file), "--stdin"],
            input=marked.encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoSynthesizer(f"{PROGRAM} did not speak {locale} within {PATIENCE} s.") from None
    if done.returncode != 0 or not file.exists():
        said = done.stderr.decode(errors="replace").strip()
        raise NoSynthesizer(f"{PROGRAM} could not speak {locale}: {said}.")


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;")
