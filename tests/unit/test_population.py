"""Children: one list of facts, spoken in the same words of one child and of many; each fact has one keeper."""

import pickle
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from sim.dates import day_of
from sim.population import (
    AT_HOME,
    BANDS,
    BOUND,
    FACTS,
    FOSTER,
    GROUPS_OF_AN_AUTHORITY,
    NEVER,
    SETTINGS,
    STAGES,
    WORDS,
    WORKING,
    Child,
    Children,
    Cohort,
    band_of,
    group_of,
)
from tests.worlds import lived, world

KEEPERS = {"demography", "placements", "exploitation", "other_exploitation", "schooling", "missing", "services", "harm", "relationships", "levers"}


@pytest.fixture
def children():
    """Six children on 1 June 2025, the last not in the world yet."""
    children = Children(SimpleNamespace(day=62), 6)
    children.model.children = children
    columns = children.columns
    columns["key"][:] = [11, 12, 13, 14, 15, 2**64 - 1]
    columns["born"][:] = [62 - days for days in (3652, 3653, 4749, 5479, 5844, 3000)]
    columns["is_present"][:5] = True
    columns["missing_slot"][[1, 3]] = [0, 1]
    columns["setting"][[2, 3]] = FOSTER
    columns["stage"][[3, 4]] = [WORKING, BOUND]
    columns["identified_on"][4] = 60
    return children


# -- facts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_says_its_unit_its_keeper_and_its_meaning(name):
    fact = FACTS[name]
    assert fact.name == name and fact.unit and fact.kept_by in KEEPERS
    assert fact.doc.endswith(".") and fact.doc[0].isupper()
    assert np.asarray(fact.default).astype(fact.dtype) == fact.default


def test_all_columns_of_a_child_stay_small(children):
    of_all = [column for column in children.columns.values() if isinstance(column, np.ndarray)]
    assert children.bytes_each() == sum(column.itemsize for column in (*of_all, children.few.entry)) <= 90


def test_children_have_slots_in_small_tables_that_only_the_few_take_room_in(children):
    care, line = children.columns["care_slot"], children.columns["line_slot"]
    care[np.array([4, 1])] = np.array([7, 8])
    line[np.array([1])] = 3
    assert np.asarray(care).tolist() == [-1, 8, -1, -1, 7, -1] and np.asarray(line).tolist() == [-1, 3, -1, -1, -1, -1]
    assert children.few.entries == 4  # one here, two of the fixture, and that of all others
    care[np.array([4])] = -1
    assert (care >= 0).tolist() == [False, True, False, False, False, False] and children.few.entries == 4


def test_there_is_room_for_more_than_a_few():
    many = Children(SimpleNamespace(day=1), 1000)
    many.columns["care_slot"][np.arange(0, 1000, 2)] = np.arange(500)
    assert (np.asarray(many.columns["care_slot"])[::2] == np.arange(500)).all() and (many.columns["care_slot"][1::2] == -1).all()
    assert (np.asarray(many.columns["line_slot"]) == -1).all()


def test_columns_begin_at_their_defaults():
    fresh = Children(SimpleNamespace(day=1), 3)
    for name, fact in FACTS.items():
        assert fresh.columns[name].dtype == fact.dtype and (fresh.columns[name] == fact.default).all()


# -- one child ---------------------------------------------------------------------------------------------------------


def test_a_child_reads_and_writes_its_row(children):
    child = children.view(3)
    assert (child.key, child.stage, child.is_missing, child.is_on_a_line, child.is_looked_after) == (14, WORKING, True, True, True)
    assert type(child.stage) is int and type(child.is_present) is bool and child.identified_on == NEVER
    assert not child.is_identified and children.view(4).is_identified
    child.stage = BOUND
    assert children.columns["stage"].tolist() == [0, 0, 0, BOUND, BOUND, 0]


def test_a_child_is_always_the_same_agent(children):
    assert children.view(2) is children.view(2) is children.present()[2]
    assert children.view(2) in children and children.view(5) not in children
    assert children.view(2).unique_id != children.view(3).unique_id


def test_ages_step_on_birthdays(children):
    assert [children.view(row).age for row in range(5)] == [9, 10, 13, 15, 16]
    assert children.age.tolist()[:5] == [9, 10, 13, 15, 16]


@pytest.mark.parametrize("holder", ["child", "cohort", "children"])
@pytest.mark.parametrize(("misspelt", "meant"), [("is_mising", "is_missing"), ("setting_", "setting"), ("stagee", "stage"), ("agee", "age")])
def test_a_misspelt_fact_raises_with_the_nearest_name(children, holder, misspelt, meant):
    thing = {"child": children.view(0), "cohort": children.present(), "children": children}[holder]
    with pytest.raises(AttributeError, match=f"a child has no fact '{misspelt}'; the nearest known name is '{meant}'"):
        getattr(thing, misspelt)
    with pytest.raises(AttributeError, match=f"the nearest known name is '{meant}'"):
        setattr(thing, misspelt, 1)


def test_what_is_worked_out_cannot_be_written(children):
    for thing in (children.view(0), children.present(), children):
        with pytest.raises(AttributeError):
            thing.is_missing = True
        with pytest.raises(AttributeError):
            thing.age = 12


# -- some children -----------------------------------------------------------------------------------------------------


