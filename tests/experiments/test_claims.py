"""The seed report's claims: each lives in the code, has evidence and a study; what is found is told as it is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.analyses.effects import effect
from experiments.claims import claim as claims
from experiments.claims import study as claims_study
from experiments.claims.claim import LEVELS, Outcome, every_claim
from experiments.claims.page import CONTRADICTED, HOLDS, INSEPARABLE, NO_VALUE, UNCHANGED, page
from experiments.claims.study import DOCS, Found, Plan, jobs, run, verdict
from experiments.measures import every_measure, named
from experiments.published.crude import CRUDE
from experiments.studies.designs import Replicate
from sim.parameters import every_parameter
from sim.policies import every_policy
from sim.sources import resolve
from tests.worlds import EVENTFUL, world

STUDIES = [study for claim in every_claim() for study in claim.studies]
KNOWN = {each.address: each for each in every_parameter()}


# -- the table ------------------------------------------------------------------------------------------------------------------------


def test_there_are_five_findings_five_recommendations_and_the_placebo_runs():
    assert [claim.id for claim in every_claim()] == [f"F{n}" for n in range(1, 6)] + [f"R{n}" for n in range(1, 6)] + ["P1", "P2", "P3"]


@pytest.mark.parametrize("claim", every_claim(), ids=lambda claim: claim.id)
def test_every_claim_lives_somewhere_and_has_evidence_and_a_study(claim):
    root = Path(claims.__file__).resolve().parents[2]
    for module in claim.modules:
        assert (root / Path(*module.split("."))).with_suffix(".py").exists()
    assert claim.numbers and set(claim.numbers) <= set(KNOWN)
    assert claim.sources and all(resolve(id)[0].title for id in claim.sources)
    assert claim.words.endswith(".") and claim.evidence.endswith(".") and claim.studies
    assert all(study.id.startswith(f"{claim.id}-") for study in claim.studies)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.id)
def test_every_study_has_three_levels_that_differ_and_lie_within_the_ranges(study):
    assert tuple(level.name for level in study.levels) == LEVELS
    arms = [(json.dumps(arm.scenario.resolved(), sort_keys=True), json.dumps(arm.recoupled, sort_keys=True)) for arm in study.arms()]
    assert len(set(arms)) == len(arms)
    for level in study.levels:
        numbers = dict(level.numbers) | {f"policies.{policy}.{name}": value for policy, used in level.policies.items() for name, value in used.items()}
        for address, value in numbers.items():
            low, high = KNOWN[address].between
            assert low <= value <= high
        assert set(level.policies) <= set(every_policy())
    set_by = [set(level.numbers) for level in study.levels]
    assert set_by[0] <= set_by[1] == set_by[2], "what one level sets another leaves to the draw"


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.id)
def test_every_study_looks_at_something_that_is_not_built_in(study):
    assert any(not outcome.by_construction for outcome in study.outcomes)
    known = {measure.name for measure in every_measure()} | set(CRUDE)
    assert all(outcome.measure.name in known for outcome in study.outcomes)


def test_no_number_in_a_claim_s_studies_is_left_out_of_where_it_lives():
    for claim in every_claim():
        told = set(claim.numbers)
        assert any(set(level.numbers) & told or level.policies for study in claim.studies for level in study.levels)


@pytest.mark.parametrize(
    ("line", "instead", "told"),
    [
        ('"exploitation.threat" = 0.1', '"exploitation.thraet" = 0.1', "'exploitation.threat'"),
        ('"exploitation.threat" = 0.1', '"exploitation.threat" = 7.0', "outside its range"),
        ("managed_placement = { coverage = 0.35 }", "managed_placements = { coverage = 0.35 }", "'managed_placement'"),
        ('measure = "criminal_response"', 'measure = "criminal_responses"', "'criminal_response'"),
        ('measure = "criminal_response", expect = "-"', 'measure = "criminal_response", expect = "less"', "must be one of"),
        ('sources = ["L020"]', 'sources = ["L0200"]', "no source"),
        ('modules = ["sim.lines"]', 'modules = ["sim.phones"]', "sim.phones"),
    ],
)
def test_a_claim_about_what_is_not_there_is_refused(tmp_path, monkeypatch, line, instead, told):
    text = claims.FILE.read_text(encoding="utf-8")
    assert line in text
    (tmp_path / "claims.toml").write_text(text.replace(line, instead), encoding="utf-8")
    monkeypatch.setattr(claims, "FILE", tmp_path / "claims.toml")
    with pytest.raises((ValueError, ImportError), match=told):
        every_claim.__wrapped__()


# -- what is said of a difference --------------------------------------------------------------------------------------------------------

DRAWS = np.array([0, 0, 1, 1, 2, 2])
SHIFT = np.array([5.0, 5.2, 4.8, 5.1, 5.0, 4.9])
NOISE = np.array([5.0, -4.0, 3.0, -6.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("expect", "difference", "said"),
    [
        ("+", SHIFT, HOLDS), ("-", SHIFT, CONTRADICTED), ("+", -SHIFT, CONTRADICTED), ("-", -SHIFT, HOLDS), ("+", NOISE, INSEPARABLE),
        ("0", SHIFT, CONTRADICTED), ("0", NOISE, UNCHANGED), ("?", SHIFT, "more"), ("?", -SHIFT, "fewer or less"), ("?", NOISE, INSEPARABLE),
        ("+", np.zeros(6), INSEPARABLE), ("0", np.zeros(6), UNCHANGED), ("+", np.full(6, 3.0), INSEPARABLE), ("0", np.full(6, 3.0), INSEPARABLE), ("+", np.full(6, np.nan), NO_VALUE),
    ],
)  # fmt: skip
def test_the_verdict_follows_the_interval_and_the_expectation(expect, difference, said):
    off = np.full(6, 100.0)
    outcome = Outcome(named("children_recruited"), expect, False)
    assert verdict(outcome, effect(off + difference, off, DRAWS, "fewer")) == said


def test_draws_that_are_all_alike_tell_only_of_what_follows_by_construction():
    alike = effect(np.full(6, 103.0), np.full(6, 100.0), DRAWS, "fewer")
    assert verdict(Outcome(named("children_recruited"), "+", True), alike) == HOLDS


@pytest.mark.parametrize("expect", ["+", "-", "0", "?"])
def test_where_nothing_happens_at_all_nothing_is_said(expect):
    outcome = Outcome(named("children_recruited"), expect, False)
    assert verdict(outcome, effect(np.zeros(6), np.zeros(6), DRAWS, "fewer")) == NO_VALUE


def test_one_draw_has_no_interval_and_so_no_verdict():
    outcome = Outcome(named("children_recruited"), "+", False)
    compared = effect(np.array([9.0, 9.0]), np.array([1.0, 2.0]), np.array([0, 0]), "fewer")
    assert compared.difference.value == 7.5 and np.isnan(compared.difference.low)
    assert verdict(outcome, compared) == INSEPARABLE


# -- running ----------------------------------------------------------------------------------------------------------------------------

EVENTFUL_NOW = {address: value for address, value in EVENTFUL.items() if address in KNOWN}


class Eventful(Plan):
    """Two seeds of a world in which much happens."""

    @property
    def replicates(self):
        return tuple(Replicate(k, 3 + k, k, dict(EVENTFUL_NOW)) for k in range(2))


def claim_with(*ids: str):
    """A claim with these studies alone."""
    claim = next(claim for claim in every_claim() if claim.studies[0].id.split("-")[0] == ids[0].split("-")[0])
    return replace(claim, studies=tuple(study for study in claim.studies if study.id in ids))


SMALL = world(0.02, warm_up=15, days=90)


@pytest.fixture(scope="module")
def helped(tmp_path_factory):
    """What helping children out changes, by who fills their place, in a very small world."""
    folder = tmp_path_factory.mktemp("runs")
    plan = Eventful((claim_with("P2-helping"),), SMALL, 2, fixed=True)
    run(plan, folder, 1)
    return plan, folder


def test_each_arm_of_each_replicate_is_lived_once_and_kept(helped):
    plan, folder = helped
    assert len(list(folder.glob("*.parquet"))) == 3 * 2 * 2  # levels, with and without the policy, replicates
    assert jobs(plan, folder) == []


def test_a_damaged_run_is_lived_again_and_comes_out_the_same(helped):
    plan, folder = helped
    path = sorted(folder.glob("*.parquet"))[0]
    before = path.read_bytes()
    path.write_bytes(before[:200])
    (job,) = jobs(plan, folder)
    assert job.keys == (path.stem,)
    claims_study.do(job)
    assert path.read_bytes() == before


def test_what_a_policy_changes_at_a_level_is_the_difference_with_and_without_it(helped):
    plan, folder = helped
    found, (study,) = Found(plan, folder), plan.studies
    for level in study.levels:
        with_policy, without = (found.values(arm, "got_out") for arm in (level.arm(and_also=study.effect_of), level.arm()))
        assert found.at(study, level, "got_out").tolist() == (with_policy - without).tolist()
    rows = [row for row in found.rows() if row["measure"] == "got_out"]
    assert [row["level"] for row in rows] == list(LEVELS)
    assert rows[0]["difference"] == 0.0 and rows[0]["verdict"] == ""
    assert rows[2]["difference"] == pytest.approx(rows[2]["value"] - rows[0]["value"])


def test_policies_share_a_warm_up_and_numbers_and_shuffled_ties_do_not(tmp_path):
    plan = Eventful((claim_with("R4-trust", "R4-workers"), claim_with("P1-selection")), SMALL, 2, fixed=True)
    sizes = sorted(len(job.arms) for job in jobs(plan, tmp_path) if job.replicate.number == 0)
    assert sizes == [1, 1, 1, 1, 1, 1, 3]


def test_shuffled_ties_are_another_run_under_another_key():
    plan = Eventful((claim_with("P1-selection"),), SMALL, 2, fixed=True)
    keys = {plan.key(arm, plan.replicates[0]) for arm in plan.studies[0].arms()}
    assert len(keys) == 3


# -- the page ---------------------------------------------------------------------------------------------------------------------------


def test_the_page_tells_of_what_does_not_hold_as_plainly_as_of_what_does(helped):
    plan, folder = helped
    told = {"facts": claims_study.facts(plan, "python -m experiments claims --only P2"), "rows": Found(plan, folder).rows()}
    for row in told["rows"]:
        if row["level"] == "strong":
            row["verdict"] = CONTRADICTED
    text = page(plan.claims, json.loads(json.dumps(told)))
    assert "**Does not hold**" in text and "| P2 | 0 | 0 | 3 | 0 | 0 | 0 |" in text
    assert "What is compared is what `key_worker` changes at each level." in text


def test_the_committed_page_is_made_of_the_committed_rows():
    told = json.loads((DOCS / "seed_report.json").read_text(encoding="utf-8"))
    text = (DOCS / "seed_report.md").read_text(encoding="utf-8")
    assert page(every_claim(), told) == text, "sim/docs/seed_report.md is stale: python -m experiments claims --docs, with the options that it names"


def test_the_committed_page_has_every_claim_and_no_study_that_was_not_run():
    text = (DOCS / "seed_report.md").read_text(encoding="utf-8")
    assert "Not run." not in text
    for claim in every_claim():
        assert f"### {claim.id}\n\n**{claim.words}**" in text
    assert "unknown, not nil" in text and "Rebuild it with" in text


# -- the command ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--only", "F9"], "--only 'F9' is not known; the claims are F1, F2"), (["--docs", "--only", "F1"], "cannot be given with --only"), (["--world", "twon"], "'town'")],
)
def test_the_command_refuses_in_a_sentence(tmp_path, monkeypatch, capsys, words, told):
    monkeypatch.chdir(tmp_path)
    assert main(["claims", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and told in printed.err
    assert not list(tmp_path.iterdir())


def test_the_command_writes_a_page_rows_and_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(claims_study, "plan_of", lambda options: Eventful((claim_with("P2-substitution"),), SMALL, 2, fixed=True))
    assert main(["claims", "--only", "P2", "--cores", "1"]) == 0
    folder = tmp_path / "results" / "claims-P2"
    assert {path.name for path in folder.iterdir()} == {"runs", "claims.md", "claims.csv", "claims.json"}
    rows = (folder / "claims.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 2 * 3
    assert "P2" in capsys.readouterr().out
