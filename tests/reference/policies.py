"""The three policies, by the levers that mechanisms offer. They live at the end of the day, in the order of their names."""

from sim.draws import key_of

from . import care, services
from .people import hold, release
from .words import (
    CHILDRENS_HOME,
    FAR_KM,
    FOSTER,
    NOT_INVOLVED,
    OTHER,
    POLICE_FORCE,
    POLICY_REACHED,
    SECURE,
    SHARED,
    SPECIALIST_FOSTER,
    SUPPORTED,
    WITH_PARENTS,
)


class Policy:
    """A policy is in force from `begins` to the day before `ends`, for children of the authorities `where` (None: all)."""

    name = ""

    def __init__(self, england, begins=None, ends=None, where=None):
        self.p = england.p(f"policies.{self.name}")
        self.begins = england.warm_up_days + 1 if begins is None else begins
        self.ends, self.where, self.in_force = ends, where, False

    def live(self, england):
        """A day of the policy."""
        if self.begins <= england.day and (self.ends is None or england.day < self.ends):
            if not self.in_force:
                self.in_force = True
                self.begin(england)
            self.act(england)
        elif self.in_force:
            self.in_force = False
            self.end(england)

    def serves(self, place):
        return self.where is None or place in self.where

    def authorities(self, england):
        return [place for place in england.inside if self.serves(place)]

    def reaches(self, england, child, n):
        """Of those who are eligible, the covered share; `n` numbers a child's occasions."""
        reached = england.uniform(f"{self.name}.reached", child.key, n) < self.p.coverage
        if reached:
            england.tell(POLICY_REACHED, child, agent=key_of("policy", self.name))
        return reached


class EarlyIntervention(Policy):
    """More return interviews, in time, shared quickly, and acted on."""

    name = "early_intervention"

    def begin(self, england):
        self.added = self.p.interviewers * self.p.coverage
        for place in self.authorities(england):
            england.teams[place].extra += self.added

    def act(self, england):
        for child, episode in england.news["not offered"]:
            if self.serves(child.authority) and self.reaches(england, child, episode.number):
                services.arrange(england, child, episode, by=self.name)
        for interview, told, in_time in england.news["interviewed"]:
            if interview.by == self.name:
                self.act_on(england, interview.child, interview.episode.number, told, in_time)

    def act_on(self, england, child, n, told, in_time):
        """The next episode after an interview in time; what was disclosed reaches the police; the child gets a worker."""
        england.spent_by_policies += self.p.interview_extra
        if in_time:
            hold(england, child, "going missing", by=self.name, at=self.p.next_episode, until=england.day + self.p.lasting)
        if told and england.uniform("early_intervention.shared", child.key, n) < self.p.shared:
            services.signal(england, child, POLICE_FORCE, SHARED)
        if told and england.uniform("early_intervention.worker", child.key, n) < self.p.worker:
            services.give_help(england, child, by=self.name, at=self.p.worker_helps)

    def end(self, england):
        for place in self.authorities(england):
            england.teams[place].extra -= self.added


class PolicyOfPlacements(Policy):
    """What relocation and specialist foster placements have in common: they hold levers while a child stays somewhere."""

    levers = ()

    def begin(self, england):
        self.held = []  # the children for whom levers are held

    def hold(self, england, child, lever, at):
        hold(england, child, lever, by=self.name, at=at, until=england.last_day + 1)

    def release_those_who_moved_on(self, england):
        for child in england.news["placement ended"] + england.news["left"]:
            if child in self.held:
                self.release(child)

    def release(self, child):
        self.held.remove(child)
        for lever in self.levers:
            release(child, lever, by=self.name)

    def end(self, england):
        for child in list(self.held):
            self.release(child)

    def identified_or_returned(self, england):
        """Children of its authorities who were identified or came back today, and are here; by key, each once."""
        children = england.news["identified"] + [child for child, _ in england.news["returned"]]
        return [child for child in {child.key: child for child in children}.values() if self.serves(child.authority) and not child.is_missing]


