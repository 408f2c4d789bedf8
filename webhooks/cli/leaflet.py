"""`touchtone leaflet`: the printed page with which somebody activates a product by telephone or text.

Rule: it reads the catalogue and the file of lines, and writes the one file it was asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from webhooks.cli.database import opened
from webhooks.cli.output import refuse, show

if TYPE_CHECKING:
    from ivr.lines import Line, Lines
    from webhooks.leaflet import Leaflet


@click.command()
@click.argument("product")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="NAME.html or NAME.pdf.")
@click.option("--locale", help="Its language, such as de; else that of the first line.")
@click.option(
    "--line", "numbers", multiple=True, help="A line to print (again for more); else those of the locale, or all."
)
@click.option("--paper", type=click.Choice(["a4", "letter"]), help="Else as the first line's country prints.")
@click.option(
    "--font", "fonts", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For a PDF in another script: its font; again for signs that the first has not.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def leaflet(
    product: str,
    out: Path,
    locale: str | None,
    numbers: tuple[str, ...],
    paper: str | None,
    fonts: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Write the sheet "activate by telephone" of PRODUCT (its number or name), one page, to print and to give away."""
    from keys.products import find_product
    from webhooks import leaflet as leaflets
    from webhooks import settings
    from webhooks.lines_file import read_catalogues, read_lines

    if out.suffix.lower() not in {".html", ".pdf"}:
        refuse("UNKNOWN_KIND", f"{out.name} must end in .html or .pdf.", as_json)
    found = settings.load()
    lines = read_lines(found.lines_file, read_catalogues())
    locale = locale or _nearest(lines.all[0].locale, leaflets.locales())
    if locale not in leaflets.locales():
        refuse("UNKNOWN_LOCALE", f"There is no leaflet in {locale}, but in {', '.join(leaflets.locales())}.", as_json)
    printed = _lines(lines, locale, numbers, as_json)
    with opened(found, as_json=as_json) as database, database.read() as connection:
        of = find_product(connection, int(product) if product.isdigit() else product)
    if of is None:
        refuse("PRODUCT_UNKNOWN", f"There is no product {product}.", as_json)
    sheet = leaflets.Paper(paper) if paper else leaflets.paper_of(printed[0].country)
    try:
        page = leaflets.compose(of, printed, leaflets.words(locale), sheet)
    except leaflets.NoWayError:
        refuse("NO_WAY", f"{of.name} is activated neither by telephone nor by text on these lines.", as_json)
    _write(out, _rendered(page, out, fonts, as_json), as_json)
    told = {"outcome": "done", "file": str(out), "product": of.name, "locale": locale, "paper": str(sheet)}
    show({**told, "numbers": [way.number for way in page.ways]}, as_json)


def _nearest(locale: str, known: tuple[str, ...]) -> str:
    """The locale itself, or its language where that is what there is."""
    return locale if locale in known else locale.partition("-")[0]


def _lines(lines: Lines, locale: str, numbers: tuple[str, ...], as_json: bool) -> tuple[Line, ...]:
    if not numbers:
        return tuple(line for line in lines.all if _nearest(line.locale, (locale,)) == locale) or lines.all
    known = {line.number: line for line in lines.all}
    for number in numbers:
        if number not in known:
            refuse("UNKNOWN_LINE", f"The file of lines has no {number}.", as_json)
    return tuple(known[number] for number in numbers)


def _rendered(page: Leaflet, out: Path, fonts: tuple[Path, ...], as_json: bool) -> bytes:
    if out.suffix.lower() == ".html":
        from webhooks import leaflet_html

        return leaflet_html.render(page).encode()
    from webhooks import leaflet_pdf

    try:
        return leaflet_pdf.render(page, fonts)
    except leaflet_pdf.FontNeededError:
        sentence = f"A PDF in {page.locale} needs a font that has its signs: name one with --font, or print the HTML."
        refuse("FONT_NEEDED", sentence, as_json)
    except leaflet_pdf.FontLacksError as error:
        refuse(
            "FONT_LACKS_SIGNS", f"The fonts have no {' '.join(error.args[0][:12])}; name another with --font.", as_json
        )
    except leaflet_pdf.FontUnreadableError as error:
        refuse("FONT_UNREADABLE", f"{error.args[0]} is no TrueType or OpenType font.", as_json)
    except leaflet_pdf.NoRoomError as error:
        refuse("NO_ROOM", f"{error.args[0]} numbers do not go on one sheet; name fewer lines with --line.", as_json)


def _write(out: Path, content: bytes, as_json: bool) -> None:
    try:
        out.write_bytes(content)
    except OSError as error:
        refuse("FILE_UNWRITABLE", f"{out} cannot be written: {error.strerror}.", as_json)
