"""Every id of the tables resolves; an unknown one is refused; pounds become pounds of 2024/25."""

import copy
import pickle
from pathlib import Path

import pytest

import sim.sources
from sim.sources import (
    ASSUMED,
    COLUMNS_OF,
    DATA,
    TABLES_WITH_IDS,
    UnknownSource,
    gdp_deflator,
    read_table,
    resolve,
    source,
    to_2024_25,
)


def test_a_row_of_each_table():
    missing = source("mis_cla_mean_2025")
    assert (missing.publisher, missing.status) == ("Department for Education", "found")
    assert source("K140").id == "K140" and source("G001").id == "G001"
    assert source("P05").year == "year ending 31 March 2025"
    assert source("lines_geography.csv:4").address.startswith("https://hansard.parliament.uk/Commons/2018-01-17/")
    assert source("gdp_deflator.csv").publisher == "HM Treasury"
    assert source("K140") is source("K140")


def test_a_column_of_places_has_the_source_it_was_read_in():
    column = source("places.csv:outside_authority_percent")
    assert column.id == "places.csv:outside_authority_percent"
    assert column[1:] == source("P03")[1:]


def test_every_column_of_places_has_a_source_and_only_one():
    columns = " ".join(COLUMNS_OF.values()).split()
    assert sorted(columns) == sorted(set(read_table("places.csv")[0]) - {"source_ids"})


def test_every_source_names_its_address_and_its_status():
    ids = [row["id"] for table in TABLES_WITH_IDS for row in read_table(table)]
    assert len(ids) == len(set(ids)) == 122 + 119 + 16
    for id in ids:
        assert source(id).title and source(id).status in ("found", "recalled"), id
        assert source(id).address.startswith("http") or source(id).status == "recalled", id


def test_an_unknown_id_is_refused_with_the_nearest():
    with pytest.raises(UnknownSource, match=r"^no source has the id 'mis_cla_men_2025'; nearest: mis_cla_mean_2025"):
        source("mis_cla_men_2025")
    with pytest.raises(ValueError, match=r"^no source has the id '#'\.$"):
        source("#")


def test_a_parameter_names_one_or_more_sources():
    assert resolve("K140; P05") == (source("K140"), source("P05"))
    assert resolve("K140") == (source("K140"),)
    assert resolve(ASSUMED) == (ASSUMED,)
    assert resolve("ASSUMED")[0] is ASSUMED
    for wrong in ("", "K140;", "K140,P05"):
        with pytest.raises(UnknownSource):
            resolve(wrong)


def test_assumed_stays_itself_when_copied_or_sent_to_another_process():
    assert pickle.loads(pickle.dumps(ASSUMED)) is ASSUMED
    assert copy.deepcopy({"source": ASSUMED})["source"] is ASSUMED
    assert pickle.loads(pickle.dumps(source("K140"))) is source("K140")


def test_importing_reads_no_table(monkeypatch):
    def refuse(*arguments, **keywords):
        raise AssertionError("a table was read")

    code = compile(Path(sim.sources.__file__).read_bytes(), "sources.py", "exec")
    monkeypatch.setattr(Path, "open", refuse)
    namespace = {"__name__": "fresh", "__file__": sim.sources.__file__}
    exec(code, namespace)
    with pytest.raises(AssertionError, match="a table was read"):
        namespace["source"]("K140")


def test_pounds_of_a_financial_year():
    assert to_2024_25(100.0, "2024/25") == 100.0
    assert to_2024_25(13_000.0, "2019-20") == pytest.approx(16_074.4, abs=0.05)  # 100 / 80.8738 = 1.236494
    assert to_2024_25(1.0, "2015-2016") == to_2024_25(1.0, "2015/16") == pytest.approx(1.340835, abs=1e-6)
    assert to_2024_25(100.0, "2025/26") == pytest.approx(96.863, abs=1e-3)


def test_pounds_of_a_calendar_year():
    """2011: a quarter of 2010/11 (68.8561) and three quarters of 2011/12 (70.3261) is 69.9586."""
    assert to_2024_25(63_508.0, "2011") == pytest.approx(63_508.0 / 0.699586, rel=1e-9)
    assert to_2024_25(1.0, "2003") == pytest.approx(100 / (0.25 * 56.6 + 0.75 * 57.9885), rel=1e-12)


@pytest.mark.parametrize(
    "wrong", ["2019-22", "about 2011", "", "16/17", "2016/7", "2002", "2001/02", "2026/27", "2016/"]
)
def test_an_impossible_price_year_is_refused(wrong):
    with pytest.raises(ValueError, match=f"price year '{wrong}' is"):
        to_2024_25(1.0, wrong)


def test_the_deflator_has_every_year_from_2003_to_2026_and_100_in_2025():
    assert sorted(gdp_deflator()) == list(range(2003, 2027))
    assert gdp_deflator()[2025] == 100.0
    assert list(gdp_deflator().values()) == sorted(gdp_deflator().values())  # it never fell in these years


def test_no_table_mentions_a_path_of_a_machine():
    for path in (*DATA.rglob("*.csv"), *DATA.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        for mark in ("../", *(f"/{folder}/" for folder in ("home", "root", "tmp")), "file://"):
            assert mark not in text, f"{path.name} mentions {mark}"


def test_the_licence_is_attributed():
    readme = " ".join((DATA / "README.md").read_text(encoding="utf-8").split())
    assert "Contains public sector information licensed under the Open Government Licence v3.0" in readme
