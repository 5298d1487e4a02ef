"""The plugins for editors lie at the root of the repository; installed, they are data in `tr_desktop/plugins`."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["tr_desktop*", "exporters*"]), "tr_desktop.plugins"],
    package_dir={"tr_desktop.plugins": "plugins"},
    package_data={
        "tr_desktop.footage": ["sample.mp4", "sample.npz"],
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
