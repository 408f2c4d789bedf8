"""The page of statistics: tables, charts, the file, and who may see them."""

import csv
import io
import re
import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest

from ivr import statistics
from ivr.operators import Role
from ivr.statistics import Cell
from webhooks.desk.statistics_page import HEIGHT

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def supervisor(desk_client):
    return desk_client(Role.SUPERVISOR, name="Sofia Lind")


@pytest.fixture
def counted(database, clock, catalogue):
    """Two weeks of counts, a fortnight ago."""
    assert catalogue
    day = clock.now.date() - timedelta(days=14)
    regions = {"DE": 40, "FR": 12, "US": 2, "unknown": 7}
    with database.begin() as connection:
        for week in (0, 1):
            cells = {Cell(1, "phone", region, "activated"): many + week for region, many in regions.items()}
            statistics.keep(connection, day + timedelta(weeks=week - 1), {**cells, Cell(1, "phone", "DE", "again"): 3})


def words(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.usefixtures("counted")
def test_the_tables_hide_what_is_small_and_say_so(supervisor):
    page = supervisor.get("/desk/statistics").text
    said = words(page.partition('id="by-region"')[2].partition("</section>")[0])
    assert "US 0 0 0 0 0 0 0 0 0 0 \u2013 hidden \u2013 hidden 0" in said
    assert "Total 0 0 0 0 0 0 0 0 0 0 61 65 0" in said
    assert said.count("hidden") >= 4, "the small one and one large one, in both weeks"
    assert "Counts under 5 are hidden" in words(page)
    assert "activated before, told again" in words(page)


@pytest.mark.usefixtures("counted")
def test_each_chart_has_a_title_a_description_and_a_table_with_the_same_counts(supervisor):
    page = supervisor.get("/desk/statistics").text
    charts = re.findall(r'<svg class="chart stacked".*?</svg>', page, re.DOTALL)
    assert len(charts) == 3
    for chart in charts:
        tree = ET.fromstring(chart)
        named = tree.get("aria-labelledby").split()
        assert [tree.find(f"*[@id='{name}']").text is not None for name in named] == [True, True]
        assert tree.get("role") == "img"
        drawn = tree.findall("rect")
        assert drawn
        for rect in drawn:
            top, height = float(rect.get("y")), float(rect.get("height"))
            assert 0 <= top <= top + height <= HEIGHT + 0.5
    assert 'class="hidden"' in charts[2], "what is hidden is drawn as one piece"
    main = page.partition('<main id="main"')[2].partition("</main>")[0]
    assert main.count("<table") == main.count("<caption") == 4


@pytest.mark.usefixtures("counted")
def test_the_file_has_a_row_a_name_and_week_and_hidden_counts_are_empty(supervisor):
    answer = supervisor.get("/desk/statistics.csv")
    assert answer.content_type.startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    small = [row for row in rows if (row["by"], row["name"]) == ("region", "US") and row["hidden"] == "yes"]
    assert [row["count"] for row in small] == ["", ""]
    totals = [row["count"] for row in rows if (row["by"], row["name"]) == ("channel", "total")]
    assert totals[-3:] == ["61", "65", "0"]
    assert {row["name"] for row in rows if row["by"] == "product"} == {"Fairway", "total"}
    assert all(re.fullmatch(r"2026-W\d\d", row["week"]) for row in rows)


def test_before_anything_was_counted_the_page_says_so(supervisor):
    assert words(supervisor.get("/desk/statistics").text).count("Nothing was counted in these weeks.") == 4
    assert len(supervisor.get("/desk/statistics.csv").text.splitlines()) == 40


def test_an_operator_may_see_neither(desk_client):
    anna = desk_client()
    assert anna.get("/desk/statistics").status_code == 403
    assert anna.get("/desk/statistics.csv").status_code == 403
