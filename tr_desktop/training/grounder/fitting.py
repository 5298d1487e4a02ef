"""Steps of an optimiser that can be interrupted: what both kinds of training share.

All chance in a step follows from the seed and the step's number, so that a resumed run ends as an uninterrupted one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import nn

from tr_desktop.errors import UserError
from tr_desktop.files import replacing
from tr_desktop.training.grounder.policy import ADAPTER, Policy

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
_SETTINGS = "settings.txt"
_LONGEST_GRADIENT = 1.0


def cosine(step: int, steps: int, warm_up: float = 0.03) -> float:
    """Share of the highest learning rate: a straight warm-up, then half a cosine to zero."""
    rising = max(math.ceil(warm_up * steps), 1)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(steps - rising, 1)))


@dataclass
class Fitting:
    """AdamW over what a policy trains, in `steps` steps.

    rate: of learning, its highest. schedule: share of it at a step. folder: gets the log, and a checkpoint after every
    `save_every` steps; a run that finds one there resumes from it, and one that has ended there has no steps left.
    settings: all that the result depends on, in any form, but the base.

    Raises UserError if the folder holds a run with other settings.
    """

    policy: Policy
    steps: int
    rate: float
    schedule: Callable[[int], float]
    folder: Path
    seed: int
    save_every: int
    settings: str

    def __post_init__(self) -> None:
        self._optimiser = torch.optim.AdamW(self.policy.parameters(), self.rate, weight_decay=0.0)
        self.begin = 0
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = f"{self.policy.base}\n{self.settings}"
        if is_done(self.folder):
            self._expect_own((self.folder / _SETTINGS).read_text(encoding="utf-8"))
            self.policy.load(self.folder)
            self.begin = self.steps
        elif self._checkpoint.exists():
            state = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
            self._expect_own(state["settings"])
            self.policy.load_state(state["policy"])
            self._optimiser.load_state_dict(state["optimiser"])
            self.begin = state["step"]
        self.log: list[dict[str, float]] = self._read_log()

    @property
    def _checkpoint(self) -> Path:
        return self.folder / CHECKPOINT

    def run(self) -> Iterator[tuple[int, Random]]:
        """Each step's number and its chance. The gradients that the caller has left by the next one are applied."""
        for step in range(self.begin, self.steps):
            for group in self._optimiser.param_groups:
                group["lr"] = self.rate * self.schedule(step)
            self._optimiser.zero_grad(set_to_none=True)
            torch.manual_seed(hash((self.seed, step)) % 2**63)
            yield step, Random(f"{self.seed} {step}")
            nn.utils.clip_grad_norm_(self.policy.parameters(), _LONGEST_GRADIENT)
            self._optimiser.step()
            if (step + 1) % self.save_every == 0 and step + 1 < self.steps:
                self.save(step + 1)

    def note(self, step: int, figures: dict[str, float]) -> None:
        """Append a line to the log."""
        self.log.append({"step": step + 1, **figures})
        with (self.folder / LOG).open("a") as file:
            file.write(json.dumps(self.log[-1]) + "\n")

    def save(self, step: int) -> None:
        """Keep everything that the steps from `step` on need."""
        state = {
            "policy": self.policy.state(),
            "optimiser": self._optimiser.state_dict(),
            "step": step,
            "settings": self.settings,
        }
        with replacing(self._checkpoint) as part:
            torch.save(state, part)

    def finish(self) -> None:
        """Write the adapter; the checkpoint isn't needed any more."""
        with replacing(self.folder / _SETTINGS) as part:
            part.write_text(self.settings, encoding="utf-8")
        self.policy.save(self.folder)
        self._checkpoint.unlink(missing_ok=True)

    def _expect_own(self, settings: str) -> None:
        if settings != self.settings:
            raise UserError(
                "A training with other settings was begun here",
                path=self.folder,
                remedy="Repeat its settings to resume it, or choose another folder with --out",
            )

    def _read_log(self) -> list[dict[str, float]]:
        """The lines up to the checkpoint; those of steps after it are taken back."""
        path = self.folder / LOG
        kept = [line for line in whole_lines(path) if line["step"] <= self.begin]
        with replacing(path) as part:
            part.write_text("".join(json.dumps(line) + "\n" for line in kept))
        return kept


def load_ended(policy: Policy, folder: Path) -> None:
    """Give `policy` the adapter of the training that ended in `folder`. Raises UserError if it is of another base."""
    if (folder / _SETTINGS).read_text(encoding="utf-8").partition("\n")[0] != policy.base:
        raise UserError(
            "A training of another base has ended here", path=folder, remedy="Choose another folder with --out"
        )
    policy.load(folder)


def whole_lines(path: Path) -> list[Any]:
    """The objects in a file of JSON lines that a run appends to, without a last line that was cut off; [] if there is
    no such file."""
    found = list[Any]()
    with suppress(FileNotFoundError, ValueError):
        for line in path.read_text(encoding="utf-8").splitlines():
            found.append(json.loads(line))
    return found


def is_done(folder: Path) -> bool:
    """Whether a training has ended there."""
    return (folder / ADAPTER).exists() and not (folder / CHECKPOINT).exists()
