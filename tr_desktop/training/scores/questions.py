"""Questions with known answers, asked of libraries: annotated footage, and videos composed from encoded sources.

A composed library holds videos like those that the refiner is tested on (`refiner/compose.py`), some of them edited and
some of them takes. Videos that could answer a question by chance are left out of its library: those that hold a source
of the same group, or one of the sources whose captions are nearest to the query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tr_desktop.moments import Footage, FrameTimes, Indexed, Media
from tr_desktop.timecode import Timecode
from tr_desktop.training.annotations import Annotation
from tr_desktop.training.refiner.compose import NEAREST_CAPTIONS, ComposedExample, Composer
from tr_desktop.training.refiner.sources import Sources
from tr_desktop.training.scores.nonsense import nonsense

Vectors = npt.NDArray[np.float32]
Windows = Sequence[tuple[float, float]]
EncodeText = Callable[[list[str]], Vectors]

# Kinds of questions.
OWN = "own file"  # asked of the file that has the answer, and of no other
LIBRARY = "library"  # asked of a whole library that has the answer
ABSENT = "not there"  # asked of a file in which it doesn't occur
OTHER = "another video's"  # the query of another video
NONSENSE = "nonsense"  # nothing answers it

SIZES = (1, 5, 20, 60, 120)
SPARE_VIDEOS = 60  # beyond the largest library, since those that could answer a question are left out of it
LONGEST_S = 90.0
MISUNDERSTOOD = 0.5  # as the refiner is calibrated


@dataclass(frozen=True)
class Question:
    """A query, the files to search, and where in which of them it holds: windows in seconds by path.

    video: the one that the query describes, "" for nonsense. anywhere: any moment of these files is right.
    """

    kind: str
    query: str
    vector: Vectors
    files: tuple[Indexed, ...]
    truths: Mapping[Path, Windows]
    video: str = ""
    anywhere: bool = False

    @property
    def group(self) -> str:
        """Questions of one group aren't independent: those about one video."""
        return self.video or self.query


def about_footage(
    annotations: Sequence[Annotation], files: Mapping[str, Indexed], encode_text: EncodeText, seed: int, strange: int
) -> Iterator[Question]:
    """Each annotated query asked of its own file, of another file and of all; `strange` nonsense queries of all.

    files: by name. A query that fits its whole video is asked of all files only, where any moment of it is right.
    """
    rng, everything = np.random.default_rng(seed), tuple(files.values())
    words = [word for a in annotations for word in re.findall(r"[a-z]{3,}", a.query.lower())]
    for annotation in annotations:
        video = annotation.video
        own, vector = files[video], encode_text([annotation.query])[0]
        truths = {own.media.path: annotation.windows}
        if not annotation.windows:
            yield Question(ABSENT, annotation.query, vector, (own,), {}, video)
            continue
        yield Question(LIBRARY, annotation.query, vector, everything, truths, video, annotation.whole)
        if not annotation.whole:
            yield Question(OWN, annotation.query, vector, (own,), truths, video)
        if others := [item for item in everything if item is not own]:
            other = others[int(rng.integers(len(others)))]
            yield Question(OTHER, annotation.query, vector, (other,), {}, video)
    for query in nonsense(words, strange, seed):
        yield Question(NONSENSE, query, encode_text([query])[0], everything, {})


@dataclass(frozen=True)
class ComposedVideo:
    """A composed video as a file of a library, its query, and the sources that it holds by number."""

    item: Indexed
    example: ComposedExample
    holds: frozenset[int]


class ComposedLibraries:
    """`count` composed videos, from which each question gets a library of the size asked for."""

    def __init__(self, sources: Sources, count: int, seed: int, every_s: Fraction) -> None:
        self._sources, self._rng = sources, np.random.default_rng(seed)
        composer = Composer(sources, seed, (8.0, LONGEST_S), misunderstood=MISUNDERSTOOD, one_shoot=True)
        numbers = {id(item): number for number, item in enumerate(sources.items)}
        self.videos = [_composed(composer.example(), number, numbers, every_s) for number in range(count)]
        self._captions = np.concatenate([item.captions for item in sources.items])
        self._first = np.cumsum([0, *(len(item.captions) for item in sources.items[:-1])])

    def library(self, video: ComposedVideo, size: int) -> tuple[Indexed, ...]:
        """`video` and others that don't answer its query, in random order."""
        near = self._could_answer(video.example)
        others = [other for other in self.videos if other is not video and not (other.holds & near)]
        chosen = [others[index] for index in self._rng.permutation(len(others))[: size - 1]]
        return (video.item, *(other.item for other in chosen))

    def questions(self, size: int, count: int) -> Iterator[Question]:
        """`count` queries asked of libraries of `size` videos, and as many each of libraries without the answer."""
        for index in self._rng.permutation(len(self.videos))[:count]:
            video = self.videos[index]
            query, vector = video.example.query, video.example.query_vector
            library, name = self.library(video, size + 1), video.item.media.path.name
            truths = {video.item.media.path: video.example.windows_s} if video.example.windows else {}
            kind = ABSENT if not truths else OWN if size == 1 else LIBRARY
            yield Question(kind, query, vector, library[:size], truths, name)
            yield Question(OTHER, query, vector, library[1:], {}, name)

    def nonsense(self, size: int, count: int, encode_text: EncodeText, seed: int) -> Iterator[Question]:
        """`count` queries that nothing answers, each asked of a library of `size` videos."""
        words = [word for caption in self._sources.captions for word in re.findall(r"[a-z]{3,}", caption.lower())]
        for query in nonsense(words, count, seed):
            chosen = self._rng.permutation(len(self.videos))[:size]
            files = tuple(self.videos[index].item for index in chosen)
            yield Question(NONSENSE, query, encode_text([query])[0], files, {})

    def _could_answer(self, example: ComposedExample) -> frozenset[int]:
        """The sources that a query means: of the same group as the moment's, or with captions near in meaning."""
        sources = self._sources
        captions = {number for number, caption in enumerate(sources.captions) if caption == example.query}
        meaning = sources.caption_vectors @ sources.caption_vectors[min(captions)]
        nearness = np.maximum.reduceat(meaning[self._captions], self._first)
        groups = {item.group for item in sources.items if captions & set(item.captions)}
        alike = {number for number, item in enumerate(sources.items) if item.group in groups}
        return frozenset(alike | set(np.flatnonzero(nearness >= np.quantile(nearness, 1 - NEAREST_CAPTIONS)).tolist()))


def _composed(example: ComposedExample, number: int, numbers: Mapping[int, int], every_s: Fraction) -> ComposedVideo:
    video, rate = example.video, Fraction(round(example.video.rate_fps))
    rows = video.vectors((np.arange(0, video.duration_s, float(every_s)) * video.rate_fps).astype(np.int64))
    media = Media(Path(f"/composed/{number}.mp4"), 0, 0, 16, 9, rate, Timecode(0, rate))
    footage = Footage(media, FrameTimes(range(video.frames), video.frames, 1 / rate))
    shots = [*video.shots, *(event.shot for event in video.events)]
    holds = frozenset(numbers[id(shot.source)] for shot in shots)
    return ComposedVideo(Indexed(footage, every_s, rows.astype(np.float16)), example, holds)
