"""Care: placements, moves, distance, refusals"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from experiments.measures.registry import as_name, mean, measure, ratio
from experiments.measures.story import Columns, Story, Window, some
from sim.ledger import Event
from sim.placements import FAR_KM
from sim.population import AT_HOME, CHILDRENS_HOME, OTHER, SETTINGS

BREAKDOWN, BY_POLICY = 1, 2  # of `detail` of a placement that ended


def _ended(story: Story, window: Window, how: int) -> int:
    return int((story.of(Event.PLACEMENT_ENDED, window)["detail"] == how).sum())


def _a_year(number: float, story: Story, window: Window) -> float:
    """For each year that a child was looked after."""
    return ratio(number, story.child_days("looked_after", window), 365.25)


@measure("children", "children looked after", official="cla_age_10_15_2025;cla_age_16_2025")
def looked_after(story, window):
    """Children aged 10 to 17 looked after on an average day."""
    return story.stock("looked_after", window)


@measure("children", "children looked after at any time", official="cla_during_year_2025")
def ever_looked_after(story, window):
    """Children looked after on some day of the window, each once; ages 10 to 17 (the table: 0 to 17)."""
    return len(story.in_care.children(window))


def entries(story: Story, window: Window) -> Columns:
    """Entries to care in a window: those who are in care already when the world begins, or when they turn ten, are not among them."""
    rows, came = story.of(Event.ENTERED_CARE, window), story.of(Event.ENTERED, window)
    already = np.isin(_when(rows), _when(came))
    return some(rows, ~already & (rows["day"] > 1))


def _when(rows: Columns) -> NDArray[np.uint64]:
    """A key of each row's child and day."""
    return rows["child"] + rows["day"].astype(np.uint64)


@measure("entries", "entries to care", official="cla_starts_10_15_2025;cla_starts_16_2025")
def entries_to_care(story, window):
    """How often a child began to be looked after in the window, unaccompanied children included; those who turned ten in care are not."""
    return len(entries(story, window)["day"])


@measure("children", "unaccompanied children arriving")
def arrivals(story, window):
    """Unaccompanied children who came in the window and are looked after from then on."""
    rows = story.of(Event.ARRIVED, window)
    return int((rows["detail"] == 0).sum())


@measure("children", "children leaving care before eighteen")
def left_care(story, window):
    """How often a child ceased to be looked after in the window other than by turning eighteen."""
    return story.number(Event.LEFT_CARE, window)


# -- placements and moves --------------------------------------------------------------------------------------------------------------


@measure("placements", "placements made", official="moves_newplc_2025")
def placements(story, window):
    """Placements begun in the window, first ones and moves."""
    return story.number(Event.PLACED, window)


@measure("changes a child-year", "changes of placement", better="fewer")
def changes_of_placement(story, window):
    """Placements that ended in the window otherwise than by leaving care, for each year that a child was looked after; changes of status alone are not counted."""
    return _a_year(int((story.of(Event.PLACEMENT_ENDED, window)["detail"] > 0).sum()), story, window)


@measure("breakdowns", "placements that broke down", better="fewer")
def breakdowns(story, window):
    """Placements that ended in a breakdown in the window."""
    return _ended(story, window, BREAKDOWN)


@measure("moves", "moves made by a policy")
def moves_by_policy(story, window):
    """Placements that a policy ended in the window to move the child."""
    return _ended(story, window, BY_POLICY)


@measure("days", "length of placements that ended")
def placement_length(story, window):
    """Mean days of the placements that ended in the window."""
    return mean(story.of(Event.PLACEMENT_ENDED, window)["amount"])


@measure("km", "distance of placements made", official="dist_mean_2022")
def placement_distance(story, window):
    """Mean distance from home of the placements begun in the window."""
    return mean(story.of(Event.PLACED, window)["amount"])


@measure("share of placements", "placements made outside the authority")
def placed_outside(story, window):
    """Share of the placements begun in the window that are outside the child's own authority."""
    made = story.of(Event.PLACED, window)
    return mean(made["place"] != made["home"])


@measure("share of placements", "placements made over 20 miles from home")
def placed_far(story, window):
    """Share of the placements begun in the window that are over 20 miles from the child's home."""
    return mean(story.of(Event.PLACED, window)["amount"] > FAR_KM)


