"""Where the numbers come from.

A parameter says its source as `ASSUMED`, or as the ids of rows of the tables in `sim/data`, with ";" between them:

    K140                       a row of evidence/missing_and_care.csv or evidence/lines_and_interventions.csv
    lines_geography.csv:12     the 12th row of evidence/lines_geography.csv, which has no ids
    places.csv:imd_score       a column of places.csv
    P05                        a row of places_sources.csv
    gdp_deflator.csv           the table by which pounds of one year become pounds of another

Nothing is read before it is asked for, and nothing twice.
"""

from __future__ import annotations

import csv
import difflib
from functools import cache
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent / "data"

TABLES_WITH_IDS = ("evidence/missing_and_care.csv", "evidence/lines_and_interventions.csv", "places_sources.csv")

COLUMNS_OF = {
    "P01": "population_10_17 population_year",
    "P02": "dfe_number name region looked_after_31_march looked_after_year",
    "P03": "looked_after_10_15 looked_after_16_17 looked_after_unaccompanied outside_authority_percent"
    " over_20_miles_percent outside_and_over_20_miles_percent in_childrens_homes_percent"
    " placed_here_by_other_authorities placements_year",
    "P04": "placements_3plus_percent",
    "P05": "looked_after_missing_percent missing_year",
    "P06": "suspension_rate exclusion_rate school_year",
    "P07": "assessments_with_factors cce_assessments gang_assessments cse_assessments missing_assessments"
    " trafficking_assessments cce_zero_doubtful assessments_year",
    "P08": "children_in_need_31_march",
    "P09": "childrens_homes childrens_home_places childrens_homes_year",
    "P10": "imd_score imd_year",
    "P12": "latitude longitude spread_km area_km2 coast_km coastal",
    "P13": "rural_urban rural_population_percent",
    "P14": "police_force",
    "P16": "la_code former_code",
}
"""The columns of places.csv that each of its sources gives; where two had a part, the principal one."""


class UnknownSource(ValueError):
    """An id that no table has; the message names the nearest ones."""


class Source(NamedTuple):
    """One source, as a reader can look it up.

    `status` is "found" (read there), "recalled" (to be checked) or "assumed".
    """

    id: str
    title: str
    publisher: str
    address: str
    year: str
    status: str

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Copied and pickled by id, so that `is ASSUMED` holds in every process."""
        return source, (self.id,)


ASSUMED = Source("ASSUMED", "Assumed: no source was found", "", "", "", "assumed")
"""The honest source of a number that nobody has published; the program counts how many there are."""

DEFLATOR = Source(
    "gdp_deflator.csv",
    "GDP deflators at market prices, and money GDP, March 2026: financial years, 2024-25 = 100",
    "HM Treasury",
    "https://github.com/conradsmewing/home-office-spending-model/blob/0f91e16a102e74097f81ad4d60168a792c9ba7c4"
    "/data/raw/gdp_deflator.csv",
    "2026",
    "found",
)


def source(id: str) -> Source:
    """The source with an id of one of the five kinds above; the same object each time.

    Raises UnknownSource, with the nearest ids, if there is none.
    """
    try:
        return _sources()[id]
    except KeyError:
        near = difflib.get_close_matches(id, _sources(), n=3, cutoff=0.5)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise UnknownSource(f"no source has the id {id!r}{hint}.") from None


def resolve(text: str | Source) -> tuple[Source, ...]:
    """The sources of a parameter: `ASSUMED` or another source itself, or one or more ids with ";" between them.

    Raises UnknownSource if an id is unknown or there is none.
    """
    if isinstance(text, Source):
        return (text,)
    return tuple(source(id.strip()) for id in text.split(";"))


def to_2024_25(pounds: float, price_year: str) -> float:
    """Pounds of a price year as pounds of 2024/25, by the GDP deflator.

    `price_year` is a financial year, "2016/17" or "2016-17", or a calendar year, "2011", whose index is a quarter of
    the financial year that ends in it and three quarters of the one that begins.

    Raises ValueError if it is written otherwise or lies outside the table (2002/03 to 2025/26).
    """
    index = gdp_deflator()
    first, slash, second = price_year.strip().replace("-", "/").partition("/")
    if not (len(first) == 4 and first.isdecimal()):
        raise ValueError(f"price year {price_year!r} is neither like 2016/17 nor like 2011.")
    ending = int(first) + 1
    if slash and second not in (f"{ending % 100:02}", str(ending)):
        raise ValueError(f"price year {price_year!r} is not one financial year, like 2016/17.")
    needed = (ending,) if slash else (ending - 1, ending)
    if not all(year in index for year in needed):
        known = f"{min(index) - 1}/{min(index) % 100:02} to {max(index) - 1}/{max(index) % 100:02}"
        raise ValueError(f"price year {price_year!r} is outside the table of GDP deflators, {known}.")
    level = index[ending] if slash else 0.25 * index[ending - 1] + 0.75 * index[ending]
    return pounds * index[2025] / level


@cache
def gdp_deflator() -> dict[int, float]:
    """The GDP deflator by the year in which a financial year ends, from 2003 to 2026 [2024/25 = 100]."""
    return {int(row["year_ending_march"]): float(row["index"]) for row in read_table("gdp_deflator.csv")}


def read_table(name: str) -> list[dict[str, str]]:
    """The rows of a table in `sim/data`, as the texts that stand there, by column."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def _sources() -> dict[str, Source]:
    """Every source there is, by id."""
    found = {row["id"]: _from_row(row["id"], row) for table in TABLES_WITH_IDS for row in read_table(table)}
    for id, columns in COLUMNS_OF.items():
        for column in columns.split():
            address = f"places.csv:{column}"
            found[address] = found[id]._replace(id=address)
    for number, row in enumerate(read_table("evidence/lines_geography.csv"), start=1):
        address = f"lines_geography.csv:{number}"
        found[address] = _from_row(address, row)
    return found | {ASSUMED.id: ASSUMED, DEFLATOR.id: DEFLATOR}


def _from_row(id: str, row: dict[str, str]) -> Source:
    """A row of any of the tables; the sources of places.csv were all read, so their status is "found"."""
    title = row.get("source_title") or row.get("title", "")
    return Source(id, title, row.get("publisher", ""), row["address"], row["year"], row.get("status", "found"))
