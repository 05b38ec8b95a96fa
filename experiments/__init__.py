"""Comparisons: designs, runner, store, measures, targets, analysis, report. `python -m experiments --help`."""
