"""Children: columns underneath, Mesa agents on top.

Every fact about a child is declared once, in `Circumstances`. `Children` owns the columns; `Child` is a view of one row
and a Mesa agent; `Cohort` is a view of some rows and a Mesa agent set. So `child.is_missing` and
`children.select(lambda c: c.is_missing & (c.age < 16))` use the same words. Each fact has one keeper, the mechanism that
writes it: everybody else's columns are read-only.

Identity is the 64-bit key = hash(authority code, school year of birth, ordinal). The row is only storage.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from types import SimpleNamespace
from typing import Any

import mesa
import numpy as np
from mesa.agentset import AbstractAgentSet, GroupBy, _HardKeyAgentSet
from numpy.typing import NDArray

from sim.dates import age_on
from sim.parameters import nearest
from sim.tables import Few

Rows = NDArray[np.int64]
NEVER = np.int16(-32768)  # of a day: it has not happened


class Fact:
    """One fact about a child: a column with a type, a default, a unit, a keeper and a meaning.

    Where only few children have another value than the default, only these are stored (`of_few`).
    """

    def __init__(self, dtype: Any, default: Any, *, unit: str, kept_by: str, doc: str, of_few: bool = False):
        self.dtype, self.default, self.unit, self.kept_by, self.doc, self.of_few = np.dtype(dtype), default, unit, kept_by, doc, of_few
        self.name = ""

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, holder, owner=None):
        return self if holder is None else holder._read(self.name)


class Slot(Fact):
    """A child's row in a small table, -1 for those who are not in it."""

    def __init__(self, *, kept_by: str, doc: str):
        super().__init__(np.int32, -1, unit="row", kept_by=kept_by, doc=doc, of_few=True)


# What a child is to a line. The order is the order of the stages.
NOT_INVOLVED, APPROACHED, GROOMED, WORKING, BOUND, GETTING_OUT, SAFE = range(7)
STAGES = ("not involved", "approached", "groomed", "working", "bound by debt", "getting out", "safe for now")

# Where a child lives. AT_HOME is not looked after; all others are placements.
(AT_HOME, FOSTER, SPECIALIST_FOSTER, KINSHIP, CHILDRENS_HOME, SECURE, SUPPORTED, WITH_PARENTS, OTHER, CUSTODY) = range(10)
SETTINGS = (
    "at home", "foster", "specialist foster", "kinship", "children's home", "secure", "supported or independent",
    "with parents", "other", "custody",
)  # fmt: skip

# Why a child goes missing.
CONFLICT, FAMILY, LINE, DEBT, SEXUAL = range(5)
CAUSES = ("conflict at home or placement", "going home to family or friends", "line", "debt or fear", "sexual exploitation")

# Where a child is in its schooling.
MAINSTREAM, SUSPENDED, PART_TIME, ALTERNATIVE, ABSENT = range(5)
SCHOOLING = ("in school", "suspended", "part-time timetable", "alternative provision after exclusion", "persistently absent")

# Forms of exploitation, as services name them.
BY_A_LINE, SEXUALLY, BY_OTHERS = range(3)
FORMS = ("criminal, by a line", "sexual", "criminal, otherwise")


BANDS = ((10, 12), (13, 14), (15, 15), (16, 17))  # ages that share hazards
GROUPS_OF_AN_AUTHORITY = len(BANDS) * len(SETTINGS)


def band_of(age):
    """Index into BANDS of an age in years (10 to 17), or of an array of them."""
    return (age > 12) * 1 + (age > 14) * 1 + (age > 15) * 1


def group_of(authority, band, setting):
    """The group whose hazards a child shares: authority x age band x setting."""
    return (authority * len(BANDS) + band) * len(SETTINGS) + setting


