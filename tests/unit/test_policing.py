"""Police: who is graded as high risk, how busy a missing unit is, which response a child meets and what follows from it later."""

import numpy as np
import pytest

from sim import CountyLines
from sim.exploitation import GETTING_OUT_OF_IT
from sim.ledger import Event
from sim.places import read_places
from sim.policing import CRIMINAL, IN_THE_STREET, SAFEGUARDING
from sim.population import AT_HOME, BOUND, CUSTODY, WORKING
from tests.worlds import EVENTFUL, events, lived, world

KENT = read_places().index("Kent")
OFTEN = EVENTFUL | {
    "policing.street": 0.15,
    "policing.criminal": 0.55,
    "policing.later_offence": 0.8,
    "policing.remand": 0.12,
    "policing.remand_days": 14.0,
}


@pytest.fixture(scope="module")
def half_year() -> CountyLines:
    return lived(world=world(0.12, days=200), seed=3, parameters=OFTEN)


@pytest.fixture
def model() -> CountyLines:
    return lived(world=world(0.12, days=60), parameters=EVENTFUL, until=5)


# -- missing children ------------------------------------------------------------------------------------------------------


def test_known_children_are_graded_as_high_risk_and_a_share_of_others_in_care(model):
    columns, rows = model.children.columns, model.children.rows
    known = rows[::10]
    columns["identified_on"][rows], columns["identified_on"][known] = -32768, model.day
    high = model.policing.grade(rows)
    in_care, share = columns["setting"][rows] != AT_HOME, model.parameters["policing"].high_risk_in_care
    unknown = ~np.isin(rows, known)
    assert high[~unknown].all() and not high[unknown & ~in_care].any()
    number = int((unknown & in_care).sum())
    assert (
        high[unknown & in_care].mean() == pytest.approx(share, abs=4.5 * np.sqrt(share * (1 - share) / number))
        and number > 50
    )


def test_a_busy_missing_unit_takes_longer_and_never_less_than_the_full_pace(model):
    police, p = model.policing, model.parameters["policing"]
    unit = police.unit_of[KENT]
    assert KENT in unit.places
    for open_cases, usual, pace in (
        (0, 10.0, 1.0),
        (13, 10.0, 1.0),
        (26, 10.0, 26 / (10.0 * p.staffed_for)),
        (3, 0.0, 3.0),
    ):
        unit.open_cases, unit.usual = open_cases, usual
        assert unit.pace == pytest.approx(pace)
    unit.open_cases, unit.usual = 26, 10.0
    home = np.array([KENT, KENT])
    assert police.pace(np.array([False, True]), home) == pytest.approx(unit.pace * np.array([1.0, p.high_risk_search]))


def test_units_count_the_reported_cases_of_their_places(half_year):
    police, table = half_year.policing, half_year.missing.table
    police.count_cases()
    away = [(row, table.detail[slot]) for slot, row in enumerate(table.rows.tolist()) if row >= 0]
    for unit in police.units:
        mine = [row for row, detail in away if detail & 1 and half_year.children.authority[row] in unit.places]
        assert unit.open_cases == len(mine)
    assert sum(unit.open_cases for unit in police.units) > 0


# -- meeting exploited children --------------------------------------------------------------------------------------------


