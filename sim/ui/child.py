"""Follow one child: a strip of its days and a timeline in plain words, in both futures, from the ledger's events.

It is the same child: whatever happens to it is looked up by its own key (common random numbers), so that its days in the two futures differ
only where a policy, or what followed from one, made them differ. That is the model's counterfactual, not a real child's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.dates import date_of
from sim.draws import key_of
from sim.exploitation import CLOSED, IN_CUSTODY, SIZE, THREAT, WAYS
from sim.harm import DEATH, KINDS
from sim.ledger import Event
from sim.missing import FOUND, OUTSIDE, POLICE
from sim.places import read_places
from sim.policies import every_policy
from sim.policing import RESPONSES, WHERE
from sim.population import CAUSES, CONFLICT, DEBT, FAMILY, FORMS, LINE, SETTINGS, SEXUAL
from sim.recruitment import VENUES
from sim.relationships import WHY_CHANGED
from sim.schooling import PASTS
from sim.services import AGENCIES, SIGNALS
from sim.ui.futures import ABSENT, HOME, Record

if TYPE_CHECKING:
    from sim.ui.store import Pair

SAME_CHILD = (
    "This is the same invented child in both futures: its chance is its own, looked up by its key, so its days differ only where a policy, or what "
    "followed from one, made them differ. It is what the model supposes would have happened, not what would happen to a real child. How much "
    "of a difference between two single lives is the policy and how much is the coupling of chance cannot be told from one child; "
    "look at the charts and at other seeds."
)
KIND_OF = {
    "missing": (Event.WENT_MISSING, Event.RETURNED, Event.STILL_MISSING),
    "line": (Event.APPROACHED, Event.GROOMED, Event.LAPSED, Event.RECRUITED, Event.DEBT_ROSE, Event.DEBT_REPAID, Event.BOUND, Event.TRIES_TO_GET_OUT,
             Event.PULLED_BACK, Event.GOT_OUT, Event.DRAWN_BACK, Event.SETTLED, Event.PRESSED, Event.OTHERWISE_APPROACHED, Event.OTHERWISE_EXPLOITED,
             Event.OTHERWISE_OUT),
    "care": (Event.ENTERED_CARE, Event.PLACED, Event.PLACEMENT_ENDED, Event.LEFT_CARE),
    "harm": (Event.HARMED, Event.IN_HOSPITAL, Event.DIED, Event.CRISIS),
    "police": (Event.ARRESTED, Event.REMANDED, Event.RELEASED, Event.LATER_OFFENCE),
    "school": (Event.SUSPENDED, Event.EXCLUDED, Event.PART_TIME, Event.ABSENT, Event.BACK_AT_SCHOOL),
    "help": (Event.INTERVIEWED, Event.INTERVIEW_LAPSED, Event.SIGNAL, Event.IDENTIFIED, Event.ASSESSED, Event.HELPED, Event.TRUSTS, Event.WORKER_CHANGED,
             Event.PROMISE_BROKEN, Event.FORM_NAMED, Event.REFERRED, Event.POLICY_REACHED),
}  # fmt: skip
KINDS_BY_EVENT = {event: kind for kind, events in KIND_OF.items() for event in events}
WHY_AWAY = {
    CONFLICT: "after trouble at home or in the placement", FAMILY: "to family or friends", LINE: "sent away by the line", DEBT: "over debt or fear",
    SEXUAL: "taken away by those who exploit it sexually",
}  # fmt: skip
MET = ("Found by police while made to work a line", "Met by police when a line was closed", "Met by police in the street")
RELEASES = {CLOSED: "when the line was closed"}
HARM = {"assault": "was assaulted", "sexual assault": "was sexually assaulted", "injury": "was injured", "threat": "was threatened", "death": "died"}
assert set(HARM) == set(KINDS) and len(WHY_AWAY) == len(CAUSES) and len(MET) == len(WHERE)

Row = dict[str, Any]


def story(pair: Pair, who: int) -> dict[str, Any]:
    """The message that tells a child's days in both futures, as far as they are lived."""
    shown = pair.shown()
    key = shown.key[who]
    futures = {}
    for which, name in enumerate("ab"):
        records = pair.records(which)
        chunks = records[1:]
        rows = [row for record in records for row in rows_of(record, key)]
        futures[name] = {
            "strip": strip(chunks, key, int(shown.comes[who]), int(shown.leaves[which][who])),
            "places": where(chunks, key, int(shown.home[who])), "events": timeline(rows, lines_of(records)),
        }  # fmt: skip
    return {"id": who, "key": f"{int(key):016x}", "first": pair.a.first_day, "futures": futures, "note": SAME_CHILD}


