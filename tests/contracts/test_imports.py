"""Imports point down, and mechanisms meet in facts: none calls a function of another mechanism's file."""

import ast
import importlib
import sys
from functools import cache
from graphlib import TopologicalSorter
from inspect import isclass
from pathlib import Path

import pytest

from sim.levers import Lever

ROOT = Path(__file__).resolve().parents[2]

FOUNDATIONS = {"arithmetic", "draws", "hazards", "parameters", "sources", "dates", "tables", "errors", "kernels"}
WORLD = {"population", "places", "levers", "ledger", "world", "today"}
PART_OF = {"asking": "placements"}  # a mechanism in two files: it alone imports its part, which knows nothing of other mechanisms
LIVES = {"demography", "schooling", "placements", "lines", "recruitment", "exploitation", "other_exploitation", "missing", "harm"}  # what comes to a child
BEARING = {"distance", "unaccompanied", "relationships", "policing", "services"}  # what makes it likelier or rarer, through the levers that lives offer
ACCOUNTS = {"costs"}  # what all of it costs; nothing depends on it
MECHANISMS = LIVES | BEARING | ACCOUNTS
FACES = {"__init__", "__main__", "runs", "checkpoints", "memory", "verify", "diverge", "terminal", "workers", "declarations", "odd", "ui"}  # what people and other programs call
LAYERS = (FOUNDATIONS, WORLD, set(PART_OF), LIVES, BEARING, ACCOUNTS, {"policies"}, {"scenario"}, {"model"}, FACES)
NEIGHBOURS = (FOUNDATIONS, WORLD, FACES)  # files of these layers may also import one another, though never in a circle

# From a lower layer a mechanism takes levers, and the meaning of bits and numbers of shared facts. Within a layer nothing is taken
# but this: lines are agents of their own, and those who meet them need their types, for annotations, and the states of a position.
TAKEN = {
    ("exploitation", "lines", "SEEKS"),
    ("exploitation", "lines", "Line"),
    ("recruitment", "lines", "ELSEWHERE"),
    ("recruitment", "lines", "Line"),
    ("recruitment", "lines", "SEEKS"),
    ("recruitment", "lines", "Recruiter"),
}


def modules() -> dict[str, Path]:
    """Every file of the model and of the experiments, by its dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for folder in ("sim", "experiments")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(module: str) -> set[tuple[str, str]]:
    """(module, name) of everything of the project that a file imports, wherever in the file; the name is "" for the module itself.

    What is imported for annotations alone is left out: it is not there when the model runs.
    """
    known, found = modules(), set()
    for node in running(tree(known[module])):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports from its own folder by dots"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add((whole, "") if whole in known else (node.module or "", alias.name))
    return {(name if name in known else f"{name}.__init__", what) for name, what in found if name.split(".")[0] in ("sim", "experiments")}


def running(node: ast.AST):
    """Every node of a file but those under `if TYPE_CHECKING:`."""
    yield node
    for inner in ast.iter_child_nodes(node):
        if not (isinstance(inner, ast.If) and ast.unparse(inner.test) == "TYPE_CHECKING"):
            yield from running(inner)


def layer(module: str) -> int:
    """How high a file of sim/ lies."""
    first, second, *_ = module.split(".")
    assert first == "sim"
    found = [height for height, names in enumerate(LAYERS) if second in names]
    assert len(found) == 1, f"{module} belongs to no layer: say in this test which"
    return found[0]


OURS = sorted(modules())


@pytest.mark.parametrize("module", [name for name in OURS if name.startswith("sim.")])
def test_imports_of_the_model_point_down(module):
    for other, _ in imported(module):
        assert not other.startswith("experiments"), f"{module} imports {other}"
        assert layer(other) <= layer(module), f"{module} imports {other}, which lies above it"
        if layer(other) == layer(module) and LAYERS[layer(module)] not in NEIGHBOURS:
            # every policy is a Policy; what mechanisms of a layer take from one another is listed above and tested below
            assert other == "sim.policies.__init__" or LAYERS[layer(module)] is LIVES, f"{module} imports {other}"


@pytest.mark.parametrize("module", [name for name in OURS if name.startswith("experiments.")])
def test_experiments_stand_on_the_model_and_know_no_policy_by_name(module):
    assert not {other for other, _ in imported(module) if other.startswith("sim.policies.") and other != "sim.policies.__init__"}


@pytest.mark.slow
def test_no_file_imports_itself_in_a_circle():
    TopologicalSorter({module: {other for other, _ in imported(module) if other in modules()} - {module} for module in OURS}).prepare()


def test_the_foundations_know_nothing_of_children_and_can_be_used_without_mesa():
    for name in FOUNDATIONS:
        assert {other.split(".")[1] for other, _ in imported(f"sim.{name}")} <= FOUNDATIONS
        roots = {n.split(".")[0] for node in ast.walk(tree(modules()[f"sim.{name}"])) for n in _imported_names(node)}
        assert roots <= {"sim", "numba", "numpy", "scipy", *sys.stdlib_module_names}


def _imported_names(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def taken_by_mechanisms():
    """(mechanism, other mechanism, name) of everything that one takes from another's file."""
    return {
        (name, other.split(".")[1], what)
        for name in MECHANISMS
        for other, what in imported(f"sim.{name}")
        if other.split(".")[1] in MECHANISMS - {name}
    }


