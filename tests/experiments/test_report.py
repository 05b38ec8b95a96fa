"""The report: one page that needs nothing else, says what it should, and reads in order."""

import itertools
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from experiments.measures import MONTHLY, every_measure
from experiments.published.targets import every_target
from experiments.reports.avoided import FOR_EACH
from experiments.reports.report import COURSES
from experiments.studies.folder import Folder
from tests.experiments.small import BASELINE, BEDS, EARLY, INTERVIEWS, RESTLESS, done, study

WITHOUT_END = {"meta", "br", "link", "img", "hr", "input", "path", "use", "g"}


class Page(HTMLParser):
    """What a test asks of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []  # (innermost tag, text)
        self.wrongly_closed: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in WITHOUT_END:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in WITHOUT_END:
            return
        if not self.open or self.open.pop() != tag:
            self.wrongly_closed.append(tag)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def text_of(self, *tags: str) -> list[str]:
        return [text for tag, text in self.texts if tag in tags]

    def attributes(self, name: str) -> list[str]:
        return [value for _, attributes in self.tags for key, value in attributes.items() if key == name and value]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return done(study(BASELINE, INTERVIEWS, BEDS, number=4), tmp_path_factory.mktemp("results") / "study", page=True)


@pytest.fixture(scope="module")
def text(folder: Folder) -> str:
    return folder.report.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_it_asks_nothing_of_a_network(text: str, page: Page) -> None:
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "video", "audio"}
    assert page.attributes("src") == page.attributes("srcset") == []
    references = [value for tag, attributes in page.tags if tag != "a" for key, value in attributes.items() if key == "href"]
    assert all(value and value.startswith("#") for value in references)
    assert not re.findall(r"@import|url\((?!#)", text)


def test_it_is_well_formed(text: str, page: Page) -> None:
    assert text.lower().startswith("<!doctype html>")
    assert page.wrongly_closed == []
    assert page.open == []
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    pointed_at = {name for value in page.attributes("aria-labelledby") for name in value.split()}
    pointed_at |= set(re.findall(r'(?:url\(|href=")#([^")]+)', text))
    assert pointed_at <= set(ids)


def test_it_has_a_language_and_headings_in_order(page: Page) -> None:
    assert ("html", {"lang": "en-GB"}) in page.tags
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


def test_the_comparator_is_named_first(text: str) -> None:
    body = text[text.index("<body>") :]
    first = {name: body.index(name) for name in ("Present practice", "More interviews", "More specialist beds")}
    assert min(first, key=lambda name: first[name]) == "Present practice"
    assert re.search(r"<title>\s*compared with Present practice", text, re.IGNORECASE)


def test_every_chart_has_a_name_a_description_and_its_figures_as_a_table(text: str) -> None:
    figures = re.findall(r"<figure>.*?</figure>", text, re.DOTALL)
    assert len(figures) >= 6 + 2 * len(COURSES)
    for figure in figures:
        assert figure.count("<svg") == 1
        assert re.search(r'<svg[^>]* role="img" aria-labelledby="[^"]+"', figure)
        assert re.search(r"<title[^>]*>[^<]{10,}</title><desc[^>]*>[^<]*Source: [^<]+</desc>", figure)
        assert "<table>" in figure


def test_what_is_drawn_by_month_is_kept_by_month() -> None:
    assert set(COURSES) <= set(MONTHLY)


def test_every_target_stands_in_it_with_its_tolerance(text: str) -> None:
    section = text[text.index('id="published"') : text.index('id="assumptions"')]
    assert section.count("<tr role=\"row\"><th scope=\"row\"") == len(every_target())
    for target in every_target():
        assert f">{target.key}. {target.label}" in section.replace("&#39;", "'")
    assert section.count('class="met"') + section.count('class="missed"') + section.count(">not compared<") == len(every_target())
    assert section.count(">not compared<") >= sum(bool(target.only) for target in every_target()) - 1  # this world is neither England nor of 2020-22


def test_a_target_is_called_met_where_the_runs_at_declared_values_lie_within_its_tolerance(text: str, folder: Folder) -> None:
    asked = study(BASELINE, INTERVIEWS, BEDS, number=4)
    runs = [folder.store.read(run.key) for run in asked.runs_of_fit]
    judged = dict(re.findall(r'rowheader">(\w+)\. .*?class="(?:met|missed|quiet)">(met|missed|not compared)', text[text.index('id="published"') :], re.DOTALL))
    expected = {}
    for target in every_target():
        known = [value for run in runs if run and not math.isnan(value := run.values["target", asked.years[-1].iso, target.key])]
        mean = sum(known) / len(known) if known else math.nan
        expected[target.key] = "not compared" if math.isnan(mean) else "met" if target.low <= mean <= target.high else "missed"
    assert judged == expected
    assert set(judged.values()) == {"met", "missed", "not compared"}


def test_every_measure_is_defined_and_compared(text: str, folder: Folder) -> None:
    assert all(each.definition in text.replace("&#39;", "'").replace("&lt;", "<") for each in every_measure())
    head, *rows = (folder.path / "differences.csv").read_text(encoding="utf-8").splitlines()
    assert head.startswith("scenario,comparator,window,measure,unit,pairs,draws,comparator_mean,scenario_mean,difference,low_95,high_95")
    assert {row.split(",")[3] for row in rows} == {each.name for each in every_measure()}


def test_it_says_what_must_be_said(text: str) -> None:
    said = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    for words in (
        "unknown, not nil", "No finding may be cited to refuse, delay or end a child’s placement", "It ranks no authority, home, school or town",
        "No real child may be scored", "does not forecast", "Numbers are net", "True", "police record", "authority’s record", "999",
    ):  # fmt: skip
        assert words in said
    assert not re.search(r"\bchildren saved\b|\bsaves? children\b|\boffender|\bchild(ren)? chose\b", said, re.IGNORECASE)


def test_it_counts_what_is_assumed(text: str) -> None:
    section = text[text.index('id="assumptions"') : text.index('id="limits"')]
    number, assumed = map(int, re.search(r"<strong>(\d+) numbers are declared[^;]*; (\d+) of them are assumed", section).groups())  # type: ignore[union-attr]
    assert section.count('<tr role="row"><th scope="row"') == number
    assert section.count('data-label="Source">assumed<') == assumed > 0


def test_the_chain_of_each_policy_is_counted(text: str) -> None:
    section = text[text.index('id="policies"') : text.index('id="months"')]
    for title in ("Return interviews within 72 hours, shared", "Specialist foster placements"):
        assert title in section
    assert section.count('data-label="Reached"') == 2
    assert "Grade of the evidence" in section


def test_pounds_for_each_avoided_stand_beside_the_costs_or_are_said_not_to_be_known(text: str) -> None:
    section = text[text.index('id="costs"') : text.index('id="published"')]
    for each in FOR_EACH:
        cells = re.findall(r"<td[^>]*>([^<]*)</td>", section[section.index(f">{each.label}<") :].split("</tr>")[0])
        assert len(cells) == 2 and all(cell in ("none avoided", "not separable from none avoided") or "£" in cell for cell in cells)


def test_only_a_study_with_fixed_parameters_is_called_chance_only(tmp_path: Path, text: str) -> None:
    assert "chance only (" not in text.lower()
    fixed = done(study(number=3, fixed=True), tmp_path / "fixed", page=True).report.read_text(encoding="utf-8")
    assert re.search(r"<title>Chance only", fixed)
    assert re.search(r"<h1>Chance only", fixed)
    assert "All of the spread is chance" in fixed


def test_a_single_replicate_claims_nothing(tmp_path: Path) -> None:
    said = done(study(BASELINE, RESTLESS, number=1), tmp_path / "one", page=True).report.read_text(encoding="utf-8")
    assert "this may be chance" in said
    assert "1 draw is few" in said


@pytest.mark.slow
def test_a_true_difference_is_found(tmp_path: Path) -> None:
    """Children who are twice as restless at home go missing more, beyond doubt."""
    folder = done(study(BASELINE, RESTLESS, number=6, fixed=True), tmp_path / "restless", page=True)
    assert "more children go missing (true): +" in folder.report.read_text(encoding="utf-8")


def test_what_is_in_the_folder_adds_up(folder: Folder) -> None:
    import pyarrow.parquet as pq

    told = json.loads((folder.path / "study.json").read_text(encoding="utf-8"))
    assert told["state"] == "complete"
    assert told["study"]["comparator"] == "baseline"
    assert told["command"] in (folder.path / "README.md").read_text(encoding="utf-8")
    assert {path.stem for path in folder.store.folder.iterdir()} == {run["key"] for run in told["runs"]}
    assert {path.name for path in (folder.path / "scenarios").iterdir()} == {"baseline.json", "interviews.json", "beds.json", "world-small.json"}
    beds = json.loads((folder.path / "scenarios" / "beds.json").read_text(encoding="utf-8"))
    assert beds["parameters_by_default"]["policies.specialist_foster"]["beds"] == 200.0
    assert "policies.relocation" not in beds["parameters_by_default"]
    values = pq.read_table(folder.path / "measures.parquet").to_pylist()
    assert {row["scenario"] for row in values} == {"baseline", "interviews", "beds"}
    assert {row["replicate"] for row in values} == {0, 1, 2, 3}
    line = next(row for row in (folder.path / "replicates.csv").read_text(encoding="utf-8").splitlines() if row.startswith("2,"))
    assert line.startswith("2,3,1,")


@pytest.mark.slow
def test_a_policy_from_the_first_week_is_said_to_begin_then(tmp_path: Path) -> None:
    said = done(study(BASELINE, EARLY, number=1), tmp_path / "early", page=True).report.read_text(encoding="utf-8")
    assert "7 April 2025" in said
