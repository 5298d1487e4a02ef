"""What goes into the frozen app and what doesn't, tried on libraries that are really linked with each other."""

import shutil
import subprocess
import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import contents
import pytest

needs_compiler = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None or shutil.which("objdump") is None,
    reason="needs gcc on Linux",
)


def imports_of(library: str) -> list[str]:
    said = subprocess.run(["objdump", "-p", library], check=True, capture_output=True, text=True).stdout
    return [line.split()[1] for line in said.splitlines() if line.split()[:1] == ["NEEDED"]]


@pytest.fixture
def library(tmp_path):
    """Makes a library that needs others, as an entry at `place`."""

    def make(place: str, *needed: contents.Entry, kind: str = "BINARY") -> contents.Entry:
        out = tmp_path / Path(place).name
        linked = [source for _, source, _ in needed]
        subprocess.run(
            [
                "gcc",
                "-shared",
                "-Wl,--no-as-needed",
                "-o",
                out,
                "-x",
                "c",
                "/dev/null",
                "-x",
                "none",
                *linked,
                f"-Wl,-soname,{out.name}",
            ],
            check=True,
        )
        return place, str(out), kind

    return make


@needs_compiler
def test_what_stays_and_needs_what_was_left_out_is_named(library):
    concurrent = library("PySide6/Qt/lib/libConcurrent.so.6")
    sound = library("PySide6/Qt/lib/libSound.so.6", concurrent)
    other = library("PySide6/Qt/lib/libOther.so.6")
    assert contents.wanting([sound, other], [concurrent], imports_of) == [
        "PySide6/Qt/lib/libSound.so.6 needs libConcurrent.so.6, which was left out"
    ]
    assert contents.wanting([sound, other, concurrent], [], imports_of) == []
    # The same library in another place is found, since a link at the top leads to it.
    assert contents.wanting([sound, concurrent], [concurrent], imports_of) == []


@needs_compiler
def test_a_library_of_the_system_goes_with_the_plugin_that_needed_it(library):
    deep, used, by_name = (library(f"lib{name}.so.1") for name in ("deep", "used", "name"))
    cairo = library("libcairo.so.2", deep, used)
    plugin = library("PySide6/Qt/plugins/platformthemes/libqgtk3.so", cairo)
    kept = [deep, used, by_name, cairo, library("av/core.abi3.so", used, kind="EXTENSION")]
    # `libname` is needed by nobody: a program may open it by its name.
    assert contents.orphans(kept, [plugin], imports_of) == {"libcairo.so.2", "libdeep.so.1"}
    assert contents.orphans(kept, [], imports_of) == set()


@pytest.mark.parametrize(
    "place",
    [
        "libavcodec-5e6b81c2.so.62.11.100",
        "av.libs/libswscale-0fe3ab12.so.9",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/platforms/libqoffscreen.so",
        "PySide6/Qt/plugins/imageformats/libqjpeg.so",
        "PySide6/Qt/lib/libQt6Concurrent.so.6",  # QtMultimedia needs it: without it, the app plays without sound
        "PySide6/Qt/lib/libQt6Multimedia.so.6",
        "PySide6/plugins/platforms/qwindows.dll",
        "PySide6/Qt6Gui.dll",
        "tr_desktop/models/packs/mini/image.onnx",
        "tr_desktop/plugins/premiere/panel/index.html",
    ],
)
def test_what_the_app_uses_stays(place):
    assert contents.is_used(place) and contents.is_used(place.replace("/", "\\") if sys.platform == "win32" else place)


@pytest.mark.parametrize(
    "place",
    [
        "PySide6/Qt/lib/libavcodec.so.61",
        "PySide6/Qt/plugins/multimedia/libffmpegmediaplugin.so",
        "PySide6/plugins/multimedia/ffmpegmediaplugin.dll",
        "PySide6/avcodec-61.dll",
        "PySide6/Qt/lib/libQt6EglFSDeviceIntegration.so.6",
        "PySide6/Qt/lib/libQt6EglFsKmsSupport.so.6",
        "PySide6/Qt/lib/libQt6FFmpegStub-crypto.so.3",
        "PySide6/Qt/plugins/platforminputcontexts/libqtvirtualkeyboardplugin.so",
        "PySide6/Qt/translations/qtbase_de.qm",
        "PySide6/opengl32sw.dll",
        "numpy/__init__.pxd",
    ],
)
def test_what_nothing_uses_is_left_out(place):
    assert not contents.is_used(place)


def test_all_that_the_project_installs_beside_its_modules_is_data(tmp_path):
    project = _installed(
        tmp_path,
        "tr_desktop/__init__.py",
        "tr_desktop/models/__init__.py",
        "tr_desktop/models/pack.py",
        "tr_desktop/models/packs/mini/image.onnx",
        "tr_desktop/models/__pycache__/pack.cpython-311.pyc",
        "tr_desktop/plugins/blender/__init__.py",  # a program for Blender, no module of this one
        "tr_desktop/footage/sample.mp4",
        "../../../bin/tr-desktop",
    )
    assert dict(contents.package_data(project)) == {
        str(tmp_path / "tr_desktop/models/packs/mini/image.onnx"): "tr_desktop/models/packs/mini",
        str(tmp_path / "tr_desktop/plugins/blender/__init__.py"): "tr_desktop/plugins/blender",
        str(tmp_path / "tr_desktop/footage/sample.mp4"): "tr_desktop/footage",
    }


def _installed(folder: Path, *files: str) -> PathDistribution:
    about = folder / "tr_desktop-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: tr-desktop\nVersion: 1.0\n")
    (about / "RECORD").write_text("".join(f"{file},,\n" for file in (*files, "tr_desktop-1.0.dist-info/METADATA")))
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return PathDistribution(about)


def test_metadata_goes_with_modules_and_names_no_folder_of_the_builder():
    found = {
        (Path(file).name, Path(folder).name.split("-")[0]) for file, folder in contents.metadata(["av", "numpy.linalg"])
    }
    assert {("METADATA", "av"), ("METADATA", "numpy")} <= found
    assert not {name for name, _ in found} & {"RECORD", "direct_url.json", "INSTALLER"}
    assert "pytest" not in {package for _, package in found}
