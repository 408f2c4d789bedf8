"""`touchtone leaflet`, and a machine's own page: what stands on them, in every locale, on one sheet that prints."""

import json
import re
import xml.etree.ElementTree as ET

import pytest
from click.testing import CliRunner

from ivr.lines import Line
from keys.device.qr import modules
from keys.products import Product
from tests.webhooks.test_cli_device_papers import _installed
from webhooks import leaflet, leaflet_html, leaflet_pdf
from webhooks.cli.leaflet import leaflet as command

CALLED = Line("+493012345", "Example", "DE", "de", 24, text_sender="+4915735985000")
SERVED = Line("+15550100", "Example", "US", "en-US", 24, text_sender="MG" + "a" * 32)
SILENT = Line("+15550199", "Example", "US", "en-US", 24)
FAIRWAY = Product(1, "Fairway", 1, 8)
POCKET = Product(3, "Pocket <&>", 3, 5, channels=("phone",))
LATIN = [name for name in leaflet.locales() if name not in {"ja", "zh-Hans", "hi", "ar"}]


def page(product=FAIRWAY, lines=(CALLED,), locale="en-US", paper=leaflet.Paper.A4):
    return leaflet.compose(product, lines, leaflet.words(locale), paper)


@pytest.mark.parametrize("locale", leaflet.locales())
def test_every_locale_has_every_entry_translated_with_the_same_facts(locale):
    english, words = leaflet.words("en-US"), leaflet.words(locale)
    assert set(words.prompts) == set(english.prompts)
    for entry in english.prompts:
        facts = re.findall(r"{\w+}", english.text(entry, 9))
        assert sorted(re.findall(r"{\w+}", words.text(entry, 9))) == sorted(facts), entry
        same = words.text(entry, 9) == english.text(entry, 9)
        # What is alike in two languages: "Machine" and "Date" are French as well.
        assert not same or locale.startswith("en") or (locale, entry) in {("fr", "machine"), ("fr", "date")}, entry


def test_the_ten_locales_of_the_line_are_there():
    assert set(leaflet.locales()) == {"en-US", "en-GB", "es", "fr", "de", "pt-BR", "ja", "zh-Hans", "hi", "ar"}


@pytest.mark.parametrize("locale", leaflet.locales())
def test_the_page_has_the_numbers_the_codes_a_box_for_every_group_and_block_and_its_direction(locale):
    made = page(locale=locale)
    html = leaflet_html.render(made)
    assert f'<html lang="{locale}" dir="{"rtl" if locale == "ar" else "ltr"}">' in html
    assert html.count('<div class="box">') == 9 + 8
    assert html.count("<svg") == 2
    for said in ("+49 30 12345", "+49 1573 5985000", *made.steps):
        assert said in html
    assert not re.search(r"<script|<link|src=|href=", html)


def test_a_product_without_texts_has_one_number_fewer_steps_and_its_own_count_of_boxes():
    made = page(POCKET)
    assert [way.link for way in made.ways] == ["tel:+493012345"]
    assert (len(made.groups), "".join(made.blocks), len(made.steps)) == (6, "ABCDE", 4)
    assert made.title == "Activate Pocket <&> by telephone"
    assert "6 groups" in made.steps[0]
    assert "5 blocks" in made.steps[2]
    html = leaflet_html.render(made)
    assert "Pocket &lt;&amp;&gt;" in html
    assert "<&>" not in html


def test_a_product_for_texts_alone_says_nothing_of_calls():
    made = page(Product(1, "Fairway", 1, 8, channels=("text",)))
    assert [way.link for way in made.ways] == ["SMSTO:+4915735985000:"]
    assert made.title == "Activate Fairway by text message"
    assert not [step for step in made.steps if "Call" in step or "star" in step]


def test_who_texts_a_line_with_a_service_texts_its_own_number():
    assert [way.link for way in page(lines=(SERVED,)).ways] == ["tel:+15550100", "SMSTO:+15550100:"]
    assert [way.link for way in page(lines=(SILENT,)).ways] == ["tel:+15550199"]


