"""Services: interviews by need and then by lot as far as capacity goes; what an agency sees is a signal that agency holds."""

from collections import Counter

import numpy as np
import pytest

from sim import CountyLines
from sim.costs import HELP
from sim.dates import is_working_day
from sim.exploitation import GETTING_OUT_OF_IT
from sim.ledger import Event
from sim.missing import AUTHORITY, POLICE
from sim.other_exploitation import GETTING_OUT_OTHERWISE
from sim.placements import ENTERING_CARE
from sim.places import read_places
from sim.population import AT_HOME, BY_OTHERS, GROOMED, NEVER, NOT_INVOLVED, SEXUALLY, WORKING
from sim.services import (
    ALL,
    CRIMINAL_FACTOR,
    DISCLOSURE,
    EDUCATION,
    EPISODE,
    GANG_FACTOR,
    HEALTH,
    HOSPITAL,
    INTELLIGENCE,
    MET,
    POLICE_FORCE,
    SCHOOL,
    SEXUAL_FACTOR,
    SIGNALS,
    SOCIAL_CARE,
    WAITING_DAYS,
)
from tests.worlds import EVENTFUL, REGION, events, lived, world

KENT = read_places().index("Kent")
LOOKED_AFTER_FIRST, OTHERS = 0, 1


@pytest.fixture
def model() -> CountyLines:
    """5 April 2025 before anything has happened, nobody waiting for an interview."""
    model = lived(world=world(0.05, days=60), parameters=EVENTFUL, until=4)
    model.day += 1
    for team in model.services.teams.values():
        team.queue.clear()
    return model


@pytest.fixture(scope="module")
def half_year() -> CountyLines:
    hurt = {"harm.injury": 0.05, "harm.admitted": 0.4, "services.hospital_sees": 0.7}
    return lived(world=world(0.08, days=180), parameters=EVENTFUL | hurt, seed=8)


def request(model, row: int, need: int, lot: float, *, earliest: int = 0, returned_on: int = 3, serial: int = 1, by: str = ""):
    """A child who waits for an interview."""
    return (need, lot, int(model.children.key[row]), row, earliest, returned_on, 0, serial, by)


def at_hand(model, number: int) -> list[int]:
    """Children of Kent who are not away."""
    return model.children.select(lambda c: (c.authority == KENT) & ~c.is_missing).rows[:number].tolist()


def a_day(model, team) -> None:
    """The team's working day."""
    model.services._interview(team.step())


def interviewed(model) -> list[int]:
    """The children interviewed so far today."""
    held = events(model, Event.INTERVIEWED)
    return held["child"][held["day"] == model.day].tolist()


# -- return interviews -----------------------------------------------------------------------------------------------------


def test_interviews_are_held_by_need_then_by_lot_as_far_as_capacity_goes(model):
    team, rows = model.services.teams[KENT], at_hand(model, 6)
    lots = (0.9, 0.1, 0.5, 0.2, 0.8, 0.3)
    needs = (OTHERS, OTHERS, LOOKED_AFTER_FIRST, OTHERS, LOOKED_AFTER_FIRST, OTHERS)
    team.queue = [request(model, row, need, lot) for row, need, lot in zip(rows, needs, lots, strict=True)]
    team.a_day, team.credit = 3.0, 0.0
    a_day(model, team)
    assert set(interviewed(model)) == {int(model.children.key[rows[i]]) for i in (2, 4, 1)}
    assert {item[3] for item in team.queue} == {rows[i] for i in (0, 3, 5)}
    a_day(model, team)
    assert len(interviewed(model)) == 6 and not team.queue


def test_capacity_that_is_not_used_is_kept_for_three_days_at_most(model):
    team, rows = model.services.teams[KENT], at_hand(model, 20)
    team.a_day, team.credit, team.queue = 2.0, 0.0, []
    for _ in range(10):
        a_day(model, team)
    team.queue = [request(model, row, OTHERS, lot) for row, lot in zip(rows, np.linspace(0, 1, 20).tolist(), strict=True)]
    a_day(model, team)
    assert len(interviewed(model)) == 6


