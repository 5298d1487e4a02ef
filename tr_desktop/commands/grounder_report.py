"""What `tr-desktop doctor` says about video language models: who runs them, and which of those that were added fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tr_desktop.errors import UserError
from tr_desktop.this_program import how_to_run_grounders

if TYPE_CHECKING:
    from tr_desktop.grounders.video_llm.checkpoints import Checkpoint
    from tr_desktop.grounders.video_llm.messages import About
    from tr_desktop.grounders.video_llm.packs import GrounderPack


def lines() -> Iterator[str]:
    """The lines. A Python with torch is started only if a checkpoint was added, since that takes seconds."""
    from tr_desktop.grounders.video_llm.packs import Server, known_grounders, load_grounder

    names = known_grounders()
    if not names:
        yield "Video language models: none added; tr-desktop models get lists some"
        return
    yield "Video language models:"
    checkpoints = list[tuple["GrounderPack", "Checkpoint"]]()
    for name in names:
        try:
            pack = load_grounder(name)
        except UserError as error:
            yield f"  {name}: {error}"
            continue
        if isinstance(pack.runs_on, Server):
            yield f"  {name}: {pack.runs_on.model} at {pack.runs_on.url}, which runs it"
        else:
            checkpoints.append((pack, pack.runs_on))
    if checkpoints:
        yield from _checkpoints(checkpoints)


def _checkpoints(checkpoints: list[tuple[GrounderPack, Checkpoint]]) -> Iterator[str]:
    from tr_desktop.grounders.video_llm.worker import about_worker

    try:
        about = about_worker()
    except UserError as error:
        yield f"  {error}"
        return
    packages = {"torch": about.torch, "transformers": about.transformers}
    yield f"  Run by {about.python}: " + ", ".join(
        f"{name} {version or 'missing'}" for name, version in packages.items()
    )
    if None in packages.values():
        yield f"  {how_to_run_grounders()}"
        return
    memory = [
        f"{size_bytes / 1e9:.1f} GB {what}"
        for what, size_bytes in (("in all", about.memory_bytes), ("free", about.free_bytes))
        if size_bytes is not None
    ]
    device = " ".join(filter(None, (about.device, about.device_name)))
    yield f"  They run on {device}: {', '.join(memory) or 'unknown memory'}"
    if about.device == "cpu":
        yield "  torch can't use a graphics card here: a window takes half a minute or more (estimated)"
    for pack, checkpoint in checkpoints:
        try:
            yield f"  {pack.name}: {_fits(pack, checkpoint, about)}"
        except UserError as error:
            yield f"  {pack.name}: {error}"


def _fits(pack: GrounderPack, checkpoint: Checkpoint, about: About) -> str:
    """Whether it fits the memory that is free, and how; estimated, so nothing is refused for it."""
    from tr_desktop.grounders.video_llm.memory import best_fit, ways_to_fit

    ways = ways_to_fit(pack, checkpoint, can_quantise=about.device != "mps")
    if about.free_bytes is None:
        return f"needs about {_gb(ways[0].needs_bytes)}"
    way = best_fit(ways, about.free_bytes)
    if way is None:
        least = min(each.needs_bytes for each in ways)
        return f"doesn't fit: it needs at least {_gb(least)}. Add a smaller one: tr-desktop models get lists them"
    how = [
        *(["--quantise nf4"] if way.is_nf4 else []),
        *([f"side_px {way.side_px} in its grounder.json"] if way.side_px != pack.side_px else []),
    ]
    return f"fits{' with ' + ' and '.join(how) if how else ''}, about {_gb(way.needs_bytes)}"


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
