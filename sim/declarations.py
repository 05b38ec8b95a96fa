"""What the code declares of itself, as plain data: facts, agents, the day's order, numbers, levers, draws, policies, events.

Everything is read from the running classes and from the text of their files, so that a description made of it cannot say what
the code does not. What is in comments (what an event's columns hold, what a dial turns) is read from there.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import pkgutil
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import mesa
import numpy as np

import sim
from sim import ledger, population, scenario
from sim.levers import Lever
from sim.model import CountyLines
from sim.parameters import Parameter, Parameters
from sim.policies import Policy, every_policy
from sim.population import FACTS, Circumstances
from sim.sources import COLUMNS_OF, DATA, Source, read_table, resolve

DRAWS = ("uniform", "exponential", "happens", "one_uniform", "one_exponential", "_happens", "stream")  # ways to look chance up


class Verb(NamedTuple):
    """A call in the day, or in what happens before the first: which file does it, and what it says of itself."""

    call: str
    module: str
    says: str


class Mechanism(NamedTuple):
    """One file of the theory."""

    module: str
    about: str
    verbs: list[Verb]
    groups: list[type[Parameters]]
    levers: list[dict[str, str]]
    dials: list[dict[str, str]]
    decisions: list[str]
    tells: list[str]
    hears: list[str]


class Agent(NamedTuple):
    """A kind of agent: what it is, what it holds, and what it does by itself on a day, if anything."""

    name: str
    module: str
    says: str
    holds: list[str]
    does: str


class SmallTable(NamedTuple):
    """Facts that only a few children have: whose they are, which, and the ways in which a spell in them can end."""

    module: str
    keeper: str
    columns: list[str]
    ends: list[str]


class PolicyDeclared(NamedTuple):
    """A policy as its file declares it."""

    name: str
    title: str
    grade: str
    evidence: str
    about: str
    group: type[Parameters]


# -- reading the text of a file ------------------------------------------------------------------------------------------------


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_text(module))


@cache
def _text(module: str) -> str:
    return inspect.getsource(importlib.import_module(module))


@cache
def _comments(module: str) -> dict[int, str]:
    """The comment at the end of each line of a file that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(_text(module)).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def sentence(text: str | None) -> str:
    """The first sentence or line of a docstring."""
    return (text or "").strip().split("\n")[0]


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"sim.{name}")


def _class(module: str, name: str) -> ast.ClassDef:
    return next(node for node in _tree(module).body if isinstance(node, ast.ClassDef) and node.name == name)


def _method(module: str, owner: str, name: str) -> ast.FunctionDef:
    return next(node for node in _class(module, owner).body if isinstance(node, ast.FunctionDef) and node.name == name)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call in a piece of code, in the order of its text."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    yield from sorted(found, key=lambda call: (call.lineno, call.col_offset))


@cache
def _calls_in(module: str) -> tuple[ast.Call, ...]:
    """Every call in a file."""
    return tuple(_calls(_tree(module)))


def _name(call: ast.Call) -> str:
    """The last part of what is called: "hold" of `model.levers.hold(...)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""


def _words(node: ast.AST, name: str = "", value: str = "") -> str | None:
    """A text in the code, with what is filled in left in braces, but for a `name` of known value; None if it is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name) and node.id == name:
        return value
    if isinstance(node, ast.FormattedValue):
        return _words(node.value, name, value) or "{...}"
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part, name, value) or "" for part in node.values)
    return None


def _each_of(module: str, node: ast.AST) -> tuple[str, tuple[str, ...]]:
    """What goes through texts that stand in the file, as in `for name in NAMES`: its name, and the texts. None if it is another node."""
    if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.DictComp)) and isinstance(node.generators[0].target, ast.Name):
        over = node.generators[0].iter
        each = getattr(importlib.import_module(module), over.id, ()) if isinstance(over, ast.Name) else [_words(one) for one in getattr(over, "elts", ())]
        return node.generators[0].target.id, tuple(one for one in each if isinstance(one, str)) if isinstance(each, (tuple, list)) else ()
    return "", ()


# -- the day ---------------------------------------------------------------------------------------------------------------------


@cache
def builders() -> dict[str, type]:
    """What a model is built of, in order: the name by which it is known there, and its class."""
    found = {}
    for node in _method("sim.model", "CountyLines", "__init__").body:
        call = node.value if isinstance(node, ast.Assign) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            module, target = call.func.value.id, node.targets[0]  # type: ignore[attr-defined]
            if hasattr(sim, module) and isinstance(target, ast.Attribute):
                found[target.attr] = getattr(_module(module), call.func.attr)
    return found


