"""What tests of several rooms use."""

from pathlib import Path

import pytest

from tr_desktop.footage.sample import make_sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """The generated sample clip."""
    path = tmp_path_factory.mktemp("sample") / "sample.mp4"
    make_sample(path)
    return path
