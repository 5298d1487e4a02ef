"""The video language models that `tr-desktop models get` suggests. Sizes are of the files to download, in bf16.

Repositories, terms and figures are those of the models' cards and papers, as read in stored copies of public pages on
2026-12-01; nothing was downloaded, and no figure was measured here. mIoU is the authors' own.
"""

from __future__ import annotations

from dataclasses import dataclass

_APACHE = "Apache-2.0"
_CARD = "https://huggingface.co/"


@dataclass(frozen=True)
class SuggestedModel:
    """A checkpoint that `models add` takes.

    name: for `models get`. repository: on the Hugging Face hub. card: the graphics memory that it needs, in words.
    commercial: whether the licence allows paid work, None if it isn't known.
    """

    name: str
    repository: str
    good_for: str
    card: str
    licence: str
    commercial: bool | None
    download_bytes: int

    @property
    def licence_url(self) -> str:
        return f"{_CARD}{self.repository}"

    @property
    def folder(self) -> str:
        return self.repository.rpartition("/")[2]


SUGGESTED = (
    SuggestedModel(
        name="timelens2-2b",
        repository="MCG-NJU/TimeLens2-2B",
        good_for="a first try and small cards; finds several moments in a window (mean mIoU 44.5 over seven sets)",
        card="8 GB",
        licence=f"see its card; its base, Qwen3-VL-2B, is {_APACHE}",
        commercial=None,
        download_bytes=4_300_000_000,
    ),
    SuggestedModel(
        name="timelens2-4b",
        repository="MCG-NJU/TimeLens2-4B",
        good_for="nearly the best answers of this list at half the size (mean mIoU 47.7 over seven sets)",
        card="12 GB, or 8 GB in 4 bits",
        licence=f"see its card; its base, Qwen3-VL-4B, is {_APACHE}",
        commercial=None,
        download_bytes=8_900_000_000,
    ),
    SuggestedModel(
        name="timelens2-8b",
        repository="MCG-NJU/TimeLens2-8B",
        good_for="the best published answers of this list (mean mIoU 48.0 over seven sets)",
        card="24 GB, or 12 GB in 4 bits",
        licence=f"see its card; its base, Qwen3-VL-8B, is {_APACHE}",
        commercial=None,
        download_bytes=17_500_000_000,
    ),
    SuggestedModel(
        name="timelens-8b",
        repository="TencentARC/TimeLens-8B",
        good_for="one moment in a window (mIoU 55.2 on Charades-TimeLens, 53.2 on ActivityNet-TimeLens)",
        card="24 GB, or 12 GB in 4 bits",
        licence="BSD-3-Clause, according to its card",
        commercial=True,
        download_bytes=17_500_000_000,
    ),
    SuggestedModel(
        name="time-r1-7b",
        repository="Boshenxx/Time-R1-7B",
        good_for="watching it think: its anchors are steps on the scrubber (R1@0.5 60.8 on Charades-STA, unseen)",
        card="24 GB, or 12 GB in 4 bits",
        licence=_APACHE,
        commercial=True,
        download_bytes=16_600_000_000,
    ),
    SuggestedModel(
        name="qwen3-vl-2b",
        repository="Qwen/Qwen3-VL-2B-Instruct",
        good_for="terms without a question: a general model, not trained for moments in particular",
        card="8 GB",
        licence=_APACHE,
        commercial=True,
        download_bytes=4_300_000_000,
    ),
)


def suggested_model(name: str) -> SuggestedModel | None:
    """The model of that name; None if the list has none."""
    return next((model for model in SUGGESTED if model.name == name), None)