class Circumstances:
    """What is known of a child: the one list of facts, for one child or for many."""

    key = Fact(np.uint64, 0, unit="hash", kept_by="demography", doc="Who the child is, in every run and every world.")
    born = Fact(np.int16, 0, unit="day", kept_by="demography", doc="Day of birth; day 1 is 1 April 2025.")
    is_present = Fact(np.bool_, False, unit="yes/no", kept_by="demography", doc="In the age range and in the world today.")
    is_male = Fact(np.bool_, False, unit="yes/no", kept_by="demography", doc="Recorded sex is male.")
    authority = Fact(np.uint8, 0, unit="place", kept_by="demography", doc="Home authority, also the responsible one in care.")
    is_unaccompanied = Fact(np.bool_, False, unit="yes/no", kept_by="placements", of_few=True, doc="Came to England alone, seeking asylum.")
    circle = Fact(np.int32, -1, unit="index", kept_by="demography", doc="Circle of friends in the same place and school year; -1 none.")
    group = Fact(np.uint16, 0, unit="index", kept_by="demography", doc="Authority x age band x setting: whose shared hazards apply.")
    restlessness = Fact(np.float32, 0, unit="multiplier", kept_by="missing", doc="Unobserved lasting difference in the rate of going missing (gamma, mean 1).")
    exposure = Fact(np.float32, 0, unit="weight", kept_by="demography", doc="How easily exploiters find and approach the child.")
    strain = Fact(np.float32, 0, unit="multiplier", kept_by="demography", doc="Family conflict: the child's own multiplier of entering care.")

    setting = Fact(np.uint8, AT_HOME, unit="setting", kept_by="placements", doc="Where the child lives.")
    care_entries = Fact(np.uint8, 0, unit="entries", kept_by="placements", of_few=True, doc="How often the child has entered care, history included.")
    care_slot = Slot(kept_by="placements", doc="Row in the table of looked-after children; -1 not looked after.")
    care_level = Fact(np.float64, np.inf, unit="hazard", kept_by="placements", doc="Clock: entering care.")

    stage = Fact(np.uint8, NOT_INVOLVED, unit="stage", kept_by="exploitation", of_few=True, doc="Stage of exploitation by a line.")
    involvements = Fact(np.uint8, 0, unit="times", kept_by="exploitation", of_few=True, doc="How often the child has been approached.")
    line_slot = Slot(kept_by="exploitation", doc="Row in the table of children whom a line has approached; -1 not involved.")
    other_forms = Fact(np.uint8, 0, unit="bits", kept_by="other_exploitation", of_few=True, doc="Involved in a form of exploitation other than by a line: 2 sexual, 4 criminal otherwise.")
    sexual_slot = Slot(kept_by="other_exploitation", doc="Row in the table of sexual exploitation; -1 not in it.")
    criminal_slot = Slot(kept_by="other_exploitation", doc="Row in the table of criminal exploitation without a line; -1 not in it.")

    schooling = Fact(np.uint8, MAINSTREAM, unit="state", kept_by="schooling", doc="In school, suspended, on a part-time timetable, in alternative provision, persistently absent.")
    suspensions = Fact(np.uint8, 0, unit="times", kept_by="schooling", doc="Suspensions and exclusions so far, history included.")
    school_level = Fact(np.float64, np.inf, unit="hazard", kept_by="schooling", doc="Clock: trouble at school that ends in a suspension or exclusion.")

    crisis_level = Fact(np.float64, np.inf, unit="hazard", kept_by="missing", doc="Clock: a passing crisis begins.")
    crises = Fact(np.uint16, 0, unit="times", kept_by="missing", of_few=True, doc="Passing crises so far.")
    conflict_level = Fact(np.float64, np.inf, unit="hazard", kept_by="missing", doc="Clock: going missing over conflict.")
    conflict_spells = Fact(np.uint16, 0, unit="times", kept_by="missing", of_few=True, doc="Spells of that clock so far.")
    episodes = Fact(np.uint16, 0, unit="episodes", kept_by="missing", of_few=True, doc="True missing episodes begun so far.")
    missing_slot = Slot(kept_by="missing", doc="Row in the table of missing children; -1 not missing.")
    pull_slot = Slot(kept_by="missing", doc="Row in the table of what pulls children away; -1 nothing ever did.")

    signals_police = Fact(np.uint8, 0, unit="signals", kept_by="services", of_few=True, doc="Signals of exploitation that the police hold.")
    signals_care = Fact(np.uint8, 0, unit="signals", kept_by="services", of_few=True, doc="Signals of exploitation that social care holds.")
    signals_education = Fact(np.uint8, 0, unit="signals", kept_by="services", of_few=True, doc="Signals of exploitation that schools hold.")
    signals_health = Fact(np.uint8, 0, unit="signals", kept_by="services", of_few=True, doc="Signals of exploitation that hospitals hold.")
    signals_pooled = Fact(np.uint8, 0, unit="signals", kept_by="services", of_few=True, doc="Of these signals, those that all agencies know.")
    identified_on = Fact(np.int16, NEVER, unit="day", kept_by="services", of_few=True, doc="Day on which exploitation was identified.")
    in_hospital_until = Fact(np.int16, NEVER, unit="day", kept_by="harm", of_few=True, doc="First day out of hospital again.")
    worker_slot = Slot(kept_by="relationships", doc="Row in the table of children who have a worker; -1 none.")

    lever_slot = Slot(kept_by="levers", doc="Row in the table of children for whom a lever is held; -1 none is.")

    model: Any  # given by the holder

    def _read(self, name):
        raise NotImplementedError(f"{type(self).__name__} holds no columns")

    def _write(self, name, value):
        raise NotImplementedError(f"{type(self).__name__} holds no columns")

    @property
    def age(self):
        """Age in completed years."""
        return age_on(self.born, self.model.day)

    @property
    def is_missing(self):
        """Away today, reported or not."""
        return self.missing_slot >= 0

    @property
    def is_looked_after(self):
        """In the care of the authority today."""
        return self.setting != AT_HOME

    @property
    def is_on_a_line(self):
        """Works for a line today, bound by debt or not."""
        return (self.stage == WORKING) | (self.stage == BOUND)

    @property
    def is_exploited(self):
        """Approached, groomed, working, bound or getting out of any form of exploitation, or in reach of a line still."""
        return (self.stage != NOT_INVOLVED) | (self.other_forms != 0)

    @property
    def is_identified(self):
        """Some agency knows that the child is exploited."""
        return self.identified_on > NEVER


