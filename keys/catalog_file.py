r"""Reading a catalogue from TOML.

The rule it keeps: a file is taken whole or not at all, and everything wrong with it is told at once, each by line and
field. A file holds tables of four kinds:

    [[organisation]]
    name = "Nordstern Shipping"

    [[agreement]]
    number = "NS-2026-01"
    organisation = "Nordstern Shipping"
    programme = "volume"            # a word of the publisher's own
    starts = 2026-01-01
    ends = 2028-12-31               # left out: no end
    status = "active"               # or "suspended", "ended"; left out: active
    licensing = ["volume"]          # which copies its volume keys activate; left out: volume ones alone

    [[product]]
    number = 1
    name = "Fairway"
    format = "standard"             # or "compact", "classic"
    blocks = 8                      # of a confirmation ID, 8 or 5; left out: as the format has it
    term_months = 0                 # how long an activation is good for; left out or 0: for ever
    status = "active"               # or "retired"; left out: active
    dockable = false                # left out: false
    channels = ["phone", "text"]    # left out: every channel
    family = "Fairway"              # what a KMS host key activates; left out: the product's name
    edition = "Professional"        # a word of the publisher's own, as is the release; left out: none
    release = "6"
    licensing = "volume"            # or "retail", "preinstalled"; left out: volume
    retires = 2031-12-31            # retired from that day on; left out: until its status says so
    after_retirement = "refuse"     # or "approve", "escrow"; left out: refuse
    kms_threshold = 5               # clients a KMS host waits for
    kms_hosts = 6                   # hosts that one KMS host key activates,
    kms_reactivations = 9           # and how often each of them again
    free_reactivations = 0          # of one machine within the period, for nothing
    most_reactivations = 12         # of one machine within the period, in all; left out: no bound
    returns = 0                     # of one key within the period; a compact product has none
    releases = 5                    # of lost and dead machines of one key within the period
    period_days = 365
    retail_machines = 1             # that one retail key activates
    escrow_ahead = false            # with after_retirement = "escrow": handed to a trustee before it is retired

    [[suite]]
    product = 9                     # the product whose keys these are; what they activate:
    members = [1, 3]

>>> read('[[product]]\nnumber = 1\nname = "Fairway"\nformat = "standard"\n').products[0].blocks
8
>>> try:
...     read('[[product]]\nnumber = 1024\nname = "Sounder"\nformat = "compact"\n')
... except CatalogueFileError as error:
...     error.problems
(Problem(line=2, field='number', fault=<Fault.OUT_OF_RANGE: 'out_of_range'>, allowed='1 to 1023'),)
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import fields
from datetime import date
from typing import Any

from keys.catalog import CHANNELS, Agreement, AgreementStatus, Catalogue, Organisation
from keys.catalog_places import CatalogueFileError, Fault, Place, Problem, line_of, lines_of
from keys.formats import BLOCK_COUNTS, FORMATS, Format
from keys.products import AfterRetirement, Licensing, Product, ProductStatus, Suite

__all__ = ["CatalogueFileError", "Fault", "Problem", "read"]

MOST_TERM_MONTHS = 600
MOST_PERIOD_DAYS = 3660
MOST_OF_A_COUNT = 1_000_000
"""Of whatever a product allows in a period."""
_MOST_PRODUCTS = max(fmt.products for fmt in FORMATS.values()) - 1
_FORMAT_BY_NAME = {fmt.name: fmt for fmt in FORMATS.values()}


def read(text: str) -> Catalogue:
    """The catalogue that a TOML text states. Raises CatalogueFileError with everything that is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        last = text.count("\n") + 1
        raise CatalogueFileError((Problem(int(found[1]) if found else last, None, Fault.SYNTAX),)) from error
    problems: list[Problem] = []
    where = lines_of(text)
    for name in tables:
        if name not in _READ_BY:
            line = where.get((name, 0), {}).get("", line_of(text, name))
            problems.append(Problem(line, name, Fault.UNKNOWN_TABLE, ", ".join(_READ_BY)))
    items: dict[str, list[tuple[Any, Place]]] = {}
    for name, reader in _READ_BY.items():
        listed = tables.get(name, [])
        if not isinstance(listed, list) or not all(isinstance(facts, dict) for facts in listed):
            problems.append(Problem(line_of(text, name), name, Fault.WRONG_TYPE, f"[[{name}]]"))
            listed = []
        items[name] = []
        for index, facts in enumerate(listed):
            lines = where.get((name, index), {})
            place = Place(facts, lines.get("", line_of(text, name)), lines, problems)
            items[name].append((reader(place), place))
    _cross_check(items)
    if problems:
        raise CatalogueFileError(tuple(sorted(problems, key=lambda problem: problem.line)))
    return Catalogue(*(tuple(item for item, _ in items[name]) for name in _READ_BY))


def _organisation(place: Place) -> Organisation:
    place.known("name")
    return Organisation(place.text("name"))


