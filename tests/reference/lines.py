"""Gangs, their lines from city to market, and the positions on a line that children are sought for."""

from sim.draws import GOLDEN, MASK, key_of
from sim.places import EXPORTER_GROUPS

from .chance import pick
from .people import Child
from .practice import Practice
from .words import (
    BY_ADULT,
    BY_CHILD,
    BY_CHILD_OF_ELSEWHERE,
    BY_NOBODY,
    BY_SAME_GROWN_UP,
    LINE_CLOSED,
    LINE_DISPLACED,
    LINE_OPENED,
    POSITION_FILLED,
    POSITION_OPEN,
)

# A position is held by a child, or:
SEEKS, PAUSED, ADULT, ELSEWHERE = "seeks a child", "will, after a lag", "held by an adult", "held by a child of elsewhere"


class Position:
    """A position on a line. `spells` counts how often it was filled; `until` is the day on which it changes by itself."""

    def __init__(self, holder):
        self.holder, self.until, self.spells = holder, 0, 0


class Line:
    """A line, with its positions and its recruiter. Its key changes each time the gang opens it anew."""

    def __init__(self, england, gang, origin, market, ordinal):
        self.gang, self.origin, self.market = gang, origin, market
        self.route = key_of("line", england.places[origin].code, england.places[market].code, ordinal)
        self.key, self.generation, self.is_open, self.opened_on, self.left, self.positions = self.route, -1, False, 0, 0.0, []
        self.recruiter = key_of("recruiter", self.route)
        self.contacts = 0  # that the recruiter has made
        self.until_contact = england.exponential("recruiter.contact", self.recruiter, 0)
        self.outlets = []  # where it has followed a child that was moved
        self.pressure_until = 0  # police have touched it
        self.kept = []  # children on whom the gang keeps its hold while the line is closed

    @property
    def open_positions(self):
        return sum(position.holder == SEEKS for position in self.positions)

    def tell(self, england, event, **columns):
        england.write(event, agent=self.key, home=self.origin, place=self.market, **columns)


# -- how many, from where to where ----------------------------------------------------------------------------------------


def expected_lines(england):
    """Active lines from each authority to each: exporters' shares, and a long-tailed rule of distance; and local lines."""
    p, places = england.p("lines"), england.places
    share = dict(zip(EXPORTER_GROUPS, (p.london_share, p.west_midlands_share, p.merseyside_share, p.manchester_share), strict=False))
    share[EXPORTER_GROUPS[-1]] = max(0.0, 1.0 - sum(share.values()))
    of_all = sum(share.values())
    need = [a.people * a.deprivation for a in places]
    expected = []
    for origin, exporter in enumerate(places):
        exports = p.external * share.get(exporter.group, 0.0) / of_all * exporter.share_of_group
        draws = []
        for market, authority in enumerate(places):
            nearness = (1.0 + england.km[origin][market] / p.reach_km) ** -p.reach_decay
            own_conurbation = 0.25 if authority.group == exporter.group else 1.0
            coast = p.coast if authority.is_coastal else 1.0
            draws.append(0.0 if market == origin else need[market] * coast * nearness * own_conurbation)
        total = sum(draws)
        expected.append([exports * draw / total for draw in draws])
        expected[origin][origin] = p.internal * need[origin] / sum(need)
    return expected


def share_of_time_open(england):
    p = england.p("lines")
    return p.lifetime / (p.lifetime + p.replacement_lag)


def lay_out(england):
    """The lines that begin or end in the world: whole numbers by the keys of the two authorities; about three to a gang."""
    england.expected_lines = expected_lines(england)
    expected = [[n * england.fraction / share_of_time_open(england) for n in row] for row in england.expected_lines]
    england.closing = Practice([1.0 / england.p("lines").lifetime] * len(england.places))  # hazard of closure by market [a day]
    england.lines, gangs = [], {}
    for origin, row in enumerate(expected):
        for market, number in enumerate(row):
            if number == 0.0 or not {origin, market} & set(england.inside):
                continue
            pair = key_of("pair", england.places[origin].code, england.places[market].code)
            more = england.uniform("line.exists", pair) < number - int(number)
            for ordinal in range(int(number) + more):
                gang = int(england.uniform("line.gang", pair, ordinal) * max(1.0, sum(row) / 3.0))
                lines_of_gang = gangs.setdefault((origin, gang), [])
                lines_of_gang.append(Line(england, lines_of_gang, origin, market, ordinal))
                england.lines.append(lines_of_gang[-1])


def begin(england):
    """Day 1: each line is open with its stationary probability, its age forgotten."""
    for line in england.lines:
        if england.uniform("line.open_on_day_1", line.route) < share_of_time_open(england):
            open_line(england, line)
        else:
            line.left = england.exponential("line.replacement_on_day_1", line.route)


# -- the day --------------------------------------------------------------------------------------------------------------


