"""Lessons: files of scenes, each with a day, people, a text and a question; some ask to predict before they reveal.

    title = "..."             what the lesson is called
    summary = "..."           what it shows, in a sentence
    minutes = 20
    world = "town"            what it opens; `seed` too
    seed = 1
    [b.key_worker]            the policies of future a or b, with their settings (and `begins`, a day)
    coverage = 0.8
    [[scenes]]
    title = "..."
    day = 366
    text = "..."
    show = "both"             or "a", "b": which maps are to be seen
    people = "missing"        the first child in this state, or "differ": the child whose futures differ most
    question = "..."
    notes = "..."             for the trainer
    sources = ["K153"]        of the figures in the text
    [scenes.predict]
    measure = "recruited"     the number to guess
    ask = "..."
    until = 420               the day on which it is revealed
    after = "..."

A mistake is one sentence that names the file, the key, the value and what is allowed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sim.errors import InputError
from sim.parameters import nearest
from sim.sources import UnknownSource, source
from sim.ui.futures import GREATEST_SEED, MOST_CHILDREN, STATES, Future, checked, future, open_worlds
from sim.ui.measures import MEASURES

FOLDER = Path(__file__).with_name("lessons")
LONGEST = 4000  # characters of a text
MOST_SCENES = 40
SHOWN = ("a", "b", "both")
PEOPLE = (*STATES[1:-1], "differ")
LESSON = {"title": str, "summary": str, "minutes": int, "world": str, "seed": int, "a": dict, "b": dict, "scenes": list}
SCENE = {"title": str, "day": int, "text": str, "show": str, "people": str, "question": str, "notes": str, "sources": list, "predict": dict}
PREDICT = {"measure": str, "ask": str, "until": int, "after": str}
IN_WORDS = {str: "text", int: "a whole number", dict: "a table", list: "a list"}


@cache
def every_lesson(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """The lessons in a folder, in the order of their files' names. Raises InputError."""
    return [load(path) for path in sorted(folder.glob("*.toml"))]


def lesson(id: Any) -> dict[str, Any]:
    """The lesson of an id. Raises InputError where there is none."""
    known = {one["id"]: one for one in every_lesson()}
    if not isinstance(id, str) or id not in known:
        raise InputError(f"lesson is {id!r:.60}, but must be one of {', '.join(known)}.")
    return known[id]


def load(path: Path) -> dict[str, Any]:
    """One lesson, checked, as the page gets it: its sources looked up, its policies with all their settings. Raises InputError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not valid TOML ({error}).") from None
    _check(data, LESSON, path, "", required=("title", "summary", "scenes"))
    world, seed = data.get("world", "town"), data.get("seed", 1)
    if world not in open_worlds():
        raise InputError(f"{path}: 'world' is '{world}', but must be one of at most {MOST_CHILDREN:,} children: {', '.join(open_worlds())}.")
    if not 0 <= seed <= GREATEST_SEED:
        raise InputError(f"{path}: 'seed' is {seed}, but must be from 0 to {GREATEST_SEED}.")
    plan = future(world, seed)
    policies = {name: _policies(data.get(name, {}), plan, path, name) for name in ("a", "b")}
    scenes = data["scenes"]
    if not 1 <= len(scenes) <= MOST_SCENES:
        raise InputError(f"{path}: 'scenes' has {len(scenes)} scenes, but must have from 1 to {MOST_SCENES}.")
    return {
        "id": path.stem, "title": data["title"], "summary": data["summary"], "minutes": data.get("minutes", 20), "world": world, "seed": seed, **policies,
        "scenes": [_scene(scene, plan, path, f"scenes[{n}]") for n, scene in enumerate(scenes, start=1)],
    }  # fmt: skip


def _check(table: Any, allowed: Mapping[str, type], path: Path, where: str, required: tuple[str, ...] = ()) -> None:
    if not isinstance(table, dict):
        raise InputError(f"{path}: '{where.rstrip('.')}' is {table!r:.60}, but must be a table.")
    for key, value in table.items():
        if key not in allowed:
            raise InputError(f"{path}: key '{where}{key}' is not known; {nearest(key, allowed)}.")
        if not isinstance(value, allowed[key]) or isinstance(value, bool):
            raise InputError(f"{path}: '{where}{key}' is {value!r:.60}, but must be {IN_WORDS[allowed[key]]}.")
        if isinstance(value, str) and len(value) > LONGEST:
            raise InputError(f"{path}: '{where}{key}' has {len(value)} characters, but may have at most {LONGEST}.")
    for key in required:
        if key not in table:
            raise InputError(f"{path}: '{where}{key}' is missing.")


def _policies(table: dict[str, Any], plan: Future, path: Path, which: str) -> list[dict[str, Any]]:
    """The policies of one future, in the form in which the page sends them back."""
    found = []
    for name, settings in table.items():
        where = f"{which}.{name}"
        if not isinstance(settings, dict):
            raise InputError(f"{path}: '{where}' is {settings!r:.60}, but must be a table.")
        given = dict(settings)
        begins = given.pop("begins", plan.first_day)
        try:
            found.append({"name": name, "settings": dict(checked(name, given)), "from_day": _a_day(begins, plan, path, f"{where}.begins")})
        except InputError as error:
            text = str(error)
            raise InputError(text if text.startswith(str(path)) else f"{path}: {text}") from None
    return found


def _a_day(day: Any, plan: Future, path: Path, where: str) -> int:
    if isinstance(day, bool) or not isinstance(day, int) or not plan.first_day <= day <= plan.last_day:
        raise InputError(f"{path}: '{where}' is {day!r:.40}, but must be a day from {plan.first_day} to {plan.last_day}.")
    return day


def _scene(scene: Any, plan: Future, path: Path, where: str) -> dict[str, Any]:
    _check(scene, SCENE, path, f"{where}.", required=("title", "day", "text"))
    made = dict(scene)
    _a_day(scene["day"], plan, path, f"{where}.day")
    _one_of(made.setdefault("show", "both"), SHOWN, path, f"{where}.show")
    if "people" in made:
        _one_of(made["people"], PEOPLE, path, f"{where}.people")
    made["sources"] = [_source(id, path, f"{where}.sources") for id in scene.get("sources", [])]
    if "predict" in scene:
        predict = scene["predict"]
        _check(predict, PREDICT, path, f"{where}.predict.", required=("measure", "ask", "until"))
        _one_of(predict["measure"], tuple(measure.name for measure in MEASURES), path, f"{where}.predict.measure")
        if _a_day(predict["until"], plan, path, f"{where}.predict.until") <= scene["day"]:
            raise InputError(f"{path}: '{where}.predict.until' is {predict['until']}, but must come after '{where}.day' {scene['day']}.")
    return made


def _one_of(value: str, allowed: tuple[str, ...], path: Path, where: str) -> None:
    if value not in allowed:
        raise InputError(f"{path}: '{where}' is '{value:.60}', but must be one of {', '.join(allowed)}.")


def _source(id: Any, path: Path, where: str) -> dict[str, str]:
    look_up: Callable[[str], Any] = source
    if not isinstance(id, str):
        raise InputError(f"{path}: '{where}' has {id!r:.40}, but must be a list of ids of sources.")
    try:
        found = look_up(id)
    except UnknownSource as error:
        raise InputError(f"{path}: '{where}': {error}") from None
    return {"id": found.id, "title": found.title, "publisher": found.publisher, "year": str(found.year), "address": found.address}
