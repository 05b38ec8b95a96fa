"""Reporting: two records of what is true, and a protocol that changes the records alone shows as exactly that."""

from functools import cache

import numpy as np
import pytest

from sim import CountyLines
from sim.ledger import Event
from sim.missing import AUTHORITY, LOOKED_AFTER, POLICE
from tests.mechanisms.lively import LIVELY, made, moments, ran, times, twin
from tests.worlds import events

# Nothing follows from a record: nobody looks, nobody sees a sign in it, nobody asks.
WITHOUT_CONSEQUENCE = {
    **LIVELY,
    "reporting.search": 1e9,
    "reporting.search_line": 1e9,
    "services.episode_seen": 0.0,
    "services.discloses": 0.0,
}
TRUE = (Event.WENT_MISSING, Event.RETURNED)


def with_bits(*bits):
    return lambda rows: np.logical_and.reduce([(rows["detail"] & bit) > 0 for bit in bits])


@cache
def reported(care_police: float, search: bool) -> CountyLines:
    """Half a year in which carers report so often, and police search or do not."""
    return ran(
        {**(LIVELY if search else WITHOUT_CONSEQUENCE), "reporting.care_police": care_police}, fraction=0.015, days=100
    )


def test_a_protocol_that_reduces_reports_and_not_absences_shows_as_exactly_that():
    before, after = reported(0.9, False), reported(0.3, False)
    for event in TRUE:
        absences = [moments(events(model, event), "cause", "serial", "amount") for model in (before, after)]
        assert len(absences[0]) > 150 and absences[0] == absences[1]
    in_police_record, in_authority_s = (
        [times([model], Event.WENT_MISSING, where=with_bits(bit, LOOKED_AFTER)) for model in (before, after)]
        for bit in (POLICE, AUTHORITY)
    )
    assert in_police_record[1] < 0.45 * in_police_record[0]
    assert in_authority_s[0] == in_authority_s[1] > 20


@pytest.mark.slow
def test_where_reports_bring_searches_fewer_reports_mean_longer_absences_and_not_fewer():
    before, after = reported(0.9, True), reported(0.3, True)
    number = [times([model], Event.WENT_MISSING) for model in (before, after)]
    days = [
        events(model, Event.RETURNED)["amount"][with_bits(LOOKED_AFTER)(events(model, Event.RETURNED))].mean()
        for model in (before, after)
    ]
    recorded = [times([model], Event.WENT_MISSING, where=with_bits(POLICE, LOOKED_AFTER)) for model in (before, after)]
    assert abs(number[0] - number[1]) < 0.05 * number[0]
    assert days[1] > 1.03 * days[0]
    assert recorded[1] < 0.45 * recorded[0]


def test_an_authority_that_records_less_changes_its_own_record_alone():
    """Its practice is a dial of the authority: from the day on which it is turned its record has half as many, the police's has all."""
    usual = made(WITHOUT_CONSEQUENCE, fraction=0.015, days=100).run_to(30)
    halved = twin(usual)
    halved.missing.practice.hold(list(halved.world.authorities), 0.5, by="test")
    for model in (usual, halved):
        model.run_to(model.last_day)
    absences = [moments(events(model, Event.WENT_MISSING), "cause", "serial") for model in (usual, halved)]
    assert absences[0] == absences[1]
    record = {
        bit: [
            times([model], Event.WENT_MISSING, where=lambda rows, b=bit: with_bits(b)(rows) & (rows["day"] > 30))
            for model in (usual, halved)
        ]
        for bit in (POLICE, AUTHORITY)
    }
    assert record[POLICE][0] == record[POLICE][1]
    assert 0.3 < record[AUTHORITY][1] / record[AUTHORITY][0] < 0.7


def test_an_episode_is_in_either_record_in_both_or_in_neither():
    went = events(reported(0.9, True), Event.WENT_MISSING)
    police, authority, cared_for = ((went["detail"] & bit) > 0 for bit in (POLICE, AUTHORITY, LOOKED_AFTER))
    assert min((cared_for & (police == p) & (authority == a)).sum() for p in (0, 1) for a in (0, 1)) > 0
    assert not (authority & ~cared_for).any()


@pytest.mark.slow
def test_being_known_brings_more_reports():
    """A flag changes the chance of a report: the true number of episodes hardly moves, the recorded one does."""
    none, much = (
        ran(
            {**WITHOUT_CONSEQUENCE, "reporting.known": known, "reporting.home": 0.2, "services.intelligence": 0.5},
            fraction=0.015,
            days=100,
        )
        for known in (1.0, 3.0)
    )
    true = [moments(events(model, Event.WENT_MISSING), "cause", "serial") for model in (none, much)]
    assert true[0] == true[1]
    recorded = [times([model], Event.WENT_MISSING, where=with_bits(POLICE)) for model in (none, much)]
    assert recorded[1] > 1.1 * recorded[0]
