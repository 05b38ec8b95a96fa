"""Scenarios and worlds: what a file says is what runs; whatever cannot be is one sentence with file, key, value and what is allowed."""

from datetime import date

import pytest

import sim
from sim import CountyLines, InputError, Scenario, World, load_scenario, load_world
from sim.dates import day_of
from sim.model import resolve
from sim.places import read_places
from sim.policies import every_policy
from sim.scenario import FOLDER, PolicyUse
from tests.worlds import scenario, world

PLACES = read_places()


@pytest.fixture
def written(tmp_path):
    """A function that writes a file and gives its path."""

    def write(text: str | bytes, name: str = "mine.toml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


# -- what is read ------------------------------------------------------------------------------------------------------


def test_a_scenario_says_what_differs_and_nothing_else(written):
    read = load_scenario(
        written(
            """
            title = "Mine"
            why = "To see."
            [policies.relocation]
            coverage = 0.3
            begins = 2026-06-01
            ends = 2026-09-01
            where = ["kent", "E09000011"]
            [policies.key_worker]
            [parameters.lines]
            substitution = 0
            positions = 5
            """
        )
    )
    assert (read.name, read.title, read.why) == ("mine", "Mine", "To see.")
    kent, greenwich = PLACES.index("Kent"), PLACES.index("Greenwich")
    assert read.policies == {
        "relocation": PolicyUse("relocation", {"coverage": 0.3}, day_of(date(2026, 6, 1)), day_of(date(2026, 9, 1)), tuple(sorted((kent, greenwich)))),
        "key_worker": PolicyUse("key_worker", {}),
    }
    assert read.parameters == {"lines.substitution": 0.0, "lines.positions": 5}


def test_what_a_scenario_is_called_does_not_matter_to_a_run(written):
    same = [load_scenario(written(f'title = "{name}"\nwhy = "{name}"\n[policies.relocation]\ncoverage = 0.3\n', f"{name}.toml")) for name in "ab"]
    assert same[0].resolved() == same[1].resolved() and same[0].name != same[1].name
    other = load_scenario(written("[policies.relocation]\ncoverage = 0.4\n"))
    assert other.resolved() != same[0].resolved()
    assert load_scenario("baseline").resolved() == {"policies": {}, "parameters": {}}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_every_scenario_of_the_project_is_read_and_says_why(path):
    read = load_scenario(path.stem)
    assert read.title and len(read.why) > 40 and read == load_scenario(path)
    assert read.title != read.name


@pytest.mark.parametrize("path", sorted((FOLDER / "worlds").glob("*.toml")), ids=lambda path: path.stem)
def test_every_world_of_the_project_is_read(path):
    read = load_world(path.stem)
    assert read.name == path.stem and 0 < read.warm_up_days < read.days and 0 < read.fraction <= 1


def test_the_three_worlds_are_those_of_the_description():
    england, region, town = (load_world(name) for name in ("england", "region", "town"))
    assert len(england.authorities) == len(PLACES) == 151
    assert {PLACES.name[a] for a in region.authorities} == {"Medway", "Greenwich", "Kent"}
    assert town.authorities == region.authorities and (town.fraction, region.fraction, england.fraction) == (0.09, 1.0, 1.0)
    assert town.warm_up_days == 365 and town.days == 1096


def test_any_list_of_places_and_fraction_is_a_world(written):
    read = load_world(written('authorities = ["Kent", "manchester"]\nfraction = 0.25\nwarm_up_years = 2\nyears = 1\n'))
    assert read.authorities == tuple(sorted((PLACES.index("Kent"), PLACES.index("Manchester"))))
    assert (read.fraction, read.warm_up_days, read.days) == (0.25, 730, 1096)


# -- what cannot be ----------------------------------------------------------------------------------------------------

BAD_SCENARIOS = {
    "misspelt key": ('titel = "x"', ["'titel'", "'title'"]),
    "a world in it": ('world = "town"', ["'world'", "known names are"]),
    "title is a number": ("title = 3", ["'title'", "3", "text"]),
    "misspelt policy": ("[policies.relocatoin]", ["'relocatoin'", "'relocation'"]),
    "a policy that is no table": ("[policies]\nrelocation = 3", ["'policies.relocation'", "3", "table"]),
    "policies that are no table": ("policies = 3", ["'policies'", "3", "table"]),
    "misspelt setting": ("[policies.relocation]\ncoverge = 0.3", ["policies.relocation.coverge", "'coverage'"]),
    "setting of the wrong type": ('[policies.relocation]\ncoverage = "much"', ["policies.relocation.coverage", "'much'", "0 to 1"]),
    "setting that is true": ("[policies.relocation]\ncoverage = true", ["policies.relocation.coverage", "True", "0 to 1"]),
    "setting above its range": ("[policies.relocation]\ncoverage = 1.5", ["policies.relocation.coverage", "1.5", "0 to 1"]),
    "setting that is not a number": ("[policies.relocation]\ncoverage = nan", ["policies.relocation.coverage", "nan", "0 to 1"]),
    "setting without end": ("[policies.relocation]\ncoverage = inf", ["policies.relocation.coverage", "inf", "0 to 1"]),
    "misspelt group": ("[parameters.linse]\nlag = 3", ["'linse'", "'lines'"]),
    "a policy among the parameters": ('[parameters."policies.relocation"]\ncoverage = 0.1', ["'policies.relocation'"]),
    "misspelt parameter": ("[parameters.lines]\nlagg = 3", ["lines.lagg", "'lag'"]),
    "parameter outside its range": ("[parameters.lines]\nlag = 99", ["lines.lag", "99", "1 to 40 days"]),
    "half a position": ("[parameters.lines]\npositions = 4.5", ["lines.positions", "4.5", "whole"]),
    "unknown place": ('[policies.relocation]\nwhere = ["Knet"]', ["policies.relocation.where", "'Knet'", "Kent"]),
    "no place": ("[policies.relocation]\nwhere = []", ["policies.relocation.where", "[]", "list"]),
    "places that are numbers": ("[policies.relocation]\nwhere = [3]", ["policies.relocation.where", "[3]", "list"]),
    "a date as text": ('[policies.relocation]\nbegins = "2026-06-01"', ["policies.relocation.begins", "2026-06-01", "date"]),
    "a date too early": ("[policies.relocation]\nbegins = 2025-03-31", ["policies.relocation.begins", "2025-04-01"]),
    "a date too late": ("[policies.relocation]\nends = 2040-01-01", ["policies.relocation.ends", "2031-03-31"]),
    "a date with a time": ("[policies.relocation]\nbegins = 2026-06-01T10:00:00", ["policies.relocation.begins", "date"]),
    "an end before the beginning": ("[policies.relocation]\nbegins = 2026-06-01\nends = 2026-06-01", ["policies.relocation.ends", "after"]),
    "not TOML": ("policies = [", ["TOML"]),
    "a number of thousands of digits": (f"[policies.relocation]\ncoverage = {'9' * 5000}", ["TOML"]),
    "a huge number": (f"[policies.relocation]\ncoverage = {'9' * 500}", ["policies.relocation.coverage", "0 to 1"]),
    "brackets without end": ("title = " + "[" * 5000, ["TOML"]),
    "not text": (b"title = '\xff'", ["TOML"]),
}

BAD_WORLDS = {
    "misspelt key": ('authoritys = "all"', ["'authoritys'", "'authorities'"]),
    "no places": ("fraction = 0.1", ["'authorities'", "None"]),
    "places misspelt": ('authorities = "every"', ["'authorities'", "'every'", '"all"']),
    "unknown place": ('authorities = ["Knet"]', ["'authorities'", "'Knet'", "Kent"]),
    "fraction of nothing": ('authorities = "all"\nfraction = 0.0', ["'fraction'", "0.0", "above 0"]),
    "fraction above all": ('authorities = "all"\nfraction = 1.01', ["'fraction'", "1.01", "up to 1"]),
    "fraction that is not a number": ('authorities = "all"\nfraction = nan', ["'fraction'", "nan", "above 0"]),
    "fraction as text": ('authorities = "all"\nfraction = "half"', ["'fraction'", "'half'"]),
    "no warm-up": ('authorities = "all"\nwarm_up_years = 0', ["'warm_up_years'", "0", "1 to 5"]),
    "half a year": ('authorities = "all"\nyears = 1.5', ["'years'", "1.5", "whole"]),
    "too many years": ('authorities = "all"\nwarm_up_years = 3\nyears = 4', ["7", "6"]),
}


@pytest.mark.parametrize(("read", "text", "said"), [
    *(pytest.param(load_scenario, *case, id=f"scenario: {name}") for name, case in BAD_SCENARIOS.items()),
    *(pytest.param(load_world, *case, id=f"world: {name}") for name, case in BAD_WORLDS.items()),
])  # fmt: skip
def test_bad_input_is_one_sentence_with_file_key_value_and_what_is_allowed(written, read, text, said):
    with pytest.raises(InputError) as refused:
        read(written(text))
    sentence = str(refused.value)
    assert "mine.toml" in sentence and sentence.endswith(".") and len(sentence) < 1000
    for part in said:
        assert part in sentence


@pytest.mark.parametrize(("read", "near"), [(load_scenario, "relocatoin"), (load_world, "twon")])
def test_a_misspelt_name_gets_the_nearest(read, near):
    with pytest.raises(InputError, match=r"the nearest known name is '(relocation|town)'"):
        read(near)


@pytest.mark.parametrize("read", [load_scenario, load_world])
def test_a_file_that_is_not_there_or_is_a_folder_is_said_to_be_so(read, tmp_path):
    with pytest.raises(InputError, match=r"missing\.toml"):
        read(tmp_path / "missing.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(InputError, match=r"folder\.toml"):
        read(tmp_path / "folder.toml")


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"seed": -1}, ["seed", "-1"]),
        ({"seed": 1.5}, ["seed", "1.5"]),
        ({"seed": True}, ["seed", "True"]),
        ({"days": 0}, ["days", "0"]),
        ({"days": 10_000}, ["days", "10000"]),
        ({"days": 3.5}, ["days", "3.5"]),
        ({"parameters": {"lines.lagg": 3.0}}, ["lines.lagg", "lines.lag"]),
        ({"parameters": {"lag": 3.0}}, ["'lag'"]),
        ({"parameters": {"lines.lag": 99.0}}, ["lines.lag", "99", "1 to 40 days"]),
        ({"parameters": {"lines.lag": float("nan")}}, ["lines.lag", "nan"]),
        ({"parameters": {"policies.relocation.coverage": 2.0}}, ["policies.relocation.coverage", "2", "0 to 1"]),
    ],
    ids=str,
)
def test_a_model_refuses_what_cannot_be(keywords, said):
    use = scenario(["relocation"])
    with pytest.raises(InputError) as refused:
        CountyLines(use, world(0.002, days=5), **keywords)
    assert all(part in str(refused.value) for part in said) and "\n" not in str(refused.value)


