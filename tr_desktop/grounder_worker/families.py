"""Which module runs which family. A module is imported when it is needed: most need torch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from tr_desktop.errors import UserError
from tr_desktop.grounder_worker.about import is_installed
from tr_desktop.grounder_worker.base import Model
from tr_desktop.this_program import how_to_run_grounders


def open_model(facts: Mapping[str, Any], device: str, quantise: str) -> Model:
    """The model of a `GrounderPack`, ready to answer. device, quantise: for those that run here.

    Raises UserError if it can't be used.
    """
    family = facts["family"]
    if family == "server":
        from tr_desktop.grounder_worker.served import Served

        return Served(facts)
    if missing := [package for package in ("torch", "transformers") if not is_installed(package)]:
        raise UserError(
            f"{facts['name']} needs {' and '.join(missing)}, which {sys.executable} doesn't have",
            remedy=how_to_run_grounders(),
        )
    if family == "vtime":
        from tr_desktop.grounder_worker.vtime import VTime

        return VTime(facts, device, quantise)
    from tr_desktop.grounder_worker.qwen import Qwen

    return Qwen(facts, device, quantise)
