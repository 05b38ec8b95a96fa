"""Errors that a user can mend: one sentence that names file, key, what is wrong and what is allowed."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input. Command lines print the sentence and end with exit code 2."""
