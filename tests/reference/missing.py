"""Missing episodes: why they begin, how long they last, who records them, how they end."""

from math import ceil, exp, inf

from . import otherwise, police
from .chance import first_over
from .distance import is_far
from .people import hold, restlessness
from .practice import Practice
from .words import (
    AT_HOME,
    AUTHORITY,
    CHILDRENS_HOME,
    CONFLICT,
    CRISIS,
    CUSTODY,
    DEBT,
    FAMILY,
    FOSTER,
    FOUND,
    GETTING_OUT,
    HIGH_RISK,
    KINSHIP,
    LINE,
    LOOKED_AFTER,
    MONTH,
    OLDER,
    ON_A_LINE,
    OTHER,
    OUTSIDE,
    OVERNIGHT,
    POLICE,
    RETURNED,
    SECURE,
    SEXUAL,
    SEXUALLY,
    SPECIALIST_FOSTER,
    STILL_MISSING,
    SUPPORTED,
    WENT_MISSING,
    WITH_PARENTS,
    YEAR,
)

OVERNIGHT_DAYS = 0.4  # an absence of so many days includes a night
PULLS = {FAMILY: "missing.family", LINE: "missing.line", DEBT: "missing.debt", SEXUAL: "missing.sexual"}


class Episode:
    """One episode. How long, who records it, whether the child is found: looked up as it begins, known to nobody yet."""

    def __init__(self, england, child, cause):
        r, key, n = england.p("reporting"), child.key, child.episodes
        on_line, in_care = cause == LINE, child.setting != AT_HOME
        self.cause, self.number, self.began = cause, n, england.day
        self.by_police = self.by_authority = self.is_found = False
        self.in_care, self.is_older = in_care, child.age_on(england.day) >= 16
        longer = england.p("duration").unaccompanied if child.is_unaccompanied else 1.0
        self.days = duration(england, cause, england.exponential("missing.duration", key, n)) * longer
        self.is_high_risk = police.grades_as_high_risk(england, child)
        if in_care:
            odds, delay = r.care_police * (r.line_care if on_line else 1.0), r.delay_care
            noted = r.care_authority * england.recording.at(child.authority) * (r.line_care if on_line else 1.0)
            self.by_authority = england.uniform("reporting.authority", key, n) < noted
        else:
            odds, delay = r.home * (r.line_home if on_line else 1.0) * (r.worker if child.worker else 1.0), r.delay_home
        if child.is_identified:  # those who know report more, and sooner
            odds, delay = odds * r.known, delay * r.known_sooner
        by_habit = not in_care and england.uniform("reporting.habit", key, n) < r.habit  # families who report do so again
        u = england.uniform("reporting.family", key) if by_habit else england.uniform("reporting.police", key, n)
        reported_after = england.exponential("reporting.delay", key, n) * delay
        if reported_after < self.days and u < odds:
            self.by_police = True
            search = (r.search_line if on_line else r.search) * police.pace(england, child, self.is_high_risk)
            found_after = reported_after + england.exponential("police.search", key, n) * search
            if found_after < self.days:
                self.days, self.is_found = found_after, True
        self.ends = england.day + max(1, ceil(self.days))
        self.is_outside = england.where_lives(child) != child.authority
        self.is_cut_short = False

    def cut_short(self, day):
        """Police have met the child where it is: it is back in the morning, and found, if anybody had reported it."""
        self.days, self.ends = min(self.days, day - self.began + 0.5), day + 1
        self.is_cut_short, self.is_found = True, self.is_found or self.by_police

    @property
    def detail(self):
        """What is noted of it, found or not apart."""
        return (
            POLICE * self.by_police + AUTHORITY * self.by_authority + OVERNIGHT * (self.days >= OVERNIGHT_DAYS)
            + LOOKED_AFTER * self.in_care + OLDER * self.is_older + HIGH_RISK * (self.by_police and self.is_high_risk)
            + OUTSIDE * self.is_outside
        )  # fmt: skip


