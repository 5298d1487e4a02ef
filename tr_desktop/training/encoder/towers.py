"""The parts of the two towers that are trained: the image head, and all of them as one value."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tr_desktop.training.encoder.backbone import CLASSES, HEAD, EfficientNetLite2
from tr_desktop.training.encoder.text import WIDTH, Adapter


class ImageHead(nn.Module):
    """Pooled features [N,1280] to the joint space [N,384], L2-normalised.

    What is learned (straight, a branch, and free vectors of the classes' names) and, weighing `named` beside it, the
    class probabilities through the names as the text tower says them (`Towers.say_names`).
    """

    said: Tensor

    def __init__(self, classes: nn.Linear, names: Tensor | None, named: float = 0.0, hidden: int = 1024) -> None:
        super().__init__()
        self.named = named
        self.norm = nn.LayerNorm(HEAD)
        self.straight = nn.Linear(HEAD, WIDTH)
        self.branch = nn.Sequential(nn.Linear(HEAD, hidden), nn.GELU(), nn.Dropout(0.3), nn.Linear(hidden, WIDTH))
        self.classes = copy.deepcopy(classes)
        names = torch.zeros(CLASSES, WIDTH) if names is None else names
        self.names = nn.Parameter(names.clone())
        self.register_buffer("said", names.clone())

    def forward(self, pooled: Tensor) -> Tensor:
        x = self.norm(pooled)
        classes = functional.softmax(self.classes(pooled), 1)
        learned = functional.normalize(self.straight(x) + self.branch(x) + classes @ self.names, dim=1)
        return functional.normalize(learned + self.named * (classes @ self.said), dim=1)


@dataclass
class Towers:
    """What is trained: the backbone (its late blocks), the image head, the text adapter and the logits' scale.

    names: MiniLM's vectors [1000,384] of the backbone's class names, or None.
    """

    net: EfficientNetLite2
    head: ImageHead
    adapter: Adapter
    scale: nn.Parameter
    names: Tensor | None = None

    def _parts(self) -> nn.ModuleDict:
        scale = nn.ParameterDict({"log": self.scale})
        return nn.ModuleDict({"net": self.net, "head": self.head, "adapter": self.adapter, "scale": scale})

    def weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self._parts().state_dict().items()}

    def load(self, weights: dict[str, Tensor]) -> None:
        self._parts().load_state_dict(weights)
        self.say_names()

    def say_names(self) -> None:
        """Have the image head use the names as the text tower says them now."""
        if self.names is not None:
            was_training = self.adapter.training
            self.adapter.eval()
            with torch.no_grad():
                self.head.said.copy_(self.adapter(self.names))
            self.adapter.train(was_training)
