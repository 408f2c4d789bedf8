"""`touchtone prompts`: every prompt to read and hear, what is wrong, and what a studio has to record."""

import csv
import io
import json
import wave
from pathlib import Path

import pytest
from click.testing import CliRunner

from ivr.catalogue_faults import faults
from ivr.recorded import wanted
from webhooks import synthesis
from webhooks.cli import prompts
from webhooks.cli.main import cli
from webhooks.lines_file import read_catalogues

from .test_recordings import sound

CATALOGUES = read_catalogues()
LOCALES = sorted(CATALOGUES)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """The command in a folder without settings."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(cli, ["prompts", *map(str, words)])


@pytest.mark.parametrize("locale", LOCALES)
def test_a_preview_shows_every_prompt_in_every_plural_form_with_its_facts_filled_in(run, locale):
    shown = json.loads(run("preview", locale, "--json").output)
    assert {row["prompt"] for row in shown} == set(CATALOGUES[locale].prompts)
    assert not [row for row in shown if "{" in row["words"]]
    forms = {row["form"] for row in shown if row["prompt"] == "group.short"}
    assert forms == set(range(len(CATALOGUES[locale].counts("group.short"))))


def test_a_locale_that_is_not_there_is_refused_by_every_command(run):
    for words in (("preview", "xx"), ("check", "xx"), ("record-list", "xx")):
        answer = run(*words)
        assert answer.exit_code == 1
        assert "There is no prompts/xx.po" in answer.output


def test_without_the_synthesizer_it_is_said_how_to_get_it(run, monkeypatch, tmp_path):
    monkeypatch.setattr(synthesis.shutil, "which", lambda _program: None)
    answer = run("preview", "en-US", "--audio", tmp_path / "audio")
    assert answer.exit_code == 1
    assert answer.output.strip() == "espeak-ng is not installed; on Debian: apt-get install espeak-ng."


def test_a_synthesizer_that_hangs_is_not_waited_for_without_end(run, monkeypatch, tmp_path):
    program = tmp_path / "espeak-ng"
    program.write_text("#!/bin/sh\nexec sleep 60\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(synthesis.shutil, "which", lambda _program: str(program))
    monkeypatch.setattr(synthesis, "PATIENCE", 0.2)
    answer = run("preview", "en-US", "--audio", tmp_path / "audio")
    assert answer.exit_code == 1
    assert answer.output.strip() == "espeak-ng did not speak en-US within 0.2 s."


def test_with_a_synthesizer_every_spoken_prompt_is_a_file(run, monkeypatch, tmp_path):
    """A program in its place that writes what it was given: the real one is not on every machine."""
    program = tmp_path / "espeak-ng"
    program.write_text('#!/bin/sh\nwhile [ "$1" != "-w" ]; do shift; done\ncat > "$2"\n', "utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(synthesis.shutil, "which", lambda _program: str(program))
    answer = run("preview", "en-US", "--audio", tmp_path / "audio", "--json")
    assert answer.exit_code == 0, answer.output
    audio = [row for row in json.loads(answer.output) if "audio" in row]
    assert len(audio) > 100
    assert "<break time" in (tmp_path / "audio" / "wayon.case.wav").read_text("utf-8")


def test_all_released_catalogues_are_without_a_fault(run):
    answer = run("check")
    assert answer.exit_code == 0, answer.output
    assert answer.output.strip() == f"Nothing is wrong with {', '.join(LOCALES)}."


@pytest.fixture
def own(monkeypatch, tmp_path):
    """A copy of the catalogues in American English, German and French, to spoil: `own("desk/de.po", was, now)`."""
    released, folder = Path(__file__).parents[2] / "prompts", tmp_path / "prompts"
    for file in released.rglob("*.po"):
        if file.stem in {"en-US", "de", "fr"}:
            copy = folder / file.relative_to(released)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    monkeypatch.setattr(prompts.resources, "files", lambda _: folder)

    def spoil(name, was, now):
        text = (folder / name).read_text("utf-8")
        assert was in text
        (folder / name).write_text(text.replace(was, now, 1), "utf-8")

    spoil.folder = folder
    return spoil


def test_check_looks_at_the_catalogues_of_pages_leaflets_and_the_outage_document_too(run, own):
    own("leaflet/de.po", "{product} per Telefon aktivieren", "{produkt} per Telefon aktivieren")
    own("outage/de.po", 'msgstr "Entschuldigung, diese', 'msgstr ""\n# "Entschuldigung, diese')
    own("desk/de.po", "Sie sind jetzt: %(presence)s.", "Sie sind jetzt: %(zustand)s.")
    own("desk/de.po", "%(count)s</span> wartet", "%(count)s wartet")
    own("phone/de.po", 'msgid "Hang up"', 'msgid "Hang up at once"')
    answer = run("check", "de", "--json")
    assert answer.exit_code == 1
    assert {(row["catalogue"], row["why"], row["fact"]) for row in json.loads(answer.output)} == {
        ("prompts/leaflet/de.po", "PLACEHOLDERS", "{product} {produkt}"),
        ("prompts/outage/de.po", "UNTRANSLATED", ""),
        ("prompts/desk/de.po", "PLACEHOLDERS", "%(presence)s %(zustand)s"),
        ("prompts/desk/de.po", "MARKUP", '</span> <span class="number">'),
        ("prompts/phone/de.po", "MISSING", ""),
    }
    assert [row["locale"] for row in json.loads(run("check", "fr", "--json").output)] == ["fr"]  # "Hang up at once"


def test_a_language_that_a_page_does_not_have_is_told_and_no_fault(run, own):
    for name in ("desk", "leaflet"):
        (own.folder / name / "de.po").unlink()
    answer = run("check", "--json")
    assert answer.exit_code == 0
    told = [(row["catalogue"], row["why"]) for row in json.loads(answer.output)]
    assert told == [(f"prompts/{name}/de.po", "NO_CATALOGUE") for name in ("leaflet", "desk")]


def test_a_page_s_catalogue_that_cannot_be_read_is_told_and_the_others_are_looked_at(run, own):
    own("desk/de.po", "nplurals=2", "nplurals=two")
    own("leaflet/de.po", "{product} per Telefon aktivieren", "")
    told = {(row["catalogue"], row["why"]) for row in json.loads(run("check", "--json").output)}
    assert told == {("prompts/desk/de.po", "MALFORMED"), ("prompts/leaflet/de.po", "UNTRANSLATED")}


AMERICAN = b"""msgid ""
msgstr "Language: en\\n"