def test_a_small_team_holds_an_interview_when_enough_days_have_passed(model):
    team, rows = model.services.teams[KENT], at_hand(model, 5)
    team.a_day, team.credit = 0.25, 0.0
    team.queue = [request(model, row, OTHERS, 0.1 * i) for i, row in enumerate(rows)]
    held = []
    for _ in range(8):
        a_day(model, team)
        held.append(len(interviewed(model)))
    assert held == [0, 0, 0, 1, 1, 1, 1, 2]


def test_a_child_who_cannot_be_met_yet_or_is_away_again_waits_and_one_who_has_left_does_not(model):
    team, rows = model.services.teams[KENT], at_hand(model, 4)
    team.a_day, team.credit = 10.0, 0.0
    team.queue = [
        request(model, rows[0], OTHERS, 0.1, earliest=model.day + 2),
        request(model, rows[1], OTHERS, 0.2),
        request(model, rows[2], OTHERS, 0.3),
        request(model, rows[3], OTHERS, 0.4),
    ]
    model.children.columns["missing_slot"][rows[1]] = 0
    model.children.columns["is_present"][rows[2]] = False
    team.let_lapse()
    a_day(model, team)
    assert interviewed(model) == [int(model.children.key[rows[3]])]
    assert [item[3] for item in team.queue] == [rows[0], rows[1]]


def test_what_waits_too_long_lapses(model):
    team, rows = model.services.teams[KENT], at_hand(model, 2)
    team.queue = [
        request(model, rows[0], OTHERS, 0.1, returned_on=model.day - WAITING_DAYS - 1),
        request(model, rows[1], OTHERS, 0.2, returned_on=model.day - WAITING_DAYS),
    ]
    team.let_lapse()
    lapsed = events(model, Event.INTERVIEW_LAPSED)
    assert lapsed["child"][lapsed["day"] == model.day].tolist() == [int(model.children.key[rows[0]])]
    assert [item[3] for item in team.queue] == [rows[1]]


def test_teams_are_sized_by_the_children_whom_the_authority_looks_after(model):
    p, places = model.parameters["services"], read_places()
    for place, team in model.services.teams.items():
        assert team.a_day == pytest.approx(p.interviewers * places.looked_after_10_17[place] * 0.05 / 1000)
    for place, team in model.services.specialists.items():
        assert team.places == pytest.approx(max(1.0, p.help_places * places.looked_after_10_17[place] * 0.05 / 1000))


def test_interviewers_who_are_added_hold_more_and_only_where_they_are(model):
    held = []
    for place in (KENT, REGION.authorities[0]):
        team = model.services.teams[place]
        rows = model.children.select(lambda c, place=place: (c.authority == place) & ~c.is_missing).rows[:9].tolist()
        team.a_day, team.credit = 2.0, 0.0
        team.queue = [request(model, row, OTHERS, 0.1) for row in rows]
    model.services.interviewers.hold([KENT], 2.0, by="test")
    for place in (KENT, REGION.authorities[0]):
        before = len(interviewed(model))
        a_day(model, model.services.teams[place])
        held.append(len(interviewed(model)) - before)
    assert held == [4, 2]


def test_no_interviews_on_a_bank_holiday_or_at_a_weekend(half_year):
    held = events(half_year, Event.INTERVIEWED)["day"].tolist()
    assert held and all(is_working_day(day) for day in held)


def test_within_72_hours_is_within_three_days_of_the_return(half_year):
    held, back = events(half_year, Event.INTERVIEWED), events(half_year, Event.RETURNED)
    returned = {(c, s): d for c, s, d in zip(back["child"].tolist(), back["serial"].tolist(), back["day"].tolist(), strict=True)}
    waits = [d - returned[c, s] for c, s, d in zip(held["child"].tolist(), held["serial"].tolist(), held["day"].tolist(), strict=True)]
    assert len(waits) > 100 and min(waits) >= 1
    assert [wait <= 3 for wait in waits] == ((held["detail"] & 1) > 0).tolist()
    assert 0.3 < np.mean([wait <= 3 for wait in waits]) < 1.0


