"""The page by mouse and by keyboard, in a real Chromium, played from a file with no server and no network."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sim.ui.lessons import every_lesson
from tests.ui import made_up
from tests.ui.browsing import NARROW, WIDE, Watched, violations


@pytest.fixture(scope="module")
def opened(browser, taken_away):
    """One wide page for the tests of this file: each begins on the first day, with nothing open."""
    watched = Watched(browser)
    watched.open(taken_away.as_uri())
    yield watched
    watched.context.close()


@pytest.fixture
def page(opened):
    """The same page, put back to its beginning."""
    page = opened.page
    page.evaluate("""() => { document.querySelectorAll("dialog[open]").forEach((one) => one.close()); room.panel.open(null); room.pause(); room.cover(false);
        room.noted = false; room.setSpeed(4); room.follow(null); room.seek(room.setup.first_day); document.activeElement?.blur(); }""")
    page.wait_for_function("room.told === room.setup.first_day")
    opened.complaints.clear()
    yield page
    assert opened.complaints == []
    assert opened.strangers() == []


def day(page) -> int:
    return page.evaluate("room.day")


def on_day(page, number: int) -> None:
    page.wait_for_function(f"room.told === {number}")


def test_play_begins_with_the_content_note_and_pause_says_the_numbers(page):
    page.get_by_role("button", name="Play").click()
    note = page.get_by_role("dialog", name="Before you begin")
    assert "Escape is pressed twice" in note.inner_text() and "116 000" in note.inner_text()
    note.get_by_role("button", name="Begin").click()
    page.wait_for_function("room.day >= 368")
    page.get_by_role("button", name="Pause").click()
    paused = day(page)
    said = page.locator(".spoken").inner_text()
    page.wait_for_timeout(200)
    assert day(page) == paused
    assert "Missing now" in said and "Present practice" in said and "One worker who stays" in said


def test_step_step_back_and_scrub_by_mouse(page):
    page.get_by_role("button", name="One day on").click(click_count=3)
    on_day(page, 369)
    page.get_by_role("button", name="One day back").click()
    on_day(page, 368)
    assert page.locator(".date").inner_text() == "3 April 2026"
    page.get_by_role("slider", name="Day").fill("400")
    on_day(page, 400)
    plot = page.locator(".chart .u-over").first
    plot.click(position={"x": plot.bounding_box()["width"] / 2, "y": 20})
    assert abs(day(page) - (366 + 27.5)) <= 1


def test_keys_and_a_clicker(page):
    for key, expected in (("ArrowRight", 367), ("PageDown", 374), ("PageUp", 367), ("ArrowLeft", 366), ("End", 421), ("Home", 366)):
        page.keyboard.press(key)
        on_day(page, expected)
    page.keyboard.press("+")
    assert page.get_by_label("A second is").input_value() == "7"
    page.evaluate("room.noted = true")
    page.keyboard.press(" ")
    page.wait_for_function("room.playing && room.day >= 367")
    page.keyboard.press(" ")
    assert not page.evaluate("room.playing")
    page.keyboard.press("?")
    page.get_by_label("Single keys work").uncheck()
    page.get_by_role("button", name="Close").click()
    before = day(page)
    page.keyboard.press("ArrowRight")
    assert day(page) == before
    page.evaluate("room.keysOff = false")


def test_the_numbers_and_the_text_of_a_map_are_those_that_were_sent(page):
    page.keyboard.press("PageDown")
    on_day(page, 373)
    sent = made_up.messages()
    header, buffer = next((args, buffers[0]) for method, args, buffers in sent if method == "chunk" and args["future"] == "b")
    cells = header["n"] * header["days"]
    state = np.frombuffer(buffer, np.uint8)[cells : 2 * cells].reshape(header["days"], header["n"])[7]
    page.get_by_text("The right map as text").click()
    page.locator(".future-b .twin table").first.wait_for()
    rows = page.locator(".future-b .twin table").first.locator("tbody tr").all_inner_texts()
    counted = {name: int(np.count_nonzero(state == i)) for i, name in enumerate(made_up.STATES)}
    assert {row.split("\t")[0]: int(row.split("\t")[1]) for row in rows} == counted
    numbers = np.frombuffer(buffer, "<f4")[-header["measures"] * header["days"] :].reshape(header["measures"], header["days"])
    tiles = page.locator(".future-b .value").all_inner_texts()
    assert tiles[0] == f"{numbers[0][7]:.0f}"
    assert tiles[2] == f"{numbers[2][:8].sum():.0f}"  # a flow is shown as a sum since the first day
    page.get_by_text("The right map as text").click()


def test_every_number_has_its_evidence(page):
    tile = page.locator(".future-a .tiles button").first
    tile.focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog", name="Missing now")
    text = drawer.inner_text()
    assert "ASSUMED" in text and "Department for Education" in text and "What it counts" in text
    page.keyboard.press("Escape")
    assert not drawer.is_visible()
    assert tile.evaluate("one => one === document.activeElement")


def test_a_chart_as_a_table_with_the_range_of_other_seeds(page):
    page.keyboard.press("End")
    on_day(page, 421)
    page.get_by_role("button", name="Table of Missing now").click()
    drawer = page.get_by_role("dialog", name="Missing now")
    assert "Range over 8 other seeds" in drawer.inner_text()
    assert drawer.locator("tbody tr").count() == 3  # 1 April, 1 May, today


def test_follow_a_child_from_the_map_and_by_keyboard(page):
    x, y = page.evaluate("(() => { const at = [0, 0], one = room.futures[0].at(366); room.layout.spot(4, one.place[4], one.state[4], at, 0); return at; })()")
    page.locator(".future-a canvas").click(position={"x": x, "y": y})
    assert page.evaluate("room.child") == 4
    panel = page.get_by_role("region", name="Follow one child")
    page.keyboard.press("End")
    on_day(page, 421)
    assert [row.replace("\n", " ") for row in panel.locator(".timeline li").all_inner_texts()][-1].startswith("21 Apr 2026 left: Sent away for five days")
    assert "both futures" in panel.locator(".timeline li").first.inner_text()
    panel.get_by_text("Is this really the same child?").click()
    assert "common random numbers" in panel.inner_text() and "not a real child’s" in panel.inner_text()
    page.get_by_label("Find a child who today is").select_option("in care")
    page.get_by_role("button", name="Follow the next").press("Enter")
    followed = page.evaluate("room.child")
    assert followed % 9 == 0
    panel.get_by_text("The strips as a table").click()
    panel.locator("details table").first.wait_for()  # a browser tells a moment later that it was opened
    assert f"Child {followed}: One worker who stays" in panel.inner_text()
    panel.get_by_text("The strips as a table").click()


def test_a_lesson_covers_the_right_future_until_one_has_guessed(page):
    page.get_by_role("button", name="Lessons", exact=True).click()
    page.get_by_role("button", name="One worker who stays").click()
    page.keyboard.press("PageDown")
    on_day(page, 376)
    assert page.locator(".future-b .covered").is_visible()
    assert page.locator(".future-b .value").first.inner_text() == "?"
    page.get_by_label("How many children are missing in the right future?").fill("12")
    page.get_by_role("button", name="Reveal").click()
    page.get_by_role("button", name="Begin", exact=True).click()  # the content note comes before whatever plays first
    page.wait_for_selector(".revealed table", timeout=15000)
    revealed = page.locator(".revealed").inner_text()
    assert "Your guess" in revealed and "12" in revealed and "other seeds" in revealed and "Compare the range." in revealed
    assert not page.locator(".future-b .covered").is_visible()
    assert day(page) == 406
    page.get_by_role("button", name="Back to the previous scene").press("Enter")
    assert page.evaluate("document.activeElement.id") == "lesson-heading"  # a keyboard is not sent back to the top
    page.keyboard.press("2")
    assert "Scene 2 of 2" in page.locator(".lesson").inner_text()
    page.keyboard.press("1")
    assert "Scene 1 of 2" in page.locator(".lesson").inner_text()


@pytest.mark.parametrize("width, height", [(1366, 768), (1280, 720), (1920, 1080)])
def test_each_scene_and_both_maps_are_seen_at_once(watch, tmp_path, width, height):
    sent = [(method, {"lessons": every_lesson()} if method == "lessons" else args, buffers) for method, args, buffers in made_up.messages(children=300)]
    file = tmp_path / "lessons.html"
    file.write_text(made_up.page(sent), encoding="utf-8")
    page = watch(viewport={"width": width, "height": height}).open(file.as_uri())
    for present in (False, True):
        page.evaluate("(on) => { room.element.classList.toggle('present', on); room.resize(); }", present)
        for lesson in range(len(every_lesson())):
            page.evaluate("(n) => { room.panel.open(room.lessons[n]); room.follow(4); room.draw(); scrollTo(0, 0); }", lesson)
            for scene in range(page.evaluate("room.panel.lesson.scenes.length")):
                page.evaluate("(n) => { room.panel.go(n); room.follow(4); room.resize(); room.draw(); }", scene)
                bottoms = page.evaluate("['.scene-text', '.scene-ask', '.future-a .figure', '.future-b .figure'].map((part) => document.querySelector(part).getBoundingClientRect().bottom)")
                assert max(bottoms) <= height, (present, lesson, scene, bottoms)
                maps = page.evaluate("[...document.querySelectorAll('.figure canvas')].map((map) => [map.clientWidth, map.clientHeight])")
                assert min(map(min, maps)) >= 220, maps
    assert page.evaluate("scrollY") == 0


def test_names_on_the_maps_are_larger_for_a_room_than_on_a_desk(page):
    assert page.evaluate("room.layout.letters") == 1
    page.evaluate("room.present()")
    page.wait_for_function("room.layout.letters * 11 >= 16")
    page.evaluate("room.present()")
    page.wait_for_function("room.layout.letters === 1")


def test_a_reveal_says_that_the_range_is_to_come_and_shows_it_when_it_comes(watch, taken_away):
    page = watch().open(taken_away.as_uri())
    page.evaluate("room.panel.open(room.lessons[0], 1)")
    page.evaluate("() => { globalThis.ribbons = [...room.setup.ribbons.values()]; room.setup.ribbons = undefined; room.fromFile = false; room.noted = true; }")
    page.locator("#guess").fill("12")
    page.get_by_role("button", name="Reveal").click()
    row = page.locator(".revealed tbody tr").last
    row.wait_for(timeout=15000)
    assert "still being lived; the range comes here by itself" in row.inner_text()
    page.evaluate("room.receive('ribbons', { ribbons })")
    assert "over 8 other seeds" in row.inner_text() and " to " in row.inner_text()
    page.evaluate("room.receive('ribbons', { ribbons: ribbons.map((one) => ({ ...one, low: one.low.slice(0, 20), high: one.high.slice(0, 20) })) })")
    assert "not lived as far as this day" in row.inner_text()


def test_a_lesson_by_clicker_alone_wherever_the_mouse_was_last(watch, taken_away):
    page = watch().open(taken_away.as_uri())
    page.evaluate("room.panel.open(room.lessons[0])")
    page.locator("#scrub").focus()
    page.keyboard.press("PageDown")
    assert "Scene 2 of 2" in page.locator(".lesson").inner_text() and page.locator(".future-b .covered").is_visible()
    page.keyboard.press("PageDown")  # what is covered is shown before the lesson goes on; and before it plays comes the content note
    assert page.get_by_role("button", name="Begin", exact=True).is_visible() and day(page) == 376
    page.keyboard.press("PageDown")
    page.wait_for_selector(".revealed table", timeout=15000)
    assert "Scene 2 of 2" in page.locator(".lesson").inner_text() and not page.locator(".future-b .covered").is_visible()
    page.locator("#speed").focus()
    page.keyboard.press("PageUp")
    assert "Scene 1 of 2" in page.locator(".lesson").inner_text()


def test_a_scene_goes_to_the_day_on_which_its_child_is_what_the_text_says(watch, taken_away):
    page = watch().open(taken_away.as_uri())
    lesson = """{ id: "x", title: "X", scenes: [{ title: "Before", day: 366, text: "A.", people: "in custody or hospital" }, { title: "No policy", day: 370, text: "B.", people: "differ" }] }"""
    page.evaluate(f"room.panel.open({lesson})")
    page.wait_for_function("room.day > 366")
    assert page.evaluate("room.setup.states[room.futures[0].at(room.day).state[room.child]]") == "in custody or hospital"
    page.evaluate("room.futures[1] = room.futures[0]")
    page.keyboard.press("PageDown")
    assert page.evaluate("room.child") is None  # nor is the child of the scene before still followed
    assert page.locator("#child .who").inner_text() == "So far the two futures differ for none of the children shown."


def test_children_keep_their_spots_as_more_are_shown(watch, taken_away):
    page = watch().open(taken_away.as_uri())
    spots = "(() => { const { layout } = room; const out = []; for (let i = 0; i < 20; i++) { const at = [0, 0]; layout.spot(i, layout.setup.children[i].home, 0, at, 0); out.push(...at); } return out; })()"
    before = page.evaluate(spots)
    page.evaluate("for (let i = 0; i < 200; i++) room.setup.children.push({ id: 900 + i, home: room.setup.children[i].home, from: 1 }); room.layout.grow(); room.resize()")
    assert page.evaluate("room.setup.children.length") == 1100 and page.evaluate(spots) == before


def test_what_needs_the_program_is_not_waited_for_when_it_is_gone(watch, taken_away):
    page = watch().open(taken_away.as_uri())
    page.evaluate("room.gone.textContent = 'Nobody answers.'; room.gone.hidden = false; room.change({ policy: 'key_worker', settings: {}, from_day: null, future: 'b' })")
    assert page.locator("#dialog").inner_text().split() == ["That", "cannot", "be", "done", "Close", "Nobody", "answers."] and page.locator(".status").inner_text() == ""


def test_a_view_that_is_not_there_is_the_usual_one(watch, taken_away):
    page = watch().open(taken_away.as_uri() + "#view=banana")
    assert page.evaluate("[room.view, room.viewChoice.value]") == ["places", "places"]


def test_escape_twice_hides_everything(page):
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.locator("main").is_hidden() and page.title() == "Notes"
    page.get_by_role("button", name="Back to the page").click()
    assert page.locator("main").is_visible()


def test_nothing_that_axe_finds(page):
    page.get_by_text("More charts").click()
    assert violations(page) == []
    page.locator(".future-b .tiles button").last.click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.evaluate("room.panel.open(room.lessons[0], 1)")
    page.evaluate("room.follow(4)")
    page.evaluate("room.seek(400)")
    page.get_by_text("The left map as text").click()
    assert violations(page) == []
    page.get_by_text("The left map as text").click()
    page.get_by_text("More charts").click()
    page.set_viewport_size({"width": 1280, "height": 500})  # the lesson is longer than the screen, and is scrolled
    assert page.evaluate("room.panel.element.scrollHeight > room.panel.element.clientHeight")
    assert violations(page) == []
    page.set_viewport_size(WIDE)


def test_a_frame_of_two_times_3000_children_takes_at_most_16_ms(watch, tmp_path):
    file = tmp_path / "large.html"
    file.write_text(made_up.page(made_up.messages(children=3000)), encoding="utf-8")
    page = watch().open(file.as_uri())
    median = page.evaluate("""() => { const times = []; room.child = 4;
        for (let k = 0; k < 240; k++) { room.t = 366 + (k / 6) % 50; const begun = performance.now(); room.draw();
            for (const view of room.views) view.context.getImageData(0, 0, 1, 1); times.push(performance.now() - begun); }
        return times.sort((a, b) => a - b)[120]; }""")
    assert median <= 16


def test_320_pixels_and_no_motion(watch, taken_away):
    watched = watch(viewport=NARROW, reduced_motion="reduce")
    page = watched.open(taken_away.as_uri())
    page.evaluate("room.follow(4)")
    page.evaluate("room.panel.open(room.lessons[0], 1)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    wide = "[...document.querySelectorAll('main *')].filter((one) => !one.closest('.table, .u-wrap') && one.getBoundingClientRect().right > 321).map((one) => one.outerHTML.slice(0, 80))"
    assert page.evaluate(wide) == []
    assert violations(page) == []
    drawn = page.evaluate("(() => { room.panel.open(null); const drawn = []; room.views[0].draw = (_, t) => drawn.push(t); for (const t of [370.2, 370.9]) { room.t = t; room.draw(); } return drawn; })()")
    assert drawn == [370, 370]
    assert watched.complaints == []


def test_the_link_of_a_view_restores_it(watch, taken_away):
    watched = watch()
    page = watched.open(taken_away.as_uri() + "#day=390&speed=7&child=4&view=england&lesson=one_worker_who_stays&scene=1")
    page.wait_for_function("room.panel.lesson")
    assert page.evaluate("[room.speed, room.view, room.panel.scene]") == [7, "england", 0]
    page.evaluate("room.panel.open(null)")
    page.evaluate("room.follow(4)")
    page.evaluate("room.seek(395)")
    page.wait_for_function("location.hash.includes('day=395')")
    assert "b=key_worker;coverage:0.8@366" in page.evaluate("location.hash") and "child=4" in page.evaluate("location.hash")
    assert page.evaluate("room.known") == 421


CASES = [
    ("a chunk of another length is refused", """async () => { const { decode } = await import("countylines/days.js");
        try { decode({ first: 1, days: 1, n: 2, arcs: [0], measures: 1 }, new Uint8Array(9)); } catch (error) { return error.message; } }""", "a chunk of day 1 has 9 bytes and should have 8"),
    ("a newcomer was at home before, or not yet in the world", """async () => { const { Future } = await import("countylines/days.js");
        const children = [{ home: 3 }]; const future = new Future(1, 2, children, []);
        future.add({ first: 1, days: 1, n: 1, arcs: [0], measures: 0 }, Uint8Array.from([3, 2]));
        children.push({ home: 7, from: 0 }, { home: 8, from: 2 }); const { place, state } = future.at(1); return [[...place], [...state]]; }""", [[3, 7, 255], [2, 0, 6]]),
    ("differences are said in words", """async () => { const { difference } = await import("countylines/words.js"); const people = { unit: "children" }, money = { unit: "pounds" };
        return [difference(9, 5, people), difference(5, 9, people), difference(5, 5, people), difference(2500000, 1200000, money), difference(null, 1, people)]; }""",
     ["4 fewer", "4 more", "the same", "£1.3 m less", ""]),
    ("policies go into the link and come back", """async () => { const { readPolicies, writePolicies } = await import("countylines/link.js");
        const text = writePolicies([{ name: "key_worker", settings: { coverage: 0.8, stays: 0.4, new: 1 }, changed: { coverage: 0.8, stays: 0.4 }, from_day: 400 }, { name: "relocation", settings: { moves: 40 }, changed: {}, from_day: null }, { name: "gone", changed: {}, from_day: 370, to_day: 380 }]);
        return [text, readPolicies(text)]; }""",
     ["key_worker;coverage:0.8;stays:0.4@400,relocation,gone@370-380", [{"name": "key_worker", "settings": {"coverage": 0.8, "stays": 0.4}, "from_day": 400}, {"name": "relocation", "settings": {}}, {"name": "gone", "settings": {}, "from_day": 370, "to_day": 380}]]),
]  # fmt: skip


@pytest.mark.parametrize(("script", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_parts_of_the_player(page, script, expected):
    assert json.loads(json.dumps(page.evaluate(script))) == expected