def duration(england, cause, e):
    """Days away if nobody finds the child: Lomax, whose chance of lasting past x is (1 + x/scale)^-tail."""
    p = england.p("duration")
    median = {CONFLICT: p.conflict, FAMILY: p.family, LINE: p.line, DEBT: p.debt, SEXUAL: p.sexual}[cause]
    tail = p.line_tail if cause == LINE else p.tail
    scale = median / (2.0 ** (1.0 / tail) - 1.0)
    return scale * (exp(e / tail) - 1.0)


def rates(england):
    """A day, for a multiplier of 1: of going missing over conflict, by setting and age band; of a crisis beginning, by setting."""
    p = england.p("missing")
    times_foster = {
        FOSTER: 1.0, SPECIALIST_FOSTER: 1.0, KINSHIP: p.in_kinship, CHILDRENS_HOME: p.in_home, SECURE: p.in_secure,
        SUPPORTED: p.in_supported, WITH_PARENTS: p.with_parents, OTHER: p.in_other, CUSTODY: 0.0,
    }  # fmt: skip
    by_age = (p.at_10_12, 1.0, p.at_15, p.at_16_17)
    of_setting = {AT_HOME: p.at_home} | {setting: p.in_foster * times for setting, times in times_foster.items()}
    conflict = {setting: [rate * age / YEAR for age in by_age] for setting, rate in of_setting.items()}
    return conflict, {setting: (p.crises_home if setting == AT_HOME else p.crises_care) / YEAR for setting in of_setting}


# -- day 1 and arrivals ---------------------------------------------------------------------------------------------------


def begin(england):
    england.conflict_rates, england.crisis_rates = rates(england)
    least = england.p("reporting").practice_least
    england.recording = Practice([least + (1.0 - least) * england.uniform("authority.practice", place.key) for place in england.places])
    for child in england.present:
        come_into_the_world(england, child)


def come_into_the_world(england, child):
    child.restlessness = restlessness(england, child)
    child.conflict_left = england.exponential("missing.conflict", child.key)
    child.crisis_left = england.exponential("missing.crisis", child.key)


def begin_pulls(england):
    """Day 1: what pulls looked-after and exploited children away is at work."""
    for child in england.news["placed"] + england.news["stage changed"]:
        feel_pulls(england, child)


# -- the day --------------------------------------------------------------------------------------------------------------


def end_episodes(england):
    """Children return or are found; those who turned eighteen pass out of sight."""
    for child in england.news["entered"] + england.news["arrived"]:
        come_into_the_world(england, child)
    for child in england.news["setting changed"]:
        if child.is_present:
            child.restlessness = restlessness(england, child)  # whoever enters or leaves care goes missing at another rate
            holds = child.holds.get("going missing", {})
            if "crisis" in holds:
                holds["crisis"] = (factor_of_crisis(england, child), holds["crisis"][1])
    for child in england.news["left"]:
        pass_out_of_sight(england, child)
    for child in list(england.missing.values()):
        if child.episode.ends == england.day:
            come_back(england, child)


def pass_out_of_sight(england, child):
    if child.episode:
        england.tell(
            STILL_MISSING, child, cause=child.episode.cause, detail=child.episode.detail + FOUND * child.episode.is_found,
            amount=england.day - child.episode.began, serial=child.episode.number,
        )  # fmt: skip
        del england.missing[child.key]
    child.episode, child.conflict_left, child.crisis_left, child.pulls, child.pull_spells = None, inf, inf, {}, {}


def come_back(england, child):
    """The wait for the next episode by the same cause begins anew, waits for the others go on; the weeks after carry a rise."""
    p, episode, child.episode = england.p("missing"), child.episode, None
    del england.missing[child.key]
    england.tell(
        RETURNED, child, cause=episode.cause, detail=episode.detail + FOUND * episode.is_found, amount=episode.days,
        serial=episode.number, place=england.where_lives(child),
    )  # fmt: skip
    england.news["returned"].append((child, episode))
    if episode.cause == CONFLICT:
        child.conflict_spells += 1
        child.conflict_left = england.exponential("missing.conflict", child.key, child.conflict_spells)
    elif pull_hazard(england, child, episode.cause) > 0.0:
        begin_pull(england, child, episode.cause)
    hold(england, child, "going missing", by="rise after return", at=p.rise_after_return, until=england.day + p.rise_days)


