"""Sexual exploitation, and criminal exploitation that is not by a line: exploiters, stages and exits of their own."""

from sim.draws import key_of

from . import recruiting
from .chance import first_over
from .words import (
    BY_OTHERS,
    EXPLOITED,
    FORM_NAMES,
    GROOMING,
    MONTH,
    OTHERWISE_APPROACHED,
    OTHERWISE_EXPLOITED,
    OTHERWISE_OUT,
    OUT,
    SEXUALLY,
    YEAR,
)

GROUPS = {SEXUALLY: "sexual_exploitation", BY_OTHERS: "other_criminal"}  # of declared numbers
MAY_COME = {GROOMING: ("lapses", "starts"), EXPLOITED: ("gets out",), OUT: ("drawn back", "settles")}
AGEING_OUT = 1.0 / 24.0  # a month: about how soon an exploited child turns eighteen


class Exploiters:
    """Those who seek children for one form of exploitation in one authority, the more the poorer it is."""

    def __init__(self, england, form, place):
        authority = england.places[place]
        self.form, self.place, self.contacts = form, place, 0
        self.key = key_of("exploiters", FORM_NAMES[form], authority.code)
        need = authority.people * recruiting.deprivation(england, place) * england.fraction / 1000.0 / YEAR
        self.a_day = england.p(GROUPS[form]).approaches * need
        self.until_contact = 0.0


class Involvement:
    """A child's life with such exploiters: the stage, since when, and what is left of its patience with what may come."""

    def __init__(self, since):
        self.stage, self.since, self.spell, self.left = None, since, 0, {}


def begin(england):
    england.exploiters = [Exploiters(england, form, place) for form in GROUPS for place in england.inside]


def number_on_day_1(england, exploiters):
    """Contacts that keep the number of exploited children steady, all of them successes of the past."""
    p = england.p(GROUPS[exploiters.form])
    months = (1.0 + p.drawn_back / p.settles) / (p.gets_out + AGEING_OUT)  # exploited, of each child drawn in
    number = exploiters.a_day * MONTH * p.starts / (p.starts + p.lapses) * months
    return int(number) + (england.uniform("exploiters.day_1", exploiters.key) < number - int(number))


def weight(england, child, form):
    """How much likelier than another this form makes a child: by sex, and never one who is in it already."""
    if form in child.otherwise:
        return 0.0
    if form == SEXUALLY:
        return england.p("sexual_exploitation").boys if child.is_male else 1.0
    return 1.0 if child.is_male else england.p("other_criminal").girls


def is_exploited(child, form):
    """Today, not only groomed or out."""
    return form in child.otherwise and child.otherwise[form].stage == EXPLOITED


def approach(england, child, exploiters, on_day_1):
    """Exploiters have found a child: grooming begins, or on day 1 is long past."""
    form = exploiters.form
    child.times_otherwise[form] += 1
    child.otherwise[form] = Involvement(england.day)
    england.exploited_otherwise[child.key] = child
    england.tell(OTHERWISE_APPROACHED, child, cause=form, agent=exploiters.key, serial=child.times_otherwise[form])
    if on_day_1:
        england.tell(OTHERWISE_EXPLOITED, child, cause=form)
    set_stage(england, child, form, EXPLOITED if on_day_1 else GROOMING)


def set_stage(england, child, form, stage):
    """A child is in a new stage, or (None) out of reach."""
    england.news["other exploitation changed"].append(child)
    if stage is None:
        del child.otherwise[form]
        if not child.otherwise:
            del england.exploited_otherwise[child.key]
        return
    involvement = child.otherwise[form]
    involvement.stage, involvement.spell, involvement.left = stage, involvement.spell + 1, {}
    serial = child.times_otherwise[form] * 4096 + involvement.spell
    for cause in MAY_COME[stage]:
        involvement.left[cause] = england.exponential(f"{FORM_NAMES[form]}.{cause}", child.key, serial)


def hazard(england, child, form, cause):
    """Of what may come to a child in its stage [a day]."""
    p = england.p(GROUPS[form])
    if cause == "gets out":
        return p.gets_out / MONTH * child.lever("getting out of other exploitation")
    return {"lapses": p.lapses, "starts": p.starts, "drawn back": p.drawn_back, "settles": p.settles}[cause] / MONTH


def live(england):
    """The groomed are drawn in, exploited, get out, are drawn back."""
    for child in england.news["left"]:
        for form in list(child.otherwise):
            set_stage(england, child, form, None)
    for child in list(england.exploited_otherwise.values()):
        if not child.is_out_of_reach(england.day):
            for form, involvement in list(child.otherwise.items()):
                left = involvement.left
                cause = first_over(left, {cause: hazard(england, child, form, cause) for cause in left})
                if cause:
                    happen(england, child, form, cause)


def happen(england, child, form, cause):
    involvement = child.otherwise[form]
    if cause in ("starts", "drawn back"):
        england.tell(OTHERWISE_EXPLOITED, child, cause=form, detail=cause == "drawn back", serial=involvement.spell)
        involvement.since = england.day
        set_stage(england, child, form, EXPLOITED)
    elif cause == "gets out":
        england.tell(OTHERWISE_OUT, child, cause=form, serial=involvement.spell, amount=england.day - involvement.since)
        set_stage(england, child, form, OUT)
    else:
        set_stage(england, child, form, None)
