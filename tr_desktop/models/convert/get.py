"""Fetches an open model from the Hugging Face hub and makes it a pack.

Nothing else in the program uses the network. What is fetched lies in a folder of its own until the pack is written, so
a download that was cut or cancelled goes on where it ended.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from tr_desktop.errors import PackError, UserError
from tr_desktop.files import LockedError, flush, sole_writer
from tr_desktop.models.choice import place_for
from tr_desktop.models.convert.catalogue import OpenModel
from tr_desktop.models.convert.licence import LicenceError, expect_agreed
from tr_desktop.models.convert.packages import missing_packages
from tr_desktop.models.pack import Pack
from tr_desktop.paths import downloads_folder
from tr_desktop.this_program import how_to_get

if TYPE_CHECKING:
    from tr_desktop.models.convert.add import Progress

TIMEOUT_S = 10
"""For each answer of the hub, not for the whole download."""
_CLIENT = "tr-desktop"
_IF_THERE = ("README.md", "LICENSE", "LICENSE.md", "LICENSE.txt", "special_tokens_map.json")

OnBytes = Callable[[int, int], None]
"""Called with the bytes that are here and those of the whole download."""


def expect_ready(model: OpenModel, precision: str) -> None:
    """Raises UserError unless `model` can be fetched and converted here: packages, precision, name, room on disk."""
    if missing := missing_packages():
        raise UserError(
            f"Getting a model needs packages that aren't installed: {', '.join(missing)}",
            remedy=how_to_get("convert"),
        )
    if model.precision == "fp16" != precision:
        raise PackError(f"{model.name} is too large for a pack in {precision}", remedy="Use --precision fp16")
    place_for(model.name)
    expect_room(model)


def get_model(model: OpenModel, precision: str, on_bytes: OnBytes, on_progress: Callable[[Progress], None]) -> Pack:
    """Fetch `model` and add it as a pack of its name, in fp32, fp16 or int8. on_progress: told of the conversion.

    The caller has shown the licence that the list names. Raises PackError; no pack is written then.
    """
    from tr_desktop.models.convert.add import add_checkpoint

    with _as_listed(model), fetched(model, on_bytes) as folder:
        source = {
            "repository": model.repository,
            "commit": model.commit,
            "licence": model.licence_url,
            "languages": model.languages,
        }
        return add_checkpoint(
            folder,
            model.name,
            precision=precision,
            accept_licence=not model.commercial,
            on_progress=on_progress,
            source=source,
        )


@contextmanager
def fetched(model: OpenModel, on_bytes: OnBytes) -> Iterator[Path]:
    """Fetch the files of `model` and give their folder; it is deleted when the block ends without an exception.

    A file that is here already isn't fetched again; one that is here in part is fetched from where it ends. Raises
    PackError for whatever goes wrong in fetching; what came then stays for the next time, unless its hash is wrong.
    """
    # The client reads this when it is imported; without it, it tells the hub about other packages that are installed.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # otherwise it prints each retry
    place = downloads_folder() / model.name
    with ExitStack() as stack:
        with _in_words(model, place):
            place.mkdir(parents=True, exist_ok=True)
            stack.enter_context(sole_writer(place))
            folder = _fetch(model, place, on_bytes)
        yield folder
    shutil.rmtree(place, ignore_errors=True)


def expect_room(model: OpenModel) -> None:
    """Raises PackError unless the disk has room for what is still to be fetched and for the pack."""
    place = downloads_folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        here = sum(file.stat().st_size for file in (place / model.name).rglob("*") if file.is_file())
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise PackError(f"The folder for downloads can't be used: {error.strerror}", path=place) from error
    needed = max(model.download_bytes - here, 0) + 2 * model.pack_bytes  # its parts, then the pack made of them
    if free < needed:
        raise PackError(
            f"{model.name} needs {needed / 1e9:.1f} GB for download and pack, and {free / 1e9:.1f} GB are free",
            path=place,
            remedy="Free some space, or choose a smaller model",
        )


@dataclass(frozen=True)
class _File:
    """A file as the hub lists it. A large one, in Git LFS, has its SHA-256, others that of a Git blob."""

    name: str
    size_bytes: int
    is_large: bool
    hash: str


def _fetch(model: OpenModel, place: Path, on_bytes: OnBytes) -> Path:
    listed = _listed(model)
    if missing := [name for name in model.files if name not in listed]:
        raise PackError(f"{model.repository} has no {', '.join(missing)} now", remedy="Update TimeRefine Desktop")
    files = [listed[name] for name in (*_IF_THERE, *model.files) if name in listed]
    total_bytes = sum(file.size_bytes for file in files)
    folder = place / model.commit  # what came of another one, before the list changed, isn't mixed with it
    folder.mkdir(exist_ok=True)
    done_bytes = 0
    for file in files:
        if file.name in model.files:  # the licence has come: a stricter one than the list says ends it here
            expect_agreed(folder, not model.commercial)
        if not (folder / file.name).exists():
            _fetch_file(model, file, folder, _Bytes(done_bytes, total_bytes, on_bytes))
        done_bytes += file.size_bytes
        on_bytes(done_bytes, total_bytes)
    return folder


def _listed(model: OpenModel) -> dict[str, _File]:
    """The files of the commit by name."""
    from huggingface_hub import HfApi

    api = HfApi(library_name=_CLIENT)
    try:
        info = api.model_info(model.repository, revision=model.commit, files_metadata=True, timeout=TIMEOUT_S)
        files = [
            _File(
                file.rfilename, int(file.size or 0), bool(file.lfs), file.lfs.sha256 if file.lfs else file.blob_id or ""
            )
            for file in info.siblings or ()
        ]
    except (ValueError, KeyError, TypeError) as error:  # such as the page of a hotel's network
        raise PackError(f"{api.endpoint} doesn't answer as a Hugging Face hub", remedy="Check HF_ENDPOINT") from error
    if info.sha != model.commit:
        raise PackError(f"{api.endpoint} has another commit of {model.repository} than the one asked for")
    return {file.name: file for file in files}


def _fetch_file(model: OpenModel, file: _File, folder: Path, counted: _Bytes) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    part = folder / f"{file.name}.part"
    with part.open("ab") as out:
        if out.tell() > file.size_bytes:
            out.truncate(0)
        # `hf_hub_download` would start again after each run that was cancelled: it keeps no part of a file.
        http_get(
            hf_hub_url(model.repository, file.name, revision=model.commit),
            out,
            resume_size=out.tell(),
            headers={**build_hf_headers(library_name=_CLIENT), "Accept-Encoding": "identity"},
            expected_size=file.size_bytes,
            displayed_filename=file.name,
            tqdm_class=counted.starting_at,  # type: ignore[arg-type]  # it calls it, and no more
        )
    if _hash(part, file) != file.hash:
        part.unlink()
        raise PackError(
            f"{file.name} of {model.repository} isn't what the hub lists: its hash is wrong",
            remedy="Get it again; if that doesn't help, a proxy or a mirror changes files",
        )
    flush(part)
    part.replace(folder / file.name)


def _hash(path: Path, file: _File) -> str:
    with path.open("rb") as content:
        if file.is_large:
            return hashlib.file_digest(content, "sha256").hexdigest()
        return hashlib.sha1(f"blob {file.size_bytes}\0".encode() + content.read()).hexdigest()


class _Bytes:
    """Stands where the hub's client has its progress bar."""

    def __init__(self, done_bytes: int, total_bytes: int, on_bytes: OnBytes) -> None:
        self._done, self._total, self._on_bytes = done_bytes, total_bytes, on_bytes

    def starting_at(self, *, initial: int = 0, **_: object) -> _Bytes:
        self.update(initial)
        return self

    def update(self, more: int) -> None:
        self._done += more
        self._on_bytes(self._done, self._total)

    def __enter__(self) -> _Bytes:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        pass


