"""Folders are followed: what comes is indexed once it is whole."""

import threading
import time

from tests.toy import ToyEncoder, write_clip
from tr_desktop.library.index.watch import watch_folders
from tr_desktop.library.store.catalog import Catalog


def test_new_files_are_indexed_once_copying_has_finished(tmp_path):
    folder, stop, seen = tmp_path / "footage", threading.Event(), []
    source = write_clip(tmp_path / "source.mp4", [("blue", 200)]).read_bytes()
    encoder = ToyEncoder()

    def follow() -> None:
        with Catalog(tmp_path / "library") as catalog:
            for coverage in watch_folders([folder], catalog, encoder, stop, every_s=0.2):
                seen.append(({path.name for path in coverage.searched}, {s.path.name for s in coverage.skipped}))

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        write_clip(folder / "first.mp4", [("red", 50)])  # the folder comes later, as a drive would
        with (folder / "slow.mp4").open("wb") as file:
            for start in range(0, len(source), 400):
                file.write(source[start : start + 400])
                file.flush()
                time.sleep(0.05)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and ({"first.mp4", "slow.mp4"}, set()) not in seen:
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join(5)
    assert seen[-1] == ({"first.mp4", "slow.mp4"}, set())
    assert all("slow.mp4" not in skipped for _, skipped in seen)
    assert encoder.encoded_frames == 4 + 16
    assert not thread.is_alive()