def test_a_cohort_reads_and_writes_by_column(children):
    away = children.select(lambda c: c.is_missing & (c.age < 12))
    assert isinstance(away, Cohort) and away.rows.tolist() == [1]
    on_lines = children.select(lambda c: c.is_on_a_line)
    on_lines.episodes = 4
    assert children.columns["episodes"].tolist() == [0, 0, 0, 4, 4, 0]
    on_lines.set("crises", np.array([7, 8], dtype=np.uint16))
    assert on_lines.crises.tolist() == [7, 8]


def test_a_filter_written_for_one_child_gives_the_same_children(children):
    by_column = children.select(lambda c: c.is_missing & (c.age >= 10) | (c.setting == FOSTER))
    one_by_one = children.select(lambda c: (c.is_missing and c.age >= 10) or c.setting == FOSTER)
    assert by_column.rows.tolist() == one_by_one.rows.tolist() == [1, 2, 3]


def test_only_those_who_are_present_are_counted_and_selected(children):
    assert len(children) == len(list(children.present())) == 5 and children.rows.tolist() == [0, 1, 2, 3, 4]
    assert children.select(lambda c: c.key > 0).rows.tolist() == [0, 1, 2, 3, 4]
    assert children.get("key").tolist() == [11, 12, 13, 14, 15]
    assert children.select(at_most=2).rows.tolist() == [0, 1] and children.select(at_most=0.5).rows.tolist() == [0, 1]


def test_values_of_several_facts_come_child_by_child(children):
    assert children.select(lambda c: c.is_missing).get(["key", "is_on_a_line"]) == [[12, False], [14, True]]
    assert children.get("height", handle_missing="default", default_value=0) == [0] * 5
    with pytest.raises(AttributeError, match="no fact 'height'"):
        children.get("height")


def test_groups_are_by_the_value_of_a_fact_or_of_a_function(children):
    groups = children.groupby("setting").groups
    assert {setting: cohort.rows.tolist() for setting, cohort in groups.items()} == {AT_HOME: [0, 1, 4], FOSTER: [2, 3]}
    assert children.groupby(lambda child: child.age >= 13).count() == {False: 2, True: 3}
    assert {k: [c.row for c in v] for k, v in children.groupby("setting", result_type="list").groups.items()} == {
        AT_HOME: [0, 1, 4], FOSTER: [2, 3],
    }  # fmt: skip


def test_sorting_doing_and_counting(children):
    assert children.sort("born", ascending=True).rows.tolist() == [4, 3, 2, 1, 0]
    assert children.sort(lambda child: child.key).rows.tolist() == [4, 3, 2, 1, 0]
    assert children.present().map(lambda child: child.row) == [0, 1, 2, 3, 4]
    seen = []
    assert isinstance(children.present().do(lambda child: seen.append(child.key)), Cohort) and seen == [11, 12, 13, 14, 15]


def test_no_child_can_be_added_or_taken_away(children):
    cohort = children.present()
    for refused in (lambda: cohort.add(children.view(5)), lambda: cohort.discard(children.view(0)), children.view(0).remove):
        with pytest.raises(TypeError):
            refused()
    with pytest.raises(TypeError):
        cohort.select(lambda c: c.is_missing, inplace=True)


# -- keepers -----------------------------------------------------------------------------------------------------------


def test_a_keeper_gets_its_own_columns_and_nobody_elses(children):
    for keeper in KEEPERS:
        own = vars(children.kept_by(keeper))
        assert set(own) == {name for name, fact in FACTS.items() if fact.kept_by == keeper}
        assert all(column is children.columns[name] for name, column in own.items())
    assert set().union(*(vars(children.kept_by(keeper)) for keeper in KEEPERS)) == set(FACTS)


@pytest.mark.parametrize("name", FACTS)
def test_what_everybody_reads_nobody_can_write(children, name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(children, name)[0] = 1


# -- groups and copies -------------------------------------------------------------------------------------------------


def test_bands_and_groups_are_one_to_one():
    assert [band_of(age) for age in range(10, 18)] == [0, 0, 0, 1, 1, 2, 3, 3]
    assert band_of(np.arange(10, 18)).tolist() == [next(i for i, (a, b) in enumerate(BANDS) if a <= age <= b) for age in range(10, 18)]
    groups = {group_of(a, b, s) for a in range(3) for b in range(len(BANDS)) for s in range(len(SETTINGS))}
    assert groups == set(range(3 * GROUPS_OF_AN_AUTHORITY))
    assert np.iinfo(FACTS["group"].dtype).max > 151 * GROUPS_OF_AN_AUTHORITY
    assert len(STAGES) == 7


def test_a_copy_is_another_world():
    model = lived(world=world(0.002, days=5), until=2)
    child = model.children.view(0)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.children.columns.keys() == model.children.columns.keys()
    assert all((copy.children.columns[name] == column).all() for name, column in model.children.columns.items())
    copy.children.view(0).episodes = 99
    assert child.episodes != 99 and copy.children.view(0).model is copy and isinstance(child, Child)
    copy.run_to(3)
    assert (copy.day, model.day) == (3, 2)


def test_words_are_facts_and_what_is_worked_out_of_them():
    assert {"age", "is_missing", "is_looked_after", "is_on_a_line", "is_identified"} <= WORDS
    assert set(FACTS) < WORDS


def test_no_day_of_birth_or_of_the_longest_run_is_too_large_for_its_column():
    assert day_of(date(2006, 9, 1)) > np.iinfo(FACTS["born"].dtype).min
    assert day_of(date(2031, 3, 31)) < np.iinfo(FACTS["identified_on"].dtype).max
