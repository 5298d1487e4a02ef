"""How good the default pictures behind a converted pack's background.npy are: mini with them, beside mini's own bank.

    python -m benchmarks.background ../shared/footage    # needs annotations.jsonl beside the videos

Prints a Markdown table. Both search the same index of the same footage; only what similarities are compared with
differs. The baseline is a bank of random directions, which knows nothing about pictures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from tr_desktop.grounders.two_tower import TwoTower
from tr_desktop.grounding import find
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.models.convert.background import sample_pictures
from tr_desktop.models.encoder import Encoder, Vectors
from tr_desktop.models.pack import load_pack

_BATCH = 16


def bank_of(encoder: Encoder, pictures: np.ndarray) -> Vectors:
    return np.concatenate([encoder.encode_images(pictures[at : at + _BATCH]) for at in range(0, len(pictures), _BATCH)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("footage", type=Path)
    footage: Path = parser.parse_args().footage
    questions = [json.loads(line) for line in (footage / "annotations.jsonl").read_text().splitlines()]
    own = Encoder(load_pack("mini"), "cpu")
    pictures = sample_pictures(own.pack.picture_shape)
    banks = {"mini's own": own.background, "scikit-image's": bank_of(own, pictures)}
    banks["scikit-image's, whole pictures only"] = banks["scikit-image's"][::12]
    banks["random directions"] = unit(np.random.default_rng(0).normal(size=(264, own.pack.width)))
    queries = own.encode_text([each["query"] for each in questions])
    with tempfile.TemporaryDirectory() as library, Catalog(Path(library)) as catalog:
        answers = {name: moments_of(bank, questions, footage, catalog) for name, bank in banks.items()}
    right = answers["mini's own"]
    print("| bank | pictures | r of mean | r of deviation | deviation / own | shift | r of scores | score off", end="")
    print(" | confident | same best moment |")
    print("|---" * 10 + "|")
    for name, bank in banks.items():
        similar = [bank @ queries.T, banks["mini's own"] @ queries.T]
        mean, own_mean = (each.mean(axis=0) for each in similar)
        std, own_std = (each.std(axis=0) for each in similar)
        found = answers[name]
        scores, own_scores = ([each[0] for each in some] for some in (found, right))
        same = np.mean([a[1] == b[1] for a, b in zip(found, right, strict=True)])
        print(
            f"| {name} | {len(bank)} | {corr(mean, own_mean):.2f} | {corr(std, own_std):.2f}"
            f" | {np.median(std / own_std):.2f} | {np.median((mean - own_mean) / own_std):+.2f}"
            f" | {corr(scores, own_scores):.2f} | {np.abs(np.subtract(scores, own_scores)).mean():.3f}"
            f" | {sum(each[2] for each in found)} of {len(found)} | {same:.0%} |",
            flush=True,
        )


def moments_of(
    bank: Vectors, questions: list[dict], footage: Path, catalog: Catalog
) -> list[tuple[float, tuple, bool]]:
    """The best answer to each question with this bank: its score, its file and segment, whether it is confident."""
    encoder = Encoder(load_pack("mini"), "cpu")
    encoder.background = bank
    grounder, found = TwoTower(catalog, encoder), []
    for question in questions:
        best = find(question["query"], [footage], catalog, encoder, top=1, steps=4, grounder=grounder).moments[0]
        found.append((best.score, (best.media.path, best.segment), best.confident))
    return found


def corr(a: object, b: object) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def unit(rows: np.ndarray) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


if __name__ == "__main__":
    main()
