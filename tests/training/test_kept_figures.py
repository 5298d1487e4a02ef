"""Figures of training runs that were interrupted."""

import pytest

pytest.importorskip("torch", reason="training needs the train extra")
from tr_desktop.training.refiner.experiments import Kept


def test_a_line_that_was_cut_off_is_measured_again_and_the_others_stay(tmp_path):
    kept = Kept(tmp_path / "figures.jsonl", "small")
    kept.put("direct", 0, [[0.1]])
    kept.put("refined", 0, [[0.2]])
    content = kept.file.read_text()
    kept.file.write_text(content[:-6])
    assert kept.get("direct", 0) == [[0.1]] and kept.get("refined", 0) is None
    kept.put("refined", 0, [[0.3]])
    assert kept.get("refined", 0) == [[0.3]] and kept.get("direct", 0) == [[0.1]]
    assert Kept(kept.file, "large").get("direct", 0) is None
