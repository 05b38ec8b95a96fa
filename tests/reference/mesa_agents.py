"""The same rules as a modeller writes them in plain Mesa: every child is an agent, and the day asks all of them, in a new order each time.

What may happen to anybody (a birthday, entry to care, a crisis or an episode, trouble at school) is asked of everybody with
`AgentSet.shuffle_do`, four times a day, because these stand at four places in the order of the day. What happens to few (those in
care, on a line, with a worker) goes through lists of the few, as in the reference; plainer code would be slower.
"""

from functools import partial

import mesa

from . import people, world


class Child(people.Child, mesa.Agent):
    """A child of the reference; a registered agent for as long as it is present."""

    def __init__(self, *facts):
        people.Child.__init__(self, *facts)  # and no agent yet


class England(world.England, mesa.Model):
    """The reference, with its present children as the model's agents; arguments as of `world.England`."""

    child = Child
    present = property(lambda self: self.agents, lambda self, _: None)  # Mesa keeps them: `welcome` and `see_off` say who they are

    def __init__(self, authorities, fraction, seed, *others):
        mesa.Model.__init__(self, rng=seed)
        world.England.__init__(self, authorities, fraction, seed, *others)

    def welcome(self, children):
        for child in children:
            child.is_present = True
            mesa.Agent.__init__(child, self)

    def see_off(self, children):
        for child in children:
            child.is_present = False
            child.remove()

    def ask(self, verb):
        self.agents.shuffle_do(partial(verb, self))
