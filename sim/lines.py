"""Gangs, their lines, and the recruiters who seek children for them.

A gang in an exporting city runs lines, each to one market, which may be its own authority (lines are localising). How many lines
run from where to where follows from exporters' shares and a long-tailed rule of distance, for all of England, by the keys of the
two authorities; a world keeps those that begin or end in it, so another list of places renames none.

A line has positions. A position seeks a child, or is held by a child of this world, by a child of elsewhere, or by somebody else.
When a child leaves it, it is sought again with the probability `substitution`, after a lag. A line runs until it is closed; the
gang replaces it.

*Chosen*: vacancies, not the number of willing children, set how often recruiters try. *Rival*: recruitment limited by the
children within reach; `nobody_weight` (recruitment) moves the model between the two.
"""

from __future__ import annotations

import mesa
import numpy as np

from sim.draws import GOLDEN, MASK, key_of, power
from sim.ledger import Event
from sim.levers import Dial
from sim.parameters import ASSUMED, Parameters, parameter
from sim.places import EXPORTER_GROUPS

BY_ADULT, BY_CHILD, BY_CHILD_OF_ELSEWHERE, BY_RELATIVE_OR_FRIEND, BY_SAME_GROWN_UP, BY_NOBODY = range(6)
SEEKS = -1  # a position that seeks a child
PAUSED = -2  # ... that will, after a lag
ADULT = -3  # ... that somebody else holds as long as the line runs
ELSEWHERE = -4  # ... that a child of elsewhere holds


class Lines(Parameters, group="lines"):
    """How many lines there are, how long they run, and how their positions are filled."""

    external = parameter(900.0, unit="lines in England", between=(400.0, 1500.0), source="L010;L011;L004", doc="Active at one time, from one authority to another.")
    internal = parameter(350.0, unit="lines in England", between=(100.0, 900.0), source="L021", doc="Active at one time within one authority.")
    london_share = parameter(0.40, unit="share of external lines", between=(0.30, 0.65), source="L002;L007")
    west_midlands_share = parameter(0.13, unit="share of external lines", between=(0.09, 0.15), source="L007")
    merseyside_share = parameter(0.13, unit="share of external lines", between=(0.07, 0.15), source="L007")
    manchester_share = parameter(0.08, unit="share of external lines", between=(0.04, 0.12), source=ASSUMED)
    reach_km = parameter(60.0, unit="km", between=(30.0, 120.0), source="L032", doc="Scale of the long-tailed rule of distance.")
    reach_decay = parameter(2.0, unit="exponent", between=(1.2, 3.5), source=ASSUMED)
    coast = parameter(1.5, unit="multiplier", between=(1.0, 3.0), source="lines_geography.csv:15", doc="Draw of a coastal market; the named share of coastal towns is one old statement.")
    positions = parameter(6, unit="positions", between=(2, 8), source="L006", doc="Held by children or adults on one line; 5 children a number or 10 a brand are upper figures.")
    children_share = parameter(0.75, unit="share", between=(0.4, 1.0), source=ASSUMED, doc="Positions of a new line for which a child is sought.")
    substitution = parameter(0.7, unit="probability", between=(0.0, 1.0), source="L020", distribution="uniform", doc="A position that a child leaves is sought again among children; the source says lines are replaced at once, not by whom.")
    relative_or_friend = parameter(0.08, unit="share", between=(0.0, 0.3), source=ASSUMED, doc="Of positions sought again among children: a sibling or friend of the child who left in debt is made to take it.")
    grown_up_stays = parameter(0.5, unit="probability", between=(0.0, 1.0), source=ASSUMED, doc="A child who turns eighteen on a line keeps its position, out of sight of this model.")
    nobody = parameter(0.2, unit="share", between=(0.0, 1.0), source=ASSUMED, doc="Of positions not sought among children: left empty; the rest go to local adults or people of eighteen and over.")
    displaced = parameter(0.25, unit="probability", between=(0.0, 0.6), source="L020", doc="A closed line reopens in another market; the source says that lines are replaced at once, not where.")
    adaptation = parameter(0.3, unit="strength", between=(0.0, 1.0), source=ASSUMED, doc="Under pressure recruiters turn to children nobody knows, to the market's own children, online; 0 not at all.")
    deterrence = parameter(0.1, unit="share", between=(0.0, 0.5), source=ASSUMED, doc="Under pressure: contacts fewer by so much.")
    pressure_days = parameter(60, unit="days", between=(14, 180), source=ASSUMED, doc="How long a closure, or a child of the line being met by police, is felt as pressure.")
    lag = parameter(10.0, unit="days", between=(1.0, 40.0), source=ASSUMED, doc="Mean time until it is sought again.")
    lifetime = parameter(200.0, unit="days", between=(90.0, 300.0), source="L015", doc="Mean time until a line is closed, by police or by itself (2024/25).")
    replacement_lag = parameter(21.0, unit="days", between=(1.0, 90.0), source="L020", doc="Mean time until a closed line is replaced.")
    stay_of_child_of_elsewhere = parameter(250.0, unit="days", between=(100.0, 500.0), source=ASSUMED)
    contacts = parameter(3.0, unit="contacts a month", between=(1.0, 10.0), source=ASSUMED, doc="Of a recruiter, for each open position.")


