"""Study files: what a TOML file in `experiments/studies/` says, checked, as a `Sweep`. Every mistake is one sentence.

    title = "..."                        # and why = "..."
    scenarios = ["baseline", "relocation"]  # the first is the comparator, and "baseline" if none is named
    policies = ["key_worker", "key_worker+relocation"]  # each is the comparator with these policies, as they are declared
    world = "town"                       # or a table of what a world file says, and `like`, the world from which the rest is taken
    seeds = 2                            # runs of each draw
    uncertainties = "every"              # or "none", or addresses with * and ?; drawn from their declared distributions
    measures = ["children_missing"]      # columns of the frame; all if none is named
    [inputs]                             # numbers with a range, a distribution or levels of the study's own
    "policies.relocation.coverage" = { between = [0.1, 0.9] }
    [structure]                          # switches between rival mechanisms; each combination is run
    "services.needs_pooling" = [0, 1]
    [design]
    method = "latin_hypercube"           # grid, latin_hypercube, sobol, morris, one_at_a_time, list
    draws = 64
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.measures import every_measure
from experiments.studies.sampling import DUMMY, METHODS, MORRIS_LEVELS, Design, Input, own_range
from experiments.studies.sweeps import EVERY, OF_POLICIES, Sweep, uncertain, varied
from sim.errors import InputError
from sim.parameters import Parameter, ParameterError, nearest
from sim.policies import every_policy
from sim.scenario import FOLDER as SCENARIOS
from sim.scenario import (
    PolicyUse,
    Scenario,
    as_table,
    as_text,
    check_places,
    find,
    load_scenario,
    load_world,
    only_known,
    read_toml,
    world_of,
)
from sim.world import World

FOLDER = Path(__file__).parent
KEYS = (
    "title", "why", "scenarios", "policies", "world", "seeds", "seed", "common_seeds", "uncertainties", "measures", "inputs", "structure",
    "design",
)  # fmt: skip
DEFAULT = "latin_hypercube"
INPUT_KEYS = ("between", "distribution", "levels")
DRAWN = ("uniform", "log-uniform", "pert", "log-pert")  # distributions that a study may give
OF_DESIGN = {
    "latin_hypercube": ("draws",), "sobol": ("samples",), "morris": ("trajectories", "levels"), "grid": ("levels",),
    "one_at_a_time": ("levels",), "list": ("draws", "file"),
}  # fmt: skip
STEPS = {"grid": 3, "one_at_a_time": 2}  # levels of an input that names none
MOST = {"seeds": 100_000, "seed": 2**31 - 1, "draws": 1_000_000, "samples": 2**20, "trajectories": 100_000, "levels": 10_000}
NOTHING: Mapping[str, Any] = {}


def load_study(name: str | Path) -> Sweep:
    """A study by name (in `experiments/studies/`) or by path. Raises InputError."""
    path = find(name, FOLDER, "study")
    data = read_toml(path)
    only_known(data, KEYS, path)
    scenarios = _scenarios(data, path)
    world = _world(data.get("world", "town"), path)
    for scenario in scenarios:
        check_places(scenario, world)
    inputs_told = as_table(data.get("inputs", {}), path, "inputs")
    told_design = as_table(data.get("design", {}), path, "design")
    method = told_design.get("method", DEFAULT)
    if not isinstance(method, str) or method not in METHODS:
        raise InputError(f"{path}: 'design.method' is {method!r:.60}, but must be one of {', '.join(METHODS)}.")
    only_known(told_design, ("method", *OF_DESIGN[method]), path, "design.")
    there = varied(scenarios)
    patterns = _patterns(data, inputs_told, method, path)
    if method == "list":
        design, inputs = _list(told_design, inputs_told, there, path)
    else:
        design = _design(method, told_design, path)
        inputs = _inputs(inputs_told, method, there, patterns, scenarios, path)
    structure = _structure(data.get("structure", {}), there, path)
    seeds, seed = (_whole(data, key, path, default, least=least) for key, default, least in (("seeds", 1, 1), ("seed", 1, 0)))
    common = data.get("common_seeds", METHODS[method].common_seeds)
    if not isinstance(common, bool):
        raise InputError(f"{path}: 'common_seeds' is {common!r:.60}, but must be true or false.")
    inputs = tuple(each for each in inputs if each.address not in structure or each.is_named)
    study = Sweep(
        path.stem, scenarios, world, design, inputs, patterns, structure, seeds, seed, common, _measures(data, path),
        " ".join(as_text(data, "title", path).split()) or path.stem, as_text(data, "why", path),
    )  # fmt: skip
    refuse_fixed(study, str(path))
    if design.number(inputs) < 1:
        raise InputError(f"{path}: the study has no draw.")
    return study


def refuse_fixed(study: Sweep, where: str) -> None:
    """A number that the study names must be free in every scenario, and stand in one place. Raises InputError."""
    named = [each.address for each in study.inputs if each.is_named]
    for address in [*named, *study.structure]:
        if address in named and address in study.structure:
            raise InputError(f"{where}: '{address}' is both in 'inputs' and in 'structure'; take one of them away.")
        for scenario in study.scenarios:
            if address in scenario.parameters:
                raise InputError(f"{where}: '{address}' is to be varied, but scenario '{scenario.name}' sets it to {scenario.parameters[address]}; take one of them away.")


# -- scenarios and the world -------------------------------------------------------------------------------------------------


def _scenarios(data: Mapping[str, Any], path: Path) -> tuple[Scenario, ...]:
    """The scenarios that a file names, and the comparator with each set of policies that it names."""
    scenarios = [load_scenario(_beside(name, path)) for name in _texts(data, "scenarios", path)] or [load_scenario("baseline")]
    scenarios += [with_policies(scenarios[0], text, f"{path}: 'policies'") for text in _texts(data, "policies", path)]
    names = [scenario.name for scenario in scenarios]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: scenario '{name}' is there twice; each must have a name of its own.")
    refuse_same_policies(names, f"{path}: 'policies'")
    return tuple(scenarios)


def refuse_same_policies(names: Sequence[str], where: str) -> None:
    """Sets of policies that differ in their order alone are one scenario. Raises InputError."""
    seen: dict[tuple[str, ...], str] = {}
    for name in names:
        same = seen.setdefault(tuple(sorted(name.split("+"))), name)
        if same != name:
            raise InputError(f"{where}: '{same:.60}' and '{name:.60}' are the same policies in another order; name them once.")


def with_policies(comparator: Scenario, text: str, where: str) -> Scenario:
    """The comparator with the policies of a text such as "key_worker+relocation", each as it is declared. Raises InputError."""
    known, names = every_policy(), text.split("+")
    for name in names:
        if name not in known:
            raise InputError(f"{where}: policy '{name:.60}' is not known; {nearest(name, known)}.")
        if names.count(name) > 1:
            raise InputError(f"{where}: '{text:.60}' has policy '{name}' more than once; name each once.")
        if name in comparator.policies:
            raise InputError(f"{where}: policy '{name}' is in the comparator '{comparator.name}' already.")
    added = {name: PolicyUse(name, {}) for name in names}
    title = " and ".join(known[name].title for name in added)
    return replace(comparator, name=text, title=title, why=f"{comparator.title}, and these policies as they are declared.", policies={**comparator.policies, **added})


def _beside(name: str, path: Path) -> str:
    """A path that lies beside the study file, or the name as it stands."""
    beside = path.parent / name
    return str(beside) if name.endswith(".toml") and not Path(name).is_absolute() and beside.exists() else name


def _world(value: Any, path: Path) -> World:
    if isinstance(value, str):
        return load_world(_beside(value, path))
    if not isinstance(value, dict):
        raise InputError(f"{path}: 'world' is {value!r:.60}, but must be the name of a world or a table.")
    like = value.get("like")
    if like is not None and not isinstance(like, str):
        raise InputError(f"{path}: 'world.like' is {like!r:.60}, but must be the name of a world.")
    own = {key: each for key, each in value.items() if key != "like"}
    if like is None:
        return world_of(path.stem, own, path)
    whole = find(_beside(like, path), SCENARIOS / "worlds", "world")
    load_world(whole)  # its own mistakes are its own
    return world_of(f"{whole.stem}-{path.stem}" if own else whole.stem, {**read_toml(whole), **own}, path)


# -- what is drawn ---------------------------------------------------------------------------------------------------------


def _patterns(data: Mapping[str, Any], inputs: Mapping[str, Any], method: str, path: Path) -> tuple[str, ...]:
    """Which uncertainties are drawn as they are declared: every one, if the file names neither these nor inputs of its own."""
    default = "none" if inputs or method == "list" else "every"
    value = data.get("uncertainties", default)
    patterns = EVERY if value == "every" else () if value == "none" else tuple(_texts(data, "uncertainties", path, 'or "every" or "none"'))
    if method == "list" and patterns:
        raise InputError(f"{path}: 'uncertainties' is {value!r:.60}, but a list of draws says itself which numbers it draws.")
    return patterns


def _inputs(
    told: Mapping[str, Any], method: str, there: Mapping[str, Parameter], patterns: Sequence[str], scenarios: Sequence[Scenario], path: Path
) -> tuple[Input, ...]:  # fmt: skip
    """The inputs that the file names, and the uncertainties that its patterns match, in the order of declaration."""
    named = {address: _input(address, as_table(value, path, f"inputs.{address}"), method, there, path) for address, value in told.items()}
    for pattern in patterns:
        if not uncertain([pattern], scenarios):
            hint = nearest(pattern, [address for address, each in there.items() if each.is_uncertain])
            raise InputError(f"{path}: 'uncertainties': '{pattern:.60}' is no uncertain number of this study; {hint}.")
    matched = {each.address: each for each in uncertain(patterns, scenarios)}
    return tuple((matched | named)[address] for address in there if address in matched or address in named)


def _known(address: str, there: Mapping[str, Parameter], path: Path, key: str) -> Parameter:
    if address not in there:
        unused = address.split(".")[1] if address.startswith(OF_POLICIES) and address.count(".") == 2 else ""
        if unused in every_policy():
            raise InputError(f"{path}: '{key}': policy '{unused}' is in no scenario of this study, so '{address}' decides nothing.")
        quotes = "" if "." in address else '; an address stands in quotes, as in "missing.at_home"'
        raise InputError(f"{path}: '{key}': '{address:.60}' is not a number of this study; {nearest(address, there)}{quotes}.")
    return there[address]


def _input(address: str, told: Mapping[str, Any], method: str, there: Mapping[str, Parameter], path: Path) -> Input:
    """A number that the file names, with what it says of it."""
    key = f"inputs.{address}"
    parameter = _known(address, there, path, "inputs")
    only_known(told, INPUT_KEYS, path, f"{key}.")
    if "levels" in told:
        if method not in STEPS:
            raise InputError(f"{path}: '{key}.levels' belongs to the designs {' and '.join(STEPS)}; design '{method}' takes 'between'.")
        if len(told) > 1:
            raise InputError(f"{path}: '{key}' has 'levels', and so no '{next(each for each in told if each != 'levels')}'.")
        levels = _values(told["levels"], parameter, path, f"{key}.levels")
        return Input(own_range(parameter, min(levels), max(levels), "uniform"), levels, is_named=True)
    low, high = parameter.between
    if "between" in told:
        ends = _values(told["between"], parameter, path, f"{key}.between")
        if len(ends) != 2 or ends[0] >= ends[1]:
            raise InputError(f"{path}: '{key}.between' is {told['between']!r:.60}, but must be two numbers, the smaller one first.")
        low, high = ends
    default = "uniform" if "between" in told or not parameter.is_uncertain else parameter.distribution
    distribution = told.get("distribution", default)
    if not isinstance(distribution, str) or distribution not in DRAWN:
        raise InputError(f"{path}: '{key}.distribution' is {distribution!r:.60}, but must be one of {', '.join(DRAWN)}.")
    if distribution.startswith("log") and low <= 0.0:
        raise InputError(f"{path}: '{key}' begins at {low:g}, but a {distribution} distribution needs a range above 0.")
    if distribution.endswith("pert") and not low <= parameter.value <= high:
        raise InputError(f"{path}: '{key}' is from {low:g} to {high:g}, but a {distribution} distribution has its mode at the declared {parameter.value:g}; take uniform.")
    return Input(own_range(parameter, low, high, distribution), is_named=True)


def _structure(value: Any, there: Mapping[str, Parameter], path: Path) -> dict[str, tuple[float | int, ...]]:
    table = as_table(value, path, "structure")
    return {address: _values(values, _known(address, there, path, "structure"), path, f"structure.{address}") for address, values in table.items()}


# -- the design ------------------------------------------------------------------------------------------------------------


def _design(method: str, told: Mapping[str, Any], path: Path) -> Design:
    """A design but for a list."""
    size_key = METHODS[method].size
    size = 0
    if size_key:
        size = _whole(told, size_key, path, None, least=2, where="design.")
        if method == "sobol" and size & (size - 1):
            raise InputError(f"{path}: 'design.samples' is {size}, but a Sobol sequence is even only at powers of two, such as {1 << (size.bit_length() - 1)} or {1 << size.bit_length()}.")
    levels = 0
    if "levels" in OF_DESIGN[method]:
        levels = _whole(told, "levels", path, STEPS.get(method, MORRIS_LEVELS), least=2, where="design.")
        if method == "morris" and levels % 2:
            raise InputError(f"{path}: 'design.levels' is {levels}, but Morris trajectories need an even number.")
    return Design(method, size, levels)


def _list(told: Mapping[str, Any], inputs: Mapping[str, Any], there: Mapping[str, Parameter], path: Path) -> tuple[Design, tuple[Input, ...]]:
    """A list of draws, in the file itself or in a CSV file beside it, and the inputs that it has."""
    if inputs:
        raise InputError(f"{path}: 'inputs' has no place beside a list of draws, which says itself which numbers it draws.")
    if ("draws" in told) == ("file" in told):
        raise InputError(f"{path}: a design 'list' needs either 'design.draws', a list of tables, or 'design.file', the name of a CSV file.")
    if "file" in told:
        where, rows = _csv(told["file"], path)
    else:
        where, rows = f"{path}: 'design.draws'", told["draws"]
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise InputError(f"{where} is {rows!r:.60}, but must be a list of tables, as in [{{ \"missing.at_home\" = 0.05 }}].")
    addresses = dict.fromkeys(address for row in rows for address in row if address != DUMMY)
    known = {address: _known(address, there, path, "design") for address in addresses}
    try:
        checked = tuple({address: known[address].check(value) for address, value in row.items() if address != DUMMY} for row in rows)
    except ParameterError as error:
        raise InputError(f"{where}: {error}") from None
    drawn = []
    for address in (address for address in there if address in known):
        values = [row.get(address, known[address].value) for row in checked]
        drawn.append(Input(own_range(known[address], min(values), max(values), "uniform"), is_named=True))
    return Design("list", rows=checked), tuple(drawn)


def _csv(name: Any, path: Path) -> tuple[str, list[dict[str, Any]]]:
    """The rows of a CSV file that lies beside the study file: its first line has addresses, every other one a draw."""
    if not isinstance(name, str) or not name:
        raise InputError(f"{path}: 'design.file' is {name!r:.60}, but must be the name of a CSV file.")
    try:
        with (path.parent / name).open(encoding="utf-8-sig", newline="") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: 'design.file': {name:.60} cannot be read ({getattr(error, 'strerror', None) or error}).") from None
    head, *rest = lines or [[]]
    where = f"{path.parent / name}"
    if not rest or len(set(head)) < len(head):
        raise InputError(f"{where} must have a first line of different addresses, and a line for each draw.")
    rows = []
    for number, line in enumerate(rest, 2):
        try:
            values = [float(text) for text in line]
            rows.append(dict(zip(head, values, strict=True)))
        except ValueError:
            raise InputError(f"{where}: line {number} must have {len(head)} numbers.") from None
    return where, rows


# -- small things ------------------------------------------------------------------------------------------------------------


def _measures(data: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    names, known = _texts(data, "measures", path), [measure.name for measure in every_measure()]
    for name in names:
        if name not in known:
            raise InputError(f"{path}: measure '{name:.60}' is not known; {nearest(name, known)}.")
    return tuple(dict.fromkeys(names))


def _texts(data: Mapping[str, Any], key: str, path: Path, also: str = "") -> list[str]:
    """A list of texts, none if the key is not there."""
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value) or (key in data and not value):
        raise InputError(f"{path}: '{key}' is {value!r:.60}, but must be a list of names{' ' if also else ''}{also}.")
    return value


def _whole(data: Mapping[str, Any], key: str, path: Path, default: int | None, *, least: int, where: str = "") -> int:
    """A whole number; without a default it must be there."""
    value = data.get(key, default)
    if value is None:
        raise InputError(f"{path}: '{where}{key}' is missing; it must be a whole number from {least} to {MOST[key]}.")
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST[key]:
        raise InputError(f"{path}: '{where}{key}' is {value!r:.60}, but must be a whole number from {least} to {MOST[key]}.")
    return value


def _values(value: Any, parameter: Parameter, path: Path, key: str) -> tuple[float | int, ...]:
    """Different values that a number may have."""
    if not isinstance(value, list) or not value:
        raise InputError(f"{path}: '{key}' is {value!r:.60}, but must be a list of numbers.")
    try:
        values = tuple(parameter.check(each, f"{path}: ") for each in value)
    except ParameterError as error:
        raise InputError(str(error)) from None
    if len(set(values)) < len(values):
        raise InputError(f"{path}: '{key}' is {value!r:.60}, in which a number is there twice.")
    return values
