"""Each annotation form is read as its authors lay it out; what isn't of the form is refused by name."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tr_desktop.errors import UserError
from tr_desktop.training.annotations import read_annotations, read_charades_lengths, read_charades_sta

FOOTAGE = Path(__file__).parents[3] / "shared" / "footage" / "annotations.jsonl"


def test_charades_sta(tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text("3MSZA 24.3 30.4##person turns a light on.\nAMT7R 12.5 4.3##a ## b\n")
    (tmp_path / "Charades_v1_test.csv").write_text('id,subject,length\n3MSZA,X,"30.96"\nAMT7R,Y,\n')
    rows = read_charades_sta(tmp_path / "test.txt", read_charades_lengths(tmp_path / "Charades_v1_test.csv"))
    assert rows[0].windows == ((24.3, 30.4),)
    assert (rows[0].query, rows[0].duration_s) == ("person turns a light on.", 30.96)
    assert (rows[1].windows, rows[1].query, rows[1].duration_s) == (((4.3, 12.5),), "a ## b", None)


def test_activitynet_captions(tmp_path: Path) -> None:
    entry = {"duration": 55.15, "timestamps": [[0, 4.14], [33.36, 4.14]], "sentences": ["Two men.", " One man."]}
    with gzip.open(tmp_path / "val_2.json.gz", "wt") as file:
        json.dump({"v_1": entry}, file)
    rows = read_annotations(tmp_path / "val_2.json.gz", "activitynet-captions")
    assert [(r.video, r.query, r.windows, r.duration_s) for r in rows] == [
        ("v_1", "Two men.", ((0.0, 4.14),), 55.15),
        ("v_1", "One man.", ((4.14, 33.36),), 55.15),
    ]


def test_qvhighlights_with_and_without_truth(tmp_path: Path) -> None:
    row = {"qid": 7, "query": "q", "vid": "v", "duration": 150, "relevant_windows": [[82, 150], [0, 4]]}
    blind = {key: value for key, value in row.items() if key != "relevant_windows"}
    (tmp_path / "val.jsonl").write_text(f"{json.dumps(row)}\n\n{json.dumps(blind)}\n")
    full, empty = read_annotations(tmp_path / "val.jsonl", "qvhighlights")
    assert (full.query_id, full.windows) == ("7", ((82.0, 150.0), (0.0, 4.0)))
    assert empty.windows == ()


def test_tacos_frames_become_seconds(tmp_path: Path) -> None:
    entry = {"timestamps": [[294, 588]], "fps": 29.4, "num_frames": 2940, "sentences": ["He cuts."]}
    (tmp_path / "test.json").write_text(json.dumps({"s13-d21.avi": entry}))
    (row,) = read_annotations(tmp_path / "test.json", "tacos")
    assert row.windows[0] == pytest.approx((10, 20))
    assert row.duration_s == pytest.approx(100)


@pytest.mark.skipif(not FOOTAGE.is_file(), reason="../shared/footage isn't here")
def test_footage() -> None:
    rows = read_annotations(FOOTAGE, "footage")
    assert len(rows) == 53
    assert sum(not row.windows for row in rows) == 1
    assert sum(row.whole for row in rows) == 3
    assert all(row.duration_s and all(0 <= s < e <= row.duration_s for s, e in row.windows) for row in rows)


@pytest.mark.parametrize("form", ["charades-sta", "activitynet-captions", "qvhighlights", "tacos", "footage"])
def test_a_file_of_another_format_is_refused_with_its_path(tmp_path: Path, form: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_text('["something", "else"]\n')
    with pytest.raises(UserError) as caught:
        read_annotations(path, form)
    assert caught.value.path == path


def test_a_missing_file_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can't be read"):
        read_annotations(tmp_path / "nowhere.json", "tacos")
