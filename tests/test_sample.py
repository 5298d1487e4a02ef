"""The sample clip that the package ships, and the index that comes with it."""

import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from tests.make_sample import fresh_vectors, pictures
from tests.models.toy_pack import write_pack
from tr_desktop import sample_index
from tr_desktop.commands.main import main
from tr_desktop.engine import Engine, open_engine
from tr_desktop.footage.probe import probe
from tr_desktop.footage.sample import CLIP, SHOTS
from tr_desktop.library.index.isolated import read_isolated
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.sample_index import index_sample

MAKE_IT = "Make it anew and commit it: .venv/test/bin/python -m tests.make_sample"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return shutil.copy(CLIP, tmp_path / "sample.mp4")


@pytest.fixture
def engine(tmp_path: Path):
    with open_engine(tmp_path / "library", "mini", "cpu") as opened:
        yield opened


def _is_indexed(engine: Engine, clip: Path) -> bool:
    coverage = engine.survey([clip]).coverage
    return clip in coverage.searched and not coverage.incomplete


def test_the_clip_shows_the_pictures_that_its_tool_makes():
    pytest.importorskip("skimage", reason="the pictures ship with it")
    with av.open(str(CLIP)) as container:
        shown = [frame.to_ndarray().astype(np.int16) for frame in container.decode(video=0)]
    made = [picture.to_ndarray().astype(np.int16) for picture in pictures()]
    assert len(shown) == len(made) == 24 * sum(seconds for _, seconds, _ in SHOTS)
    assert max(abs(one - other).mean() for one, other in zip(shown, made, strict=True)) < 3
    assert str(probe(CLIP).start_tc) == "01:00:00:00"


def test_the_index_is_what_the_embedded_pack_makes_of_the_clip(engine, clip):
    index_sample(clip, engine)
    assert _is_indexed(engine, clip), f"The sample's index is of another pack. {MAKE_IT}"
    kept = engine.catalog.load(clip, engine.encoder.pack.sha256).vectors.astype(np.float32)
    fresh = fresh_vectors()
    assert kept.shape == fresh.shape, MAKE_IT
    assert (kept * fresh).sum(axis=1).min() > 0.999, MAKE_IT  # processors round differently


def test_the_first_search_encodes_no_sampled_picture_and_starts_no_process(tmp_path, monkeypatch, capsys):
    encoded, read = [], []
    encode = Encoder.encode_images
    monkeypatch.setattr(Encoder, "encode_images", lambda self, rows: encoded.append(len(rows)) or encode(self, rows))
    monkeypatch.setattr("tr_desktop.engine.read_isolated", lambda *of: read.append(of) or read_isolated(*of))
    assert main(["find", "a cat", "--library", str(tmp_path), "--no-refine"]) == 0
    assert "01:00:08" in capsys.readouterr().out
    assert not encoded and not read


def test_another_clip_or_another_pack_is_indexed_as_all_footage_is(engine, clip, tmp_path):
    clip.write_bytes(clip.read_bytes() + bytes(64))
    index_sample(clip, engine)
    assert not _is_indexed(engine, clip)
    shutil.copy(CLIP, clip)
    toy = load_pack(write_pack(tmp_path / "toy"))
    with open_engine(tmp_path / "library", str(toy.location), "cpu") as other:
        index_sample(clip, other)
        assert not _is_indexed(other, clip)
        other.index([clip])
        assert _is_indexed(other, clip)


def test_without_the_index_the_clip_is_searched_too(tmp_path, monkeypatch):
    monkeypatch.setattr(sample_index, "VECTORS", tmp_path / "none.npz")
    assert main(["find", "a cat", "--library", str(tmp_path / "library"), "--no-refine"]) == 0
