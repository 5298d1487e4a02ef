"""The plugins for editors lie at the root of the repository; installed, they are data in `tr_desktop/plugins`."""

import subprocess
from contextlib import suppress
from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.build_py import build_py

ABOUT = Path("tr_desktop", "_build.py")


class Build(build_py):
    """Writes down of which commit a package is, for `--version`, unless the sources say it already."""

    def run(self):
        super().run()
        if self.editable_mode or ABOUT.exists() or not Path(".git").exists():
            return
        command = ["git", "-c", "safe.directory=*", "log", "-1", "--format=COMMIT, DATE = '%h', '%cs'"]
        with suppress(OSError, subprocess.CalledProcessError):  # then nobody knows
            Path(self.build_lib, ABOUT).write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)


setup(
    cmdclass={"build_py": Build},
    packages=[*find_namespace_packages(include=["tr_desktop*", "exporters*"]), "tr_desktop.plugins"],
    package_dir={"tr_desktop.plugins": "plugins"},
    package_data={
        "tr_desktop.footage": ["sample.mp4", "sample.npz"],
        "tr_desktop.licences": ["libraries.csv", "texts/*.txt"],
        "tr_desktop.models": ["packs/*/*"],
        "tr_desktop.plugins": [
            "resolve/*.lua",
            "premiere/panel/*",
            "blender/*.py",
            "blender/*.toml",
            "blender/LICENSE",
        ],
    },
)
