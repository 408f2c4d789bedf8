"""What is wrong with a file, said so that it can be found and mended.

One rule: every fault names its file, and its line where the file has lines.

>>> str(FileFault(Path("fleet.csv"), 7, "has no name"))
'fleet.csv, line 7: has no name'
"""

from pathlib import Path

from keys.errors import BadInput


class FileFault(BadInput):
    """`file` is what was read, `line` counts from 1 (None: the whole), `reason` ends a sentence."""

    def __init__(self, file: Path | str, line: int | None, reason: str) -> None:
        super().__init__(str(file), line, reason)
        self.file = str(file)
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        """File, line, reason."""
        return f"{self.file}{'' if self.line is None else f', line {self.line}'}: {self.reason}"
