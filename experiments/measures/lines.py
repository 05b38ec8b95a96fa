"""Lines, and the children on them"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.measures.registry import as_name, mean, measure, median, ratio
from experiments.measures.story import NOT_ENDED, POLICE, Columns, Story, Timeline, Window, in_order_of_children, some
from sim.exploitation import CLOSED, IN_CUSTODY, SIZE, TRIED, WAYS
from sim.ledger import Event
from sim.lines import BY_ADULT, BY_CHILD, BY_CHILD_OF_ELSEWHERE, BY_NOBODY, BY_RELATIVE_OR_FRIEND, BY_SAME_GROWN_UP
from sim.population import BANDS, BOUND, GETTING_OUT, WORKING, band_of
from sim.recruitment import VENUES

ON_A_LINE = (WORKING, BOUND, GETTING_OUT)
HELP_LASTS = 180  # days: getting out within so many of the beginning of help is counted as supported
AFTER_POLICE = 30  # days: ... of having been met by police, as after that
FOLLOWED = 180  # days for which those who got out are followed
DIED, TRANSFERRED = 4, 8  # bits of `detail` of a child who left observation otherwise than by turning eighteen

# -- recruited ---------------------------------------------------------------------------------------------------------------------


def first_recruitments(story: Story) -> Columns:
    """The first time that each child began to work a line, in the whole run."""

    def make() -> Columns:
        rows = in_order_of_children(story.of(Event.RECRUITED))
        return some(rows, np.unique(rows["child"], return_index=True)[1])

    return story.keep("first recruitments", make)


@measure("children", "children recruited to a line", better="fewer")
def children_recruited(story, window):
    """Children who began to work a line in the window, each once, at the first time."""
    return story.children(Event.RECRUITED, window)


@measure("children", "children newly recruited to a line", better="fewer")
def children_newly_recruited(story, window):
    """Children who began to work a line in the window and had not worked one before in the run."""
    return int(window.holds(first_recruitments(story)["day"]).sum())


@measure("recruitments", "recruitments to a line", better="fewer")
def recruitments(story, window):
    """How often a child began to work a line in the window; a child may be recruited again."""
    return story.number(Event.RECRUITED, window)


@measure("share of the cohort", "ever recruited, of those who turned eighteen", better="fewer")
def recruited_by_18(story, window):
    """Of the children who turned eighteen in the window, those recruited to a line on some day of the run; the longer the run, the more complete."""
    grown_up = of_age(story, window)["child"]
    return mean(np.isin(grown_up, first_recruitments(story)["child"]))


def of_age(story: Story, window: Window) -> Columns:
    """Children who left observation in the window because they turned eighteen."""
    left = story.of(Event.LEFT, window)
    return some(left, (left["detail"] & (DIED | TRANSFERRED)) == 0)


for _number, _way in enumerate(WAYS):
    measure(
        "recruitments", f"recruitments by {_way}", better="fewer", name=f"recruited_by_{as_name(_way)}",
        definition=f"How often a child began to work a line in the window, the way in being {_way}; every way in is exploitation.",
    )(lambda story, window, way=_number: int((story.of(Event.RECRUITED, window)["cause"] == way).sum()))  # fmt: skip

for _number, _venue in enumerate(VENUES):
    measure(
        "approaches", f"approaches: {_venue}", name=f"approached_{as_name(_venue)}",
        definition=f"Children approached for a line in the window, where they were met being: {_venue}.",
    )(lambda story, window, venue=_number: int((story.of(Event.APPROACHED, window)["cause"] == venue).sum()))  # fmt: skip


@measure("times", "approaches and grooming that came to nothing", better="more")
def lapsed(story, window):
    """How often an approach or grooming by a line came to nothing in the window."""
    return story.number(Event.LAPSED, window)


@measure("times", "siblings and friends pressed", better="fewer")
def pressed(story, window):
    """How often a sibling or friend was made to take the place and the debt of a child who got out."""
    return story.number(Event.PRESSED, window)


@measure("years", "age when recruited")
def age_recruited(story, window):
    """Mean age in years of children when they began to work a line, of the recruitments of the window."""
    rows = story.of(Event.RECRUITED, window)
    return mean((rows["day"] - story.people.born[story.people.at(rows["child"])]) / 365.25)


for _number, (_low, _high) in enumerate(BANDS):
    _ages = f"{_low} to {_high}" if _low < _high else f"{_low}"
    measure(
        "share of recruitments", f"recruited when aged {_ages}", name=f"recruited_aged_{as_name(_ages)}",
        definition=f"Share of the recruitments of the window of children who were {_ages} years old.",
    )(lambda story, window, band=_number: mean(band_of(_ages_recruited(story, window)) == band))  # fmt: skip


def _ages_recruited(story: Story, window: Window) -> NDArray:
    rows = story.of(Event.RECRUITED, window)
    return story.people.ages(rows["child"], rows["day"])


# -- from where to where -----------------------------------------------------------------------------------------------------------


def routes(story: Story) -> Columns:
    """Each line that ever ran: its key as `agent`, where it began as `home`, its market as `place`, sorted by key."""

    def make() -> Columns:
        rows = story.of(Event.LINE_OPENED)
        return some(rows, np.unique(rows["agent"], return_index=True)[1])

    return story.keep("routes", make)


def route_of(story: Story, rows: Columns) -> Columns:
    """The line of each of these rows, in their order."""
    lines = routes(story)
    return some(lines, np.searchsorted(lines["agent"], rows["agent"]))


def _from_to(story: Story, window: Window) -> tuple[NDArray, NDArray, NDArray]:
    """Of each recruitment of a window: the child's home, where the line begins, its market."""
    rows = story.of(Event.RECRUITED, window)
    lines = route_of(story, rows)
    return rows["home"], lines["home"], lines["place"]


