"""What is said: cards, stories of children, lessons; plain words for everything that can happen, and one sentence for every mistake."""

import json
import math
from pathlib import Path

import pytest

from sim.errors import InputError
from sim.ledger import Event
from sim.policies import every_policy
from sim.ui import cards, child, lessons
from sim.ui.child import KINDS_BY_EVENT, SENTENCES, timeline
from sim.ui.futures import future
from sim.ui.measures import MEASURES
from sim.ui.session import lessons_of, planned

OF_LINES_AND_BEDS = {
    "REFUSED", "GUEST_PLACED", "GUEST_WAITED", "CONTACT_FAILED", "LINE_OPENED", "LINE_CLOSED", "POSITION_OPEN", "POSITION_FILLED", "LINE_DISPLACED", "LINE_FOLLOWED",
}  # fmt: skip
HARSH = ("offender", "criminal record", "chose", "choice", "drug dealer", "prostitut", "runaway", "absconded", "streetwise")


# -- cards ----------------------------------------------------------------------------------------------------------------------


def test_every_policy_has_a_card_in_plain_words_with_a_slider_for_each_number():
    told = cards.every_card()
    json.dumps(told, allow_nan=False)
    assert [card["name"] for card in told] == list(every_policy())
    assert set(cards.PLAIN) == set(every_policy()), "a policy without plain words, or words without a policy"
    for card, kind in zip(told, every_policy().values(), strict=True):
        assert [each["name"] for each in card["sliders"]] == list(kind.declares.declared)
        assert all(card[part] for part in ("what", "who", "for_whom", "changes", "evidence", "grade"))
        for each in card["sliders"]:
            assert each["low"] <= each["value"] <= each["high"] and 0 < each["step"] <= each["high"] - each["low"]
            assert each["name"] in cards.LABELS, f"{each['name']} has no label in plain words"
            assert each["evidence"]["status"] in ("found", "recalled", "assumed")
            assert (each["evidence"]["status"] == "assumed") == each["evidence"]["title"].startswith("ASSUMED")


@pytest.mark.parametrize("span, step", [(1.0, 0.01), (0.4, 0.005), (900.0, 10.0), (3.0, 0.05), (10.0, 0.1)])
def test_a_step_is_about_a_hundredth_of_the_range(span, step):
    assert math.isclose(cards.step_of(span), step)


# -- stories ----------------------------------------------------------------------------------------------------------------------


def row(event: Event, **columns):
    return {"day": 40, "event": int(event), "child": 1, "agent": 7, "serial": 0, "home": 0, "place": 1, "cause": 0, "detail": 0, "amount": 0.0} | columns


def test_everything_that_can_happen_to_a_child_has_a_sentence_and_a_kind():
    of_children = {event for event in Event if event.name not in OF_LINES_AND_BEDS}
    assert set(SENTENCES) == of_children
    assert {event for event in of_children if event not in KINDS_BY_EVENT} <= {Event.ENTERED, Event.LEFT, Event.ARRIVED, Event.HISTORY}
    for event in of_children:
        for detail in (0, 1):
            for told in timeline([row(event, detail=detail, amount=2.0)], {7: (0, 1)}):
                assert told["text"][0].isupper() and told["text"].endswith(".") and not any(word in told["text"].lower() for word in HARSH)


@pytest.mark.parametrize("rows, said", [
    ([row(Event.APPROACHED, cause=0)], "Approached by a recruiter of the line from Hartlepool to Middlesbrough: streets."),
    ([row(Event.RECRUITED, cause=3, amount=0.0)], "First errand for the line from Hartlepool to Middlesbrough: forced by threats."),
    ([row(Event.RECRUITED, cause=0, amount=420.4)], "First errand for the line from Hartlepool to Middlesbrough: drawn in by money; gifts became a debt of £420."),
    ([row(Event.WENT_MISSING, cause=2, detail=1)], "Went missing, sent away by the line; reported to the police."),
    ([row(Event.RETURNED, amount=5.2, detail=64)], "Found by the police after 5 days away."),
    ([row(Event.RETURNED, amount=0.3)], "Came back after 7 hours away."),
    ([row(Event.RETURNED, amount=5.2), row(Event.INTERVIEWED, day=42, detail=3)],
     "Return interview held after 2 days, within 72 hours; it said something of what is done to it."),
    ([row(Event.RETURNED, serial=1), row(Event.RETURNED, day=44, serial=2), row(Event.INTERVIEWED, day=45, serial=1)],
     "Return interview held after 5 days, later than 72 hours."),
    ([row(Event.WORKER_CHANGED, cause=1)], "The worker changed (move)."),
    ([row(Event.ARRESTED, cause=0)], "Found by police while made to work a line: a safeguarding response."),
    ([row(Event.ARRESTED, cause=2, detail=1)], "Met by police in the street: a criminal response."),
    ([row(Event.LEFT, detail=4)], "Died."),
])  # fmt: skip
def test_stories_are_told_in_plain_words(rows, said):
    assert timeline(rows, {7: (0, 1)})[-1]["text"] == said.replace("Hartlepool", child._place(0)).replace("Middlesbrough", child._place(1))