class Gang(mesa.Agent):
    """A gang of an exporting authority."""

    def __init__(self, model, origin: int, ordinal: int):
        super().__init__(model)
        self.origin, self.ordinal = origin, ordinal
        self.key = key_of("gang", model.world.places.code[origin], ordinal)
        self.lines: list[Line] = []


class Line(mesa.Agent):
    """A line: a gang's phone number and brand from one authority into one market, with its positions and its recruiter."""

    def __init__(self, model, gang: Gang, origin: int, market: int, ordinal: int):
        super().__init__(model)
        self.gang, self.origin, self.market = gang, origin, market
        self.outlets: list[int] = []  # places to which it has followed a child
        self.pressure_until = 0
        self.kept: list[int] = []  # rows of children on whom the gang keeps its hold while the line is closed
        self.route = key_of("line", model.world.places.code[origin], model.world.places.code[market], ordinal)
        self.number = -1  # in the list of lines
        self.generation = -1
        self.key = self.route
        self.is_open = False
        self.opened_on = 0
        self.left = 0.0
        self.positions: list[int] = []  # row of the child, or one of SEEKS, PAUSED, ADULT, ELSEWHERE
        self.until: list[int] = []
        self.spells: list[int] = []
        self.open_positions = 0
        self.next_change = 0  # day on which some position changes by itself
        self.recruiter = Recruiter(model, self)

    @property
    def is_under_pressure(self) -> bool:
        """Police have touched it lately."""
        return self.model.day < self.pressure_until

    def feel_pressure(self) -> None:
        """Police have touched the line."""
        self.pressure_until = self.model.day + self.model.lines.parameters.pressure_days

    def open(self) -> None:
        """A new generation of the line begins, with positions to fill."""
        model, p = self.model, self.model.lines.parameters
        self.generation += 1
        self.outlets = []
        self.key = (self.route + self.generation * GOLDEN) & MASK
        self.is_open, self.opened_on = True, model.day
        self.left = model.draws.one_exponential("line.lifetime", self.key)
        self.positions, self.until, self.spells = [], [], []
        for n in range(p.positions):
            sought = model.draws.one_uniform("line.position", self.key, n) < p.children_share
            self.positions.append(SEEKS if sought else ADULT)
            self.until.append(0)
            self.spells.append(0)
            if sought:
                self._tell(Event.POSITION_OPEN, n)
        self.open_positions = self.positions.count(SEEKS)
        self.next_change = 1 << 30
        model.today.opened_lines.append(self.number)
        model.ledger.enter(1, day=model.day, event=Event.LINE_OPENED, agent=self.key, home=self.origin, place=self.market, amount=p.positions)

    def step(self) -> None:
        """A day on which something is due: the line is closed or replaced, or positions that a child has left are sought again."""
        if self.left <= 0.0:
            if self.is_open:
                self.close()
            else:
                self.model.lines.move_if_displaced(self)
                self.open()
        elif self.model.day >= self.next_change:
            self._change_positions()

    def close(self) -> None:
        """Police close the line, or it ends by itself; it will be replaced."""
        model = self.model
        self.feel_pressure()
        self.is_open, self.open_positions = False, 0
        rows = np.array([row for row in self.positions if row >= 0], dtype=np.int64)
        model.ledger.enter(
            1, day=model.day, event=Event.LINE_CLOSED, agent=self.key, home=self.origin, place=self.market,
            amount=float(model.day - self.opened_on),
        )  # fmt: skip
        self.positions = []
        self.left = model.draws.one_exponential("line.replacement", self.key)
        model.today.give(Event.LINE_CLOSED, rows)
        model.today.closed_lines.append(self.number)

    def _change_positions(self) -> None:
        day = self.model.day
        for n, holder in enumerate(self.positions):
            if self.until[n] == day and holder == PAUSED:
                self._seek(n)
            elif self.until[n] == day and holder == ELSEWHERE:
                self.vacate(n)
        self._look_ahead()

    def _look_ahead(self) -> None:
        waiting = [self.until[n] for n, holder in enumerate(self.positions) if holder in (PAUSED, ELSEWHERE)]
        self.next_change = min(waiting, default=1 << 30)

    def _seek(self, n: int) -> None:
        self.positions[n] = SEEKS
        self.open_positions += 1
        self._tell(Event.POSITION_OPEN, n)

    def _tell(self, event: Event, n: int, **columns) -> None:
        model = self.model
        model.ledger.enter(1, day=model.day, event=event, agent=self.key, serial=n, home=self.origin, place=self.market, **columns)

    def take(self, holder: int) -> None:
        """A child (row) or a child of elsewhere takes the first open position."""
        model = self.model
        n = self.positions.index(SEEKS)
        self.positions[n] = holder
        self.spells[n] += 1
        self.open_positions -= 1
        by = BY_CHILD if holder >= 0 else BY_CHILD_OF_ELSEWHERE
        if holder == ELSEWHERE:
            patience = model.draws.one_exponential("line.stay_of_elsewhere", self.key, n * 4096 + self.spells[n])
            self.until[n] = model.day + 1 + int(patience * model.lines.parameters.stay_of_child_of_elsewhere)
            self._look_ahead()
        child = int(model.children.key[holder]) if holder >= 0 else 0
        self._tell(Event.POSITION_FILLED, n, cause=by, child=child)

    def leave(self, row: int, *, grown_up: bool = False) -> None:
        """The child leaves its position on the line, by getting out or because it turns eighteen."""
        if row in self.positions:
            n = self.positions.index(row)
            stays = grown_up and self.model.draws.one_uniform("line.grown_up", self.key, n * 4096 + self.spells[n]) < self.model.lines.parameters.grown_up_stays
            if stays:
                self._give_up(n, BY_SAME_GROWN_UP)
            else:
                self.vacate(n, after=row)
            self._look_ahead()

    def vacate(self, n: int, after: int = -1) -> None:
        """A position falls vacant: sought again among children after a lag, pressed on a relative or friend, or not theirs any more."""
        model, p = self.model, self.model.lines.parameters
        serial = n * 4096 + self.spells[n]
        if model.draws.one_uniform("line.substitution", self.key, serial) < p.substitution:
            if after >= 0 and model.draws.one_uniform("line.relative_or_friend", self.key, serial) < p.relative_or_friend:
                model.lines.want(self.number, after)
            self.positions[n] = PAUSED
            self.until[n] = model.day + 1 + int(model.draws.one_exponential("line.lag", self.key, serial) * p.lag)
        else:
            nobody = model.draws.one_uniform("line.nobody", self.key, serial) < p.nobody
            self._give_up(n, BY_NOBODY if nobody else BY_ADULT)

    def _give_up(self, n: int, to: int) -> None:
        """The position is no child's any more, as long as the line runs."""
        self.positions[n] = ADULT
        self._tell(Event.POSITION_FILLED, n, cause=to)


