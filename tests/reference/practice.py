"""Practice: a number of each authority that policies may change."""


class Practice:
    """A number of each authority: its usual value, times what each policy makes of it."""

    def __init__(self, usual):
        self.usual, self.times = usual, {}  # values by authority; policy -> authority -> multiplier

    def at(self, place):
        value = self.usual[place]
        for by in sorted(self.times):  # by name, so that the order of arrival leaves no trace
            value *= self.times[by].get(place, 1.0)
        return value

    def without(self, place, but_for):
        """The value of an authority, but for one policy."""
        value = self.usual[place]
        for by in sorted(set(self.times) - {but_for}):
            value *= self.times[by].get(place, 1.0)
        return value

    def change(self, places, times, by):
        """In these authorities it is so many times what it is otherwise; `times` is one number or one for each of them."""
        self.times[by] = dict(times) if isinstance(times, dict) else dict.fromkeys(places, times)

    def change_back(self, by):
        self.times.pop(by, None)

    def towards(self, place, level, share):
        """The multiplier that closes a share of the gap between today's value and a level; nothing multiplies 0."""
        now = self.at(place)
        return 1.0 + share * (level / now - 1.0) if now > 0.0 else 1.0


def uneven(england, decision, usual, spread):
    """A level of each authority, up to a share above or below the usual one, and 1 at most."""
    return [min(usual * (1.0 + spread * (2.0 * england.uniform(decision, authority.key) - 1.0)), 1.0) for authority in england.places]
