"""The documentation cannot go stale: the ODD document is what the command writes, and tells of everything there is."""

import ast
import inspect
import json
import re
import textwrap
from pathlib import Path

import pytest

from experiments.measures import every_measure
from experiments.published.targets import every_target
from sim import declarations, odd
from sim.__main__ import main
from sim.ledger import EVENTS, TABLES
from sim.model import CountyLines
from sim.parameters import ASSUMED, Parameters, every_parameter
from sim.policies import every_policy
from sim.population import FACTS
from sim.sources import DATA, resolve

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python -m sim odd --docs"
PAGE = odd.DOCS / "what_this_model_can_and_cannot_say.md"


@pytest.fixture(scope="module")
def document() -> str:
    return odd.document(every_measure(), every_target())


def section(document: str, heading: str) -> str:
    """A part of the document, up to the next heading of the same rank."""
    rank = heading.split(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$\n(.*?)(?=^#{{1,{len(rank)}}} |\Z)", document, re.MULTILINE | re.DOTALL)
    assert found, f"there is no {heading}"
    return found[1]


# -- what is written is what is there --------------------------------------------------------------------------------------------


def test_the_written_copy_is_what_the_command_writes(document):
    assert (odd.DOCS / "odd.md").read_text(encoding="utf-8") == document, f"sim/docs/odd.md is stale: {COMMAND}"


def test_the_command_prints_it_and_writes_it_to_a_file(document, capsys, tmp_path):
    assert main(["odd"]) == 0
    assert capsys.readouterr().out == document
    assert main(["odd", "--out", str(tmp_path / "new.md")]) == 0
    assert (tmp_path / "new.md").read_text(encoding="utf-8") == document


def test_the_command_refuses_a_folder_that_is_not_there_in_a_sentence(capsys, tmp_path):
    assert main(["odd", "--out", str(tmp_path / "nowhere" / "odd.md")]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and "odd.md cannot be written" in printed.err
    assert not list(tmp_path.iterdir())


def test_as_data_it_holds_the_same_things(capsys):
    assert main(["odd", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {each["address"] for each in told["parameters"]} == {each.address for each in every_parameter()}
    assert [each["fact"] for each in told["facts"]] == list(FACTS)
    assert {each["name"] for each in told["measures"]} == {each.name for each in every_measure()}
    assert {each["name"] for each in told["policies"]} == set(every_policy())


def test_it_has_the_seven_elements_of_the_protocol_in_order(document):
    elements = re.findall(r"^### (\d) (.+)$", document, re.MULTILINE)
    assert elements == [
        ("1", "Purpose and patterns"), ("2", "Entities, state variables and scales"), ("3", "Process overview and scheduling"),
        ("4", "Design concepts"), ("5", "Initialisation"), ("6", "Input data"), ("7", "Submodels"),
    ]  # fmt: skip


# -- it tells of everything ------------------------------------------------------------------------------------------------------


def test_every_fact_is_in_it_with_its_keeper_and_meaning(document):
    for name, fact in FACTS.items():
        row = next(line for line in document.splitlines() if line.startswith(f"| `{name}` |") and fact.doc in line)
        assert f"| {fact.kept_by} |" in row and f"| {fact.unit} |" in row


@pytest.mark.parametrize("group", sorted(Parameters.registry))
def test_every_number_is_in_it_with_value_range_and_source(document, group):
    name = group.removeprefix("policies.")
    if name in every_policy():
        part = section(document, f"##### {every_policy()[name].title}")
    else:
        part = document[document.index(f"`{group}`: ") :]
    for number in Parameters.registry[group].declared.values():
        row = next(line for line in part.splitlines() if line.startswith(f"| `{number.name}` |"))
        value, _, between, drawn, source = row.split(" | ")[1:6]
        assert float(value.replace(",", "")) == pytest.approx(number.value, rel=1e-9)
        assert [float(end.replace(",", "")) for end in between.split(" to ")] == pytest.approx(list(number.between), rel=1e-9)
        assert drawn == number.distribution
        assert source == "ASSUMED" if number.source is ASSUMED else all(each.id in source for each in resolve(number.source))


def test_the_day_is_told_in_the_order_of_step(document):
    body = ast.parse(textwrap.dedent(inspect.getsource(CountyLines.step))).body[0]
    calls = sorted((node for node in ast.walk(body) if isinstance(node, ast.Call)), key=lambda node: node.lineno)
    wanted = [ast.unparse(call.func).removeprefix("self.") for call in calls]
    told = re.findall(r"^\d+\. `([\w.]+)` \(`sim/[\w/]+\.py`\): (.+)$", section(document, "### 3 Process overview and scheduling"), re.MULTILINE)
    assert [call for call, _ in told] == wanted
    assert all(says.endswith(".") for _, says in told)


def test_every_mechanism_policy_event_table_lever_and_measure_is_in_it(document):
    for mechanism in declarations.mechanisms():
        assert mechanism.about.split("\n")[0] in section(document, f"#### {mechanism.module[4:].replace('_', ' ').capitalize()}")
        for lever in mechanism.levers:
            assert f"| {lever['lever']} | `sim/" in document
    for name, policy in every_policy().items():
        part = section(document, f"##### {policy.title}")
        assert f"`{name}`; evidence: {policy.grade}. {policy.evidence}" in part
        assert all(f"*{word}*" in part for word in ("Eligible", "Reaches", "Changes", "Evidence"))
    ledger = section(document, "#### The ledger")
    assert [event for event in EVENTS if f"| `{event}` |" not in ledger] == []
    assert [table for table in TABLES if f"| {table} | " not in ledger] == []
    measures = section(document, "#### Measures")
    assert [each.name for each in every_measure() if f"| `{each.name}`: {each.label} | {each.unit} |" not in measures] == []
    patterns = section(document, "### 1 Purpose and patterns")
    assert [each.key for each in every_target() if f"| {each.number} | {each.label} |" not in patterns] == []


def test_every_agent_of_a_running_model_is_in_it(document):
    model = CountyLines("baseline", "town", days=1)
    kinds = {kind.__name__ for kind in model.agents_by_type} - {"Child"}
    assert kinds and {agent.name for agent in declarations.agents()} == kinds
    assert [kind for kind in kinds if f"| `{kind}` | `sim/" not in document] == []


def test_every_source_of_a_number_can_be_looked_up_in_it(document):
    part = section(document, "#### Sources of the numbers")
    ids = {source.id for number in every_parameter() for source in resolve(number.source)} - {"ASSUMED"}
    assert [id for id in sorted(ids) if f"| {id} | " not in part] == []


def test_every_table_that_the_model_reads_is_in_it(document):
    part = section(document, "### 6 Input data")
    tables = [path.relative_to(DATA).as_posix() for path in DATA.rglob("*.csv")]
    assert tables and [table for table in tables if f"| `{table}` | " not in part] == []


# -- it cannot say what is not there ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lines.substitutoin", "fact stages", "verb lines.walk", "stage"])
def test_a_sentence_about_what_is_not_there_is_an_error(name):
    with pytest.raises(KeyError):
        odd.said(f"Something about {{{name}}}.")


def test_a_sentence_about_what_is_there_has_its_value():
    number = Parameters.registry["lines"].declared["substitution"]
    assert odd.said("If {lines.substitution} were nought") == f"If `lines.substitution` ({number.value:g}, from 0 to 1) were nought"


def test_without_experiments_it_says_that_measures_are_elsewhere():
    alone = odd.document()
    assert "which was not at hand" in section(alone, "#### Measures") and "which was not at hand" in section(alone, "### 1 Purpose and patterns")


# -- the page of limits -------------------------------------------------------------------------------------------------------------


def test_the_page_of_limits_counts_what_is_assumed_as_it_is():
    page = PAGE.read_text(encoding="utf-8")
    assert odd.counted(page) == page, f"{PAGE.name} is stale: {COMMAND}"
    counts = declarations.count_sources(every_parameter())
    assert counts["assumed"] == sum(number.source is ASSUMED for number in every_parameter())
    assert f"{counts['numbers']} numbers: {counts['assumed']} ASSUMED" in page
    ends = [number.address for number in every_parameter() if number.is_uncertain and number.value in number.between]
    assert f"{len(ends)} of the uncertain ones stand at an end of their range" in page and all(f"`{address}`" in page for address in ends)


@pytest.mark.parametrize(
    "must",
    ["not a tool for that", "No weight, hazard or output of this model may become a score", "ranks no", "Unknown is not nil", "does not forecast", "What would change our mind"],
)
def test_the_page_of_limits_says(must):
    assert must in " ".join(PAGE.read_text(encoding="utf-8").replace("**", "").split())


@pytest.mark.parametrize("page", sorted(path.name for path in odd.DOCS.glob("*.md")))
def test_links_between_the_pages_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)\)", (odd.DOCS / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (odd.DOCS / link).exists()] == []


@pytest.mark.parametrize("page", sorted(path.name for path in odd.DOCS.glob("*.md")))
def test_no_page_speaks_of_children_as_offenders_or_as_saved(page):
    text = (odd.DOCS / page).read_text(encoding="utf-8").lower().split("#### sources of the numbers")[0]  # whose titles are not ours
    assert not re.search(r"offender|children saved|saved children|drug runner|\bmule|lifestyle", text)