@measure("share of recruitments", "recruited for a line within their own authority")
def recruited_within(story, window):
    """Share of the recruitments of the window to a line that begins and has its market in the child's home authority."""
    home, origin, market = _from_to(story, window)
    return mean((origin == home) & (market == home))


@measure("share of recruitments", "recruited for a line from their own authority to another")
def recruited_to_be_sent_out(story, window):
    """Share of the recruitments of the window to a line that begins in the child's home authority and has its market in another."""
    home, origin, market = _from_to(story, window)
    return mean((origin == home) & (market != home))


@measure("share of recruitments", "recruited for a line from elsewhere into their own authority")
def recruited_by_a_line_from_outside(story, window):
    """Share of the recruitments of the window to a line that begins in another authority and has its market in the child's own."""
    home, origin, market = _from_to(story, window)
    return mean((origin != home) & (market == home))


@measure("share of recruitments", "recruited for a line that has nothing to do with their home")
def recruited_away_from_home(story, window):
    """Share of the recruitments of the window to a line that neither begins nor has its market in the child's home authority (children placed elsewhere)."""
    home, origin, market = _from_to(story, window)
    return mean((origin != home) & (market != home))


# -- on a line ---------------------------------------------------------------------------------------------------------------------


@measure("children", "children working a line", better="fewer")
def children_on_lines(story, window):
    """Children working a line on an average day, bound by debt or not."""
    return story.stock("working", window) + story.stock("bound", window)


@measure("children", "children bound by debt", better="fewer")
def children_bound(story, window):
    """Children held to a line by debt on an average day."""
    return story.stock("bound", window)


@measure("children", "children trying to get out")
def children_getting_out(story, window):
    """Children trying to get out of a line on an average day."""
    return story.stock("getting_out", window)


@measure("children", "children safe for now")
def children_safe(story, window):
    """Children who got out of a line and are still in its reach, on an average day; those in custody or hospital are not among them."""
    return story.stock("safe", window)


@measure("child-days", "days on a line", better="fewer")
def days_on_a_line(story, window):
    """Child-days of working a line, bound by debt or not, or trying to get out of it."""
    return sum(story.child_days(stage, window) for stage in ("working", "bound", "getting_out"))