def day() -> list[Verb]:
    """What happens on a day, in order: `CountyLines.step` itself, read."""
    return _order_of("step")


def first_morning() -> list[Verb]:
    """What happens once before day 1."""
    return _order_of("_begin_day_1")


def _order_of(method: str) -> list[Verb]:
    calls = (ast.unparse(call.func) for call in _calls(_method("sim.model", "CountyLines", method)))
    return [verb for call in calls if (verb := _verb(call)) is not None]


def _verb(call: str) -> Verb | None:
    """A call in the model's own text: `self.lines.run`, `self._wake` or `policy.live`."""
    *owner, name = call.split(".")
    holder = {("self",): CountyLines, ("policy",): Policy, ("self", "levers"): sim.levers.Levers, ("self", "today"): sim.today.Today}.get(tuple(owner))
    if holder is None and len(owner) == 2:
        holder = builders().get(owner[1])
    if holder is None:
        return None
    return Verb(call.removeprefix("self."), holder.__module__, sentence(getattr(holder, name).__doc__))


# -- who and what ----------------------------------------------------------------------------------------------------------------


def facts() -> list[dict[str, str]]:
    """Every fact about a child."""
    return [
        {"fact": name, "type": str(fact.dtype), "default": _shown(fact.default), "unit": fact.unit, "kept_by": fact.kept_by, "meaning": fact.doc}
        for name, fact in FACTS.items()
    ]


def _shown(value: Any) -> str:
    if isinstance(value, np.integer) and value == population.NEVER:
        return "never"
    return f"{value:g}" if isinstance(value, float) else str(value)


def derived_facts() -> list[dict[str, str]]:
    """What follows from the facts."""
    properties = ((name, value) for name, value in vars(Circumstances).items() if isinstance(value, property))
    return [{"fact": name, "meaning": sentence(value.__doc__)} for name, value in properties]


CODED = {
    "setting": population.SETTINGS, "stage": population.STAGES, "schooling": population.SCHOOLING,
    "cause of a missing episode": population.CAUSES, "form of exploitation": population.FORMS,
}  # fmt: skip
"""What the numbers of coded facts stand for."""


def agents() -> list[Agent]:
    """Every kind of agent that Mesa registers, by file."""
    found = [kind for kind in _below(mesa.Agent) if kind.__module__.startswith("sim.") and kind is not population.Child]
    return [_agent(kind) for kind in sorted(found, key=lambda kind: (kind.__module__, kind.__name__))]


def _below(kind: type) -> Iterator[type]:
    below: list[type] = kind.__subclasses__()
    for other in below:
        yield other
        yield from _below(other)


def _agent(kind: type) -> Agent:
    init = _method(kind.__module__, kind.__name__, "__init__")
    targets = [target for node in ast.walk(init) if isinstance(node, ast.Assign | ast.AnnAssign) for target in _targets(node)]
    targets.sort(key=lambda target: (target.lineno, target.col_offset))
    held = [target.attr for target in targets if isinstance(target.value, ast.Name) and target.value.id == "self"]
    does = sentence(kind.step.__doc__) if "step" in vars(kind) else ""  # type: ignore[attr-defined]
    return Agent(kind.__name__, kind.__module__, sentence(kind.__doc__), list(dict.fromkeys(held)), does)


def _targets(node: ast.Assign | ast.AnnAssign) -> Iterator[ast.Attribute]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        yield from (part for part in (target.elts if isinstance(target, ast.Tuple) else [target]) if isinstance(part, ast.Attribute))


def small_tables() -> list[SmallTable]:
    """The tables of facts that only a few children have."""
    return [
        SmallTable(module, node.name, [str(each.arg) for each in call.keywords if each.arg], _ends(call))
        for module in theory()
        for node in _tree(module).body
        if isinstance(node, ast.ClassDef)
        for call in _calls(node)
        if _name(call) in ("Spells", "FewFacts")
    ]


def _ends(call: ast.Call) -> list[str]:
    texts = call.args[1].elts if len(call.args) > 1 and isinstance(call.args[1], ast.Tuple) else []
    return [text for text in map(_words, texts) if text is not None]


# -- mechanisms ------------------------------------------------------------------------------------------------------------------


@cache
def theory() -> tuple[str, ...]:
    """The files of the theory, in the order in which they first act on a day."""
    named = [verb.module for verb in day() if verb.module in {kind.__module__ for kind in builders().values()}]
    return tuple(dict.fromkeys((*named, *(kind.__module__ for kind in builders().values()))))


