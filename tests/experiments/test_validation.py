"""Validation: quantities worked out by hand, authorities counted and suppressed, intervals, and the command from end to end."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from experiments import validation
from experiments.analyses.effects import Comparison
from experiments.measures.story import AUTHORITY, LOOKED_AFTER, POLICE, Story, Window
from experiments.published.official import (
    COUNTS,
    EVER_OVER_STOCK,
    authority_counts,
    beside_tables,
    per_cent_of_looked_after,
)
from experiments.published.quantities import RANGE, every_quantity, take_quantities
from experiments.published.targets import England, Spread
from experiments.reports.avoided import FOR_EACH, for_each
from experiments.running.store import Result, Store
from experiments.studies.study import PRESENT_PRACTICE, Study
from experiments.validation import Found, authority_rows, further, official_rows, quantity_rows
from sim.errors import InputError
from sim.ledger import Event
from sim.places import read_places
from sim.population import BY_OTHERS, FOSTER, LINE
from sim.services import CRIMINAL_FACTOR, GANG_FACTOR
from sim.sources import source
from sim.world import World
from tests.experiments.hand_made import ANN, BEN, CAT, DAN, away, lively_run, row, story

PLACES = read_places()
KENT, MEDWAY = PLACES.index("Kent"), PLACES.index("Medway")
HERE = World("here", (KENT, MEDWAY), 0.5, 365, 730)
YEAR = Window(1, 40)
IN_RECORD = LOOKED_AFTER | AUTHORITY | POLICE
QUANTITIES = (  # as the issue names them, and the ids that answer
    "concentration_4", "concentration_6", "concentration_10", "next_incident_median", "looked_after_missing_on_a_day", "looked_after_missing_rate",
    "looked_after_incidents", "cause_conflict", "cause_line", "known_to_services", "ever_reported_missing", "found_per_closed_line", "lines_by_destination",
    "episodes_a_month_on_a_line", "disclosures",
)  # fmt: skip


def quantities(of: Story, year: Window = YEAR) -> dict[tuple[str, str], float]:
    return take_quantities(England(of, HERE, year))


# -- quantities ----------------------------------------------------------------------------------------------------------------------


def test_every_quantity_of_the_issue_is_there_and_says_what_it_is() -> None:
    by_id = {each.id: each for each in every_quantity()}
    assert set(QUANTITIES) <= set(by_id)
    for each in every_quantity():
        assert each.id.isidentifier() and each.measure and each.unit and each.base
        for rows in each.rows.values():
            assert all(row_of == RANGE or source(row_of).title for row_of in rows.split(";"))
    groups = {(id, group) for id, group in quantities(story())}
    assert all((each.id, group) in groups or each.id == "lines_by_destination" for each in every_quantity() for group in each.rows)


def test_a_story_in_which_nothing_happened_has_no_quantities_and_no_errors() -> None:
    with np.errstate(all="raise"):
        found = quantities(story())
    assert not any(math.isinf(number) for number in found.values())
    assert math.isnan(found["concentration_4", "police record"]) and math.isnan(found["disclosures", "all interviews"])


def test_concentration_is_the_share_of_the_most_frequent() -> None:
    """Twenty-five children, one with nine episodes, one with three, the rest with one: 4 % have 9 of 35, 6 % half of the second more."""
    episodes = [each for n in range(9) for each in away(1000, 1 + 4 * n, 0.5, detail=POLICE, serial=n)]
    episodes += [each for n in range(3) for each in away(1001, 1 + 4 * n, 0.5, detail=POLICE, serial=n)]
    episodes += [each for n in range(2, 25) for each in away(1000 + n, 3, 0.5, detail=POLICE)]
    found = quantities(story(*episodes))
    assert found["concentration_4", "police record"] == pytest.approx(100 * 9 / 35)
    assert found["concentration_6", "police record"] == pytest.approx(100 * 10.5 / 35)
    assert found["concentration_10", "true"] == pytest.approx(100 * 12.5 / 35)


def test_the_time_to_the_next_incident_is_from_return_to_start() -> None:
    of = story(
        *away(ANN, 1, 0.5, detail=POLICE, serial=1), *away(ANN, 6, 0.5, serial=2), *away(ANN, 12, 0.5, detail=POLICE, serial=3),
        *away(BEN, 5, 2.0, detail=POLICE, serial=1), *away(BEN, 8, 0.5, detail=POLICE, serial=2), *away(CAT, 10, 0.5, detail=POLICE, serial=1),
        days=200,
    )  # fmt: skip
    found = quantities(of)
    assert found["next_incident_median", "police record"] == np.median([12 - 2, 8 - 7])  # Ann's second is in no record
    assert found["next_incident_within_7_days", "police record"] == pytest.approx(100 / 5)
    assert found["next_incident_within_28_days", "police record"] == pytest.approx(200 / 5)
    assert math.isnan(found["next_incident_median", "authority's record"])


def test_returns_that_cannot_be_followed_are_left_out() -> None:
    of = story(*away(ANN, 1, 0.5, detail=POLICE, serial=1), *away(ANN, 4, 0.5, detail=POLICE, serial=2), *away(BEN, 30, 0.5, detail=POLICE, serial=1), days=40)
    assert quantities(of)["next_incident_within_28_days", "police record"] == pytest.approx(50.0)  # Ann's two; Ben's return is too late
    assert quantities(of)["next_incident_within_7_days", "police record"] == pytest.approx(100 / 3)


@pytest.fixture
def exploited() -> Story:
    """Ann, looked after and on a line, four incidents; Ben, looked after, one; Cat, looked after, none; Dan, on a line, at home."""
    return story(
        *(row(Event.ENTERED_CARE, child, 1) for child in (ANN, BEN, CAT)), *(row(Event.PLACED, child, 1, cause=FOSTER) for child in (ANN, BEN, CAT)),
        row(Event.RECRUITED, ANN, 2, agent=7), row(Event.RECRUITED, DAN, 11, agent=7), row(Event.LINE_OPENED, 0, 1, agent=7, home=3, place=KENT),
        row(Event.LINE_OPENED, 0, 11, agent=8, home=3, place=MEDWAY), row(Event.LINE_CLOSED, 0, 31, agent=8, home=3, place=MEDWAY),
        row(Event.LINE_OPENED, 0, 5, agent=9, home=KENT, place=3), row(Event.ARRESTED, DAN, 31, cause=1), row(Event.OTHERWISE_EXPLOITED, CAT, 39, cause=BY_OTHERS),
        *(each for n in range(4) for each in away(ANN, 3 + 5 * n, 1.0, detail=IN_RECORD, cause=LINE if n else 0, serial=n)),
        *away(BEN, 9, 3.0, detail=IN_RECORD, serial=1), *away(DAN, 15, 1.0, serial=1),
        row(Event.INTERVIEWED, ANN, 10, detail=2, serial=0), row(Event.INTERVIEWED, BEN, 13, serial=1),
        stocks={"children": 1000, "looked_after": 40},
        counts=[{"day": 40, "home": KENT, "children": 40}, {"day": 40, "home": KENT, "is_16_17": 1, "children": 5}, {"day": 40, "is_16_17": 1, "alone": 1, "children": 5}],
    )  # fmt: skip


def test_exploited_and_not_exploited_looked_after_children(exploited: Story) -> None:
    found = quantities(exploited)
    assert found["looked_after_missing_rate", "exploited"] == 50.0  # Ann, and Cat from day 39
    assert (found["looked_after_missing_rate", "not exploited"], found["looked_after_incidents", "exploited"]) == (100.0, 2.0)
    assert found["looked_after_incidents_of_missing", "exploited"] == 4.0
    assert math.isnan(found["looked_after_missing_rate", "identified as exploited"])


def test_looked_after_children_missing_on_a_day_are_scaled_to_england(exploited: Story) -> None:
    england = England(exploited, HERE, YEAR)
    weight = england.weight[0]
    found = quantities(exploited)
    assert found["looked_after_missing_on_a_day", "true"] == pytest.approx(weight * (4 * 1.0 + 3.0) / 40)
    assert found["looked_after_missing_on_a_day_rate", "true"] == pytest.approx(1000 * weight * 7 / 40 / england.looked_after)


def test_causes_are_shares_of_each_record(exploited: Story) -> None:
    found = quantities(exploited)
    for group in ("police record", "authority's record", "authority's record, fostered"):
        assert sum(number for (id, of), number in found.items() if id.startswith("cause_") and of == group) == pytest.approx(100.0)
        assert found["cause_line", group] == pytest.approx(100 * 3 / 5)


def test_what_is_known_of_children_on_lines(exploited: Story) -> None:
    found = quantities(exploited)
    assert found["known_to_services", "on a line"] == 100.0  # Ann is looked after, Dan was met by police
    assert found["ever_reported_missing", "on a line"] == 50.0
    assert found["found_per_closed_line", "all lines"] == 1.0
    months = ((41 - 2) + (41 - 11)) / 30.4375
    assert found["episodes_a_month_on_a_line", "true"] == pytest.approx(5 / months)
    assert found["episodes_a_month_on_a_line", "true, because of the line"] == pytest.approx(3 / months)
    assert (found["disclosures", "all interviews"], found["disclosures", "interviews of exploited children"]) == (50.0, 100.0)


def test_lines_are_counted_by_their_market_in_the_world(exploited: Story) -> None:
    found = quantities(exploited)
    assert found["lines_by_destination", PLACES.code[KENT]] == pytest.approx(1.0 / 0.5)
    assert found["lines_by_destination", PLACES.code[MEDWAY]] == pytest.approx(20 / 40 / 0.5)
    assert ("lines_by_destination", PLACES.code[3]) not in found
    seen = next(each.rows for each in every_quantity() if each.id == "lines_by_destination")
    assert "lines_geography.csv" in seen[PLACES.code[KENT]] and "L020" in seen[PLACES.code[PLACES.index("Shropshire")]]
    assert PLACES.code[MEDWAY] not in seen


# -- authorities ---------------------------------------------------------------------------------------------------------------------


def test_authorities_are_counted_by_the_responsible_one() -> None:
    of = story(
        row(Event.ASSESSED, ANN, 5, home=KENT, place=MEDWAY, detail=CRIMINAL_FACTOR | GANG_FACTOR), row(Event.ASSESSED, ANN, 6, home=KENT, detail=CRIMINAL_FACTOR),
        row(Event.ASSESSED, BEN, 6, home=MEDWAY, detail=GANG_FACTOR), row(Event.ASSESSED, BEN, 41, home=MEDWAY, detail=GANG_FACTOR),
        *away(ANN, 3, 1.0, detail=IN_RECORD, home=KENT, serial=1), *away(ANN, 9, 1.0, detail=IN_RECORD, home=KENT, serial=2), *away(BEN, 9, 1.0, detail=POLICE, home=MEDWAY),
        days=50,
    )  # fmt: skip
    found = authority_counts(of, HERE, YEAR)
    kent, medway = PLACES.code[KENT], PLACES.code[MEDWAY]
    assert (found[kent, "cce_assessments"], found[kent, "gang_assessments"], found[medway, "gang_assessments"]) == (4.0, 2.0, 2.0)
    assert (found[kent, "looked_after_missing_percent"], found[medway, "looked_after_missing_percent"]) == (2.0, 0.0)  # of children, before division
    assert {code for code, _ in found} == {kent, medway}


def test_the_per_cent_is_over_those_of_all_ages_looked_after_at_any_time() -> None:
    assert pytest.approx(1.411, abs=5e-4) == EVER_OVER_STOCK
    assert per_cent_of_looked_after()[KENT] == pytest.approx(100 / (PLACES.looked_after_31_march[KENT] * 115_410 / 81_770))


def test_official_tables_stand_beside_the_measures() -> None:
    rows = list(beside_tables({"episodes_authority": 2.0}))
    row_of = next(each for each in rows if each["measure"] == "episodes_authority")
    assert (row_of["model"], row_of["row"], row_of["published"], row_of["where"]) == (2.0, "mis_cla_inc_2025", "86900", "England")
    assert {"cce_assessments", "gang_assessments"} <= set(COUNTS)
    assert {each["row"] for each in rows} >= {"K110", "K111", "K112", "K113", "mis_cla_mean_2025", "K150", "L015", "stab_3plus_2025"}
    assert all(each["table"] and each["publisher"] for each in rows)


# -- intervals -----------------------------------------------------------------------------------------------------------------------


def test_a_further_replicate_lies_within_the_interval_nineteen_times_in_twenty() -> None:
    draws = np.array([4.0, 6.0, 8.0, 10.0])
    interval = further(np.array([7.0, 8.0]), draws)
    half = stats.t.ppf(0.975, 3) * draws.std(ddof=1) * math.sqrt(1.25)
    assert (interval.value, interval.low, interval.high) == pytest.approx((7.5, max(0.0, 7.0 - half), 7.0 + half))
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(2000):
        values = rng.normal(100.0, 5.0, 6)
        found = further(values[:1] * 0 + 100.0, values[:5])
        inside += found.low <= values[5] <= found.high
    assert 0.935 < inside / 2000 < 0.965


def test_an_interval_stays_within_what_can_be_and_holds_the_value() -> None:
    assert further(np.array([99.0]), np.array([90.0, 98.0, 100.0]), 100.0).high == 100.0
    assert further(np.array([1.0]), np.array([0.0, 5.0, 9.0])).low == 0.0
    assert further(np.array([50.0]), np.array([10.0, 11.0, 12.0])).high == 50.0
    assert math.isnan(further(np.array([50.0]), np.array([10.0])).low) and math.isnan(further(np.array([]), np.array([])).value)


def test_pounds_for_each_avoided_are_a_ratio_of_means_with_fiellers_interval() -> None:
    rng = np.random.default_rng(2)
    cost, avoided = rng.normal(1000.0, 50.0, 8), rng.normal(20.0, 2.0, 8)
    found = for_each(cost, avoided)
    assert found.value == pytest.approx(cost.mean() / avoided.mean())
    for bound in (found.low, found.high):  # where the paired test of cost - bound x avoided is just at 5 %
        assert stats.ttest_1samp(cost - bound * avoided, 0.0).pvalue == pytest.approx(0.05, abs=1e-6)
    assert found.low < found.value < found.high
    assert math.isnan(for_each(cost, -avoided).value) and math.isnan(for_each(cost, avoided - 20.0 + 0.5).low)
    assert math.isnan(for_each(np.array([]), np.array([])).value) and for_each(np.array([6.0]), np.array([2.0])).value == 3.0


def test_pounds_for_each_avoided_are_taken_from_a_comparison() -> None:
    measured = {
        (name, n): {("w", "cost"): 100.0 + 10.0 * n + (30.0 + n if name == "policy" else 0.0), ("w", "episodes"): 50.0 - (3.0 if name == "policy" else 0.0)}
        for name in ("baseline", "policy") for n in range(4)
    }  # fmt: skip
    found = FOR_EACH[0].between(Comparison(measured, ("baseline", "policy"), [0, 0, 1, 1]), "policy", "w")
    assert found.value == pytest.approx((30 + 1.5) / 3)


# -- tables --------------------------------------------------------------------------------------------------------------------------


def results(tmp_path: Path, *values: dict[tuple[str, str], float]) -> Found:
    """What a study found whose runs gave these values in its last year: the first two are the fitted ones."""
    study = Study((PRESENT_PRACTICE,), World("here", (KENT, MEDWAY), 0.5, 365, 730), len(values) - 2)
    store = Store(tmp_path)
    for run, given in zip((*study.runs_of_fit, *study.runs), values, strict=True):
        store.write(Result(run.key, "digest", {(kind, study.years[-1].iso, name): value for (kind, name), value in given.items()}))
    return Found(study, store)


def test_small_counts_of_authorities_are_suppressed_and_all_151_have_a_row(tmp_path: Path) -> None:
    kent, medway = PLACES.code[KENT], PLACES.code[MEDWAY]
    runs = [
        {("authority", f"{kent}|{name}"): 100.0 + n for name in COUNTS} | {("authority", f"{medway}|{name}"): 9.0 + 0.2 * n for name in COUNTS} for n in range(5)
    ]  # fmt: skip
    rows = authority_rows(results(tmp_path, *runs))
    assert [each["la_code"] for each in rows] == list(PLACES.code) and len(rows) == 151
    assert list(rows[0])[1:4] == ["looked_after_missing_percent", "looked_after_missing_percent_low", "looked_after_missing_percent_high"]
    by_code = {each["la_code"]: each for each in rows}
    assert float(by_code[kent]["cce_assessments"]) == 100.5
    assert float(by_code[kent]["looked_after_missing_percent"]) == pytest.approx(100.5 * per_cent_of_looked_after()[KENT], rel=1e-4)
    assert float(by_code[kent]["cce_assessments_low"]) < 100.5 < float(by_code[kent]["cce_assessments_high"])
    assert set(by_code[medway].values()) == {medway, ""}
    assert set(by_code[PLACES.code[0]].values()) == {PLACES.code[0], ""}


def test_quantities_are_tagged_and_small_numbers_of_lines_are_suppressed(tmp_path: Path) -> None:
    code = PLACES.code[MEDWAY]
    runs = [
        {("quantity", "found_per_closed_line|all lines"): 2.0 + n, ("quantity", "concentration_4|police record"): 99.0, ("quantity", f"lines_by_destination|{code}"): 9.0}
        for n in range(5)
    ]  # fmt: skip
    rows = {(each["id"], each["group"]): each for each in quantity_rows(results(tmp_path, *runs))}
    assert set(rows) == {("found_per_closed_line", "all lines"), ("concentration_4", "police record"), ("lines_by_destination", code)}
    assert list(rows["found_per_closed_line", "all lines"]) == ["id", "measure", "group", "unit", "base", "value", "low", "high", "replicates", "seen", "row"]
    assert (rows["found_per_closed_line", "all lines"]["seen"], rows["found_per_closed_line", "all lines"]["row"]) == ("seen", "L014")
    assert (rows["concentration_4", "police record"]["seen"], rows["concentration_4", "police record"]["high"]) == ("unseen", "99")
    assert rows["lines_by_destination", code]["value"] == "" and rows["lines_by_destination", code]["seen"] == "unseen"
    assert {each["replicates"] for each in rows.values()} == {"3"}


def test_official_rows_have_an_interval(tmp_path: Path) -> None:
    rows = official_rows(results(tmp_path, *({("measure", "repeats"): 0.6 + 0.01 * n} for n in range(5))))
    of_repeats = [each for each in rows if each["measure"] == "repeats"]
    assert [each["row"] for each in of_repeats] == ["rep_share_2015", "M008"]
    assert float(of_repeats[0]["low"]) < float(of_repeats[0]["model"]) < float(of_repeats[0]["high"])


# -- a run, and the command ------------------------------------------------------------------------------------------------------------


def test_every_quantity_has_a_value_in_a_run_in_which_much_happens() -> None:
    model, tables = lively_run()
    found = take_quantities(England(Story(tables), model.world, Window(366, 730), Spread.of(model)))
    unknown = {key for key, number in found.items() if math.isnan(number)}
    assert len(unknown) < 0.1 * len(found)
    assert {id for id, _ in found} == {each.id for each in every_quantity()}
    assert found["identified", "on a line"] > 0.0
    assert found["concentration_4", "true"] < found["concentration_6", "true"] < found["concentration_10", "true"] < 100.0


TINY = 'title = "Tiny"\nwhy = "A check that the command works."\nauthorities = ["Greenwich", "Medway"]\nfraction = 0.01\nwarm_up_years = 1\nyears = 1\n'


@pytest.mark.slow
def test_the_command_writes_its_tables_and_goes_on_where_it_stopped(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.setattr(validation, "RESULTS", tmp_path / "results")
    world = str(tmp_path / "tiny.toml")
    words = ["--world", world, "--authorities-world", world, "--replicates", "2", "--authorities-replicates", "2", "--cores", "1"]
    assert validation.main(words) == 0
    folder = tmp_path / "results" / "validation"
    first = {name: (folder / name).read_bytes() for name in ("quantities.csv", "authorities.csv", "official.csv")}
    with (folder / "quantities.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {each["id"] for each in rows} == {each.id for each in every_quantity()} and {each["seen"] for each in rows} == {"seen", "unseen"}
    said = (folder / "README.md").read_text()
    assert "nobody" in said and "world `tiny`" in said and "--replicates 2" in said and "refuse, delay or end" in said
    assert len(list((folder / "runs").iterdir())) == 4  # two fitted, two drawn; both tables are of the same runs
    monkeypatch.setattr(validation, "execute", lambda works, *_: [] if not works else pytest.fail("a run was computed twice"))
    assert validation.main(words) == 0
    assert first == {name: (folder / name).read_bytes() for name in first}
    assert "quantities" in capsys.readouterr().out


def test_bad_input_is_one_sentence() -> None:
    for words in (["--world", "nowhere"], ["--replicates", "1"], ["--name", "a/b"], ["--replicate", "3", "--what"]):
        with pytest.raises(InputError, match=r"\.$"):
            validation.main(words)