FACTS: dict[str, Fact] = {name: fact for name, fact in vars(Circumstances).items() if isinstance(fact, Fact)}
WORDS = frozenset(FACTS) | {name for name, value in vars(Circumstances).items() if isinstance(value, property)}


def _unknown(name: str) -> AttributeError:
    return AttributeError(f"a child has no fact '{name}'; {nearest(name, WORDS)}")


class Child(Circumstances, mesa.Agent):
    """One child: a view of one row, and a Mesa agent. It holds no state of its own, so there is one engine."""

    def __init__(self, model, row: int):  # not mesa's: the row exists, nothing is registered
        key = int(model.children.columns["key"][row])  # 64 bits: no institution, which Mesa counts from 1, has it
        self.__dict__.update(model=model, row=int(row), unique_id=key)

    def _read(self, name):
        return self.model.children.columns[name][self.row].item()

    def _write(self, name, value):
        self.model.children.columns[name][self.row] = value

    def __setattr__(self, name, value):
        if name not in FACTS:
            raise _unknown(name)
        self._write(name, value)

    def __getattr__(self, name):
        raise _unknown(name)

    def __repr__(self):
        return f"<Child {self.key:016x}>"

    def step(self):
        """Nothing: a day is lived by all children together, in the model's `step`."""

    def remove(self):
        """Children leave at eighteen, not by hand."""
        raise TypeError("children are rows and cannot be removed by hand; they leave at eighteen")


