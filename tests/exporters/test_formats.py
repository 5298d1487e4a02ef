"""What holds for every format that is installed."""

from __future__ import annotations

import importlib
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest

from exporters.registry import Exporter
from exporters.timeline import timeline_from_moments
from tests.exporters.build import NTSC_30, media, moment

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
ENTRIES: dict[str, str] = tomllib.loads(PROJECT.read_text())["project"]["entry-points"]["tr_desktop.exporters"]


def load(target: str) -> Exporter:
    module, attribute = target.split(":")
    exporter = getattr(importlib.import_module(module), attribute)
    assert isinstance(exporter, Exporter)
    return exporter


FORMATS = {name: load(target) for name, target in ENTRIES.items()}
every_format = pytest.mark.parametrize("exporter", FORMATS.values(), ids=list(FORMATS))


def test_names_and_endings_are_each_their_own() -> None:
    assert list(FORMATS) == [exporter.name for exporter in FORMATS.values()]
    assert len({exporter.suffix for exporter in FORMATS.values()}) == len(FORMATS) >= 15


@every_format
def test_a_format_says_what_it_keeps(exporter: Exporter) -> None:
    edl = FORMATS["edl"].fidelity
    assert set(exporter.fidelity) == set(edl) and all(exporter.fidelity.values())


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
def test_what_holds_several_rates_takes_them(exporter: Exporter) -> None:
    timeline = timeline_from_moments([moment(media("a.mov")), moment(media("b.mov", NTSC_30))])
    if not exporter.one_rate:
        content = exporter.render(timeline)
        assert isinstance(content, str) and "a.mov" in content and "b.mov" in content


@every_format
def test_the_guide_says_what_the_format_keeps(exporter: Exporter) -> None:
    guide = (PROJECT.parent / "docs" / "handoff.md").read_text(encoding="utf-8")
    row = f"| `{exporter.name}` (`{exporter.suffix}`) | {' | '.join(exporter.fidelity.values())} |"
    assert row in guide
