"""Costs: what happened times what it costs, in the prices of one year, by who pays; a price changes bills and nothing else."""

from functools import cache

import numpy as np
import pytest

from sim import CountyLines
from sim.costs import CARE, CLOSURES, EPISODES, HEALTH, HOSPITAL, INTERVIEWS, JUSTICE, POLICE_BUDGET
from sim.ledger import Event
from sim.missing import POLICE
from sim.sources import to_2024_25
from tests.mechanisms.lively import LIVELY, ran, times
from tests.worlds import events

BUSY = {
    **LIVELY,
    "lines.lifetime": 90.0,
    "policing.criminal": 0.8,
    "policing.remand": 0.3,
    "services.help_places": 80.0,
    "services.helped": 0.6,
    "harm.injury": 0.1,
    "harm.admitted": 0.4,
}


@cache
def spring(address: str = "", value: float = 0.0) -> CountyLines:
    return ran({**BUSY, **({address: value} if address else {})}, fraction=0.015, days=100)


def bill(model: CountyLines, item: int | None = None, payer: int | None = None) -> float:
    """All bills of an item, or to a payer [pounds of 2024/25]."""
    bills = model.ledger.table("bills")
    return float(
        bills["pounds"][
            ((bills["item"] == item) | (item is None)) & ((bills["payer"] == payer) | (payer is None))
        ].sum()
    )


@pytest.mark.parametrize(
    ("address", "item", "payer"),
    [
        ("costs.episode_police", EPISODES, POLICE_BUDGET), ("costs.closure", CLOSURES, POLICE_BUDGET), ("costs.interview", INTERVIEWS, CARE),
        ("costs.hospital_day", HOSPITAL, HEALTH),
    ],
)  # fmt: skip
def test_a_price_changes_its_own_bill_in_proportion_and_nothing_that_happens(address, item, payer):
    usual = getattr(spring().parameters["costs"], address.removeprefix("costs."))
    dearer = spring(address, 2.0 * usual)
    assert bill(spring(), item) > 0.0 and bill(spring(), item, payer) == bill(spring(), item)
    assert bill(dearer, item) == pytest.approx(2.0 * bill(spring(), item))
    assert bill(dearer) - bill(spring()) == pytest.approx(bill(spring(), item))
    for name in ("events", "stocks", "counts", "children"):
        before, after = (model.ledger.table(name) for model in (spring(), dearer))
        assert all((before[column] == after[column]).all() for column in before)


def test_each_bill_is_what_happened_times_its_price_in_pounds_of_2024_25():
    model, p = spring(), spring().parameters["costs"]
    reported = times([model], Event.RETURNED, where=lambda rows: (rows["detail"] & POLICE) > 0)
    assert bill(model, EPISODES) == pytest.approx(reported * to_2024_25(p.episode_police, "2012-13"))
    assert bill(model, INTERVIEWS) == pytest.approx(times([model], Event.INTERVIEWED) * p.interview)
    assert bill(model, CLOSURES) == pytest.approx(times([model], Event.LINE_CLOSED) * p.closure)
    assert bill(model, HOSPITAL) == pytest.approx(events(model, Event.IN_HOSPITAL)["amount"].sum() * p.hospital_day)
    custody = model.ledger.table("stocks")["in_custody"].sum()
    assert custody > 0 and bill(model, payer=JUSTICE) == pytest.approx(custody * p.custody_week / 7.0)


def test_money_of_an_earlier_year_is_worth_more():
    assert to_2024_25(100.0, "2012-13") > to_2024_25(100.0, "2022-23") > to_2024_25(100.0, "2024-25") == 100.0


def test_harm_is_told_of_and_never_billed():
    """More assaults that need no hospital: not a penny more on any budget."""
    harmed = spring("harm.assault", 0.4)
    assert times([harmed], Event.HARMED) > 1.5 * times([spring()], Event.HARMED)
    assert np.isclose(bill(harmed), bill(spring()))