class Cohort(Circumstances, AbstractAgentSet):
    """Some children: a view of rows, read and written by column, iterated as Mesa agents."""

    def __init__(self, model, rows: Iterable[int], random=None):
        if not isinstance(rows, np.ndarray):
            rows = [r.row if isinstance(r, Child) else r for r in rows]
        self.__dict__.update(model=model, rows=np.asarray(rows, dtype=np.int64))

    @property
    def random(self):
        """Mesa's generator, for `shuffle_do`; the model itself never draws from it."""
        return self.model.random

    def _read(self, name):
        return self.model.children.columns[name][self.rows]

    def _write(self, name, value):
        self.model.children.columns[name][self.rows] = value

    def __setattr__(self, name, value):
        if name not in FACTS:
            raise _unknown(name)
        self._write(name, value)

    def __getattr__(self, name):
        raise _unknown(name)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Child]:
        view = self.model.children.view
        return map(view, self.rows.tolist())

    def __contains__(self, child) -> bool:
        return isinstance(child, Child) and child.model is self.model and bool((self.rows == child.row).any())

    def __getitem__(self, item):
        return self.model.children.view(int(self.rows[item])) if isinstance(item, int) else Cohort(self.model, self.rows[item])

    def select(self, filter_func: Callable | None = None, at_most: float = float("inf"), inplace=False, agent_type=None):
        """Those for whom `filter_func` is true: given the whole cohort it answers by column (`& | ~`), else child by child."""
        if inplace:
            raise TypeError("a cohort is not changed in place; use the one that select returns")
        rows = self.rows
        if agent_type is not None and not issubclass(Child, agent_type):
            rows = rows[:0]
        if filter_func is not None:
            try:
                answer = np.asarray(filter_func(self if rows is self.rows else Cohort(self.model, rows)))
            except ValueError:  # "truth value of an array": written for one child, with and / or / not
                answer = np.asarray(None)
            if answer.dtype != bool or answer.shape != rows.shape:
                answer = np.fromiter((bool(filter_func(child)) for child in Cohort(self.model, rows)), bool, len(rows))
            rows = rows[answer]
        if at_most != float("inf"):
            rows = rows[: int(len(self) * at_most) if isinstance(at_most, float) and at_most <= 1.0 else int(at_most)]
        return Cohort(self.model, rows)

    def get(self, attr_names, handle_missing="error", default_value=None):
        """Values of one fact (array) or of several (list of lists), as Mesa's `get`."""
        if isinstance(attr_names, str):
            try:
                return getattr(self, attr_names)
            except AttributeError:
                if handle_missing == "default":
                    return [default_value] * len(self)
                raise
        return [list(values) for values in zip(*(self.get(n, handle_missing, default_value) for n in attr_names), strict=True)]

    def set(self, attr_name: str, value: Any) -> Cohort:
        """Write one fact of all of them."""
        setattr(self, attr_name, value)
        return self

    def groupby(self, by, result_type="agentset"):
        """Cohorts (or lists of children) by the value of a fact or of a function."""
        values = np.asarray(getattr(self, by) if isinstance(by, str) else [by(child) for child in self])
        groups = {v.item(): Cohort(self.model, self.rows[values == v]) for v in np.unique(values)}
        return GroupBy(groups if result_type == "agentset" else {k: list(c) for k, c in groups.items()})

    def do(self, method, *args, **kwargs):
        """Call a method (by name) or a function on each child."""
        self.map(method, *args, **kwargs)
        return self

    def map(self, method, *args, **kwargs) -> list[Any]:
        """The results of a method (by name) or of a function for each child."""
        call = operator.methodcaller(method, *args, **kwargs) if isinstance(method, str) else lambda c: method(c, *args, **kwargs)
        return [call(child) for child in self]

    def shuffle(self, inplace: bool = False):
        """The same children in an order from Mesa's generator."""
        rows = self.rows.tolist()
        self.random.shuffle(rows)
        return Cohort(self.model, np.asarray(rows, dtype=np.int64))

    def shuffle_do(self, method, *args, **kwargs):
        """As `do`, in an order from Mesa's generator."""
        self.shuffle().do(method, *args, **kwargs)
        return self

    def sort(self, key, ascending: bool = False, inplace: bool = False):
        """Sorted by a fact or a function."""
        values = np.asarray(getattr(self, key) if isinstance(key, str) else [key(child) for child in self])
        order = values.argsort(kind="stable")
        return Cohort(self.model, self.rows[order if ascending else order[::-1]])

    def to_list(self) -> list[Child]:
        """The children one by one."""
        return list(self)

    def _update(self, agents):
        raise TypeError("a cohort is not changed in place")

    def add(self, agent):
        """Refused: rows are laid out when the model is built."""
        raise TypeError("children are rows; none can be added to a cohort")

    discard = remove = add


