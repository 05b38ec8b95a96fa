"""Services: signals of exploitation and who holds them, return interviews, identification, assessment, help to get out."""

from math import floor, log

from sim.dates import is_working_day

from .otherwise import is_exploited
from .people import hold
from .practice import Practice, uneven
from .words import (
    AGENCY_NAMES,
    ALL,
    ASSESSED,
    AT_HOME,
    BOUND,
    BY_A_LINE,
    BY_OTHERS,
    CRIMINAL_FACTOR,
    DISCLOSURE,
    EDUCATION,
    EPISODE,
    FORM_NAMED,
    GANG_FACTOR,
    GETTING_OUT,
    GROOMED,
    HEALTH,
    HELPED,
    HOSPITAL_SAW,
    IDENTIFIED,
    INTELLIGENCE,
    INTERVIEW_LAPSED,
    INTERVIEWED,
    MET,
    MISSING_FACTOR,
    MONTH,
    NOT_INVOLVED,
    ON_A_LINE,
    POLICE_FORCE,
    REFERRED,
    SCHOOL_SAW,
    SEXUAL_FACTOR,
    SEXUALLY,
    SIGNAL,
    SIGNAL_NAMES,
    SOCIAL_CARE,
    WORKING,
    YEAR,
)

WAITING_DAYS = 14  # an interview that has not been held by then lapses
IN_TIME = 3  # days, 72 hours
MOST = 255  # signals that are counted


class InterviewTeam:
    """The return interviewers of an authority."""

    def __init__(self, england, place):
        self.place, self.queue, self.credit = place, [], 0.0
        self.usual_a_day = england.p("services").interviewers * thousands_looked_after(england, place)


class SpecialistTeam:
    """Those of an authority who help exploited children to get out: so many at a time."""

    def __init__(self, england, place):
        self.place, self.queue, self.helping = place, [], set()
        self.usual_places = max(1.0, england.p("services").help_places * thousands_looked_after(england, place))


class Interview:
    """An interview that was accepted. Looked-after children come first, then a lot decides. `by`: the policy that offered it."""

    def __init__(self, england, child, episode, by):
        wait = england.exponential("services.arranging", child.key, episode.number) * england.p("services").arranging
        self.turn = (0 if episode.in_care else 1, england.uniform("services.lot", child.key, episode.number), child.key)
        self.child, self.episode, self.by = child, episode, by
        self.returned_on, self.earliest = england.day, england.day + 1 + int(wait)


def thousands_looked_after(england, place):
    return england.places[place].looked_after_10_17 * england.fraction / 1000.0


def begin(england):
    p, everywhere = england.p("services"), len(england.places)
    england.teams = {place: InterviewTeam(england, place) for place in england.inside}
    england.specialists = {place: SpecialistTeam(england, place) for place in england.inside}
    england.offered = Practice(uneven(england, "authority.level", p.offered, p.unevenness_of_practice))
    england.shared = Practice(uneven(england, "authority.level", p.shared, p.unevenness_of_practice))
    england.attention = Practice([1.0] * everywhere)  # how often agencies see a sign, against today
    england.interviewers, england.help_places = Practice([1.0] * everywhere), Practice([1.0] * everywhere)


def respond(england):
    """What happened becomes signals; signals are shared; interviews are offered and held; children are identified, assessed, helped."""
    p, news = england.p("services"), england.news
    for child, episode in news["returned"]:
        see_episode(england, child, episode)
    for child, _, n in news["met by police"]:
        see(england, child, n, POLICE_FORCE, MET, p.met_seen)
    for child in news["put out of school"]:
        see(england, child, child.suspensions, EDUCATION, SCHOOL_SAW, p.school_sees)
    for child in news["in hospital"]:
        see(england, child, child.episodes, HEALTH, HOSPITAL_SAW, p.hospital_sees)
    hear(england)
    pool(england)
    for child, episode in news["returned"]:
        if episode.by_police or episode.by_authority:
            offer(england, child, episode)
            refer_because_missing(england, child, episode)
    for team in england.teams.values():
        let_lapse(england, team)
        if is_working_day(england.day):
            hold_interviews(england, team)
    for child in {child.key: child for child in england.assessments_due.pop(england.day, [])}.values():
        if child.is_present and child.is_exploited:
            assess(england, child)
    help_to_get_out(england)


# -- what agencies see ------------------------------------------------------------------------------------------------------


def see_episode(england, child, episode):
    """Each agency that knew of the episode may see a sign of exploitation in it."""
    for knew, agency in ((episode.by_police, POLICE_FORCE), (episode.by_authority, SOCIAL_CARE)):
        if knew:
            see(england, child, episode.number, agency, EPISODE, england.p("services").episode_seen)


