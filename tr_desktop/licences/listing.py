"""One text with every package, every library inside them, their licences and the texts of these."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from pathlib import Path, PurePath

from tr_desktop.licences.known import PACKAGES, QT, Library, libraries, library
from tr_desktop.version import this_version

TEXTS = "\n\n==== Texts of the licences ====\n"
_OWN = "tr-desktop"
_STANDARD = Path(__file__).with_name("texts")
_BUILDS = ("test",)  # extras of which nothing is used when the program runs
_QT_PARTS = re.compile(r"PySide6/(Qt/)?(plugins|qml)/")
_LIBRARY = re.compile(r"(?:lib)?(?P<stem>.+?)(?:\.framework)?\.(?:so|dll|dylib|pyd)(?:\.[\d.]+)?")
_MODULE = re.compile(r"\.(abi3|cpython-\w+(-[\w-]+)?|cp\d+-\w+)\.(so|pyd)$")
_HASH_OR_VERSION = re.compile(r"(-[0-9a-f]{8,40})+_?$|[-.]\d+(\.\d+)*(-x64|-arm64)?$|_$")
_TEXT_FILE = re.compile(r"(licen[cs]e|copying|notice|thirdparty|authors)[^/]*$", re.IGNORECASE)
_CODE = (".py", ".pyc", ".so", ".h", ".json")

QT_NOTICE = """\
This program uses Qt, PySide6 and Shiboken under version 3 of the GNU Lesser General Public License. They are shared
libraries in files of their own, so you may replace them by versions that you changed: put yours in the place of the
files in the folder PySide6. Nothing forbids you to do that, or to take the program apart in order to debug such
changes. On macOS, sign the app again afterwards: codesign --force --deep --sign - TimeRefine.app
The source of Qt and PySide6 of the version named below is at https://download.qt.io/official_releases
"""
GPL_NOTICE = """\
This folder holds x264 and x265, which are under the GNU General Public License, version 2 or later, and FFmpeg linked
with them. Therefore the folder as a whole is distributed under the GNU General Public License, version 3 or later. You
may get the complete corresponding source of all of it, and the scripts that build it, from where you got this folder.
The program's own source stays under the Apache License 2.0.
"""
SAMPLE_NOTICE = """\
The sample clip shows five pictures that ship with scikit-image: coffee (Rachel Michetti, CC0), Chelsea the cat (Stéfan
van der Walt, CC0), the astronaut Eileen Collins and the Hubble deep field (NASA, public domain), and a rocket (SpaceX,
public domain).
"""


@dataclass(frozen=True)
class Listing:
    """unnamed: packages that state no licence, and libraries that `known.py` doesn't name."""

    text: str
    unnamed: list[str]


def listing(folder: Path | None = None, *, with_texts: bool = True) -> Listing:
    """The licences of what runs here, or of a frozen build in `folder`, made of what runs here."""
    packages = list(_required() if folder is None else _frozen(folder))
    files = [file for each in packages for file in each.files or ()] if folder is None else _files_in(folder)
    found, unnamed = _named(files)
    names = {each.name for each in found}
    own = this_version()
    rows = [f"TimeRefine Desktop {own}: Apache-2.0, https://www.apache.org/licenses/LICENSE-2.0\n", SAMPLE_NOTICE]
    if folder is not None and {"x264", "x265"} & names:
        rows.append(GPL_NOTICE)
    if QT in names:
        rows.append(QT_NOTICE)
    rows.append("It comes with these packages:\n")
    for package in packages:
        if not (licence := _licence(package)):
            unnamed.append(f"the package {package.name}")
        rows.append(f"- {package.name} {package.version}: {licence or 'not stated'}")
    rows.append("\nThey hold these libraries:\n")
    for each in sorted(found, key=lambda one: one.name.lower()):
        holders = f", copyright {each.holders}" if each.holders else ""
        rows.append(f"- {each.name}: {each.licence}, {each.source}{holders}")
    if unnamed:
        rows.append("\nNobody has named the licences of:\n")
        rows += [f"- {each}" for each in unnamed]
    text = "\n".join(rows) + "\n"
    if with_texts:
        text += TEXTS + "\n".join(_texts(packages))
    return Listing(text, unnamed)


# Packages


def _required() -> Iterator[Distribution]:
    """The installed packages that this program requires, with whatever they require, by name."""
    found: dict[str, Distribution] = {}
    queue = [_OWN]
    while queue:
        name = queue.pop()
        for wanted in _requirements(name):
            if wanted not in found and wanted != _OWN:
                try:
                    found[wanted] = distribution(wanted)
                except PackageNotFoundError:  # of an extra that isn't installed, or for another system
                    continue
                queue.append(wanted)
    yield from (found[name] for name in sorted(found))


def _requirements(name: str) -> Iterator[str]:
    """The names of what an installed package requires, and for this program also of what its extras do."""
    for requirement in distribution(name).requires or ():
        words = re.match(r"[\w.-]+", requirement)
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)", requirement)
        if words and (extra is None or (name == _OWN and extra[1] not in _BUILDS)):
            yield re.sub(r"[-_.]+", "-", words[0]).lower()


def _frozen(folder: Path) -> Iterator[Distribution]:
    """The packages of a build. Their texts are taken from here."""
    names = {path.parent.name.partition("-")[0] for path in folder.rglob("*.dist-info/METADATA")}
    for name in sorted(re.sub(r"[-_.]+", "-", each).lower() for each in names):
        if name != _OWN:
            yield distribution(name)


def _licence(package: Distribution) -> str:
    facts = package.metadata
    kinds = [each.rpartition(" :: ")[2] for each in facts.get_all("Classifier") or () if each.startswith("License ::")]
    for field in ("License-Expression", "License"):
        if field in facts and "\n" not in facts[field]:  # some put a whole text there
            return facts[field]
    return PACKAGES.get(package.name) or "; ".join(kinds)


# Libraries


def _files_in(folder: Path) -> list[PurePath]:
    return [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]


def _named(files: Iterable[PurePath]) -> tuple[set[Library], list[str]]:
    """The libraries among `files`, and the files that are libraries which nobody named."""
    found, unnamed = set[Library](), list[str]()
    for file in files:
        match = _LIBRARY.fullmatch(file.name)
        if match is None or _MODULE.search(file.name) or file.suffix == ".pyd":
            continue  # a module counts as its package
        stem = match["stem"]
        while (shorter := _HASH_OR_VERSION.sub("", stem)) != stem and library(stem) is None:
            stem = shorter
        each = libraries()[QT] if _QT_PARTS.search(file.as_posix()) else library(stem)
        if each is None:
            unnamed.append(f"the library {file.as_posix()}")
        else:
            found.add(each)
    return found, unnamed


# Texts


def _texts(packages: Iterable[Distribution]) -> Iterator[str]:
    for package in packages:
        for file in package.files or ():
            if _is_text(file):
                yield _headed(f"{package.name}: {file.name}", _read(file))
    for path in sorted(_STANDARD.glob("*.txt")):
        yield _headed(path.stem, path.read_text(encoding="utf-8"))


def _is_text(file: PackagePath) -> bool:
    """Whether it is a licence: in the metadata, or at the top of the package."""
    is_near = ".dist-info/" in file.as_posix() or len(file.parts) == 2
    return is_near and file.suffix not in _CODE and bool(_TEXT_FILE.match(file.name))


def _read(file: PackagePath) -> str:
    try:
        return Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _headed(name: str, text: str) -> str:
    return f"\n---- {name} ----\n\n{text.strip()}\n"
