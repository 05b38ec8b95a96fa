"""Care: what happens to the homes of one county happens to the distances of its children; who is known is refused and ends further away."""

from functools import cache

import numpy as np
import pytest

from sim import CountyLines
from sim.ledger import Event
from sim.placements import WITH_BEDS
from sim.places import read_places
from sim.population import CHILDRENS_HOME, FOSTER, SUPPORTED
from tests.mechanisms.lively import made, ran, rows_of, times
from tests.worlds import EVENTFUL, events, lived, world

LIVERPOOL, KENT = (read_places().index(name) for name in ("Liverpool", "Kent"))
TWO_COUNTIES = tuple(sorted((LIVERPOOL, KENT)))


class WithoutHomesInKent(CountyLines):
    """All beds of Kent are taken out of use before anybody is in them."""

    def _begin_day_1(self) -> None:
        for kind in WITH_BEDS:
            self.placements.close_beds(kind, KENT, 1 << 20)
        super()._begin_day_1()


def homes_of(model: CountyLines) -> dict[tuple[int, int], float]:
    """Distance from home of each placement that was found, by child and number of the placement [km]."""
    placed = events(model, Event.PLACED)
    bed = np.isin(placed["cause"], (FOSTER, CHILDRENS_HOME, SUPPORTED))
    columns = (placed[name][bed].tolist() for name in ("home", "child", "serial", "amount"))
    return {(home, child, serial): km for home, child, serial, km in zip(*columns, strict=True) if serial == 1}


def test_removing_a_county_s_homes_lengthens_distances_of_its_children_and_not_of_others():
    with_homes, without = (
        homes_of(made(EVENTFUL, fraction=0.06, places=TWO_COUNTIES, days=60, kind=kind).run_to(60))
        for kind in (CountyLines, WithoutHomesInKent)
    )
    for place, further in ((KENT, True), (LIVERPOOL, False)):
        both = [first for first in with_homes.keys() & without.keys() if first[0] == place]
        assert len(both) > 25
        km = np.array([(with_homes[first], without[first]) for first in both])
        if further:
            assert km[:, 1].mean() > 1.5 * km[:, 0].mean()
        else:
            assert (km[:, 0] == km[:, 1]).mean() > 0.95
            assert abs(km[:, 1].mean() / km[:, 0].mean() - 1.0) < 0.05


@cache
def many_known(address: str, value: float) -> CountyLines:
    """Months in which many are known to be exploited, and placements do not last, with one number changed."""
    settings = {
        **EVENTFUL, "care.foster_breaks": 3.0, "care.home_breaks": 6.0, "care.supported_breaks": 5.0, "lines.external": 9000.0, "services.intelligence": 1.5, "services.recognised": 0.8, address: value,
    }  # fmt: skip
    return ran(settings, fraction=0.035, days=130)


def found(model: CountyLines, *, known: bool) -> dict[str, np.ndarray]:
    """Beds found after day 1 for children known, or not known, to be exploited."""
    since = dict(zip(*(events(model, Event.IDENTIFIED)[name].tolist() for name in ("child", "day")), strict=True))
    placed = events(model, Event.PLACED)
    bed = np.isin(placed["cause"], (FOSTER, CHILDRENS_HOME, SUPPORTED)) & (placed["day"] > 1)
    is_known = np.array(
        [
            since.get(child, 1 << 30) < day
            for child, day in zip(placed["child"].tolist(), placed["day"].tolist(), strict=True)
        ]
    )
    return {name: column[bed & (is_known == known)] for name, column in placed.items()}


def test_a_child_who_is_known_to_be_exploited_is_refused_more_and_ends_further_away():
    seldom, often = (many_known("care.refusal_when_known", probability) for probability in (0.25, 0.9))
    few, many = (found(model, known=True) for model in (seldom, often))
    assert min(len(few["day"]), len(many["day"])) > 20
    assert many["detail"].mean() > 2 * few["detail"].mean()
    assert many["amount"].mean() > few["amount"].mean()
    unknown = [found(model, known=False)["detail"].mean() for model in (seldom, often)]
    assert abs(unknown[1] - unknown[0]) < 0.2 * (many["detail"].mean() - few["detail"].mean())


def test_a_child_who_is_known_to_be_exploited_is_placed_in_a_children_s_home_more_often():
    likewise, more = (many_known("care.known_to_homes", times_as_often) for times_as_often in (1.0, 20.0))
    placed = [found(model, known=True)["cause"] for model in (likewise, more)]
    assert min(len(settings) for settings in placed) > 20
    in_a_home = [np.mean(settings == CHILDRENS_HOME) for settings in placed]
    assert in_a_home[1] > in_a_home[0] + 0.2


def test_unaccompanied_children_are_mostly_boys_and_go_missing_most_in_their_first_days():
    model = ran(
        {
            **EVENTFUL,
            "unaccompanied.going_missing": 1.0,
            "missing.unevenness_care": 1.0,
            "unaccompanied.transferred": 0.0,
        },
        fraction=0.35,
        places=(KENT,),
        days=110,
    )
    arrived = events(model, Event.ARRIVED)
    here, came_today = rows_of(model, arrived["child"]), arrived["detail"] == 0
    assert came_today.sum() > 15
    assert model.children.columns["is_male"][here].mean() > 0.8
    assert set(arrived["child"][came_today].tolist()) <= set(events(model, Event.ENTERED_CARE)["child"].tolist())
    since = dict(zip(arrived["child"][came_today].tolist(), arrived["day"][came_today].tolist(), strict=True))
    went = events(model, Event.WENT_MISSING)
    days = np.array(
        [
            day - since[child]
            for child, day in zip(went["child"].tolist(), went["day"].tolist(), strict=True)
            if child in since
        ]
    )
    first, later = (days < 10).sum() / 10, ((days >= 10) & (days < 60)).sum() / 50
    assert first > 3 * later


@cache
def a_year() -> CountyLines:
    """A year of a part of the region, as it is."""
    return lived(world=world(0.18, days=365), seed=5)


def test_looked_after_children_go_missing_far_more_often_than_others():
    went = events(a_year(), Event.WENT_MISSING)
    cared_for = (went["detail"] & 8) > 0
    looked_after = a_year().ledger.table("stocks")["looked_after"].mean()
    others = a_year().ledger.table("stocks")["children"].mean() - looked_after
    assert cared_for.sum() / looked_after > 4 * (~cared_for).sum() / others


@pytest.mark.slow
def test_the_fuller_the_homes_the_fewer_children_find_a_bed_in_one():
    """A mechanical quantity, and so monotone."""
    with_more, with_fewer = (
        times(
            [lived(world=world(0.15, days=60), seed=5, parameters={"care.occupancy": occupancy})], Event.PLACED,
            where=lambda placed: (placed["day"] > 1) & (placed["agent"] > 0),
        )
        for occupancy in (0.8, 0.97)
    )  # fmt: skip
    assert with_more > with_fewer
