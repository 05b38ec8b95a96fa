"""Recruitment: every way in matters by itself; friendships decide who is drawn in, not how many."""

import math
from functools import cache

import pytest

from sim import CountyLines
from sim.ledger import Event
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
