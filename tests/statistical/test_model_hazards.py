"""In the whole model, as many events happen as the hazards of each day add up to.

On the evening of each day the chance of tomorrow's event is written down for every child from what is stored about it; over a
run, events less chances is a sum of surprises and must stay within what chance allows. Nothing about how the engine finds who is
due enters here.
"""

import math
from collections import defaultdict

import numpy as np
import pytest

from sim import CountyLines
from sim.ledger import Event
from sim.missing import GOING_MISSING
from sim.other_exploitation import GETS_OUT, STARTS
from sim.placements import ENTERING_CARE
from sim.population import AT_HOME, BY_OTHERS, CONFLICT, DEBT, FAMILY, FORMS, LINE, MAINSTREAM, SEXUAL, SEXUALLY
from sim.relationships import COMES_TO_TRUST, TURNOVER, WORKER_LEAVES
from sim.schooling import SCHOOL_TROUBLE
from tests.worlds import events, world

OTHERS = (SEXUALLY, BY_OTHERS)

COMMON = {  # enough children on lines to count what comes to them
    "lines.external": 1500.0, "lines.internal": 900.0, "lines.contacts": 10.0, "lines.positions": 8, "recruitment.nobody": 0.1,
    "exploitation.threat": 0.6, "exploitation.starts": 3.0, "exploitation.tries": 0.12, "exploitation.settles": 0.3,
    "exploitation.pulled_back": 1.5, "exploitation.out": 1.5, "exploitation.out_at_closure": 0.6, "lines.lifetime": 90.0, "relationships.trust_after": 3.0,
}  # fmt: skip


def multiplier(model, lever, rows):
    return model.levers.value(lever, rows)


def of_a_clock(model, clock, rows, own):
    """The hazard of each child tomorrow under a clock."""
    return clock.rate[model.children.group[rows]] * own


def of_spells(model, table):
    """Rows, and the chance of each cause tomorrow for those who are not out of reach: competing risks."""
    rows = table.members()
    rows = rows[~model.out_of_reach(rows)]
    hazard = np.where(np.isfinite(table.left[table.slot[rows]]), table.hazard[table.slot[rows]], 0.0)
    total = hazard.sum(axis=1)
    chance = np.divide(hazard * -np.expm1(-total)[:, None], total[:, None], out=np.zeros_like(hazard), where=total[:, None] > 0)
    return rows, chance


@pytest.fixture(scope="module")
def surprises():
    """For each kind of event: how many happened, how many were expected, and the variance."""
    model = CountyLines(world=world(0.35, days=130), seed=12, parameters=COMMON)
    model.run_to(2)
    expected: dict[str, float] = defaultdict(float)
    variance: dict[str, float] = defaultdict(float)

    def expect(name: str, chances) -> None:
        expected[name] += float(chances.sum())
        variance[name] += float((chances * (1 - chances)).sum())

    first = model.day + 1
    while model.day < model.last_day:
        children = model.children
        here = children.select(lambda c: ~c.is_missing).rows
        own = children.restlessness[here].astype(float) * multiplier(model, GOING_MISSING, here)
        conflict = -np.expm1(-of_a_clock(model, model.missing.conflict, here, own))
        expect("conflict, at home", conflict[children.setting[here] == AT_HOME])
        expect("conflict, in care", conflict[children.setting[here] != AT_HOME])
        everybody = children.rows
        expect("crisis", -np.expm1(-of_a_clock(model, model.missing.crisis, everybody, children.strain[everybody].astype(float))))
        at_home = children.select(lambda c: c.setting == AT_HOME).rows
        own = children.strain[at_home].astype(float) * multiplier(model, ENTERING_CARE, at_home)
        expect("entering care", -np.expm1(-of_a_clock(model, model.placements.clock, at_home, own)))
        _, chance = of_spells(model, model.placements.table)
        expect("breakdown", chance[:, 0])
        expect("leaving care", chance[:, 1])
        _, chance = of_spells(model, model.missing.pulls)
        for cause, name in enumerate(("family", "line", "debt", "sexual")):
            expect(name, chance[:, cause])
        _, chance = of_spells(model, model.exploitation.table)
        for cause, name in enumerate(model.exploitation.table.causes):
            expect(name, chance[:, cause])
        for form, of in model.other_exploitation.forms.items():
            _, chance = of_spells(model, of.table)
            expect(f"{FORMS[form]}: starts", chance[:, STARTS])
            expect(f"{FORMS[form]}: gets out", chance[:, GETS_OUT])
        _, chance = of_spells(model, model.relationships.table)
        expect("comes to trust", chance[:, COMES_TO_TRUST])
        expect("worker leaves", chance[:, WORKER_LEAVES])
        at_school = children.select(lambda c: c.schooling == MAINSTREAM).rows
        own = model.schooling._multiplier(at_school) * multiplier(model, SCHOOL_TROUBLE, at_school)
        expect("trouble at school", -np.expm1(-of_a_clock(model, model.schooling.clock, at_school, own)))
        model.step()
    return model, first, expected, variance