def test_interviews_are_offered_after_recorded_episodes_at_the_declared_share():
    """With interviewers in plenty, accepted offers become interviews, less often for a child placed in another authority."""
    model = lived(world=world(0.25, days=120), seed=3, parameters={"services.interviewers": 20.0})
    p = model.parameters["services"]
    back, held = events(model, Event.RETURNED), events(model, Event.INTERVIEWED)
    recorded = ((back["detail"] & (POLICE | AUTHORITY)) > 0) & (back["day"] < 100)
    had = set(zip(held["child"].tolist(), held["serial"].tolist(), strict=True))
    got = np.array([key in had for key in zip(back["child"].tolist(), back["serial"].tolist(), strict=True)])
    outside = back["place"] != back["home"]
    assert not got[(back["detail"] & (POLICE | AUTHORITY)) == 0].any()
    by_place = model.services.offered[back["home"]]  # authorities differ
    assert np.std(by_place) > 0.01 and np.mean(model.services.offered.usual) == pytest.approx(p.offered, rel=0.05)
    for away, times in ((False, p.accepted), (True, p.offered_outside * p.accepted)):
        mine = recorded & (outside == away)
        share, expected = got[mine].mean(), times * by_place[mine].mean()
        assert expected - 0.12 < share < expected + 4.5 * np.sqrt(expected / mine.sum())  # some lapse, or have left


# -- signals and identification --------------------------------------------------------------------------------------------

HELD = {POLICE_FORCE: "signals_police", SOCIAL_CARE: "signals_care", EDUCATION: "signals_education", HEALTH: "signals_health"}


def test_a_signal_is_held_by_the_agency_that_saw_it(half_year):
    told = events(half_year, Event.SIGNAL)
    columns = half_year.children.columns
    for agency, held in HELD.items():
        number = Counter(told["child"][told["cause"] == agency].tolist())
        assert sum(number.values()) > (3 if agency == HEALTH else 10)
        assert {key: n for key, n in zip(columns["key"].tolist(), columns[held].tolist(), strict=True) if n} == number
    for kind, agencies in {
        EPISODE: {POLICE_FORCE, SOCIAL_CARE}, MET: {POLICE_FORCE}, DISCLOSURE: {SOCIAL_CARE}, SCHOOL: {EDUCATION}, HOSPITAL: {HEALTH},
        INTELLIGENCE: {POLICE_FORCE},
    }.items():  # fmt: skip
        assert set(told["cause"][told["detail"] == kind].tolist()) == agencies, SIGNALS[kind]


def test_only_exploited_children_give_signs_and_each_is_identified_once(half_year):
    identified = events(half_year, Event.IDENTIFIED)
    approached = events(half_year, Event.APPROACHED, Event.RECRUITED, Event.PRESSED, Event.OTHERWISE_APPROACHED)
    assert len(set(identified["child"].tolist())) == len(identified["child"]) > 20
    assert set(identified["child"].tolist()) <= set(events(half_year, Event.SIGNAL)["child"].tolist()) <= set(approached["child"].tolist())
    known = half_year.children.select(lambda c: c.is_identified)
    still_here = np.isin(identified["child"], half_year.children.get("key"))
    assert sorted(known.key.tolist()) == sorted(identified["child"][still_here].tolist())
    days = dict(zip(identified["child"].tolist(), identified["day"].tolist(), strict=True))
    assert all(days[child.key] == child.identified_on for child in known)


def groomed(share_of_world: float = 0.1, **parameters) -> tuple[CountyLines, np.ndarray]:
    """A model in which thousands of children are taken for groomed by a line, for their signals' sake."""
    model = lived(world=world(share_of_world, days=300), until=3, parameters={f"services.{name}": value for name, value in parameters.items()})
    rows = model.children.select(lambda c: ~c.is_exploited & ~c.is_missing).rows[:6000]
    model.children.columns["stage"][rows] = GROOMED
    return model, rows


