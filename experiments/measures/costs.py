"""What is spent, by who pays and on what"""

from __future__ import annotations

from experiments.measures.registry import as_name, measure
from experiments.measures.story import Story, Window
from sim.costs import ITEMS, PAYERS


def _bills(story: Story, window: Window, column: str = "", number: int = 0) -> float:
    chosen = window.holds(story.bills["day"])
    if column:
        chosen &= story.bills[column] == number
    return float(story.bills["pounds"][chosen].sum())


@measure("pounds of 2024/25", "cost to all payers")
def cost(story, window):
    """What all payers spent in the window on what the model counts; harm to children is not in it, and is never netted."""
    return _bills(story, window)


COST_BY_PAYER: dict[str, str] = {}
"""Name of the cost measure of each payer."""

for _number, _payer in enumerate(PAYERS):
    COST_BY_PAYER[_payer] = f"cost_{as_name(_payer)}"
    measure(
        "pounds of 2024/25", f"cost to {_payer}", name=COST_BY_PAYER[_payer], definition=f"What {_payer} spent in the window."
    )(lambda story, window, number=_number: _bills(story, window, "payer", number))

for _number, _item in enumerate(ITEMS):
    measure(
        "pounds of 2024/25", f"cost of {_item}", name=f"cost_of_{as_name(_item)}", definition=f"What was spent in the window on {_item}."
    )(lambda story, window, number=_number: _bills(story, window, "item", number))
