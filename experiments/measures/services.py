"""Identification, response, interviews, trust"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.measures.care import last_count
from experiments.measures.exploitation import OTHER_FORMS, exploited, of_form
from experiments.measures.registry import as_name, mean, measure, median, ratio
from experiments.measures.story import AUTHORITY, POLICE, Columns, Story, Timeline, Window, in_order_of_children, some
from sim.ledger import Event
from sim.policing import CRIMINAL, WHERE
from sim.population import BY_A_LINE
from sim.relationships import WHY_CHANGED
from sim.services import AGENCIES, FACTORS

IN_TIME, DISCLOSED = 1, 2  # bits of `detail` of an interview
FORMS = {BY_A_LINE: "exploited by a line", **OTHER_FORMS}

# -- identification ------------------------------------------------------------------------------------------------------------------


@measure("children", "exploited children identified", better="more")
def children_identified(story, window):
    """Children whose exploitation some agency recognised in the window."""
    return story.children(Event.IDENTIFIED, window)


for _number, _agency in enumerate(AGENCIES):
    measure(
        "children", f"children identified by {_agency}", name=f"identified_by_{as_name(_agency)}",
        definition=f"Children whose exploitation was recognised in the window from what {_agency} knew.",
    )(lambda story, window, agency=_number: int((story.of(Event.IDENTIFIED, window)["cause"] == agency).sum()))  # fmt: skip


def share_identified(story: Story, window: Window, form: int | None) -> float:
    """Of the children exploited in a form (or any) on some day of a window, those identified by its end."""
    known = story.of(Event.IDENTIFIED)
    return mean(np.isin(exploited(story, window, form), known["child"][known["day"] <= window.last]))


@measure("share of children", "exploited children who are identified", better="more")
def identified_share(story, window):
    """Of the children exploited in any form on some day of the window, those whose exploitation some agency had recognised by its end."""
    return share_identified(story, window, None)


for _form, _label in FORMS.items():
    measure(
        "share of children", f"children {_label} who are identified", better="more", name=f"identified_share_{as_name(_label)}",
        definition=f"Of the children {_label} on some day of the window, those whose exploitation some agency had recognised by its end.",
    )(lambda story, window, form=_form: share_identified(story, window, form))  # fmt: skip
    measure(
        "children", f"children recognised as {_label}", name=f"recognised_{as_name(_label)}",
        definition=f"Children whom some agency recognised in the window as {_label}.",
    )(lambda story, window, form=_form: len(np.unique(of_form(story, Event.FORM_NAMED, form, window)["child"])))  # fmt: skip


@measure("days", "delay of identification, of children on lines", better="fewer")
def identification_delay(story, window):
    """Median days from the first approach by the line to identification, of the children recognised in the window as exploited by a line."""
    known, by_a_line = story.of(Event.IDENTIFIED, window), of_form(story, Event.FORM_NAMED, BY_A_LINE, window)
    return median(known["amount"][np.isin(known["child"], by_a_line["child"])])


for _form, _label in OTHER_FORMS.items():
    measure(
        "days", f"delay of identification, of children {_label}", better="fewer", name=f"identification_delay_{as_name(_label)}",
        definition=f"Median days from the last approach before it to identification, of the children recognised in the window as {_label}.",
    )(lambda story, window, form=_form: median(_days_since_approach(story, window, form)))  # fmt: skip


def _days_since_approach(story: Story, window: Window, form: int) -> NDArray[np.int64]:
    named = of_form(story, Event.FORM_NAMED, form, window)
    approached = in_order_of_children(of_form(story, Event.OTHERWISE_APPROACHED, form))
    days = approached["day"].astype(np.int64)
    last = Timeline(approached["child"], days).last(named["child"], named["day"].astype(np.int64))
    return named["day"][last >= 0] - days[last[last >= 0]]


for _number, _agency in enumerate(AGENCIES[:-1]):
    measure(
        "signals", f"signals of exploitation held by {_agency}", name=f"signals_{as_name(_agency)}",
        definition=f"Signals of a child's exploitation that came to {_agency} in the window.",
    )(lambda story, window, agency=_number: int((story.of(Event.SIGNAL, window)["cause"] == agency).sum()))  # fmt: skip


@measure("assessments", "assessments")
def assessments(story, window):
    """Assessments that social work completed in the window for exploitation or going missing; a child may have several."""
    return story.number(Event.ASSESSED, window)


OFFICIAL_FACTORS = dict(zip(FACTORS, ("K111", "K110", "K112", "K113"), strict=True))
for _bit, _factor in FACTORS.items():
    measure(
        "assessments", f"assessments naming {_factor}", name=f"assessments_{as_name(_factor)}", official=OFFICIAL_FACTORS[_bit],
        definition=f"Assessments completed in the window that name {_factor}; assessments, not children, and ages 10 to 17 (the table: 0 to 17).",
    )(lambda story, window, bit=_bit: int(((story.of(Event.ASSESSED, window)["detail"] & bit) > 0).sum()))  # fmt: skip


@measure("referrals", "referrals to the National Referral Mechanism because of a line", official="K150;K151;K152")
def nrm_referrals(story, window):
    """Referrals of children to the National Referral Mechanism in the window, flagged as county lines (the published count is of all ages and the United Kingdom)."""
    return len(of_form(story, Event.REFERRED, BY_A_LINE, window)["day"])


@measure("share of referrals", "boys among those referred", official="K153")
def nrm_boys(story, window):
    """Of the children referred because of a line in the window, the share who are boys."""
    return mean(story.people.is_male[story.people.at(of_form(story, Event.REFERRED, BY_A_LINE, window)["child"])])


@measure("times", "children who begin to be helped to get out", better="more")
def helped(story, window):
    """How often in the window a worker began to support a child to get out."""
    return story.number(Event.HELPED, window)


@measure("children", "children being helped to get out")
def being_helped(story, window):
    """Children whom the specialist teams support, on an average day."""
    return story.stock("helped", window)


@measure("children", "children waiting for help", better="fewer")
def waiting_for_help(story, window):
    """Children who wait for a place with a specialist team, on an average day."""
    return story.stock("waiting_for_help", window)


# -- return interviews ---------------------------------------------------------------------------------------------------------------


def _kept(story: Story, event: Event, window: Window, bit: int) -> int:
    return int(((story.of(event, window)["detail"] & bit) > 0).sum())


@measure("interviews", "return interviews held")
def interviews(story, window):
    """Return interviews held in the window."""
    return story.number(Event.INTERVIEWED, window)


@measure("share of interviews", "interviews within 72 hours", better="more", official="rhi_72h_2024")
def interviews_within_72h(story, window):
    """Share of the return interviews held in the window that came within 72 hours of the return."""
    return ratio(_kept(story, Event.INTERVIEWED, window, IN_TIME), interviews(story, window))


@measure("interviews", "return interviews that lapsed", better="fewer")
def interviews_lapsed(story, window):
    """Return interviews offered and accepted for which no interviewer was free in time."""
    return story.number(Event.INTERVIEW_LAPSED, window)


def returns_in_a_record(story: Story, window: Window) -> tuple[Columns, NDArray[np.bool_]]:
    """Returns of the window from recorded episodes, and whether an interview followed, then or later in the run."""

    def make() -> tuple[Columns, NDArray[np.bool_]]:
        back, held = story.of(Event.RETURNED, window), story.of(Event.INTERVIEWED)
        back = some(back, (back["detail"] & (POLICE | AUTHORITY)) > 0)
        return back, np.isin(_episode(back), _episode(held))

    return story.keep(("returns in a record", window), make)


def _episode(rows: Columns) -> NDArray[np.uint64]:
    """A key of each row's episode."""
    return rows["child"] + rows["serial"].astype(np.uint64)