def test_every_mechanism_of_the_model_has_its_layer():
    """Whatever lives a part of the day in `step()` is a mechanism, new ones included."""
    (step,) = (node for node in ast.walk(tree(modules()["sim.model"])) if isinstance(node, ast.FunctionDef) and node.name == "step")
    called = [ast.unparse(node.func).split(".") for node in ast.walk(step) if isinstance(node, ast.Call)]
    files = {verb[1] for verb in called if verb[0] == "self" and len(verb) == 3} - WORLD
    assert files == MECHANISMS


@pytest.mark.parametrize("part", sorted(PART_OF))
def test_a_part_of_a_mechanism_is_imported_by_that_mechanism_alone(part):
    assert {module for module in OURS if f"sim.{part}" in {other for other, _ in imported(module)}} == {f"sim.{PART_OF[part]}"}


def test_mechanisms_of_a_layer_take_from_one_another_only_what_is_listed():
    assert {taken for taken in taken_by_mechanisms() if layer(f"sim.{taken[0]}") == layer(f"sim.{taken[1]}")} == TAKEN


@pytest.mark.parametrize("taken", sorted(taken_by_mechanisms()), ids=" ".join)
def test_what_mechanisms_take_is_no_function_and_is_not_called(taken):
    mechanism, other, name = taken
    thing = getattr(importlib.import_module(f"sim.{other}"), name)
    assert isinstance(thing, (int, float, Lever)) or (taken in TAKEN and isclass(thing)), "the day's verbs are called by way of the model"
    calls = [
        node
        for node in ast.walk(tree(modules()[f"sim.{mechanism}"]))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]
    assert not calls, f"{mechanism} calls {other}.{name}"


@pytest.mark.parametrize("name", sorted(MECHANISMS))
def test_no_mechanism_names_a_policy(name):
    source = modules()[f"sim.{name}"].read_text(encoding="utf-8")
    assert not {other for other, _ in imported(f"sim.{name}") if other.startswith("sim.policies")}
    for policy in (path.stem for path in (ROOT / "sim" / "policies").glob("*.py") if path.stem != "__init__"):
        strings = [node.value for node in ast.walk(tree(modules()[f"sim.{name}"])) if isinstance(node, ast.Constant)]
        assert policy not in strings and f"policies.{policy}" not in source


@pytest.mark.parametrize("module", [name for name in OURS if name.startswith("sim.policies.") and name != "sim.policies.__init__"])
def test_a_policy_imports_levers_and_constants_only(module):
    for other, name in imported(module):
        if other.split(".")[1] in MECHANISMS:
            thing = getattr(importlib.import_module(other), name)
            assert isinstance(thing, (int, float, tuple, Lever)), f"{module} takes {other}.{name}"