def begin_episodes(england):
    """Crises begin; children go missing over conflict, to family or friends, on a line, over debt or fear, with sexual exploiters.

    The hazard of conflict: by setting and age, times the child's lasting difference, times crisis, rise after a return and policies. Over
    conflict a child in hospital goes as soon as it is out.
    """
    for what in ("setting changed", "stage changed", "other exploitation changed"):
        for child in england.news[what]:
            if child.is_present:
                feel_pulls(england, child)
    england.ask(live_with_crises_and_conflict)


def live_with_crises_and_conflict(england, child):
    """A day of a child: a crisis may begin, and it may go missing."""
    child.crisis_left -= england.crisis_rates[child.setting] * child.strain
    if child.crisis_left <= 0.0:
        fall_into_crisis(england, child)
    if child.episode:
        return
    is_out_of_reach = child.is_out_of_reach(england.day)
    if child.pulls and not is_out_of_reach:
        pull = first_over(child.pulls, {cause: pull_hazard(england, child, cause) for cause in child.pulls})
        if pull is not None:
            go_missing(england, child, pull)
            return
    hazard = england.conflict_rates[child.setting][child.band] * child.restlessness
    child.conflict_left -= hazard * child.lever("going missing") if child.holds else hazard
    if child.conflict_left <= 0.0:
        child.conflict_left = 0.0 if is_out_of_reach else inf
        if not is_out_of_reach:
            go_missing(england, child, CONFLICT)


def fall_into_crisis(england, child):
    """A crisis multiplies the hazards of going missing until it ends by itself."""
    p = england.p("missing")
    days = 1 + int(england.exponential("missing.crisis_days", child.key, child.crises) * p.crisis_days)
    england.tell(CRISIS, child, amount=days, serial=child.crises)
    hold(england, child, "going missing", by="crisis", at=factor_of_crisis(england, child), until=england.day + days)
    child.crises += 1
    child.crisis_left = england.exponential("missing.crisis", child.key, child.crises)


def factor_of_crisis(england, child):
    return england.p("missing").crisis_factor_home if child.setting == AT_HOME else england.p("missing").crisis_factor


def go_missing(england, child, cause):
    child.episodes += 1
    child.episode = Episode(england, child, cause)
    england.missing[child.key] = child
    england.tell(WENT_MISSING, child, cause=cause, detail=child.episode.detail, place=england.where_lives(child), serial=child.episode.number)


# -- what pulls a child away ----------------------------------------------------------------------------------------------


def pull_hazard(england, child, cause):
    """Of going missing to family or friends, on a line that runs, over debt or fear, with sexual exploiters [a day]."""
    p, involvement = england.p("missing"), child.involvement
    if cause == FAMILY and child.setting not in (AT_HOME, WITH_PARENTS, SECURE, CUSTODY):
        far = p.family_when_far if is_far(child) else 1.0
        return p.family / YEAR * child.restlessness * far * child.lever("going missing")
    if cause == LINE and child.stage in ON_A_LINE and involvement.line.is_open:
        return p.stays / MONTH * child.lever("contact with the line")
    if cause == DEBT and child.stage in (*ON_A_LINE, GETTING_OUT):
        weight = min(involvement.debt / england.p("exploitation").holds, 3.0) + involvement.fear
        leaving = p.fear_of_leaving if child.stage == GETTING_OUT else 1.0
        return p.debt_rate / YEAR * weight * leaving * child.lever("going missing")
    if cause == SEXUAL and otherwise.is_exploited(child, SEXUALLY):
        return p.sexual / MONTH * child.lever("contact with sexual exploiters")
    return 0.0


def feel_pulls(england, child):
    """What pulls a child away has changed with its placement, stage or debt: what pulls for the first time begins to."""
    for cause in PULLS:
        if cause not in child.pulls and pull_hazard(england, child, cause) > 0.0:
            begin_pull(england, child, cause)


def begin_pull(england, child, cause):
    child.pull_spells[cause] = child.pull_spells.get(cause, 0) + 1
    child.pulls[cause] = england.exponential(PULLS[cause], child.key, child.pull_spells[cause])
