"""The model described by the ODD protocol (Overview, Design concepts, Details), written from the code's own declarations.

The form is that of Grimm et al. (2020), JASSS 23(2) 7, doi 10.18564/jasss.4259. What stands in a table or in a paragraph about a
mechanism is read from the code (`declarations`). What is written here are the sentences that tie it together; a name or number
in them is looked up, so that one which is no longer there is an error and not an old sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import sim
from sim import declarations
from sim.costs import ITEMS, PAYERS
from sim.dates import date_of
from sim.declarations import at_an_end, cited, count_sources, describe_parameter, in_a_line, sentence, status_of
from sim.ledger import STOCKS
from sim.parameters import Parameter, every_parameter
from sim.places import read_places
from sim.population import FACTS
from sim.sources import resolve
from sim.world import CORNERS, NEIGHBOURHOOD


class Measure(Protocol):
    """What is told of a measure."""

    name: str
    label: str
    unit: str
    definition: str


class Target(Protocol):
    """What is told of a published number that the model is fitted to."""

    number: int
    label: str
    value: float
    low: float
    high: float
    unit: str
    rows: str


def describe(measures: Sequence[Measure] = (), targets: Sequence[Target] = ()) -> dict[str, Any]:
    """Everything that the document tells, as plain data."""
    return {
        "model": "countylines", "version": sim.__version__,
        "targets": [{name: getattr(each, name) for name in Target.__annotations__} for each in targets],
        "facts": declarations.facts(), "derived_facts": declarations.derived_facts(),
        "codes": {name: list(words) for name, words in declarations.CODED.items()},
        "small_tables": [each._asdict() for each in declarations.small_tables()],
        "agents": [each._asdict() for each in declarations.agents()],
        "worlds": declarations.worlds(),
        "day": [each._asdict() for each in declarations.day()], "first_morning": [each._asdict() for each in declarations.first_morning()],
        "mechanisms": [
            each._asdict() | {"verbs": [verb._asdict() for verb in each.verbs], "groups": [group.group for group in each.groups]}
            for each in declarations.mechanisms()
        ],
        "parameters": [describe_parameter(each) for each in every_parameter()], "counts": count_sources(every_parameter()),
        "inputs": declarations.inputs(), "columns_of_places": declarations.columns_of_places(),
        "policies": [each._asdict() | {"group": each.group.group} for each in declarations.policies()],
        "scenarios": declarations.scenarios(), "events": declarations.events(), "tables": declarations.tables(),
        "measures": [{name: getattr(each, name) for name in Measure.__annotations__} for each in measures],
        "foundations": {name: sentence(text) for name, text in declarations.foundations().items()},
    }  # fmt: skip


def document(measures: Sequence[Measure] = (), targets: Sequence[Target] = ()) -> str:
    """The whole document as Markdown."""
    parts = (
        _opening(), _purpose(targets), _entities(), _schedule(), _concepts(), _initialisation(), _inputs(), _submodels(), _policies(),
        _observation(measures), _sources(),
    )  # fmt: skip
    text = "\n\n".join(chain.from_iterable(parts))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


# -- writing -----------------------------------------------------------------------------------------------------------------------


def said(text: str) -> str:
    """A text in which `{lines.substitution}`, `{fact stage}` or `{verb lines.run}` is looked up. Raises KeyError if it is not there."""
    return re.sub(r"\{([^{}]+)\}", lambda found: _looked_up(found[1]), " ".join(text.split()))


def _looked_up(name: str) -> str:
    kind, _, rest = name.partition(" ")
    if kind == "fact":
        return f"`{FACTS[rest].name}`"
    if kind == "verb":
        known = {verb.call: verb.call for verb in declarations.day()}
        return f"`{known[rest]}`"
    parameter = {each.address: each for each in every_parameter()}[name]
    return f"`{name}` ({figure(parameter.value)}, from {figure(parameter.between[0])} to {figure(parameter.between[1])})"


def figure(value: float) -> str:
    """A number as one reads it: 5,710,000, 0.85, 0.000004."""
    return f"{value:,.10g}" if value == 0 or abs(value) >= 1e-3 else f"{value:.10f}".rstrip("0")


def _table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [_row(headings), "|" + "---|" * len(headings), *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"


def _file(module: str) -> str:
    """Where a module lies, as one finds it."""
    return f"`{module.replace('.', '/')}{'/__init__' if module in ('sim.policies', 'sim.ui') else ''}.py`"


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _parameters(parameters: Iterable[Parameter]) -> str:
    rows = (
        (f"`{p.name}`", figure(p.value), p.unit, f"{figure(p.between[0])} to {figure(p.between[1])}", p.distribution, _source_of(p), p.doc)
        for p in parameters
    )  # fmt: skip
    return _table(("number", "value", "unit", "range", "drawn", "source", "meaning"), rows)


def _source_of(parameter: Parameter) -> str:
    recalled = " (recalled)" if status_of(parameter) == "recalled" else ""
    return "ASSUMED" if parameter.is_assumed else "; ".join(source.id for source in resolve(parameter.source)) + recalled


# -- overview ----------------------------------------------------------------------------------------------------------------------


def _opening() -> Iterator[str]:
    yield "# The model by the ODD protocol"
    yield said(
        f"Written by `python -m sim odd` from the declarations of countylines {sim.__version__}; do not change it by hand. The form is "
        "that of Grimm, Railsback, Vincenot and others (2020), *The ODD protocol for describing agent-based and other simulation models: "
        "a second update to improve clarity, replication, and structural realism*, Journal of Artificial Societies and Social Simulation "
        "23(2) 7, doi 10.18564/jasss.4259."
    )
    yield said(
        "All children in it are invented. Nothing here is a score, a weight or a threshold for a real child, and nothing may be cited to "
        "refuse, delay or end a child's placement or the reporting of a missing child. What the model can and cannot say is on a "
        "[page of its own](what_this_model_can_and_cannot_say.md)."
    )
    yield f"{in_a_line(count_sources(every_parameter()))} *ASSUMED* is an honest source."


def _purpose(targets: Sequence[Target]) -> Iterator[str]:
    yield "## Overview"
    yield "### 1 Purpose and patterns"
    yield said(
        "The model is for people who decide about policy, for services that train their staff, and for researchers. It asks what would "
        "have to be true for a change in services to reduce how often children in England go missing and are exploited by county drug "
        "lines, what it would cost and whom, and how sure one can be. Its questions come from the findings and recommendations of the "
        "report *Running the Risks* (Catch22 Dawes Unit with Missing People, July 2015); each of its claims is a hypothesis here, never a "
        "result that is built in. It compares; it does not forecast, and it ranks no place."
    )
    if not targets:
        yield "The published numbers that it is fitted to are declared in `experiments/published/targets.py`, which was not at hand when this was written."
        return
    yield "It is judged by whether it comes near these published numbers, each of England and a year to 31 March unless it says otherwise. A recorded figure is compared with the record of its name, never with the truth."
    rows = ((each.number, each.label, figure(each.value), f"{figure(each.low)} to {figure(each.high)}", each.unit, each.rows) for each in targets)
    yield _table(("#", "published", "value", "tolerance", "unit", "rows"), rows)


def _entities() -> Iterator[str]:
    yield "### 2 Entities, state variables and scales"
    yield said(
        "*Children* are everybody aged 10 to 17 in the places of a world. A child is a row of columns; the same row is an agent of Mesa. "
        "Every fact is declared once and has one keeper, the only mechanism that writes it; everybody reads."
    )
    yield _table(
        ("fact", "type", "default", "unit", "kept by", "meaning"),
        ((f"`{f['fact']}`", f["type"], f["default"], f["unit"], f["kept_by"], f["meaning"]) for f in declarations.facts()),
    )
    yield "What follows from these facts:"
    yield _table(("word", "meaning"), ((f"`{f['fact']}`", f["meaning"]) for f in declarations.derived_facts()))
    yield "What coded facts stand for:"
    yield _table(("fact", "values"), ((name, "; ".join(words)) for name, words in declarations.CODED.items()))
    yield "Facts that only a few children have lie in small tables; each row is in one spell, which ends in one of the ways named."
    small = ((_file(each.module), each.keeper, _code(each.columns), ", ".join(each.ends)) for each in declarations.small_tables())
    yield _table(("file", "kept by", "facts", "a spell ends by"), small)
    yield "*Agents* beside the children are institutions, gangs and lines. Each has a key made of its names, the same in every run and every world."
    rows = ((f"`{a.name}`", _file(a.module), a.says, _code(a.holds), a.does or "acts when called upon") for a in declarations.agents())
    yield _table(("agent", "file", "what it is", "what it holds", "on a day"), rows)
    yield from _scales()


def _scales() -> Iterator[str]:
    places = read_places()
    yield said(
        f"*Space.* A place is one of the {len(places)} upper-tier authorities of England, with its published children, care, schools, "
        "deprivation, centre and spread. Inside it, a home and a child's own home are points [km], and a child belongs to a neighbourhood "
        f"of about {NEIGHBOURHOOD} children, in {CORNERS} corners. All authorities that are not in the world are one open place, "
        "*elsewhere*, which runs lines into the world, takes and sends placed children, and is a destination of displaced lines. A "
        "fraction of a world keeps each child by its key, scales beds, lines and caseloads, and keeps distances."
    )
    rows = ((w["world"], w["authorities"], f"{w['fraction']:g}", f"{w['children']:,}", w["warm_up_days"], w["days"]) for w in declarations.worlds())
    yield _table(("world", "authorities", "fraction", "children aged 10-17", "days of warm-up", "days in all"), rows)
    yield said(
        f"*Time.* A step is a day. Day 1 is {date_of(1).day} {date_of(1):%B %Y}; years run to 31 March, as official tables do; terms, "
        "holidays, weekends and leap days are known. A run is a discarded warm-up and then one to five years."
    )


def _schedule() -> Iterator[str]:
    yield "### 3 Process overview and scheduling"
    yield "One day, in the order things happen (`CountyLines.step`):"
    yield "\n".join(f"{number}. `{verb.call}` ({_file(verb.module)}): {verb.says}" for number, verb in enumerate(declarations.day(), 1))
    yield said(
        "Time is discrete; within a verb everybody is treated at once, or one after the other in an order that follows from keys. "
        "Mechanisms do not call one another about what happened to whom: each reads the day's news and changes the facts that it keeps. "
        "What is scarce (beds, interviews, help, caseloads) is given by one rule: the day's requests sorted by need class, then by a keyed "
        "draw, ties by the child's key. Rare things that may happen to anybody are clocks: a child is looked at when the hazard added up "
        "since its spell began reaches its own patience. Ends are a calendar. Only the few in an active stage are swept daily. Policies "
        "act at the end of the day ({verb policy.live}), so what they change is felt from the next."
    )


# -- design concepts ---------------------------------------------------------------------------------------------------------------

CONCEPTS = {
    "Basic principles": """
        Vacancies, not the number of willing children, set how often recruiters try; children differ in how easily they are reached and in
        what pulls them; care and exploitation cause each other and share causes; services see signals, each agency its own. Where two
        accounts of the world compete, the file of the mechanism says which is *chosen* and names the *rival*.""",
    "Emergence": """
        Who is recruited, how many, from where; who goes missing and how often; which of it is recorded; how far from home children live; how
        late exploitation is seen; what a policy changes. The crude ratio of missing children placed out of area to those in area is such an
        outcome too, under several true effects of distance. Imposed are the rates at which things happen to a child in given circumstances.""",
    "Adaptation": """
        Lines under pressure turn to children nobody knows, to the market's own children and online: {lines.adaptation}; they may be deterred:
        {lines.deterrence}; closed ones may reopen elsewhere: {lines.displaced}. Services do not adapt, save through a policy.""",
    "Objectives": """
        No agent maximises anything. Recruiters seek children for open positions; teams work down their queues.""",
    "Learning": """
        None. What services know accumulates as signals ({fact signals_police}, {fact signals_care}, {fact signals_education},
        {fact signals_health}, {fact signals_pooled}); nobody changes its rules by it.""",
    "Prediction": """
        None: nobody looks ahead.""",
    "Sensing": """
        Recruiters meet those who are in reach, by place and venue, and under pressure avoid children whom services know. An agency sees
        a sign of exploitation only in what passes through its hands; it knows what others know only once that is shared ({services.shared}).
        Police and authorities know of an absence only if it is reported to them. Two simplifications: a sign is seen only of a child who
        is exploited, so nobody is taken for exploited by mistake; and who waits for help is sorted by the true stage of exploitation.""",
    "Interaction": """
        Direct: recruiters approach children, lines make relatives or friends take a place ({lines.relative_or_friend}), workers are trusted or
        not, police meet children, providers refuse them. Through others: friends, siblings and co-residents who work a line may change a
        child's chance of being approached ({recruitment.peers}, {recruitment.siblings}). Through scarcity: a bed, an interview or a worker given to one
        child is not given to another, and those who go without are counted.""",
    "Stochasticity": """
        Chance is looked up, not used up: a draw is a hash of the run's seed, the name of the decision, the key of whom it concerns and the number of the
        spell. Nothing depends on the order of events or on anybody else, so two scenarios with one seed differ only where a policy, or what
        follows from it, made them differ. The decisions of each mechanism are listed with it. Chance stands for what is not modelled; ignorance of
        numbers is apart from it, in the ranges of the parameters, of which each replicate draws one set.""",
    "Collectives": """
        Circles of friends ({fact circle}), households, neighbourhoods, the residents of a home, gangs with their lines, teams. They are given,
        save residents and lines, which come and go.""",
    "Observation": """
        The ledger takes one row for each event and the day's stocks and bills; nothing in the model reads it back. Measures are named
        functions of it. True episodes, the police record and the authority's record are kept apart throughout. Authority results serve
        to check the model: unsorted, counts under ten suppressed.""",
}  # fmt: skip


def _concepts() -> Iterator[str]:
    yield "## Design concepts"
    yield "### 4 Design concepts"
    for concept, text in CONCEPTS.items():
        yield f"*{concept}.* {said(text)}"
    yield "What policies, and mechanisms among themselves, can take hold of:"
    rows = ((each["lever"], _file(m.module), each["multiplies"], each["held_by"] or "nobody yet") for m in declarations.mechanisms() for each in m.levers)
    yield _table(("lever (of a child)", "offered by", "what it multiplies", "held by"), rows)
    rows = ((f"`{each['dial']}`", _file(m.module), each["says"], each["turned_by"] or "nobody yet") for m in declarations.mechanisms() for each in m.dials)
    yield _table(("dial (of an authority)", "offered by", "", "turned by"), rows)


# -- details -----------------------------------------------------------------------------------------------------------------------


def _initialisation() -> Iterator[str]:
    yield "## Details"
    yield "### 5 Initialisation"
    yield said(
        "A world is laid out from published tables: everybody who is or will be aged 10 to 17 until the run's last day has a row, with the published number of children of "
        "each authority on day 1, exactly, and of looked-after children. What a child brings (sex, strain, exposure, susceptibilities, circle, household) is drawn "
        "once, from its key alone. Lines are open with their stationary probability. Then, before the first day:"
    )
    yield "\n".join(f"{number}. `{verb.call}` ({_file(verb.module)}): {verb.says}" for number, verb in enumerate(declarations.first_morning(), 1))
    yield "Seed and parameter draw differ between replicates and are the same for every scenario. The warm-up year forgets what was guessed about day 1."


def _inputs() -> Iterator[str]:
    yield "### 6 Input data"
    yield said(
        "No time series drives the model. It reads public tables that lie in `sim/data`: places and their sources, exporting cities, the "
        "deflator by which prices are brought to 2024/25, and our compilation of published findings; `sim/data/README.md` says what is in each. "
        "The smallest unit is an authority and a year: no file holds anything about a person."
    )
    yield _table(("table", "rows", "columns"), ((f"`{each['table']}`", each["rows"], _code(each["columns"])) for each in declarations.inputs()))
    yield "Where the columns of `places.csv` come from:"
    rows = ((each["source"], each["title"], _code(each["columns"])) for each in declarations.columns_of_places())
    yield _table(("source", "title", "columns"), rows)


def _submodels() -> Iterator[str]:
    yield "### 7 Submodels"
    yield "Each mechanism is one file, here in the order in which they first act on a day. *Chosen* and *Rival* name what was decided and what else could be true."
    for mechanism in declarations.mechanisms():
        yield f"#### {mechanism.module.removeprefix('sim.').replace('_', ' ').capitalize()}"
        yield f"{_file(mechanism.module)}. {mechanism.about}"
        yield "\n".join(f"- `{verb.call}`: {verb.says}" for verb in mechanism.verbs)
        for group in mechanism.groups:
            yield f"`{group.group}`: {sentence(group.__doc__)}"
            yield _parameters(group.declared.values())
        told = {"Tells the ledger": mechanism.tells, "Reads in the day's news": mechanism.hears, "Decisions of chance": mechanism.decisions}
        yield "\n".join(f"- {what}: {_code(words)}." for what, words in told.items() if words)
    yield "#### What they stand on"
    yield "\n".join(f"- {_file(module)}: {sentence(about)}" for module, about in declarations.foundations().items())


def _policies() -> Iterator[str]:
    yield "#### Policies"
    yield said(
        "A policy is a change from present practice. Its dose is coverage; at coverage 0 it equals present practice and costs nothing. It acts through the "
        "levers, dials and verbs of mechanisms, and no mechanism names one. Eligible, reached and changed are counted in every run."
    )
    for policy in declarations.policies():
        yield f"##### {policy.title}"
        yield f"`{policy.name}`; evidence: {policy.grade}. {policy.evidence}"
        yield policy.about
        yield _parameters(policy.group.declared.values())
    yield "Scenarios that come with the model:"
    rows = ((f"`{each['scenario']}`", each["title"], each["policies"] or "none", each["why"]) for each in declarations.scenarios())
    yield _table(("scenario", "title", "policies", "what it stands for"), rows)


def _observation(measures: Sequence[Measure]) -> Iterator[str]:
    yield "#### The ledger"
    rows = ((each["table"], ", ".join(f"`{name}` {dtype}" for name, dtype in each["columns"].items()), _code(each["sorted_by"])) for each in declarations.tables())
    yield _table(("table", "columns", "rows sorted by"), rows)
    yield _table(("event", "what its columns hold"), ((f"`{each['event']}`", each["columns"]) for each in declarations.events()))
    yield f"Stocks, counted each evening: {_code(STOCKS)}."
    yield f"Bills, in pounds of 2024/25. Payers: {'; '.join(PAYERS)}. Items: {'; '.join(ITEMS)}."
    yield "#### Measures"
    if not measures:
        yield "Measures are declared in `experiments/measures/`, which was not at hand when this was written."
        return
    yield _table(("measure", "unit", "definition"), ((f"`{each.name}`: {each.label}", each.unit, each.definition) for each in measures))


def _sources() -> Iterator[str]:
    yield "#### Sources of the numbers"
    rows = ((source.id, source.title, source.publisher, source.year, source.address, source.status) for source in cited(every_parameter()))
    yield _table(("id", "title", "publisher", "year", "address", "status"), rows)


# -- the pages in sim/docs ---------------------------------------------------------------------------------------------------------

DOCS = Path(__file__).with_name("docs")
COUNTED = re.compile(r"(<!-- counted -->\n).*?(\n<!-- end -->)", re.DOTALL)


def counted(page: str) -> str:
    """A page with the counts of numbers, between its two marks, as they are now. Raises ValueError for a page without marks."""
    ends = at_an_end(every_parameter())
    told = f"""{in_a_line(count_sources(every_parameter()))}

{len(ends)} of the uncertain ones stand at an end of their range: {_code(ends)}. They were set there by hand, to come near the published figures.
All draws of such a number lie to one side of it, and a fit that needs an end of a range is a sign against the range, or against the rule."""
    made, times = COUNTED.subn(lambda marks: f"{marks[1]}{told}{marks[2]}", page)
    if times != 1:
        raise ValueError(f"a page with counts has its marks once, not {times} times")
    return made
