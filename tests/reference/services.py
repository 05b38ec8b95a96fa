"""Services: return interviews, signals of exploitation and who holds them, identification, help to get out."""

from sim.dates import is_weekend

from .people import hold
from .words import (
    ASSESSED,
    CLOSED_LINE,
    DISCLOSURE,
    EPISODE,
    FOUND_ON_A_LINE,
    HELPED,
    IDENTIFIED,
    INTERVIEW_LAPSED,
    INTERVIEWED,
    LINE,
    NOT_INVOLVED,
    POLICE_FORCE,
    SHARED,
    SIGNAL,
    SOCIAL_CARE,
)

WAITING_DAYS = 14  # an interview that has not been held by then lapses
IN_TIME = 3  # days, 72 hours
AGENCIES = {POLICE_FORCE: "police", SOCIAL_CARE: "social care"}


class Team:
    """The return interviewers of an authority. `extra` is what policies add, as a share of today's practice."""

    def __init__(self, england, place):
        looked_after = england.places[place].looked_after_10_17
        self.a_day = england.p("services").interviewers * looked_after * england.fraction / 1000.0
        self.queue, self.extra, self.credit = [], 0.0, 0.0


class Interview:
    """An interview that was accepted. Looked-after children come first, then a lot decides. `by`: the policy that offered it."""

    def __init__(self, england, child, episode, by):
        wait = england.exponential("services.arranging", child.key, episode.number) * england.p("services").arranging
        self.turn = (0 if episode.in_care else 1, england.uniform("services.lot", child.key, episode.number), child.key)
        self.child, self.episode, self.by = child, episode, by
        self.returned_on, self.earliest = england.day, england.day + 1 + int(wait)


def begin(england):
    england.teams = {place: Team(england, place) for place in england.inside}


def respond(england):
    """Police and social care see what happened; interviews are offered and held; exploitation is recognised."""
    p = england.p("services")
    for child, episode in england.news["returned"]:
        see(england, child, episode)
        offer(england, child, episode)
    for child in england.news["line closed"]:
        if england.uniform("services.found_at_closure", child.key, child.involvements) < p.found_at_closure:
            signal(england, child, POLICE_FORCE, CLOSED_LINE)
    for team in england.teams.values():
        if team.queue:
            if not is_weekend(england.day):
                hold_interviews(england, team)
            let_lapse(england, team)


def see(england, child, episode):
    """Each agency that knew of the episode may see a sign of exploitation in it."""
    p, key, n = england.p("services"), child.key, episode.number
    if child.stage == NOT_INVOLVED:
        return
    if episode.by_police and episode.cause == LINE and episode.is_found:
        if england.uniform("services.found_on_line", key, n) < p.found_on_line:
            signal(england, child, POLICE_FORCE, FOUND_ON_A_LINE)
    elif episode.by_police and england.uniform("services.police_see", key, n) < p.episode_seen:
        signal(england, child, POLICE_FORCE, EPISODE)
    if episode.by_authority and england.uniform("services.care_sees", key, n) < p.episode_seen:
        signal(england, child, SOCIAL_CARE, EPISODE)


# -- return interviews ----------------------------------------------------------------------------------------------------


def offer(england, child, episode):
    """A return interview is offered after a recorded episode, less often where two authorities are needed."""
    p = england.p("services")
    if not (episode.by_police or episode.by_authority):
        return
    away = england.where_lives(child) != child.authority
    if england.uniform("services.offered", child.key, episode.number) < p.offered * (p.offered_outside if away else 1.0):
        arrange(england, child, episode, by="")
    else:
        england.news["not offered"].append((child, episode))


def arrange(england, child, episode, by):
    """Those who accept wait for an interviewer of their responsible authority."""
    if england.uniform("services.accepted", child.key, episode.number) < england.p("services").accepted:
        england.teams[child.authority].queue.append(Interview(england, child, episode, by))


def hold_interviews(england, team):
    """Interviews are held as far as capacity goes; one whose child is away again or has left is given up."""
    a_day = team.a_day * (1.0 + team.extra)
    team.credit = min(team.credit + a_day, max(1.0, 3.0 * a_day))
    ready = [interview for interview in team.queue if interview.earliest <= england.day]
    for interview in sorted(ready, key=lambda interview: interview.turn):
        if team.credit < 1.0:
            break
        team.queue.remove(interview)
        if interview.child.is_present and not interview.child.is_missing:
            team.credit -= 1.0
            hold_interview(england, interview)


def hold_interview(england, interview):
    """An exploited child may say something of it; social care knows then, and may tell the police."""
    p, child, n = england.p("services"), interview.child, interview.episode.number
    told = child.stage != NOT_INVOLVED and england.uniform("services.discloses", child.key, n) < p.discloses
    in_time = england.day - interview.returned_on <= IN_TIME
    england.tell(INTERVIEWED, child, cause=interview.episode.cause, detail=in_time + 2 * told, serial=n)
    england.news["interviewed"].append((interview, told, in_time))
    if told:
        signal(england, child, SOCIAL_CARE, DISCLOSURE)
        if england.uniform("services.shared", child.key, n) < p.shared:
            signal(england, child, POLICE_FORCE, SHARED)


def let_lapse(england, team):
    for interview in [each for each in team.queue if england.day - each.returned_on > WAITING_DAYS]:
        team.queue.remove(interview)
        england.tell(INTERVIEW_LAPSED, interview.child, cause=interview.episode.cause, serial=interview.episode.number)


# -- signals and identification -------------------------------------------------------------------------------------------


def signal(england, child, agency, kind):
    """An agency holds one more signal about a child, which gives it one chance to recognise exploitation."""
    p = england.p("services")
    child.signals[agency] = min(child.signals[agency] + 1, 255)
    england.tell(SIGNAL, child, cause=agency, detail=kind, serial=child.signals[agency])
    sees = england.uniform(f"services.recognised by {AGENCIES[agency]}", child.key, child.signals[agency]) < p.recognised
    if sees and not child.is_identified:
        identify(england, child, agency)


def identify(england, child, agency):
    p = england.p("services")
    child.identified_on = england.day
    known_after = england.day - child.involvement.since if child.involvement else 0
    england.tell(IDENTIFIED, child, cause=agency, amount=known_after)
    england.news["identified"].append(child)
    if england.uniform("services.assessed", child.key) < p.assessed:
        england.tell(ASSESSED, child)
        england.news["assessed"].append(child)
    if england.uniform("services.helped", child.key) < p.helped:
        give_help(england, child, by="help to get out", at=p.help_works)


def give_help(england, child, by, at):
    """A worker helps a child to get out, for a time."""
    england.tell(HELPED, child)
    england.news["helped"].append(child)
    hold(england, child, "getting out", by=by, at=at, until=england.day + england.p("services").help_days)
