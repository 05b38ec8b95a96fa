"""Scenarios and worlds: read from TOML, checked, resolved to one frozen object.

A scenario file holds only what differs from present practice: tables `[policies.<name>]` and `[parameters.<group>]`. A world file
names authorities, a fraction and how long. Every mistake is one sentence that names file, key, value and what is allowed.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sim.dates import day_of, last_day_of_year
from sim.errors import InputError
from sim.parameters import ParameterError, Parameters, nearest
from sim.places import UnknownPlace, read_places
from sim.policies import every_policy
from sim.world import World

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"
POLICY_KEYS = ("begins", "ends", "where")
SPACE, UNSEEN = "\n\t", ("Cc", "Cf", "Zl", "Zp")  # of text: what may stand in it, and kinds of signs that may not
LONGEST = 6  # years, the warm-up included
FEWEST = 20  # children in a world
WORLD_KEYS = ("title", "why", "authorities", "fraction", "warm_up_years", "years")
OF_A_WORLD = dict.fromkeys(("world", *WORLD_KEYS[2:]), "; worlds are files of their own, given with --world")
OF_A_SCENARIO = dict.fromkeys(("policies", "parameters"), "; a scenario is another file than a world")


@dataclass(frozen=True)
class PolicyUse:
    """A policy in a scenario: its settings, when and where it is in force."""

    name: str
    settings: Mapping[str, float]
    begins: int | None = None  # day; None: after the warm-up
    ends: int | None = None  # first day no longer in force; None: never
    where: tuple[int, ...] | None = None  # authorities; None: everywhere


@dataclass(frozen=True)
class Scenario:
    """What differs from present practice."""

    name: str
    title: str = ""
    why: str = ""
    policies: Mapping[str, PolicyUse] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)  # address to value

    def resolved(self) -> dict[str, Any]:
        """Everything that matters for a run, as plain data; name, title and reasons apart."""
        return {
            "policies": {
                name: {
                    "settings": dict(sorted(use.settings.items())), "begins": use.begins, "ends": use.ends,
                    "where": None if use.where is None else [read_places().code[a] for a in use.where],
                }
                for name, use in sorted(self.policies.items())
            },
            "parameters": dict(sorted(self.parameters.items())),
        }  # fmt: skip


def find(name: str | Path, folder: Path, what: str) -> Path:
    """The file of a scenario or world given by name or path. Raises InputError naming the nearest known one."""
    path, known = Path(name), {file.stem: file for file in sorted(folder.glob("*.toml"))}
    try:
        if path.suffix == ".toml" or (path.exists() and str(name) not in known):
            return _file(path, what)
    except OSError as error:
        raise InputError(f"{what} '{name!s:.60}' cannot be read ({error.strerror}).") from None
    if str(name) in known:
        return known[str(name)]
    raise InputError(f"{what} '{name}' is not known; {nearest(str(name), known)}, or give the path of a .toml file.")


def _file(path: Path, what: str) -> Path:
    """A path that somebody gave, if there is a TOML file."""
    if path.is_dir():
        raise InputError(f"{what} {path} is a folder, but must be a .toml file.")
    if not path.exists():
        near = {str(file): file for file in path.parent.glob("*.toml")}
        hint = f"; {nearest(str(path), near)}" if near and path.parent != Path() else ""
        raise InputError(f"{what} file {path} does not exist{hint}.")
    if path.suffix != ".toml":
        raise InputError(f"{what} file {path} must end in .toml.")
    return path


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file says. Raises InputError if it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not valid TOML: it is not UTF-8 text (at byte {error.start + 1}).") from None
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits, also brackets without end
        raise InputError(f"{path}: is not valid TOML ({error}).") from None


def only_known(table: Mapping[str, Any], allowed, path: Path, where: str = "", hint: Mapping[str, str] = MappingProxyType({})) -> None:
    """Every key of a table must be allowed. Raises InputError with the nearest known name."""
    for key in table:
        if key not in allowed:
            raise InputError(f"{path}: key '{where}{key}' is not known; {nearest(key, allowed)}{hint.get(key, '')}.")


def as_table(value: Any, path: Path, key: str) -> dict[str, Any]:
    """The value of a key that must be a table. Raises InputError."""
    if not isinstance(value, dict):
        raise InputError(f"{path}: '{key}' is {value!r}, but must be a table.")
    return value


def as_text(table: Mapping[str, Any], key: str, path: Path) -> str:
    """The text of a key, "" if it is not there. Raises InputError, also for signs that would move a terminal's cursor or turn its writing round."""
    value = table.get(key, "")
    if not isinstance(value, str):
        raise InputError(f"{path}: '{key}' is {value!r}, but must be text.")
    for sign in value:
        if sign not in SPACE and unicodedata.category(sign) in UNSEEN:
            raise InputError(f"{path}: '{key}' has the sign U+{ord(sign):04X}, which cannot be seen; take it away.")
    return value


