"""Retrieval on the validation pictures after each epoch, from cached maps."""

from __future__ import annotations

import torch
from torch import Tensor

from tr_desktop.training.encoder.batches import Texts
from tr_desktop.training.encoder.corpus import Picture
from tr_desktop.training.encoder.features import ViewJob
from tr_desktop.training.encoder.fitting import Features
from tr_desktop.training.encoder.towers import Towers


class Validation:
    """Retrieval on validation pictures that training never sees: by Flickr8k's captions, machine captions, captions of
    clips, and labels."""

    def __init__(self, pictures: list[Picture], jobs: list[ViewJob], texts: Texts) -> None:
        self.texts = texts
        rows = {job.picture: n for n, job in enumerate(jobs) if job.view == 0}
        val = [i for i, p in enumerate(pictures) if p.split == "val" and i in rows]
        self.sets = {
            "flickr": [i for i in val if pictures[i].source == "flickr8k"],
            "machine": [i for i in val if pictures[i].machine and not pictures[i].clip],
            "frames": [i for i in val if pictures[i].source == "clips" and 0.4 < pictures[i].at < 0.6],
            "kept frames": [i for i in val if pictures[i].source == "clip-frames" and 0.4 < pictures[i].at < 0.6],
        }
        self.exchanged = [
            (i, t) for i in val for t in texts.captions[i] if t in texts.exchanged and not pictures[i].clip
        ]
        self.labelled = [i for i in val if pictures[i].labels]
        self.names = sorted({texts.labels[i][1] for i in self.labelled})  # "a photo of a …"
        self.rows = rows

    def vectors(self, towers: Towers, features: Features, pictures: list[int]) -> Tensor:
        """The pictures' vectors [N,384]."""
        towers.head.eval()
        with torch.no_grad():
            return torch.cat(
                [
                    towers.head(features([self.rows[i] for i in pictures[at : at + 256]]))
                    for at in range(0, len(pictures), 256)
                ]
            )

    def report(self, towers: Towers, features: Features) -> str:
        """One line, in percent: text-to-picture recall at 1 / 5 / 10 of each set; how often a picture is nearer to its
        caption than to the same with one word exchanged, where chance is 50; top-1 / top-5 of the labels."""
        towers.adapter.eval()
        parts = []
        with torch.no_grad():
            for name, chosen in self.sets.items():
                if not chosen:
                    continue
                images = self.vectors(towers, features, chosen)
                queries = [(t, n) for n, i in enumerate(chosen) for t in self.texts.captions[i]]
                scores = self.texts.sentences.encode(towers.adapter, [t for t, _ in queries]) @ images.T
                own = scores[range(len(queries)), [n for _, n in queries]]
                place = (scores > own[:, None]).sum(1)
                hits = " / ".join(f"{100 * (place < k).float().mean():.1f}" for k in (1, 5, 10))
                parts.append(f"{name} ({len(chosen)}) {hits}")
            if self.exchanged:
                of = sorted({i for i, _ in self.exchanged})
                images = self.vectors(towers, features, of)[[of.index(i) for i, _ in self.exchanged]]
                own, changed = (
                    (images * self.texts.sentences.encode(towers.adapter, rows)).sum(1)
                    for rows in ([t for _, t in self.exchanged], [self.texts.exchanged[t] for _, t in self.exchanged])
                )
                parts.append(f"exchanged ({len(own)}) {100 * (own > changed).float().mean():.1f}")
            names = self.texts.sentences.encode(towers.adapter, self.names)
            scores = self.vectors(towers, features, self.labelled) @ names.T
            right = torch.tensor([self.names.index(self.texts.labels[i][1]) for i in self.labelled])
            place = (scores > scores[range(len(right)), right][:, None]).sum(1)
            parts.append(f"labels {100 * (place < 1).float().mean():.1f} / {100 * (place < 5).float().mean():.1f}")
        return ", ".join(parts)
