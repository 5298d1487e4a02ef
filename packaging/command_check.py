"""Whether the frozen command line does what the source does. Each function yields problems, as sentences."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path

import av
from places import Done, Place, ending, said

from exporters.clips import LOSSLESS, WAYS
from exporters.formats import formats
from tr_desktop.commands.doctor import PACKAGES
from tr_desktop.editor_plugins import PLUGINS
from tr_desktop.grounders.video_llm import GROUND
from tr_desktop.library.index import READ_FILES

_COMMAND = "tr-desktop"
_SOUND = "Sound: the app plays it through Qt"


def version(place: Place, source: Path) -> Iterator[str]:
    """It has to name version and commit, and say the same as the source."""
    done = place.run(_COMMAND, "--version")
    built: str = import_module("tr_desktop._build").COMMIT
    if done.status or version_of("tr-desktop") not in done.out or built not in done.out:
        yield str(done)
    wanted = Place(source.parent, place.home).run(source.name, "--version")
    if done.out != wanted.out:
        yield f"not what the source says: {wanted}"


def doctor(place: Place, *, has_graphics: bool = True) -> Iterator[str]:
    """It has to pass without a word on standard error, and to know each package that the source has.

    has_graphics: the system has the libraries that Qt takes from it, without which there is no sound either.
    """
    done = place.run(_COMMAND, "doctor")
    if done.status or done.err:
        yield str(done)
    for what in (
        "Self-test:",
        "Devices for the models:",
        "Decoder:",
        "Model pack: ",
        _SOUND if has_graphics else "Sound: ",
    ):
        if what not in done.out:
            yield f"it doesn't say {what!r}"
    for package in PACKAGES:
        if _is_installed(package) and f"  {package} {version_of(package)}\n" not in done.out:
            yield f"it doesn't know the version of {package}"
    if f"Export formats: {len(formats())}" not in done.out:
        yield f"it doesn't have all {len(formats())} formats"


def _is_installed(package: str) -> bool:
    try:
        return bool(version_of(package))
    except PackageNotFoundError:
        return False


def licences(place: Place) -> Iterator[str]:
    """The list that the build wrote, with the notice that x264 and x265 ask for, and the texts."""
    done = place.run(_COMMAND, "licences", "--texts")
    if done.status or done.err:
        yield str(done)
    for what in ("x265", "Qt", "GNU GENERAL PUBLIC LICENSE", "onnxruntime"):
        if what not in done.out:
            yield f"it doesn't say {what}"


def find(place: Place, query: str, around_s: float, footage: Sequence[Path], result: Path) -> Iterator[str]:
    """Its best moment has to be around that second, and refined on decoded frames. result: gets the answer."""
    done = place.run(_COMMAND, "find", query, *footage, "--json")
    try:
        best = json.loads(done.out)["moments"][0]
    except (ValueError, LookupError):
        yield str(done)
        return
    place.here(result).write_text(done.out)
    if not best["start_s"] <= around_s <= best["end_s"]:
        yield f"it finds {best['start_s']} to {best['end_s']} s"
    if not any(step.get("looked_closer") for step in best["steps"]):
        yield "the moment isn't refined"


def exports(place: Place, source: Path, result: Path, made: dict[str, bytes]) -> Iterator[str]:
    """Each format, equal byte for byte to what the source writes to the same path. made: gets them, by name."""
    for name, exporter in formats().items():
        out = place.home / "out" / f"hits{exporter.suffix}"
        content, done = _exported(place, result, name, out)
        if content is None:
            yield f"{name}: {done}"
            continue
        made[name] = content
        other, done = _exported(Place(source.parent, place.home), result, name, out)
        if other != content:
            yield f"{name}: not what the source writes, {done}"


def same_exports(place: Place, result: Path, wanted: Mapping[str, bytes]) -> Iterator[str]:
    """Each format, equal to `wanted`, which was written to the same path elsewhere."""
    if not wanted:
        yield "there is nothing to compare with"
    for name, content in wanted.items():
        out = place.home / "out" / f"hits{formats()[name].suffix}"
        other, done = _exported(place, result, name, out)
        if other != content:
            yield f"{name}: not the same, {done}"


def _exported(place: Place, result: Path, name: str, out: Path) -> tuple[bytes | None, Done]:
    place.here(out.parent).mkdir(exist_ok=True)
    place.here(out).unlink(missing_ok=True)
    done = place.run(_COMMAND, "export", result, "--to", out, "--format", name)
    try:
        return (None if done.status else place.here(out).read_bytes()), done
    except OSError:
        return None, done


def clips(place: Place, result: Path) -> Iterator[str]:
    """Each way of cutting. The program compares each clip with its source; the frames are counted here once more."""
    moments = json.loads(place.here(result).read_text())["moments"]
    wanted = sorted(moment["end_frame"] - moment["start_frame"] for moment in moments)
    for way in WAYS:
        out = place.home / way
        done = place.run(_COMMAND, "export", result, "--to", out, "--format", way)
        if done.status:
            yield f"{way}: {done}"
            continue
        counted = sorted(_frames(path) for path in place.here(out).iterdir())
        is_right = len(counted) == len(wanted) if way == LOSSLESS else counted == wanted
        if not is_right:
            yield f"{way}: {counted} frames instead of {wanted}"
        shutil.rmtree(place.here(out))


def _frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def plugins(place: Place, source: Path) -> Iterator[str]:
    """Each plugin is installed into the home, equal to what the source installs there, and removed."""
    other = Place(source.parent, place.home)
    for name in PLUGINS:
        done = place.run(_COMMAND, "plugins", "install", name)
        frozen = _written(place, done)
        removed = place.run(_COMMAND, "plugins", "remove", name)
        wanted = _written(other, other.run(_COMMAND, "plugins", "install", name))
        other.run(_COMMAND, "plugins", "remove", name)
        if done.status or removed.status or not frozen:
            yield f"{name}: {done}; {removed}"
        elif frozen != wanted:
            yield f"{name}: not what the source installs: {sorted(map(str, frozen.items() ^ wanted.items()))[:4]}"
    listed = place.run(_COMMAND, "plugins", "list")
    if listed.status or not all(name in listed.out for name in PLUGINS):
        yield f"list: {listed}"


def _written(place: Place, done: Done) -> dict[str, bytes]:
    paths = [line.removeprefix("Wrote ") for line in done.out.splitlines() if line.startswith("Wrote ")]
    files = [Path(path) for path in paths if place.here(Path(path)).is_file()]
    return {str(path): place.here(path).read_bytes() for path in files}


def own_processes(place: Place) -> Iterator[str]:
    """The program starts itself to read new files and to run video language models: each has to answer in JSON."""
    for word, asked, answer in ((READ_FILES, "{}", "failure"), (GROUND, '{"about": {}}', "about")):
        process = place.start(_COMMAND, word)
        assert process.stdin is not None and process.stdout is not None
        with ending(process):
            process.stdin.write(f"{asked}\n")
            process.stdin.flush()
            line = process.stdout.readline()  # before its input ends, which ends the process
            if not line.startswith(f'{{"{answer}":'):
                yield f"{word}: {line or said(process)}"
