"""The twelve policies, by the levers that mechanisms offer. They live at the end of the day, in the order of their names."""

from sim.draws import key_of

from . import care, police, services, trust
from .costs import spend
from .people import hold, release
from .words import (
    CHILDRENS_HOME,
    CUSTODY,
    FAR_KM,
    FOR_EVER,
    FOSTER,
    MONTH,
    NOT_INVOLVED,
    OTHER,
    POLICE_BUDGET,
    POLICY_REACHED,
    SECURE,
    SOCIAL_CARE,
    SOCIAL_CARE_BUDGET,
    SPECIALIST_FOSTER,
    SUPPORTED,
    WITH_PARENTS,
    YEAR,
)


class Policy:
    """A policy is in force from `begins` to the day before `ends`, for children of the authorities `where` (None: all).

    `levers`: what it holds for a child, if anything.
    """

    name, levers = "", ()

    def __init__(self, england, begins=None, ends=None, where=None):
        self.p = england.p(f"policies.{self.name}")
        self.begins = england.warm_up_days + 1 if begins is None else begins
        self.ends, self.where, self.in_force = ends, where, False
        self.dose = self.p.coverage * self.p.fidelity  # how much is really done, where it is a matter of practice and not of children

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

    def begin(self, england):
        """What is done once, when the policy comes into force."""

    def end(self, england):
        """What is done once, when the policy ends."""

    # -- whom it serves and reaches

    def serves(self, child):
        return self.where is None or child.authority in self.where

    def authorities(self, england):
        return [place for place in england.inside if self.where is None or place in self.where]

    def looked_after(self, england):
        """Looked-after children of its authorities: the base of capacities and costs."""
        return sum(england.places[place].looked_after_10_17 for place in self.authorities(england)) * england.fraction

    def reaches(self, england, child, n):
        """Of those who are eligible, the covered share; `n` numbers a child's occasions."""
        reached = self.draw(england, "reached", child, n) < self.p.coverage
        if reached:
            england.tell(POLICY_REACHED, child, agent=key_of("policy", self.name))
        return reached

    def draw(self, england, decision, child, n=0):
        return england.uniform(f"{self.name}.{decision}", child.key, n)

    def by_lot(self, england, children, n):
        """Scarce things are given by lot."""
        return sorted(children, key=lambda child: (self.draw(england, "lot", child, n), child.key))

    def identified_or_returned(self, england):
        """Children of its authorities who were identified or came back today, each once."""
        children = england.news["identified"] + [child for child, _ in england.news["returned"]]
        return [child for child in {child.key: child for child in children}.values() if self.serves(child)]

    # -- what several do

    def reach_signals(self, england):
        """Today's signals are its occasions."""
        for child, agency, kind, number in england.news["signal"]:
            if self.serves(child):
                n = number * 64 + kind * 8 + agency
                if self.reaches(england, child, n):
                    yield child, agency, number, n

    def share_signals(self, england):
        """Of today's signals, the covered share is known to all agencies soon."""
        for child, agency, number, n in self.reach_signals(england):
            if self.draw(england, "as_agreed", child, n) < self.p.fidelity:
                services.share(england, child, agency, number, self.p.within, by=self.name)

    def costs_by_children(self, england, payer):
        """So much a year for each looked-after child, at full coverage."""
        spend(england, self.looked_after(england) * self.p.cost * self.p.coverage / YEAR, payer)

    def hold(self, england, child, lever, at, until=FOR_EVER):
        hold(england, child, lever, by=self.name, at=at, until=until)


class PolicyOfPlacements(Policy):
    """What is held while a child stays where it is placed."""

    def begin(self, england):
        self.held = []  # the children for whom levers are held

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


# -- where children live --------------------------------------------------------------------------------------------------


