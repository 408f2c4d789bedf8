"""Reading a catalogue file: whole, or not at all with every fault by line and field."""

from datetime import date

import pytest

from keys.catalog import Agreement, AgreementStatus, Catalogue, Organisation
from keys.catalog_file import CatalogueFileError, Fault, read
from keys.products import AfterRetirement, Licensing, Product, ProductStatus, Suite

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

[[product]]
number = 9
name = "Harbour Suite"
format = "standard"
family = "Harbour"
edition = "Professional"
release = "6"
retires = 2031-12-31
after_retirement = "approve"
kms_threshold = 25
free_reactivations = 1
most_reactivations = 4
returns = 2
period_days = 90

[[suite]]
product = 9
members = [3, 1]
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
            Product(
                9,
                "Harbour Suite",
                1,
                8,
                family="Harbour",
                edition="Professional",
                release="6",
                retires=date(2031, 12, 31),
                after_retirement=AfterRetirement.APPROVE,
                kms_threshold=25,
                free_reactivations=1,
                most_reactivations=4,
                returns=2,
                period_days=90,
            ),
        ),
        (Suite(9, (1, 3)),),
    )


def test_what_a_file_leaves_out_is_as_a_product_has_it():
    assert read(GOOD).products[0] == Product(1, "Fairway", 1, 8)
    assert read(GOOD).products[0].family == "Fairway"
    assert read(GOOD).agreements[0].licensing == (Licensing.VOLUME,)


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
        ("returns = 2", "returns = -1", (46, "returns", Fault.OUT_OF_RANGE)),
        ("term_months = 12", "returns = 1", (29, "returns", Fault.NOT_IN_FORMAT)),
        ("most_reactivations = 4", "most_reactivations = 0", (45, "most_reactivations", Fault.OUT_OF_RANGE)),
        ("free_reactivations = 1", "free_reactivations = 5", (45, "most_reactivations", Fault.OUT_OF_RANGE)),
        ("period_days = 90", "period_days = 0", (47, "period_days", Fault.OUT_OF_RANGE)),
        ("retires = 2031-12-31", 'retires = "soon"', (41, "retires", Fault.WRONG_TYPE)),
        ('"approve"', '"perhaps"', (42, "after_retirement", Fault.NOT_ONE_OF)),
        ("kms_threshold = 25", "kms_threshold = 0", (43, "kms_threshold", Fault.OUT_OF_RANGE)),
        ('release = "6"', "release = 6", (40, "release", Fault.WRONG_TYPE)),
        ('release = "6"', 'licensing = "stolen"', (40, "licensing", Fault.NOT_ONE_OF)),
        ('release = "6"', 'licensing = "retail"', (51, "members", Fault.OTHER_LICENSING)),
        ('status = "ended"', 'licensing = ["stolen"]', (17, "licensing", Fault.NOT_ONE_OF)),
        ("product = 9", "product = 8", (50, "product", Fault.UNKNOWN_PRODUCT)),
        ("[3, 1]", "[3, 2]", (51, "members", Fault.UNKNOWN_PRODUCT)),
        ("[3, 1]", "[3, 9]", (51, "members", Fault.SUITE_IN_SUITE)),
        ("[3, 1]", "[3, 3]", (51, "members", Fault.DUPLICATE)),
        ("[3, 1]", '[3, "1"]', (51, "members", Fault.WRONG_TYPE)),
        ("[3, 1]", "[]", (51, "members", Fault.MISSING)),
        ("[3, 1]", "3", (51, "members", Fault.WRONG_TYPE)),
        ("[3, 1]\n", "[3, 1]\n[[suite]]\nproduct = 9\nmembers = [1]\n", (53, "product", Fault.DUPLICATE)),
        ("# who we sell to", "product = 3", (1, "product", Fault.WRONG_TYPE)),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_each_fault_is_told_by_line_and_field(change, to, fault):
    assert change in GOOD
    text = GOOD.replace(change, to, 1)
    if fault == (1, "product", Fault.WRONG_TYPE):
        text = text[: text.index("[[product]]")]
    assert fault in faults(text)


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_lines():
    text = (
        GOOD.replace("blocks = 8", "blocks = 6").replace("starts = 2025-01-01", "").replace('"standard"', '"other"', 1)
    )
    assert faults(text) == [
        (12, "starts", Fault.MISSING),
        (22, "format", Fault.NOT_ONE_OF),
        (28, "blocks", Fault.NOT_ONE_OF),
    ]
