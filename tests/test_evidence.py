"""What speaks for a moment: the curve first, then cuts on their exact frames."""

import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.errors import UserError
from tr_desktop.evidence import evidence_for
from tr_desktop.grounding import find
from tr_desktop.library.store.catalog import Catalog


def test_the_curve_comes_at_once_and_cuts_are_on_their_frames(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", [("blue", 63), ("red", 58), ("green", 60)])
    with Catalog(tmp_path / "library") as catalog:
        moment = find("red", [clip], catalog, ToyEncoder()).moments[0]
        first, *_, last = evidence_for(moment, catalog, ToyEncoder())
        assert first.shot_frames == () and set(last.shot_frames) == {63, 121}
        assert len(last.curve) == len(catalog.load(clip, "toy").vectors)
        rows = [row for row, value in enumerate(last.curve) if value > 0.9]
        assert all(63 <= row * last.every_s * 25 < 121 for row in rows) and rows


def test_a_file_that_disappears_leaves_the_curve(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", [("blue", 63), ("red", 58)])
    with Catalog(tmp_path / "library") as catalog:
        moment = find("red", [clip], catalog, ToyEncoder()).moments[0]
        clip.unlink()
        (evidence,) = evidence_for(moment, catalog, ToyEncoder())
        assert len(evidence.curve) and evidence.shot_frames == ()
        with catalog.writing() as writer:
            writer.forget(clip)
        with pytest.raises(UserError, match="isn't in the library"):
            next(evidence_for(moment, catalog, ToyEncoder()))
