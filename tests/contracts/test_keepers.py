"""Everyone reads, one writes: only the mechanism that keeps a fact ever writes it.

Two tests that know nothing of each other: one reads the code, one watches a run in which every column is locked and opens only
to its keeper's file.
"""

import ast
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sim import CountyLines
from sim.policies import every_policy
from sim.population import FACTS, Children
from sim.tables import FewColumn
from tests.worlds import EVENTFUL, lived, scenario, world

SIM = Path(__file__).resolve().parents[2] / "sim"
KEEPERS = sorted({fact.kept_by for fact in FACTS.values()})
ON_BEHALF = ("sim.hazards", "sim.tables")  # they write the columns that a keeper has handed to them
AT_ANOTHER_S_WORD = {
    # A keeper's clocks follow when demography puts children under other hazards, or when a lever is moved to which the keeper has tied
    # its clock: no fact changes its meaning by that.
    ("sim.demography", "care_level"), ("sim.demography", "conflict_level"), ("sim.demography", "crisis_level"), ("sim.demography", "school_level"),
    ("sim.levers", "care_level"), ("sim.levers", "school_level"),
}  # fmt: skip
FILES = sorted(SIM.rglob("*.py"))


# -- by reading ----------------------------------------------------------------------------------------------------------


def stores(tree: ast.AST):
    """Everything that is assigned to, in whatever way."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            yield node.target


def parts(target: ast.AST):
    """A target, and the targets inside it if it is several."""
    return [part for inner in target.elts for part in parts(inner)] if isinstance(target, (ast.Tuple, ast.List)) else [target]


def chain(node: ast.AST) -> list[str]:
    """`self.own.stage[rows]` as ["self", "own", "stage", "[]"]; calls as "()"."""
    if isinstance(node, ast.Attribute):
        return [*chain(node.value), node.attr]
    if isinstance(node, ast.Subscript):
        return [*chain(node.value), "[]"]
    if isinstance(node, ast.Call):
        return [*chain(node.func), "()"]
    return [node.id] if isinstance(node, ast.Name) else ["?"]


def meanings(tree: ast.AST) -> dict[str, list[list[str]]]:
    """What each local name that is an attribute of something may stand for: `own = self.own`."""
    found: dict[str, list[list[str]]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            for name, value in zip(target.elts, node.value.elts, strict=True) if both else [(target, node.value)]:
                for meant in [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]:
                    if isinstance(name, ast.Name) and isinstance(meant, ast.Attribute):
                        found.setdefault(name.id, []).append(chain(meant))
    return found


def written(source: str) -> list[list[str]]:
    """The chains of everything that a file assigns to, local names replaced by what they may stand for."""
    tree = ast.parse(source)
    meant = meanings(tree)

    def spelt_out(links: list[str], depth: int = 0) -> list[list[str]]:
        if len(links) == 1 or links[0] not in meant or depth > 3:
            return [links]
        return [whole for first in meant[links[0]] for whole in spelt_out([*first, *links[1:]], depth + 1)]

    return [links for target in stores(tree) for part in parts(target) for links in spelt_out(chain(part))]


def is_a_fault(links: list[str], keeper: str) -> bool:
    """Whether a file that keeps these facts must not write there."""
    if "own" in links[:-1]:
        holder, fact = links[: links.index("own")], links[links.index("own") + 1]
        return holder != ["self"] or fact not in FACTS or FACTS[fact].kept_by != keeper
    if "children" in links and "columns" in links:
        return True
    if links[0] in ("child", "children", "cohort") or links[-2:-1] == ["children"]:
        return links[-1] in FACTS
    others = MECHANISMS - {keeper}
    return any(a == "model" and b in others for a, b in pairwise(links[:-1]))


def faults(source: str, keeper: str) -> list[str]:
    """What a file writes that it does not keep."""
    return [".".join(links) for links in written(source) if is_a_fault(links, keeper)]


MECHANISMS = {name for name, part in vars(CountyLines(days=1)).items() if type(part).__module__ == f"sim.{name}"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SIM)))
def test_a_file_writes_only_facts_that_it_keeps(path):
    if path.name == "population.py":
        return  # it defines how a column is written, for those who play with a model by hand
    assert not faults(path.read_text(encoding="utf-8"), path.stem)


@pytest.mark.parametrize(
    "line",
    [
        "self.own.stage[rows] = 3",  # kept by exploitation
        "model.missing.own.episodes[rows] += 1",
        "children = model.children\nchildren.columns['stage'][rows] = 3",
        "own, p = model.placements.own, 3\nown.setting[rows], x = 3, 4",
        "child.stage = 3",
        "model.children.stage = 3",
        "table = model.exploitation.table\ntable.debt[slots] = 0.0",
        "self.model.placements.table.km[slots] *= 2",
        "held = self.own.stage if a else self.own.signals_care\nheld[rows] = 1",
        "self.model.policing.expected = 3",
        "asked, model.lines.wanted = model.lines.wanted, []",
    ],
)
def test_the_reader_sees_a_stranger_s_hand(line):
    assert faults(line, "services")


def test_the_reader_sees_what_keepers_write():
    seen = {links[2] for path in FILES for links in written(path.read_text(encoding="utf-8")) if links[:2] == ["self", "own"] and len(links) > 2}
    assert len(seen & set(FACTS)) >= 15


# -- by watching ---------------------------------------------------------------------------------------------------------


class NotTheKeeper(Exception):
    """Somebody else wrote a fact."""


def writer() -> str:
    """The module of the hand that is writing now."""
    frame = sys._getframe(2)
    while frame.f_globals["__name__"] in (__name__, *ON_BEHALF):
        frame = frame.f_back
    return frame.f_globals["__name__"]


class Locked(np.ndarray):
    """A column that opens only to its keeper's file."""

    keeper = name = ""
    written: set[str] = set()

    def open_to_the_keeper(self):
        if not self.keeper:
            return
        if (module := writer()) != f"sim.{self.keeper}" and (module, self.name) not in AT_ANOTHER_S_WORD:
            raise NotTheKeeper(f"{module} writes {self.name}, which {self.keeper} keeps")
        Locked.written.add(self.name)

    def __setitem__(self, at, value):
        self.open_to_the_keeper()
        super().__setitem__(at, value)

    def __getitem__(self, at):
        got = super().__getitem__(at)
        if isinstance(got, Locked):
            if isinstance(at, slice):
                got.keeper, got.name = self.keeper, self.name
            else:
                got = got.view(np.ndarray)
        return got

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **keywords):
        for array in (*out, *inputs[: method == "at"]):
            if isinstance(array, Locked):
                array.open_to_the_keeper()
        plain = [x.view(np.ndarray) if isinstance(x, Locked) else x for x in inputs]
        if out:
            keywords["out"] = tuple(x.view(np.ndarray) if isinstance(x, Locked) else x for x in out)
        return getattr(ufunc, method)(*plain, **keywords)


