"""The authorities, their distances and the few filled cells, against figures worked out by hand."""

import itertools
import math

import numpy as np
import pytest

from sim.places import (
    EXPORTER_GROUPS,
    FILLING,
    UnknownPlace,
    planar_km,
    read_places,
    sine_and_cosine,
)
from sim.sources import read_table, resolve

GREENWICH_TO_KENT = "0x1.90ba79cc7be67p+5"
"""50.09 km, in the notation that loses no bit."""


@pytest.fixture(scope="module")
def places():
    return read_places()


def test_there_are_151_authorities_in_the_order_of_their_codes(places):
    assert len(places) == 151
    assert list(places.code) == sorted(places.code)
    assert len(places.regions) == 9 and len(set(places.police_force)) == 38
    assert read_places() is places


def test_england_adds_up(places):
    assert places.population_10_17.sum() == 5_708_532  # 5.71 million
    assert places.looked_after_10_17.sum() == 52_989  # published rounded: 52,990
    assert places.looked_after_31_march.sum() == 81_766  # published rounded: 81,770


def test_the_region_adds_up(places):
    region = [places.index(name) for name in ("Greenwich", "Medway", "Kent")]
    assert places.population_10_17[region].sum() == 228_339


def test_columns_are_whole_read_only_and_of_one_length(places):
    columns = {name: getattr(places, name) for name in places.__dataclass_fields__ if isinstance(getattr(places, name), np.ndarray)}
    assert len(columns) >= 24
    for name, column in columns.items():
        assert column.shape == (151,), name
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


def test_only_outcomes_may_be_unknown(places):
    unknown = {
        name for name, column in vars(places).items() if isinstance(column, np.ndarray) and np.isnan(column).any()
    }
    assert unknown == {
        "looked_after_missing_percent",
        "cce_assessments",
        "gang_assessments",
        "cse_assessments",
        "missing_assessments",
    }


def test_an_authority_is_found_by_code_and_by_name_in_any_case(places):
    kent = places.index("Kent")
    assert places.code[kent] == "E10000016"
    assert places.index("E10000016") == places.index(" kENT ") == places.index("e10000016") == kent
    assert all(places.index(name) == row for row, name in enumerate(places.name))


def test_an_unknown_place_is_refused_with_the_nearest_names(places):
    with pytest.raises(UnknownPlace, match=r"^no authority of England is called 'Grenwich'; nearest: Greenwich"):
        places.index("Grenwich")
    with pytest.raises(UnknownPlace, match="nearest: Manchester"):
        places.index("manch")
    with pytest.raises(ValueError, match=r"called ''\.$"):
        places.index("")
    with pytest.raises(UnknownPlace):
        places.index(7)


def test_sine_and_cosine_are_those_of_the_library():
    for angle in np.linspace(-2, 2, 801).tolist():
        assert sine_and_cosine(angle) == pytest.approx((math.sin(angle), math.cos(angle)), abs=4e-16)


def test_the_map_is_nought_at_its_origin_and_right_along_its_axes():
    assert planar_km(52.5, -1.5) == (0.0, 0.0)
    assert planar_km(53.5, -1.5) == pytest.approx((0.0, 111.195), abs=1e-3)  # a degree of latitude
    assert planar_km(52.5, -0.5)[0] == pytest.approx(111.195 * math.cos(math.radians(52.5)), abs=1e-3)


def test_distances_are_those_on_the_sphere_within_a_tenth_of_a_per_cent(places):
    rows = {row["la_code"]: (float(row["latitude"]), float(row["longitude"])) for row in read_table("places.csv")}
    points = [rows[code] for code in places.code]
    for i, j in itertools.combinations(range(0, 151, 3), 2):
        assert places.distances[i, j] == pytest.approx(great_circle_km(points[i], points[j]), rel=1e-3)


def great_circle_km(here, there):
    """The haversine formula."""
    (north, east), (to_north, to_east) = (tuple(map(math.radians, point)) for point in (here, there))
    half_chord = math.sin((to_north - north) / 2) ** 2
    half_chord += math.cos(north) * math.cos(to_north) * math.sin((to_east - east) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(half_chord))