def test_a_product_that_no_line_activates_has_no_leaflet():
    for channels, line in ((("api",), CALLED), (("text",), SILENT)):
        with pytest.raises(leaflet.NoWayError):
            page(Product(1, "Fairway", 1, 8, channels=channels), (line,))


def test_a_code_is_drawn_as_the_library_lays_it_out():
    rows = modules("tel:+493012345")
    assert len(rows) == len(rows[0]) == 25 - 4
    finder = [rows[0][:7], rows[6][:7], tuple(row[0] for row in rows[:7])]
    assert finder == [(True,) * 7] * 3


@pytest.mark.parametrize("locale", LATIN)
@pytest.mark.parametrize("paper", list(leaflet.Paper))
def test_the_pdf_of_a_western_language_is_one_sheet_of_the_paper_without_any_font(locale, paper):
    pdf = leaflet_pdf.render(page(locale=locale, paper=paper, lines=(CALLED, SERVED)))
    assert re.findall(rb"/Count (\d+)", pdf) == [b"1"]
    (box,) = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert [round(float(side)) for side in box] == ([595, 842] if paper is leaflet.Paper.A4 else [612, 792])


def test_more_numbers_than_a_sheet_has_room_for_are_refused_and_not_drawn_beyond_its_edge():
    lines = tuple(Line(f"+4930123{number:03}", "Example", "DE", "de", 24) for number in range(24))
    with pytest.raises(leaflet_pdf.NoRoomError) as raised:
        leaflet_pdf.render(page(lines=lines))
    assert raised.value.args == (24,)
    assert re.findall(rb"/Count (\d+)", leaflet_pdf.render(page(lines=lines[:4]))) == [b"1"]


def test_the_pdf_of_another_script_needs_a_font_that_has_its_signs(tmp_path):
    with pytest.raises(leaflet_pdf.FontNeededError):
        leaflet_pdf.render(page(locale="ja"))
    (tmp_path / "no.ttf").write_text("no font")
    with pytest.raises(leaflet_pdf.FontUnreadableError):
        leaflet_pdf.render(page(locale="ja"), [tmp_path / "no.ttf"])


def test_each_sign_is_looked_for_in_all_the_fonts_and_then_set_with_them(tmp_path):
    letters, others = tmp_path / "letters.ttf", tmp_path / "others.ttf"
    made = page(locale="ar")
    signs = sorted({sign for sign in "".join(made.texts) if not sign.isspace()} | {" "})
    letters.write_bytes(_font([sign for sign in signs if sign > "\u0600"]))
    with pytest.raises(leaflet_pdf.FontLacksError) as raised:
        leaflet_pdf.render(made, [letters])
    assert set(raised.value.args[0]) == {sign for sign in signs if sign < "\u0600"} - {" "}
    others.write_bytes(_font([chr(code) for code in range(32, 127)]))
    assert re.findall(rb"/Count (\d+)", leaflet_pdf.render(made, [letters, others])) == [b"1"]


def _font(signs):
    """A font in which each of these signs is a box."""
    from io import BytesIO

    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    for place, point in enumerate(((0, 0), (0, 500), (400, 500), (400, 0))):
        pen.lineTo(point) if place else pen.moveTo(point)
    pen.closePath()
    box = pen.glyph()
    names = {ord(sign): f"uni{ord(sign):04X}" for sign in signs}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    builder.setupGlyf(dict.fromkeys([".notdef", *names.values()], box))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names.values()], (500, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": f"Boxes {len(names)}", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    out = BytesIO()
    builder.save(out)
    return out.getvalue()


@pytest.fixture
def run(tmp_path, sqlite_template, monkeypatch):
    """The command, on a line with the README's product."""
    import shutil

    from keys.catalog import Catalogue
    from keys.catalog_loading import load
    from keys.database import Database

    shutil.copy(sqlite_template, tmp_path / "touchtone.db")
    database = Database(f"sqlite:///{tmp_path / 'touchtone.db'}")
    with database.begin() as connection:
        load(connection, Catalogue(products=(FAIRWAY, POCKET)))
    database.close()
    (tmp_path / "lines.toml").write_text(
        '[[line]]\nnumber = "+15550100"\nname = "Example"\ncountry = "US"\ntext_sender = "+15550100"\n'
    )
    settings = {"DATA_DIR": tmp_path, "PUBLIC_URL": "https://line.example"}
    for name, value in settings.items():
        monkeypatch.setenv(f"TOUCHTONE_{name}", str(value))
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "t" * 32)
    return lambda *words: CliRunner().invoke(command, [*words, "--json"])


