"""The library with which a browser is a telephone: one version of it, fetched from npm, and known by its sum.

Rule: not a byte is served that is not the pinned one. It is no part of this program, is nowhere committed, and without
it operators talk over their own telephones.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

PACKAGE, VERSION = "@twilio/voice-sdk", "2.18.5"
INTEGRITY = "sha512-2/tw1IDAIn7j6yFDOln8p93v3aHIxNIN93JwL98cHIlbkSNeU/Jt9zGM/0TvDpNjo+k88lvAew4jgOjKlc9/KA=="
"""Of the package, as the npm registry gives it."""
SCRIPT = "package/dist/twilio.min.js"
SCRIPT_SUM = (
    "40cdf87b3d52fd37a26b98876dde022eab2df1c875736c1dd0f5c8dd5784e3ea"
    "6fd12099da9b9bbad9a27289716e38a7d6080df45139ee4a2006af9c747bd89d"
)
"""SHA-512 of the one file of it that is served."""
NPM_SECONDS = 120.0


class Cause(StrEnum):
    """Why there is no library."""

    NPM_MISSING = "npm_missing"
    NPM_FAILED = "npm_failed"
    NOT_AS_PINNED = "not_as_pinned"
    """What came, or what lies in the folder, is not the version that this program was made for."""


class VoiceSdkError(Exception):
    """The library could not be had, or is not the one it should be."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause)
        self.cause = cause


def place_in(folder: Path) -> Path:
    """Where the library lies in a data folder."""
    return folder / f"voice-sdk-{VERSION}.js"


def read(folder: Path) -> bytes | None:
    """The library; None where it was not fetched. Raises VoiceSdkError where it is another."""
    try:
        script = place_in(folder).read_bytes()
    except FileNotFoundError:
        return None
    if hashlib.sha512(script).hexdigest() != SCRIPT_SUM:
        raise VoiceSdkError(Cause.NOT_AS_PINNED)
    return script


def fetch(folder: Path, pack: Callable[[Path], Path] | None = None) -> Path:
    """Fetch the library into a data folder; `pack` gives the package's file in a folder. Raises VoiceSdkError."""
    with tempfile.TemporaryDirectory(prefix="touchtone-npm-") as name:
        packed = (pack or _npm_pack)(Path(name))
        if _integrity(packed.read_bytes()) != INTEGRITY:
            raise VoiceSdkError(Cause.NOT_AS_PINNED)
        with tarfile.open(packed) as archive:
            found = archive.extractfile(SCRIPT)
            script = b"" if found is None else found.read()
    place, new = place_in(folder), place_in(folder).with_suffix(".new")
    new.write_bytes(script)
    new.replace(place)
    return place


def _npm_pack(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise VoiceSdkError(Cause.NPM_MISSING)
    words = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, timeout=NPM_SECONDS, check=False)  # noqa: S603 - words of ours alone
    except (OSError, subprocess.TimeoutExpired):
        raise VoiceSdkError(Cause.NPM_FAILED) from None
    packed = next(iter(sorted(folder.glob("*.tgz"))), None)
    if done.returncode != 0 or packed is None:
        raise VoiceSdkError(Cause.NPM_FAILED)
    return packed


def _integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
