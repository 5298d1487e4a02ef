"""The bar follows one run after the other, and what is said beside it stays whole."""

from fractions import Fraction
from pathlib import Path

from tr_desktop.commands.progress import IndexBar, TextBar
from tr_desktop.library.index.coverage import IndexProgress, TextProgress


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


def test_each_file_whose_text_is_read_has_its_own_bar(capsys):
    with TextBar() as bar:
        for number, folder in enumerate("ab", 1):
            for done_s in (0, 30, 60):
                bar.update(TextProgress(Path(folder, "clip.mp4"), number, 2, Fraction(done_s), Fraction(60)))
    lines = capsys.readouterr().err.replace("\r", "\n").split("\n")
    for number in (1, 2):
        assert any(line.startswith(f"text in clip.mp4 ({number}/2): 100%") for line in lines)


def test_progress_of_text_counts_all_files():
    shares = [
        TextProgress(Path("a.mp4"), *at, Fraction(60)).share for at in ((1, 4, Fraction(0)), (4, 4, Fraction(30)))
    ]
    assert shares == [0, 0.875]
