"""Fitting scores: what is fitted holds on other answers, weights keep their meaning, and the index stays."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL", reason="composing needs the train extra")
pytest.importorskip("tqdm", reason="composing needs the train extra")

from tests.models.toy_pack import write_pack
from tests.toy import write_clip
from tests.training.toy_clips import captioned_clips
from tr_desktop.commands.main import main
from tr_desktop.errors import UserError
from tr_desktop.models.pack import load_pack
from tr_desktop.training.metrics import expected_calibration_error
from tr_desktop.training.scores import calibrate, fitting
from tr_desktop.training.scores.adjusting import adjusted
from tr_desktop.training.scores.fitting import Calibration, fit, threshold
from tr_desktop.training.scores.samples import Sample


def sample(seed: int) -> Sample:
    """Answers whose chance depends on `good` and not on `noise`; `backward` says the opposite of its name."""
    rng = np.random.default_rng(seed)
    good, noise = rng.normal(size=(2, 4000))
    right = rng.random(4000) < 1 / (1 + np.exp(-(2 * good - 1)))
    evidence = {"good": good, "noise": noise, "backward": -good + rng.normal(size=4000)}
    return Sample(evidence, np.arange(4000) // 4, right, np.ones(4000))


def test_what_is_fitted_holds_on_other_answers() -> None:
    found = fit(sample(0), {"good": 1, "noise": 1})
    other = sample(1)
    assert expected_calibration_error(found.scores(other), other.right) < 0.03
    assert found.weights["good"] == pytest.approx(2, abs=0.2)


def test_confident_means_more_likely_right_than_wrong_and_rare_where_nothing_is() -> None:
    answered = sample(0)
    assert threshold(answered, fit(answered, {"good": 1}).scores(answered)) == 0.5
    nowhere = replace(answered, weight=np.full(4000, 0.2))
    scores = np.linspace(0.1, 0.9, 4000)
    assert (scores[3::4] >= threshold(nowhere, scores)).mean() == pytest.approx(fitting.NOWHERE_ALLOWED, abs=0.01)


def test_evidence_against_its_meaning_is_left_out() -> None:
    assert "backward" not in fit(sample(0), {"noise": 1, "backward": 1}).weights


def test_evidence_that_never_varies_is_left_out() -> None:
    answered = sample(0)
    answered = replace(answered, evidence={**answered.evidence, "flat": np.full(4000, -1.1)})
    assert set(fit(answered, {"good": 1, "flat": 1}).weights) == {"good"}


def test_a_pack_is_calibrated_and_its_index_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pack, out, library = write_pack(tmp_path / "toy"), tmp_path / "new", tmp_path / "library"
    clip = write_clip(tmp_path / "clip.mp4", [("red", 50), ("blue", 50)])
    main(["index", str(clip), "--model", str(pack), "--library", str(library)])
    monkeypatch.setattr(calibrate, "SIZES", (1, 4))
    monkeypatch.setattr(calibrate, "SPARE_VIDEOS", 20)
    arguments = ["models", "calibrate", pack, captioned_clips(tmp_path / "data"), out, "--questions", 8]
    assert main([*map(str, arguments), "--cache", str(tmp_path / "cache")]) == 0
    assert "What is indexed stays indexed" in capsys.readouterr().out
    assert main([*map(str, arguments), "--cache", str(tmp_path / "cache")]) == 2  # OUT exists
    assert load_pack(out).sha256 == load_pack(pack).sha256
    assert set(load_pack(out).weights) <= set(fitting.SIGNS)
    load_pack(out).verify()
    clip.rename(tmp_path / "gone.mp4")  # a new index couldn't read it
    capsys.readouterr()
    main(["find", "blue", str(tmp_path / "gone.mp4"), "--json", "--model", str(out), "--library", str(library)])
    assert json.loads(capsys.readouterr().out)["moments"]


def answers_of_videos(rates: list[float], count: int = 200) -> tuple[Sample, list[str]]:
    """`count` answers in each video, one to a question; of each video's, this share is right. All have one score."""
    right = np.concatenate([np.arange(count) < rate * count for rate in rates])
    everything = Sample({"good": np.zeros(len(right))}, np.arange(len(right)), right, np.ones(len(right)))
    return everything, [f"{number}.mp4" for number in range(len(rates)) for _ in range(count)]


def test_footage_adjusts_scores_that_are_too_high() -> None:
    boastful = Calibration(2, {"good": 1})
    found, before, after = adjusted(boastful, *answers_of_videos([0.3, 0.35, 0.4]))
    assert found.bias < 0 < found.weights["good"]
    assert before == pytest.approx(1 / (1 + np.exp(-2)) - 0.35, abs=0.01)
    assert after < 0.1


def test_what_holds_for_single_videos_only_adjusts_nothing() -> None:
    own = Calibration(0, {"good": 1})
    found, before, after = adjusted(own, *answers_of_videos([0.1, 0.5, 0.9]))
    assert found is own
    assert before == 0 < after


def test_few_answers_move_scores_little() -> None:
    own = Calibration(0, {"good": 1})
    few, many = (adjusted(own, *answers_of_videos([0.25] * 4, count))[0].bias for count in (4, 400))
    assert -1.2 < many < few < -0.1


def test_two_videos_are_too_few_to_adjust_to() -> None:
    with pytest.raises(UserError, match="Only 2 of the videos"):
        adjusted(Calibration(0, {"good": 1}), *answers_of_videos([0.2, 0.4]))


def test_a_pack_is_adjusted_to_annotated_footage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    footage, pack = annotated_footage(tmp_path / "footage"), tmp_path / "toy"
    write_pack(pack, calibration={"bias": 1.5, "weights": {"peak_z": 0.0}})  # every answer is strong
    arguments = ["models", "calibrate", str(pack), str(footage), str(tmp_path / "new"), "--cache", str(tmp_path)]
    assert main(arguments) == 0
    assert re.search(r"off by 0\.\d+ \(ECE\) instead of 0\.\d+", capsys.readouterr().out)
    new = load_pack(tmp_path / "new")
    assert new.bias < 1.5
    assert new.sha256 == load_pack(pack).sha256
    write_pack(tmp_path / "modest", calibration={"bias": new.bias, "weights": {"peak_z": 0.0}})
    arguments = ["models", "calibrate", str(tmp_path / "modest"), str(footage), str(tmp_path / "none")]
    assert main([*arguments, "--cache", str(tmp_path)]) == 2
    assert "doesn't improve" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_folder_without_clips_or_annotations_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_pack(tmp_path / "toy")
    assert main(["models", "calibrate", str(pack), str(tmp_path), str(tmp_path / "new")]) == 2
    assert "annotations.jsonl" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def annotated_footage(folder: Path) -> Path:
    """Four clips with annotations of which half are wrong."""
    folder.mkdir()
    rows = []
    for number in range(4):
        write_clip(folder / f"{number}.mp4", [("red", 75), ("blue", 50), ("green", 75)])
        for query, window in (("blue", [3, 5]), ("green", [0, 2]), ("red", [5, 8])):
            rows.append({"file": f"{number}.mp4", "query": query, "windows": [window], "duration": 8})
    (folder / "annotations.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder
