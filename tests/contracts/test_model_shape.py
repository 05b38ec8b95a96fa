"""A day reads as a table of contents: `step()` is calls, one after the other, in the order things happen."""

import ast
import inspect
import textwrap

from sim.model import CountyLines

THE_DAY = [
    # The order is part of the science: whoever changes it says why here.
    "self._wake",
    "self.demography.have_birthdays",
    "self.demography.welcome_entrants",
    "self.unaccompanied.arrive",  # before beds are given: they need one today
    "self.levers.release_due",
    "self.placements.begin_end_and_move",
    "self.demography.settle_news",
    "self.demography.write_down_newcomers",
    "self.missing.end_episodes",
    "self.harm.look_back",  # at the episodes that ended: whoever is in hospital or dead takes no part in the rest
    "self.lines.run",
    "self.recruitment.recruit",
    "self.exploitation.live",
    "self.other_exploitation.live",
    "self.policing.count_cases",  # before new ones: today's attention is shared among those who are missing already
    "self.missing.begin_episodes",
    "self.policing.respond",
    "self.schooling.open",
    "self.services.respond",
    "self.relationships.live",
    "policy.live",
    "self.distance.tell",  # after policies: their moves are taken over before distance speaks
    "self.costs.charge",
    "self._close",
]
ARITHMETIC = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.AugAssign, ast.Assign, ast.AnnAssign, ast.If, ast.While, ast.IfExp)


def the_step() -> ast.FunctionDef:
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(CountyLines.step))).body
    assert isinstance(function, ast.FunctionDef)
    return function


def test_step_does_no_arithmetic_and_decides_nothing():
    assert not [ast.unparse(node) for node in ast.walk(the_step()) if isinstance(node, ARITHMETIC)]


def test_step_is_a_docstring_and_calls():
    docstring, *body = the_step().body
    assert isinstance(docstring, ast.Expr) and isinstance(docstring.value, ast.Constant) and "order" in docstring.value.value
    for statement in body:
        calls = statement.body if isinstance(statement, ast.For) else [statement]
        assert all(isinstance(call, ast.Expr) and isinstance(call.value, ast.Call) for call in calls)


def test_the_day_goes_in_its_order():
    statements = [call for statement in the_step().body[1:] for call in (statement.body if isinstance(statement, ast.For) else [statement])]
    assert [ast.unparse(statement.value.func) for statement in statements] == THE_DAY


def test_every_mechanism_s_verb_says_what_it_does():
    model = vars(CountyLines(days=1))
    for verb in THE_DAY:
        owner, name = verb.split(".")[-2:]
        holder = {"self": CountyLines, "policy": None}.get(owner, type(model.get(owner)))
        if holder is not None and not name.startswith("_"):
            assert (getattr(holder, name).__doc__ or "").strip().endswith(".")