def rows_of(record: Record, key: np.uint64) -> list[Row]:
    """The ledger's rows of one child, in the order of the days."""
    at = np.flatnonzero(record.events["child"] == key)
    columns = {name: column[at].tolist() for name, column in record.events.items()}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def strip(chunks: list[Record], key: np.uint64, comes: int, leaves: int) -> list[int]:
    """The child's state on each day."""
    states: list[int] = []
    for record in chunks:
        days = np.arange(record.first, record.first + record.days)
        state = np.where((days >= comes) & (days < leaves), HOME, ABSENT)
        at = np.flatnonzero(record.keys == key)
        state[np.searchsorted(record.starts, at, side="right") - 1] = record.states[at]
        states += state.tolist()
    return states


def where(chunks: list[Record], key: np.uint64, home: int) -> list[int]:
    """Where the child is on each day."""
    places: list[int] = []
    for record in chunks:
        place = np.full(record.days, home)
        at = np.flatnonzero(record.keys == key)
        place[np.searchsorted(record.starts, at, side="right") - 1] = record.places[at]
        places += place.tolist()
    return places


def lines_of(records: list[Record]) -> dict[int, tuple[int, int]]:
    """Key of each line that was opened so far to where it comes from and where it deals."""
    lines: dict[int, tuple[int, int]] = {}
    for record in records:
        opened = record.events["event"] == Event.LINE_OPENED
        columns = (record.events[name][opened].tolist() for name in ("agent", "home", "place"))
        lines |= {agent: (home, place) for agent, home, place in zip(*columns, strict=True)}
    return lines


# -- in plain words ------------------------------------------------------------------------------------------------------------


def timeline(rows: list[Row], lines: dict[int, tuple[int, int]]) -> list[dict[str, Any]]:
    """What happened to a child, in plain words, day by day; what says nothing to a reader is left out."""
    told, returned = [], {}  # the day of each return by its number: a child may be away again before somebody asks about the time before
    for row in rows:
        event = Event(row["event"])
        if event == Event.RETURNED:
            returned[row["serial"]] = row["day"]
        text = words(row | {"returned": returned.get(row["serial"], 0)}, lines)
        if text:
            told.append({"day": row["day"], "date": date_of(row["day"]).isoformat(), "text": text, "kind": KINDS_BY_EVENT.get(event, "life"), "event": event.name})
    return told


def words(row: Row, lines: dict[int, tuple[int, int]]) -> str:
    """One row of the ledger as a sentence."""
    event = Event(row["event"])
    say = SENTENCES.get(event)
    return say(row, lines) if say else ""


def _place(number: int) -> str:
    return read_places().name[number]


def _line(row: Row, lines: dict[int, tuple[int, int]]) -> str:
    """The line of a row, as a reader knows it."""
    if row["agent"] not in lines:
        return "a line"
    home, market = lines[row["agent"]]
    return f"a line within {_place(home)}" if home == market else f"the line from {_place(home)} to {_place(market)}"


def _days(amount: float) -> str:
    """A length of time in words."""
    if amount < 1.0:
        hours = max(1, round(24 * amount))
        return f"{hours} hour{'s' if hours > 1 else ''}"
    days = round(amount)
    return f"{days} day{'s' if days > 1 else ''}"


def _pounds(amount: float) -> str:
    return f"£{amount:,.0f}"


def _times(number: float) -> str:
    return {1: "once", 2: "twice"}.get(int(number), f"{int(number)} times")


def _left(row: Row, _: Any) -> str:
    if row["detail"] & 4:
        return "Died."
    return "Moved to the care of another authority, out of sight here." if row["detail"] & 8 else "Turned eighteen, and is out of sight here."