def see(england, child, n, agency, kind, chance):
    """An agency may see a sign of exploitation in what happened to a child."""
    if child.is_exploited:
        chance *= england.attention.at(child.authority)
        if england.uniform(f"services.{AGENCY_NAMES[agency]} sees {SIGNAL_NAMES[kind]}", child.key, n) < chance:
            signal(england, child, agency, kind)


def hear(england):
    """Somebody tells the police of a child who is being exploited."""
    for child in list((england.exploited | england.exploited_otherwise).values()):
        if child.stage in ON_A_LINE or is_exploited(child, SEXUALLY) or is_exploited(child, BY_OTHERS):
            chance = england.p("services").intelligence / MONTH
            if england.uniform("services.intelligence", child.key, england.day) < chance:
                signal(england, child, POLICE_FORCE, INTELLIGENCE)


# -- signals and identification -------------------------------------------------------------------------------------------


def signal(england, child, agency, kind):
    """An agency holds one more signal about a child; it may be shared, and it may be enough."""
    child.signals[agency] = number = min(child.signals[agency] + 1, MOST)
    england.tell(SIGNAL, child, cause=agency, detail=kind, serial=number)
    england.news["signal"].append((child, agency, kind, number))
    if england.uniform(f"services.shared by {AGENCY_NAMES[agency]}", child.key, number) < england.shared.at(child.authority):
        share(england, child, agency, number, england.p("services").sharing_days, by="services")
    identify_if_enough(england, child, number, agency)


def share(england, child, agency, number, mean_days, by):
    """An agency's signal becomes known to all agencies, tomorrow at the soonest. It counts once, whoever shares it and however often."""
    if england.p("services").needs_pooling:
        days = int(england.exponential(f"{by}.sharing", child.key, number * 4 + agency) * mean_days)
        england.sharing.setdefault(england.day + max(days, 1), []).append((child, agency, number))


def pool(england):
    """What is shared today is known to all."""
    learnt = {}
    for what in england.sharing.pop(england.day, ()):
        if what not in england.known_to_all:
            england.known_to_all.add(what)
            learnt[what[0]] = learnt.get(what[0], 0) + 1
    for child, signals in learnt.items():
        if child.is_present:
            child.signals_known_to_all = min(child.signals_known_to_all + signals, MOST)
            identify_if_enough(england, child, child.signals_known_to_all, ALL)


def signals_needed(england, child):
    """How many signals it takes: drawn once a child; more for girls on lines and sexually exploited boys, who are less believed."""
    p, believed = england.p("services"), 0.1
    if child.stage != NOT_INVOLVED:
        believed = max(believed, 1.0 if child.is_male else p.girls_on_lines)
    if SEXUALLY in child.otherwise:
        believed = max(believed, p.boys_sexually if child.is_male else 1.0)
    if BY_OTHERS in child.otherwise:
        believed = max(believed, p.otherwise)
    return 1 + floor(england.exponential("services.needed", child.key) / -log(1.0 - p.recognised * believed))


def identify_if_enough(england, child, number, agency):
    """The signals of one agency, or those that all know, are as many as the child needs."""
    if not child.is_identified and child.is_exploited and number >= signals_needed(england, child):
        identify(england, child, agency)


def identify(england, child, agency):
    """Exploitation is recognised, and named; social work assesses, the specialist team may help, the child may be taken into care."""
    p, key = england.p("services"), child.key
    child.identified_on = england.day
    england.news["identified"].append(child)
    england.tell(IDENTIFIED, child, cause=agency, amount=england.day - child.involvement.since if child.involvement else 0)
    forms = [BY_A_LINE] if child.stage != NOT_INVOLVED else []
    for form in (*forms, *child.otherwise):
        england.tell(FORM_NAMED, child, cause=form, detail=agency)
    if SEXUALLY in child.otherwise:
        england.news["named sexual"].append(child)
    if forms and england.uniform("services.referred", key) < p.referred:
        england.tell(REFERRED, child, cause=BY_A_LINE)
    if child.setting == AT_HOME:
        hold(england, child, "entering care", by="identified", at=p.enters_care, until=england.day + p.enters_care_days)
    if england.uniform("services.assessed", key) < p.assessed:
        assess(england, child)
    if england.uniform("services.helped", key) < p.helped:
        need = 0 if child.stage in (WORKING, BOUND, GETTING_OUT) else 1 if child.stage == GROOMED else 2
        turn = (need, england.uniform("services.help_lot", key), key)
        england.specialists[child.authority].queue.append((turn, child))


# -- return interviews ----------------------------------------------------------------------------------------------------


