"""Recruitment: each child in reach has its weight over the sum of weights, whoever else is there; vacancies set how often it is tried."""

from collections import Counter

import numpy as np
import pytest

from sim import CountyLines
from sim.dates import is_school_day
from sim.ledger import Event
from sim.lines import ADULT, ELSEWHERE, PAUSED, SEEKS
from sim.places import read_places
from sim.population import (
    APPROACHED,
    AT_HOME,
    BY_A_LINE,
    CHILDRENS_HOME,
    CUSTODY,
    FOSTER,
    KINSHIP,
    MAINSTREAM,
    NOT_INVOLVED,
    SUPPORTED,
    SUSPENDED,
    WITH_PARENTS,
    band_of,
)
from sim.recruitment import BEING_FOUND, HOME, ONLINE, SCHOOL, STREET, VENUES, Contact
from sim.world import CORNERS
from tests.worlds import EVENTFUL, REGION, events, lived, number, world

PLACES = read_places()
KENT, GREENWICH = PLACES.index("Kent"), PLACES.index("Greenwich")


@pytest.fixture
def model() -> CountyLines:
    return lived(world=world(0.05, days=60), parameters=EVENTFUL | {"recruitment.newcomer": 2.0, "recruitment.peers": 2.5}, until=5)


@pytest.fixture(scope="module")
def half_year() -> CountyLines:
    return lived(world=world(0.08, days=180), parameters=EVENTFUL, seed=4)


# -- the weight of a child -----------------------------------------------------------------------------------------------


def plain_weight(model, child, place: int, known: float) -> float:
    """One child's weight for a line, rule by rule."""
    p, homes = model.parameters["recruitment"], model.placements.homes
    row = np.array([child.row])
    if child.stage != NOT_INVOLVED or child.is_missing or child.setting == CUSTODY or child.in_hospital_until > model.day:
        return 0.0
    weight = float(child.exposure)
    weight *= (p.at_10_12, p.at_13_14, p.at_15, p.at_16_17)[int(band_of(child.age))]
    weight *= 1.0 if child.is_male else p.girls
    weight *= 1.0 if child.schooling == MAINSTREAM else p.out_of_school
    weight *= known if child.is_identified else 1.0
    mean = (PLACES.imd_score * PLACES.population_10_17).sum() / PLACES.population_10_17.sum()
    weight *= 1.0 + p.place * (PLACES.imd_score[child.authority] / mean - 1.0)
    others = [c for c in model.children.select(lambda c: c.is_on_a_line) if c.row != child.row]
    peer = any(c.circle == child.circle >= 0 for c in others) and bool(model.distance.keeps_ties(row)[0])
    if child.care_slot >= 0:
        home = int(model.placements.table.home[child.care_slot])
        peer |= home >= 0 and any(c.row in homes[home].residents for c in others)
        weight *= p.looked_after
        if child.authority != place:
            weight *= p.newcomer
    household = model.demography.household(row)[0]
    sibling = any(model.demography.household(np.array([c.row]))[0] == household for c in others)
    return weight * (p.peers if peer else 1.0) * (p.siblings if sibling else 1.0)


def weights(model, rows, place: int, known: float = 1.0):
    """The weight of each of `rows` in a contact of a line."""
    return model.recruitment.weights(rows, np.full(len(rows), place)) * model.recruitment._weights_for_a_line(rows, np.full(len(rows), known))


def test_weights_are_the_rules_one_by_one(model):
    model.recruitment.note_residents()
    children, demography = model.children, model.demography
    working = children.select(lambda c: c.is_on_a_line)
    friends = children.select(lambda c: np.isin(c.circle, working.circle)).rows
    siblings = children.rows[np.isin(demography.household(children.rows), demography.household(working.rows))]
    cared_for = children.select(lambda c: c.is_looked_after).rows
    special = children.select(lambda c: c.is_missing | c.is_identified | (c.schooling != MAINSTREAM) & (c.key % 8 == 0)).rows
    rows = np.unique(np.concatenate((children.rows[::80], friends, siblings, cared_for[::3], working.rows, special)))
    assert len(working) > 3 < len(siblings) - len(working)
    for place, known in ((KENT, 1.0), (GREENWICH, 0.4)):
        expected = [plain_weight(model, children.view(row), place, known) for row in rows.tolist()]
        assert weights(model, rows, place, known) == pytest.approx(expected, rel=1e-6)
    assert sum(weight > 0 for weight in expected) > 50


