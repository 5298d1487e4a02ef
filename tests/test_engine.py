"""The engine: one library and one pack, without a window."""

import json
import shutil
import subprocess
import sys
import threading

import pytest

from tests.processes import PATIENCE_S
from tr_desktop.engine import Lacking, LibraryStatus, lacking, open_engine
from tr_desktop.errors import PackError, UserError
from tr_desktop.models.pack import EMBEDDED


@pytest.fixture
def engine(tmp_path):
    opened = open_engine(tmp_path / "library", "mini", "cpu")
    yield opened
    opened.close()


def test_footage_is_surveyed_indexed_found_and_explained(engine, sample):
    status = engine.survey([sample])
    assert status.coverage.waiting == [sample] and status.missing == ()
    heard = []
    coverage = engine.index([sample], heard.append, threading.Event())
    assert coverage.searched == [sample] and heard
    assert engine.survey([sample]).coverage.waiting == []
    engine.warm_up()
    best = engine.find("a cat", [sample], top=1, read_new=False).moments[0]
    assert best.confident and best.segment.start_frame == 216
    evidence = list(engine.evidence(best))
    assert len(evidence[0].curve) and evidence[0].shot_frames == () and 216 in evidence[-1].shot_frames


def test_a_missing_folder_is_listed_and_left_out(engine, sample, tmp_path):
    folders = [tmp_path / "unplugged", sample]
    status = engine.survey(folders)
    assert status.missing == (tmp_path / "unplugged",)
    assert status.present(folders) == [sample]
    assert LibraryStatus().present(folders) == folders


@pytest.fixture
def twin(tmp_path):
    """The embedded pack as another one: it knows nothing of what `mini` has indexed."""
    folder = shutil.copytree(EMBEDDED / "mini", tmp_path / "twin")
    facts = json.loads((folder / "pack.json").read_text())
    facts.pop("indexed_as", None)
    (folder / "pack.json").write_text(json.dumps(facts | {"name": "twin"}))
    return str(folder)


def test_a_moment_of_one_pack_gets_its_last_steps_from_another(engine, sample, twin):
    coverage = engine.index([sample])
    (rough,) = engine.find("a cat", [sample], top=1, steps=1).moments
    other = engine.with_pack(twin)
    other.try_out()
    assert lacking(engine.catalog, other.encoder.pack, coverage).files == 1
    with pytest.raises(UserError, match="isn't indexed with twin yet"):
        other.refine(rough)
    with pytest.raises(UserError, match="isn't indexed with twin yet"):
        next(other.evidence(rough))
    other.index([sample])
    assert lacking(engine.catalog, other.encoder.pack, coverage) == Lacking()
    refined = other.refine(rough)
    assert refined == engine.refine(rough) and len(refined.refinement.steps) == len(rough.refinement.steps) + 2


def test_a_pack_with_a_damaged_tower_is_refused_before_it_is_used(engine, twin, tmp_path):
    (tmp_path / "twin" / "image.onnx").write_bytes(b"half")
    with pytest.raises(PackError, match=r"image\.onnx"):
        engine.with_pack(twin).try_out()


def test_a_pack_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(UserError, match="no-such-pack"):
        open_engine(tmp_path / "library", "no-such-pack")


def test_the_engine_needs_no_qt():
    code = "import sys, tr_desktop.engine; sys.exit(any(name.startswith('PySide6') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=PATIENCE_S).returncode == 0
