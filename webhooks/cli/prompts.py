"""`touchtone prompts`: what a translator and a studio need: every prompt to read and hear, and what is missing.

Rule: nothing of a line is needed, no settings and no database: a catalogue is looked at in a bare clone.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.output import refuse, show, show_table

if TYPE_CHECKING:
    from ivr.catalogue_faults import Fault
    from ivr.prompts import Catalogue
    from webhooks.recordings import Recordings

_NO_FAULT = {"NOT_RECORDED", "NO_CATALOGUE"}
"""What is told, and nothing that has to be mended."""

_RECORDINGS = click.option(
    "--recordings",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of recordings; without it, the one of the setting TOUCHTONE_RECORDINGS_DIR.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group()
def prompts() -> None:
    """The words of the line: read and hear them, check them, list what a studio has to record."""


@prompts.command()
@click.argument("locale")
@click.option("--audio", type=click.Path(path_type=Path, file_okay=False), help="Speak each to a file in this folder.")
@_JSON
def preview(locale: str, audio: Path | None, as_json: bool) -> None:
    """Every prompt of LOCALE with example facts, in each plural form; with --audio spoken by espeak-ng."""
    from webhooks.prompt_examples import examples
    from webhooks.synthesis import NoSynthesizer, speak

    catalogue = _catalogue(locale, as_json)
    rows: list[dict[str, Any]] = []
    for example in examples(catalogue):
        row = {"prompt": example.prompt, "form": example.form, "words": example.words}
        if example.text is not None:
            row |= {"segments": example.text.count, "encoding": example.text.encoding}
        elif audio is not None:
            file = audio / f"{example.prompt}{'' if example.form is None else f'~{example.form}'}.wav"
            try:
                speak(catalogue.locale, example.speech, file)
            except NoSynthesizer as missing:
                refuse("NO_SYNTHESIZER", str(missing), as_json)
            row["audio"] = str(file)
        rows.append(row)
    if as_json:
        show(rows, as_json)
        return
    for row in rows:
        told = f"  [{row['segments']} {row['encoding']}]" if "segments" in row else ""
        form = "" if row["form"] is None else f"~{row['form']}"
        click.echo(f"{row['prompt']}{form}: {row['words']}{told}")


@prompts.command()
@click.argument("locales", nargs=-1)
@_RECORDINGS
@_JSON
def check(locales: tuple[str, ...], recordings: Path | None, as_json: bool) -> None:
    """What is wrong with the catalogues (all, or LOCALES), with their texts' lengths, and with recordings.

    Status 1 where anything is. A locale of which something is recorded also hears of what is not: that is spoken. And
    a language of the line that one of the other catalogues does not have hears so: there it is English, or nothing.
    """
    from webhooks.page_texts import ENGLISH, PAGES

    released = {name: _files(name) for name in ("", "outage", "leaflet", *PAGES)}
    known = {locale: file for files in released.values() for locale, file in files.items()}
    for locale in locales:
        _known(locale, known, as_json)
    chosen = locales or tuple(sorted(known))
    rows = [row for name, files in released.items() for row in _catalogue_faults(name, files, chosen)]
    rows += [
        _row(locale, "NO_CATALOGUE", _path(name, locale), "")
        for name, files in released.items()
        for locale in chosen
        if locale not in files and not (name in PAGES and locale in ENGLISH)
    ]
    if not any(row["catalogue"] in {_path("", locale) for locale in released[""]} for row in rows):
        rows += _of_the_line([locale for locale in chosen if locale in released[""]], recordings, as_json)
    if as_json:
        show(rows, as_json)
    elif rows:
        show_table(rows, ("locale", "why", "catalogue", "about", "fact"))
    else:
        click.echo("Nothing is wrong with " + ", ".join(chosen) + ".")
    if any(row["why"] not in _NO_FAULT for row in rows):
        sys.exit(1)


def _of_the_line(locales: Sequence[str], recordings: Path | None, as_json: bool) -> list[dict[str, str]]:
    """What is wrong with the lengths of the texts of these locales, and with what is recorded of them."""
    from ivr.recorded import wanted
    from webhooks.prompt_examples import too_long

    catalogues = {locale: _catalogue(locale, as_json) for locale in sorted(_files(""))}
    rows = [
        _row(locale, "TOO_LONG", _path("", locale), prompt, f"{count} segments")
        for locale in locales
        for prompt, count in too_long(catalogues[locale])
    ]
    found = _recordings(recordings, catalogues, as_json)
    if found is None:
        return rows
    every = set(locales) == set(catalogues)
    rows += [
        _row(fault.file.parent.name, fault.why.value, "", str(fault.file))
        for fault in found.faults
        if every or fault.file.parent.name in locales
    ]
    rows += [
        _row(locale, "NOT_RECORDED", "", name)
        for locale in locales
        if locale in found.locales
        for name in wanted(catalogues[locale])
        if found.file(locale, name) is None
    ]
    return rows


@prompts.command("record-list")
@click.argument("locale")
@click.option("--all", "whole", is_flag=True, help="Also what is recorded already.")
@_RECORDINGS
@_JSON
def record_list(locale: str, whole: bool, recordings: Path | None, as_json: bool) -> None:
    """What a studio has to record for LOCALE: file names and words, as CSV (or JSON)."""
    from ivr.recorded import wanted

    catalogue = _catalogue(locale, as_json)
    found = _recordings(recordings, {locale: catalogue}, as_json)
    rows = [
        {"file": f"{locale}/{name}.wav", "words": part.words, "recorded": recorded}
        for name, part in wanted(catalogue).items()
        if not (recorded := found is not None and found.file(locale, name) is not None) or whole
    ]
    if as_json:
        show(rows, as_json)
        return
    writer = csv.DictWriter(sys.stdout, ("file", "words", "recorded"), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "recorded": "yes" if row["recorded"] else "no"} for row in rows)


def _files(name: str = "") -> dict[str, bytes]:
    """A catalogue in every locale as it is written; the line's own where no name is given."""
    files = [file for file in (resources.files("prompts") / name).iterdir() if file.name.endswith(".po")]
    return {file.name.removesuffix(".po"): file.read_bytes() for file in files}


