"""Distance: contact in person and by phone, ties, running home, lines that follow, and being found where one was moved to, each by itself."""

from functools import cache

import numpy as np
import pytest

from experiments.measures.story import Story, Window
from experiments.published.crude import crude_ratio_out_of_area_homes
from sim import CountyLines
from sim.ledger import TABLES, Event
from sim.missing import LINE_CONTACT
from sim.placements import FAR_KM
from sim.population import BOUND, FAMILY, LINE, WORKING
from tests.mechanisms.lively import LIVELY, NORTH, made, ran, times
from tests.worlds import events, scenario, world

# Many in care, many of these far away, many on lines.
FAR_AWAY = {
    **LIVELY, "recruitment.looked_after": 12.0, "recruitment.home": 0.3, "care.homes_outside": 1.7, "care.reach_km": 40.0, "care.reach_decay": 1.5, "care.foster_breaks": 2.0,
    "care.home_breaks": 4.0, "care.supported_breaks": 4.0, "missing.family": 1.0, "missing.unevenness_care": 1.0, "exploitation.tries": 0.03,
}  # fmt: skip


@cache
def spring(places: tuple[int, ...] = NORTH, **changed: float) -> CountyLines:
    """Four months, with some numbers changed (a double underscore stands for the point)."""
    return ran(
        {**FAR_AWAY, **{address.replace("__", "."): value for address, value in changed.items()}},
        fraction=0.05,
        places=places,
        days=120,
    )


def episodes(model: CountyLines, cause: int, far: bool) -> int:
    """Episodes of looked-after children with a cause, from a placement over twenty miles from home, or nearer."""
    placed = events(model, Event.PLACED)
    went = events(model, Event.WENT_MISSING)
    last: dict[int, list[tuple[int, float]]] = {}
    for child, day, km in zip(*(placed[name].tolist() for name in ("child", "day", "amount")), strict=True):
        last.setdefault(child, []).append((day, km))
    mine = (went["cause"] == cause) & ((went["detail"] & 8) > 0)
    at = [
        [km for since, km in last.get(child, []) if since <= day][-1:]
        for child, day in zip(went["child"][mine].tolist(), went["day"][mine].tolist(), strict=True)
    ]
    return sum(bool(km) and (km[0] > FAR_KM) == far for km in at)


@pytest.mark.parametrize(("address", "cause", "less", "more"), [
    ("distance__contact_in_person", LINE, 0.05, 1.2), pytest.param("distance__contact_by_phone", LINE, 0.05, 1.5, marks=pytest.mark.slow), ("missing__family_when_far", FAMILY, 0.2, 3.0),
])  # fmt: skip
@pytest.mark.slow
def test_what_distance_does_it_does_to_children_far_away(address, cause, less, more):
    little, much = spring(**{address: less}), spring(**{address: more})
    far, near = ([episodes(model, cause, where) for model in (little, much)] for where in (True, False))
    assert far[1] > 1.25 * far[0] and near[0] > 10
    assert abs(near[1] - near[0]) < 0.2 * near[0]


def test_contact_is_held_for_those_who_are_far_away_and_on_a_line():
    model = spring(distance__contact_in_person=0.2)
    rows = model.children.select(lambda c: (c.stage == WORKING) | (c.stage == BOUND)).rows
    far = model.distance.is_far(rows)
    assert far.sum() > 3 and (~far).sum() > 20
    for row, is_far in zip(rows.tolist(), far.tolist(), strict=True):
        assert model.levers.holders(LINE_CONTACT, row).get("distance") == (model.distance.usual[0] if is_far else None)