def _placed(row: Row, _: Any) -> str:
    refusals = f", after {row['detail']} said no" if row["detail"] else ""
    far = f", {row['amount']:.0f} km from home" if row["amount"] >= 1.0 else ""
    return f"Placed in {_place(row['place'])}: {SETTINGS[row['cause']]}{far}{refusals}."


def _ended(row: Row, _: Any) -> str:
    how = {1: "broke down", 2: "was ended for a planned move", 3: "ended: remanded to custody"}.get(row["detail"], "ended")
    return f"The placement ({SETTINGS[row['cause']]}) {how} after {_days(row['amount'])}."


def _went(row: Row, _: Any) -> str:
    known = "reported to the police" if row["detail"] & POLICE else "not reported to the police"
    outside = f" from {_place(row['place'])}" if row["detail"] & OUTSIDE else ""
    return f"Went missing{outside}, {WHY_AWAY[row['cause']]}; {known}."


def _back(row: Row, _: Any) -> str:
    how = "Found by the police" if row["detail"] & FOUND else "Came back"
    return f"{how} after {_days(row['amount'])} away."


def _interview(row: Row, _: Any) -> str:
    waited = row["day"] - row["returned"]
    after = f" {'on the same day' if not waited else 'after ' + _days(waited)}" if row["returned"] else ""
    when = "within 72 hours" if row["detail"] & 1 else "later than 72 hours"
    said = "; it said something of what is done to it" if row["detail"] & 2 else ""
    return f"Return interview held{after}, {when}{said}."


def _recruited(row: Row, lines: Any) -> str:
    way = "forced by threats" if row["cause"] == THREAT else f"drawn in by {WAYS[row['cause']]}"
    debt = f"; gifts became a debt of {_pounds(row['amount'])}" if row["amount"] >= 1.0 else ""
    return f"First errand for {_line(row, lines)}: {way}{debt}."


def _groomed(row: Row, lines: Any) -> str:
    way = "by threats" if row["cause"] == THREAT else f"with {WAYS[row['cause']]}"
    return f"Groomed {way} by {_line(row, lines)}."


def _got_out(row: Row, lines: Any) -> str:
    if row["cause"] == IN_CUSTODY:
        return f"Away from {_line(row, lines)}, because locked up: not safe."
    return f"Got out of {_line(row, lines)}{', ' + RELEASES[row['cause']] if row['cause'] in RELEASES else ''}: safe for now."


def _history(row: Row, _: Any) -> str:
    past = PASTS[row["cause"]]
    return f"Before the first day: {past} {_times(row['amount'])}." if row["amount"] else f"Before the first day: {past}."


def _policy(row: Row, _: Any) -> str:
    title = policies_by_key().get(row["agent"])
    return f"Reached by a policy: {title}." if title else ""


def policies_by_key() -> dict[int, str]:
    """Key of each policy, as the ledger has it, to its title."""
    return {key_of("policy", name): kind.title for name, kind in every_policy().items()}


def _harmed(row: Row, _: Any) -> str:
    return f"While away: {HARM[KINDS[row['cause']]]}." if row["cause"] != DEATH else ""


