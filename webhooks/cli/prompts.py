"""`touchtone prompts`: what a translator and a studio need: every prompt to read and hear, and what is missing.

Rule: nothing of a line is needed, no settings and no database: a catalogue is looked at in a bare clone.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.output import refuse, show, show_table

if TYPE_CHECKING:
    from ivr.prompts import Catalogue
    from webhooks.recordings import Recordings

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

    Status 1 where anything is. A locale of which something is recorded also hears of what is not: that is spoken.
    """
    from ivr.recorded import wanted
    from webhooks.prompt_examples import too_long

    released = _files()
    for locale in locales:
        _known(locale, released, as_json)
    rows = [row for locale in locales or sorted(released) for row in _catalogue_faults(locale, released)]
    if not rows:
        catalogues = {locale: _catalogue(locale, as_json) for locale in sorted(released)}
        chosen = {locale: catalogues[locale] for locale in locales or catalogues}
        rows = [
            {"locale": locale, "why": "TOO_LONG", "about": prompt, "fact": f"{count} segments"}
            for locale, catalogue in chosen.items()
            for prompt, count in too_long(catalogue)
        ]
        found = _recordings(recordings, catalogues, as_json)
        if found is not None:
            rows += [
                {"locale": fault.file.parent.name, "why": fault.why.value, "about": str(fault.file), "fact": ""}
                for fault in found.faults
                if not locales or fault.file.parent.name in locales
            ]
            rows += [
                {"locale": locale, "why": "NOT_RECORDED", "about": name, "fact": ""}
                for locale, catalogue in chosen.items()
                if locale in found.locales
                for name in wanted(catalogue)
                if found.file(locale, name) is None
            ]
    if as_json:
        show(rows, as_json)
    elif rows:
        show_table(rows, ("locale", "why", "about", "fact"))
    else:
        click.echo("Nothing is wrong with " + ", ".join(locales or sorted(released)) + ".")
    if any(row["why"] != "NOT_RECORDED" for row in rows):
        sys.exit(1)


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


def _files() -> dict[str, bytes]:
    """The catalogue of every locale as it is written."""
    files = [file for file in resources.files("prompts").iterdir() if file.name.endswith(".po")]
    return {file.name.removesuffix(".po"): file.read_bytes() for file in files}


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
        refuse("MALFORMED", f"prompts/{locale}.po cannot be read: {error.args[1:]}.", as_json)


def _catalogue_faults(locale: str, released: Mapping[str, bytes]) -> list[dict[str, str]]:
    from ivr.catalogue_faults import faults
    from ivr.prompts import MalformedCatalogue

    try:
        found = faults(released[locale], released["en-US"], locale)
    except MalformedCatalogue as error:
        return [{"locale": locale, "why": "MALFORMED", "about": f"prompts/{locale}.po", "fact": str(error.args[1:])}]
    return [{"locale": locale, "why": each.why.value, "about": each.prompt, "fact": each.fact} for each in found]


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
