"""The 151 upper-tier authorities of England: their children, care, schools, deprivation and distances.

One row of `sim/data/places.csv` is one authority; this module reads it into columns, in the order of the
authorities' codes, so that an authority is an index from 0 to 150 everywhere else. Nothing here is drawn or
estimated, except the few empty cells that `FILLING` explains and `Places.filled` lists.

Floats are made with + - * / and square root alone, which IEEE 754 defines to the last bit; the sines and cosines
of a mathematics library are not. So distances have the same bits on every machine.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from sim.sources import read_table

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth [km] (IUGG)."""
RADIANS = 0.017453292519943295
"""One degree [radian]."""
ORIGIN_LATITUDE, ORIGIN_LONGITUDE = 52.5, -1.5
"""Where x_km and y_km are nought [degrees]: near Birmingham, in the middle of England."""

LONDON, WEST_MIDLANDS, MERSEYSIDE = "London", "West Midlands", "Merseyside"
GREATER_MANCHESTER, OTHER_CITIES = "Greater Manchester", "Other cities"
EXPORTER_GROUPS = (LONDON, WEST_MIDLANDS, MERSEYSIDE, GREATER_MANCHESTER, OTHER_CITIES)
"""Where external lines come from, in the order of `sim/data/exporters.csv`. Each group's share of lines is a
parameter elsewhere."""

FILLING = {
    "outside_percent": "mean of the region, each authority weighted by its looked-after children",
    "childrens_homes_percent": "mean of the region, each authority weighted by its looked-after children",
    "placed_here_by_others": "the region's ratio to children aged 10-17, times the authority's own",
    "childrens_homes": "the 43 homes listed under Cumbria (source P09), shared by children aged 10-17",
    "childrens_home_places": "the 180 places listed under Cumbria (source P09), shared by children aged 10-17",
}
"""The rule by which an empty cell of a column is filled. Columns that record outcomes are never filled."""

CUMBRIA = {"childrens_homes": 43, "childrens_home_places": 180}
"""Homes and places of the former county, which its two successors share (note of source P09) [count]."""


class UnknownPlace(ValueError):
    """A code or name that is not one of the 151 authorities; the message names the nearest ones."""


@dataclass(frozen=True, eq=False)
class Places:
    """Columns of authorities, each of shape (authorities,) and read-only; row i is authority i.

    "31 March" is 31 March 2025. "NaN" marks what was suppressed or not published.
    """

    code: tuple[str, ...]
    """Code of April 2025, such as E06000035; rows are in this order."""
    name: tuple[str, ...]
    region: tuple[str, ...]
    """One of nine; Inner and Outer London are one."""
    police_force: tuple[str, ...]
    """One of 38."""
    x_km: NDArray[np.float64]
    """East of the origin [km]."""
    y_km: NDArray[np.float64]
    """North of the origin [km]."""
    spread_km: NDArray[np.float64]
    """Root mean square distance of residents aged 10-17 from (x_km, y_km) [km]."""
    population_10_17: NDArray[np.int64]
    """Residents aged 10 to 17, mid-2024 [children]."""
    looked_after_31_march: NDArray[np.int64]
    """Looked after by this authority on 31 March, all ages 0-17 [children]."""
    looked_after_10_15: NDArray[np.int64]
    """Looked after by this authority on 31 March, aged 10 to 15 [children]."""
    looked_after_16_17: NDArray[np.int64]
    """Looked after by this authority on 31 March, aged 16 and 17 [children]."""
    unaccompanied: NDArray[np.int64]
    """Unaccompanied children looked after by this authority on 31 March, all ages [children]."""
    outside_percent: NDArray[np.float64]
    """Placed outside the authority, of its looked-after children [per cent]."""
    over_20_miles_percent: NDArray[np.float64]
    """Placed over 20 miles from home, of its looked-after children [per cent]."""
    childrens_homes_percent: NDArray[np.float64]
    """Living in a children's home, wherever it stands, of its looked-after children [per cent]."""
    childrens_homes: NDArray[np.int64]
    """Children's homes standing in the authority, 31 March 2023 [count]."""
    childrens_home_places: NDArray[np.int64]
    """Places in them [children]."""
    placed_here_by_others: NDArray[np.int64]
    """Children whom other authorities had placed here on 31 March [children]."""
    suspension_rate: NDArray[np.float64]
    """Suspensions per 100 pupils, school year 2023/24."""
    exclusion_rate: NDArray[np.float64]
    """Permanent exclusions per 100 pupils, school year 2023/24."""
    imd_score: NDArray[np.float64]
    """Index of multiple deprivation 2025, average score: more is poorer."""
    coastal: NDArray[np.bool_]
    """At least 2 km of open coast or wide estuary."""
    rural_percent: NDArray[np.float64]
    """Residents living in rural small areas [per cent]."""
    looked_after_missing_percent: NDArray[np.float64]
    """With a missing incident, of children looked after at any time in the year, ages 0-17 [whole per cent; NaN]."""
    cce_assessments: NDArray[np.float64]
    """Assessments naming child criminal exploitation, year to 31 March [count; NaN, also for a doubtful zero]."""
    gang_assessments: NDArray[np.float64]
    """Assessments naming gangs, year to 31 March [count; NaN]."""
    cse_assessments: NDArray[np.float64]
    """Assessments naming child sexual exploitation, year to 31 March [count; NaN]."""
    missing_assessments: NDArray[np.float64]
    """Assessments naming going missing, year to 31 March [count; NaN]."""
    exporter_group: tuple[str, ...]
    """The group of `EXPORTER_GROUPS` that the authority belongs to, or "" for none."""
    filled: frozenset[tuple[str, str]]
    """(code, column) of every cell that was empty and is filled by the rule in `FILLING`."""

    def __len__(self) -> int:
        return len(self.code)

    @cached_property
    def looked_after_10_17(self) -> NDArray[np.int64]:
        """Looked after by this authority on 31 March, aged 10 to 17 [children]."""
        return _read_only(self.looked_after_10_15 + self.looked_after_16_17)

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """The nine regions, in the order of the alphabet."""
        return tuple(sorted(set(self.region)))

    @cached_property
    def exporter_groups(self) -> Mapping[str, NDArray[np.intp]]:
        """For each exporting group, the indices of its authorities."""
        groups = np.array(self.exporter_group)
        return {group: _read_only(np.flatnonzero(groups == group)) for group in EXPORTER_GROUPS}

    @cached_property
    def exporter_weight(self) -> NDArray[np.float64]:
        """Share of its group's lines that start in each authority; nought outside the groups [proportion].

        Children aged 10-17 times deprivation score, summing to one in each group. ASSUMED: sources name cities
        and police areas, and none divides them further.
        """
        weight = np.zeros(len(self))
        for members in self.exporter_groups.values():
            size = self.population_10_17[members] * self.imd_score[members]
            weight[members] = size / sum(size.tolist())  # one by one: numpy's own sum groups by processor
        return _read_only(weight)

    @cached_property
    def distances(self) -> NDArray[np.float64]:
        """Distance between every two authorities' centres, shape (authorities, authorities) [km]."""
        every = np.arange(len(self))
        return _read_only(self.distance_km(every[:, None], every[None, :]))

    def distance_km(self, i: int | NDArray[np.integer], j: int | NDArray[np.integer]) -> NDArray[np.float64]:
        """Straight-line distance between the centres of authorities i and j, whole numbers or arrays of them [km]."""
        dx = self.x_km[i] - self.x_km[j]
        dy = self.y_km[i] - self.y_km[j]
        return np.sqrt(dx * dx + dy * dy)

    def index(self, place: str) -> int:
        """The row of an authority, given its code or its name in any case; `UnknownPlace` if there is none."""
        try:
            return self._rows[place.strip().casefold()]
        except (KeyError, AttributeError):
            raise UnknownPlace(self._unknown(str(place))) from None

    @cached_property
    def _rows(self) -> dict[str, int]:
        labels = (self.name, self.code)
        return {label.casefold(): row for column in labels for row, label in enumerate(column)}

    def _unknown(self, place: str) -> str:
        known = {label.casefold(): label for label in self.name + self.code}
        wanted = place.strip().casefold()
        near = [label for key, label in known.items() if wanted and wanted in key][:3]
        near = near or [known[key] for key in difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)]
        hint = f"; nearest: {', '.join(near)}" if near else ""
        return f"no authority of England is called {place!r}{hint}."


@cache
def read_places() -> Places:
    """The 151 authorities, read once from `sim/data/places.csv` and `sim/data/exporters.csv`."""
    rows = sorted(read_table("places.csv"), key=lambda row: row["la_code"])
    groups = {row["la_code"]: row["group"] for row in read_table("exporters.csv")}
    filled = _fill(rows)
    for row in rows:
        if row["cce_zero_doubtful"] == "yes":
            row["cce_assessments"] = ""
    points = [planar_km(float(row["latitude"]), float(row["longitude"])) for row in rows]

    def whole(column: str) -> NDArray[np.int64]:
        return _read_only(np.array([int(row[column]) for row in rows], dtype=np.int64))

    def number(column: str) -> NDArray[np.float64]:
        return _read_only(np.array([float(row[column] or "nan") for row in rows], dtype=np.float64))

    def text(column: str) -> tuple[str, ...]:
        return tuple(row[column] for row in rows)

    return Places(
        code=text("la_code"),
        name=text("name"),
        region=text("region"),
        police_force=text("police_force"),
        x_km=_read_only(np.array([x for x, _ in points])),
        y_km=_read_only(np.array([y for _, y in points])),
        spread_km=number("spread_km"),
        population_10_17=whole("population_10_17"),
        looked_after_31_march=whole("looked_after_31_march"),
        looked_after_10_15=whole("looked_after_10_15"),
        looked_after_16_17=whole("looked_after_16_17"),
        unaccompanied=whole("looked_after_unaccompanied"),
        outside_percent=number("outside_authority_percent"),
        over_20_miles_percent=number("over_20_miles_percent"),
        childrens_homes_percent=number("in_childrens_homes_percent"),
        childrens_homes=whole("childrens_homes"),
        childrens_home_places=whole("childrens_home_places"),
        placed_here_by_others=whole("placed_here_by_other_authorities"),
        suspension_rate=number("suspension_rate"),
        exclusion_rate=number("exclusion_rate"),
        imd_score=number("imd_score"),
        coastal=_read_only(np.array([row["coastal"] == "yes" for row in rows])),
        rural_percent=number("rural_population_percent"),
        looked_after_missing_percent=number("looked_after_missing_percent"),
        cce_assessments=number("cce_assessments"),
        gang_assessments=number("gang_assessments"),
        cse_assessments=number("cse_assessments"),
        missing_assessments=number("missing_assessments"),
        exporter_group=tuple(groups.get(row["la_code"], "") for row in rows),
        filled=filled,
    )


