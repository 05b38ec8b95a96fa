"""Distance: what living over twenty miles from home does to the reach of a line, to ties, and to whether the line comes after."""

from .people import hold, release
from .words import FAR_KM, FOR_EVER, GETTING_OUT, LINE_FOLLOWED, ON_A_LINE


def is_far(child):
    return child.placement is not None and child.placement.km >= FAR_KM


def keeps_ties(england, child):
    """Whose friends at home still count: all who live near, and a share of those far away."""
    return not is_far(child) or england.uniform("distance.ties", child.key) < england.p("distance").ties_kept


def contact_and_following(england, child):
    """What is left of contact with the line (in person, by phone), and the chance that it follows; a policy that moved the child has its own."""
    p = england.p("distance")
    usual = p.in_person * p.contact_in_person + (1.0 - p.in_person) * p.contact_by_phone, p.line_follows
    return child.distance_of_policy or usual


def tell(england):
    """In the evening: who was placed far away today, or near again, and who far away begins to work a line."""
    placed = {child.key for child in england.news["placed"]}
    changed = {child.key: child for child in england.news["placed"] + england.news["stage changed"] + england.news["left care"]}
    for child in changed.values():
        if not child.is_present:
            continue
        if is_far(child) and child.stage in (*ON_A_LINE, GETTING_OUT):
            contact, _ = contact_and_following(england, child)
            hold(england, child, "contact with the line", by="distance", at=contact, until=FOR_EVER)
            if child.key in placed:
                may_follow(england, child)
        else:
            release(child, "contact with the line", by="distance")


def may_follow(england, child):
    """The line may open an outlet where its child was moved."""
    line, place = child.involvement.line, child.placement.place
    serial = child.care_entries * 1000 + child.placement.moves
    follows = england.uniform("distance.line_follows", child.key, serial) < contact_and_following(england, child)[1]
    if follows and line.is_open:
        line.outlets.append(place)
        england.tell(LINE_FOLLOWED, child, agent=line.key, place=place, serial=serial)
