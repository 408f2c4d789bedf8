"""The leaflet as a PDF of one page.

Rule: what cannot be set rightly is refused, never set wrongly. The letters of western Europe need no font; for every
other script the caller names some, and each sign of the page is looked for in them first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from keys.device.qr import modules
from webhooks.leaflet import WRITTEN_WITHOUT_SPACES, Leaflet, Paper

if TYPE_CHECKING:
    from fpdf import FPDF

MARGIN = 13.0
"""Millimetres, as all measures here."""
CODE = 22.0
QUIET = 4.5
"""Beside a code, so that it is read: four of its modules."""
SMALLEST = 7
SCRIPTS: dict[str, tuple[Literal["ltr", "rtl"], str]] = {
    "ar": ("rtl", "arab"),
    "hi": ("ltr", "deva"),
    "ja": ("ltr", "hani"),
    "zh": ("ltr", "hani"),
}
"""How the letters of a language are joined: the direction and the script by its name in a font."""
BUILT_IN = "latin-1"
"""What the font that every reader of PDFs has can write."""


class FontNeededError(ValueError):
    """The page's signs are not those of the built-in font, and no other was given."""


class FontLacksError(ValueError):
    """The fonts that were given have not all signs of the page; its argument is those they lack."""


class FontUnreadableError(ValueError):
    """A file that was given is no font; its argument is the file's name."""


class NoRoomError(ValueError):
    """The page has more numbers on it than one sheet has room for, even in the smallest letters."""


def render(page: Leaflet, fonts: Sequence[Path] = ()) -> bytes:
    """The page as a PDF; `fonts` are TrueType or OpenType files, later ones for signs that those before lack.

    Raises the errors above.
    """
    checked(page, fonts)
    # The longest language sets the size: it is made smaller until all stands on one sheet.
    for size in range(13, SMALLEST - 1, -1):
        sheet = _Sheet(page, fonts, size)
        sheet.draw()
        if sheet.pdf.page_no() == 1:
            return bytes(sheet.pdf.output())
    raise NoRoomError(len(page.ways))


def checked(page: Leaflet, fonts: Sequence[Path]) -> None:
    """Raise an error where the page cannot be set in these fonts."""
    signs = {sign for sign in "".join(page.texts) if not sign.isspace()}
    if not fonts:
        try:
            _plain("".join(signs)).encode(BUILT_IN)
        except UnicodeEncodeError:
            raise FontNeededError(page.locale) from None
        return
    from fontTools.ttLib import TTFont, TTLibError

    known: set[int] = set()
    for font in fonts:
        try:
            with font.open("rb") as file, TTFont(file, fontNumber=0, lazy=True) as opened:
                known |= set(opened.getBestCmap() or {})
        except (TTLibError, OSError) as error:
            raise FontUnreadableError(font.name) from error
    lacking = sorted(sign for sign in signs if ord(sign) not in known)
    if lacking:
        raise FontLacksError("".join(lacking))


def _plain(text: str) -> str:
    """A text with the apostrophe and the spaces of typewriters, which the built-in font has."""
    return text.translate({0x2019: "'", 0x202F: "\u00a0"})