def _agreement(place: Place) -> Agreement:
    place.known("number", "organisation", "programme", "starts", "ends", "status", "licensing")
    starts = place.take("starts", date, date.min, required=True)
    ends = place.take("ends", date, None)
    if ends is not None and ends < starts:
        place.wrong("ends", Fault.ENDS_BEFORE_START)
    return Agreement(
        place.text("number"),
        place.text("organisation"),
        place.text("programme"),
        starts,
        ends,
        AgreementStatus(place.word("status", tuple(AgreementStatus), "active")),
        tuple(map(Licensing, place.words("licensing", tuple(Licensing), ("volume",)))),
    )


def _product(place: Place) -> Product:
    place.known(*(part.name for part in fields(Product)))
    fmt: Format = _FORMAT_BY_NAME[place.word("format", tuple(_FORMAT_BY_NAME))]
    blocks = place.take("blocks", int, fmt.blocks)
    if blocks not in BLOCK_COUNTS:
        place.wrong("blocks", Fault.NOT_ONE_OF, " or ".join(map(str, BLOCK_COUNTS)))
    after = AfterRetirement(place.word("after_retirement", tuple(AfterRetirement), "refuse"))
    ahead = place.take("escrow_ahead", bool, False)
    if ahead and after is not AfterRetirement.ESCROW:
        place.wrong("escrow_ahead", Fault.WITHOUT_ESCROW)
    return Product(
        # The number has to fit the format's field: 10 bits in a compact IID.
        number=place.number("number", 1, (1 << fmt.product_bits) - 1),
        name=place.text("name"),
        format=fmt.number,
        blocks=blocks,
        term_months=place.number("term_months", 0, MOST_TERM_MONTHS, 0),
        status=ProductStatus(place.word("status", tuple(ProductStatus), "active")),
        dockable=place.take("dockable", bool, False),
        channels=place.words("channels", CHANNELS),
        family=place.text("family", ""),
        edition=place.text("edition", "") or None,
        release=place.text("release", "") or None,
        licensing=Licensing(place.word("licensing", tuple(Licensing), "volume")),
        retires=place.take("retires", date, None),
        after_retirement=after,
        escrow_ahead=ahead,
        **_counts(place, fmt),
    )


def _counts(place: Place, fmt: Format) -> dict[str, Any]:
    """What the product allows of this and that; where the file says nothing, as `Product` has it."""
    lowest = dict.fromkeys(("kms_reactivations", "free_reactivations", "returns", "releases"), 0)
    lowest |= dict.fromkeys(("kms_threshold", "kms_hosts", "most_reactivations", "period_days", "retail_machines"), 1)
    found = {}
    for name, low in lowest.items():
        if place.has(name):
            high = MOST_PERIOD_DAYS if name == "period_days" else MOST_OF_A_COUNT
            found[name] = place.number(name, low, high)
    if found.get("returns") and not fmt.returns:
        place.wrong("returns", Fault.NOT_IN_FORMAT, "0")
    most = found.get("most_reactivations")
    if most is not None and most < found.get("free_reactivations", 0):
        place.wrong("most_reactivations", Fault.OUT_OF_RANGE, "no fewer than are free")
    return found


def _suite(place: Place) -> Suite:
    place.known("product", "members")
    return Suite(place.number("product", 1, _MOST_PRODUCTS), place.numbers("members"))


_READ_BY: dict[str, Callable[[Place], Any]] = {
    "organisation": _organisation,
    "agreement": _agreement,
    "product": _product,
    "suite": _suite,
}

_NAMES = (
    ("organisation", "name"),
    ("agreement", "number"),
    ("product", "number"),
    ("product", "name"),
    ("suite", "product"),
)
"""Fields that no two tables of a kind may share."""


def _cross_check(items: dict[str, list[tuple[Any, Place]]]) -> None:
    for name, field in _NAMES:
        seen = set()
        for item, place in items[name]:
            value = getattr(item, field)
            if value in seen:
                place.wrong(field, Fault.DUPLICATE)
            seen.add(value)
    named = {item.name for item, _ in items["organisation"]}
    for item, place in items["agreement"]:
        if item.organisation and item.organisation not in named:
            place.wrong("organisation", Fault.UNKNOWN_ORGANISATION)
    products = {item.number: item for item, _ in items["product"]}
    suites = {item.product for item, _ in items["suite"]}
    for suite, place in items["suite"]:
        _check_suite(suite, place, products, suites)


def _check_suite(suite: Suite, place: Place, products: dict[int, Product], suites: set[int]) -> None:
    for field, numbers in (("product", {suite.product}), ("members", set(suite.members))):
        if not numbers <= products.keys():
            place.wrong(field, Fault.UNKNOWN_PRODUCT, ", ".join(map(str, sorted(products))))
    if not suites.isdisjoint(suite.members):
        place.wrong("members", Fault.SUITE_IN_SUITE, ", ".join(map(str, sorted(products.keys() - suites))))
    of_suite = products.get(suite.product)
    if of_suite is not None and any(
        member in products and products[member].licensing is not of_suite.licensing for member in suite.members
    ):
        place.wrong("members", Fault.OTHER_LICENSING, of_suite.licensing)
