"""What a study says: one file for each kind of question, and what its answer does not say.

    effects        what two scenarios differ by, and how sure that is: paired differences, t intervals, harm, the part of chance
    answers        all that a study's design allows, asked of every outcome
    outcomes       what is asked about: a level, or what a policy changes
    differences    what does each policy change? (paired differences)
    split          how much of the spread is chance, parameters, structure?
    sensitivity    which inputs matter? (Sobol, Morris, PAWN; an inert input and a correction for chance)
    discovery      under which inputs does a policy do harm? (PRIM), and which inputs tell? (feature scores)
    convergence    how many pairs of runs are enough, and for which difference?
    sequence       when is it settled which of two is better? (intervals that are valid at any time)
    responses      what do the values give that a study chose? (grid, list, one at a time)
    resampling     bootstrap intervals
    in_short       the answer in a few plain sentences
    page           all of it on one page

`python -m experiments analyse FOLDER` does all that a study's design allows; each can be used by itself, on the frame that
`experiments.studies.frame.open_frame` gives. All of them are about the model: none says that the model is right, and none ranks places.
"""
