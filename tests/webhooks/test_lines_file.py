"""The file of lines: each fault is one sentence that names the file, the line and the field."""

from importlib import resources

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.lines import Line
from tests.conftest import CATALOGUES
from webhooks.lines_file import Catalogues, read_lines
from webhooks.settings import SettingError

SOUND = {
    "number": '"+15550100"',
    "name": '"Nordstern"',
    "country": '"US"',
    "locale": '"en-US"',
    "call_back_hours": "24",
}


def table(**changed):
    fields = {name: value for name, value in {**SOUND, **changed}.items() if value is not None}
    return "[[line]]\n" + "".join(f"{name} = {value}\n" for name, value in fields.items())


@pytest.fixture
def lines(tmp_path):
    file = tmp_path / "lines.toml"

    def read(content):
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_lines(file, CATALOGUES)

    read.file = file
    return read


def refused(lines, content):
    with pytest.raises(SettingError) as error:
        lines(content)
    said = str(error.value)
    assert str(lines.file) in said
    assert said.endswith(".")
    return said


def test_a_line_needs_number_name_and_country_and_the_rest_has_defaults(lines):
    found = lines(table(locale=None, call_back_hours=None))
    assert found.all == (Line("+15550100", "Nordstern", "US", "en-US", 24),)


def test_a_line_says_from_how_many_points_on_a_person_looks_first_and_a_key_is_blocked(lines):
    (found,) = lines(table(held_at="40", blocked_at="100")).all
    assert (found.held_at, found.blocked_at) == (40, 100)
    (found,) = lines(table()).all
    assert (found.held_at, found.blocked_at) == (None, None)


def test_a_line_listens_for_words_where_it_is_told_to(lines):
    assert [line.speech for line in lines(table(speech="true")).all] == [True]
    assert [line.speech for line in lines(table()).all] == [False]
    assert "speech is missing or is not true or false" in refused(lines, table(speech="1"))


def test_the_dialled_number_finds_its_line_and_any_other_the_first(lines):
    found = lines(table() + table(number='"+493012345"', country='"DE"', name='"Zweite"', call_back_hours="4"))
    assert found.dialled("+493012345").name == "Zweite"
    assert found.dialled("+15550100").name == "Nordstern"
    assert found.dialled("sip:line@example").name == "Nordstern"


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(
        SettingError, match=r"lines\.toml cannot be read \(No such file or directory\); see `touchtone init`"
    ):
        read_lines(tmp_path / "lines.toml", CATALOGUES)


@pytest.mark.parametrize("content", ["[[line", "number = ", b"\xff\xfe", table() + "name = 'twice'"])
def test_what_is_no_toml_is_said(lines, content):
    assert "is no valid TOML" in refused(lines, content)


@pytest.mark.parametrize(
    "content", ["", "# nothing\n", "line = []", "line = 5", "[line]\n", "[[lines]]\nnumber = '+1'"]
)
def test_a_file_without_a_line_is_said(lines, content):
    assert "has no [[line]]" in refused(lines, content)


FAULTS = {
    "number": [None, "15550100", '"15550100"', '"+"', '"+1 555"', '"+1555x"',
               '"+\u0661\u0662\u0663\u0664\u0665\u0666\u0667"',
               '"+\u00b2\u00b2\u00b2\u00b2\u00b2\u00b2\u00b2"', '""', "true", '"+12"', '"+1234567890123456"',
               '"+015550100"'],
    "name": [None, "5", "[]", '""', '"   "', '"a\\u0007b"', '"a\\nb"', '"\\uFFFF"', f'"{"x" * 101}"'],
    "country": [None, '"us"', '"USA"', '"XX"', '""', "1"],
    "locale": ["5", '"en"', '"xx-XX"', '""'],
    "locales": ['"de"', "[5]", '["xx-XX"]', '[["en-US"]]', '[""]'],
    "call_back_hours": ['"24"', "0", "-1", "169", "1.5", "true", "2026-01-01"],
    "held_at": ["-1", "1001", '"40"', "true", "4.5"],
    "blocked_at": ["-1", "1001", '"40"', "true", "4.5"],
}  # fmt: skip


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in FAULTS.items() for value in values])
def test_every_fault_names_the_second_line_and_its_field(lines, field, value):
    said = refused(lines, table() + table(**{"number": '"+15550101"', field: value}))
    assert said.startswith(f"{lines.file}, line 2: {field} ")


def test_a_field_nobody_knows_is_named(lines):
    assert refused(lines, table(hours="24")) == f"{lines.file}, line 1: unknown field hours."


def test_what_is_no_table_is_said(lines):
    assert refused(lines, "line = [5]") == f"{lines.file}, line 1: expected a table."


def test_two_lines_of_one_number_are_refused(lines):
    assert refused(lines, table() + table()) == f"{lines.file}: two lines have the same number."


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.text(max_size=200),
        st.binary(max_size=100),
        st.builds(lambda value: table(name=value), st.text(max_size=20)),
    )
)
def test_nothing_in_the_file_brings_anything_but_lines_or_a_sentence(lines, content):
    said = None
    try:
        lines(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    except SettingError as error:
        said = str(error)
    assert said is None or str(lines.file) in said


def test_a_catalogue_of_no_line_is_not_read_and_one_of_a_line_stops_the_start_where_it_cannot_be(tmp_path):
    broken = tmp_path / "de.po"
    broken.write_text('msgid "never ended\n')
    english = resources.files("prompts") / "en-US.po"
    catalogues = Catalogues({"de": broken, "en-US": english})
    assert (list(catalogues), len(catalogues), "de" in catalogues, "fr" in catalogues) == (
        ["de", "en-US"],
        2,
        True,
        False,
    )
    file = tmp_path / "lines.toml"
    file.write_text(table())
    assert read_lines(file, catalogues).all[0].locale == "en-US"
    assert catalogues["en-US"] is catalogues["en-US"]
    file.write_text(table(locales='["en-US", "de"]'))
    with pytest.raises(SettingError, match=r"^The catalogue prompts/de\.po cannot be read: missing msgstr"):
        read_lines(file, catalogues)
