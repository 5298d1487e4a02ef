"""Language codes reach each kind of file in the spelling that it keeps."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tr_desktop.footage.languages import bibliographic, is_same_language, mov_language, terminological


def written(path: Path, code: str) -> str:
    """The language of a sound track after writing and reading."""
    with av.open(str(path), "w") as writing:
        track = writing.add_stream("aac", rate=48000, layout="mono")
        track.metadata["language"] = code
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 48000
        writing.mux(track.encode(sound))
        writing.mux(track.encode(None))
    with av.open(str(path)) as reading:
        return reading.streams.audio[0].metadata.get("language", "")


DOUBLED = "deu ger fra fre nld dut zho chi ces cze ron rum slk slo ell isl mkd msa fas sqi hye cym"
OTHERS = "eng spa jpn swe hrv srp"


@pytest.mark.parametrize("code", f"{DOUBLED} {OTHERS}".split())
def test_languages_survive_mov_mp4_and_matroska(tmp_path: Path, code: str) -> None:
    assert is_same_language(written(tmp_path / "a.mov", mov_language(code)), code)
    assert written(tmp_path / "a.mp4", terminological(code)) == terminological(code)
    assert written(tmp_path / "a.mkv", bibliographic(code)) == bibliographic(code)


def test_both_ways_and_unknown_codes() -> None:
    assert (terminological("ger"), bibliographic("deu"), mov_language("deu"), mov_language("fre")) == (
        *("deu", "ger", "ger", "fra"),
    )
    assert terminological("sve") == "swe" and terminological("hr ") == "hrv"
    assert [function("xyz") for function in (terminological, bibliographic, mov_language)] == ["xyz"] * 3
    assert not is_same_language("deu", "nld") and is_same_language("", "")
