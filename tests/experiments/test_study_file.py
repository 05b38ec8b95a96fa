"""Study and scenario files: what a file says is what runs; whatever cannot be is one sentence, and nothing is written."""

import json
import tomllib
from argparse import Namespace
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from functools import partial
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments import schema
from experiments.__main__ import main
from experiments.compare import compare
from experiments.measures import every_measure
from experiments.studies.study_file import FOLDER, load_study
from experiments.sweep import sweep
from sim import InputError, every_parameter, load_scenario
from sim.policies import every_policy
from sim.scenario import FOLDER as SCENARIOS
from sim.terminal import run_to_its_end

STUDIES = sorted(FOLDER.glob("*.toml"))
DECLARED = {each.address: each for each in every_parameter()}


def read(folder: Path, text: str):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_study(path)


# -- what is read --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_that_ships_can_be_read_and_has_runs(path):
    study = load_study(path.stem)
    assert study.title != path.stem
    assert study.why
    assert study.design.number(study.inputs) * study.seeds * len(study.scenarios) > 100


def test_an_empty_file_is_present_practice_with_every_uncertain_number(tmp_path):
    with pytest.raises(InputError, match=r"'design.draws' is missing"):
        read(tmp_path, "")
    study = read(tmp_path, "[design]\ndraws = 4\n")
    assert [scenario.name for scenario in study.scenarios] == ["baseline"]
    assert (study.world.name, study.design.method, study.seeds, study.common_seeds) == ("town", "latin_hypercube", 1, False)
    assert [each.address for each in study.inputs] == [a for a, each in DECLARED.items() if each.is_uncertain and not a.startswith("policies.")]


def test_a_file_says_what_is_run(tmp_path):
    (tmp_path / "own.toml").write_text("[policies.key_worker]\ncoverage = 0.3\n", encoding="utf-8")
    study = read(
        tmp_path,
        """
        title = "Mine"
        scenarios = ["baseline", "own.toml"]
        policies = ["relocation", "key_worker+relocation"]
        world = { like = "town", fraction = 0.01, years = 1 }
        seeds = 3
        seed = 7
        common_seeds = true
        uncertainties = ["missing.at_*", "policies.*"]
        measures = ["children_missing", "cost"]
        [inputs]
        "policies.relocation.coverage" = { between = [0.1, 0.9] }
        "recruitment.peers" = { distribution = "uniform" }
        "missing.at_home" = {}
        [structure]
        "services.needs_pooling" = [0, 1]
        [design]
        method = "sobol"
        samples = 8
        """,
    )
    assert [scenario.name for scenario in study.scenarios] == ["baseline", "own", "relocation", "key_worker+relocation"]
    assert set(study.scenarios[3].policies) == {"key_worker", "relocation"}
    assert study.scenarios[3].policies["key_worker"].settings == {}
    assert (study.world.fraction, study.world.days, study.world.name) == (0.01, 730, "town-mine")
    assert (study.seeds, study.seed, study.common_seeds, study.measures) == (3, 7, True, ("children_missing", "cost"))
    inputs = {each.address: each for each in study.inputs}
    assert {address.split(".")[1] for address in inputs if address.startswith("policies.")} == {"key_worker", "relocation"}
    coverage = inputs["policies.relocation.coverage"]
    assert (coverage.range, coverage.parameter.distribution, coverage.is_named) == ((0.1, 0.9), "uniform", True)
    assert (inputs["recruitment.peers"].parameter.distribution, inputs["recruitment.peers"].range) == ("uniform", DECLARED["recruitment.peers"].between)
    assert inputs["missing.at_home"].parameter == DECLARED["missing.at_home"]
    assert not inputs["policies.key_worker.fidelity"].is_named
    assert list(inputs) == [address for address in DECLARED if address in inputs]
    assert (study.structure, study.structures) == ({"services.needs_pooling": (0, 1)}, [(0,), (1,)])


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 5000 + ".toml"])
def test_a_name_that_no_file_can_have_is_refused(name):
    with pytest.raises(InputError, match=r"study 'x{60}' cannot be read \(File name too long\)"):
        load_study(name)


