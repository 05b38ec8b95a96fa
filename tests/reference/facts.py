"""What the reference knows of every child, in the engine's words, so that the two can be compared."""

from math import inf

from .otherwise import MAY_COME
from .words import AT_HOME, BY_OTHERS, DEBT, FAMILY, FORM_NAMES, LINE, SEXUAL, SEXUALLY


def facts_of(england):
    """Columns in the order of the children's keys: facts, and what is left of each patience."""
    children = sorted(england.children, key=lambda child: child.key)
    return {name: [fact(england, child) for child in children] for name, fact in FACTS.items()}


def _of_placement(name, otherwise=0):
    return lambda england, child: getattr(child.placement, name) if child.placement else otherwise


def _of_involvement(name, otherwise=0):
    return lambda england, child: getattr(child.involvement, name) if child.involvement else otherwise


def _otherwise(form, name, otherwise=0):
    return lambda england, child: getattr(child.otherwise[form], name) if form in child.otherwise else otherwise


def _waits_otherwise(form, cause):
    return lambda england, child: child.otherwise[form].left.get(cause, inf) if form in child.otherwise else inf


def _of_worker(name, otherwise=0):
    return lambda england, child: getattr(child.worker, name) if child.worker else otherwise


def _waits_with_worker(cause):
    return lambda england, child: child.worker.left.get(cause, inf) if child.worker else inf


def _waits_for(cause):
    return lambda england, child: child.involvement.left.get(cause, inf) if child.involvement else inf


def _pulled_by(cause):
    return lambda england, child: child.pulls.get(cause, inf)


FACTS = {
    "key": lambda england, child: child.key,
    "born": lambda england, child: child.born,
    "is_present": lambda england, child: child.is_present,
    "is_male": lambda england, child: child.is_male,
    "authority": lambda england, child: child.authority,
    "is_unaccompanied": lambda england, child: child.is_unaccompanied,
    "neighbourhood": lambda england, child: child.neighbourhood,
    "circle": lambda england, child: child.circle,
    "band": lambda england, child: child.band,
    "strain": lambda england, child: child.strain,
    "exposure": lambda england, child: child.exposure,
    "restlessness": lambda england, child: child.restlessness,
    "schooling": lambda england, child: child.schooling,
    "suspensions": lambda england, child: child.suspensions,
    "patience: trouble at school": lambda england, child: child.school_left,
    "setting": lambda england, child: child.setting,
    "is_looked_after": lambda england, child: child.setting != AT_HOME,
    "care_entries": lambda england, child: child.care_entries,
    "patience: entering care": lambda england, child: child.care_left,
    "placement: home": lambda england, child: child.placement.home.key if child.placement and child.placement.home else 0,
    "placement: place": _of_placement("place"),
    "placement: km": _of_placement("km"),
    "placement: since": _of_placement("since"),
    "placement: moves": _of_placement("moves"),
    "placement: moves this year": _of_placement("moves_this_year"),
    "placement: only remanded": _of_placement("is_only_remand", False),
    "patience: breakdown": lambda england, child: child.placement.left.get("breakdown", inf) if child.placement else inf,
    "patience: leaving care": lambda england, child: child.placement.left.get("leaving", inf) if child.placement else inf,
    "stage": lambda england, child: child.stage,
    "involvements": lambda england, child: child.involvements,
    "line": lambda england, child: child.involvement.line.route if child.involvement else 0,
    "way in": _of_involvement("way"),
    "debt": _of_involvement("debt"),
    "fear": _of_involvement("fear"),
    "spell on the line": _of_involvement("spell"),
    "other_forms": lambda england, child: sum(1 << form for form in child.otherwise),
    "crises": lambda england, child: child.crises,
    "patience: crisis": lambda england, child: child.crisis_left,
    "conflict_spells": lambda england, child: child.conflict_spells,
    "patience: conflict": lambda england, child: child.conflict_left,
    "episodes": lambda england, child: child.episodes,
    "is_missing": lambda england, child: child.is_missing,
    "episode: cause": lambda england, child: child.episode.cause if child.episode else 0,
    "episode: began": lambda england, child: child.episode.began if child.episode else 0,
    "episode: days": lambda england, child: child.episode.days if child.episode else 0.0,
    "in_hospital_until": lambda england, child: child.in_hospital_until,
    "signals_police": lambda england, child: child.signals[0],
    "signals_care": lambda england, child: child.signals[1],
    "signals_education": lambda england, child: child.signals[2],
    "signals_health": lambda england, child: child.signals[3],
    "signals_pooled": lambda england, child: child.signals_known_to_all,
    "identified_on": lambda england, child: child.identified_on,
    "times assessed": lambda england, child: child.times_assessed,
    "worker": _of_worker("number"),
    "worker: is trusted": _of_worker("is_trusted", False),
    "worker: spell": _of_worker("spell"),
    "workers": lambda england, child: child.workers,
    "worker: by a policy": lambda england, child: child.special_worker or (1.0, 1.0),
}
for _cause in ("won over", "threatened", "lapses", "starts", "tries", "gets out", "pulled back", "drawn back", "settles"):
    FACTS[f"patience: {_cause}"] = _waits_for(_cause)
for _form in (SEXUALLY, BY_OTHERS):
    FACTS[f"{FORM_NAMES[_form]}: stage"] = _otherwise(_form, "stage")
    FACTS[f"{FORM_NAMES[_form]}: spell"] = _otherwise(_form, "spell")
    FACTS[f"{FORM_NAMES[_form]}: since"] = _otherwise(_form, "since")
    for _cause in sum(MAY_COME.values(), ()):
        FACTS[f"{FORM_NAMES[_form]}: patience: {_cause}"] = _waits_otherwise(_form, _cause)
for _cause in ("comes to trust", "worker leaves", "promise breaks"):
    FACTS[f"patience: {_cause}"] = _waits_with_worker(_cause)
for _cause, _name in ((FAMILY, "family"), (LINE, "line"), (DEBT, "debt"), (SEXUAL, "sexual")):
    FACTS[f"patience: {_name}"] = _pulled_by(_cause)
    FACTS[f"spells: {_name}"] = lambda england, child, cause=_cause: child.pull_spells.get(cause, 0)
for _lever in (
    "going missing", "contact with the line", "contact with sexual exploiters", "being found by recruiters", "getting out", "grooming",
    "getting out of other exploitation", "entering care", "breakdown of placement",
):  # fmt: skip
    FACTS[f"lever: {_lever}"] = lambda england, child, lever=_lever: child.lever(lever)
