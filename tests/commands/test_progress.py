"""The bar follows one run after the other, and what is said beside it stays whole."""

from fractions import Fraction
from pathlib import Path

from tr_desktop.commands.progress import IndexBar
from tr_desktop.library.index.coverage import IndexProgress


def progress(done_bytes: int, total_bytes: int) -> IndexProgress:
    return IndexProgress(Path("a.mp4"), 1, 1, done_bytes, total_bytes, Fraction(done_bytes, 10), 2.0)


def test_a_second_run_has_its_own_progress_bar(capsys):
    with IndexBar() as bar:
        for run_bytes in (100, 40):
            for done in (run_bytes // 2, run_bytes):
                bar.update(progress(done, run_bytes))
            bar.say(f"run of {run_bytes}")
        assert bar.summary() == "Indexed 4.0 s of footage at 2.0× real time."
    lines = capsys.readouterr().err.replace("\r", "\n").split("\n")
    assert "run of 100" in lines and "run of 40" in lines
    assert sum("100%" in line for line in lines) >= 2 and not any("-" in line.split("|")[0] for line in lines)


def test_the_time_left_follows_the_progress():
    assert progress(0, 100).left_s is None
    assert progress(25, 100).left_s == 6.0
    assert progress(25, 100).times_real_time == 1.25