# -- what is resolved --------------------------------------------------------------------------------------------------


def test_a_scenario_is_stronger_than_what_is_given_and_that_than_the_default():
    use = scenario({"relocation": {"coverage": 0.2}}, parameters={"lines.lag": 5.0})
    values = resolve(use, {"lines.lag": 6.0, "lines.lifetime": 150.0, "policies.relocation.coverage": 0.9})
    assert (values["lines"].lag, values["lines"].lifetime, values["policies.relocation"].coverage) == (5.0, 150.0, 0.2)
    assert values["lines"].substitution == sim.model.lines.Lines.declared["substitution"].value
    assert "policies.specialist_foster" not in values and set(values) >= {"people", "care", "missing"}


def test_settings_of_a_policy_that_is_not_in_the_scenario_are_checked_and_left_out():
    assert "policies.relocation" not in resolve(Scenario("none"), {"policies.relocation.coverage": 0.9})


def test_policies_begin_after_the_warm_up_unless_told_and_live_in_the_order_of_their_names():
    small = world(0.002, warm_up=7, days=20)
    model = CountyLines(scenario(sorted(every_policy(), reverse=True)), small)
    assert [policy.name for policy in model.policies] == sorted(every_policy())
    assert {policy.begins for policy in model.policies} == {8}
    told = CountyLines(scenario(["relocation"], begins=12, ends=15), small)
    assert [(policy.begins, policy.ends) for policy in told.policies] == [(12, 15)]
    assert isinstance(told.world, World) and told.last_day == 20
