"""Police: how hard they search for missing children, and how they meet exploited ones: as a criminal, or as a child to be safeguarded."""

from . import care, exploitation, lines
from .people import hold
from .practice import Practice, uneven
from .words import (
    ARRESTED,
    AT_A_CLOSURE,
    AT_HOME,
    GETTING_OUT,
    IN_THE_STREET,
    LATER_OFFENCE,
    LINE,
    MONTH,
    NOT_INVOLVED,
    ON_A_LINE,
    ON_THE_LINE,
    RELEASED,
    REMANDED,
    YEAR,
)

CALM_DAYS = 90  # over which a missing unit's usual number of cases is averaged


class MissingUnit:
    """Those of a police force who look for missing children; `usual` is a slow average of their open cases."""

    def __init__(self):
        self.open_cases, self.usual = 0, 0.0


def begin(england):
    p = england.p("policing")
    england.units = {england.places[place].police_force: MissingUnit() for place in england.inside}
    england.criminal = Practice(uneven(england, "force.level", p.criminal, england.p("services").unevenness_of_practice))  # by home authority


# -- missing children -------------------------------------------------------------------------------------------------------


def count_cases(england):
    """The morning's list of missing children, by force."""
    for unit in england.units.values():
        unit.open_cases = 0
    for child in england.missing.values():
        england.units[england.places[child.authority].police_force].open_cases += child.episode.by_police
    for unit in england.units.values():
        unit.usual += (unit.open_cases - unit.usual) / min(max(england.day, 1), CALM_DAYS)


def grades_as_high_risk(england, child):
    """Children known to be exploited, and some others in care."""
    chance = england.p("policing").high_risk_in_care if child.setting != AT_HOME else 0.0
    return child.is_identified or england.uniform("policing.grade", child.key, child.episodes) < chance


def pace(england, child, is_high_risk):
    """How much longer a search takes where a force has more cases than it is staffed for; high risk is searched for more quickly."""
    p, unit = england.p("policing"), england.units[england.places[child.authority].police_force]
    load = max(1.0, unit.open_cases / max(1.0, unit.usual * p.staffed_for))
    return load * (p.high_risk_search if is_high_risk else 1.0)


# -- meeting exploited children ---------------------------------------------------------------------------------------------


def respond(england):
    """Police meet exploited children; offences are recorded later; who was remanded is released."""
    p = england.p("policing")
    for child, episode in england.news["returned"]:
        if episode.cause == LINE and episode.is_found and not episode.is_cut_short and child.stage in (*ON_A_LINE, GETTING_OUT):
            meet(england, child, episode.number, ON_THE_LINE)
    for child in england.news["line closed"]:
        is_there = not child.is_out_of_reach(england.day) or (child.is_missing and child.episode.cause == LINE)
        if child.stage == NOT_INVOLVED or not is_there:
            continue
        if england.uniform("policing.at_closure", child.key, child.involvement.line.key) < p.at_closure:
            meet(england, child, england.day, AT_A_CLOSURE)
            if child.is_missing:
                child.episode.cut_short(england.day)
    for child in [child for child in england.exploited.values() if child.stage in ON_A_LINE]:
        met = england.uniform("policing.street", child.key, england.day) < p.street / MONTH
        if met and not child.is_out_of_reach(england.day):
            meet(england, child, england.day, IN_THE_STREET)
    for child, is_criminal in england.later_offences.pop(england.day, ()):
        if child.is_present:
            england.tell(LATER_OFFENCE, child, detail=is_criminal)
    for child in england.releases.pop(england.day, ()):
        if child.is_present:
            england.tell(RELEASED, child)
            care.release_from_custody(england, child)


def meet(england, child, serial, where):
    """The response, and what follows: debt, a turning point, doubt, sometimes remand, an offence recorded later."""
    p, key, n = england.p("policing"), child.key, serial * 4 + where
    chance = england.criminal.at(child.authority) * (p.criminal_when_known if child.is_identified else 1.0)
    is_criminal = england.uniform("policing.response", key, n) < chance
    england.tell(ARRESTED, child, cause=where, detail=is_criminal, serial=serial)
    england.news["met by police"].append((child, is_criminal, n))
    lines.feel_pressure(england, child.involvement.line)
    if england.uniform("policing.seized", key, n) < (p.seized_criminal if is_criminal else p.seized_safeguarding):
        exploitation.seize(england, child, england.exponential("policing.seizure", key, n), n)
    hold(england, child, "getting out", by="met by police", at=p.turning_point, until=england.day + 30)
    if is_criminal and england.uniform("policing.trust_lost", key, n) < p.trust_lost:
        england.news["trust lost"].append(child)
    if is_criminal and england.uniform("policing.remand", key, n) < p.remand:
        remand(england, child, n)
    a_year = p.later_offence * (1.0 if is_criminal else p.later_after_safeguarding)
    days = 1.0 + england.exponential("policing.later", key, n) / a_year * YEAR
    if days <= 365.0:
        england.later_offences.setdefault(england.day + int(days), []).append((child, is_criminal))


def would_be_criminal(england, child, n, but_for):
    """Would police have answered today's meeting with the criminal law, had one policy left their practice alone?"""
    was_known = child.is_identified and child.identified_on < england.day
    chance = england.criminal.without(child.authority, but_for) * (england.p("policing").criminal_when_known if was_known else 1.0)
    return england.uniform("policing.response", child.key, n) < chance


def remand(england, child, n):
    """To custody, for some time: not a child who is away or in hospital, nor one who was remanded already today."""
    if child.is_out_of_reach(england.day):
        return
    days = 1 + int(england.exponential("policing.remand_days", child.key, n) * england.p("policing").remand_days)
    england.tell(REMANDED, child, amount=days, serial=n)
    exploitation.lose_position(england, child)
    care.take_into_custody(england, child)
    england.releases.setdefault(england.day + days, []).append(child)