def test_the_command_writes_a_page_or_a_pdf_on_the_paper_of_the_line_s_country(run, tmp_path):
    for kind, begins in (("html", b"<!doctype html>"), ("pdf", b"%PDF-")):
        done = run("Fairway", "--out", str(tmp_path / f"leaf.{kind}"))
        told = json.loads(done.stdout)
        assert (done.exit_code, told["outcome"], told["paper"], told["locale"]) == (0, "done", "letter", "en-US")
        assert (tmp_path / f"leaf.{kind}").read_bytes().startswith(begins)
    assert "size: letter" in (tmp_path / "leaf.html").read_text()
    run("1", "--out", str(tmp_path / "a4.html"), "--paper", "a4", "--locale", "de")
    assert "size: A4" in (tmp_path / "a4.html").read_text()


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (("Nothing", "--out", "x.html"), "PRODUCT_UNKNOWN"),
        (("Fairway", "--out", "x.doc"), "UNKNOWN_KIND"),
        (("Fairway", "--out", "x.html", "--locale", "xx"), "UNKNOWN_LOCALE"),
        (("Fairway", "--out", "x.html", "--line", "+49"), "UNKNOWN_LINE"),
        (("Fairway", "--out", "x.pdf", "--locale", "ja"), "FONT_NEEDED"),
        (("Fairway", "--out", "no/where/x.html"), "FILE_UNWRITABLE"),
    ],
)
def test_what_cannot_be_printed_is_refused_by_its_code_and_in_one_sentence(run, tmp_path, monkeypatch, words, outcome):
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    told = json.loads(done.stdout)
    assert (done.exit_code, told["outcome"]) == (1, outcome)
    assert told["reason"].endswith(".")
    assert not list(tmp_path.glob("x.*"))


def test_a_machine_s_own_page_has_its_groups_and_its_digits_in_both_codes(tmp_path):
    from webhooks.cli.device import device

    facts = _installed(tmp_path)
    state, out = tmp_path / "machine.json", tmp_path / "screen.html"
    done = CliRunner().invoke(device, ["iid", "--state", str(state), "--page", str(out), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["outcome"]) == (1, "NO_LINE")
    held = json.loads(state.read_text())
    held["build"]["line"] = "+15550100"
    state.write_text(json.dumps(held))
    done = CliRunner().invoke(device, ["iid", "--state", str(state), "--page", str(out), "--locale", "ar"])
    assert done.exit_code == 0, done.output
    html = out.read_text()
    shown = re.findall(r"<code>(\d{6})</code>", html)
    assert " ".join(shown) == facts["installation_id"]
    codes = [ET.fromstring(code) for code in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]
    # A code with an ID in it is far larger than one with a number alone.
    assert [int(code.attrib["viewBox"].split()[2]) > 30 for code in codes] == [True, True]
    assert 'dir="rtl"' in html
    # The code alone may be asked for beside the page.
    both = ["iid", "--state", str(state), "--page", str(out), "--svg", str(tmp_path / "code.svg"), "--json"]
    done = CliRunner().invoke(device, both)
    told = json.loads(done.stdout)
    assert (told["page"], told["link"][:5]) == (str(out), "SMSTO")
    assert (tmp_path / "code.svg").stat().st_size > 500
