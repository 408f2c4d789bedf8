"""`touchtone catalog`: a file goes in whole, and what is wrong with it is said by file, line and field."""

import json

import pytest

from keys import secrets_file
from keys.device.build import ProductBuild

GOOD = """\
[[organisation]]
name = "Nordstern Shipping"

[[agreement]]
number = "NS-1"
organisation = "Nordstern Shipping"
programme = "volume"
starts = 2020-01-01

[[product]]
number = 1
name = "Fairway"
format = "standard"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "catalogue.toml"
    path.write_text(GOOD)
    return path


def test_a_catalogue_is_loaded_and_its_products_get_their_secrets(touchtone, file, tmp_path):
    done = touchtone("catalog", "load", file, "--json")
    assert done.status == 0
    assert done.told["outcome"] == "loaded"
    assert [change["change"] for change in done.told["changes"]] == ["new organisation", "new agreement", "new product"]
    assert done.told["products_without_secrets"] == []
    assert set(secrets_file.load(tmp_path / "data" / "secrets.toml").products) == {1}
    shown = touchtone("catalog", "show", "--json").told
    assert shown["products"][0] == {
        "number": 1,
        "name": "Fairway",
        "format": 1,
        "blocks": 8,
        "term_months": 0,
        "status": "active",
        "dockable": False,
        "channels": [],
        "family": "Fairway",
        "edition": None,
        "release": None,
        "licensing": "volume",
        "retires": None,
        "after_retirement": "refuse",
        "kms_threshold": 5,
        "kms_hosts": 6,
        "kms_reactivations": 9,
        "free_reactivations": 0,
        "most_reactivations": None,
        "returns": 0,
        "releases": 5,
        "period_days": 365,
        "retail_machines": 1,
        "escrow_ahead": False,
    }
    assert shown["agreements"][0]["starts"] == "2020-01-01"
    assert touchtone("catalog", "load", file, "--json").told["changes"] == []


def test_a_dry_run_tells_the_difference_and_stores_nothing(touchtone, file, tmp_path):
    done = touchtone("catalog", "load", file, "--dry-run", "--json")
    assert (done.status, done.told["outcome"], len(done.told["changes"])) == (0, "would_load", 3)
    assert touchtone("catalog", "show", "--json").told["products"] == []
    assert secrets_file.load(tmp_path / "data" / "secrets.toml").products == {}


def test_suites_agreements_and_a_product_whose_day_has_come_are_shown_as_they_stand(touchtone, file):
    more = """
    [[product]]
    number = 9
    name = "Harbour Suite"
    format = "standard"
    retires = 2026-01-01

    [[suite]]
    product = 9
    members = [1]
    """
    file.write_text(GOOD.replace("starts = 2020-01-01", 'starts = 2020-01-01\nlicensing = ["retail"]') + more)
    assert "new suite  9" in touchtone("catalog", "load", file).said
    told = touchtone("catalog", "show", "--json").told
    assert told["suites"] == [{"product": 9, "members": [1]}]
    assert told["agreements"][0]["licensing"] == ["retail"]
    assert [product["status"] for product in told["products"]] == ["active", "retired"]
    assert "Harbour Suite" in touchtone("catalog", "show").said


SUITE = """
[[product]]
number = 9
name = "Harbour Suite"
format = "standard"
returns = 2
[[suite]]
product = 9
members = [1]
"""


def test_a_members_build_has_its_suites_in_it_and_is_refused_without_their_secrets(touchtone, file, tmp_path):
    out = tmp_path / "build.json"
    touchtone("catalog", "load", file)
    root = secrets_file.root_path(tmp_path / "data" / "secrets.toml")
    kept = root.rename(tmp_path / "in the safe")
    file.write_text(GOOD + SUITE)
    touchtone("catalog", "load", file)
    done = touchtone("catalog", "build", "Fairway", "--out", out)
    assert (done.status, "Product 9 has no issuing key" in done.sighed, out.exists()) == (1, True, False)
    kept.rename(root)
    touchtone("catalog", "load", file)
    told = touchtone("catalog", "build", "Fairway", "--out", out, "--json").told
    assert told["in_suites"] == ["Harbour Suite"]
    build = ProductBuild.from_facts(json.loads(out.read_text()))
    secrets = secrets_file.load(tmp_path / "data" / "secrets.toml").products
    assert (build.returns, build.verification_secret) == (False, secrets[1].verification[1])
    assert (build.under(9).returns, build.under(9).verification_secret) == (True, secrets[9].verification[1])
    assert touchtone("catalog", "build", "9", "--out", out, "--json").told["in_suites"] == []


def test_handing_over_ahead_goes_with_escrow_alone(touchtone, file):
    file.write_text(GOOD + "escrow_ahead = true\n")
    refused = touchtone("catalog", "load", file)
    assert f'{file}:14: escrow_ahead: goes with after_retirement = "escrow" alone' in refused.sighed
    file.write_text(GOOD + 'escrow_ahead = true\nafter_retirement = "escrow"\n')
    assert touchtone("catalog", "load", file).status == 0


def test_a_change_is_told_as_old_and_new(touchtone, file):
    touchtone("catalog", "load", file)
    file.write_text(GOOD.replace('"Fairway"', '"Fairway 6"'))
    done = touchtone("catalog", "load", file)
    assert done.status == 0
    assert "Fairway -> Fairway 6" in done.said
    assert "1 change" in done.said
    assert "Fairway 6" in touchtone("catalog", "show").said


def test_what_is_wrong_is_said_by_file_line_and_field(touchtone, file):
    file.write_text(GOOD.replace('"standard"', '"tiny"').replace("number = 1", "number = 99999"))
    done = touchtone("catalog", "load", file)
    assert done.status == 1
    assert f"{file}:11: number: is out of range (allowed: 1 to " in done.sighed
    assert f"{file}:13: format: is not one of the words allowed (allowed: standard, compact, classic)" in done.sighed
    assert touchtone("catalog", "show", "--json").told["organisations"] == []


def test_a_file_that_is_no_toml_or_no_text_is_refused(touchtone, file):
    file.write_text("[[product]\n")
    assert touchtone("catalog", "load", file, "--json").told["outcome"] == "CATALOGUE_WRONG"
    file.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in touchtone("catalog", "load", file).sighed
    assert touchtone("catalog", "load", file.with_name("absent.toml")).status == 2


def test_without_the_issuing_root_the_product_is_loaded_and_the_want_is_said(touchtone, file, tmp_path):
    (tmp_path / "data" / "issuing-root").unlink()
    done = touchtone("catalog", "load", file)
    assert done.status == 0
    assert "Product 1 has no issuing key" in done.said
    refused = touchtone("key", "issue", "--product", "1", "--agreement", "NS-1", "--granted", "1", "--json")
    assert (refused.status, refused.told["outcome"]) == (1, "ISSUING_KEY_MISSING")


def test_the_format_of_a_product_with_keys_stays(touchtone, file):
    touchtone("catalog", "load", file)
    touchtone("key", "issue", "--product", "1", "--agreement", "NS-1", "--granted", "1")
    file.write_text(GOOD.replace("standard", "classic"))
    done = touchtone("catalog", "load", file)
    assert done.status == 1
    assert "its format stays" in done.sighed