@cache
def mechanisms() -> tuple[Mechanism, ...]:
    """Every file of the theory, with what it declares."""
    return tuple(_mechanism(module) for module in theory())


def _mechanism(module: str) -> Mechanism:
    loaded = importlib.import_module(module)
    groups = [group for group in Parameters.registry.values() if group.__module__ == module]
    verbs = [verb for verb in (*first_morning(), *day()) if verb.module == module]
    told, heard = _events_of(module)
    return Mechanism(module, inspect.getdoc(loaded) or "", verbs, groups, levers(module), dials(module), decisions(module), told, heard)


def levers(module: str) -> list[dict[str, str]]:
    """The levers that a file offers, and the files that take hold of them."""
    found = ((name, value) for name, value in vars(importlib.import_module(module)).items() if isinstance(value, Lever))
    own = [(name, lever) for name, lever in found if any(_assigns(node, name) for node in _tree(module).body)]
    return [{"lever": lever.name, "multiplies": lever.doc, "held_by": ", ".join(_holders(name))} for name, lever in own]


def _assigns(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _holders(lever: str) -> list[str]:
    """The files that hold a lever, by its name in the code; one that is only listened to or read is not held."""
    modules = (*theory(), *(kind.__module__ for kind in every_policy().values()))
    return [module.removeprefix("sim.") for module in modules if lever in _held_in(module)]


@cache
def _held_in(module: str) -> frozenset[str]:
    """The names that a file hands to `hold` or `release`, or goes through in a loop."""
    held = [each for call in _calls_in(module) if _name(call) in ("hold", "release") for each in call.args]
    looped = [each for node in ast.walk(_tree(module)) if isinstance(node, ast.For) for each in ast.walk(node.iter)]
    return frozenset(each.id for each in (*held, *looped) if isinstance(each, ast.Name))


def dials(module: str) -> list[dict[str, str]]:
    """The numbers of each authority that policies may turn, and the files that turn them."""
    found = []
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _name(node.value) == "Dial":
            name = ast.unparse(node.targets[0]).removeprefix("self.")
            found.append({"dial": name, "says": _comments(module).get(node.lineno, ""), "turned_by": ", ".join(_turners(module, name))})
    return found


def _turners(module: str, name: str) -> list[str]:
    """The policies whose text turns a dial of a file: they reach it as `model.<mechanism>.<dial>`."""
    known_as = "|".join(attribute for attribute, kind in builders().items() if kind.__module__ == module)
    reached = re.compile(rf"\b(?:{known_as})\.{name}\b")
    return [policy for policy, kind in every_policy().items() if reached.search(_text(kind.__module__))]


def decisions(module: str) -> list[str]:
    """The names of the decisions for which a file looks chance up."""
    through = {call: _each_of(module, node) for node in ast.walk(_tree(module)) for call in _calls(node) if _each_of(module, node)[1]}
    texts = []
    for call in _calls_in(module):
        if _name(call) in DRAWS and call.args:
            name, values = through.get(call, ("", ()))
            texts += [_words(call.args[0], name, value) for value in values or ("",)]
    return list(dict.fromkeys(text for text in texts if text is not None))


def _events_of(module: str) -> tuple[list[str], list[str]]:
    """The events that a file tells, and those that it reads among the day's news."""
    news = (call for call in _calls_in(module) if _name(call) == "rows")
    named, heard = (Counter(each.attr for tree in trees for each in ast.walk(tree) if _is_event(each)) for trees in ([_tree(module)], news))  # type: ignore[attr-defined]
    return [event for event in ledger.EVENTS if named[event] > heard[event]], [event for event in ledger.EVENTS if heard[event]]


def _is_event(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Event"


# -- numbers ---------------------------------------------------------------------------------------------------------------------


def describe_parameter(parameter: Parameter) -> dict[str, Any]:
    """A declared number as plain data."""
    sources = resolve(parameter.source)
    return {
        "address": parameter.address, "value": parameter.value, "unit": parameter.unit, "low": parameter.between[0],
        "high": parameter.between[1], "distribution": parameter.distribution, "status": status_of(parameter),
        "sources": [source._asdict() for source in sources], "note": parameter.doc,
    }  # fmt: skip


def status_of(parameter: Parameter) -> str:
    """"assumed", "found", or "recalled" where any of its sources is still to be checked."""
    statuses = {source.status for source in resolve(parameter.source)}
    return next(status for status in ("assumed", "recalled", "found") if status in statuses)


def count_sources(chosen: Iterable[Parameter]) -> dict[str, int]:
    """How many numbers there are, of each kind."""
    chosen = list(chosen)
    statuses = [status_of(parameter) for parameter in chosen]
    return {
        "numbers": len(chosen), "assumed": statuses.count("assumed"), "found": statuses.count("found"), "recalled": statuses.count("recalled"),
        "range assumed though the value is not": sum("range assumed" in p.doc.lower() and not p.is_assumed for p in chosen),
        "uncertain": sum(p.is_uncertain for p in chosen),
    }  # fmt: skip


def at_an_end(chosen: Iterable[Parameter]) -> list[str]:
    """Addresses of the uncertain numbers that stand at an end of their range."""
    return [number.address for number in chosen if number.is_uncertain and number.value in number.between]


def in_a_line(counts: dict[str, int]) -> str:
    """The counts as a sentence or two."""
    return (
        f"{counts['numbers']} numbers: {counts['assumed']} ASSUMED, {counts['found']} with a source that was found, "
        f"{counts['recalled']} with one recalled and still to be checked; for {counts['range assumed though the value is not']} with a "
        f"source the range is assumed. {counts['uncertain']} are uncertain and drawn, the others are settings or facts."
    )


def cited(parameters: Iterable[Parameter]) -> list[Source]:
    """The sources of some numbers, each once, by id; "assumed" is not one."""
    found = {source.id: source for parameter in parameters for source in resolve(parameter.source) if source.status != "assumed"}
    return [found[id] for id in sorted(found)]


# -- policies, the ledger, worlds ------------------------------------------------------------------------------------------------------


def policies() -> list[PolicyDeclared]:
    """Every policy, by name."""
    return [
        PolicyDeclared(name, kind.title, kind.grade, kind.evidence, inspect.getdoc(importlib.import_module(kind.__module__)) or "", kind.declares)
        for name, kind in every_policy().items()
    ]


def events() -> list[dict[str, str]]:
    """Every event, with what its columns hold."""
    comments = _comments("sim.ledger")
    named = (node for node in _class("sim.ledger", "Event").body if isinstance(node, ast.Assign))
    return [{"event": ast.unparse(node.targets[0]), "columns": comments.get(node.lineno, "")} for node in named]


def tables() -> list[dict[str, Any]]:
    """Every table of the ledger: its columns and types, and the order of its rows."""
    return [
        {"table": name, "columns": {column: np.dtype(dtype).name for column, dtype in columns.items()}, "sorted_by": list(ledger.SORTED_BY[name])}
        for name, columns in ledger.TABLES.items()
    ]


def columns_of_places() -> list[dict[str, Any]]:
    """Which source gives which columns of the table of places."""
    return [{"source": id, "title": resolve(id)[0].title, "columns": columns.split()} for id, columns in COLUMNS_OF.items()]


def inputs() -> list[dict[str, Any]]:
    """The tables that the model reads: how many rows, and which columns."""
    found = []
    for path in sorted(DATA.rglob("*.csv")):
        name = path.relative_to(DATA).as_posix()
        rows = read_table(name)
        found.append({"table": name, "rows": len(rows), "columns": list(rows[0])})
    return found


def worlds() -> list[dict[str, Any]]:
    """The worlds that come with the model."""
    loaded = [scenario.load_world(path) for path in sorted((scenario.FOLDER / "worlds").glob("*.toml"))]
    return [
        {
            "world": each.name, "authorities": len(each.authorities), "fraction": each.fraction, "warm_up_days": each.warm_up_days,
            "days": each.days, "children": round(float(each.places.population_10_17[list(each.authorities)].sum()) * each.fraction),
        }
        for each in loaded
    ]  # fmt: skip


def scenarios() -> list[dict[str, str]]:
    """The scenarios that come with the model."""
    loaded = [scenario.load_scenario(path) for path in sorted(scenario.FOLDER.glob("*.toml"))]
    return [{"scenario": each.name, "title": each.title, "policies": ", ".join(each.policies), "why": " ".join(each.why.split())} for each in loaded]


def foundations() -> dict[str, str]:
    """What the other files of the model are about, by module."""
    named = (f"sim.{each.name}" for each in pkgutil.iter_modules(sim.__path__))
    return {name: inspect.getdoc(importlib.import_module(name)) or "" for name in named if name not in theory() and not name.endswith("__main__")}
