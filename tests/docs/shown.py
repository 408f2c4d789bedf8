"""What the pages show to type: every fenced block of commands, in the order of its page, and commands in sentences.

- `PAGES`: README.md and everything in `docs/` that is to be read, by its place from the root.
- `blocks(page)`: the fenced blocks of commands of a page: those of a shell, `console`, or of no language.
- `Block.lines`: what is typed there, one command a line, continued lines joined, comments and answers left out.
- `Block.not_run`: why it is not run here, from the comment right above its fence: `<!-- not run: needs root -->`.
- `spans(page)`: commands within sentences, `touchtone ...` and `make ...` in backticks.
- `within(page)`: our commands in blocks of another language, as in a unit of systemd.
- `fault_of(words)`: what is wrong with a command, without running it: no such command, option or target. None is right.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import click

from webhooks.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if (ROOT / "docs" / "site") not in path.parents
]
TYPED = {"", "sh", "bash", "shell", "console"}
"""The languages of fences whose lines are typed."""
NOT_RUN = re.compile(r"<!-- not run: (.*) -->")
FENCE = re.compile(r"^( *)(`{3,})([^`]*)$")
WITHIN = re.compile(r"(?:^|/)touchtone +([a-z].*)$", re.MULTILINE)
VARIABLE = re.compile(r"[A-Za-z_]\w*=")
OR = "\N{BROKEN BAR}"
"""Stands for the bar between commands of which one is meant, `key issue|list`; a pipe has spaces around it."""
OPERATORS = re.compile(r"[();<>|&]+")


@dataclass(frozen=True)
class Block:
    """One fenced block of commands: its page, the number of its first line there, language and text."""

    page: str
    line: int
    language: str
    text: str
    not_run: str | None

    @property
    def lines(self):
        return [line for line, _ in self.typed]

    @property
    def typed(self):
        """Each line, and the exit status that the page says it ends with: 0 unless it says `# ends with 1`."""
        joined = self.text.replace("\\\n", " ").splitlines()
        if self.language == "console":
            joined = [line[2:] for line in joined if line.startswith("$ ")]
        found = []
        for line in joined:
            ends = re.search(r"\s# ends with (\d)", line)
            bare = re.sub(r"(^|\s)#( .*)?$", "", line).strip()
            if bare:
                found.append((bare, int(ends[1]) if ends else 0))
        return found

    def __str__(self):
        return f"{self.page}, line {self.line}"


def text_of(page):
    return (ROOT / page).read_text("utf-8")


def fences(page):
    """Every fenced block: number of its first line, what stands beside the fence, the text, and the line above."""
    lines = text_of(page).splitlines()
    opened = None
    for number, line in enumerate(lines, 1):
        fence = FENCE.match(line)
        if opened is None and fence:
            opened = (number + 1, fence)
        elif opened is not None and fence and not fence[3].strip() and len(fence[2]) >= len(opened[1][2]):
            first, begun = opened
            indent = len(begun[1])
            text = "\n".join(line[indent:] for line in lines[first - 1 : number - 1])
            yield first, begun[3].strip(), text, lines[first - 3].strip() if first > 2 else ""
            opened = None


def blocks(page, language=None):
    """The blocks of commands of a page, of one language alone if it is given."""
    found = []
    for first, beside, text, above in fences(page):
        word = beside.split(" ")[0]
        mark = NOT_RUN.fullmatch(above)
        if word in TYPED and language in (None, word):
            found.append(Block(page, first, word, text, mark[1] if mark else None))
    return found


def spans(page):
    """Commands in backticks within the sentences and tables of a page."""
    outside, inside = [], False
    for line in text_of(page).splitlines():
        if FENCE.match(line):
            inside = not inside
        outside.append("" if inside else line)
    # A span may go on in the next line. In a table a bar is written with a backslash.
    text = "\n".join(outside).replace("\\|", "|")
    return [" ".join(span.split()) for span in re.findall(r"(?<!`)`((?:touchtone|make) [^`]+)`", text)]


def within(page):
    """Lines of blocks in another language that run a command of ours, from there to the end of the line."""
    others = [text for _, beside, text, _ in fences(page) if beside.split(" ")[0] not in TYPED]
    return [f"touchtone {words}" for text in others for words in WITHIN.findall(text)]


def simple(line):
    """The simple commands of a line as lists of words, without variables before them, sudo, or the folder of ours."""
    reader = shlex.shlex(re.sub(r"(?<=[a-z])\|(?=[a-z])", OR, line), posix=True, punctuation_chars=True)
    reader.whitespace_split, reader.commenters = True, ""
    words, found = [], []
    for word in (*reader, ";"):
        if OPERATORS.fullmatch(word):
            found.append(words)
            words = []
        elif words or not (VARIABLE.match(word) or word in {"sudo", "$", "time"}):
            words.append(word.removeprefix(".venv/bin/") if not words else word)
    return [words for words in found if words]


def fault_of(words):
    """Why a command cannot be right, or None. What is not ours is not judged."""
    if words[0] == "touchtone":
        return _fault_of_ours(words[1:])
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        asked = [word for word in words[1:] if not VARIABLE.match(word) and not word.startswith("-")]
        return next((f"no target {word}" for word in asked if word not in targets), None)
    return None


def _fault_of_ours(words):
    command, context = cli, click.Context(cli)
    path = "touchtone"
    for word in words:
        if isinstance(command, click.Group) and not word.startswith("-"):
            if word == "...":
                return None
            for name in word.split(OR):
                if command.get_command(context, name) is None:
                    return f"{path} has no command {name}"
            command = command.get_command(context, word.split(OR)[0])
            context = click.Context(command)
            path = f"{path} {word}"
        elif word == "--":
            break
        elif re.match(r"--?[a-z]", word):
            known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
            for option in word.split("=")[0].split(OR):
                if option not in known | {"--help", "-h"}:
                    return f"{path} has no option {option}"
    return None
