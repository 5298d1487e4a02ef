"""Numbers that commands, app and training share; a module of its own, so `--help` reads them without the models."""

MAX_STEPS = 8
"""Refinement steps that a search may take, and that the learned refiner is trained for."""
DEFAULT_STEPS = 3
DEFAULT_TOP = 5
"""Moments that a search returns by default."""