class Relocation(PolicyOfPlacements):
    """An identified looked-after child is deliberately moved to a placement far from home."""

    name = "relocation"
    levers = ("contact with the line", "going missing", "being found by recruiters")

    def begin(self, england):
        super().begin(england)
        self.asked, self.credit = [], 0.0  # children for whom a move was asked; moves that can be arranged now
        looked_after = sum(england.places[place].looked_after_10_17 for place in self.authorities(england))
        self.moves_a_day = self.p.moves_a_year * looked_after * england.fraction / 1000.0 / 365.25

    def act(self, england):
        self.release_those_who_moved_on(england)
        self.hold_for_those_who_moved(england)
        self.credit = min(self.credit + self.moves_a_day, max(1.0, 30.0 * self.moves_a_day))
        reached = [child for child in self.eligible(england) if self.reaches(england, child, child.episodes)]
        for child in sorted(reached, key=lambda child: (england.uniform("relocation.lot", child.key, england.day), child.key)):
            if self.credit < 1.0:
                break
            self.credit -= 1.0
            self.asked.append(child)
            england.moves_asked_for.append((child, None, FAR_KM))
        england.spent_by_policies += len(self.held) * self.p.extra_week / 7.0

    def eligible(self, england):
        """Looked after, known to be exploited, placed within twenty miles of home, and no move under way."""
        return [
            child
            for child in self.identified_or_returned(england)
            if child.is_identified and child.stage != NOT_INVOLVED and child.placement and child.setting not in (WITH_PARENTS, SECURE)
            and child.placement.km < FAR_KM and child not in self.asked and child not in self.held
        ]  # fmt: skip

    def hold_for_those_who_moved(self, england):
        moved = [child for child in self.asked if child in england.news["placed"]]
        if england.day % 30 == 0:
            self.asked = []  # whoever could not be moved may be asked for again
        for child in moved:
            if child in self.asked:
                self.asked.remove(child)
            if child.placement.km >= FAR_KM:
                self.held.append(child)
                if england.uniform("relocation.line_follows", child.key, england.day) >= self.p.line_follows:
                    self.hold(england, child, "contact with the line", self.p.contact)
                self.hold(england, child, "going missing", self.p.going_missing)
                self.hold(england, child, "being found by recruiters", self.p.being_found)


class SpecialistFoster(PolicyOfPlacements):
    """Carers trained and supported for exploited children and those who go missing often."""

    name = "specialist_foster"
    levers = ("going missing", "getting out")

    def begin(self, england):
        """Beds for the covered share of need; some of the carers took ordinary placements before."""
        super().begin(england)
        opened = 0
        for place in self.authorities(england):
            looked_after = england.places[place].looked_after_10_17 * england.fraction
            beds = round(self.p.beds * self.p.coverage * looked_after / 1000.0)
            for ordinal in range(beds):
                care.open_home(england, SPECIALIST_FOSTER, place, ordinal, 1)
            care.close_beds(england, FOSTER, place, round(beds * self.p.from_pool))
            opened += beds
        england.spent_by_policies += opened * self.p.set_up

    def act(self, england):
        self.release_those_who_moved_on(england)
        for child in england.news["placed"]:
            if child.setting == SPECIALIST_FOSTER and child not in self.held:
                self.held.append(child)
                self.hold(england, child, "going missing", self.p.going_missing)
                self.hold(england, child, "getting out", self.p.getting_out)
        for child in self.identified_or_returned(england):
            known = child.is_identified and child.stage != NOT_INVOLVED
            ordinary = child.setting in (FOSTER, CHILDRENS_HOME, SUPPORTED, OTHER)
            if (known or child.episodes >= self.p.episodes) and ordinary and self.reaches(england, child, child.episodes):
                england.moves_asked_for.append((child, SPECIALIST_FOSTER, 0.0))


EVERY_POLICY = {policy.name: policy for policy in (EarlyIntervention, Relocation, SpecialistFoster)}
