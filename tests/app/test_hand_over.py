"""The export panel: what it offers depends on the footage."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PySide6.QtWidgets import QMessageBox

from exporters import clips
from tests.media import make_video
from tr_desktop.app.shell.side_panel import Side
from tr_desktop.errors import ExportError
from tr_desktop.footage.probe import probe

PHONE = Path(__file__).resolve().parents[3] / "shared" / "oddities" / "torchcodec__var_fps_video.mp4"


def made_clip(folder: Path) -> Path:
    ticks = [*range(0, 1200, 40), *range(1260, 3000, 40)]
    return make_video(folder / "phone.mov", frames=len(ticks), ticks=ticks, time_base=Fraction(1, 1000), rate=25)


@pytest.mark.parametrize("clip", [made_clip, lambda _: PHONE], ids=["made", "recorded"])
def test_variable_rate_footage_can_be_exported_at_a_constant_rate(run_app, tmp_path, clip):
    footage, out = clip(tmp_path), tmp_path / "cut.edl"
    if not footage.exists():
        pytest.skip("that footage isn't here")
    assert probe(footage).is_vfr

    def script(hands):
        panel = hands.window.export
        hands.wait(lambda: hands.session.indexing.status.coverage.searched)
        hands.search("a pattern")
        hands.window.show_side(Side.EXPORT)
        assert panel.isVisible() and not panel.cfr.isVisible()  # nothing is selected yet
        hands.press("Return", "E")
        assert panel.cfr.isVisible() and not panel.cfr.isChecked()
        for way in ("lossless", "smart"):
            panel.choose_format(way)
            assert not panel.cfr.isVisible()  # the pictures are copied there
        panel.choose_format("edl")
        panel.cfr.click()
        panel.out.setText(str(out))
        panel.run()
        hands.wait(lambda: "read back" in panel.message())
        assert "constant rate" in panel.message() and panel.files.count() == 2

    assert run_app(script, footage) == 0
    (part,) = (tmp_path / "cut media").iterdir()
    with av.open(str(part)) as container:
        times_s = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert {after - before for before, after in pairwise(times_s)} == {1 / probe(part).rate}
    assert part.name in out.read_text()


def test_no_conversion_is_offered_for_constant_rate_footage(run_app, sample, library):
    def script(hands):
        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.press("Return", "E")
        assert hands.window.export.start.isEnabled() and not hands.window.export.cfr.isVisible()

    run_app(script, sample, library=library)


def test_an_existing_file_is_replaced_only_after_the_question(run_app, sample, library, tmp_path):
    mine, footage = tmp_path / "keepme.edl", tmp_path / "precious.mp4"
    mine.write_text("mine")
    footage.write_bytes(b"footage")

    def script(hands):
        panel = hands.window.export

        def question():
            return next((each for each in hands.window.findChildren(QMessageBox) if each.isVisible()), None)

        hands.wait(lambda: hands.session.engine is not None)
        hands.search("a cat")
        hands.press("Return", "E")
        panel.choose_format("fcpxml")
        panel.out.setText(str(footage))
        panel.run()
        hands.wait(lambda: "footage" in panel.message() and panel.start.isEnabled())
        panel.choose_format("edl")
        panel.out.setText(str(mine.with_suffix(".xml")))  # the format decides the ending
        for word in ("Cancel", "Replace"):
            panel.run()
            hands.wait(lambda: question() and panel.start.isEnabled())
            assert panel.out.text() == str(mine) and "keepme.edl exists already" in panel.message()
            box = question()
            assert "keepme.edl" in box.text() and mine.read_text() == "mine"
            next(each for each in box.buttons() if each.text().strip("&") == word).click()
            hands.wait(lambda: question() is None)
        hands.wait(lambda: "read back" in panel.message() and panel.start.isEnabled())
        assert mine.read_text().startswith("TITLE:")
        panel.run()  # the same export again: nothing to ask
        hands.wait(lambda: "read back" in panel.message() and panel.start.isEnabled())
        assert question() is None

    run_app(script, sample, library=library)
    assert footage.read_bytes() == b"footage"


def make_two_rates(folder):
    for rate in (25, 30):
        make_video(folder / f"at{rate}.mov", frames=60, rate=Fraction(rate))


def accept_the_next(hands):
    hands.press("Down", "Return")
    hands.wait(lambda: len(hands.session.editing.project.selects) == 2)


def test_what_an_export_writes_is_said_before_it(run_app, tmp_path):
    make_two_rates(tmp_path)

    def script(hands):
        panel = hands.window.export
        hands.wait(lambda: len(hands.session.indexing.status.coverage.searched) == 2)
        hands.search("a pattern")
        hands.window.show_side(Side.EXPORT)
        hands.press("Return")
        assert not panel._several_files.isVisible()
        accept_the_next(hands)
        panel.out.setText(str(tmp_path / "cut.edl"))
        assert panel._several_files.isVisible()
        further = {Fraction(25): "cut.30fps.edl", Fraction(30): "cut.25fps.edl"}[panel._media()[0].rate]
        assert f"2 files: cut.edl, {further}." in panel._several_files.text()
        panel.choose_format("csv")  # holds any rate
        assert not panel._several_files.isVisible()
        panel.choose_format("prores")
        assert "exact to the frame. Each" in panel._keeps.text() and not panel._several_files.isVisible()
        panel.choose_format("lossless")
        assert "starts at the keyframe before its moment" in panel._keeps.text()

    assert run_app(script, tmp_path, library=tmp_path / "library") == 0


def test_a_clip_that_fails_is_listed_and_the_others_are_written(run_app, tmp_path, monkeypatch):
    make_two_rates(tmp_path)
    whole = clips.cut_exact
    cuts = []

    def second_fails(footage, segment, *others):
        cuts.append(segment)
        if len(cuts) == 2:
            raise ExportError("The encoder gave up")
        return whole(footage, segment, *others)

    monkeypatch.setattr(clips, "cut_exact", second_fails)

    def script(hands):
        panel = hands.window.export
        hands.wait(lambda: len(hands.session.indexing.status.coverage.searched) == 2)
        hands.search("a pattern")
        hands.window.show_side(Side.EXPORT)
        hands.press("Return")
        accept_the_next(hands)
        panel.choose_format("h264")
        panel.out.setText(str(tmp_path / "clips"))
        panel.run()
        hands.wait(lambda: "read back" in panel.message())
        assert "Moment 2 (" in panel.message() and "The encoder gave up" in panel.message()
        assert panel.files.count() == len(list((tmp_path / "clips").iterdir())) == 1

    assert run_app(script, tmp_path, library=tmp_path / "library") == 0