class Relocation(PolicyOfPlacements):
    """An identified looked-after child is deliberately moved to a placement far from home."""

    name, levers = "relocation", ("going missing", "being found by recruiters")

    def begin(self, england):
        super().begin(england)
        self.asked, self.credit = {}, 0.0  # children for whom a move was asked, and when; moves that can be arranged now
        self.moves_a_day = self.p.moves_a_year * self.looked_after(england) / 1000.0 / YEAR

    def act(self, england):
        self.release_those_who_moved_on(england)
        self.hold_for_those_who_moved(england)
        self.credit = min(self.credit + self.moves_a_day, max(1.0, 30.0 * self.moves_a_day))
        reached = [child for child in self.eligible(england) if self.reaches(england, child, occasion(england, child))]
        for child in self.by_lot(england, reached, england.day):
            if self.credit < 1.0:
                break
            self.credit -= 1.0
            if self.draw(england, "arranged", child, england.day) < self.p.fidelity:
                self.asked[child] = england.day
                england.moves_asked_for.append((child, None, FAR_KM))
        spend(england, len(self.held) * self.p.extra_week / 7.0, SOCIAL_CARE_BUDGET)

    def eligible(self, england):
        """Looked after, known to be exploited, placed within twenty miles of home, and no move under way."""
        return [
            child
            for child in self.identified_or_returned(england)
            if child.is_identified and child.stage != NOT_INVOLVED and child.placement
            and child.setting not in (WITH_PARENTS, SECURE, CUSTODY) and not child.is_missing
            and child.placement.km < FAR_KM and child not in self.asked and child not in self.held
        ]  # fmt: skip

    def hold_for_those_who_moved(self, england):
        """While the child stays there, the policy's own numbers hold for going missing, being found, contact and being followed."""
        moved = [child for child, day in self.asked.items() if day == england.day - 1 and child in england.news["placed"]]
        self.asked = {child: day for child, day in self.asked.items() if england.day - day < 30}  # later they may be asked for again
        for child in moved:
            self.asked.pop(child, None)
            if child.placement.km >= FAR_KM:
                self.held.append(child)
                child.distance_of_policy = self.p.contact, self.p.line_follows
                self.hold(england, child, "going missing", self.p.going_missing)
                self.hold(england, child, "being found by recruiters", self.p.being_found)

    def release(self, child):
        super().release(child)
        child.distance_of_policy = None


class ManagedPlacement(PolicyOfPlacements):
    """The host area is told before a child arrives from outside, and the child keeps its worker."""

    name, levers = "managed_placement", ("going missing", "breakdown of placement")

    def begin(self, england):
        super().begin(england)
        self.credit = 0.0  # arrangements that can be made now
        self.a_day = self.p.arrangements * self.p.coverage * self.looked_after(england) / 1000.0 / YEAR
        england.after_moves.change(self.authorities(england), 1.0 - self.p.worker_kept * self.dose, by=self.name)

    def act(self, england):
        self.credit = min(self.credit + self.a_day, max(1.0, 30.0 * self.a_day)) if self.a_day else 0.0
        self.release_those_who_moved_on(england)
        placed = {child.key: child for child in england.news["placed"] if self.serves(child) and child.placement}.values()
        reached = [child for child in placed if child.placement.place != child.authority and self.reaches(england, child, care.serial(child))]
        given = self.by_lot(england, reached, england.day)[: int(self.credit)]
        self.credit -= len(given)
        spend(england, len(given) * self.p.cost, SOCIAL_CARE_BUDGET)
        for child in given:
            if self.draw(england, "as_agreed", child, england.day) < self.p.fidelity:
                self.held.append(child)
                self.hold(england, child, "going missing", self.p.going_missing)
                self.hold(england, child, "breakdown of placement", self.p.breakdown)

    def end(self, england):
        super().end(england)
        england.after_moves.change_back(by=self.name)


class SpecialistFoster(PolicyOfPlacements):
    """Carers trained and supported for exploited children and those who go missing often."""

    name, levers = "specialist_foster", ("going missing", "getting out")

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
        spend(england, opened * self.p.set_up, SOCIAL_CARE_BUDGET)

    def end(self, england):
        """Whoever lives there stays; no bed waits for another."""
        super().end(england)
        for place in self.authorities(england):
            care.close_beds(england, SPECIALIST_FOSTER, place, england.places[place].looked_after_10_17)

    def act(self, england):
        self.release_those_who_moved_on(england)
        for child in {child.key: child for child in england.news["placed"]}.values():
            if child.setting == SPECIALIST_FOSTER and self.draw(england, "as_designed", child, care.serial(child)) < self.p.fidelity:
                self.held.append(child)
                self.hold(england, child, "going missing", self.p.going_missing)
                self.hold(england, child, "getting out", self.p.getting_out)
        for child in self.identified_or_returned(england):
            known = child.is_identified and child.stage != NOT_INVOLVED
            ordinary = child.setting in (FOSTER, CHILDRENS_HOME, SUPPORTED, OTHER) and not child.is_missing
            if (known or child.episodes >= self.p.episodes) and ordinary and self.reaches(england, child, occasion(england, child)):
                england.moves_asked_for.append((child, SPECIALIST_FOSTER, 0.0))


def occasion(england, child):
    """A number for each of a child's occasions to be reached: the return from each episode, and its identification."""
    return child.episodes * 2 + (child.identified_on == england.day)


