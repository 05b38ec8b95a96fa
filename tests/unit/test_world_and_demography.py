"""A world holds the published number of children of each authority, under the keys that every other world gives them."""

from datetime import date

import numpy as np
import pytest

from sim import CountyLines, World, load_world
from sim.dates import EIGHTEEN, TEN, age_on, day_of, last_day_of_year
from sim.ledger import Event
from sim.places import read_places
from sim.population import AT_HOME, band_of, group_of
from sim.world import NEIGHBOURHOOD
from tests.worlds import REGION, events, lived, world

PLACES = read_places()
FIRST_SEPTEMBER = day_of(date(2025, 9, 1))
GREENWICH, MEDWAY, KENT = (PLACES.index(name) for name in ("Greenwich", "Medway", "Kent"))


@pytest.fixture(scope="module")
def region():
    """The region on day 1, before anything has happened."""
    return CountyLines(world="region", seed=4, days=200)


@pytest.fixture(scope="module")
def autumn():
    """A part of the region that has lived from April past two first Septembers."""
    return lived(world=world(0.03, days=FIRST_SEPTEMBER + 365 + 30), seed=2)


# -- day 1 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", REGION.authorities, ids=lambda place: PLACES.name[place])
def test_day_1_of_the_region_is_the_published_number_of_children(region, place):
    children = region.children.present()
    assert int((children.authority == place).sum()) == PLACES.population_10_17[place]


@pytest.mark.parametrize("place", REGION.authorities, ids=lambda place: PLACES.name[place])
def test_day_1_of_the_region_is_the_published_number_of_looked_after_children(region, place):
    mine = region.children.select(lambda c: c.is_looked_after & (c.authority == place))
    older = age_on(mine.born, 1) >= 16
    assert (int((~older).sum()), int(older.sum())) == (PLACES.looked_after_10_15[place], PLACES.looked_after_16_17[place])


def test_everybody_is_10_to_17_on_day_1_and_the_school_years_are_as_large_as_each_other(region):
    region_age = age_on(region.children.present().born, 1)
    assert region_age.min() == 10 and region_age.max() == 17
    share = np.bincount(region_age, minlength=18)[11:17] / len(region.children)
    assert (np.abs(share - 365 / (7 * 365 + 153)) < 0.001).all()


def test_sexes_are_as_declared(region):
    male = region.children.present().is_male.mean()
    share = region.parameters["people"].male
    assert abs(male - share) < 4.5 * np.sqrt(share * (1 - share) / len(region.children))


def test_children_differ_as_declared(region):
    p, children = region.parameters["people"], region.children.present()
    for values, shape in ((children.strain, p.unevenness_of_strain),):
        assert values.mean() == pytest.approx(1.0, abs=0.02) and values.var() == pytest.approx(1.0 / shape, rel=0.05)
    share = p.exposure_from_strain
    assert children.exposure.mean() == pytest.approx(1.0, abs=0.02)
    alone = (children.exposure - share * children.strain) / (1.0 - share)
    assert alone.var() == pytest.approx(1.0 / p.unevenness_of_exposure, rel=0.05)
    assert abs(np.corrcoef(alone, children.strain)[0, 1]) < 0.01


def test_neighbourhoods_are_of_a_secondary_school_s_size_and_lie_together_in_the_rows(region):
    columns = region.children.columns
    neighbourhood = region.demography.neighbourhood(np.arange(len(columns["key"])))
    assert (np.diff(neighbourhood) >= 0).all()
    assert (np.diff(columns["key"].astype(np.float64))[np.diff(neighbourhood) == 0] >= 0).all(), "within one in the order of keys"
    home, first = region.demography.first_neighbourhood, region.demography.first_row_of
    for place in REGION.authorities:
        rows = slice(first[home[place]], first[home[place + 1]])
        assert (columns["authority"][rows] == place).all()
        present = np.bincount(neighbourhood[rows][columns["is_present"][rows]] - home[place])
        assert len(present) == home[place + 1] - home[place]
        assert present.mean() == pytest.approx(NEIGHBOURHOOD, rel=0.05)
    assert first[-1] == len(columns["key"])


def test_a_circle_is_of_friends_in_one_neighbourhood_and_school_year(region):
    columns = region.children.columns
    order = np.lexsort((columns["born"], columns["circle"]))
    order = order[columns["circle"][order] >= 0]
    circle, neighbourhood = columns["circle"][order], region.demography.neighbourhood(order)
    same = circle[1:] == circle[:-1]
    assert (neighbourhood[1:] == neighbourhood[:-1])[same].all()
    assert (np.diff(columns["born"][order])[same] < 366).all()
    size = np.bincount(circle)
    mean_friends = (size.astype(np.float64) ** 2).sum() / size.sum() - 1.0
    assert 0.7 * region.parameters["people"].friends < mean_friends < 1.6 * region.parameters["people"].friends


# -- names -------------------------------------------------------------------------------------------------------------


def keys_and_birthdays(model) -> dict[int, tuple]:
    c = model.children.columns
    return dict(zip(c["key"].tolist(), zip(c["born"].tolist(), c["authority"].tolist(), c["is_male"].tolist(), c["strain"].tolist(), strict=True), strict=True))


def test_a_fraction_renames_nobody(region):
    everybody = keys_and_birthdays(region)
    assert len(everybody) == len(region.children.columns["key"])
    smaller = None
    for fraction in (0.5, 0.09, 0.01):
        part = keys_and_birthdays(CountyLines(world=world(fraction), seed=4, days=200))
        assert part.items() <= everybody.items()
        assert len(part) == pytest.approx(fraction * len(everybody), rel=0.05)
        assert smaller is None or part.items() <= smaller.items()
        smaller = part