def counted(model, first: int) -> dict[str, int]:
    """What happened from a day on."""

    def number(kind, **where):
        table = events(model, kind)
        kept = table["day"] >= first
        for column, value in where.items():
            kept &= np.isin(table[column], value)
        return int(kept.sum())

    went = events(model, Event.WENT_MISSING)
    conflict = (went["day"] >= first) & (went["cause"] == CONFLICT)
    entered = events(model, Event.ENTERED_CARE)
    return {
        "conflict, at home": int((conflict & ((went["detail"] & 8) == 0)).sum()),
        "conflict, in care": int((conflict & ((went["detail"] & 8) > 0)).sum()),
        "crisis": number(Event.CRISIS),
        "entering care": int((entered["day"] >= first).sum()),
        "breakdown": number(Event.PLACEMENT_ENDED, detail=1),
        "leaving care": number(Event.LEFT_CARE),
        "family": number(Event.WENT_MISSING, cause=FAMILY),
        "line": number(Event.WENT_MISSING, cause=LINE),
        "debt": number(Event.WENT_MISSING, cause=DEBT),
        "sexual": number(Event.WENT_MISSING, cause=SEXUAL),
        **{f"{FORMS[form]}: starts": number(Event.OTHERWISE_EXPLOITED, cause=form, detail=0) for form in OTHERS},
        **{f"{FORMS[form]}: gets out": number(Event.OTHERWISE_OUT, cause=form) for form in OTHERS},
        "comes to trust": number(Event.TRUSTS),
        "worker leaves": number(Event.WORKER_CHANGED, cause=TURNOVER),
        "trouble at school": sum(number(kind) for kind in (Event.SUSPENDED, Event.EXCLUDED, Event.PART_TIME, Event.ABSENT)),
        "tries": number(Event.TRIES_TO_GET_OUT),
        "gets out": number(Event.GOT_OUT, cause=0),
        "pulled back": number(Event.PULLED_BACK),
        "lapses": number(Event.LAPSED),
        "settles": number(Event.SETTLED),
    }


@pytest.mark.parametrize(
    "name",
    [
        "conflict, at home", "conflict, in care", "crisis", "entering care", "breakdown", "leaving care", "family", "line", "debt",
        "tries", "gets out", "pulled back", "lapses", "settles", "sexual", "comes to trust", "worker leaves", "trouble at school",
        *(f"{FORMS[form]}: {what}" for form in OTHERS for what in ("starts", "gets out")),
    ],
)  # fmt: skip
def test_as_many_events_happen_as_hazards_add_up_to(surprises, name):
    model, first, expected, variance = surprises
    happened = counted(model, first)[name]
    assert expected[name] > 15, "too few to say anything"
    assert abs(happened - expected[name]) < 4.5 * math.sqrt(variance[name]) + 1, f"{happened} happened, {expected[name]:.1f} expected"
