"""Rules for every built-in format, and how a format is found."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from exporters import edl, registry
from exporters.formats import BUILT_IN, find_format, formats
from exporters.registry import Exporter
from exporters.timeline import timeline_from_moments
from tests.exporters.build import NTSC_30, media, moment
from tr_desktop.errors import ExportError

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "handoff.md"
every_format = pytest.mark.parametrize("exporter", BUILT_IN, ids=lambda exporter: exporter.name)


class Entry:
    """An installed entry point, as importlib.metadata gives it."""

    def __init__(self, name: str, target: object) -> None:
        self.name, self.target = name, target

    def load(self) -> object:
        if isinstance(self.target, Exception):
            raise self.target
        return self.target


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    """What other packages add: nothing, until a test does."""
    entries: list[Entry] = []
    monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == "tr_desktop.exporters" else [])
    return entries


def test_names_and_suffixes_are_unique() -> None:
    assert len({exporter.name for exporter in BUILT_IN}) == len(BUILT_IN)
    assert len({exporter.suffix for exporter in BUILT_IN}) == len(BUILT_IN) >= 15
    assert tuple(formats().values()) == BUILT_IN


def test_the_longest_fitting_suffix_or_the_name_decides() -> None:
    assert find_format(Path("hits.edl")).name == "edl"
    assert find_format(Path("HITS.32.EDL")).name == "edl32"
    assert find_format(Path("hits.txt"), "edl32").name == "edl32"
    for out, name in ((Path("hits.xyz"), None), (Path("hits"), None), (Path("hits.edl"), "nope")):
        with pytest.raises(ExportError, match="edl"):
            find_format(out, name)


def test_another_package_adds_a_format(installed: list[Entry]) -> None:
    mine = Exporter("mine", "Mine", ".mine.edl", edl.render, edl.FIDELITY)
    installed.append(Entry("mine", mine))
    assert tuple(formats().values()) == (*BUILT_IN, mine)
    assert find_format(Path("hits.mine.edl")) is mine
    assert find_format(Path("hits.edl")) is edl.EXPORTER


def test_an_added_format_never_replaces_a_built_in_one(
    installed: list[Entry], caplog: pytest.LogCaptureFixture
) -> None:
    installed.append(Entry("aaa", Exporter("edl", "Other", ".edl", lambda timeline: "", edl.FIDELITY)))
    assert tuple(formats().values()) == BUILT_IN
    assert "edl" in caplog.text


@pytest.mark.parametrize("target", [ImportError("no module"), AttributeError("no EXPORTER"), "not an exporter"])
def test_a_format_that_fails_to_load_is_left_out_with_a_log_line(
    installed: list[Entry], caplog: pytest.LogCaptureFixture, target: object
) -> None:
    installed.append(Entry("broken", target))
    assert tuple(formats().values()) == BUILT_IN
    assert "broken" in caplog.text


@every_format
def test_every_format_documents_its_fidelity(exporter: Exporter) -> None:
    assert set(exporter.fidelity) == set(edl.FIDELITY) and all(exporter.fidelity.values())


@every_format
def test_rendering_is_pure(exporter: Exporter) -> None:
    source = media(rate=NTSC_30, start="01:00:00;00", drop=True, channels=(2,))
    timeline = timeline_from_moments([moment(source), moment(source, 100, 101)], handles_s=Fraction(1))
    content = exporter.render(timeline)
    assert content and content == exporter.render(timeline)


@every_format
def test_rates_that_no_editor_labels_are_written_too(exporter: Exporter) -> None:
    for rate in (Fraction(15000, 1001), Fraction(28), Fraction(10000, 1049), Fraction(981, 50), Fraction(1, 5)):
        assert exporter.render(timeline_from_moments([moment(media(rate=rate), 0, 3)]))


@every_format
def test_formats_for_several_rates_accept_them(exporter: Exporter) -> None:
    timeline = timeline_from_moments([moment(media("a.mov")), moment(media("b.mov", NTSC_30))])
    if not exporter.one_rate:
        content = exporter.render(timeline)
        assert isinstance(content, str) and "a.mov" in content and "b.mov" in content


@every_format
def test_the_guide_lists_the_fidelity_of_the_format(exporter: Exporter) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    row = f"| `{exporter.name}` (`{exporter.suffix}`) | {' | '.join(exporter.fidelity.values())} |"
    assert row in guide