def contest(model, rows, usual: float, contacts: int):
    """Whom each of so many contacts of one recruiter reaches, where the same children are in reach of all."""
    made = [Contact(model.lines.lines[0].recruiter, n, KENT, STREET, BY_A_LINE, 1.0) for n in range(contacts)]
    everybody = np.tile(rows, contacts), np.repeat(np.arange(contacts), len(rows)), np.full(contacts, usual)
    model.recruitment._in_reach = lambda _: everybody
    return np.array(model.recruitment._choose(made))


def test_each_child_s_chance_is_its_weight_over_the_sum_of_weights_and_nobody_s(model):
    """Thousands of contacts with the same forty children."""
    p, contacts, usual = model.parameters["recruitment"], 8_000, 40.0
    rows = model.children.select(lambda c: (c.authority == KENT) & (c.setting == AT_HOME) & (c.stage == NOT_INVOLVED)).rows[:40]
    weight = weights(model, rows, KENT)
    met = Counter(contest(model, rows, usual, contacts).tolist())
    chances = np.append(weight, p.nobody * usual) / (weight.sum() + p.nobody * usual)
    found = np.array([met[row] for row in [*rows.tolist(), -1]]) / contacts
    assert (np.abs(found - chances) < 4.5 * np.sqrt(chances * (1 - chances) / contacts) + 1e-9).all()
    assert chances.max() > 0.05


def test_a_contact_s_child_does_not_depend_on_who_else_is_there(model):
    """Take others away and whoever was chosen is chosen still; the order of the rows does not matter."""
    rows = model.children.select(lambda c: (c.authority == KENT) & (c.stage == NOT_INVOLVED)).rows[:200]
    chosen, fewer = contest(model, rows, 0.001, 300), rows[::2]
    still = np.isin(chosen, fewer)
    assert 50 < still.sum() < 250 and (contest(model, fewer, 0.001, 300)[still] == chosen[still]).all()
    assert (contest(model, rows[::-1].copy(), 0.001, 300) == chosen).all()