def test_another_list_of_places_renames_nobody(region):
    here = keys_and_birthdays(region)
    manchester = PLACES.index("Manchester")
    other = keys_and_birthdays(CountyLines(world=world(1.0, places=tuple(sorted((KENT, manchester)))), seed=4, days=200))
    kent = {key: who for key, who in here.items() if who[1] == KENT}
    assert {key: who for key, who in other.items() if who[1] == KENT} == kent
    assert not {key for key, who in other.items() if who[1] == manchester} & set(here)


def test_a_longer_run_renames_nobody():
    short, long = (keys_and_birthdays(CountyLines(world=world(0.02), seed=4, days=days)) for days in (100, 1000))
    assert short.items() < long.items()


def routes(model) -> set[int]:
    return {line.route for line in model.lines.lines}


def test_a_fraction_and_another_list_of_places_rename_no_line(region):
    whole = routes(region)
    assert len(whole) == len(region.lines.lines) > 10
    smaller = whole
    for fraction in (0.6, 0.3, 0.1):
        part = routes(CountyLines(world=world(fraction), seed=4, days=200))
        assert part < smaller
        smaller = part
    kent_alone = routes(CountyLines(world=world(1.0, places=(KENT,)), seed=4, days=200))
    assert kent_alone < whole


def test_everybody_s_key_is_their_own_in_all_of_england_s_smallest_part():
    model = CountyLines(world=World("thin", tuple(range(len(PLACES))), 0.004, 365, 730), seed=1)
    keys = model.children.columns["key"]
    assert len(np.unique(keys)) == len(keys)
    assert set(model.children.columns["authority"].tolist()) == set(range(151))


# -- birthdays, entrants, leavers --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_entrants_come_on_first_septembers_only_and_are_ten(autumn):
    entered = events(autumn, Event.ENTERED)
    assert set(entered["day"].tolist()) == {FIRST_SEPTEMBER, FIRST_SEPTEMBER + 365}
    columns = autumn.children.columns
    row_of = {key: row for row, key in enumerate(columns["key"].tolist())}
    rows = np.array([row_of[key] for key in entered["child"].tolist()])
    lived_past_ten = entered["day"] - columns["born"][rows] - TEN
    assert lived_past_ten.min() >= 0 and lived_past_ten.max() < 366
    a_year = [int((entered["day"] == day).sum()) for day in (FIRST_SEPTEMBER, FIRST_SEPTEMBER + 365)]
    in_full = (columns["is_present"] & (columns["born"] > day_of(date(2010, 8, 31))) & (columns["born"] <= day_of(date(2011, 8, 31)))).sum()
    assert all(number == pytest.approx(in_full, rel=0.15) for number in a_year)


def test_the_school_years_that_come_in_keep_the_population_at_the_published_number_over_four_years():
    small = world(0.02)
    published = 0.02 * small.places.population_10_17[list(small.authorities)].sum()
    model = CountyLines(world=small, seed=2, days=last_day_of_year(4))
    for year in range(1, 5):  # on each 31 March: within a year their number swings, as a school year comes on one day and leaves by birthdays
        ages = np.bincount(np.asarray(model.run_to(last_day_of_year(year)).children.present().age))
        assert ages.sum() == pytest.approx(published, rel=0.04)
        assert ages.nonzero()[0].tolist() == list(range(10, 18))
        assert ages[11:].tolist() == pytest.approx([published / 7.45] * 7, rel=0.2)  # and since September a part of those who are ten


def test_at_eighteen_a_child_leaves_on_the_day(autumn):
    columns, last = autumn.children.columns, autumn.last_day
    born = columns["born"].astype(np.int64)
    assert not columns["is_present"][last - born >= EIGHTEEN].any()
    has_entered = born <= day_of(date(2016, 8, 31))
    left = events(autumn, Event.LEFT)
    otherwise = np.isin(columns["key"], left["child"][(left["detail"] & (4 | 8)) > 0])  # died, or transferred to another authority
    assert (columns["is_present"] | otherwise)[has_entered & (last - born < EIGHTEEN)].all()
    assert 0 < otherwise.sum() < 0.01 * len(born) and not (columns["is_present"] & otherwise).any()
    assert autumn.demography.present == len(autumn.children) == int(columns["is_present"].sum())


def test_leavers_are_told(autumn):
    model = lived(world=world(0.03, days=60), seed=2, until=1)
    for _ in range(40):
        before = set(model.children.rows.tolist())
        model.step()
        gone = before - set(model.children.rows.tolist())
        assert gone == set(model.today.rows(Event.LEFT).tolist())
        assert all(model.day - int(model.children.columns["born"][row]) == EIGHTEEN for row in gone)


def test_everybody_is_under_the_hazards_of_their_place_age_and_setting(autumn):
    children = autumn.children.present()
    expected = group_of(children.authority.astype(np.int64), band_of(np.asarray(children.age)), children.setting.astype(np.int64))
    assert (children.group == expected).all()
    assert len(set(children.group.tolist())) > 12 and (children.setting == AT_HOME).mean() > 0.9


def test_the_worlds_of_the_project_have_the_sizes_they_claim():
    assert int(PLACES.population_10_17[list(REGION.authorities)].sum()) == 228_339
    town = CountyLines(world="town", days=1)
    assert len(town.children) == pytest.approx(20_500, rel=0.03)
    assert load_world("england").inside.all()