@measure("share of episodes", "recorded episodes followed by a return interview", better="more", official="rhi_episodes_2019")
def interviewed(story, window):
    """Of the recorded episodes that ended in the window, those after which a return interview was held, however late."""
    return mean(returns_in_a_record(story, window)[1])


@measure("disclosures", "disclosures in return interviews", better="more")
def disclosures(story, window):
    """Return interviews held in the window in which an exploited child said something of it."""
    return _kept(story, Event.INTERVIEWED, window, DISCLOSED)


@measure("share of interviews", "interviews in which something is disclosed", better="more")
def disclosure_share(story, window):
    """Share of the return interviews held in the window in which an exploited child said something of it; most children interviewed are not exploited."""
    return ratio(disclosures(story, window), interviews(story, window))


@measure("share of interviews", "interviews of exploited children in which something is disclosed", better="more")
def disclosure_share_of_exploited(story, window):
    """Of the return interviews held in the window with children exploited in any form that day, those in which something of it was said."""
    rows = story.of(Event.INTERVIEWED, window)
    spells = [story.on_a_line, *(story.otherwise_exploited(form) for form in OTHER_FORMS)]
    inside = np.any([each.on(rows["child"], rows["day"].astype(np.int64)) for each in spells], axis=0)
    return mean((rows["detail"][inside] & DISCLOSED) > 0)


