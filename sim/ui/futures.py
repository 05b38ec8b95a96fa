"""Futures: the same children under different policies, lived day by day in a worker and told in chunks of 28 days.

A future is what decides a run: a world, a seed, and which policies are in force from which day. What decides its days up to some
day is the future `until` that day, so futures that part on day 500 share everything before it, in the store as on the disk. A
worker goes on from the checkpoint of the evening before a chunk; that a policy begins in the middle of a run is what
`begins` of a scenario says, and gives the same digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim import checkpoints
from sim.errors import InputError
from sim.ledger import EVENT_COLUMNS, Event
from sim.levers import ALWAYS
from sim.model import CountyLines
from sim.parameters import ParameterError, nearest
from sim.policies import Policy, every_policy
from sim.population import APPROACHED, AT_HOME, BOUND, CUSTODY, GETTING_OUT, GROOMED, LINE, WORKING
from sim.scenario import FOLDER, Scenario, load_world
from sim.tables import union
from sim.ui import measures
from sim.world import World

CHUNK = 28  # days
MOST_CHILDREN = 30_000  # in a world that the room opens: beyond, a change of policy would be waited for
GREATEST_SEED = 999_999

STATES = ("at home", "in care", "approached", "on a line", "missing", "in custody or hospital", "not in the world")
HOME, CARE, APPROACH, ON_LINE, MISSING, HELD, ABSENT = range(len(STATES))
NOWHERE = 255
LINE_EVENTS = (Event.LINE_OPENED, Event.LINE_CLOSED, Event.LINE_DISPLACED)

Tell = Callable[[str, int, int], None]


def silent(text: str, done: int, total: int) -> None:
    """Nobody is waiting."""


# -- what decides a future -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Use:
    """A policy in force from the day `begins` until the day before `ends` (None: to the end), with all its settings."""

    policy: str
    settings: tuple[tuple[str, float], ...]
    begins: int
    ends: int | None = None

    def as_policy(self) -> Policy:
        """The policy that the model is to live under."""
        kind = every_policy()[self.policy]
        return kind(kind.declares(dict(self.settings)), self.begins, ALWAYS if self.ends is None else self.ends, None)


@dataclass(frozen=True)
class Future:
    """A world, a seed, and the policies from day to day."""

    world: World
    seed: int
    uses: tuple[Use, ...] = ()

    @property
    def first_day(self) -> int:
        """The first day that is shown: the one after the warm-up."""
        return self.world.warm_up_days + 1

    @property
    def last_day(self) -> int:
        return self.world.days

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-(self.last_day - self.first_day + 1) // CHUNK)

    def days_of(self, chunk: int) -> tuple[int, int]:
        """The first and the last day of a chunk."""
        first = self.first_day + chunk * CHUNK
        return first, min(first + CHUNK - 1, self.last_day)

    def chunk_of(self, day: int) -> int:
        """The chunk that holds a day."""
        return (day - self.first_day) // CHUNK

    def until(self, day: int) -> Future:
        """What decides the days up to this one: who does not know what comes cannot tell it from this future."""
        known = (use for use in self.uses if use.begins <= day)
        return replace(self, uses=tuple(replace(use, ends=None) if use.ends is not None and use.ends > day else use for use in known))

    def changed(self, policy: str, settings: Mapping[str, Any] | None, day: int) -> Future:
        """From `day` on the policy is in force with these settings, or with None no longer. Raises InputError.

        What was to become of this policy after that day is forgotten; other policies are not touched. A policy that is in force
        with the same settings goes on; with others it ends, and begins anew.
        """
        wanted = None if settings is None else checked(policy, settings)
        if isinstance(day, bool) or not isinstance(day, int) or not self.first_day <= day <= self.last_day:
            raise InputError(f"day is {day!r:.40}, but must be a whole number from {self.first_day} to {self.last_day}.")
        uses, goes_on = [], False
        for use in self.uses:
            if use.policy != policy or (use.ends is not None and use.ends <= day):
                uses.append(use)
            elif use.begins < day:
                goes_on = use.settings == wanted
                uses.append(replace(use, ends=None if goes_on else day))
        if wanted is not None and not goes_on:
            uses.append(Use(policy, wanted, day))
        return replace(self, uses=tuple(sorted(uses, key=lambda use: (use.policy, use.begins))))

    @cached_property
    def key(self) -> str:
        """A short hash of everything that decides it [hex]."""
        world = self.world
        decides = [world.authorities, world.fraction, world.warm_up_days, world.days, self.seed, [vars(use) for use in self.uses]]
        return hashlib.sha256(json.dumps(decides, separators=(",", ":")).encode()).hexdigest()[:32]

    def described(self) -> list[dict[str, Any]]:
        """Its policies in plain data, for the page; `changed` are the settings that differ from their defaults, which a link must name."""
        return [
            {
                "name": use.policy, "title": every_policy()[use.policy].title, "settings": dict(use.settings), "from_day": use.begins, "to_day": use.ends,
                "changed": {name: value for name, value in use.settings if (name, value) not in checked(use.policy, {})},
            }
            for use in self.uses
        ]  # fmt: skip


def checked(policy: str, settings: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """All settings of a policy, those not given at their defaults. Raises InputError for what is unknown or out of range."""
    if not isinstance(policy, str) or policy not in every_policy():
        raise InputError(f"policy '{policy!s:.40}' is not known; {nearest(str(policy)[:40], every_policy())}.")
    if not isinstance(settings, Mapping) or len(settings) > 50 or not all(isinstance(name, str) and len(name) < 60 for name in settings):
        raise InputError(f"the settings of '{policy}' are not a short table of names and numbers.")
    try:
        return tuple(every_policy()[policy].declares(settings).as_dict().items())
    except ParameterError as error:
        raise InputError(str(error)) from None


@cache
def open_worlds() -> dict[str, World]:
    """The worlds that the room opens, by name: those in `scenarios/worlds/` that are small enough to wait for."""
    worlds = (load_world(path.stem) for path in sorted((FOLDER / "worlds").glob("*.toml")))
    return {world.name: world for world in worlds if children_of(world) <= MOST_CHILDREN}


def children_of(world: World) -> float:
    """About how many children a world has at one time."""
    return float(world.fraction * world.places.population_10_17[list(world.authorities)].sum())


def future(world: Any, seed: Any, policies: Mapping[str, Any] | None = None) -> Future:
    """The future of a world under policies (name to settings) from the first day shown. Raises InputError for what is unknown or too large."""
    if not isinstance(world, str) or world not in open_worlds():
        raise InputError(f"world '{world!s:.40}' cannot be shown here; allowed are the worlds of at most {MOST_CHILDREN:,} children: {', '.join(open_worlds())}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= GREATEST_SEED:
        raise InputError(f"seed is {seed!r:.40}, but must be a whole number from 0 to {GREATEST_SEED:,}.")
    if not isinstance(policies or {}, Mapping):
        raise InputError("policies must be a table of names and settings.")
    made = Future(open_worlds()[world], seed)
    for policy, settings in (policies or {}).items():
        made = made.changed(policy, settings or {}, made.first_day)
    return made


# -- what is told of some days ---------------------------------------------------------------------------------------------


@dataclass
class Record:
    """What some days of one future were: enough to draw any child of the world, to count, and to tell a child's story.

    Evening by evening, `keys`, `places` and `states` hold those who are not simply at home; evening d has rows
    `starts[d]:starts[d + 1]`. `arcs` likewise hold the open lines by `arc_starts`: line, from, to, children on it.
    """

    first: int
    days: int
    starts: NDArray[np.int64]
    keys: NDArray[np.uint64]
    places: NDArray[np.uint8]
    states: NDArray[np.uint8]
    arc_starts: NDArray[np.int64]
    arcs: NDArray[np.uint16]
    numbers: NDArray[np.float32]  # (measures, days)
    events: dict[str, NDArray[Any]]
    children: dict[str, NDArray[Any]]  # who came into the world on these days: key, day, born, home, is_male, u
    present: int  # children in the world on the last evening

    @property
    def nbytes(self) -> int:
        """Memory, about."""
        arrays: list[NDArray[Any]] = [self.keys, self.places, self.states, self.arcs, self.numbers, *self.events.values(), *self.children.values()]
        return sum(array.nbytes for array in arrays)


@dataclass
class Watch:
    """Looks at a model each evening and writes down what a record needs."""

    model: CountyLines
    first: int
    evenings: list[tuple[NDArray, NDArray, NDArray]] = field(default_factory=list)
    arcs: list[list[tuple[int, int, int, int]]] = field(default_factory=list)

    def look(self) -> None:
        """An evening."""
        self.evenings.append(not_simply_at_home(self.model))
        lines = self.model.lines.lines
        self.arcs.append([(line.number, line.origin, line.market, sum(holder >= 0 for holder in line.positions)) for line in lines if line.is_open])

    def record(self) -> Record:
        """What was seen."""
        model, last = self.model, self.model.day
        days = last - self.first + 1
        tables = {name: between(model.ledger.tables[name].rows(), self.first, last) for name in ("events", "stocks", "bills", "children")}
        seen = len(self.evenings)
        keys, places, states = (np.concatenate([evening[n] for evening in self.evenings]) for n in range(3))
        told = (tables["events"]["child"] > 0) | np.isin(tables["events"]["event"], LINE_EVENTS)
        came = tables["children"]
        return Record(
            first=last - seen + 1, days=seen, starts=starts_of(self.evenings, lambda evening: len(evening[0])), keys=keys, places=places, states=states,
            arc_starts=starts_of(self.arcs, len), arcs=np.array([arc for day in self.arcs for arc in day], dtype=np.uint16).reshape(-1, 4),
            numbers=measures.count(measures.Days(self.first, days, tables)),
            events={name: tables["events"][name][told] for name in EVENT_COLUMNS},
            children={
                "key": came["child"].copy(), "day": came["day"].copy(), "born": came["born"].copy(), "home": came["home"].copy(),
                "is_male": came["is_male"].copy(), "u": model.draws.uniform("room.shown", came["child"]),
            },
            present=int(model.demography.present),
        )  # fmt: skip


def between(rows: dict[str, NDArray[Any]], first: int, last: int) -> dict[str, NDArray[Any]]:
    """The rows of a table from one day to another, entered day by day."""
    begin, end = np.searchsorted(rows["day"], (first, last + 1))
    return {name: column[begin:end] for name, column in rows.items()}


def starts_of(items: list, size: Callable[[Any], int]) -> NDArray[np.int64]:
    """Where each item begins when all are laid end to end, and where the last ends."""
    return np.concatenate(([0], np.cumsum([size(item) for item in items]))).astype(np.int64)


def not_simply_at_home(model: CountyLines) -> tuple[NDArray[np.uint64], NDArray[np.uint8], NDArray[np.uint8]]:
    """This evening's children who are in care, involved with a line, missing, in custody or in hospital: keys, places, states.

    Who is away because a line has sent it is where the line deals; who is missing for another cause is shown where it lives.
    """
    children, involved, away = model.children, model.exploitation.table, model.missing.table
    few = children.columns["in_hospital_until"]
    in_hospital = np.flatnonzero(few.by_entry[: few.few.entries] > model.day)
    rows = union(
        model.placements.table.members(), involved.rows[involved.rows >= 0], away.rows[away.rows >= 0],
        np.flatnonzero(np.isin(few.few.entry, in_hospital[in_hospital > 0])) if (in_hospital > 0).any() else np.empty(0, dtype=np.int64),
    )  # fmt: skip
    rows = rows[children.is_present[rows]]
    setting, stage, home = children.setting[rows], children.stage[rows], children.authority[rows]
    place = model.placements.where(rows).astype(np.int64)
    state = np.where(setting == AT_HOME, HOME, CARE)
    state[np.isin(stage, (APPROACHED, GROOMED))] = APPROACH
    state[np.isin(stage, (WORKING, BOUND, GETTING_OUT))] = ON_LINE
    state[(setting == CUSTODY) | (children.in_hospital_until[rows] > model.day)] = HELD
    slots = children.missing_slot[rows]
    state[slots >= 0] = MISSING
    sent = np.flatnonzero((slots >= 0) & (away.cause[slots] == LINE) & (children.line_slot[rows] >= 0))
    if sent.size:
        lines = involved.line[children.line_slot[rows[sent]]].tolist()
        place[sent] = [model.lines.lines[number].market for number in lines]
    kept = (state != HOME) | (place != home)
    return children.key[rows][kept], place[kept].astype(np.uint8), state[kept].astype(np.uint8)


# -- in a worker -------------------------------------------------------------------------------------------------------------


def begin(plan: Future, folder: Path, tell: Tell = silent) -> Record:
    """The evening before the first day shown, and all that came before: who is in the world, and the past of each child."""
    model = evening(plan, plan.first_day - 1, folder, tell)
    watch = Watch(model, 1)
    watch.look()
    return watch.record()


def live(plan: Future, chunk: int, folder: Path, tell: Tell = silent) -> Record:
    """One chunk of a future, gone on with from the checkpoint of the evening before; where there is none, from the latest there is."""
    first, last = plan.days_of(chunk)
    model = evening(plan, first - 1, folder, tell)
    adopt(model, plan.until(last))
    watch = Watch(model, first)
    while model.day < last:
        model.step()
        watch.look()
    keep(model, plan.until(last), folder)
    return watch.record()


def count(plan: Future, chunks: int, folder: Path, tell: Tell = silent) -> NDArray[np.float32]:
    """The numbers of the first chunks only, for the range over other seeds, shape (measures, days)."""
    model = evening(plan, plan.first_day - 1, folder, tell)
    adopt(model, plan)
    model.run_to(plan.days_of(chunks - 1)[1])
    tables = {name: between(model.ledger.tables[name].rows(), plan.first_day, model.day) for name in ("events", "stocks", "bills")}
    return measures.count(measures.Days(plan.first_day, model.day - plan.first_day + 1, tables))


def get_ready(folder: Path, tell: Tell = silent) -> None:
    """Load what the first days of any model load, so that nobody waits for it later: some days of very few children."""
    few = replace(next(iter(open_worlds().values())), fraction=0.001, warm_up_days=1)
    CountyLines(Scenario("present practice"), few, 1).run_to(10)


def evening(plan: Future, day: int, folder: Path, tell: Tell = silent) -> CountyLines:
    """The model on the evening before a chunk: from its checkpoint, or lived again."""
    plan = plan.until(day)
    path = path_of(plan, day, folder)
    if path.exists():
        try:
            return checkpoints.read(path)[0]
        except InputError:  # cleared away, or damaged: it is lived again
            path.unlink(missing_ok=True)
    if day < plan.first_day:
        tell("Invented children are being born, and homes built", 0, day)
        model = CountyLines(Scenario("present practice"), plan.world, plan.seed)
        while model.day < day:
            model.step()
            if model.day % CHUNK == 0:
                tell("The year before is being lived", model.day, day)
    else:
        model = evening(plan, day - CHUNK, folder, tell)
        adopt(model, plan)
        model.run_to(day)
    keep(model, plan, folder)
    return model


def adopt(model: CountyLines, plan: Future) -> None:
    """From tomorrow on the model lives under the policies of this future, which until tonight were its own: those in force stay as they are."""
    have = {(policy.name, policy.begins): policy for policy in model.policies}
    model.policies = [have.get((use.policy, use.begins)) or use.as_policy() for use in plan.uses]
    for policy, use in zip(model.policies, plan.uses, strict=True):
        policy.ends = ALWAYS if use.ends is None else use.ends


def path_of(plan: Future, day: int, folder: Path) -> Path:
    """Where the checkpoint of an evening lies."""
    return folder / f"{plan.key}-{day}.model"


def keep(model: CountyLines, plan: Future, folder: Path) -> None:
    """The checkpoint of this evening."""
    path = path_of(plan, model.day, folder)
    if not path.exists():
        checkpoints.write(model, path)
