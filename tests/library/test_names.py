"""The names of files and folders are evidence: what they say is found without a picture that looks like it."""

from tests.toy import ToyEncoder, write_clip
from tr_desktop.commands import report
from tr_desktop.grounding import find
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
        document = report.as_json(answer)
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