@contextmanager
def _as_listed(model: OpenModel) -> Iterator[None]:
    """Says that a licence is stricter than the list of models says."""
    try:
        yield
    except LicenceError as error:
        raise PackError(
            f"The licence that came with {model.name} restricts its use, which the list of models doesn't say",
            path=error.path,
            remedy="Read it there; if you agree, add a copy of your own: tr-desktop models add FOLDER --accept-licence",
        ) from error


@contextmanager
def _in_words(model: OpenModel, place: Path) -> Iterator[None]:
    """Turns what the hub's client and the disk raise into PackErrors."""
    import httpx2
    from huggingface_hub import constants, errors

    again = "Run the same command again: it goes on where it ended"
    try:
        yield
    except LockedError as error:
        raise PackError(f"{model.name} is being fetched already", path=place) from error
    except errors.OfflineModeIsEnabled as error:
        raise PackError("HF_HUB_OFFLINE is set, so nothing can be fetched", remedy="Unset it") from error
    except errors.GatedRepoError as error:
        raise PackError(f"{model.repository} is open only to those who signed in at {constants.ENDPOINT}") from error
    except errors.RepositoryNotFoundError as error:
        raise PackError(f"There is no {model.repository} at {constants.ENDPOINT}", remedy=again) from error
    except errors.RevisionNotFoundError as error:
        raise PackError(f"{model.repository} has no commit {model.commit} now") from error
    except errors.HfHubHTTPError as error:
        raise PackError(
            f"{constants.ENDPOINT} answers with status {error.response.status_code}", remedy=again
        ) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        raise PackError(
            f"{constants.ENDPOINT} can't be reached: {reason}",
            remedy=f"Check the connection, HTTPS_PROXY and HF_ENDPOINT. {again}",
        ) from error
    except OSError as error:
        reason = error.strerror or "its size isn't the one that the hub lists"
        raise PackError(f"The download failed: {reason}", path=place, remedy=again) from error
