"""Reading a catalogue file: whole, or not at all with every fault by line and field."""

from datetime import date

import pytest

from keys.catalog import Agreement, AgreementStatus, Catalogue, Organisation, Product, ProductStatus
from keys.catalog_file import CatalogueFileError, Fault, read

GOOD = """\
# who we sell to
[[organisation]]
name = "Nordstern Shipping"

[[agreement]]
number = "NS-1"
organisation = "Nordstern Shipping"
programme = "volume"
starts = 2026-01-01
ends = 2028-12-31

[[agreement]]
number = "NS-0"
organisation = "Nordstern Shipping"
programme = "trial"
starts = 2025-01-01
status = "ended"

[[product]]
number = 1
name = "Fairway"
format = "standard"

[[product]]
number = 3
name = "Sounder"
format = "compact"
blocks = 8
term_months = 12
status = "retired"
dockable = true
channels = ["text", "phone"]
"""


def faults(text):
    with pytest.raises(CatalogueFileError) as refused:
        read(text)
    return [(problem.line, problem.field, problem.fault) for problem in refused.value.problems]


def test_a_file_is_read_with_its_defaults():
    assert read(GOOD) == Catalogue(
        (Organisation("Nordstern Shipping"),),
        (
            Agreement("NS-1", "Nordstern Shipping", "volume", date(2026, 1, 1), date(2028, 12, 31)),
            Agreement("NS-0", "Nordstern Shipping", "trial", date(2025, 1, 1), None, AgreementStatus.ENDED),
        ),
        (
            Product(1, "Fairway", 1, 8),
            Product(3, "Sounder", 3, 8, 12, ProductStatus.RETIRED, dockable=True, channels=("phone", "text")),
        ),
    )


def test_an_empty_file_is_an_empty_catalogue():
    assert read("") == Catalogue()


@pytest.mark.parametrize(
    ("change", "to", "fault"),
    [
        ('number = 1\nname = "Fairway"', 'number = 16384\nname = "Fairway"', (20, "number", Fault.OUT_OF_RANGE)),
        ("number = 1\n", "number = 0\n", (20, "number", Fault.OUT_OF_RANGE)),
        ("number = 1\n", "number = true\n", (20, "number", Fault.WRONG_TYPE)),
        ("number = 3\n", "number = 1024\n", (25, "number", Fault.OUT_OF_RANGE)),
        ("number = 3\n", "number = 1\n", (25, "number", Fault.DUPLICATE)),
        ('name = "Sounder"', 'name = "Fairway"', (26, "name", Fault.DUPLICATE)),
        ('name = "Sounder"', "", (24, "name", Fault.MISSING)),
        ('name = "Sounder"', 'name = "  "', (26, "name", Fault.MISSING)),
        ('format = "compact"', 'format = "tiny"', (27, "format", Fault.NOT_ONE_OF)),
        ('format = "compact"', "format = 3", (27, "format", Fault.WRONG_TYPE)),
        ("blocks = 8", "blocks = 6", (28, "blocks", Fault.NOT_ONE_OF)),
        ("term_months = 12", "term_months = -1", (29, "term_months", Fault.OUT_OF_RANGE)),
        ("term_months = 12", "term_months = 601", (29, "term_months", Fault.OUT_OF_RANGE)),
        ('status = "retired"', 'status = "gone"', (30, "status", Fault.NOT_ONE_OF)),
        ("dockable = true", 'dockable = "yes"', (31, "dockable", Fault.WRONG_TYPE)),
        ('["text", "phone"]', '["fax"]', (32, "channels", Fault.NOT_ONE_OF)),
        ('["text", "phone"]', '"phone"', (32, "channels", Fault.WRONG_TYPE)),
        ("blocks = 8", "colour = 8", (28, "colour", Fault.UNKNOWN_FIELD)),
        ("ends = 2028-12-31", "ends = 2025-12-31", (10, "ends", Fault.ENDS_BEFORE_START)),
        ("ends = 2028-12-31", "ends = 2028-12-31T00:00:00Z", (10, "ends", Fault.WRONG_TYPE)),
        ("starts = 2026-01-01\n", "", (5, "starts", Fault.MISSING)),
        ('number = "NS-0"', 'number = "NS-1"', (13, "number", Fault.DUPLICATE)),
        ('Shipping"\nprogramme = "tr', 'Co"\nprogramme = "tr', (14, "organisation", Fault.UNKNOWN_ORGANISATION)),
        ("[[organisation]]", "[[organization]]\n[[organisation]]", (2, "organization", Fault.UNKNOWN_TABLE)),
        ("format = \"compact\"", "format = compact", (27, None, Fault.SYNTAX)),
        ("# who we sell to", "product = 3", (1, "product", Fault.WRONG_TYPE)),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_each_fault_is_told_by_line_and_field(change, to, fault):
    assert change in GOOD
    text = GOOD.replace(change, to, 1)
    if fault[1] == "product":
        text = text[: text.index("[[product]]")]
    assert fault in faults(text)


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_lines():
    text = GOOD.replace("blocks = 8", "blocks = 6").replace("starts = 2025-01-01", "").replace('"standard"', '"other"')
    assert faults(text) == [
        (12, "starts", Fault.MISSING),
        (22, "format", Fault.NOT_ONE_OF),
        (28, "blocks", Fault.NOT_ONE_OF),
    ]