def load_scenario(name: str | Path | Scenario) -> Scenario:
    """A scenario by name (in `scenarios/`) or by path. Raises InputError."""
    if isinstance(name, Scenario):
        return name
    path = find(name, FOLDER, "scenario")
    data = read_toml(path)
    only_known(data, ("title", "why", "policies", "parameters"), path, hint=OF_A_WORLD)
    policies = {}
    for policy, table in as_table(data.get("policies", {}), path, "policies").items():
        if policy not in every_policy():
            raise InputError(f"{path}: policy '{policy}' is not known; {nearest(policy, every_policy())}.")
        policies[policy] = _policy_use(policy, as_table(table, path, f"policies.{policy}"), path)
    parameters: dict[str, float] = {}
    for group, table in as_table(data.get("parameters", {}), path, "parameters").items():
        known = {name for name in Parameters.registry if not name.startswith("policies.")}
        if group not in known:
            raise InputError(f"{path}: parameter group '{group}' is not known; {nearest(group, known)}.")
        for key, value in _checked(group, as_table(table, path, f"parameters.{group}"), path).items():
            parameters[f"{group}.{key}"] = value
    return Scenario(path.stem, as_text(data, "title", path) or path.stem, as_text(data, "why", path), policies, parameters)


def _checked(group: str, values: Mapping[str, Any], path: Path) -> dict[str, float]:
    """The values, each checked against its declaration."""
    try:
        resolved = Parameters.registry[group](values, where=f"{path}: ").as_dict()
    except ParameterError as error:
        raise InputError(str(error)) from None
    return {key: resolved[key] for key in values}


def _policy_use(name: str, table: Mapping[str, Any], path: Path) -> PolicyUse:
    group = f"policies.{name}"
    declared = Parameters.registry[group].declared
    only_known(table, (*POLICY_KEYS, *declared), path, f"{group}.")
    settings = _checked(group, {key: value for key, value in table.items() if key not in POLICY_KEYS}, path)
    begins, ends = (_day(table.get(key), path, f"{group}.{key}") for key in ("begins", "ends"))
    if begins is not None and ends is not None and ends <= begins:
        raise InputError(f"{path}: '{group}.ends' is {table['ends']}, but must come after '{group}.begins' {table['begins']}.")
    where = None
    if "where" in table:
        names = table["where"]
        if not isinstance(names, list) or not names or not all(isinstance(place, str) for place in names):
            raise InputError(f"{path}: '{group}.where' is {names!r}, but must be a list of authorities.")
        where = _authorities(names, path, f"{group}.where")
    return PolicyUse(name, settings, begins, ends, where)


def _day(value: Any, path: Path, key: str) -> int | None:
    if value is None:
        return None
    if type(value) is date and date(2025, 4, 1) <= value <= date(2031, 3, 31):
        return day_of(value)
    raise InputError(f"{path}: '{key}' is {value!r}, but must be a date from 2025-04-01 to 2031-03-31, without quotes.")


def _authorities(names: list[str], path: Path | str, key: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({read_places().index(place) for place in names}))
    except UnknownPlace as error:
        raise InputError(f"{path}: '{key}': {error}") from None


def check_places(scenario: Scenario, world: World) -> None:
    """Is every policy somewhere at home in the world? Raises InputError for one that could reach nobody."""
    names = read_places().name
    for policy, use in scenario.policies.items():
        if use.where is not None and not set(use.where) & set(world.authorities):
            where, known = (_named([names[a] for a in places]) for places in (use.where, world.authorities))
            raise InputError(f"scenario '{scenario.name}': 'policies.{policy}.where' is {where}, but world '{world.name}' has {known}.")


def _named(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:6])} and {len(names) - 6} others"


def load_world(name: str | Path | World) -> World:
    """A world by name (in `scenarios/worlds/`) or by path. Raises InputError."""
    if isinstance(name, World):
        return name
    path = find(name, FOLDER / "worlds", "world")
    return world_of(path.stem, read_toml(path), path)


def world_of(name: str, data: Mapping[str, Any], path: Path) -> World:
    """The world that a table says, with a name; `path` is the file that it stands in. Raises InputError."""
    only_known(data, WORLD_KEYS, path, hint=OF_A_SCENARIO)
    names = data.get("authorities")
    if names == "all":
        authorities = tuple(range(len(read_places())))
    elif isinstance(names, list) and names and all(isinstance(place, str) for place in names):
        authorities = _authorities(names, path, "authorities")
    else:
        raise InputError(f'{path}: \'authorities\' is {names!r}, but must be "all" or a list of authorities.')
    fraction = data.get("fraction", 1.0)
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float)) or not 0.0 < fraction <= 1.0:
        raise InputError(f"{path}: 'fraction' is {fraction!r}, but must be a number above 0 and up to 1.")
    children = float(fraction) * int(read_places().population_10_17[list(authorities)].sum())
    if children < FEWEST:
        raise InputError(f"{path}: 'fraction' is {fraction!r}, which leaves about {children:.2g} children, but must leave at least {FEWEST}.")
    warm_up, years = (_years(data.get(key, default), path, key) for key, default in (("warm_up_years", 1), ("years", 2)))
    if warm_up + years > LONGEST:
        raise InputError(f"{path}: 'warm_up_years' and 'years' add up to {warm_up + years}, but at most {LONGEST} are allowed.")
    return World(name, authorities, float(fraction), last_day_of_year(warm_up), last_day_of_year(warm_up + years))


def _years(value: Any, path: Path, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 5:
        raise InputError(f"{path}: '{key}' is {value!r}, but must be a whole number of years from 1 to 5.")
    return value