class Recruiter(mesa.Agent):
    """Seeks children for the open positions of a line, where children are; has business only while there is one."""

    def __init__(self, model, line: Line):
        super().__init__(model)
        self.line = line
        self.key = key_of("recruiter", line.route)
        self.contact = 0
        self.left = model.draws.one_exponential("recruiter.contact", self.key, 0)

    def step(self) -> None:
        """A day of seeking: contacts come at a rate for each open position."""
        lines = self.model.lines
        deterred = 1.0 - lines.parameters.deterrence if self.line.is_under_pressure else 1.0
        self.left -= self.line.open_positions * lines.contacts_a_day * deterred
        while self.left <= 0.0 and self.line.open_positions:
            self.model.recruitment.seek_for(self)
            self.contact += 1
            self.left += self.model.draws.one_exponential("recruiter.contact", self.key, self.contact)


class Market:
    """Keeps the lines."""

    def __init__(self, model):
        self.model, self.parameters = model, model.parameters["lines"]
        p = self.parameters
        self.hazard_of_closing = Dial(np.full(len(model.world.places), 1.0 / p.lifetime))  # of lines by market [per day]
        self._wanted: list[tuple[int, int]] = []  # lines that want a relative or friend of a child (row) who got out
        self.hazard_of_replacement = 1.0 / p.replacement_lag
        self.contacts_a_day = p.contacts / 30.4375
        self.lines: list[Line] = []
        self._flows: np.ndarray | None = None
        self._lay_out()

    def want(self, line: int, after: int) -> None:
        """A line wants a relative or friend in the place of the child of a row, who got out."""
        self._wanted.append((line, after))

    def take_wanted(self) -> list[tuple[int, int]]:
        """What lines have wanted since they were last asked: (number of the line, row of the child who got out)."""
        wanted, self._wanted = self._wanted, []
        return wanted

    def flows(self):
        """Expected active lines from each authority of England (rows) to each (columns) [lines]."""
        p, places = self.parameters, self.model.world.places
        share = dict(zip(EXPORTER_GROUPS, (p.london_share, p.west_midlands_share, p.merseyside_share, p.manchester_share), strict=False))
        share[EXPORTER_GROUPS[4]] = max(0.0, 1.0 - sum(share.values()))
        total = sum(share.values())
        exports = np.array([share.get(group, 0.0) / total for group in places.exporter_group]) * places.exporter_weight
        draw = places.population_10_17 * places.imd_score * np.where(places.coastal, p.coast, 1.0)
        flows = np.zeros((len(places), len(places)))
        for origin in np.flatnonzero(exports):
            weight = draw * power(1.0 + places.distances[origin] / p.reach_km, -p.reach_decay)
            weight[origin] = 0.0
            weight[[group == places.exporter_group[origin] for group in places.exporter_group]] *= 0.25
            flows[origin] = p.external * exports[origin] * weight / weight.sum()
        within = places.population_10_17 * places.imd_score
        flows[np.diag_indices(len(places))] = p.internal * within / within.sum()
        return flows

    def _lay_out(self) -> None:
        """The lines that begin or end in the world: whole numbers by the keys of the two authorities."""
        model, world = self.model, self.model.world
        p, inside = self.parameters, world.inside
        on = p.lifetime / (p.lifetime + p.replacement_lag)
        expected = self.flows() * world.fraction / on
        gangs: dict[tuple[int, int], Gang] = {}
        for origin, market in zip(*np.nonzero(expected > 0.0), strict=True):
            if not (inside[origin] or inside[market]):
                continue
            origin, market = int(origin), int(market)
            whole = int(expected[origin, market])
            pair = key_of("pair", world.places.code[origin], world.places.code[market])
            more = model.draws.one_uniform("line.exists", pair) < expected[origin, market] - whole
            for ordinal in range(whole + more):
                # about three lines a gang
                gang_ordinal = int(model.draws.one_uniform("line.gang", pair, ordinal) * max(1.0, expected[origin].sum() / 3.0))
                gang = gangs.get((origin, gang_ordinal)) or Gang(model, origin, gang_ordinal)
                gangs[origin, gang_ordinal] = gang
                line = Line(model, gang, origin, market, ordinal)
                line.number = len(self.lines)
                gang.lines.append(line)
                self.lines.append(line)

    def start(self) -> None:
        """Day 1: each line is open with its stationary probability, its age forgotten (lifetimes have no memory)."""
        p = self.parameters
        on = p.lifetime / (p.lifetime + p.replacement_lag)
        for line in self.lines:
            if self.model.draws.one_uniform("line.open_on_day_1", line.route) < on:
                line.open()
            else:
                line.left = self.model.draws.one_exponential("line.replacement_on_day_1", line.route)

    def move_if_displaced(self, line: Line) -> None:
        """A line that is replaced may reopen in another market. What would go elsewhere is exchanged for one that comes."""
        model, world = self.model, self.model.world
        serial = line.generation + 1
        if line.origin == line.market or model.draws.one_uniform("line.displaced", line.route, serial) >= self.parameters.displaced:
            return
        if self._flows is None:
            self._flows = self.flows()
        inside = world.inside
        weight = self._flows[line.origin].copy()
        weight[[line.origin, line.market]] = 0.0
        if not inside[line.origin]:
            leaves_world = weight[~inside].sum()
            weight[~inside] = 0.0
        else:
            leaves_world = 0.0
        if weight.sum() <= 0.0:
            return
        u = model.draws.one_uniform("line.new_market", line.route, serial)
        line.market = int(np.searchsorted(np.cumsum(weight / weight.sum()), u))
        goes = leaves_world / (leaves_world + weight.sum())
        exchanged = model.draws.one_uniform("line.exchanged", line.route, serial) < goes
        model.ledger.enter(
            1, day=model.day, event=Event.LINE_DISPLACED, agent=line.route, serial=serial, home=line.origin, place=line.market, detail=int(exchanged)
        )

    def run(self) -> None:
        """Lines open, close and seek: the hazard of a day passes for each, and those live it for whom something is due."""
        day, closing, replacement = self.model.day, self.hazard_of_closing.now.tolist(), self.hazard_of_replacement
        for line in self.lines:
            line.left -= closing[line.market] if line.is_open else replacement
            if line.left <= 0.0 or day >= line.next_change:
                line.step()