def agrees(share: float, expected: float, number: int) -> bool:
    return abs(share - expected) < 4.5 * np.sqrt(expected * (1 - expected) / number) + 1e-12


@pytest.mark.parametrize("agency", HELD)
def test_each_signal_is_recognised_at_the_declared_probability_and_girls_on_lines_are_believed_less(agency):
    model, rows = groomed(shared=0.1)
    p, male = model.parameters["services"], model.children.is_male[rows]
    for signals in (1, 2, 3):
        model.services.signal(rows, agency, EPISODE)
        known = model.children.identified_on[rows] > NEVER
        for some, believed in ((male, 1.0), (~male, p.girls_on_lines)):
            assert agrees(known[some].mean(), 1.0 - (1.0 - p.recognised * believed) ** signals, int(some.sum()))


def test_of_the_forms_of_exploitation_the_one_believed_most_counts():
    model, rows = groomed()
    p, columns = model.parameters["services"], model.children.columns
    columns["stage"][rows] = NOT_INVOLVED
    sexual, otherwise, both = rows[::3], rows[1::3], rows[2::3]
    columns["other_forms"][sexual], columns["other_forms"][otherwise] = 1 << SEXUALLY, 1 << BY_OTHERS
    columns["other_forms"][both] = 1 << SEXUALLY | 1 << BY_OTHERS
    model.services.signal(rows, POLICE_FORCE, EPISODE)
    for those, boys, girls in ((sexual, p.boys_sexually, 1.0), (otherwise, p.otherwise, p.otherwise), (both, max(p.boys_sexually, p.otherwise), 1.0)):
        for is_male, believed in ((True, boys), (False, girls)):
            some = those[model.children.is_male[those] == is_male]
            assert agrees((model.children.identified_on[some] > NEVER).mean(), p.recognised * believed, len(some))
    named = events(model, Event.FORM_NAMED)
    assert set(named["cause"].tolist()) == {SEXUALLY, BY_OTHERS} and (named["cause"] == SEXUALLY).sum() > len(rows) * 0.1
    referred = events(model, Event.REFERRED)["child"]
    assert not np.isin(referred, model.children.key[rows]).any(), "no line exploits these"


def test_what_is_shared_becomes_known_to_all_once_and_not_before_tomorrow():
    """Two agencies with one signal each about children who need two."""
    model, rows = groomed(shared=0.1, sharing_days=90.0)
    services, columns = model.services, model.children.columns
    rows = rows[services._needed(rows) == 2.0]
    for agency in (POLICE_FORCE, SOCIAL_CARE):
        services.signal(rows, agency, EPISODE)
    services.sharing.clear()
    assert (columns["identified_on"][rows] == NEVER).all() and (columns["signals_pooled"][rows] == 0).all()
    ones = np.ones(len(rows), dtype=np.int64)
    for by in ("one", "another"):
        services.share(rows, POLICE_FORCE, ones, 0.0, by=by)
    services.share(rows[::2], SOCIAL_CARE, ones[::2], 0.0, by="one")
    services._share()
    assert (columns["signals_pooled"][rows] == 0).all()
    model.day += 1
    services._share()
    services._identify_if_enough()
    assert (columns["signals_pooled"][rows[1::2]] == 1).all(), "one signal counts once, whoever shares it"
    assert (columns["signals_pooled"][rows[::2]] == 2).all()
    assert ((columns["identified_on"][rows] == model.day) == (columns["signals_pooled"][rows] == 2)).all()
    told = events(model, Event.IDENTIFIED)
    assert set(told["cause"][np.isin(told["child"], columns["key"][rows])].tolist()) == {ALL}


