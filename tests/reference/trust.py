"""Trust belongs to a pair, a child and one named worker. It grows slowly, and starts again with a new worker."""

from .chance import first_over
from .distance import is_far
from .people import hold, release
from .practice import Practice
from .words import (
    AFTER_A_MOVE,
    AT_HOME,
    FOR_EVER,
    HELP_BEGINS,
    HELP_ENDS,
    MONTH,
    PROMISE_BROKEN,
    TRUSTS,
    TURNOVER,
    WORKER_CHANGED,
    YEAR,
)

LEVERS = {"going missing": "going_missing", "getting out": "getting_out"}  # what trust may change, and by which number


class Team:
    """The social and key workers of an authority."""

    def __init__(self, england, place):
        p, looked_after = england.p("relationships"), england.places[place].looked_after_10_17 * england.fraction
        self.workers, self.children = max(1.0, looked_after / p.caseload), 0


ORDINARY = 1.0, 1.0  # how often an ordinary worker leaves, and how soon it is trusted, against itself


class Worker:
    """One named worker of a child; hazards, and what is left of the patience, of trust, turnover, broken promises."""

    def __init__(self):
        self.number, self.is_trusted, self.spell, self.left, self.hazards = 0, False, 0, {}, {}


def begin(england):
    """Day 1: every looked-after child has a worker."""
    england.worker_teams = {place: Team(england, place) for place in england.inside}
    england.after_moves = Practice([england.p("relationships").new_worker_after_move] * len(england.places))
    meet(england, england.looked_after.values())


def live(england):
    """A day of workers and children: they meet, part, come to trust, are let down."""
    news = england.news
    for child in news["left"] + news["left care"]:
        if child.worker:
            part(england, child)
    for child in news["help ended"]:
        if child.worker and child.setting == AT_HOME and not child.special_worker:
            part(england, child)
    had_one = [child for child in news["helped"] if child.worker]
    meet(england, {child.key: child for child in news["entered care"] + news["helped"] if child.is_present and not child.worker}.values())
    for child in had_one:
        change_worker(england, child, HELP_BEGINS)
    for child in {child.key: child for child in news["placed"]}.values():
        if child.placement and child.worker:
            may_change_after_move(england, child)
    for child in news["trust lost"]:
        lose_trust(england, child)
    for child in england.with_worker.values():
        if not child.is_out_of_reach(england.day):
            left, hazards = child.worker.left, child.worker.hazards
            happen(england, child, first_over(left, {cause: hazards[cause] for cause in left}))


def happen(england, child, cause):
    if cause == "comes to trust":
        come_to_trust(england, child)
    elif cause == "worker leaves":
        change_worker(england, child, TURNOVER)
    elif cause == "promise breaks":
        england.tell(PROMISE_BROKEN, child, serial=child.worker.number)
        lose_trust(england, child)


# -- meeting and parting ----------------------------------------------------------------------------------------------------


def meet(england, children):
    """Children get a worker; all of them count before any caseload is looked at."""
    for child in children:
        child.worker = Worker()
        england.with_worker[child.key] = child
        england.worker_teams[child.authority].children += 1
    for child in children:
        with_a_new_worker(england, child)


def part(england, child):
    stop_trusting(child)
    england.worker_teams[child.authority].children -= 1
    child.worker = child.special_worker = None
    del england.with_worker[child.key]


def with_a_new_worker(england, child):
    """Nothing is trusted yet."""
    child.workers += 1
    child.worker.number, child.worker.is_trusted = child.workers, False
    turnover, _ = child.special_worker or ORDINARY
    wait(england, child, "worker leaves", england.p("relationships").turnover / YEAR * turnover)
    wait_for_trust(england, child)


def change_worker(england, child, why):
    stop_trusting(child)
    with_a_new_worker(england, child)
    england.tell(WORKER_CHANGED, child, cause=why, serial=child.worker.number)


def may_change_after_move(england, child):
    """A child placed far away, or in another authority, may get another worker."""
    placement = child.placement
    apart = placement.place != child.authority or is_far(child)
    chance = england.after_moves.at(child.authority) * (child.special_worker or ORDINARY)[0]
    serial = child.care_entries * 1000 + placement.moves
    if placement.moves > 1 and apart and england.uniform("relationships.new_worker_after_move", child.key, serial) < chance:
        change_worker(england, child, AFTER_A_MOVE)


def wait(england, child, cause, hazard):
    worker = child.worker
    worker.spell += 1
    worker.hazards[cause] = hazard
    worker.left[cause] = england.exponential(f"relationships.{cause}", child.key, worker.number * 4096 + worker.spell)


def wait_for_trust(england, child):
    """Trust comes later the more children each worker has."""
    p, team = england.p("relationships"), england.worker_teams[child.authority]
    load = max(team.children / team.workers, 1.0) / p.caseload
    _, sooner = child.special_worker or ORDINARY
    child.worker.left.pop("promise breaks", None)
    wait(england, child, "comes to trust", sooner / load / (p.trust_after * MONTH))


# -- trust ------------------------------------------------------------------------------------------------------------------


def come_to_trust(england, child):
    p = england.p("relationships")
    child.worker.is_trusted = True
    england.tell(TRUSTS, child, serial=child.worker.number)
    for lever, number in LEVERS.items():
        hold(england, child, lever, by="trust", at=getattr(p, number), until=FOR_EVER)
    wait(england, child, "promise breaks", p.broken_promises / YEAR)


def lose_trust(england, child):
    """Trust is gone; it may come again with the same worker."""
    if child.worker and child.worker.is_trusted:
        stop_trusting(child)
        wait_for_trust(england, child)


def stop_trusting(child):
    if child.worker.is_trusted:
        child.worker.is_trusted = False
        for lever in LEVERS:
            release(child, lever, by="trust")


def give_worker_who_stays(england, children, turnover, sooner):
    """By a policy: a worker who leaves so many times as often, and is trusted so many times as soon."""
    for child in children:
        child.special_worker = turnover, sooner
    had_one = [child for child in children if child.worker]
    meet(england, [child for child in children if not child.worker])
    for child in had_one:
        change_worker(england, child, HELP_BEGINS)


def take_back_workers(england, children):
    """The workers that a policy gave go: where there must be one it is an ordinary one, with whom trust starts again."""
    children = [child for child in children if child.special_worker]
    helped = [child for team in england.specialists.values() for child in team.helping]
    for child in children:
        child.special_worker = None
        if child.setting == AT_HOME and child not in helped:
            part(england, child)
    for child in children:
        if child.worker:
            change_worker(england, child, HELP_ENDS)