def _path(name: str, locale: str) -> str:
    return "/".join(("prompts", *([name] if name else []), f"{locale}.po"))


def _row(locale: str, why: str, catalogue: str, about: str, fact: str = "") -> dict[str, str]:
    return {"locale": locale, "why": why, "catalogue": catalogue, "about": about, "fact": fact}


def _known(locale: str, released: Mapping[str, bytes], as_json: bool) -> None:
    if locale not in released:
        refuse("LOCALE_UNKNOWN", f"There is no prompts/{locale}.po; there are {', '.join(sorted(released))}.", as_json)


def _catalogue(locale: str, as_json: bool) -> Catalogue:
    from ivr.prompts import MalformedCatalogue, parse

    released = _files()
    _known(locale, released, as_json)
    try:
        return parse(released[locale], locale)
    except MalformedCatalogue as error:
        refuse("MALFORMED", f"prompts/{locale}.po cannot be read: {error.args[-1]}.", as_json)


def _catalogue_faults(name: str, released: Mapping[str, bytes], locales: Sequence[str]) -> Iterator[dict[str, str]]:
    """What is wrong with one kind of catalogue in these locales."""
    from ivr.prompts import MalformedCatalogue
    from webhooks.page_texts import PAGES

    look = _look_at_page(released) if name in PAGES else partial(_look_by_id, released, spoken=not name)
    for locale in locales:
        if locale in released:
            try:
                for each in look(locale):
                    yield _row(locale, each.why.value, _path(name, locale), each.prompt, each.fact)
            except MalformedCatalogue as error:
                yield _row(locale, "MALFORMED", _path(name, locale), _path(name, locale), str(error.args[-1]))


def _look_by_id(released: Mapping[str, bytes], locale: str, *, spoken: bool) -> Iterable[Fault]:
    from ivr.catalogue_faults import faults

    return faults(released[locale], released["en-US"], locale, spoken=spoken)


def _look_at_page(released: Mapping[str, bytes]) -> Callable[[str], Iterable[Fault]]:
    """Looks at one locale of a page, which must have the texts of all that can be read."""
    from ivr.prompts import MalformedCatalogue, read_texts
    from webhooks.page_text_faults import faults, texts

    catalogues, known = {}, {}
    for locale, po in released.items():
        with suppress(MalformedCatalogue):
            catalogues[locale], _ = read_texts(po, locale)
            known.update(texts(catalogues[locale]))
    return lambda locale: faults(
        catalogues[locale] if locale in catalogues else read_texts(released[locale], locale)[0], known
    )


def _recordings(folder: Path | None, catalogues: Mapping[str, Catalogue], as_json: bool) -> Recordings | None:
    """What is recorded in the folder, or in that of the settings; None where there is neither."""
    from webhooks import settings
    from webhooks.recordings import read_recordings

    given = folder or settings.sources().get("TOUCHTONE_RECORDINGS_DIR", ("", ""))[0]
    if not given:
        return None
    try:
        return read_recordings(Path(given), catalogues)
    except OSError as error:
        refuse("UNREADABLE", f"The folder of recordings {given} cannot be read ({error.strerror}).", as_json)