def test_where_signals_are_not_pooled_sharing_changes_nothing():
    model, rows = groomed(needs_pooling=0, shared=0.7)
    model.services.signal(rows, POLICE_FORCE, EPISODE)
    model.services.share(rows, POLICE_FORCE, np.ones(len(rows), dtype=np.int64), 0.0, by="test")
    assert not model.services.sharing


# -- what follows from being identified ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def identified() -> tuple[CountyLines, np.ndarray]:
    """Thousands of groomed children who were identified this evening."""
    model, rows = groomed()
    for _ in range(8):
        model.services.signal(rows, POLICE_FORCE, EPISODE)
    known = rows[model.children.identified_on[rows] > NEVER]
    assert len(known) > 0.9 * len(rows)
    return model, known


def test_an_identified_child_is_assessed_and_referred_at_the_declared_shares(identified):
    model, known = identified
    p, keys = model.parameters["services"], model.children.key[known]
    assessed, referred = events(model, Event.ASSESSED), events(model, Event.REFERRED)["child"]
    mine = np.isin(assessed["child"], keys)
    assert agrees(mine.sum() / len(known), p.assessed, len(known))
    assert agrees(np.isin(keys, referred).mean(), p.referred, len(known))
    factors = assessed["detail"][mine]
    assert ((factors & CRIMINAL_FACTOR) > 0).all() and not (factors & SEXUAL_FACTOR).any()
    assert agrees(((factors & GANG_FACTOR) > 0).mean(), p.gang_named, len(factors))
    again = np.array([row for day, rows in model.services.again.items() for row in rows if day > model.day])
    assert sorted(again[np.isin(again, known)].tolist()) == sorted(known[np.isin(keys, assessed["child"][mine])].tolist()), "each has a day of the next assessment"


def test_some_wait_for_the_specialist_team_which_helps_as_many_as_it_has_places_for(identified):
    model, known = identified
    p, services = model.parameters["services"], model.services
    waiting = {item[3] for team in services.specialists.values() for item in team.queue}
    assert agrees(np.isin(known, list(waiting)).mean(), p.helped, len(known))
    team = services.specialists[KENT]
    team.queue = team.queue[:40]
    rows = [item[3] for item in team.queue]
    model.children.columns["stage"][rows[7]] = WORKING
    services._queue_for_help(np.array(rows[7:8]))
    del team.queue[7]
    team.places, team.helping = 5.0, 0
    services.help_places.hold([KENT], 1.4, by="test")
    order = [item[3] for item in sorted(team.queue)]
    assert order[0] == rows[7], "who works a line comes first"
    team.step()
    assert team.helping == 7 and team.free == 0 and [item[3] for item in team.queue] == order[7:]
    first = np.array(order[:7])
    assert (model.levers.value(GETTING_OUT_OF_IT, first) == p.help_works).all()
    assert (model.levers.value(GETTING_OUT_OTHERWISE, first) == p.help_works).all()
    services._end_help([*services.help_ends.pop(model.day + p.help_days), order[0]])
    assert team.helping == 0 and team.free == 7, "each place is free once"
    model.levers.release_due(model.day + p.help_days, np.empty(0, dtype=np.int64))
    assert (model.levers.value(GETTING_OUT_OF_IT, first) == 1.0).all()


def test_a_child_identified_at_home_enters_care_sooner_for_a_time(identified):
    model, known = identified
    p, at_home = model.parameters["services"], model.children.setting[known] == AT_HOME
    assert (model.levers.value(ENTERING_CARE, known) == np.where(at_home, p.enters_care, 1.0)).all() and not at_home.all()


def test_a_second_worker_on_one_day_is_billed_too(model):
    rows = np.array(at_hand(model, 1))

    def billed() -> float:
        bills = model.ledger.table("bills")
        return float(bills["pounds"][bills["item"] == HELP].sum())

    before = billed()
    model.today.turn()
    for by in ("help to get out", "another"):
        model.services.help(rows, by=by)
    model.costs.charge()
    assert billed() - before == pytest.approx(2 * model.costs.helping)