def offer(england, child, episode):
    """A return interview is offered after a recorded episode, less often where two authorities are needed."""
    away = england.where_lives(child) != child.authority
    chance = england.offered.at(child.authority) * (england.p("services").offered_outside if away else 1.0)
    if england.uniform("services.offered", child.key, episode.number) < chance:
        arrange(england, child, episode, by="")
    else:
        england.news["not offered"].append((child, episode))


def arrange(england, child, episode, by):
    """Those who accept wait for an interviewer of their responsible authority."""
    if england.uniform("services.accepted", child.key, episode.number) < england.p("services").accepted:
        england.teams[child.authority].queue.append(Interview(england, child, episode, by))


def hold_interviews(england, team):
    """Interviews are held as far as capacity goes; one whose child is away again waits."""
    a_day = team.usual_a_day * england.interviewers.at(team.place)
    team.credit = min(team.credit + a_day, max(1.0, 3.0 * a_day))
    ready = [interview for interview in team.queue if interview.earliest <= england.day and not interview.child.is_missing]
    for interview in sorted(ready, key=lambda interview: interview.turn):
        if team.credit < 1.0:
            break
        team.queue.remove(interview)
        team.credit -= 1.0
        hold_interview(england, interview)


def hold_interview(england, interview):
    """An exploited child may say something of it, sooner to somebody it trusts."""
    p, child, n = england.p("services"), interview.child, interview.episode.number
    trusting = england.p("relationships").discloses if child.worker and child.worker.is_trusted else 1.0
    told = child.is_exploited and england.uniform("services.discloses", child.key, n) < p.discloses * trusting
    in_time = england.day - interview.returned_on <= IN_TIME
    england.tell(INTERVIEWED, child, cause=interview.episode.cause, detail=in_time + 2 * told, serial=n)
    if told:
        signal(england, child, SOCIAL_CARE, DISCLOSURE)
    england.news["interviewed"].append((interview, told, in_time, child.signals[SOCIAL_CARE]))


def let_lapse(england, team):
    for interview in [each for each in team.queue if england.day - each.returned_on > WAITING_DAYS or not each.child.is_present]:
        team.queue.remove(interview)
        england.tell(INTERVIEW_LAPSED, interview.child, cause=interview.episode.cause, serial=interview.episode.number)


# -- assessment -----------------------------------------------------------------------------------------------------------


def refer_because_missing(england, child, episode):
    """A recorded episode may lead to an assessment because of going missing."""
    if england.uniform("services.missing_referred", child.key, episode.number) < england.p("services").missing_referred:
        assess(england, child, MISSING_FACTOR)


def assess(england, child, factors=0):
    """Social work completes an assessment; it names what social care knows today. Who is known to be exploited is assessed again."""
    p, n, on_line = england.p("services"), child.times_assessed, child.stage != NOT_INVOLVED
    if child.is_identified and (on_line or BY_OTHERS in child.otherwise):
        factors |= CRIMINAL_FACTOR
    if child.is_identified and on_line and england.uniform("services.gang_named", child.key, n) < p.gang_named:
        factors |= GANG_FACTOR
    if child.is_identified and SEXUALLY in child.otherwise:
        factors |= SEXUAL_FACTOR
    if child.is_missing:
        factors |= MISSING_FACTOR
    england.tell(ASSESSED, child, detail=factors, serial=n)
    england.news["assessed"].append(child)
    if child.is_identified:
        days = 1 + int(england.exponential("services.assessed_again", child.key, n) / p.assessed_again * YEAR)
        england.assessments_due.setdefault(england.day + days, []).append(child)
        child.times_assessed += 1


# -- help to get out --------------------------------------------------------------------------------------------------------


def help_to_get_out(england):
    """Free places of the specialist teams go to those who wait: who works a line first, then by lot."""
    for team in england.specialists.values():
        for child in [*england.news["left"], *england.help_ends.get(england.day, ())]:
            if child in team.helping:
                team.helping.discard(child)  # the worker is free for another
                england.news["help ended"].append(child)
        team.queue = sorted((turn, child) for turn, child in team.queue if child.is_present)
        places = int(team.usual_places * england.help_places.at(team.place))
        while team.queue and len(team.helping) < places:
            _, child = team.queue.pop(0)
            team.helping.add(child)
            england.help_ends.setdefault(england.day + england.p("services").help_days, []).append(child)
            give_help(england, child)


def give_help(england, child):
    """A worker helps a child to get out, for a time."""
    p = england.p("services")
    england.tell(HELPED, child)
    england.news["helped"].append(child)
    for lever in ("getting out", "getting out of other exploitation"):
        hold(england, child, lever, by="help to get out", at=p.help_works, until=england.day + p.help_days)