@measure("share of placements", "placements made outside the authority and over 20 miles from home", official="dist_newplc_out_2025")
def placed_outside_and_far(story, window):
    """Share of the placements begun in the window that are both outside the child's own authority and over 20 miles from its home (the table: ages 0 to 17)."""
    made = story.of(Event.PLACED, window)
    return mean((made["place"] != made["home"]) & (made["amount"] > FAR_KM))


@measure("share of placements", "placements made outside the world")
def placed_elsewhere(story, window):
    """Share of the placements begun in the window that are in an authority outside the world."""
    return mean(~np.isin(story.of(Event.PLACED, window)["place"], story.inside))


# -- who gets none -----------------------------------------------------------------------------------------------------------------------


@measure("refusals", "refusals by providers", better="fewer")
def refusals(story, window):
    """How often a provider with a free bed refused a child."""
    return story.number(Event.REFUSED, window)


@measure("refusals a placement", "refusals for each placement made", better="fewer")
def refusals_per_placement(story, window):
    """Refusals by providers in the window over the placements begun in it."""
    return ratio(refusals(story, window), placements(story, window))


@measure("placements", "emergency and other arrangements", better="fewer")
def emergency_arrangements(story, window):
    """Placements begun in the window in none of the ordinary settings: where no home had a bed for the child, or none would take it; some are planned so."""
    return int((story.of(Event.PLACED, window)["cause"] == OTHER).sum())


@measure("placements", "emergency arrangements after refusals", better="fewer")
def emergency_after_refusal(story, window):
    """Of the emergency and other arrangements begun in the window, those of children whom one provider or more had refused just before."""
    made = story.of(Event.PLACED, window)
    return int(((made["cause"] == OTHER) & (made["detail"] > 0)).sum())


@measure("times", "children of other areas who found no bed here", better="fewer")
def guests_waited(story, window):
    """How often a child of an area outside the world found no bed here: a place that was given to somebody else."""
    return story.number(Event.GUEST_WAITED, window)


@measure("share of beds", "beds taken")
def beds_taken(story, window):
    """Beds of the world's homes that are taken, on an average day."""
    return ratio(story.stock("beds_taken", window), story.stock("beds", window))


# -- 31 March ------------------------------------------------------------------------------------------------------------------------------


def last_count(story: Story, window: Window) -> Columns:
    """The rows of the last count of 31 March in a window; none if it has no 31 March."""
    days = story.counts["day"][window.holds(story.counts["day"])]
    return some(story.counts, story.counts["day"] == days.max(initial=-1))


def _counted(name: str, label: str, said: str, mask: Callable[[Columns], NDArray[np.bool_]], official: str = "") -> None:
    """Register a share of the looked-after children counted on 31 March."""

    def of(story: Story, window: Window) -> float:
        rows = last_count(story, window)
        return ratio(int(rows["children"][mask(rows)].sum()), int(rows["children"].sum()))

    definition = f"Of the children aged 10 to 17 looked after on the last 31 March of the window, those {said} (the table: ages 0 to 17)."
    measure("share of looked-after children", f"looked after on 31 March: {label}", name=name, definition=definition, official=official)(of)


_counted("on_31_march_outside", "placed outside the authority", "placed outside their authority", lambda rows: rows["outside"] > 0, "dist_outla_2025")
_counted("on_31_march_far", "over 20 miles from home", "placed over 20 miles from home", lambda rows: rows["far"] > 0, "dist_20mi_2025")
_counted("on_31_march_moved_often", "three or more placements in the year", "with three or more placements in the year", lambda rows: rows["moves_3plus"] > 0, "stab_3plus_2025")
_counted("on_31_march_unaccompanied", "unaccompanied", "who came to England alone", lambda rows: rows["alone"] > 0, "cla_uasc_2025")


def _is(setting: int) -> Callable[[Columns], NDArray[np.bool_]]:
    return lambda rows: rows["setting"] == setting


for _number, _setting in enumerate(SETTINGS):
    if _number != AT_HOME:
        _counted(f"on_31_march_{as_name(_setting)}", _setting, f"whose placement was: {_setting}", _is(_number), "plc_other_2025" if _number == OTHER else "")


@measure("share of children in homes", "children in children's homes placed outside the authority", official="dist_ch_out_2024")
def homes_outside(story, window):
    """Of the children in children's homes on the last 31 March of the window, those placed outside their authority."""
    rows = some(last_count(story, window), last_count(story, window)["setting"] == CHILDRENS_HOME)
    return ratio(int(rows["children"][rows["outside"] > 0].sum()), int(rows["children"].sum()))