# -- lessons ------------------------------------------------------------------------------------------------------------------------

LESSON = """
title = "A lesson"
summary = "What it shows."
[b.key_worker]
coverage = 0.5
begins = 400
[[scenes]]
title = "The first day"
day = 366
text = "Something happens."
people = "missing"
sources = ["K153"]
[scenes.predict]
measure = "recruited"
ask = "How many?"
until = 380
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "tried.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_five_lessons_ship_and_each_is_whole():
    every = lessons.every_lesson()
    assert len(every) == 5
    json.dumps(every, allow_nan=False)
    for lesson in every:
        text = json.dumps([{**scene, "sources": []} for scene in lesson["scenes"]]).lower()
        assert lesson["scenes"] and not any(word in text for word in HARSH)
        asked = [scene["predict"] for scene in lesson["scenes"] if "predict" in scene]
        assert asked, f"{lesson['id']} asks for no guess"
        for predict in asked:
            unit = next(measure.unit for measure in MEASURES if measure.name == predict["measure"])
            assert f"how many {unit}" in predict["ask"].replace("looked-after ", ""), "a guess is asked for in the unit in which it is revealed"


def test_a_file_to_take_away_holds_the_lessons_of_its_two_futures_and_no_other():
    lesson = lessons.lesson("one_worker_who_stays")
    a = future(lesson["world"], lesson["seed"])
    assert [one["id"] for one in lessons_of(a, planned(a, lesson["b"]))] == ["one_worker_who_stays"]
    assert lessons_of(a, a) == []


def test_a_lesson_comes_with_its_sources_and_with_policies_in_the_form_of_a_start(tmp_path):
    lesson = lessons.load(written(tmp_path, LESSON))
    assert lesson["id"] == "tried" and lesson["world"] == "town" and lesson["a"] == []
    assert lesson["b"][0]["name"] == "key_worker" and lesson["b"][0]["from_day"] == 400 and lesson["b"][0]["settings"]["coverage"] == 0.5
    assert lesson["scenes"][0]["show"] == "both" and lesson["scenes"][0]["sources"][0]["title"]


@pytest.mark.parametrize("was, becomes, said", [
    ('title = "A lesson"', "title = 5", "'title' is 5, but must be text"),
    ('title = "A lesson"', "", "'title' is missing"),
    ('title = "A lesson"', 'titel = "A lesson"', "key 'titel' is not known; the nearest known name is 'title'"),
    ("day = 366", "day = 3", "'scenes\\[1\\].day' is 3, but must be a day from 366 to 1096"),
    ("day = 366", "day = true", "'scenes\\[1\\].day' is True, but must be a whole number"),
    ('people = "missing"', 'people = "criminals"', "must be one of in care, approached"),
    ('sources = ["K153"]', 'sources = ["K15399"]', "no source has the id 'K15399'"),
    ('sources = ["K153"]', "sources = [1]", "must be a list of ids"),
    ('measure = "recruited"', 'measure = "x"', "'scenes\\[1\\].predict.measure' is 'x', but must be one of missing"),
    ("until = 380", "until = 366", "must come after"),
    ("coverage = 0.5", "coverage = 5", "allowed is 0 to 1"),
    ("begins = 400", "begins = 4", "'b.key_worker.begins' is 4"),
    ("[b.key_worker]", "[b.key_workers]", "nearest known name is 'key_worker'"),
    ("[[scenes]]", "[scenes]", "'scenes' is .* but must be a list"),
    ('summary = "What it shows."', 'summary = "What it shows."\nworld = "england"', "'world' is 'england', but must be one of at most 30,000 children: town"),
    ('text = "Something happens."', f'text = "{"x" * 5000}"', "has 5000 characters"),
    ("[[scenes]]", "[[scenes", "is not valid TOML"),
])  # fmt: skip
def test_a_mistake_in_a_lesson_is_one_sentence(tmp_path, was, becomes, said):
    path = written(tmp_path, LESSON.replace(was, becomes, 1))
    with pytest.raises(InputError, match=said) as error:
        lessons.load(path)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)
