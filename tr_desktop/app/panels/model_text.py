"""The text about model packs and open models."""

from __future__ import annotations

from tr_desktop.app.look.counter import counted, duration_label, plural, size_label
from tr_desktop.app.look.translate import tr
from tr_desktop.app.work.changing import Preparation
from tr_desktop.app.work.packs import KnownPack
from tr_desktop.models.convert.catalogue import OpenModel
from tr_desktop.models.pack import Pack


def facts(known: KnownPack, speed: float) -> str:
    """A pack's facts in one line. speed: pictures a second, or 0 if it wasn't measured."""
    pack = known.pack
    if pack is None:
        return ""
    said = [size_label(known.size_bytes), pack.licence]
    if pack.languages:
        said.append(tr("languages: {languages}", languages=pack.languages))
    said.append(tr("{count} numbers a frame", count=pack.width))
    if speed:
        said.append(_speed(speed))
    return " · ".join(said)


def cost(known: KnownPack, pack: Pack, speed: float) -> str:
    """What changing to a pack costs."""
    left = known.lacking
    if left is None or not left.files:
        return tr("All footage is indexed: changing costs nothing")
    files = counted(left.files, "file")
    if speed:
        length = duration_label(float(left.footage_s * pack.sample_fps) / speed)
        return tr("Re-index {files}, about {length}", files=files, length=length)
    return tr("Re-index {files}, {length} of footage", files=files, length=duration_label(float(left.footage_s)))


def preparation(at: Preparation | None) -> str:
    """How far the wanted pack has come."""
    if at is None:
        return tr("Opening…")
    if at.progress is None:
        return plural(
            at.lacking.files,
            "{count} file isn’t indexed yet; “Index new footage” reads it",
            "{count} files aren’t indexed yet; “Index new footage” reads them",
        )
    said = plural(
        at.files, "Indexing: {number} of {count} file", "Indexing: {number} of {count} files", number=at.file_number
    )
    if at.progress.left_s is not None:
        said += tr(", {length} left", length=duration_label(at.progress.left_s))
    return said


def open_model(model: OpenModel) -> str:
    """A listed model in one line."""
    licence = model.licence if model.commercial else tr("{licence}: NO COMMERCIAL USE", licence=model.licence)
    return " · ".join(
        [
            tr("{size} to download", size=size_label(model.download_bytes)),
            tr("{size} on disk", size=size_label(model.pack_bytes)),
            licence,
            tr("languages: {languages}", languages=model.languages),
            tr("{count} numbers a frame", count=model.width),
            tr("{times:.0f} × the time of mini", times=1 / model.mini_speed),
        ]
    )


def _speed(pictures: float) -> str:
    if pictures < 10:
        return tr("{count:.1f} pictures a second", count=pictures)
    return tr("{count} pictures a second", count=round(pictures))