@measure("child-days", "days bound by debt", better="fewer")
def days_bound(story, window):
    """Child-days of being held to a line by debt."""
    return story.child_days("bound", window)


@measure("days", "length of exploitation by a line", better="fewer")
def time_on_a_line(story, window):
    """Median days on a line of the children who got out in the window, by whatever route."""
    spells = story.on_a_line
    ended = (spells.end <= window.last) & (spells.end >= window.first)
    return median((spells.end - spells.start)[ended])


@measure("episodes a month", "episodes of children on a line")
def episodes_of_children_on_lines(story, window):
    """True missing episodes, begun in the window by children on a line that day, for each month (30.4375 days) that a child was on a line."""
    episodes = story.in_window(window)
    return ratio(int(story.on_a_line.on(episodes.child, episodes.start).sum()), story.on_a_line.days(window), 30.4375)


@measure("share of children", "children on a line ever reported missing")
def on_lines_ever_reported(story, window):
    """Of the children on a line on some day of the window, those with an episode in the police record begun in the run by the window's end."""
    children = story.on_a_line.children(window)
    episodes = story.episodes
    reported = episodes.child[(episodes.start <= window.last) & episodes.has(POLICE)]
    return mean(np.isin(children, reported))


# -- debt ----------------------------------------------------------------------------------------------------------------------------


@measure("times", "debts that came to hold a child", better="fewer")
def bound_by_debt(story, window):
    """How often in the window a child's debt rose above what holds it, after it had begun to work."""
    return story.number(Event.BOUND, window)


@measure("pounds", "debt when work begins")
def debt_of_gifts(story, window):
    """Mean debt that gifts have become when a child begins to work a line; pounds as the gang counts them, nobody's budget."""
    return mean(story.of(Event.RECRUITED, window)["amount"])


for _number, _why in enumerate(SIZE):
    if _why != "gifts":
        measure(
            "times", f"rises of debt by {_why}", better="fewer", name=f"debt_by_{as_name(_why)}",
            definition=f"How often in the window a child's debt to a line rose by {_why}.",
        )(lambda story, window, why=_number: int((story.of(Event.DEBT_ROSE, window)["cause"] == why).sum()))  # fmt: skip


@measure("children", "children in debt at eighteen", better="fewer")
def leaving_in_debt(story, window):
    """Children who turned eighteen in the window and were said to owe a line something."""
    return int((of_age(story, window)["amount"] > 0.0).sum())


# -- getting out -----------------------------------------------------------------------------------------------------------------------


@measure("times", "children getting out", better="more")
def got_out(story, window):
    """How often a child got out of a line and was safe for now; being locked up is not being safe, and is counted apart."""
    return int((story.of(Event.GOT_OUT, window)["cause"] != IN_CUSTODY).sum())


def routes_out(story: Story, window: Window) -> NDArray[np.int64]:
    """How each child who got out in the window did: an index into `WAYS_OUT` but for the last.

    A child that tried and succeeded was *supported* if help had begun in the 180 days before, else *after police* if police had met it
    in the 30 days before, else *by itself*.
    """

    def make() -> NDArray[np.int64]:
        rows = story.of(Event.GOT_OUT, window)
        child, day = rows["child"], rows["day"].astype(np.int64)
        helped, met = (_days_since(story, event, child, day) for event in (Event.HELPED, Event.ARRESTED))
        tried = np.where(helped < HELP_LASTS, 1, np.where(met < AFTER_POLICE, 2, 0))
        return np.select([rows["cause"] == CLOSED, rows["cause"] == IN_CUSTODY], [3, 4], tried)

    return story.keep(("routes out", window), make)


def _days_since(story: Story, event: Event, child: NDArray, day: NDArray) -> NDArray[np.int64]:
    """Days since something last happened to each of these children, up to its day."""
    rows = story.keep(("in order", event), lambda: in_order_of_children(story.of(event)))
    days = rows["day"].astype(np.int64)
    last = story.keep(("timeline", event), lambda: Timeline(rows["child"], days)).last(child, day)
    since = np.full(len(child), NOT_ENDED)
    since[last >= 0] = day[last >= 0] - days[last[last >= 0]]
    return since