SENTENCES: dict[Event, Callable[[Row, dict[int, tuple[int, int]]], str]] = {
    Event.ENTERED: lambda row, _: "Turned ten, and is in sight here.",
    Event.LEFT: _left,
    Event.ENTERED_CARE: lambda row, _: f"Came into the care of {_place(row['home'])}.",
    Event.PLACED: _placed,
    Event.PLACEMENT_ENDED: _ended,
    Event.LEFT_CARE: lambda row, _: "Left care, and lives at home.",
    Event.CRISIS: lambda row, _: f"A crisis begins; it will last {_days(row['amount'])}.",
    Event.WENT_MISSING: _went,
    Event.RETURNED: _back,
    Event.STILL_MISSING: lambda row, _: f"Still missing after {_days(row['amount'])} on turning eighteen.",
    Event.INTERVIEWED: _interview,
    Event.INTERVIEW_LAPSED: lambda row, _: "A return interview was agreed to, but nobody was free in time.",
    Event.SIGNAL: lambda row, _: f"A sign of exploitation is held by {_agency(row['cause'])}: {SIGNALS[row['detail']]}.",
    Event.IDENTIFIED: lambda row, _: f"Identified as exploited by {_agency(row['cause'])}{_after(row['amount'])}.",
    Event.ASSESSED: lambda row, _: "A social worker completed an assessment.",
    Event.HELPED: lambda row, _: "A specialist worker begins to help it to get out.",
    Event.APPROACHED: lambda row, lines: f"Approached by a recruiter of {_line(row, lines)}: {VENUES[row['cause']]}.",
    Event.GROOMED: _groomed,
    Event.LAPSED: lambda row, _: "The approach came to nothing.",
    Event.RECRUITED: _recruited,
    Event.DEBT_ROSE: lambda row, _: f"Debt rose by {_pounds(row['amount'])} ({SIZE[row['cause']]})." if row["amount"] >= 1.0 else "",
    Event.DEBT_REPAID: lambda row, _: f"Worked off {_pounds(row['amount'])} of the debt." if row["amount"] >= 1.0 else "",
    Event.BOUND: lambda row, _: f"Bound by a debt of {_pounds(row['amount'])}.",
    Event.TRIES_TO_GET_OUT: lambda row, _: "Tries to get out.",
    Event.PULLED_BACK: lambda row, lines: f"Pulled back by {_line(row, lines)}.",
    Event.GOT_OUT: _got_out,
    Event.DRAWN_BACK: lambda row, lines: f"Drawn back by {_line(row, lines)}.",
    Event.SETTLED: lambda row, _: "Out of the line's reach.",
    Event.PRESSED: lambda row, lines: f"Made by {_line(row, lines)} to take the place of a sibling or friend who got out.",
    Event.POLICY_REACHED: _policy,
    Event.ARRIVED: lambda row, _: "Came to England alone before the first day, and is looked after." if row["detail"] else "Came to England alone, and is looked after.",
    Event.HISTORY: _history,
    Event.SUSPENDED: lambda row, _: f"Suspended from school for {_days(row['amount'])}.",
    Event.EXCLUDED: lambda row, _: "Permanently excluded; goes to alternative provision.",
    Event.PART_TIME: lambda row, _: f"Put on a part-time timetable for {_days(row['amount'])}.",
    Event.ABSENT: lambda row, _: f"Persistently absent from school for {_days(row['amount'])}.",
    Event.BACK_AT_SCHOOL: lambda row, _: "Back at school.",
    Event.OTHERWISE_APPROACHED: lambda row, _: f"Approached by exploiters ({FORMS[row['cause']]}).",
    Event.OTHERWISE_EXPLOITED: lambda row, _: f"Exploited{' again' if row['detail'] else ''} ({FORMS[row['cause']]}).",
    Event.OTHERWISE_OUT: lambda row, _: f"Got out of exploitation ({FORMS[row['cause']]}) after {_days(row['amount'])}.",
    Event.HARMED: _harmed,
    Event.IN_HOSPITAL: lambda row, _: f"In hospital for {_days(row['amount'])}.",
    Event.DIED: lambda row, _: "",  # LEFT says it
    Event.ARRESTED: lambda row, _: f"{MET[row['cause']]}: a {RESPONSES[row['detail']]} response.",
    Event.REMANDED: lambda row, _: f"Remanded to custody for {_days(row['amount'])}.",
    Event.RELEASED: lambda row, _: "Released from custody.",
    Event.LATER_OFFENCE: lambda row, _: f"An offence is recorded against it, after a {RESPONSES[row['detail']]} response when it was exploited.",
    Event.TRUSTS: lambda row, _: "Has come to trust its worker.",
    Event.WORKER_CHANGED: lambda row, _: f"The worker changed ({WHY_CHANGED[row['cause']]}).",
    Event.PROMISE_BROKEN: lambda row, _: "A promise was broken, and trust with it.",
    Event.FORM_NAMED: lambda row, _: f"Recognised as exploited: {FORMS[row['cause']]}.",
    Event.REFERRED: lambda row, _: "Referred to the National Referral Mechanism.",
}
"""The sentence of each event that can happen to a child. "It" is the child: no name, no face."""


def _agency(number: int) -> str:
    name = AGENCIES[number]
    return "all agencies together" if name == "all together" else f"the {name}" if name == "police" else name


def _after(days: float) -> str:
    return f", {_days(days)} after the first approach" if days >= 1.0 else ""