def test_the_response_is_criminal_at_the_share_of_the_home_authority_and_less_often_for_known_children(model):
    """The same children, met hundreds of times."""
    p, police, columns = model.parameters["policing"], model.policing, model.children.columns
    rows = model.children.select(
        lambda c: ((c.stage == WORKING) | (c.stage == BOUND)) & (c.authority == KENT) & ~c.is_missing
    ).rows[:8]
    columns["identified_on"][rows] = -32768
    known = rows[::2]
    columns["identified_on"][known] = model.day
    police.criminal.hold([KENT], 0.9, by="test")
    police._remand = lambda *_: None  # nobody is taken away meanwhile
    for n in range(10**6, 10**6 + 250):
        police._meet(rows, np.full(len(rows), n), IN_THE_STREET)
    told = events(model, Event.ARRESTED)
    told = {name: column[told["serial"] >= 10**6] for name, column in told.items()}
    assert set(told["detail"].tolist()) == {CRIMINAL, SAFEGUARDING}
    for those, times in ((known, p.criminal_when_known), (rows[1::2], 1.0)):
        mine, odds = np.isin(told["child"], model.children.key[those]), police.criminal[KENT] * times
        share = (told["detail"][mine] == CRIMINAL).mean()
        assert share == pytest.approx(odds, abs=4.5 * np.sqrt(odds * (1 - odds) / mine.sum()))
    for row in rows.tolist():
        assert model.levers.holders(GETTING_OUT_OF_IT, row)["met by police"] == p.turning_point
        assert model.exploitation.line_of(row).is_under_pressure
    model.levers.release_due(model.day + 30, np.empty(0, dtype=np.int64))
    assert "met by police" not in model.levers.holders(GETTING_OUT_OF_IT, int(rows[0]))


def test_offences_are_recorded_within_a_year_of_being_met_more_after_a_criminal_response(model):
    p, police = model.parameters["policing"], model.policing
    rows, n = np.repeat(model.children.rows[:2000], 2), np.tile(np.arange(2), 2000)
    police.later.clear()
    police._look_ahead(rows, n == 0, n + 10**6)
    due = [(day - model.day, how) for day, some in police.later.items() for _, how in some]
    assert min(day for day, _ in due) >= 1 and max(day for day, _ in due) <= 365
    for how, rate in ((CRIMINAL, p.later_offence), (SAFEGUARDING, p.later_offence * p.later_after_safeguarding)):
        odds = 1.0 - np.exp(-rate * 364 / 365.25)
        assert sum(response == how for _, response in due) / 2000 == pytest.approx(
            odds, abs=4.5 * np.sqrt(odds * (1 - odds) / 2000)
        )


def test_later_offences_are_of_children_whom_police_had_met(half_year):
    met, later = events(half_year, Event.ARRESTED), events(half_year, Event.LATER_OFFENCE)
    how: dict[int, dict[int, int]] = {}
    for child, day, response in zip(*(met[name].tolist() for name in ("child", "day", "detail")), strict=True):
        how.setdefault(child, {})[day] = response
    assert len(later["day"]) > 5
    for child, day, response in zip(*(later[name].tolist() for name in ("child", "day", "detail")), strict=True):
        assert response in [then for when, then in how[child].items() if when < day]


def test_a_child_remanded_from_home_goes_home_and_one_in_care_to_another_placement(half_year):
    told = events(half_year, Event.REMANDED, Event.RELEASED, Event.LEFT_CARE, Event.PLACED, Event.LEFT)
    by_child: dict[int, list] = {}
    for row in zip(*(told[name].tolist() for name in ("child", "day", "event", "amount")), strict=True):
        by_child.setdefault(row[0], []).append(row[1:])
    released = home = 0
    for rows in by_child.values():
        rows.sort()
        for day, event, days in rows:
            if event == Event.REMANDED and day + days < half_year.day - 1:
                after = [(when, what) for when, what, _ in rows if when > day]
                if after[0][1] == Event.LEFT:
                    continue
                released += 1
                assert (day + days, Event.RELEASED) in after
                first = next((when, what) for when, what in after if what != Event.RELEASED)
                assert first in (
                    (day + days, Event.LEFT_CARE),
                    (day + days + 1, Event.PLACED),
                    (day + days + 1, Event.LEFT),
                )
                home += first[1] == Event.LEFT_CARE
    assert released > 5 and home > 2
    assert half_year.ledger.table("stocks")["in_custody"][-1] == len(
        half_year.children.select(lambda c: c.setting == CUSTODY)
    )