class LockedOfTheFew(FewColumn):
    """The same of a fact of the few, which is no array."""

    open_to_the_keeper = Locked.open_to_the_keeper

    def __setitem__(self, at, value):
        self.open_to_the_keeper()
        super().__setitem__(at, value)

    @property
    def to_write(self):
        self.open_to_the_keeper()
        return super().to_write


@pytest.fixture
def locked(monkeypatch):
    """Columns that are read-only to everybody, and handed to each keeper behind a lock of its own."""

    def kept_by(self, keeper):
        own = {}
        for name, fact in FACTS.items():
            if fact.kept_by == keeper:
                column = self.columns[name]
                own[name] = LockedOfTheFew(column.few, column.number) if isinstance(column, FewColumn) else column.view(Locked)
                own[name].keeper, own[name].name = keeper, name
                self.columns[name].flags.writeable = False
        return SimpleNamespace(**own)

    monkeypatch.setattr(Children, "kept_by", kept_by)
    monkeypatch.setattr(Locked, "written", set())


def test_in_a_year_with_every_policy_only_keepers_write(locked):
    year = world(0.03, warm_up=30, days=380)
    use = scenario({name: {"coverage": 1.0} for name in every_policy()})
    model = lived(use, world=year, parameters=EVENTFUL)
    assert not any(column.flags.writeable for column in model.children.columns.values())
    laid_out = {"key", "born", "authority", "circle"}  # with the rows, and never written again
    assert Locked.written == set(FACTS) - laid_out, "a fact that was never written was not watched"


@pytest.mark.parametrize(
    "hand",
    [
        lambda model, rows: model.missing.own.episodes.__setitem__(rows, 1),
        lambda model, rows: np.add.at(model.missing.own.episodes, rows, 1),
        lambda model, rows: np.add(model.missing.own.episodes, 1, out=model.missing.own.episodes),
        lambda model, rows: model.missing.own.episodes[2:9].__setitem__(slice(None), 1),
        lambda model, rows: model.missing.table.remove(rows),
        lambda model, rows: setattr(model.children, "episodes", 1),
        lambda model, rows: setattr(model.children.view(0), "episodes", 1),
        lambda model, rows: model.children.columns["episodes"].__setitem__(rows, 1),
    ],
)
def test_the_lock_does_not_open_to_a_policy(locked, monkeypatch, hand):
    relocation = every_policy()["relocation"]
    monkeypatch.setattr(relocation, "act", lambda self, model: hand(model, model.missing.table.members()))
    with pytest.raises((NotTheKeeper, ValueError)):
        lived(scenario(["relocation"]), world=world(0.05, warm_up=10, days=12), parameters=EVENTFUL)
