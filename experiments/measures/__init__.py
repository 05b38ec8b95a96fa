"""What a run is asked: each measure is a named function of the ledger over a window of days, with a unit and a definition.

One file for each topic; `registry` says how to add a measure.

"True" means: an absence that carers, parents or services would call missing had they known. "Police record" holds any child;
"authority's record" looked-after children alone. "At fixed reporting": recorded with the chance that such episodes had in the
run's first year, before any policy. These four are never mixed. Official years go by the day on which an episode began. Flows
count what happened in the window, stocks are means over its days. All children are simulated; none is real.
"""

from importlib import import_module

from experiments.measures.registry import Measure, every_measure, measure, named, take

FILES = ("missing", "lines", "exploitation", "services", "care", "school", "harm", "costs", "equity")
TOPICS = {name: (import_module(f"{__name__}.{name}").__doc__ or "").splitlines()[0] for name in FILES}
"""Title of each topic, by the name of its file, in the order of reports."""

from experiments.measures.costs import COST_BY_PAYER  # noqa: E402

HEADLINES = (
    "children_missing", "children_missing_police", "children_missing_authority", "days_missing", "children_recruited", "cost",
)  # fmt: skip
"""The measures of the first page of a report."""

MONTHLY = (
    "children_missing", "children_missing_police", "children_missing_authority", "children_recruited", "children_on_lines",
    "days_missing", "cost",
)  # fmt: skip
"""The measures that are also kept month by month, for the charts over time."""

__all__ = ["COST_BY_PAYER", "HEADLINES", "MONTHLY", "TOPICS", "Measure", "every_measure", "measure", "named", "take"]