class _Sheet:
    """One sheet being drawn, from the top down."""

    def __init__(self, page: Leaflet, fonts: Sequence[Path], size: int) -> None:
        from fpdf import FPDF

        self.pdf: FPDF = FPDF(format="letter" if page.paper is Paper.LETTER else "A4")
        self._page = page
        self._size = size
        self._language = page.locale.partition("-")[0]
        self.pdf.set_margins(MARGIN, MARGIN)
        self.pdf.set_auto_page_break(True, MARGIN)
        self.pdf.set_title(page.title)
        self.pdf.set_lang(page.locale)
        self._bold = "" if fonts else "B"
        self._set = str if fonts else _plain
        self._shaped: tuple[None, Literal["ltr", "rtl"], str] | None = None
        if fonts:
            for place, font in enumerate(fonts):
                self.pdf.add_font(f"given-{place}", fname=font)
            self.pdf.set_font("given-0")
            self.pdf.set_fallback_fonts([f"given-{place}" for place in range(1, len(fonts))])
            direction, script = SCRIPTS.get(self._language, ("ltr", "latn"))
            # Letters are joined by features of the font that need no naming.
            self._shaped = (None, direction, script)
            self.pdf.set_text_shaping(True, *self._shaped)
        else:
            self.pdf.set_font("helvetica")
        self.pdf.add_page()

    def draw(self) -> None:
        """All of the page."""
        page, words = self._page, self._page.words
        self._write(page.title, self._size + 8, bold=True)
        self._write(words["offline"], self._size)
        self._ways()
        for number, step in enumerate(page.steps, 1):
            self._step(number, step)
        self._head(words["installation_id"])
        self._boxes(page.groups, 3)
        self._head(words["confirmation_id"])
        self._boxes(page.blocks, 4)
        self._rules()
        self._write(words["codes"], self._size - 1)
        self._write(words["keep"], self._size - 1)

    def _write(self, text: str, size: float, *, bold: bool = False, indent: float = 0.0) -> None:
        """A paragraph over the width that is left, from the side where its language begins."""
        from fpdf.enums import WrapMode

        pdf, rtl = self.pdf, self._page.from_the_right
        self._font(size, bold=bold)
        pdf.set_x(MARGIN if rtl else MARGIN + indent)
        width = pdf.w - 2 * MARGIN - indent
        wrap = WrapMode.CHAR if self._language in WRITTEN_WITHOUT_SPACES else WrapMode.WORD
        pdf.multi_cell(
            width, size * 0.47, self._set(text), align="R" if rtl else "L", wrapmode=wrap, new_x="LMARGIN", new_y="NEXT"
        )

    def _font(self, size: float, *, bold: bool = False) -> None:
        """Choose the size; anew each time, for a sign out of a later font leaves that one chosen behind the library."""
        self.pdf.set_font(size=size + 1)
        self.pdf.set_font(style=self._bold if bold else "", size=size)

    def _digits(self, width: float, height: float, text: str, *, align: Literal["L", "R", "C"] = "L") -> None:
        """What goes from left to right in every language: a number, a label."""
        pdf = self.pdf
        if self._shaped:
            pdf.set_text_shaping(True, direction="ltr", script="latn")
        pdf.cell(width, height, text, align=align)
        if self._shaped:
            pdf.set_text_shaping(True, *self._shaped)

    def _head(self, text: str) -> None:
        self.pdf.ln(2.5)
        self._write(text, self._size + 2, bold=True)
        self.pdf.ln(0.5)

    def _step(self, number: int, text: str) -> None:
        pdf = self.pdf
        top = pdf.get_y()
        self._write(text, self._size, indent=7)
        bottom = pdf.get_y()
        self._font(self._size, bold=True)
        pdf.set_xy(pdf.w - MARGIN - 6 if self._page.from_the_right else MARGIN, top)
        self._digits(6, self._size * 0.47, f"{number}.", align="R" if self._page.from_the_right else "L")
        pdf.set_xy(MARGIN, bottom + 0.8)

    def _ways(self) -> None:
        """The numbers with their codes, two beside each other."""
        pdf, words = self.pdf, self._page.words
        pdf.ln(2)
        width, top = (pdf.w - 2 * MARGIN) / 2, pdf.get_y()
        for place, way in enumerate(self._page.ways):
            x, y = MARGIN + width * (place % 2), top + (CODE + 4) * (place // 2)
            self._code(way.link, x, y)
            for text, size, down in (
                (words["text" if way.by_text else "call"], self._size, 2.0),
                (way.number, 15, 7.0),
                (words["scan_text" if way.by_text else "scan_call"], self._size - 2, 14.0),
            ):
                self._font(size, bold=text == way.number)
                pdf.set_xy(x + CODE + QUIET, y + down)
                if text == way.number:
                    self._digits(width - CODE - QUIET, size * 0.47, text)
                else:
                    pdf.cell(width - CODE - QUIET, size * 0.47, self._set(text))
        pdf.set_xy(MARGIN, top + (CODE + 4) * -(-len(self._page.ways) // 2) + 1)

    def _code(self, link: str, x: float, y: float) -> None:
        rows = modules(link)
        side = CODE / len(rows)
        self.pdf.set_fill_color(0)
        for down, row in enumerate(rows):
            for right, dark in enumerate(row):
                if dark:
                    # A hair wider than a module, so that no white line shows between two.
                    self.pdf.rect(x + right * side, y + down * side, side + 0.02, side + 0.02, style="F")

    def _boxes(self, labels: tuple[str, ...], columns: int) -> None:
        """Boxes of six places each, in rows: from left to right in every language, as digits go."""
        pdf, height, gap, head = self.pdf, 11.0, 3.0, 6.0
        width = (pdf.w - 2 * MARGIN - gap * (columns - 1)) / columns
        top = pdf.get_y()
        for place, label in enumerate(labels):
            x, y = MARGIN + (width + gap) * (place % columns), top + (height + 2) * (place // columns)
            pdf.set_fill_color(228)
            pdf.rect(x, y, head, height, style="DF")
            pdf.rect(x + head, y, width - head, height)
            self._font(11, bold=True)
            pdf.set_xy(x, y)
            self._digits(head, height, label, align="C")
            step = (width - head) / 6
            for part in range(1, 6):
                pdf.line(x + head + part * step, y + height * 0.6, x + head + part * step, y + height)
        pdf.set_xy(MARGIN, top + (height + 2) * -(-len(labels) // columns))

    def _rules(self) -> None:
        """The rules to write on."""
        pdf, words = self.pdf, self._page.words
        whole = pdf.w - 2 * MARGIN
        pdf.ln(2)
        for entries in (("machine", "date"), ("case_number",)):
            top = pdf.get_y()
            for place, entry in enumerate(entries):
                width = whole if len(entries) == 1 else whole * (0.62 if place == 0 else 0.34)
                x = MARGIN if place == 0 else MARGIN + whole * 0.66
                self._font(self._size - 1)
                pdf.set_xy(x, top)
                pdf.cell(width, 6, self._set(words[entry]), align="R" if self._page.from_the_right else "L")
                pdf.line(x, top + 6.5, x + width, top + 6.5)
            pdf.set_xy(MARGIN, top + 9)