def run(england):
    """Lines close and are replaced; positions that a child has left may be sought again."""
    p = england.p("lines")
    for line in england.lines:
        line.left -= england.closing.at(line.market) if line.is_open else 1.0 / p.replacement_lag
        if line.left <= 0.0 and line.is_open:
            close_line(england, line)
        elif line.left <= 0.0:
            displace(england, line)
            open_line(england, line)
            england.news["line opened"].append(line)
        else:
            change_positions(england, line)


def open_line(england, line):
    """The line begins (anew), with positions; for some of them a child is sought."""
    p = england.p("lines")
    line.generation += 1
    line.key = (line.route + line.generation * GOLDEN) & MASK
    line.is_open, line.opened_on, line.outlets = True, england.day, []
    line.left = england.exponential("line.lifetime", line.key)
    for n in range(p.positions):
        sought = england.uniform("line.position", line.key, n) < p.children_share
        line.positions.append(Position(SEEKS if sought else ADULT))
        if sought:
            line.tell(england, POSITION_OPEN, serial=n)
    line.tell(england, LINE_OPENED, amount=p.positions)


def displace(england, line):
    """A line that is replaced may open in another market. What would go elsewhere is exchanged for one that comes."""
    serial = line.generation + 1
    if line.origin == line.market or england.uniform("line.displaced", line.route, serial) >= england.p("lines").displaced:
        return
    draws = {market: n for market, n in enumerate(england.expected_lines[line.origin]) if market not in (line.origin, line.market)}
    goes_elsewhere = 0.0
    if line.origin not in england.inside:
        goes_elsewhere = sum(n for market, n in draws.items() if market not in england.inside)
        draws = {market: n for market, n in draws.items() if market in england.inside}
    comes = sum(draws.values())
    if comes <= 0.0:
        return
    line.market = pick(draws, england.uniform("line.new_market", line.route, serial))
    exchanged = england.uniform("line.exchanged", line.route, serial) < goes_elsewhere / (goes_elsewhere + comes)
    england.write(LINE_DISPLACED, agent=line.route, serial=serial, home=line.origin, place=line.market, detail=exchanged)


def close_line(england, line):
    feel_pressure(england, line)
    england.news["closed"].append(line)
    line.is_open = False
    line.tell(england, LINE_CLOSED, amount=england.day - line.opened_on)
    england.news["line closed"] += [position.holder for position in line.positions if isinstance(position.holder, Child)]
    line.positions = []
    line.left = england.exponential("line.replacement", line.key)


def change_positions(england, line):
    for n, position in enumerate(line.positions):
        if position.until == england.day and position.holder == PAUSED:
            position.holder = SEEKS
            line.tell(england, POSITION_OPEN, serial=n)
        elif position.until == england.day and position.holder == ELSEWHERE:
            vacate(england, line, n)


def take(england, line, holder):
    """A child, or a child of elsewhere, takes the first open position."""
    n, position = next((n, position) for n, position in enumerate(line.positions) if position.holder == SEEKS)
    position.holder = holder
    position.spells += 1
    if holder == ELSEWHERE:
        stay = england.exponential("line.stay_of_elsewhere", line.key, n * 4096 + position.spells)
        position.until = england.day + 1 + int(stay * england.p("lines").stay_of_child_of_elsewhere)
        line.tell(england, POSITION_FILLED, serial=n, cause=BY_CHILD_OF_ELSEWHERE)
    else:
        line.tell(england, POSITION_FILLED, serial=n, cause=BY_CHILD, child=holder.key)


def leave(england, line, child, is_eighteen=False):
    """A child leaves its position, if the line is still there; who turns eighteen may keep it, out of sight."""
    for n, position in enumerate(line.positions):
        if position.holder is child:
            stays = england.uniform("line.grown_up", line.key, n * 4096 + position.spells) < england.p("lines").grown_up_stays
            if is_eighteen and stays:
                give_up(england, line, n, BY_SAME_GROWN_UP)
            else:
                vacate(england, line, n, child)


def vacate(england, line, n, child=None):
    """A position falls vacant: it is sought again among children after a lag, or goes to somebody else, or nobody.

    A relative or friend of the child who left it may be pressed to take it (`exploitation.press`).
    """
    p, position = england.p("lines"), line.positions[n]
    serial = n * 4096 + position.spells
    if england.uniform("line.substitution", line.key, serial) < p.substitution:
        if child and england.uniform("line.relative_or_friend", line.key, serial) < p.relative_or_friend:
            england.to_be_pressed.append((line, child))
        position.holder = PAUSED
        position.until = england.day + 1 + int(england.exponential("line.lag", line.key, serial) * p.lag)
    else:
        give_up(england, line, n, BY_NOBODY if england.uniform("line.nobody", line.key, serial) < p.nobody else BY_ADULT)


def give_up(england, line, n, to):
    """The position is no child's any more, as long as the line runs."""
    line.positions[n].holder = ADULT
    line.tell(england, POSITION_FILLED, serial=n, cause=to)


def feel_pressure(england, line):
    """Police have touched the line."""
    line.pressure_until = england.day + england.p("lines").pressure_days