assert (TRIED, CLOSED, IN_CUSTODY) == (0, 1, 2)
WAYS_OUT = ("by itself", "supported", "after police", "because the line closed", "because of custody")
for _number, _way in enumerate(WAYS_OUT):
    measure(
        "times", f"children getting out {_way}", name=f"got_out_{as_name(_way)}",
        definition=f"How often a child got out of a line in the window, {_way}: supported if help had begun in the 180 days before, after police "
        "if they had met the child in the 30 days before (and no help had begun); being locked up is not being safe.",
    )(lambda story, window, way=_number: int((routes_out(story, window) == way).sum()))  # fmt: skip


@measure("children", "children who turned eighteen on a line", better="fewer")
def grew_up_on_a_line(story, window):
    """Children who turned eighteen in the window while on a line; what becomes of them is out of sight of this model."""
    return int(np.isin(of_age(story, window)["cause"], ON_A_LINE).sum())


@measure("a child-year", "getting out, all routes")
def rate_of_getting_out(story, window):
    """How often children got out in the window, by whatever route but growing up, for each year that a child was on a line; being locked up is among the routes."""
    return ratio(story.number(Event.GOT_OUT, window), days_on_a_line(story, window), 365.25)


@measure("times", "children drawn back", better="fewer")
def drawn_back(story, window):
    """How often a child who had got out was exploited again by its old line."""
    return story.number(Event.DRAWN_BACK, window)


@measure("share of those who got out", "exploited by a line again within 180 days", better="fewer")
def re_exploited(story, window):
    """Of the children who got out in the window (and could be followed for 180 days to the end of the run), those on a line again by then."""
    out = story.of(Event.GOT_OUT, window)
    followed = out["day"] + FOLLOWED <= story.last_day
    child, day = out["child"][followed], out["day"][followed].astype(np.int64)
    last = story.on_a_line.timeline.last(child, day + FOLLOWED)
    return mean(story.on_a_line.start[last] > day) if len(child) else float("nan")


# -- lines and their positions -------------------------------------------------------------------------------------------------------------


@measure("lines", "lines open", official="L010;L011")
def lines_open(story, window):
    """Lines that begin or have their market in the world, open on an average day."""
    return story.stock("lines", window)


@measure("lines", "lines closed", official="L015")
def lines_closed(story, window):
    """Lines that closed in the window, by police or by themselves."""
    return story.number(Event.LINE_CLOSED, window)


@measure("lines", "lines opened")
def lines_opened(story, window):
    """Lines that opened in the window, replacements included."""
    return story.number(Event.LINE_OPENED, window)


@measure("days", "life of a line")
def life_of_a_line(story, window):
    """Mean days from opening to closing of the lines that closed in the window."""
    return mean(story.of(Event.LINE_CLOSED, window)["amount"])


@measure("lines", "lines within one authority opened")
def internal_lines(story, window):
    """Lines that opened in the window and have their market where they begin."""
    rows = story.of(Event.LINE_OPENED, window)
    return int((rows["home"] == rows["place"]).sum())


@measure("lines", "lines from the world to elsewhere opened")
def lines_to_elsewhere(story, window):
    """Lines that opened in the window, begin in the world and have their market outside it."""
    rows = story.of(Event.LINE_OPENED, window)
    return int((np.isin(rows["home"], story.inside) & ~np.isin(rows["place"], story.inside)).sum())


@measure("lines", "lines from elsewhere into the world opened")
def lines_from_elsewhere(story, window):
    """Lines that opened in the window, begin outside the world and have their market in it."""
    rows = story.of(Event.LINE_OPENED, window)
    return int((~np.isin(rows["home"], story.inside) & np.isin(rows["place"], story.inside)).sum())


