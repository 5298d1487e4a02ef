"""Keeps VTimeLLM or TimeRefine, merged from its published parts, as a grounder of the user's."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tr_desktop import paths
from tr_desktop.errors import PackError
from tr_desktop.files import flush, write_verified
from tr_desktop.grounder_worker.vtime_import import OnProgress, read_parts, write_parts
from tr_desktop.grounders.video_llm.checkpoints import stamped
from tr_desktop.grounders.video_llm.packs import MANIFEST, GrounderPack, expect_free_grounder_name
from tr_desktop.grounders.video_llm.presets import PRESETS
from tr_desktop.models.build import part_prefix
from tr_desktop.models.convert.licence import Licence, expect_accepted

TERMS = Licence(
    "cc-by-nc-nd-4.0",
    "https://creativecommons.org/licenses/by-nc-nd/4.0/",
    "VTimeLLM's and TimeRefine's weights are under CC BY-NC-ND 4.0: non-commercial use only, and a changed version may"
    " not be passed on.\n"
    "Vicuna v1.5 is under the Llama 2 Community License.\n"
    "What is merged here is a changed version of them. Whether you may use it is for you to decide; keep it to"
    " yourself.",
)

FAMILY = "vtime"


def add_vtime(
    base: Path,
    stage1: Path,
    adapters: Sequence[Path],
    clip: Path,
    name: str | None = None,
    accept_licence: bool = False,
    on_progress: OnProgress = lambda *_: None,
) -> GrounderPack:
    """Merge the parts into the library's folder and keep them under `name`, by default `vtimellm` or `timerefine`.

    base, stage1, adapters, clip: as in `read_parts`. on_progress: may raise to give up. Raises LicenceError if the
    terms weren't accepted, and PackError if the parts can't be merged or written. Nothing is left then.
    """
    expect_accepted(TERMS, base, accept_licence)
    on_progress(0.0, "Reading the parts")
    parts = read_parts(base, stage1, adapters, clip)
    preset = PRESETS["timerefine" if parts.is_timerefine else "vtimellm"]
    name = name or preset.name
    expect_free_grounder_name(name)
    place = paths.grounders_folder() / name
    if os.path.lexists(place):
        raise PackError("The place of a grounder of this name is taken", path=place, remedy="Delete it")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=part_prefix(os.getpid())) as work:
            draft = Path(work) / "grounder"  # one folder further down, or it would count as a grounder
            (draft / "model").mkdir(parents=True)
            write_parts(parts, draft / "model", lambda done, text: on_progress(done * 0.8, text))
            on_progress(0.8, "Noting each file's hash")
            checkpoint = replace(stamped(FAMILY, draft / "model"), folder=place.absolute() / "model")
            pack = GrounderPack(
                name=name,
                runs_on=checkpoint,
                preset=preset,
                licence=TERMS.name,
                licence_url=TERMS.link,
                is_non_commercial=True,
                sources=tuple(each.resolve().name for each in (base, stage1, *adapters, clip)),
                fps=preset.fps,
                frames_most=preset.frames_most,
                side_px=preset.side_px,
                new_tokens_most=preset.new_tokens_most,
            )
            write_verified(draft / MANIFEST, (json.dumps(pack.to_json(), indent=1) + "\n").encode())
            draft.rename(place)
            flush(place.parent)
    except OSError as error:
        raise PackError(f"The grounder can't be written: {error.strerror or error}", path=place.parent) from error
    on_progress(1.0, f"{name} is ready")
    return pack
