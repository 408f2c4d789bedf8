r"""A text message made plain: digits of every script as ASCII, nothing unseen, and what it quotes set apart.

Rule: folding changes how a text is written and never what it says; no line is lost, only set apart.

>>> folded("\uff29\uff24\uff1a \u0663\u0660\u0660\u200b217")
'ID: 300217'
>>> own_and_quoted("> Send group 4 again.\n123456")
('123456', 'Send group 4 again.')
>>> is_reaction("Liked \u201cGroup 4 is wrong.\u201d"), is_reaction("Liked it. 123456")
(True, False)
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_BREAKS: Final = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_SLIP_OF_SIGN: Final = str.maketrans("OoIl", "0011")
_LETTERS_AMONG_DIGITS = re.compile(r"(?<![^\W_])[\dOoIl]{5,60}(?![^\W_])")
_QUOTE_MARK = re.compile(r"\s*[>|\u2502\u00bb]+\s?")
_WROTE = re.compile(
    r"\s*(?:On|Am|Le|El|Il|Op|Den|Em|Dnia)\b[^\n]{0,200}\b"
    r"(?:wrote|schrieb|a \u00e9crit|escribi\u00f3|ha scritto|schreef|skrev|escreveu|napisa\u0142)\b[^\n]{0,80}:\s*\Z",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(r"\s*-{2,}\s*(?:original message|urspr\u00fcngliche nachricht|message d'origine)", re.IGNORECASE)
_OPEN = "[\u201c\"\u201e\u00ab\u2018'\u300c]"
_CLOSE = "[\u201d\"\u201c\u00bb\u2019'\u300d]"
_REACTION = re.compile(
    r"\s*(?:(?:liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|reacted\s\S{1,12}(?:\s\S{1,12})?\sto"
    r"|removed an? [a-z ]{1,40} from|a aim\u00e9|a ador\u00e9|le gust\u00f3|le encant\u00f3|gef\u00e4llt|hat)\s+"
    r"|[^\w\s]{1,12}\s{1,3}(?:to|zu|\u00e0|a)\s+)"
    rf"(?:\s?{_OPEN}.*{_CLOSE}[\s.]*|an? (?:image|photo|movie|video|attachment|audio message|sticker))"
    r"(?: (?:mit|with|avec) .{1,40})?\Z",
    re.IGNORECASE | re.DOTALL,
)


def folded(body: str) -> str:
    """The text in plain signs: digits of every script in ASCII, one kind of space, dash and line break, nothing unseen.

    A numeral in a circle becomes what it stands for, the number of what follows: `1) `. A letter O, o, I or l in a
    number is the digit that it was typed for.
    """
    plain: list[str] = []
    for sign in unicodedata.normalize("NFC", body).replace("\r\n", "\n"):
        plain.append(_folded_sign(sign, plain[-1] if plain else ""))
        if not plain[-1]:
            plain.pop()
    return _LETTERS_AMONG_DIGITS.sub(_digits_meant, "".join(plain))


def _folded_sign(sign: str, before: str) -> str:
    """One sign in plain; empty for one that is not seen. `before` is what stands before it."""
    if sign in _BREAKS:
        return "\n"
    category = unicodedata.category(sign)
    if category == "Nd":
        return str(unicodedata.decimal(sign))
    if category == "No":
        value = int(unicodedata.numeric(sign, 0))
        circled = "\u2460" <= sign <= "\u249b" or "\u2776" <= sign <= "\u2793"
        return f" {value}) " if circled and 1 <= value <= 9 else " "
    if category in {"Cf", "Cn", "Co", "Cs"} or "\ufe00" <= sign <= "\ufe0f":
        return ""
    if category in {"Mn", "Me"}:
        return "" if before[-1:].isdigit() else sign  # underlined, in a keycap
    if category == "Cc":
        return "\t" if sign == "\t" else " "
    if category == "Zs":
        return " "
    if category == "Pd" or sign == "\u2212":
        return "-"
    return unicodedata.normalize("NFKC", sign) if category[0] in "LPS" else sign


def _digits_meant(token: re.Match[str]) -> str:
    """A number in which letters stand for the digits they look like; with more letters than digits it is a word."""
    written = token.group()
    return written.translate(_SLIP_OF_SIGN) if 2 * sum(map(str.isdigit, written)) >= len(written) else written


def own_and_quoted(text: str) -> tuple[str, str]:
    """What a folded text says itself, and what it quotes of earlier messages, each without the marks of quoting."""
    own: list[str] = []
    quoted: list[str] = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _ORIGINAL.match(line) or _WROTE.match(line) or _WROTE.match(f"{line} {following}"):
            return "\n".join(own).strip(), "\n".join(quoted + [_unmarked(rest) for rest in lines[number + 1 :]]).strip()
        mark = _QUOTE_MARK.match(line)
        if mark is not None and "|" in mark.group() and line.count("|") > mark.group().count("|"):
            mark = None  # a row of a table
        if mark is None:
            own.append(line)
        else:
            quoted.append(line[mark.end() :])
    return "\n".join(own).strip(), "\n".join(quoted).strip()


def _unmarked(line: str) -> str:
    mark = _QUOTE_MARK.match(line)
    return line if mark is None else line[mark.end() :]


def is_reaction(text: str) -> bool:
    """Whether a text is what a telephone sends for a tap on an earlier message: Liked, Loved, 👍 to, and so on."""
    return _REACTION.match(text) is not None
