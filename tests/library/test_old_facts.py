"""What an older version read of a file's header is read again, without decoding the file anew."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.toy import ToyEncoder, write_clip
from tr_desktop.errors import MediaError
from tr_desktop.grounding import find
from tr_desktop.library.index import reading
from tr_desktop.library.index.indexer import index_footage
from tr_desktop.library.store.catalog import Catalog
from tr_desktop.moments import FieldOrder, Media

ADDED = ("version", "stored_width", "stored_height", "pixel_aspect", "codec_tag", "fields", "colour", "has_alpha")


def write_as_older_version(catalog: Catalog, **others: object) -> None:
    """Take out the facts that version 0.2 doesn't read. others: facts that it read otherwise."""
    with closing(sqlite3.connect(catalog.folder / "library.sqlite3")) as database, database:
        for media_id, text in database.execute("SELECT id, facts FROM media").fetchall():
            facts = json.loads(text) | others
            facts["audio"] = [track[:3] for track in facts["audio"]]
            for key in (*ADDED, "other_tracks"):
                del facts[key]
            database.execute("UPDATE media SET facts = ? WHERE id = ?", (json.dumps(facts), media_id))


def test_the_header_is_read_again_and_nothing_is_decoded_anew(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mov", [("red", 50)], timecode="01:00:00:00")
    encoder = ToyEncoder()
    with Catalog(tmp_path / "library") as catalog:
        index_footage([clip], catalog, encoder)
        whole, encoded = catalog.load(clip, "toy"), encoder.encoded_frames
        write_as_older_version(catalog, has_timecode=False)

        answer = find("red", [clip], catalog, encoder, read_new=False)  # reads nothing: all is searched, less is known
        media = answer.moments[0].media
        assert (media.codec_tag, media.stored_width, media.fields) == ("", 0, FieldOrder.UNKNOWN)

        answer = find("red", [clip], catalog, encoder)
        assert answer.coverage.searched == [clip] and not answer.coverage.skipped
        assert answer.moments[0].media == whole.media and media.codec_tag != "mp4v" == whole.media.codec_tag
        assert catalog.load(clip, "toy").vectors.tobytes() == whole.vectors.tobytes()
        assert encoder.encoded_frames == encoded

        known = catalog.known("toy")
        index_footage([clip], catalog, encoder, read=_never)
        assert catalog.known("toy") == known


def test_the_rate_that_decoding_showed_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_clip(tmp_path / "a.mov", [("red", 50)], timecode="01:00:00:00")
    with Catalog(tmp_path / "library") as catalog:
        index_footage([clip], catalog, ToyEncoder())
        right = catalog.footage(clip).media
        write_as_older_version(catalog)
        wrong = Fraction(50)  # as some headers say

        def probe(path: Path) -> Media:
            return replace(right, path=path, rate=wrong, is_vfr=True, start_tc=right.start_tc.at_rate(wrong))

        monkeypatch.setattr(reading, "probe", probe)
        index_footage([clip], catalog, ToyEncoder())
        assert catalog.footage(clip).media == right


def test_old_facts_stay_if_the_file_cant_be_read_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_clip(tmp_path / "a.mov", [("red", 50)])
    with Catalog(tmp_path / "library") as catalog:
        index_footage([clip], catalog, ToyEncoder())
        write_as_older_version(catalog)

        def probe(path: Path) -> Media:
            raise MediaError("not today", path=path)

        monkeypatch.setattr(reading, "probe", probe)
        coverage = index_footage([clip], catalog, ToyEncoder())
        assert coverage.searched == [clip] and not coverage.skipped
        assert catalog.footage(clip).media.stored_width == 0


def test_a_library_in_use_is_searched_with_old_facts(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mov", [("red", 50)])
    with Catalog(tmp_path / "library") as catalog:
        index_footage([clip], catalog, ToyEncoder())
        write_as_older_version(catalog)
        with catalog.writing(), Catalog(catalog.folder) as other:
            answer = find("red", [clip], other, ToyEncoder())
        assert answer.coverage.searched == [clip] and not answer.coverage.skipped and answer.moments


def _never(*_: object) -> dict[Path, str]:
    raise AssertionError("nothing is new")