# -- who works with children ------------------------------------------------------------------------------------------------


class KeyWorker(Policy):
    """One worker who stays, for a child who is exploited or often missing."""

    name = "key_worker"

    def begin(self, england):
        self.until = {}  # child to the day on which its place is free again
        self.places = {
            place: self.p.places * self.p.coverage * services.thousands_looked_after(england, place) for place in self.authorities(england)
        }

    def act(self, england):
        self.end_work(england, [child for child, day in self.until.items() if day <= england.day])
        self.until = {child: day for child, day in self.until.items() if child.is_present}
        reached = [
            child
            for child in self.identified_or_returned(england)
            if (child.is_identified or child.episodes >= 3) and child not in self.until and self.reaches(england, child, occasion(england, child))
        ]
        given = []
        for child in self.by_lot(england, reached, england.day):
            taken, places = sum(other.authority == child.authority for other in self.until), self.places[child.authority]
            if taken + 1 <= places or (taken == 0 and places > 0.0):
                self.until[child] = england.day + int(self.p.months * MONTH)
                given.append(child)
        self.begin_work(england, [child for child in given if self.draw(england, "engages", child) < self.p.fidelity])
        spend(england, len(self.until) * self.p.cost / YEAR, SOCIAL_CARE_BUDGET)

    def begin_work(self, england, engaged):
        """Either trust does it, or published effects do: never both."""
        if not self.p.direct:
            trust.give_worker_who_stays(england, engaged, turnover=self.p.stays, sooner=self.p.trusted_sooner)
            return
        for child in engaged:
            self.hold(england, child, "going missing", self.p.going_missing, until=self.until[child])
            self.hold(england, child, "getting out", self.p.getting_out, until=self.until[child])

    def end_work(self, england, children):
        """The worker goes when the child's time with it is over."""
        for child in children:
            del self.until[child]
            release(child, "going missing", by=self.name)
            release(child, "getting out", by=self.name)
        trust.take_back_workers(england, [child for child in children if child.is_present])

    def end(self, england):
        self.end_work(england, list(self.until))


class SexualExploitationSupport(Policy):
    """A specialist worker for children recognised as sexually exploited."""

    name = "sexual_exploitation_support"

    def begin(self, england):
        self.until = {}
        self.places = self.p.places * self.p.coverage * self.looked_after(england) / 1000.0

    def act(self, england):
        self.until = {child: day for child, day in self.until.items() if day > england.day and child.is_present}
        reached = [child for child in england.news["named sexual"] if self.serves(child) and self.reaches(england, child, 0)]
        free = int(max(self.places, 1.0 if self.places > 0.0 else 0.0)) - len(self.until)
        given, until = self.by_lot(england, reached, 0)[: max(free, 0)], england.day + int(self.p.months * MONTH)
        for child in given:
            self.until[child] = until
            if self.draw(england, "engages", child) < self.p.fidelity:
                self.hold(england, child, "getting out of other exploitation", self.p.getting_out, until)
                self.hold(england, child, "contact with sexual exploiters", self.p.contact, until)
        spend(england, len(given) * self.p.cost, SOCIAL_CARE_BUDGET)


class ReturnInterviews(Policy):
    """More return interviews, within 72 hours, by somebody independent; what is learnt is shared."""

    name = "return_interviews"

    def begin(self, england):
        england.interviewers.change(self.authorities(england), 1.0 + self.p.interviewers * self.p.coverage, by=self.name)

    def act(self, england):
        for child, episode in england.news["not offered"]:
            if self.serves(child) and self.reaches(england, child, episode.number):
                services.arrange(england, child, episode, by=self.name)
        for interview, told, in_time, disclosure in england.news["interviewed"]:
            if interview.by == self.name:
                spend(england, self.p.cost, SOCIAL_CARE_BUDGET)
                if self.draw(england, "as_designed", interview.child, interview.episode.number) < self.p.fidelity:
                    self.act_on(england, interview.child, told, in_time, disclosure)

    def act_on(self, england, child, told, in_time, disclosure):
        """The next episode after an interview in time; what was disclosed is known to all soon."""
        if in_time:
            self.hold(england, child, "going missing", self.p.next_episode, until=england.day + self.p.lasting)
        if told:
            services.share(england, child, SOCIAL_CARE, disclosure, self.p.shared_within, by=self.name)

    def end(self, england):
        england.interviewers.change_back(by=self.name)


# -- what agencies do -------------------------------------------------------------------------------------------------------