class Children(Cohort):
    """Everybody: the owner of the columns.

    `columns` maps each fact to its array. `children.<fact>` gives a read-only view; `kept_by(keeper)` gives the writable
    columns of one mechanism. Columns that exist already may be `given`.
    """

    def __init__(self, model, size: int, **given: NDArray):
        few = Few(size)
        self.__dict__.update(
            model=model,
            few=few,
            columns={
                name: given[name] if name in given
                else few.column(fact.dtype, fact.default) if fact.of_few
                else np.full(size, fact.default, dtype=fact.dtype)
                for name, fact in FACTS.items()
            },
            _views={},
        )

    @property
    def rows(self):
        """Rows of the children who are present."""
        return self.columns["is_present"].nonzero()[0]

    def _read(self, name):
        view = self.columns[name].view()
        view.flags.writeable = False
        return self.__dict__.setdefault(name, view)  # found there the next time, without asking here

    def _write(self, name, value):
        self.columns[name][self.rows] = value

    def __len__(self):
        return int(np.count_nonzero(self.columns["is_present"]))

    def __contains__(self, child):
        return isinstance(child, Child) and child.model is self.model and bool(self.columns["is_present"][child.row])

    def present(self) -> Cohort:
        """The children who are in the world today."""
        return Cohort(self.model, self.rows)

    def select(self, filter_func=None, at_most=float("inf"), inplace=False, agent_type=None):
        """As `Cohort.select`, among the children who are present."""
        return self.present().select(filter_func, at_most, inplace, agent_type)

    def get(self, attr_names, handle_missing="error", default_value=None):
        """As `Cohort.get`, of the children who are present."""
        return self.present().get(attr_names, handle_missing, default_value)

    def groupby(self, by, result_type="agentset"):
        """As `Cohort.groupby`, of the children who are present."""
        return self.present().groupby(by, result_type)

    def sort(self, key, ascending=False, inplace=False):
        """As `Cohort.sort`, of the children who are present."""
        return self.present().sort(key, ascending, inplace)

    def view(self, row: int) -> Child:
        """The child of a row. Views handed out are kept, so identity holds and Mesa's weak sets work."""
        try:
            return self._views[row]
        except KeyError:
            return self._views.setdefault(row, Child(self.model, row))

    def kept_by(self, keeper: str) -> SimpleNamespace:
        """The writable columns of the facts that `keeper` keeps."""
        return SimpleNamespace(**{name: self.columns[name] for name, fact in FACTS.items() if fact.kept_by == keeper})

    def ages(self, rows: Rows):
        """Age of each of `rows` in completed years."""
        return age_on(self.columns["born"][rows], self.model.day)

    def bytes_each(self) -> float:
        """Bytes a row over all columns; what only the few have is apart."""
        return self.few.entry.itemsize + sum(fact.dtype.itemsize for fact in FACTS.values() if not fact.of_few)

    def __getstate__(self):
        return {"model": self.model, "few": self.few, "columns": self.columns}

    def __setstate__(self, state):
        self.__dict__.update(state, _views={})


class Everyone(_HardKeyAgentSet):
    """`model.agents`: institutions and lines as Mesa registers them, and the children, whose views are made on touch."""

    def __init__(self, children: Children, random):
        super().__init__([], random=random)
        self.children = children

    def __len__(self):
        return len(self._agents) + len(self.children)

    def __iter__(self):
        return chain(self._agents, self.children)

    def __contains__(self, agent):
        return agent in self.children if isinstance(agent, Child) else super().__contains__(agent)

    def select(self, filter_func=None, at_most=float("inf"), inplace=False, agent_type=None):
        """As Mesa's; with `agent_type=Child` the answer is a cohort and the filter may speak in columns."""
        if agent_type is Child:
            return self.children.select(filter_func, at_most)
        return super().select(filter_func, at_most, inplace, agent_type)

    def get(self, attr_names, handle_missing="error", default_value=None):
        """As Mesa's, over institutions, lines and children."""
        names = [attr_names] if isinstance(attr_names, str) else attr_names
        values = []
        for agent in self:
            if handle_missing == "default":
                row = [getattr(agent, name, default_value) for name in names]
            else:
                row = [getattr(agent, name) for name in names]
            values.append(row[0] if isinstance(attr_names, str) else row)
        return values

    def to_list(self):
        """Everybody one by one."""
        return list(self)


def register(model, children: Children) -> None:
    """Let Mesa's registry of `model` hold the children beside its ordinary agents.

    The one place that touches Mesa's private names `_all_agents` and `_agents_by_type` (Mesa 3.5; a test guards it).
    """
    everyone = Everyone(children, model.random)
    for agent in model._all_agents:
        everyone.add(agent)
    model._all_agents = everyone
    model._agents_by_type[Child] = children
