"""Fitting what a model's probabilities count for: what helps elsewhere is kept, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from tr_desktop.errors import UserError
from tr_desktop.grounders.video_llm.judging import calibrated_score, evidence
from tr_desktop.training.grounder_evaluation.asking import STAGES, Asked, Weighed
from tr_desktop.training.grounder_evaluation.calibrating import calibrate


def asked(count: int, videos: int = 6, *, helps: bool = True, seed: int = 0) -> list[Asked]:
    """Answers of which about half are right. If the model helps, its presence shows which; else the search's score is
    the chance already. Its edges never help."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        search = 0.5 + rng.normal() * 0.01 if helps else float(rng.uniform(0.05, 0.95))
        is_right = bool(rng.random() < search)
        presence = float(np.clip(0.5 + (0.3 if is_right else -0.3) * helps + rng.normal() * 0.15, 0.01, 0.99))
        known = evidence(search, presence, -rng.random(), float(rng.random()))
        places = dict.fromkeys(STAGES, (0.0, 1.0))
        video = f"{number % videos}.mp4"
        found.append(Asked(video, 10.0, [(0.0, 1.0)], places, (Weighed(known, is_right),), ()))
    return found


def test_what_the_model_knows_counts():
    found = calibrate(asked(120))
    assert found.after < found.before and found.ece_after < 0.2
    assert found.weights["presence"] > 0
    sure, unsure = (calibrated_score(found.weights, evidence(0.5, p, -0.5, 0.5)) for p in (0.9, 0.1))
    assert sure > 0.8 and unsure < 0.2


def test_what_does_not_help_on_other_videos_is_refused():
    with pytest.raises(UserError, match="don't help: on videos that they weren't fitted to, the log loss is"):
        calibrate(asked(60, helps=False))


@pytest.mark.parametrize(("count", "videos", "said"), [(29, 6, "29 in 6 videos"), (60, 2, "60 in 2 videos")])
def test_too_few_moments_are_counted(count, videos, said):
    with pytest.raises(UserError, match=said):
        calibrate(asked(count, videos))


def test_evidence_against_its_meaning_and_evidence_that_is_not_always_known_are_left_out():
    everything = asked(120)
    backward = [
        Asked(
            each.video,
            each.duration_s,
            each.windows_s,
            each.places,
            tuple(Weighed(w.evidence | {"agreement": float(not w.is_right)}, w.is_right) for w in each.weighed),
            (),
        )
        for each in everything
    ]
    backward[3].weighed[0].evidence.pop("edges")
    assert set(calibrate(backward).weights) <= {"bias", "search", "presence"}


def test_a_score_needs_weights_and_what_they_weigh():
    known = evidence(0.8, 0.9, None, 0.5)
    assert calibrated_score(None, known) is None
    assert calibrated_score({"bias": 0.0, "edges": 1.0}, known) is None
    assert calibrated_score({"bias": 0.0, "search": 1.0}, known) == pytest.approx(0.8)
    assert 0 < calibrated_score({"bias": 1e9, "presence": -1e9}, known) < 1