def test_distances_keep_their_bits(places):
    """The same on every machine: these are the exact values, not near ones."""
    greenwich, kent = places.index("Greenwich"), places.index("Kent")
    assert float(places.distance_km(greenwich, kent)).hex() == GREENWICH_TO_KENT


def test_distances_are_a_metric(places):
    distances = places.distances
    assert distances.shape == (151, 151)
    assert np.array_equal(distances, distances.T) and not distances.diagonal().any()
    assert (distances + np.eye(151) > 0).all()
    assert places.distance_km(3, np.array([3, 5])).tolist() == [0.0, distances[3, 5]]


def test_every_filled_cell_is_listed_and_has_a_rule(places):
    derby, rutland, cumberland, westmorland = "E06000015", "E06000017", "E06000063", "E06000064"
    assert places.filled == {
        (derby, "outside_percent"),
        (derby, "placed_here_by_others"),
        (rutland, "outside_percent"),
        (rutland, "childrens_homes_percent"),
        (rutland, "placed_here_by_others"),
        (cumberland, "childrens_homes"),
        (cumberland, "childrens_home_places"),
        (westmorland, "childrens_homes"),
        (westmorland, "childrens_home_places"),
    }
    assert {column for _, column in places.filled} == set(FILLING)


def test_the_homes_of_cumbria_are_shared_by_children(places):
    """25,306 and 19,356 of 44,662 children: 0.5666 and 0.4334 of 43 homes and of 180 places."""
    both = [places.index("Cumberland"), places.index("Westmorland and Furness")]
    assert places.childrens_homes[both].tolist() == [24, 19]
    assert places.childrens_home_places[both].tolist() == [102, 78]


def test_a_filled_percentage_is_the_mean_of_the_region(places):
    east_midlands = [
        row
        for row in range(151)
        if places.region[row] == "East Midlands" and places.name[row] not in ("Derby", "Rutland")
    ]
    mean = np.average(places.outside_percent[east_midlands], weights=places.looked_after_31_march[east_midlands])
    assert places.outside_percent[places.index("Rutland")] == pytest.approx(mean, rel=1e-12)
    assert places.outside_percent[places.index("Derby")] == pytest.approx(46.73, abs=0.005)
    assert places.placed_here_by_others[places.index("Derby")] == 215


def test_a_doubtful_zero_of_criminal_exploitation_is_unknown(places):
    doubtful = [places.index(name) for name in ("Nottinghamshire", "Cheshire East", "Wolverhampton")]
    assert np.isnan(places.cce_assessments[doubtful]).all()
    assert np.nanmin(places.cce_assessments) > 0


def test_exporters_are_whole_conurbations_and_some_cities(places):
    sizes = {group: len(members) for group, members in places.exporter_groups.items()}
    assert tuple(sizes) == EXPORTER_GROUPS
    assert sizes == {"London": 32, "West Midlands": 7, "Merseyside": 5, "Greater Manchester": 10, "Other cities": 14}
    assert places.exporter_group[places.index("Liverpool")] == "Merseyside"
    assert places.exporter_group[places.index("Kent")] == ""
    assert {places.region[row] for row in places.exporter_groups["London"]} == {"London"}


def test_weights_of_exporters_sum_to_one_in_each_group(places):
    for members in places.exporter_groups.values():
        assert places.exporter_weight[members].sum() == pytest.approx(1.0, abs=1e-12)
        assert (places.exporter_weight[members] > 0).all()
    assert places.exporter_weight.sum() == pytest.approx(len(EXPORTER_GROUPS), abs=1e-12)
    leeds, bradford = places.index("Leeds"), places.index("Bradford")
    ratio = places.exporter_weight[leeds] / places.exporter_weight[bradford]
    size = places.population_10_17 * places.imd_score
    assert ratio == pytest.approx(size[leeds] / size[bradford], rel=1e-12)


def test_every_exporter_has_its_name_and_a_source(places):
    for row in read_table("exporters.csv"):
        assert places.name[places.index(row["la_code"])] == row["name"]
        assert row["group"] in EXPORTER_GROUPS
        assert resolve(row["source"])
