"""`python -m experiments schema`: JSON Schemas of scenario, world and study files, so that editors complete and check them.

They are made of what the code declares, and lie beside the files that they are about; `.taplo.toml` tells editors so. A file elsewhere names
its own: its first line is `#:schema PATH`. A schema says which keys there are and what each may be; that a policy's end comes after its
beginning, or that a place lies in the world, the program says itself. (A date stands without quotes in TOML, and is text in JSON.)
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from experiments.measures import every_measure
from experiments.studies.sampling import METHODS
from experiments.studies.study_file import DEFAULT, DRAWN, MOST, OF_DESIGN
from experiments.studies.study_file import FOLDER as STUDIES
from sim.parameters import Parameter, Parameters, every_parameter
from sim.places import read_places
from sim.policies import every_policy
from sim.runs import write_atomically
from sim.scenario import FOLDER as SCENARIOS
from sim.scenario import LONGEST
from sim.terminal import DONE, Parser, say, say_json

FILES = {
    "scenario": SCENARIOS / "scenario.schema.json",
    "world": SCENARIOS / "worlds" / "world.schema.json",
    "study": STUDIES / "study.schema.json",
}
DIALECT = "http://json-schema.org/draft-07/schema#"  # what editors know best

Schema = dict[str, Any]


def add_arguments(parser: Parser) -> None:
    """The options of `schema`."""
    parser.add_argument("kind", nargs="?", choices=tuple(FILES), help="print the schema of this kind of file")
    parser.add_argument("--docs", action="store_true", help="bring the schemas beside the files up to date")


def schema(options: Namespace) -> int:
    """Print a JSON Schema of scenario, world or study files, or write all of them where editors find them."""
    for kind in (options.kind,) if options.kind else FILES:
        if options.docs:
            _write(kind)
        else:
            say_json(SCHEMAS[kind]())
    return DONE


def _write(kind: str) -> None:
    text = as_text(SCHEMAS[kind]())
    write_atomically(FILES[kind], lambda path: path.write_text(text, encoding="utf-8", newline="\n"))
    say(f"{FILES[kind].name}: {len(text):,} characters.")


def as_text(made: Schema) -> str:
    """A schema as it is written to its file."""
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


# -- parts -------------------------------------------------------------------------------------------------------------------


def _table(properties: Schema, about: str = "", **more: Any) -> Schema:
    """A table with these keys and no others."""
    return {"type": "object", **({"description": about} if about else {}), "properties": properties, "additionalProperties": False, **more}


def _text(about: str) -> Schema:
    return {"type": "string", "description": about}


def _whole(least: int, most: int, about: str) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, "description": about}


def _list(items: Schema, about: str, **more: Any) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "description": about, **more}


def _one_of(names: Iterable[str], *, or_file: bool = False) -> Schema:
    """One of these names, or the path of a file."""
    known = {"enum": list(names)}
    return {"anyOf": [known, {"type": "string", "pattern": r"\.toml$"}]} if or_file else known


def _number(each: Parameter) -> Schema:
    """A declared number; whole ones may be written with a point, as in 3.0."""
    low, high = each.between
    whole = {"multipleOf": 1} if isinstance(each.value, int) else {}
    return {"type": "number", "minimum": low, "maximum": high, "default": each.value, "description": _about(each), **whole}


def _about(each: Parameter) -> str:
    """What a declared number is, as one reads it in an editor."""
    (low, high), said, source = each.between, f"{each.doc} " if each.doc else "", "assumed" if each.is_assumed else each.source
    return f"{said}{each.unit[:1].upper()}{each.unit[1:]}, {low:g} to {high:g}; {each.value:g} unless set. Source: {source}."


def _ref(definition: str) -> Schema:
    return {"$ref": f"#/definitions/{definition}"}


def _group(group: type[Parameters]) -> Schema:
    return {name: _number(each) for name, each in group.declared.items()}


def _first_sentence(of: type) -> str:
    return (of.__doc__ or "").strip().splitlines()[0]


# -- the three kinds -----------------------------------------------------------------------------------------------------------


def scenario_schema() -> Schema:
    """What a scenario file may say."""
    day = {"type": "string", "format": "date", "description": "A day from 2025-04-01 to 2031-03-31, without quotes."}
    where = _list({"type": "string"}, "Authorities, by name or code; everywhere unless given.")
    policies = {
        name: _table({"begins": day, "ends": day, "where": where, **_group(policy.declares)}, f"{policy.title}. Evidence: {policy.grade}. {policy.evidence}")
        for name, policy in every_policy().items()
    }  # fmt: skip
    groups = {name: _table(_group(group), _first_sentence(group)) for name, group in Parameters.registry.items() if not name.startswith("policies.")}
    keys = {
        "title": _text("What tables and reports call it."), "why": _text("What it stands for, and on what evidence."),
        "policies": _table(policies, "Policies in force, each with only what differs from its declared numbers."),
        "parameters": _table(groups, "Numbers of the mechanisms that differ from present practice."),
    }  # fmt: skip
    return {"$schema": DIALECT, "title": "A scenario: what differs from present practice", **_table(keys)}


def _world_keys() -> Schema:
    places = {"type": "string", "examples": list(read_places().name)}
    return {
        "title": _text("What it is called."), "why": _text("What it is for."),
        "authorities": {"anyOf": [{"const": "all"}, _list(places, "By name or code.")], "description": 'Authorities that are simulated, or "all" of England.'},
        "fraction": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 1.0, "description": "Share of their children that is kept."},
        "warm_up_years": _whole(1, LONGEST - 1, "Years before anything is counted."), "years": _whole(1, LONGEST - 1, "Years that are counted."),
    }  # fmt: skip


def world_schema() -> Schema:
    """What a world file may say."""
    return {"$schema": DIALECT, "title": "A world: which authorities are simulated, and for how long", **_table(_world_keys(), required=["authorities"])}


def study_schema() -> Schema:
    """What a study file may say."""
    numbers = {"type": "array", "items": {"type": "number"}, "minItems": 1, "uniqueItems": True}
    of_input = {
        "between": {**numbers, "minItems": 2, "maxItems": 2, "description": "A range of its own, within the declared one; uniform unless a distribution is given."},
        "distribution": {"enum": list(DRAWN)}, "levels": {**numbers, "description": "Its values in a grid or one at a time."},
    }  # fmt: skip
    declared = {each.address: each for each in every_parameter()}
    definitions = {"input": _table(of_input), **{address: _number(each) for address, each in declared.items()}}
    scenarios = _one_of(sorted(path.stem for path in SCENARIOS.glob("*.toml")), or_file=True)
    worlds = _one_of(sorted(path.stem for path in (SCENARIOS / "worlds").glob("*.toml")), or_file=True)
    one_policy = "|".join(sorted(every_policy()))
    patterns = {"anyOf": [{"enum": [address for address, each in declared.items() if each.is_uncertain]}, {"type": "string", "pattern": r"[*?\[]"}]}
    row = _table({address: _ref(address) for address in declared})
    sizes = {
        "draws": {"anyOf": [_whole(2, MOST["draws"], "How many draws."), {"type": "array", "items": row, "minItems": 1}], "description": "Of a Latin hypercube: how many; of a list: the draws themselves."},
        "samples": _whole(2, MOST["samples"], "Of `sobol`: base samples, a power of two; each has as many draws as there are inputs, and three more."),
        "trajectories": _whole(2, MOST["trajectories"], "Of `morris`: each has as many draws as there are inputs, and two more."),
        "levels": _whole(2, MOST["levels"], "Steps of an input that names none; of `morris`, an even number."),
        "file": _text("Of a list: a CSV file beside this one; its first line has addresses, every other one a draw."),
    }  # fmt: skip
    per_method = [
        {
            "if": {"properties": {"method": {"const": method}}, **({} if method == DEFAULT else {"required": ["method"]})},
            "then": {"properties": {"method": True, **dict.fromkeys(OF_DESIGN[method], True)}, "additionalProperties": False},
        }
        for method in METHODS
    ]
    about = "; ".join(f"{name}: {method.title}" for name, method in METHODS.items())
    design = _table({"method": {"enum": list(METHODS), "description": about}, **sizes}, "How the uncertain numbers are drawn together.", allOf=per_method)
    keys = {
        "title": _text("What the study is called."), "why": _text("What it asks."),
        "scenarios": _list(scenarios, 'The first is what the others are compared with; "baseline" unless given.'),
        "policies": _list({"anyOf": [{"enum": sorted(every_policy())}, {"type": "string", "pattern": rf"^({one_policy})(\+({one_policy}))+$"}]}, "Each is the comparator with this policy, or with several, as in key_worker+relocation."),
        "world": {"anyOf": [worlds, _table({"like": worlds, **_world_keys()}, "A world of its own, as far as it differs from the one it is like.")], "default": "town"},
        "seeds": {**_whole(1, MOST["seeds"], "Runs of each draw."), "default": 1}, "seed": {**_whole(0, MOST["seed"], "From which all chance of the study comes."), "default": 1},
        "common_seeds": {"type": "boolean", "description": "Whether all draws have the same seeds; grids, lists and one at a time do unless this says otherwise."},
        "uncertainties": {"anyOf": [{"enum": ["every", "none"]}, _list(patterns, "Addresses, with * and ?.")], "description": "Which uncertain numbers are drawn from their declared distributions."},
        "measures": _list(_one_of(measure.name for measure in every_measure()), "The columns of the frame; all unless given."),
        "inputs": _table({address: {"description": _about(each), "allOf": [_ref("input")]} for address, each in declared.items()}, "Numbers with a range, a distribution or levels of the study's own; addresses stand in quotes."),
        "structure": _table({address: {"type": "array", "items": _ref(address), "minItems": 1, "uniqueItems": True} for address in declared}, "Switches between rival mechanisms; every combination is run."),
        "design": design,
    }  # fmt: skip
    return {"$schema": DIALECT, "title": "A study: scenarios under a design of uncertain numbers", "definitions": definitions, **_table(keys)}


SCHEMAS = {"scenario": scenario_schema, "world": world_schema, "study": study_schema}