@pytest.mark.slow
def test_a_line_may_follow_a_child_and_seek_where_it_was_moved_to():
    never, always = spring(distance__line_follows=0.0), spring(distance__line_follows=1.0, recruitment__at_outlet=0.9)
    assert times([never], Event.LINE_FOLLOWED) == 0
    followed = events(always, Event.LINE_FOLLOWED)
    assert len(followed["day"]) > 2
    inside = set(followed["place"].tolist()) & set(NORTH)
    outlets = {(key, place) for key, place in zip(followed["agent"].tolist(), followed["place"].tolist(), strict=True)}
    met = events(always, Event.APPROACHED)
    assert (
        any((line, place) in outlets for line, place in zip(met["agent"].tolist(), met["place"].tolist(), strict=True))
        or not inside
    )


@pytest.mark.slow
def test_friends_at_home_count_less_for_a_child_far_away_the_fewer_ties_are_kept():
    none, all_kept = spring(distance__ties_kept=0.0), spring(distance__ties_kept=1.0)
    rows = none.children.select(lambda c: c.care_slot >= 0).rows
    far = none.distance.is_far(rows)
    assert far.sum() > 10 and (none.distance.keeps_ties(rows) == ~far).all()
    assert all_kept.distance.keeps_ties(all_kept.children.select(lambda c: c.care_slot >= 0).rows).all()


def test_being_relocated_has_numbers_of_its_own_which_take_the_place_of_the_usual_ones():
    """Of the three estimands two are never at work together: a relocated child has the policy's contact, others who are far the usual one."""
    moved = scenario(
        {"relocation": {"coverage": 1.0, "moves_a_year": 500.0, "contact": 0.31, "fidelity": 1.0, "line_follows": 0.0}}, begins=2
    )
    model = made(
        {**FAR_AWAY, "services.intelligence": 0.6, "distance.contact_in_person": 0.2},
        scenario=moved,
        fraction=0.05,
        places=NORTH,
        days=120,
    ).run_to(120)
    (policy,) = model.policies
    held = {
        row: model.levers.holders(LINE_CONTACT, row).get("distance")
        for row in model.exploitation.members_working().tolist()
    }
    relocated = {row: at for row, at in held.items() if row in policy.relocated}
    others = {at for row, at in held.items() if row not in policy.relocated and at is not None}
    assert len(relocated) > 3 and set(relocated.values()) == {0.31}
    assert others == {model.distance.usual[0]}


EFFECTS = {
    "nothing": {},
    "protects": {"missing.family_when_far": 0.5, "distance.contact_in_person": 0.2, "distance.contact_by_phone": 0.6},
    "harms": {"missing.family_when_far": 2.0, "distance.contact_in_person": 1.2, "distance.contact_by_phone": 1.5},
}


@cache
def crude_ratio(effect: str) -> float:
    """Children in homes recorded missing out of area over those in area, as it was published, in the region in the year after a warm-up."""
    nothing = {
        "missing.family_when_far": 1.0, "recruitment.newcomer": 1.0, "distance.line_follows": 0.0, "distance.contact_in_person": 1.0,
        "distance.contact_by_phone": 1.0, "distance.ties_kept": 1.0,
    }  # fmt: skip
    ratios = []
    for seed in (1, 2, 3):
        model = ran({**nothing, **EFFECTS[effect]}, where=world(1.0, warm_up=365, days=365), seed=seed, days=730)
        story = Story({name: model.ledger.table(name) for name in TABLES})
        ratios.append(crude_ratio_out_of_area_homes(story, Window(366, 730)))
    return float(np.mean(ratios))


@pytest.mark.slow
@pytest.mark.parametrize("effect", EFFECTS)
def test_the_crude_ratio_out_of_area_to_in_area_comes_out_below_one_whatever_distance_does(effect):
    """A flow of a year over a stock of a day, of children who differ: a pattern, which says nothing of the effect."""
    assert 0.4 < crude_ratio(effect) < 0.95


@pytest.mark.slow
@pytest.mark.xfail(
    raises=AssertionError,
    reason="open: need, refusal and recording bring the ratio to about 0.8, not to the 0.4 to 0.6 that was published",
)
def test_the_crude_ratio_comes_out_as_low_as_it_was_published_where_distance_does_nothing():
    assert 0.4 < crude_ratio("nothing") < 0.6
