"""Recruitment: every way in matters by itself; friendships decide who is drawn in, not how many."""

import math
from functools import cache
from types import SimpleNamespace

import pytest

from sim import CountyLines
from sim.ledger import Event
from sim.population import BY_A_LINE, KINSHIP
from sim.recruitment import ONLINE, SCHOOL, STREET, Contact
from tests.mechanisms.lively import LIVELY, NORTH, made, ran, times
from tests.worlds import events

# Where most contacts reach nobody and most approaches lapse, each way in is felt at once, and not only in how soon a position is filled.
HARD_TO_REACH = {
    **LIVELY, "lines.external": 30000.0, "lines.internal": 15000.0, "lines.contacts": 60.0, "lines.relative_or_friend": 0.0,
    "recruitment.nobody": 8.0, "recruitment.peers": 6.0, "recruitment.siblings": 1.0, "recruitment.place": 1.0, "recruitment.looked_after": 1.0,
    "exploitation.approach_lapses": 1.5, "exploitation.threat": 0.2,
}  # fmt: skip
NOTHING_OF_IT = {
    "exploitation.money": 0.0, "exploitation.affection": 0.0, "exploitation.status": 0.0, "exploitation.threat": 0.0,
    "recruitment.peers": 1.0, "recruitment.place": 0.0,
}  # fmt: skip
OF_THE_SAME_KIND = ("exploitation.affection", "exploitation.status")  # as money
HOW = {"fraction": 0.02, "places": NORTH, "days": 80}
SEEDS = (1, 2)


@cache
def without(address: str = "") -> list[CountyLines]:
    """Three towns of the north in spring, with one way in closed."""
    closed = {address: NOTHING_OF_IT[address]} if address else {}
    return [ran({**HARD_TO_REACH, **closed}, seed=seed, **HOW) for seed in SEEDS]


def other_friends(address: str = "") -> list[CountyLines]:
    """The same England, but everybody has other friends."""
    closed = {address: NOTHING_OF_IT[address]} if address else {}

    class OtherFriends(CountyLines):
        def __init__(self, *given, **named):
            super().__init__(*given, **named, recoupled={"person.circle": 1})

    models = [made({**HARD_TO_REACH, **closed}, seed=seed, kind=OtherFriends, **HOW) for seed in SEEDS]
    return [model.run_to(model.last_day) for model in models]


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(address, marks=pytest.mark.slow) if address in OF_THE_SAME_KIND else address
        for address in NOTHING_OF_IT
    ],
)
@pytest.mark.slow
def test_each_way_in_closed_alone_lowers_recruitment(address):
    as_it_is, closed = times(without(), Event.RECRUITED), times(without(address), Event.RECRUITED)
    assert closed < 0.97 * as_it_is


def test_shuffled_friendships_change_who_and_not_how_many():
    before, after = without(), other_friends()
    for one, other in zip(before, after, strict=True):
        who = [set(events(model, Event.RECRUITED)["child"].tolist()) for model in (one, other)]
        assert len(who[0] - who[1]) > 5
    number = [times(models, Event.RECRUITED) for models in (before, after)]
    assert abs(number[0] - number[1]) < 3.0 * math.sqrt(number[0])


def test_where_friends_do_not_matter_it_does_not_matter_who_they_are():
    closed = "recruitment.peers"
    assert [model.ledger.digest() for model in without(closed)] == [
        model.ledger.digest() for model in other_friends(closed)
    ]


def test_a_child_who_lives_with_relatives_elsewhere_is_not_met_on_the_streets_at_home():
    """It can be met online alone; who lives with relatives in its own authority is met as at home."""
    model = ran({**LIVELY, "care.stock_young_kinship": 4.0, "care.stock_older_kinship": 4.0}, fraction=0.05, days=10)
    children, inside = model.children, model.placements.table.members()
    of_kin = inside[children.setting[inside] == KINSHIP]
    elsewhere = of_kin[model.placements.where(of_kin) != children.authority[of_kin]]
    assert len(elsewhere) > 10 and len(elsewhere) < len(of_kin)

    def met(venue: int) -> set[int]:
        contacts = [Contact(recruiter, n, place, venue, BY_A_LINE, 1.0) for place in model.world.authorities for n in range(3000)]
        return set(model.recruitment._in_reach(contacts)[0].tolist())

    recruiter = SimpleNamespace(key=7)
    for venue in (STREET, SCHOOL):
        assert not met(venue) & set(elsewhere.tolist())
        assert met(venue) & set(of_kin.tolist())
    assert met(ONLINE) & set(elsewhere.tolist())