def test_a_lever_on_being_found_changes_the_weight_in_the_contest(model):
    rows = model.children.select(lambda c: (c.authority == KENT) & (c.stage == NOT_INVOLVED)).rows[:30]
    rows = rows[weights(model, rows, KENT) > 0]
    row = int(rows[np.argsort(weights(model, rows, KENT))[len(rows) // 2]])
    before = (contest(model, rows, 1.0, 1500) == row).sum()
    model.levers.hold(BEING_FOUND, np.array([row]), at=20.0, until=100, by="test")
    assert (contest(model, rows, 1.0, 1500) == row).sum() > 5 * max(before, 1)


def test_two_contacts_of_one_form_on_one_day_do_not_reach_the_same_child(model):
    rows = model.children.select(lambda c: (c.authority == KENT) & (c.stage == NOT_INVOLVED) & (c.exposure > 0.5)).rows[:2]
    line = model.lines.lines[0]
    model.recruitment.contacts = [Contact(line.recruiter, 10**6 + n, KENT, STREET, BY_A_LINE, 1.0) for n in range(5)]
    model.recruitment._in_reach = lambda made: (np.tile(rows, len(made)), np.repeat(np.arange(len(made)), 2), np.full(len(made), 1e-9))
    model.recruitment._meet()
    approached = events(model, Event.APPROACHED)
    mine = np.isin(approached["child"], model.children.key[rows]) & (approached["day"] == model.day)
    assert sorted(approached["child"][mine].tolist()) == sorted(model.children.key[rows].tolist())
    failed = events(model, Event.CONTACT_FAILED)
    assert (failed["serial"] >= 10**6).sum() == 3


# -- where contacts are made ---------------------------------------------------------------------------------------------


def in_reach(model, venue: int, contacts: int = 400):
    """Rows within reach of some contacts in Kent at a venue, and the contact of each."""
    rows, of, usual = model.recruitment._in_reach([Contact(model.lines.lines[0].recruiter, n, KENT, venue, BY_A_LINE, 1.0) for n in range(contacts)])
    assert len(usual) == contacts and (usual > 0).all()
    return rows, of


def corner(key, fraction: float = 0.05) -> int:
    """Of its neighbourhood, by key; a fraction of a world keeps the smallest keys, and they live in all corners."""
    return int((int(key) >> 11) * 2.0**-53 / fraction * CORNERS)


@pytest.mark.parametrize("venue", range(4), ids=VENUES)
def test_a_contact_reaches_those_who_are_there_today(model, venue):
    children, placements, columns = model.children, model.placements, model.children.columns
    out = children.select(lambda c: c.authority == KENT).rows[::9]
    columns["schooling"][out] = SUSPENDED
    rows, of = in_reach(model, venue)
    where = placements.where(rows)
    if venue == HOME:
        kinds = {placements.homes[int(placements.table.home[columns["care_slot"][row]])].kind for row in rows.tolist()}
        assert kinds == {CHILDRENS_HOME, SUPPORTED} and (where == KENT).all()
        return
    own = (columns["authority"][rows] == KENT) & np.isin(columns["setting"][rows], (AT_HOME, WITH_PARENTS, KINSHIP))
    if venue == ONLINE:
        assert (columns["authority"][rows] == KENT).all(), "a phone reaches those who live there, wherever they are placed"
        assert not own.all()
        for one in np.unique(of)[:20]:  # everybody of one corner, and nobody else
            mine = rows[of == one]
            number = corner(columns["key"][mine[0]])
            here = children.rows[model.demography.neighbourhood(children.rows) == model.demography.neighbourhood(mine[:1])[0]]
            assert sorted(mine.tolist()) == [row for row in here.tolist() if corner(columns["key"][row]) == number]
    else:
        assert (own | (where == KENT)).all(), "on the streets are those who live there today"
        in_a_bed = ~own & np.isin(columns["setting"][rows], (FOSTER, CHILDRENS_HOME, SUPPORTED))
        assert in_a_bed.any()
    assert np.isin(out, rows).any() == (venue != SCHOOL), "who is suspended is not met at school"
    neighbourhoods = model.demography.neighbourhood(rows[own])
    assert all(len(set(neighbourhoods[of[own] == one].tolist())) == 1 for one in set(of[own].tolist())), "each in one neighbourhood"


def test_a_line_under_pressure_turns_to_its_market_to_children_nobody_knows_and_online():
    shares = {}
    for adaptation in (0.0, 1.0):
        model = lived(world=world(0.05, days=10), parameters={"recruitment.in_market": 0.1, "lines.adaptation": adaptation}, until=2)
        line = next(line for line in model.lines.lines if line.origin != line.market and line.market in REGION.authorities)
        line.feel_pressure()
        for line.recruiter.contact in range(1000, 1400):
            model.recruitment.seek_for(line.recruiter)
        model.recruitment._go_for_lines()
        made, model.recruitment.contacts = model.recruitment.contacts, []
        shares[adaptation] = len([one for one in made if one.place == line.market]) / 400, np.mean([one.venue == ONLINE for one in made]), {one.known for one in made}
        model.recruitment.elsewhere.clear()
    (few, online, all_alike), (many, more_online, not_the_known) = shares[0.0], shares[1.0]
    assert few < 0.2 and many == 1.0 and more_online > online + 0.2
    assert all_alike == {1.0} and not_the_known == {0.0}


def test_as_many_contacts_find_a_child_in_a_small_world_as_in_a_large_one():
    shares = []
    for fraction in (0.05, 0.4):
        model = CountyLines(world=world(fraction), seed=2, days=2)
        found = contest_everywhere(model, contacts=600)
        shares.append((found >= 0).mean())
    assert shares[0] == pytest.approx(shares[1], abs=0.12) and min(shares) > 0.2


def contest_everywhere(model, contacts: int):
    """Whom each of so many contacts on the streets of Kent reaches."""
    return np.array(model.recruitment._choose([Contact(model.lines.lines[0].recruiter, n, KENT, STREET, BY_A_LINE, 1.0) for n in range(contacts)]))


# -- a contact -----------------------------------------------------------------------------------------------------------


def test_an_approach_is_told_and_takes_nobody_s_position(model):
    line = model.lines.lines[0]
    row = int(model.children.select(lambda c: (c.stage == NOT_INVOLVED) & ~c.is_missing).rows[0])
    before, positions = model.children.view(row).involvements, list(line.positions)
    model.exploitation.approach(np.array([row]), [line], [STREET], [KENT])
    child = model.children.view(row)
    assert (child.stage, child.involvements) == (APPROACHED, before + 1) and list(line.positions) == positions
    (told,) = events(model, Event.APPROACHED)["agent"][events(model, Event.APPROACHED)["child"] == child.key].tolist()
    assert told == line.key


def test_contacts_come_only_to_lines_that_seek_a_child(half_year):
    """Nobody is approached or contacted for a line before a position of it opens."""
    opened = events(half_year, Event.POSITION_OPEN)
    first = {}
    for day, line in zip(opened["day"].tolist(), opened["agent"].tolist(), strict=True):
        first.setdefault(line, day)
    approached = events(half_year, Event.APPROACHED)
    assert len(approached["day"]) > 50
    for day, line in zip(approached["day"].tolist(), approached["agent"].tolist(), strict=True):
        assert day >= first[line]


def test_children_are_met_at_school_only_when_there_is_school(half_year):
    approached = events(half_year, Event.APPROACHED, Event.CONTACT_FAILED)
    at_school = approached["day"][approached["cause"] == SCHOOL]
    assert len(at_school) > 10 and all(is_school_day(day) for day in at_school.tolist())
    others = approached["day"][approached["cause"] != SCHOOL]
    assert not all(is_school_day(day) for day in others.tolist())


def test_contacts_go_to_the_market_or_the_city_of_the_line(half_year):
    ends = {}
    opened = events(half_year, Event.LINE_OPENED)
    for line, home, place in zip(opened["agent"].tolist(), opened["home"].tolist(), opened["place"].tolist(), strict=True):
        ends[line] = {home, place}
    approached = events(half_year, Event.APPROACHED)
    for line, place in zip(approached["agent"].tolist(), approached["place"].tolist(), strict=True):
        assert place in ends[line] and place in REGION.authorities


def test_without_open_positions_nobody_is_approached():
    model = lived(world=world(0.05, days=40), parameters=EVENTFUL, until=1)
    before = number(model, Event.APPROACHED)
    for _ in range(30):
        for line in model.lines.lines:
            line.positions = [ADULT if holder in (SEEKS, PAUSED) else holder for holder in line.positions]
            line.open_positions = 0
        model.step()
    assert number(model, Event.APPROACHED) - before <= 3, "only for a line that opened on that very day"


# -- positions -----------------------------------------------------------------------------------------------------------


def test_a_position_that_a_child_leaves_is_sought_again_after_a_lag_or_not_at_all():
    for substitution, sought in ((1.0, {PAUSED}), (0.0, {ADULT})):
        model = lived(world=world(0.08, days=20), parameters=EVENTFUL | {"lines.substitution": substitution}, until=3)
        lines = [line for line in model.lines.lines if any(holder >= 0 for holder in line.positions)]
        assert len(lines) > 3
        for line in lines:
            n = next(n for n, holder in enumerate(line.positions) if holder >= 0)
            line.leave(line.positions[n])
            assert {line.positions[n]} == sought
            assert line.positions[n] == ADULT or line.until[n] > model.day


def test_a_line_s_positions_are_never_held_by_two_and_never_more_than_declared(half_year):
    declared = half_year.parameters["lines"].positions
    for line in half_year.lines.lines:
        assert len(line.positions) in (0, declared)
        held = [holder for holder in line.positions if holder >= 0]
        assert len(held) == len(set(held)) and set(line.positions) - set(held) <= {SEEKS, PAUSED, ADULT, ELSEWHERE}


def test_lines_reach_from_the_exporters_by_a_long_tailed_rule_of_distance(half_year):
    flows = half_year.lines.flows()
    p = half_year.parameters["lines"]
    away = flows - np.diag(np.diag(flows))
    assert away.sum() == pytest.approx(p.external) and np.diag(flows).sum() == pytest.approx(p.internal)
    exporters = [i for i, group in enumerate(PLACES.exporter_group) if group]
    assert (away.sum(axis=1) > 0).nonzero()[0].tolist() == exporters
    london = [i for i in exporters if PLACES.exporter_group[i] == PLACES.exporter_group[GREENWICH]]
    total = p.london_share + p.west_midlands_share + p.merseyside_share + p.manchester_share
    assert away[london].sum() == pytest.approx(p.external * p.london_share / max(1.0, total))
    attraction = PLACES.population_10_17 * PLACES.imd_score * np.where(PLACES.coastal, p.coast, 1.0)
    others = [i for i in range(151) if not PLACES.exporter_group[i]]
    km, per_head = PLACES.distances[GREENWICH, others], away[GREENWICH, others] / attraction[others]
    assert per_head * (1.0 + km / p.reach_km) ** p.reach_decay == pytest.approx(per_head[0] * (1.0 + km[0] / p.reach_km) ** p.reach_decay)


def test_children_in_homes_are_met_there(half_year):
    approached = events(half_year, Event.APPROACHED)
    at_home_venue = approached["cause"] == VENUES.index(next(venue for venue in VENUES if "home" in venue))
    assert at_home_venue.any()
    keys = {key: row for row, key in enumerate(half_year.children.columns["key"].tolist())}
    entries = half_year.children.columns["care_entries"]
    assert all(entries[keys[child]] > 0 for child in approached["child"][at_home_venue].tolist())
