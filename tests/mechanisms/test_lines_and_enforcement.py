"""Lines and enforcement: closed lines are replaced, sometimes elsewhere; whoever gets out is replaced or not; a line under pressure adapts."""

from functools import cache

import numpy as np
import pytest

from sim import CountyLines
from sim.exploitation import GETTING_OUT_OF_IT
from sim.ledger import Event
from sim.lines import BY_ADULT, BY_CHILD, BY_NOBODY
from sim.population import NEVER
from sim.recruitment import ONLINE
from tests.mechanisms.lively import LIVELY, made, ran, rows_of, times, twin
from tests.worlds import events

# Enough children in reach that every position sought is soon filled; hardly anybody gets out unless a test helps.
FILLED = {
    **LIVELY, "lines.external": 4000.0, "lines.internal": 3000.0, "lines.lag": 1.0, "lines.lifetime": 1e6, "lines.contacts": 60.0, "lines.relative_or_friend": 0.0, "recruitment.nobody": 0.02, "exploitation.tries": 0.001,
    "exploitation.starts": 6.0, "policing.street": 0.01, "policing.remand": 0.0, "lines.stay_of_child_of_elsewhere": 1e6, "recruitment.success_elsewhere": 0.3,
}  # fmt: skip
UNDER_PRESSURE = {
    **LIVELY,
    "lines.lifetime": 90.0,
    "lines.pressure_days": 1000,
    "policing.street": 0.5,
    "lines.deterrence": 0.0,
}


@cache
def half_a_year(**changed: float) -> CountyLines:
    """Half a year of lines that police touch often, with some numbers changed (a double underscore stands for the point)."""
    return ran(
        {**UNDER_PRESSURE, **{address.replace("__", "."): value for address, value in changed.items()}},
        fraction=0.02,
        days=150,
    )


def recruited_after_ten_get_out(substitution: float) -> int:
    """Children recruited in the months after ten were helped out, less those recruited in the same months where the ten stay."""
    stay = made({**FILLED, "lines.substitution": substitution}, fraction=0.04, days=180).run_to(90)
    out = twin(stay)
    ten = out.exploitation.members_working()[:10]
    assert len(ten) == 10
    out.levers.hold(GETTING_OUT_OF_IT, ten, at=1e12, until=95, by="test")
    number = []
    for model in (out, stay):
        model.run_to(180)
        number.append(times([model], Event.RECRUITED, where=lambda rows: rows["day"] > 90))
    return number[0] - number[1]


@pytest.mark.slow
def test_with_substitution_off_removing_ten_children_lowers_recruitment_by_more():
    off, on = recruited_after_ten_get_out(0.0), recruited_after_ten_get_out(1.0)
    assert on >= 5, "where every child is replaced, ten who get out bring others in"
    assert off <= 1 and off < on


@pytest.mark.slow
@pytest.mark.parametrize(("substitution", "nobody", "by"), [(0.0, 1.0, {BY_NOBODY}), (0.0, 0.0, {BY_ADULT})])
def test_a_vacancy_that_is_not_sought_again_is_nobody_s_or_an_adult_s(substitution, nobody, by):
    model = half_a_year(lines__substitution=substitution, lines__nobody=nobody, lines__grown_up_stays=0.0)
    filled = events(model, Event.POSITION_FILLED)["cause"]
    assert by <= set(filled.tolist()) and not {BY_ADULT, BY_NOBODY} - by & set(filled.tolist())
    assert (filled == BY_CHILD).sum() > 10


@pytest.mark.slow
def test_closed_lines_are_replaced_and_some_reopen_in_another_market():
    model, at_home = half_a_year(lines__displaced=0.6), half_a_year(lines__displaced=0.0)
    closed, opened = (
        times([model], Event.LINE_CLOSED),
        times([model], Event.LINE_OPENED, where=lambda rows: rows["day"] > 1),
    )
    assert closed > 15 and 0.5 * closed < opened
    assert times([model], Event.LINE_DISPLACED) > 4 and times([at_home], Event.LINE_DISPLACED) == 0


@pytest.mark.slow
def test_more_closures_mean_fewer_lines_and_not_none():
    usual = made(UNDER_PRESSURE, fraction=0.02, days=150).run_to(5)
    disrupted = twin(usual)
    disrupted.lines.hazard_of_closing.hold(list(range(len(usual.world.places))), 4.0, by="test")
    lines = [model.run_to(150).ledger.table("stocks")["lines"][60:].mean() for model in (usual, disrupted)]
    assert 0.0 < lines[1] < 0.8 * lines[0]
    assert times([disrupted], Event.LINE_CLOSED) > 1.5 * times([usual], Event.LINE_CLOSED)


@pytest.mark.slow
def test_under_pressure_a_line_that_adapts_goes_online_and_to_children_whom_nobody_knows():
    many_known = {
        "services__intelligence": 3.0,
        "services__otherwise": 1.0,
        "sexual_exploitation__approaches": 150.0,
        "other_criminal__approaches": 150.0,
    }
    rigid, adapts = (half_a_year(lines__adaptation=strength, **many_known) for strength in (0.0, 1.0))

    def shares(model):
        met = events(model, Event.APPROACHED)
        met = {name: column[met["day"] > 30] for name, column in met.items()}
        when = model.children.columns["identified_on"][rows_of(model, met["child"])].astype(np.int64)
        return (met["cause"] == ONLINE).mean(), ((when != NEVER) & (when < met["day"])).mean(), len(met["day"])

    (online, known, number), (online_then, known_then, number_then) = shares(rigid), shares(adapts)
    assert min(number, number_then) > 40
    assert online_then > online + 0.2
    assert known_then < 0.4 * known and known * number > 8


@pytest.mark.slow
def test_risk_may_deter():
    """Contacts of lines under pressure, made and failed."""
    contacts = [
        times([half_a_year(lines__deterrence=share)], Event.APPROACHED, Event.CONTACT_FAILED) for share in (0.0, 0.8)
    ]
    assert contacts[1] < 0.85 * contacts[0]
