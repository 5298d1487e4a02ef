"""What belongs in the frozen app, for `build.spec`: data, metadata, and what PyInstaller collects but nothing uses.

A frozen program lacks in silence: a format without metadata isn't there, an import that fails is an option that isn't
offered. So what is left out is left out by name, and `wanting` finds whatever stays and needs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import PurePath, PurePosixPath

Entry = tuple[str, str, str]
"""What PyInstaller puts into the folder: its place there, its source or where a link leads, and its kind."""
ImportsOf = Callable[[str], Iterable[str]]
"""The names of the libraries that a library at this path is linked with."""

BUILDS = ("altgraph", "macholib", "pefile", "pip", "pyinstaller", "pyinstaller-hooks-contrib", "pywin32-ctypes")
"""Packages of the build's environment that only freeze."""

EXCLUDED = (
    # What `tokenizers` and `huggingface-hub` bring for downloads: converting a model needs torch, which isn't there.
    *("huggingface_hub", "hf_xet", "fsspec", "filelock"),
    "tr_desktop.training",  # needs torch
    "yaml",  # logs of servers, set up by a file
    # Pictures of the sample clip, training, conversion.
    *("skimage", "scipy", "PIL", "torch", "torchvision", "transformers", "onnx", "onnxscript"),
    *("onnxruntime.tools", "onnxruntime.quantization", "onnxruntime.transformers", "onnxruntime.training"),
    # Tools of builders and testers.
    *("numpy.f2py", "numpy.testing", "numpy.distutils", "setuptools", "pip", "pytest", "tkinter", "pydoc", "lib2to3"),
    *("PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtPdf", "PySide6.QtSvg", "PySide6.QtOpenGL", "PySide6.QtDBus"),
    *("PySide6.QtMultimediaWidgets", "PySide6.QtConcurrent"),
)
"""Modules that the app imports only where it does without them."""

_UNUSED_PLUGINS = (
    "egldeviceintegrations",
    "generic",
    "multimedia",  # decoding by Qt, with a second FFmpeg; sound goes out without it
    "networkinformation",
    "printsupport",
    "qmltooling",
    "sqldrivers",
    "tls",
    "wayland-graphics-integration-server",
    r"platforminputcontexts/\w*virtualkeyboard",
    r"imageformats/(lib)?q(pdf|icns|tga|tiff|wbmp|webp|gif)\b",
    r"platforms/(lib)?q(eglfs|linuxfb|minimal|minimalegl|vkkhrdisplay|vnc|direct2d)\b",
    r"platformthemes/libqgtk3",
)
_UNUSED_LIBRARIES = (
    r"(lib)?Qt6?(Quick|Qml|Pdf|VirtualKeyboard|EglF[Ss]|FFmpegStub|MultimediaWidgets)[-\w]*",
    r"(lib)?(av(codec|format|util|filter|device)|sw(scale|resample))",  # Qt's; PyAV's have a hash in their names
    r"opengl32sw",  # draws without a graphics driver, for Qt Quick
)
_UNUSED = re.compile(
    rf"PySide6/(Qt/)?plugins/({'|'.join(_UNUSED_PLUGINS)})"
    rf"|(^|PySide6/(Qt/lib/)?)({'|'.join(_UNUSED_LIBRARIES)})[-.0-9]*\.(so|dll|dylib|framework)\b"
    r"|PySide6/(Qt/)?translations/"
    # The compiler's output and the sources of wheels, which no program reads.
    r"|\.(pyi|pxd|pyx|h|lib|a|la|pc)$"
)
_METADATA = re.compile(r"(METADATA|entry_points\.txt|licen[cs]es/.*)")
_BY_NAME = re.compile(r"\.(abi3|cpython-|cp\d+-)|^(lib)?python3")


def is_used(place: str) -> bool:
    """Whether what PyInstaller puts at `place`, a path in the folder, stays there."""
    return not _UNUSED.search(PurePath(place).as_posix())


def package_data(project: Distribution) -> Iterator[tuple[str, str]]:
    """Each file that the project installs beside its modules, with its folder in the app."""
    files = {PurePosixPath(file.as_posix()): file for file in project.files or ()}
    for path, file in files.items():
        if path.parts[0] == ".." or path.suffix == ".pyc" or path.parts[0].endswith(".dist-info"):
            continue
        is_module = all(folder / "__init__.py" in files for folder in list(path.parents)[:-1])
        if path.suffix != ".py" or not is_module:
            yield str(file.locate()), str(path.parent)


def metadata(modules: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What the app has to know of each package with one of `modules`: its version, entry points and licence texts.

    Not its `RECORD` and `direct_url.json`, which name folders of the machine that builds.
    """
    names = {module.partition(".")[0] for module in modules}
    for package in distributions():
        if package.name.lower() in BUILDS or not names & {top for top in _top_levels(package)}:
            continue
        for file in package.files or ():
            folder, _, inner = file.as_posix().partition("/")
            if folder.endswith(".dist-info") and _METADATA.fullmatch(inner):
                yield str(file.locate()), str(PurePosixPath(file.as_posix()).parent)


def _top_levels(package: Distribution) -> Iterator[str]:
    for file in package.files or ():
        path: PackagePath = file
        if len(path.parts) > 1 and not path.parts[0].endswith(".dist-info"):
            yield path.parts[0]
        elif len(path.parts) == 1:
            yield path.name.partition(".")[0]


def orphans(kept: Iterable[Entry], dropped: Iterable[Entry], imports_of: ImportsOf) -> set[str]:
    """The places of libraries that only `dropped` ones needed, directly or not.

    Only those of the system, at the top of the folder: what lies inside a package may be opened by its name.
    """
    there = {PurePath(place).name: (place, source) for place, source, _ in _libraries(kept)}

    def reached(names: Iterable[str]) -> set[str]:
        """Those of `names` that are there, and what they need."""
        found: set[str] = set()
        queue = [name for name in names if name in there]
        while queue:
            name = queue.pop()
            if name not in found:
                found.add(name)
                queue += [each for each in _needed(there[name][1], imports_of) if each in there]
        return found

    loaded = [name for name, (place, _) in there.items() if len(PurePath(place).parts) > 1 or _BY_NAME.search(place)]
    of_dropped = {name for _, source, _ in _libraries(dropped) for name in _needed(source, imports_of)}
    return {there[name][0] for name in reached(of_dropped) - reached(loaded)}


def wanting(kept: Iterable[Entry], dropped: Iterable[Entry], imports_of: ImportsOf) -> list[str]:
    """What stays and is linked with what was dropped, as sentences: it would fail when it is loaded, if ever."""
    libraries = list(_libraries(kept))
    gone = {PurePath(place).name for place, _, _ in dropped} - {PurePath(place).name for place, _, _ in libraries}
    return [
        f"{place} needs {name}, which was left out"
        for place, source, _ in libraries
        for name in sorted(_needed(source, imports_of) & gone)
    ]


def _libraries(entries: Iterable[Entry]) -> Iterator[Entry]:
    return (entry for entry in entries if entry[2] in ("BINARY", "EXTENSION"))


def _needed(source: str, imports_of: ImportsOf) -> set[str]:
    return {PurePath(each).name for each in imports_of(source)}