msgctxt "a.one"
msgid "Group {group}."
msgstr "Group {group}."

msgctxt "a.many"
msgid "{count} digit."
msgid_plural "{count} digits."
msgstr[0] "{count} digit."
msgstr[1] "{count} digits."
"""
RUSSIAN = """msgid ""
msgstr ""
"Language: ru\\n"
"X-Voice: Polly.Tatyana\\n"
"Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 ? 1 : 2);\\n"

msgctxt "a.one"
msgid "Group {group}."
msgstr "Группа {group}."

msgctxt "a.many"
msgid "{count} digit."
msgid_plural "{count} digits."
msgstr[0] "{count} цифра."
msgstr[1] "{count} цифры."
msgstr[2] "{count} цифр."
"""


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        (("", ""), []),
        (
            ('{group}."\n\nmsgctxt "a.many', '{grupp}."\n\nmsgctxt "a.many'),
            [("PLACEHOLDERS", "a.one", "{group} {grupp}")],
        ),
        (("Группа {group}", "Группа {group"), [("PLACEHOLDERS", "a.one", "{group} {malformed}")]),
        (('msgstr "Группа {group}."', 'msgstr ""'), [("UNTRANSLATED", "a.one", "")]),
        (('msgstr[2] "{count} цифр."\n', ""), [("PLURAL_FORMS", "a.many", "2 of 3")]),
        (('msgid "Group {group}."', 'msgid "The group {group}."'), [("ENGLISH_CHANGED", "a.one", "")]),
        (('msgctxt "a.one"', '#, fuzzy\nmsgctxt "a.one"'), [("FUZZY", "a.one", "")]),
        (('msgctxt "a.one"', 'msgctxt "a.uno"'), [("MISSING", "a.one", ""), ("SURPLUS", "a.uno", "")]),
        (('"X-Voice: Polly.Tatyana\\n"\n', ""), [("NO_VOICE", "", "")]),
    ],
)
def test_each_fault_of_a_catalogue_is_told_apart(changed, found):
    told = faults(RUSSIAN.replace(*changed).encode() if changed[0] else RUSSIAN.encode(), AMERICAN, "ru")
    assert [(fault.why.value, fault.prompt, fault.fact) for fault in told] == found


def test_check_tells_of_recordings_and_record_list_of_what_is_left(run, tmp_path):
    folder = tmp_path / "recordings" / "en-US"
    folder.mkdir(parents=True)
    (folder / "opening.short.wav").write_bytes(sound("short"))
    everything = set(wanted(CATALOGUES["en-US"]))
    answer = run("check", "en-US", "--recordings", folder.parent, "--json")
    assert answer.exit_code == 0
    assert {row["about"] for row in json.loads(answer.output)} == everything - {"opening.short"}
    (folder / "opening.shrt.wav").write_bytes(sound("short"))
    answer = run("check", "en-US", "--recordings", folder.parent)
    assert answer.exit_code == 1
    assert "WRONG_NAME" in answer.output
    listed = list(csv.DictReader(io.StringIO(run("record-list", "en-US", "--recordings", folder.parent).output)))
    assert {row["file"] for row in listed} == {f"en-US/{name}.wav" for name in everything - {"opening.short"}}
    whole = json.loads(run("record-list", "en-US", "--all", "--recordings", folder.parent, "--json").output)
    assert not [row["file"] for row in whole if row["file"].startswith(("en-US/say.", "en-US/text.", "en-US/word."))]
    assert [row["file"] for row in whole if row["recorded"]] == ["en-US/opening.short.wav"]
    assert run("check", "--recordings", tmp_path / "nowhere").exit_code == 1


def test_what_record_list_names_is_what_is_played(run, tmp_path):
    listed = json.loads(run("record-list", "en-US", "--json").output)
    for row in listed:
        file = tmp_path / "studio" / row["file"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(sound(row["file"]))
    answer = run("check", "en-US", "--recordings", tmp_path / "studio")
    assert answer.exit_code == 0
    assert answer.output.strip() == "Nothing is wrong with en-US."
    with wave.open(str(file)) as played:
        assert played.getnframes() > 0