def test_a_list_of_draws_may_stand_in_the_file_or_beside_it(tmp_path):
    (tmp_path / "draws.csv").write_text("missing.at_home,lines.positions,dummy\n0.05,4,0.3\n0.1,2,0.9\n", encoding="utf-8")
    beside = read(tmp_path, '[design]\nmethod = "list"\nfile = "draws.csv"\n')
    inside = read(tmp_path, '[design]\nmethod = "list"\ndraws = [{ "missing.at_home" = 0.05, "lines.positions" = 4 }, { "missing.at_home" = 0.1, "lines.positions" = 2.0 }]\n')
    assert beside.draws.values == inside.draws.values == ({"missing.at_home": 0.05, "lines.positions": 4}, {"missing.at_home": 0.1, "lines.positions": 2})
    assert type(beside.draws.values[0]["lines.positions"]) is int
    assert beside.common_seeds


def test_a_dry_run_says_how_many_runs_there_are_and_runs_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "specialist_foster_grid", "--dry-run"]) == 0
    assert capsys.readouterr().out == "210 different runs, 0 of them there already; 210 would be computed.\n"
    assert not list(tmp_path.iterdir())


# -- what is refused -------------------------------------------------------------------------------------------------------------

LHS = '[design]\nmethod = "latin_hypercube"\ndraws = 4\n'
GRID = '[design]\nmethod = "grid"\n'
REFUSED = {
    "a misspelt key": ("sceanrios = []", "key 'sceanrios' is not known; the nearest known name is 'scenarios'"),
    "no list": ('scenarios = "baseline"', "'scenarios' is 'baseline', but must be a list of names"),
    "an empty list": ("scenarios = []", "'scenarios' is [], but must be a list of names"),
    "an unknown scenario": ('scenarios = ["relocaton"]', "scenario 'relocaton' is not known; the nearest known name is 'relocation'"),
    "a scenario twice": ('scenarios = ["baseline", "baseline"]', "scenario 'baseline' is there twice"),
    "an unknown policy": ('policies = ["key_wroker"]', "policy 'key_wroker' is not known; the nearest known name is 'key_worker'"),
    "a policy twice": ('policies = ["key_worker+key_worker"]', "'key_worker+key_worker' has policy 'key_worker' more than once"),
    "the same policies in another order": ('policies = ["key_worker+relocation", "relocation+key_worker"]', "are the same policies in another order"),
    "a sign that turns the writing round": ('title = "safe \\u202Eelif"\n' + LHS, "'title' has the sign U+202E, which cannot be seen"),
    "a sign that moves the cursor": ('title = "red \\u001B[31m"\n' + LHS, "'title' has the sign U+001B"),
    "half a policy": ('policies = ["key_worker+"]', "policy '' is not known"),
    "a policy that the comparator has": ('scenarios = ["relocation"]\npolicies = ["relocation"]', "is in the comparator 'relocation' already"),
    "an unknown world": ('world = "twon"', "world 'twon' is not known"),
    "a world that is a number": ("world = 3", "'world' is 3, but must be the name of a world or a table"),
    "a wrong fraction": ('world = { like = "town", fraction = 2 }', "'fraction' is 2, but must be a number above 0"),
    "a world without places": ("world = { years = 1 }", "'authorities' is None"),
    "a policy nowhere in the world": ('scenarios = ["baseline", "joint_hub_greater_manchester"]', "but world 'town' has"),
    "no seed": ("seeds = 0\n" + LHS, "'seeds' is 0, but must be a whole number from 1"),
    "half a seed": ("seed = 1.5\n" + LHS, "'seed' is 1.5, but must be a whole number from 0"),
    "a word for a switch": ('common_seeds = "yes"\n' + LHS, "'common_seeds' is 'yes', but must be true or false"),
    "an unknown measure": ('measures = ["children_misssing"]\n' + LHS, "the nearest known name is 'children_missing'"),
    "an unknown design": ('[design]\nmethod = "sobl"', "'design.method' is 'sobl', but must be one of latin_hypercube"),
    "another design's key": ("[design]\nsamples = 4", "key 'design.samples' is not known"),
    "a Sobol sequence of no power of two": ('[design]\nmethod = "sobol"\nsamples = 100', "such as 64 or 128"),
    "Morris with odd levels": ('[design]\nmethod = "morris"\ntrajectories = 4\nlevels = 5', "need an even number"),
    "no draws": ("[design]\ndraws = 0", "'design.draws' is 0, but must be a whole number from 2"),
    "an unknown pattern": ('uncertainties = ["mising.*"]\n' + LHS, "'mising.*' is no uncertain number of this study"),
    "an unknown number": ('[inputs]\n"missing.at_hom" = {}\n' + LHS, "the nearest known name is 'missing.at_home'"),
    "an address without quotes": ("[inputs]\nmissing.at_home = {}\n" + LHS, 'an address stands in quotes, as in "missing.at_home"'),
    "a policy in no scenario": ('[inputs]\n"policies.relocation.coverage" = {}\n' + LHS, "policy 'relocation' is in no scenario of this study"),
    "an unknown key of an input": ('[inputs]\n"missing.at_home" = { betwen = [0.1, 0.2] }\n' + LHS, "the nearest known name is 'between'"),
    "no range": ('[inputs]\n"missing.at_home" = { between = [0.1, 0.05] }\n' + LHS, "the smaller one first"),
    "a range beyond the declared one": ('[inputs]\n"missing.at_home" = { between = [0.05, 0.5] }\n' + LHS, "outside its range; allowed is 0.03 to 0.12"),
    "an unknown distribution": ('[inputs]\n"missing.at_home" = { distribution = "normal" }\n' + LHS, "must be one of uniform, log-uniform, pert, log-pert"),
    "a logarithm of nothing": ('scenarios = ["relocation"]\n[inputs]\n"policies.relocation.coverage" = { distribution = "log-uniform" }\n' + LHS, "needs a range above 0"),
    "a mode outside": ('[inputs]\n"missing.at_home" = { between = [0.08, 0.1], distribution = "pert" }\n' + LHS, "has its mode at the declared"),
    "levels in a hypercube": ('[inputs]\n"missing.at_home" = { levels = [0.1] }\n' + LHS, "belongs to the designs grid and one_at_a_time"),
    "a level twice": ('[inputs]\n"missing.at_home" = { levels = [0.1, 0.1] }\n' + GRID, "a number is there twice"),
    "levels and a range": ('[inputs]\n"missing.at_home" = { levels = [0.1], between = [0.1, 0.2] }\n' + GRID, "has 'levels', and so no 'between'"),
    "a level that is a word": ('[inputs]\n"missing.at_home" = { levels = ["low"] }\n' + GRID, "missing.at_home is 'low', which is not a number"),
    "levels that are not finite": ('[inputs]\n"missing.at_home" = { levels = [nan] }\n' + GRID, "not a finite number"),
    "a switch that is an input too": ('[inputs]\n"services.needs_pooling" = {}\n[structure]\n"services.needs_pooling" = [0, 1]\n' + LHS, "is both in 'inputs' and in 'structure'"),
    "a list without draws": ('[design]\nmethod = "list"', "needs either 'design.draws'"),
    "a list with uncertainties": ('uncertainties = "every"\n[design]\nmethod = "list"\ndraws = [{}]', "says itself which numbers it draws"),
    "a list with a wrong value": ('[design]\nmethod = "list"\ndraws = [{ "missing.at_home" = 7 }]', "outside its range"),
    "a file that is not there": ('[design]\nmethod = "list"\nfile = "draws.csv"', "draws.csv cannot be read (No such file or directory)"),
    "no TOML": ("title = ", "is not valid TOML"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_is_refused_in_one_sentence(what, tmp_path):
    text, said = REFUSED[what]
    with pytest.raises(InputError) as refusal:
        read(tmp_path, text)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value).rstrip()
    assert "mine.toml" in str(refusal.value) or "scenario" in str(refusal.value) or "world" in str(refusal.value)


@pytest.mark.parametrize(("table", "said"), [("", "first line"), ("a,a\n1,2\n", "different addresses"), ("missing.at_home\n0.05,1\n", "line 2 must have 1 numbers"), ("missing.at_home\nhalf\n", "line 2"), ("nowhere\n1\n", "'nowhere' is not a number")])
def test_a_wrong_table_of_draws_is_refused(table, said, tmp_path):
    (tmp_path / "draws.csv").write_text(table, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read(tmp_path, '[design]\nmethod = "list"\nfile = "draws.csv"\n')


def test_a_title_is_one_line(tmp_path):
    assert read(tmp_path, 'title = """Does\nit hold"""\n' + LHS).title == "Does it hold"


def test_a_grid_far_too_large_is_refused_in_short(tmp_path):
    study = read(tmp_path, 'uncertainties = "every"\n[design]\nmethod = "grid"\nlevels = 10000\n')
    with pytest.raises(InputError, match=r"would have about 10 to the power of [0-9]{4} draws") as refusal:
        _ = study.draws
    assert len(str(refusal.value)) < 200


# -- schemas -----------------------------------------------------------------------------------------------------------------------


def as_json(value):
    """What an editor sees: a date is text."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    return [as_json(each) for each in value] if isinstance(value, list) else value.isoformat() if isinstance(value, date) else value


def complaints(kind: str, text: str) -> list[str]:
    validator = jsonschema.Draft7Validator(json.loads(schema.FILES[kind].read_text(encoding="utf-8")))
    return [error.message for error in validator.iter_errors(as_json(tomllib.loads(text)))]


@pytest.mark.parametrize("kind", schema.FILES)
def test_the_schemas_beside_the_files_are_those_of_the_code(kind):
    made = schema.SCHEMAS[kind]()
    jsonschema.Draft7Validator.check_schema(made)
    assert schema.FILES[kind].read_text(encoding="utf-8") == schema.as_text(made), "bring them up to date: python -m experiments schema --docs"


@pytest.mark.parametrize("path", [*SCENARIOS.rglob("*.toml"), *STUDIES], ids=lambda path: path.stem)
def test_every_file_that_ships_keeps_to_its_schema(path):
    kind = {"scenarios": "scenario", "worlds": "world", "studies": "study"}[path.parent.name]
    assert complaints(kind, path.read_text(encoding="utf-8")) == []


BEYOND_A_SCHEMA = {
    "a scenario twice", "half a policy", "a policy that the comparator has", "a policy nowhere in the world", "a world without places",
    "a Sobol sequence of no power of two", "Morris with odd levels", "no range", "a range beyond the declared one", "a logarithm of nothing",
    "a mode outside", "levels in a hypercube", "levels and a range", "levels that are not finite", "a switch that is an input too",
    "a policy in no scenario", "an unknown pattern", "a list without draws", "a list with uncertainties", "a file that is not there", "no TOML",
    "an unknown scenario", "an unknown world", "a policy twice", "the same policies in another order", "a sign that turns the writing round",
    "a sign that moves the cursor",
}  # fmt: skip
"""What only the program can tell, since it takes more than one key to see it, or another file, or to read what is within a text."""


@pytest.mark.parametrize("what", [what for what in REFUSED if what not in BEYOND_A_SCHEMA])
def test_what_the_program_refuses_an_editor_marks_too(what):
    assert complaints("study", REFUSED[what][0])


def test_a_schema_can_be_printed(capsys):
    assert main(["schema", "world"]) == 0
    assert json.loads(capsys.readouterr().out) == schema.world_schema()


# -- anything at all -----------------------------------------------------------------------------------------------------------------

KEYS = ("title", "why", "scenarios", "policies", "world", "seeds", "seed", "common_seeds", "uncertainties", "measures", "inputs", "structure", "design", "parameters")
WORDS = st.one_of(
    st.sampled_from([*DECLARED, *every_policy(), *(each.name for each in every_measure()), "baseline", "relocation", "town", "every", "none", "*", "dummy"]),
    st.sampled_from(["latin_hypercube", "sobol", "morris", "grid", "one_at_a_time", "list", "pert", "uniform", "log-uniform"]),
    st.text(max_size=8),
)
NUMBERS = st.one_of(st.integers(-3, 12), st.integers(), st.floats(allow_nan=True), st.floats(0.0, 1.0))
LEAVES = st.one_of(WORDS, NUMBERS, st.booleans(), st.dates())
INNER_KEYS = st.one_of(st.sampled_from(["method", "draws", "samples", "trajectories", "levels", "file", "between", "distribution", "like", "fraction", "years", "authorities", "begins", "ends", "where", "coverage"]), WORDS)
VALUES = st.recursive(LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(INNER_KEYS, inner, max_size=4)), max_leaves=12)
FILES = st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=5)), VALUES, max_size=6)
SHIPPED = [path.read_text(encoding="utf-8") for path in (*STUDIES, *sorted(SCENARIOS.glob("*.toml")))]


def toml(value) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value) if isinstance(value, str) else value.isoformat() if isinstance(value, date) else repr(value)


@st.composite
def spoilt(draw) -> str:
    """A file that ships, with some of it cut out, doubled or replaced."""
    text = draw(st.sampled_from(SHIPPED))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.integers(0, 30)))
        text = text[:begin] + draw(st.one_of(st.just(""), st.text(max_size=4), st.just(text[begin:end] * 2), st.sampled_from(list("[]{}=\"'#,.\n\0-")))) + text[end:]
    return text


@st.composite
def said(draw) -> str:
    """A file that says anything at all in the words of the model."""
    return "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in draw(FILES).items())


CONTENTS = st.one_of(said(), spoilt(), st.text(), st.binary()).map(lambda content: content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


def try_everything(folder: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> int:
    """Give so many files to the readers of studies and of scenarios; how many were refused. A refusal is one line, and writes nothing."""
    refused = 0
    monkeypatch.chdir(folder)
    path = folder / "any.toml"
    sweep_it = partial(sweep, Namespace(study="any.toml", out=None, dry_run=False, cores=1, shard=None, dask=None))
    compare_it = partial(compare, Namespace(scenarios=["baseline", "any.toml"], world="town", years=None, replicates=1, seed=1, fixed_parameters=False, cores=1, name="any"))

    @settings(max_examples=number, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(content=CONTENTS)
    def give(content: bytes) -> None:
        nonlocal refused
        path.write_bytes(content)
        for load, do in ((load_study, sweep_it), (load_scenario, compare_it)):
            try:
                load(Path("any.toml"))
            except InputError:
                refused += 1
                out, err = StringIO(), StringIO()
                with redirect_stdout(out), redirect_stderr(err):
                    assert run_to_its_end("experiments", do) == 2
                assert (out.getvalue(), err.getvalue().rstrip("\n").count("\n")) == ("", 0), err.getvalue()
                assert [each.name for each in folder.iterdir()] == ["any.toml"]

    give()
    return refused


def test_no_file_brings_a_traceback_or_leaves_anything_behind(tmp_path, monkeypatch):
    assert try_everything(tmp_path, monkeypatch, 100) > 100


@pytest.mark.slow
def test_no_file_of_thousands_brings_a_traceback_or_leaves_anything_behind(tmp_path, monkeypatch):
    assert try_everything(tmp_path, monkeypatch, 10_000) > 10_000