@measure("lines", "lines displaced")
def lines_displaced(story, window):
    """Lines that in the window reopened in another market than the one in which they had been closed."""
    return story.number(Event.LINE_DISPLACED, window)


@measure("lines", "lines displaced to elsewhere")
def lines_displaced_to_elsewhere(story, window):
    """Of the displaced lines, those that went to a market outside the world (those that were exchanged for a line coming in are among them)."""
    rows = story.of(Event.LINE_DISPLACED, window)
    return int(((rows["detail"] == 1) | ~np.isin(rows["place"], story.inside)).sum())


@measure("times", "lines that followed a child", better="fewer")
def lines_followed(story, window):
    """How often a line opened an outlet where its child had been moved."""
    return story.number(Event.LINE_FOLLOWED, window)


@measure("share of positions", "positions that seek a child", better="fewer")
def vacancies(story, window):
    """Positions of open lines for which a child is sought, of all positions, on an average day."""
    return ratio(story.stock("positions_open", window), story.stock("positions", window))


@measure("vacancies", "vacancies arising")
def vacancies_arising(story, window):
    """How often in the window a position of a line began to seek a child, in new lines and old ones."""
    return story.number(Event.POSITION_OPEN, window)


@measure("days", "time until a vacancy is filled")
def time_to_fill(story, window):
    """Median days from the vacancy to its filling by a child of the world or of elsewhere, of the vacancies filled in the window."""
    filled = story.of(Event.POSITION_FILLED, window)
    filled = some(filled, np.isin(filled["cause"], (BY_CHILD, BY_CHILD_OF_ELSEWHERE)))
    timeline, days = story.keep("vacancies", lambda: _vacancies(story))
    last = timeline.last(_position(filled), filled["day"].astype(np.int64))
    return median(filled["day"][last >= 0] - days[last[last >= 0]])


def _vacancies(story: Story) -> tuple[Timeline, NDArray[np.int64]]:
    """When each position began to seek a child."""
    rows = story.of(Event.POSITION_OPEN)
    order = np.lexsort((rows["day"], _position(rows)))
    days = rows["day"][order].astype(np.int64)
    return Timeline(_position(rows)[order], days), days


def _position(rows: Columns) -> NDArray[np.uint64]:
    """A key of each row's position on its line."""
    return rows["agent"] + rows["serial"].astype(np.uint64)


FILLED_BY = {
    BY_CHILD: "a child", BY_CHILD_OF_ELSEWHERE: "a child of elsewhere", BY_RELATIVE_OR_FRIEND: "a relative or friend in debt",
    BY_SAME_GROWN_UP: "the same person, now eighteen", BY_ADULT: "somebody of eighteen or over", BY_NOBODY: "nobody",
}  # fmt: skip


def _filled_by(story: Story, window: Window) -> NDArray[np.int64]:
    """By whom each position of the window was filled: a child who had been made to take it in the place of another is told apart."""
    filled, pressed = story.of(Event.POSITION_FILLED, window), story.of(Event.PRESSED)
    made_to = some(story.of(Event.RECRUITED), np.isin(_involvement(story.of(Event.RECRUITED)), _involvement(pressed)))
    by_those = (filled["cause"] == BY_CHILD) & np.isin(_when(filled), _when(made_to))
    return np.where(by_those, BY_RELATIVE_OR_FRIEND, filled["cause"])


def _involvement(rows: Columns) -> NDArray[np.uint64]:
    """A key of each row's child and of the number of its involvement."""
    return rows["child"] + rows["serial"].astype(np.uint64)


def _when(rows: Columns) -> NDArray[np.uint64]:
    """A key of each row's child and day."""
    return rows["child"] + rows["day"].astype(np.uint64)


for _number, _by in FILLED_BY.items():
    measure(
        "share of positions filled", f"positions filled by {_by}", name=f"filled_by_{as_name(_by)}",
        definition=f"Of the positions of lines that in the window were filled, or given up as no child's, those that went to {_by}; each is counted once.",
    )(lambda story, window, by=_number: mean(_filled_by(story, window) == by))  # fmt: skip
