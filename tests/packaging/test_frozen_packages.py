"""The packages for Linux and the installer for Windows, made of a small folder and really installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import libraries
import packages
import pytest
import windows_version

from tests.processes import PATIENCE_S

PACKAGING = Path(packages.__file__).parent
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="packages for Linux")
SECONDS = 1_700_000_000


def run(*words, **more) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=PATIENCE_S, **more)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def needs(*programs: str):
    missing = [name for name in programs if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} isn't installed")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A frozen folder as far as packages know it: two names of one program, libraries, a link."""
    folder = tmp_path / "dist" / "TimeRefine"
    (folder / "_internal" / "lib").mkdir(parents=True)
    program = folder / "tr-desktop"
    program.write_text('#!/bin/sh\nprintf "%s" "$0 $*"\n')
    program.chmod(0o755)
    (folder / "TimeRefine").hardlink_to(program)
    (folder / "_internal" / "lib" / "libthing.so.1").write_bytes(b"thing" * 1000)
    (folder / "_internal" / "libthing.so.1").symlink_to("lib/libthing.so.1")
    (folder / "_internal" / "libstdc++.so.6").write_bytes(b"")
    return folder


@needs_linux
@needs("dpkg-deb", "dpkg", "zstd")
def test_the_debian_package_installs_and_leaves_without_a_trace(folder, tmp_path):
    package = packages.debian_package(folder, "1.2.3", SECONDS)
    root = tmp_path / "root"
    admin = root / "var/lib/dpkg"
    for name in ("info", "updates"):
        (admin / name).mkdir(parents=True)
    (admin / "status").touch()
    dpkg = [
        "dpkg",
        f"--root={root}",
        "--force-not-root",
        "--force-bad-path",
        "--force-depends",
        f"--log={tmp_path / 'log'}",
    ]
    run(*dpkg, "--install", package)

    entry = root / "usr/share/applications/timerefine.desktop"
    if shutil.which("desktop-file-validate"):
        run("desktop-file-validate", entry)
    words = dict(line.split("=", 1) for line in entry.read_text().splitlines() if "=" in line)
    started = root / "usr/bin" / words["Exec"].split()[0]
    assert started.readlink() == Path("/opt/timerefine/TimeRefine")
    assert (root / "opt/timerefine/TimeRefine").samefile(root / "opt/timerefine/tr-desktop")
    assert (root / "opt/timerefine/_internal/libthing.so.1").readlink() == Path("lib/libthing.so.1")
    assert not (root / "opt/timerefine/_internal/libstdc++.so.6").exists()
    assert (root / f"usr/share/icons/hicolor/scalable/apps/{words['Icon']}.svg").is_file()
    kinds = (root / "usr/share/mime/packages/timerefine.xml").read_text()
    assert f'type="{words["MimeType"].rstrip(";")}"' in kinds and 'pattern="*.trproj"' in kinds

    own = root / "home/editor/.local/share/TimeRefine/library.sqlite3"
    own.parent.mkdir(parents=True)
    own.touch()
    run(*dpkg, "--purge", "timerefine")
    left = [path for path in root.rglob("*") if not path.is_dir() and admin not in path.parents]
    assert left == [own] and not (root / "opt/timerefine").exists()


@needs_linux
@needs("dpkg-deb", "zstd", "tar")
def test_the_same_folder_gives_the_same_packages(folder, tmp_path):
    made = [packages.archive(folder, "1.2.3", SECONDS), packages.debian_package(folder, "1.2.3", SECONDS)]
    contents = [path.read_bytes() for path in made]
    later = tmp_path / "later" / "TimeRefine"
    run("cp", "-r", "--preserve=mode,links", folder, later.parent.mkdir() or later)
    assert [
        packages.archive(later, "1.2.3", SECONDS).read_bytes(),
        packages.debian_package(later, "1.2.3", SECONDS).read_bytes(),
    ] == contents

    run("tar", "-xf", made[0], "-C", tmp_path)
    unpacked = tmp_path / "timerefine-1.2.3"
    assert run(unpacked / "tr-desktop", "x") == f"{unpacked / 'tr-desktop'} x"
    assert (unpacked / "TimeRefine").samefile(unpacked / "tr-desktop")
    assert (unpacked / "_internal/libthing.so.1").read_bytes() == b"thing" * 1000
    assert libraries.size_bytes(unpacked) == libraries.size_bytes(folder)


@needs_linux
@needs("dpkg-deb", "zstd", "tar")
def test_only_the_packages_of_a_version_are_found_as_its_own(folder):
    made = {
        version: (
            [packages.archive(folder, version, SECONDS)],
            [packages.debian_package(folder, version, SECONDS)],
        )
        for version in ("1.2.3", "1.2", "1.2.30")
    }
    for version, own in made.items():
        assert (packages.archives(folder, version), packages.debian_packages(folder, version)) == own


@needs("makensis")
def test_the_installer_for_windows_compiles(folder, tmp_path):
    out = tmp_path / "out.exe"
    script = PACKAGING / "windows" / "installer.nsi"
    defined = ["-DVERSION=1.2.3", "-DFOLDER=TimeRefine", f"-DOUT={out}"]
    said = run("makensis", "-NOCD", "-V2", "-WX", *defined, script, cwd=folder.parent)
    assert out.read_bytes().startswith(b"MZ"), said


@needs_linux
@needs("gcc")
def test_a_library_that_lacks_another_is_named(tmp_path):
    empty = ["-shared", "-Wl,--no-as-needed", "-x", "c", "/dev/null", "-x", "none"]
    run("gcc", *empty, "-o", tmp_path / "libbelow.so.1", "-Wl,-soname,libbelow.so.1")
    run("gcc", *empty, "-o", tmp_path / "libabove.so.1", tmp_path / "libbelow.so.1", "-Wl,-rpath,$ORIGIN")
    assert list(libraries.problems(tmp_path)) == []
    (tmp_path / "libbelow.so.1").unlink()
    (tmp_path / "link.so").symlink_to("libbelow.so.1")
    (tmp_path / "scipy").mkdir()
    assert sorted(libraries.problems(tmp_path)) == [
        "libabove.so.1 lacks libbelow.so.1",
        "link.so leads nowhere",
        "scipy is of no use",
    ]


@pytest.mark.parametrize(
    ("version", "numbers"), [("0.2.0", "(0, 2, 0, 0)"), ("1.2.3.dev4+g12", "(1, 2, 3, 4)"), ("7", "(7, 0, 0, 0)")]
)
def test_windows_gets_four_numbers(tmp_path, version, numbers):
    text = Path(windows_version.write(version, tmp_path / "version.txt")).read_text()
    assert f"filevers={numbers}" in text and f'"ProductVersion", "{version}"' in text
    compile(text, "version.txt", "eval")


def test_what_is_no_version_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a version"):
        windows_version.write('"), os', tmp_path / "version.txt")
