"""What the reference knows of every child, in the engine's words, so that the two can be compared."""

from math import inf

from .words import AT_HOME, DEBT, FAMILY, LINE


def facts_of(england):
    """Columns in the order of the children's keys: facts, and what is left of each patience."""
    children = sorted(england.children, key=lambda child: child.key)
    return {name: [fact(england, child) for child in children] for name, fact in FACTS.items()}


def _of_placement(name, otherwise=0):
    return lambda england, child: getattr(child.placement, name) if child.placement else otherwise


def _of_involvement(name, otherwise=0):
    return lambda england, child: getattr(child.involvement, name) if child.involvement else otherwise


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
    "neighbourhood": lambda england, child: child.neighbourhood,
    "circle": lambda england, child: child.circle,
    "band": lambda england, child: child.band,
    "strain": lambda england, child: child.strain,
    "exposure": lambda england, child: child.exposure,
    "restlessness": lambda england, child: child.restlessness,
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
    "patience: breakdown": lambda england, child: child.placement.left.get("breakdown", inf) if child.placement else inf,
    "patience: leaving care": lambda england, child: child.placement.left.get("leaving", inf) if child.placement else inf,
    "stage": lambda england, child: child.stage,
    "involvements": lambda england, child: child.involvements,
    "line": lambda england, child: child.involvement.line.route if child.involvement else 0,
    "way in": _of_involvement("way"),
    "debt": _of_involvement("debt"),
    "spell on the line": _of_involvement("spell"),
    "crises": lambda england, child: child.crises,
    "patience: crisis": lambda england, child: child.crisis_left,
    "conflict_spells": lambda england, child: child.conflict_spells,
    "patience: conflict": lambda england, child: child.conflict_left,
    "episodes": lambda england, child: child.episodes,
    "is_missing": lambda england, child: child.is_missing,
    "episode: cause": lambda england, child: child.episode.cause if child.episode else 0,
    "episode: began": lambda england, child: child.episode.began if child.episode else 0,
    "episode: days": lambda england, child: child.episode.days if child.episode else 0.0,
    "signals_police": lambda england, child: child.signals[0],
    "signals_care": lambda england, child: child.signals[1],
    "identified_on": lambda england, child: child.identified_on,
}
for _cause in ("won over", "threatened", "lapses", "starts", "tries", "gets out", "pulled back", "drawn back", "settles"):
    FACTS[f"patience: {_cause}"] = _waits_for(_cause)
for _cause, _name in ((FAMILY, "family"), (LINE, "line"), (DEBT, "debt")):
    FACTS[f"patience: {_name}"] = _pulled_by(_cause)
    FACTS[f"spells: {_name}"] = lambda england, child, cause=_cause: child.pull_spells.get(cause, 0)
for _lever in ("going missing", "contact with the line", "being found by recruiters", "getting out"):
    FACTS[f"lever: {_lever}"] = lambda england, child, lever=_lever: child.lever(lever)
