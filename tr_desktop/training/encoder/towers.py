"""The parts of the two towers that are trained: the image head, and all of them as one value."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tr_desktop.training.encoder.backbone import CLASSES, HEAD, EfficientNetLite2
from tr_desktop.training.encoder.text import WIDTH, Adapter, Sentences


class ImageHead(nn.Module):
    """Pooled features [N,FEATURES] to the joint space [N,384], L2-normalised.

    The sum of two vectors, normalised again: the learned one (a linear layer and a branch of the means, a linear layer
    of the largest places, and free vectors of the class names, weighted by the class probabilities), and `names_weight`
    times the class names as the text tower encodes them, weighted by the same probabilities. `Towers.encode_names`
    updates the latter.
    """

    encoded_names: Tensor

    def __init__(self, classes: nn.Linear, names: Tensor | None, names_weight: float = 0.0, hidden: int = 1024) -> None:
        super().__init__()
        self.names_weight = names_weight
        self.norm = nn.LayerNorm(HEAD)
        self.straight = nn.Linear(HEAD, WIDTH)
        self.branch = nn.Sequential(nn.Linear(HEAD, hidden), nn.GELU(), nn.Dropout(0.3), nn.Linear(hidden, WIDTH))
        self.small_norm, self.small = nn.LayerNorm(HEAD), nn.Linear(HEAD, WIDTH, bias=False)
        nn.init.zeros_(self.small.weight)
        self.classes = copy.deepcopy(classes)
        names = torch.zeros(CLASSES, WIDTH) if names is None else names
        self.names = nn.Parameter(names.clone())
        self.register_buffer("encoded_names", names.clone())

    def forward(self, pooled: Tensor) -> Tensor:
        mean, largest = pooled[:, :HEAD], pooled[:, HEAD:]
        x = self.norm(mean)
        classes = functional.softmax(self.classes(mean), 1)
        seen = self.straight(x) + self.branch(x) + self.small(self.small_norm(largest))
        learned = functional.normalize(seen + classes @ self.names, dim=1)
        return functional.normalize(learned + self.names_weight * (classes @ self.encoded_names), dim=1)


@dataclass
class Towers:
    """Everything that training changes, as one value that can be saved and loaded.

    net: the backbone, of which only the late blocks are trained. head, adapter: from pooled features and from MiniLM's
    vectors to the joint space. scale: log of the factor of the logits. names: the backbone's 1000 class names, or None
    to train without them.
    """

    net: EfficientNetLite2
    head: ImageHead
    adapter: Adapter
    scale: nn.Parameter
    names: Sentences | None = None

    def _parts(self) -> nn.ModuleDict:
        scale = nn.ParameterDict({"log": self.scale})
        return nn.ModuleDict({"net": self.net, "head": self.head, "adapter": self.adapter, "scale": scale})

    def weights(self) -> dict[str, Tensor]:
        """A copy of all weights, by name."""
        return {name: value.detach().clone() for name, value in self._parts().state_dict().items()}

    def load(self, weights: dict[str, Tensor]) -> None:
        """Take over what `weights` returned."""
        self._parts().load_state_dict(weights)
        self.encode_names()

    def encode_names(self) -> None:
        """Pass the class names to the image head as the text tower encodes them now."""
        if self.names is not None:
            was_training = self.adapter.training
            self.adapter.eval()
            with torch.no_grad():
                self.head.encoded_names.copy_(self.names.encode(self.adapter, range(len(self.names))))
            self.adapter.train(was_training)