# -- police --------------------------------------------------------------------------------------------------------------------------


@measure("times", "exploited children met by police")
def met_by_police(story, window):
    """How often in the window police met a child as one who works a line."""
    return story.number(Event.ARRESTED, window)


for _number, _where in enumerate(WHERE):
    measure(
        "times", f"children met by police, {_where}", name=f"met_{as_name(_where)}",
        definition=f"How often in the window police met a child who works a line, {_where}.",
    )(lambda story, window, where=_number: int((story.of(Event.ARRESTED, window)["cause"] == where).sum()))  # fmt: skip


@measure("share of those met", "criminal responses", better="fewer")
def criminal_response(story, window):
    """Of the times in the window that police met a child who works a line, those that they answered with the criminal law and not by safeguarding it."""
    return mean(story.of(Event.ARRESTED, window)["detail"] == CRIMINAL)


@measure("children for each line", "children met by police for each line closed")
def children_per_closed_line(story, window):
    """Children whom police met when a line was closed, over the lines closed in the window, by police or by themselves."""
    rows = story.of(Event.ARRESTED, window)
    return ratio(int((rows["cause"] == WHERE.index("when a line was closed")).sum()), story.number(Event.LINE_CLOSED, window))


@measure("times", "offences recorded later", better="fewer")
def later_offences(story, window):
    """How often in the window an offence was recorded against a child whom police had met as exploited in the year before."""
    return story.number(Event.LATER_OFFENCE, window)


@measure("times", "remands to custody", better="fewer")
def remands(story, window):
    """How often in the window a child was remanded to custody."""
    return story.number(Event.REMANDED, window)


@measure("child-days", "days in custody", better="fewer")
def days_in_custody(story, window):
    """Child-days in custody on remand; they are not days safe."""
    return story.child_days("in_custody", window)


# -- trust ---------------------------------------------------------------------------------------------------------------------------


@measure("children", "children who trust their worker", better="more")
def children_trusting(story, window):
    """Children who have come to trust the worker they have, on an average day."""
    return story.stock("trusting", window)


@measure("times", "children coming to trust a worker", better="more")
def came_to_trust(story, window):
    """How often in the window a child came to trust its worker."""
    return story.number(Event.TRUSTS, window)


@measure("times", "promises broken", better="fewer")
def promises_broken(story, window):
    """How often in the window a promise to a child was broken and trust lost with it."""
    return story.number(Event.PROMISE_BROKEN, window)


@measure("share of looked-after children", "looked after on 31 March: three or more workers in the year", better="fewer", official="sw_3plus_2024")
def three_or_more_workers(story, window):
    """Of the children aged 10 to 17 looked after on the last 31 March of the window, those who had three or more workers in the year to it (the table: ages 0 to 17)."""
    march = last_count(story, window)["day"]
    if not len(march):
        return float("nan")
    last, year_before = int(march[0]), int(march[0]) - 365
    children = story.in_care.where((story.in_care.start <= last) & (story.in_care.end > last)).child
    began = [story.of(event, Window(year_before + 1, last))["child"] for event in (Event.ENTERED_CARE, Event.WORKER_CHANGED)]
    workers = story.in_care.on(children, year_before).astype(np.int64)  # the one whom a child had when the year began
    for who in began:
        child, number = np.unique(who, return_counts=True)
        mine = np.isin(children, child)
        workers[mine] += number[np.searchsorted(child, children[mine])]
    return mean(workers >= 3)


@measure("changes a child-year", "changes of worker", better="fewer")
def changes_of_worker(story, window):
    """Changes of worker in the window for each year that a child was looked after."""
    return ratio(story.number(Event.WORKER_CHANGED, window), story.child_days("looked_after", window), 365.25)


for _number, _why in enumerate(WHY_CHANGED):
    measure(
        "times", f"changes of worker: {_why}", name=f"worker_changed_{as_name(_why)}",
        definition=f"How often in the window a child got another worker because of: {_why}.",
    )(lambda story, window, why=_number: int((story.of(Event.WORKER_CHANGED, window)["cause"] == why).sum()))  # fmt: skip