def planar_km(latitude: float, longitude: float) -> tuple[float, float]:
    """Kilometres east and north of the origin, of a point of England given in degrees.

    Cassini's projection to second order: an equirectangular map scaled by the cosine of the point's own latitude,
    and lifted by the bend of its parallel. Between English authorities its distances are within 0.1 per cent of
    those on the sphere; without the lift they err by up to 1.6 per cent, with one common cosine by 5.
    """
    north = latitude * RADIANS
    east = (longitude - ORIGIN_LONGITUDE) * RADIANS
    sine, cosine = sine_and_cosine(north)
    bend = east * east * sine * cosine / 2.0
    return EARTH_RADIUS_KM * (east * cosine), EARTH_RADIUS_KM * (north - ORIGIN_LATITUDE * RADIANS + bend)


def sine_and_cosine(angle: float) -> tuple[float, float]:
    """Sine and cosine of an angle from -2 to 2 [radian], by Taylor's series with + - * / alone, to within 4e-16."""
    square = angle * angle
    sine = cosine = 1.0
    for n in range(22, 0, -2):
        cosine = 1.0 - cosine * square / (n * (n - 1))
        sine = 1.0 - sine * square / (n * (n + 1))
    return angle * sine, cosine


def _fill(rows: Sequence[dict[str, str]]) -> frozenset[tuple[str, str]]:
    """Fill the empty cells of the columns the model needs, in place, by the rules in `FILLING`; tell which."""
    columns = {
        "outside_percent": ("outside_authority_percent", _regional_mean),
        "childrens_homes_percent": ("in_childrens_homes_percent", _regional_mean),
        "placed_here_by_others": ("placed_here_by_other_authorities", _regional_ratio),
        "childrens_homes": ("childrens_homes", _share_of_cumbria),
        "childrens_home_places": ("childrens_home_places", _share_of_cumbria),
    }
    values = {
        (row["la_code"], name): (row, column, rule(rows, row, column))
        for name, (column, rule) in columns.items()
        for row in rows
        if row[column] == ""
    }
    for row, column, value in values.values():
        row[column] = value
    return frozenset(values)


def _regional_mean(rows: Sequence[dict[str, str]], row: dict[str, str], column: str) -> str:
    """The region's mean percentage over the authorities that published one, by looked-after children."""
    neighbours = _published(rows, row["region"], column)
    weight = sum(int(other["looked_after_31_march"]) for other in neighbours)
    total = sum(float(other[column]) * int(other["looked_after_31_march"]) for other in neighbours)
    return repr(total / weight)


def _regional_ratio(rows: Sequence[dict[str, str]], row: dict[str, str], column: str) -> str:
    """The authority's children aged 10-17 times the region's ratio of the column to them, to the nearest whole."""
    neighbours = _published(rows, row["region"], column)
    children = sum(int(other["population_10_17"]) for other in neighbours)
    total = sum(int(other[column]) for other in neighbours)
    return _nearest(total * int(row["population_10_17"]), children)


def _share_of_cumbria(rows: Sequence[dict[str, str]], row: dict[str, str], column: str) -> str:
    """The authority's part of what was listed under Cumbria, by children aged 10-17, to the nearest whole."""
    both = [other for other in rows if other["police_force"] == "Cumbria"]
    if row not in both:
        raise ValueError(f"{row['name']} has no value of {column} and no rule to fill it.")
    children = sum(int(other["population_10_17"]) for other in both)
    return _nearest(CUMBRIA[column] * int(row["population_10_17"]), children)


def _published(rows: Iterable[dict[str, str]], region: str, column: str) -> list[dict[str, str]]:
    return [row for row in rows if row["region"] == region and row[column] != ""]


def _nearest(above: int, below: int) -> str:
    """The whole number nearest to above / below, halves upwards."""
    return str((2 * above + below) // (2 * below))


def _read_only[T: np.ndarray](array: T) -> T:
    array.flags.writeable = False
    return array
