"""The names of files and folders are evidence: what they say is found without a picture that looks like it."""

import shutil
import threading
from fractions import Fraction

import av
import numpy as np

from tests.drives import pretend_drive
from tests.toy import ToyEncoder, write_clip
from tr_desktop.answer_json import as_json
from tr_desktop.commands import report
from tr_desktop.footage.captions import Cue
from tr_desktop.grounding import find
from tr_desktop.library.index.coverage import NOT_YET, OTHER_MODEL
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moment_json import moments_of
from tr_desktop.moments import Judgement, Quote, TextKind


def test_a_file_is_found_by_its_folder_and_name_and_says_why(tmp_path):
    anna = write_clip(tmp_path / "Interviews" / "Anna_02.mov", [("red", 50)])
    others = [write_clip(tmp_path / name, [("blue", 60 + at)]) for at, name in enumerate(("Anna.mov", "BerndDay2.mov"))]
    with Catalog(tmp_path / "library") as catalog:
        answer = find("interview anna", [tmp_path], catalog, ToyEncoder())
        first = answer.moments[0]
        name = str(anna.relative_to(tmp_path).with_suffix(""))
        assert first.quote == Quote(name, anna, TextKind.NAME)
        assert f"file name: {name}" in report.as_text(answer)
        document = as_json(answer)
        assert document["moments"][0]["why"] == f"file name: {name}"
        assert moments_of(document, catalog.footage)[0].quote == first.quote
        assert find("bernd day", [tmp_path], catalog, ToyEncoder()).moments[0].media.path == others[1]
        unwanted = find("anna -interviews", [tmp_path], catalog, ToyEncoder()).moments
        assert {moment.media.path for moment in unwanted if moment.quote} == {others[0]}
        nothing = find("a quiet lake", [tmp_path], catalog, ToyEncoder()).moments
        assert not any(moment.quote for moment in nothing)


def test_a_wrong_moment_of_a_file_that_is_named_makes_room_for_its_next(tmp_path):
    write_clip(tmp_path / "Anna.mov", [("green", 75), ("red", 100), ("green", 75)])
    write_clip(tmp_path / "other.mov", [("red", 60), ("green", 100), ("red", 60)])
    with Catalog(tmp_path / "library") as catalog:

        def ask(*judgements):
            found = find("anna", [tmp_path], catalog, ToyEncoder(), top=1, judgements=judgements).moments
            return [moment for moment in found if moment.quote]

        [moment] = ask()
        first = Judgement(moment.media.path, moment.segment.start_frame, False)
        [moment] = ask(first)
        assert moment.media.path == first.path and not first.is_about(moment)
        assert ask(first, Judgement(first.path, moment.segment.start_frame, False)) == []


def test_a_name_in_every_file_says_nothing_and_one_that_is_given_has_no_folder(tmp_path):
    clips = [write_clip(tmp_path / "Anna" / f"clip{at}.mov", [("red", 50 + at)]) for at in range(2)]
    with Catalog(tmp_path / "library") as catalog:
        found = find("anna", [tmp_path / "Anna"], catalog, ToyEncoder()).moments
        assert not any(moment.quote for moment in found)
        assert not any(moment.quote for moment in find("anna", clips, catalog, ToyEncoder()).moments)


def write_sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        for _ in range(40):
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            sound.sample_rate = 48000
            container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    return path


def test_a_named_file_without_pictures_to_search_is_skipped_with_its_reason(tmp_path, monkeypatch):
    drive = pretend_drive(monkeypatch, tmp_path / "drive")
    lake = write_clip(tmp_path / "lake.mov", [("red", 50)])
    sound = write_sound(tmp_path / "Anna sound.m4a")
    away = write_clip(drive / "Anna away.mov", [("green", 50)])
    with Catalog(tmp_path / "library") as catalog:
        index_footage([lake], catalog, ToyEncoder())
        index_footage([drive], catalog, ToyEncoder("another model"))
        shutil.move(drive, tmp_path / "unplugged")
        new = write_clip(tmp_path / "Anna new.mov", [("blue", 70)])
        answer = find("anna", [lake, sound, new, away], catalog, ToyEncoder(), read_new=False)
    assert {moment.media.path for moment in answer.moments} == {lake}
    reasons = {each.path: each.reason for each in answer.coverage.skipped}
    assert reasons.keys() == {sound, new, away}
    assert (reasons[new], reasons[away]) == (NOT_YET, OTHER_MODEL)


def test_a_named_file_that_is_partly_indexed_or_offline_is_found(tmp_path, monkeypatch):
    drive = pretend_drive(monkeypatch, tmp_path / "drive")
    write_clip(drive / "lake.mov", [("red", 50)])
    anna = write_clip(drive / "Anna.mov", [("green", 1000), ("blue", 1000)])
    stop = threading.Event()
    with Catalog(tmp_path / "library") as catalog:
        index_footage([drive / "lake.mov"], catalog, ToyEncoder())
        index_footage([anna], catalog, ToyEncoder(), lambda at: stop.set() if at.footage_s >= 5 else None, stop)
        shutil.move(drive, tmp_path / "unplugged")
        answer = find("anna", [drive], catalog, ToyEncoder(), read_new=False)
    first = answer.moments[0]
    assert first.quote == Quote("Anna", anna, TextKind.NAME)
    assert anna in answer.coverage.offline and anna in answer.coverage.incomplete
    assert first.segment.end_frame <= len(first.footage) < 2000


def test_files_that_leave_the_library_during_a_search_are_passed_over(tmp_path):
    lake = write_clip(tmp_path / "lake.mov", [("red", 50)])
    anna = write_clip(tmp_path / "Anna.mov", [("green", 60)])
    with Catalog(tmp_path / "library") as catalog:

        def forget(coverage):
            with catalog.writing() as writer:
                for media_id, path in coverage.media.items():
                    writer.add_text(media_id, TextKind.SCREEN, [Cue(Fraction(0), Fraction(1), "ANNA BANANA")])
                    if path == anna:
                        writer.forget(path)

        answer = find("anna", [tmp_path], catalog, ToyEncoder(), on_indexed=forget)
    assert {moment.media.path for moment in answer.moments} == {lake}