class EarlyIdentification(Policy):
    """Staff are trained to see exploitation behind an absence; the share who are grows until all have been."""

    name = "early_identification"

    def begin(self, england):
        self.began, self.trained = england.day, 0.0

    def act(self, england):
        share = min(1.0, (england.day - self.began + 1) / self.p.training_days) * self.dose
        if share > self.trained:
            england.attention.change(self.authorities(england), 1.0 + share * (self.p.sees - 1.0), by=self.name)
            self.trained = share
        self.costs_by_children(england, SOCIAL_CARE_BUDGET)
        list(self.reach_signals(england))  # they are told of, no more

    def end(self, england):
        england.attention.change_back(by=self.name)


class JointHub(Policy):
    """Agencies sit together, share what they see daily, and have a team for the children."""

    name = "joint_hub"

    def begin(self, england):
        england.help_places.change(self.authorities(england), 1.0 + self.p.places * self.p.coverage, by=self.name)

    def act(self, england):
        self.share_signals(england)
        self.costs_by_children(england, SOCIAL_CARE_BUDGET)

    def end(self, england):
        england.help_places.change_back(by=self.name)


class SharedData(Policy):
    """Agencies pool what they record, weeks later than in a hub; an authority that recorded few of its absences records more."""

    name = "shared_data"

    def begin(self, england):
        here, share = self.authorities(england), self.p.recording * self.dose
        england.recording.change(here, {place: england.recording.towards(place, 1.0, share) for place in here}, by=self.name)

    def act(self, england):
        self.share_signals(england)
        self.costs_by_children(england, POLICE_BUDGET)

    def end(self, england):
        england.recording.change_back(by=self.name)


class NationalGuidance(Policy):
    """All places do what the better ones do: practice below the common level moves up to it, step by step."""

    name = "national_guidance"

    def begin(self, england):
        self.began = england.day

    def act(self, england):
        days = england.day - self.began + 1
        list(self.reach_signals(england))  # they are told of, no more
        if days <= self.p.days and (days % 30 == 0 or days == self.p.days):
            self.level(england, self.dose * days / self.p.days)
        self.costs_by_children(england, SOCIAL_CARE_BUDGET)

    def level(self, england, share):
        """Offers and sharing rise towards the mean, criminal responses fall to it, recording rises towards all."""
        usual, police = england.p("services"), england.p("policing")
        for practice, level, gap, bound in (
            (england.offered, usual.offered, share, max),
            (england.shared, usual.shared, share, max),
            (england.criminal, police.criminal, share, min),
            (england.recording, 1.0, share * self.p.recording, None),
        ):
            practice.change_back(by=self.name)
            times = {place: practice.towards(place, level, gap) for place in self.authorities(england)}
            practice.change((), {place: bound(x, 1.0) if bound else x for place, x in times.items()}, by=self.name)

    def end(self, england):
        for practice in (england.offered, england.shared, england.criminal, england.recording):
            practice.change_back(by=self.name)


class SafeguardingResponse(Policy):
    """Police who meet an exploited child treat it as a victim, and refer it to the specialist team."""

    name = "safeguarding_response"

    def begin(self, england):
        england.criminal.change(self.authorities(england), 1.0 - self.dose, by=self.name)
        england.help_places.change(self.authorities(england), 1.0 + self.p.places * self.p.coverage, by=self.name)

    def act(self, england):
        for child, _, n in england.news["met by police"]:
            if self.serves(child) and police.would_be_criminal(england, child, n, but_for=self.name) and self.reaches(england, child, n):
                spend(england, self.p.cost, POLICE_BUDGET)

    def end(self, england):
        england.criminal.change_back(by=self.name)
        england.help_places.change_back(by=self.name)


class LineDisruption(Policy):
    """Police close more lines, sooner."""

    name = "line_disruption"

    def begin(self, england):
        self.times = min(1.0 + self.dose * (self.p.sooner - 1.0), self.p.capacity)
        england.closing.change(self.authorities(england), self.times, by=self.name)

    def act(self, england):
        closed = [line for line in england.news["closed"] if line.market in self.authorities(england)]
        spend(england, len(closed) * (1.0 - 1.0 / self.times) * self.p.cost, POLICE_BUDGET)

    def end(self, england):
        england.closing.change_back(by=self.name)


EVERY_POLICY = {
    policy.name: policy
    for policy in (
        EarlyIdentification, JointHub, KeyWorker, LineDisruption, ManagedPlacement, NationalGuidance, Relocation, ReturnInterviews,
        SafeguardingResponse, SexualExploitationSupport, SharedData, SpecialistFoster,
    )
}  # fmt: skip
