"""Loading a catalogue: adds, changes, never takes away; the same again does nothing."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from keys import catalog, catalog_loading
from keys.catalog import Agreement, AgreementStatus, Catalogue, Organisation
from keys.catalog_loading import Difference, FormatFixedError
from keys.products import AfterRetirement, Licensing, Product, ProductStatus, Suite, find_product, products


def loaded(database, catalogue):
    with database.begin() as connection:
        return catalog_loading.load(connection, catalogue)


def current(database):
    with database.read() as connection:
        return catalog.current(connection)


def test_what_was_loaded_is_what_is_there(database):
    whole = Catalogue(
        (Organisation("Acme"), Organisation("Zebra")),
        (
            Agreement("A-1", "Zebra", "volume", date(2026, 1, 1), None, AgreementStatus.SUSPENDED),
            Agreement(
                "A-2",
                "Acme",
                "site",
                date(2026, 1, 1),
                date(2026, 12, 31),
                licensing=(Licensing.VOLUME, Licensing.PREINSTALLED),
            ),
        ),
        (
            Product(3, "Sounder", 3, 5, 12, ProductStatus.RETIRED, dockable=True, channels=("phone", "operator")),
            Product(4, "Chart", 1, 8, licensing=Licensing.VOLUME, family="Charts", edition="Home", release="2"),
            Product(5, "Desk", 1, 8, retires=date(2031, 1, 1), after_retirement=AfterRetirement.ESCROW, returns=3),
            Product(6, "Desk and Chart", 1, 8, most_reactivations=4, free_reactivations=1, period_days=90),
        ),
        (Suite(6, (4, 5)),),
    )
    assert all(difference.added for difference in loaded(database, whole))
    assert current(database) == whole


def test_loading_again_does_nothing(database, catalogue):
    assert loaded(database, catalogue) == ()


def test_only_what_differs_is_changed_and_told(database, catalogue):
    first, *others = catalogue.products
    renamed = replace(first, name="Fairway 6", channels=("text",))
    assert loaded(database, replace(catalogue, products=(renamed, *others))) == (
        Difference(renamed, {"name": ("Fairway", "Fairway 6"), "channels": ((), ("text",))}),
    )
    assert current(database).products[0] == renamed


def test_what_the_file_leaves_out_stays(database, catalogue):
    assert loaded(database, Catalogue()) == ()
    assert current(database) == catalogue


def test_a_suite_is_told_and_stored_as_one_thing_and_becomes_what_the_file_says(database, catalogue):
    suite = Product(9, "Suite", 1, 8)
    whole = replace(catalogue, products=(*catalogue.products, suite), suites=(Suite(9, (1, 3)),))
    assert loaded(database, whole) == (Difference(suite), Difference(Suite(9, (1, 3))))
    other = replace(whole, suites=(Suite(9, (1, 7)),))
    assert loaded(database, other) == (Difference(Suite(9, (1, 7)), {"members": ((1, 3), (1, 7))}),)
    assert current(database).suites == (Suite(9, (1, 7)),)
    assert loaded(database, other) == ()


@pytest.mark.parametrize(
    ("status", "retires", "day", "stands"),
    [
        ("active", None, date(2031, 1, 1), "active"),
        ("active", date(2031, 1, 1), date(2030, 12, 31), "active"),
        ("active", date(2031, 1, 1), date(2031, 1, 1), "retired"),
        ("retired", date(2031, 1, 1), date(2026, 1, 1), "retired"),
    ],
)
def test_a_product_retires_by_itself_on_its_day(status, retires, day, stands):
    product = Product(1, "Fairway", 1, 8, status=ProductStatus(status), retires=retires)
    assert product.status_on(day) == stands


def test_an_agreement_that_ends_keeps_its_number(database, catalogue):
    agreement = replace(catalogue.agreements[0], status=AgreementStatus.ENDED)
    loaded(database, replace(catalogue, agreements=(agreement,)))
    assert current(database).agreements == (agreement,)


def test_differences_alone_store_nothing(database, catalogue):
    wanted = replace(catalogue, organisations=(*catalogue.organisations, Organisation("Later")))
    with database.read() as connection:
        assert catalog_loading.differences(connection, wanted) == (Difference(Organisation("Later")),)
    assert current(database) == catalogue


def test_the_format_of_a_product_is_fixed_once_keys_are_issued(database, catalogue, mak):
    first, *others = catalogue.products
    changed = replace(catalogue, products=(replace(first, format=7), *others))
    with pytest.raises(FormatFixedError) as refused:
        loaded(database, changed)
    assert (refused.value.product, refused.value.format) == (mak.key.product, 1)
    assert current(database) == catalogue


def test_serials_go_on_counting_after_a_reload(database, catalogue, issue_key):
    assert issue_key().key.serial == 1
    loaded(database, replace(catalogue, products=(replace(catalogue.products[0], term_months=3),)))
    assert issue_key().key.serial == 2
    with database.read() as connection:
        assert connection.execute(select(products.c.next_serial).order_by("number")).scalars().all() == [
            3,
            1,
            1,
        ]


@pytest.mark.parametrize("named", [1, "1", "Fairway"])
def test_a_product_is_found_by_number_and_by_name(database, catalogue, named):
    with database.read() as connection:
        assert find_product(connection, named) == catalogue.products[0]
        assert find_product(connection, "Lighthouse") is None


@pytest.mark.parametrize(
    ("status", "day", "active"),
    [
        ("active", date(2026, 1, 1), True),
        ("active", date(2026, 12, 31), True),
        ("active", date(2025, 12, 31), False),
        ("active", date(2027, 1, 1), False),
        ("suspended", date(2026, 6, 1), False),
        ("ended", date(2026, 6, 1), False),
    ],
)
def test_an_agreement_is_active_from_its_first_day_to_its_last(status, day, active):
    agreement = Agreement("A", "O", "volume", date(2026, 1, 1), date(2026, 12, 31), AgreementStatus(status))
    assert agreement.is_active(day) is active


def test_what_is_built_into_a_product_holds_its_secrets_but_never_the_issuing_key(catalogue, secrets):
    build = catalog.product_build(catalogue.products[1], secrets, line="+15550100")
    assert (build.generation, build.verification_secret) == (2, secrets.products[3].verification[2])
    assert build.earlier == {1: secrets.products[3].verification[1]}
    assert (build.format, build.blocks, build.line) == (3, 5, "+15550100")
    assert secrets.products[3].issuing_key.hex() not in str(build.to_facts())
