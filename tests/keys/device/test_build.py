"""A build survives its file, shows no secret, and refuses what no device could work with."""

import json

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


@pytest.mark.parametrize(
    ("field", "value"),
    [
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
