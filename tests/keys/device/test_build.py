"""A build survives its file, shows no secret, and refuses what no device could work with."""

import json
from dataclasses import replace

import pytest

from keys.device.build import InvalidBuild, ProductBuild

BUILD = ProductBuild(
    7, "Harbour Pilot", 1, 2, bytes(range(32)), 8, dockable=True, line="+15550100", earlier={1: bytes(32)}
)


def test_a_build_survives_its_file():
    assert ProductBuild.from_facts(json.loads(json.dumps(BUILD.to_facts()))) == BUILD


def test_a_build_shows_no_secret():
    assert bytes(range(32)).hex() not in repr(BUILD)
    assert repr(bytes(32)) not in repr(BUILD)


def test_the_plainest_build_needs_no_line_and_no_earlier_secrets():
    facts = {name: value for name, value in BUILD.to_facts().items() if name not in ("line", "earlier", "dockable")}
    build = ProductBuild.from_facts(facts)
    assert (build.line, build.dockable, dict(build.secrets)) == (None, False, {2: bytes(range(32))})


SUITE = ProductBuild(9, "Bridge", 3, 1, bytes(range(1, 33)), 5)


def test_a_build_with_returns_and_suites_survives_its_file_and_shows_no_secret_of_theirs():
    build = replace(BUILD, returns=True, licensing="retail", suites=(SUITE,))
    assert ProductBuild.from_facts(json.loads(json.dumps(build.to_facts()))) == build
    assert repr(SUITE.verification_secret) not in repr(build)


def test_a_build_knows_under_which_build_a_number_stands_and_the_bits_a_nonce_needs():
    member = replace(BUILD, format=3, blocks=5, product=77, suites=(replace(SUITE, format=1),))
    assert member.under(77) is member
    assert member.under(9).name == "Bridge"
    assert member.under(8) is None
    assert (replace(member, suites=()).nonce_bits, member.nonce_bits) == (8, 16)


@pytest.mark.parametrize(
    "suites", [(SUITE, SUITE), (replace(SUITE, product=7),), (replace(SUITE, suites=(replace(SUITE, product=8),)),)]
)
def test_suites_have_numbers_of_their_own_and_stand_in_none(suites):
    with pytest.raises(InvalidBuild, match="suites"):
        replace(BUILD, suites=suites)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("licensing", "free"),
        ("licensing", None),
        ("suites", {}),
        ("suites", ["no"]),
        ("product", 16_384),
        ("product", "7"),
        ("product", True),
        ("name", None),
        ("format", 2),
        ("blocks", 6),
        ("verification_secret", "xyz"),
        ("verification_secret", ""),
        ("line", 15550100),
        ("earlier", [1]),
        ("earlier", {"one": "00"}),
    ],
)
def test_an_impossible_build_names_its_field(field, value):
    with pytest.raises(InvalidBuild) as caught:
        ProductBuild.from_facts(BUILD.to_facts() | {field: value})
    assert caught.value.field == field


@pytest.mark.parametrize("field", ["product", "name", "format", "generation", "verification_secret", "blocks"])
def test_a_build_that_lacks_a_field_names_it(field):
    facts = BUILD.to_facts()
    del facts[field]
    with pytest.raises(InvalidBuild) as caught:
        ProductBuild.from_facts(facts)
    assert caught.value.field == field
