"""Which device runs a model, on computers with other devices than this one's."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.models.fake_runtime import FakeDevice, FakeRuntime
from tests.models.toy_pack import image_model, list_files, text_model, write_pack
from tests.processes import PATIENCE_S
from tests.toy import write_clip
from tr_desktop.commands.main import main
from tr_desktop.errors import PackError, UserError
from tr_desktop.library.index.indexer import read_here
from tr_desktop.models.check import check_pack
from tr_desktop.models.devices import AUTO, CHOICES, CPU, DEVICES
from tr_desktop.models.encoder import Encoder
from tr_desktop.models.pack import load_pack
from tr_desktop.models.runtime import is_offered
from tr_desktop.paths import cache_folder

PROVIDERS = {name: device.provider.removesuffix("ExecutionProvider") for name, device in DEVICES.items()}
PICTURES = np.random.default_rng(1).integers(0, 256, (50, 1, 1, 3), np.uint8).repeat(32, axis=1).repeat(32, axis=2)
SWITCHES = {
    "no driver": FakeDevice(is_silent=True),
    "refuses to open": FakeDevice(opens=False),
    "takes no part of the model": FakeDevice(takes_nodes=False),
    "gives other vectors": FakeDevice(change=lambda rows: rows[:, ::-1]),
    "gives no numbers": FakeDevice(change=lambda rows: rows * np.nan),
    "is out of memory": FakeDevice(most_rows=0),
}


@pytest.fixture
def pack(tmp_path):
    return load_pack(write_pack(tmp_path / "toy"))


def vectors_on_the_cpu(pack) -> np.ndarray:
    return Encoder(pack, CPU).encode_images(PICTURES)


@pytest.mark.parametrize("name", DEVICES)
def test_each_device_runs_both_towers_when_it_works(pack, monkeypatch, name):
    expected = vectors_on_the_cpu(pack)
    # What runs TensorRT also offers CUDA, which takes the sentences.
    runtime = FakeRuntime(
        monkeypatch, **{PROVIDERS[name]: FakeDevice()}, **({"CUDA": FakeDevice()} if name == "tensorrt" else {})
    )
    encoder = Encoder(pack, name)
    encoder.encode_text(["red"])
    np.testing.assert_allclose(encoder.encode_images(PICTURES), expected, atol=1e-6)
    assert encoder.device == name
    assert runtime.opened[-1] == DEVICES[name].provider


@pytest.mark.parametrize("name", DEVICES)
def test_a_named_device_that_is_not_offered_says_which_package_has_it(pack, monkeypatch, name):
    FakeRuntime(monkeypatch)
    with pytest.raises(UserError) as caught:
        Encoder(pack, name).encode_images(PICTURES)
    assert DEVICES[name].title in caught.value.what and DEVICES[name].package in caught.value.remedy


@pytest.mark.parametrize("why", SWITCHES)
@pytest.mark.parametrize("name", DEVICES)
def test_a_device_that_does_not_work_is_an_error_if_named_and_passed_over_by_auto(pack, monkeypatch, capfd, name, why):
    expected = vectors_on_the_cpu(pack)
    FakeRuntime(monkeypatch, **{PROVIDERS[name]: SWITCHES[why]})
    with pytest.raises(UserError) as caught:
        Encoder(pack, name).encode_images(PICTURES)
    assert DEVICES[name].title in caught.value.what and "\n" not in caught.value.what and caught.value.remedy
    automatic = Encoder(pack, AUTO)
    np.testing.assert_array_equal(automatic.encode_images(PICTURES), expected)
    assert automatic.device == CPU and capfd.readouterr() == ("", "")


@pytest.mark.skipif(not is_offered(DEVICES["openvino"]), reason="needs onnxruntime-openvino")
def test_openvino_gives_the_vectors_of_the_cpu():
    pictures = np.random.default_rng(2).integers(0, 256, (6, 1, 3, 3), np.uint8).repeat(224, axis=1)
    pictures = pictures.repeat(75, axis=2)[:, :, :224]
    towers = [Encoder(load_pack("mini"), name) for name in (CPU, "openvino")]
    for one, other in (
        [tower.encode_images(pictures) for tower in towers],
        [tower.encode_text(["a dog on a beach", "two people talk"]) for tower in towers],
    ):
        assert ((one * other).sum(axis=1) > 0.99).all()
    assert [tower.device for tower in towers] == [CPU, "openvino"]


def test_auto_takes_the_fastest_that_works(pack, monkeypatch):
    runtime = FakeRuntime(
        monkeypatch, CUDA=FakeDevice(row_s=0.02), OpenVINO=FakeDevice(row_s=0.01), Dml=FakeDevice(is_silent=True)
    )
    for _ in range(2):  # the second encoder knows it from the first one's trials
        encoder = Encoder(pack, AUTO)
        encoder.encode_images(PICTURES)
        assert encoder.device == "openvino"
    assert runtime.opened.count("CUDAExecutionProvider") == 1
    runtime.devices["OpenVINOExecutionProvider"].is_silent = True  # the driver is gone
    encoder = Encoder(pack, AUTO)
    encoder.encode_images(PICTURES)
    assert encoder.device == "cuda"


def test_auto_stays_on_the_cpu_if_that_is_faster(pack, monkeypatch):
    FakeRuntime(monkeypatch, OpenVINO=FakeDevice(row_s=0.2))
    encoder = Encoder(pack, AUTO)
    encoder.encode_images(PICTURES)
    assert encoder.device == CPU


def test_auto_tries_nothing_for_sentences_or_without_devices(pack, monkeypatch):
    runtime = FakeRuntime(monkeypatch, CUDA=FakeDevice())
    Encoder(pack, AUTO).encode_text(["red"])
    runtime.devices.clear()
    runtime.devices["AzureExecutionProvider"] = FakeDevice()  # always offered, and no device
    Encoder(pack, AUTO).encode_images(PICTURES)
    assert set(runtime.opened) == {"CPUExecutionProvider"} and len(runtime.opened) == 2


def test_auto_uses_tensorrt_only_after_it_was_named(pack, monkeypatch):
    runtime = FakeRuntime(monkeypatch, Tensorrt=FakeDevice(row_s=0.001), CUDA=FakeDevice(row_s=0.01))
    first, named, last = Encoder(pack, AUTO), Encoder(pack, "tensorrt"), Encoder(pack, AUTO)
    for encoder in (first, named, last):
        encoder.encode_images(PICTURES)
    assert [first.device, named.device, last.device] == ["cuda", "tensorrt", "tensorrt"]
    options = runtime.devices["TensorrtExecutionProvider"].seen[-1]
    assert options["trt_profile_min_shapes"] == "pictures:1x32x32x3"
    assert options["trt_profile_max_shapes"] == "pictures:32x32x32x3"
    assert Path(options["trt_engine_cache_path"]).is_relative_to(cache_folder())


def test_what_devices_compile_is_kept_apart_for_each_model(tmp_path, monkeypatch):
    folders = []
    for doc in ("one", "another"):
        folder, model = write_pack(tmp_path / doc), image_model()
        model.doc_string = doc
        (folder / "image.onnx").write_bytes(model.SerializeToString())
        with pytest.MonkeyPatch.context() as patch:
            runtime = FakeRuntime(patch, CoreML=FakeDevice())
            Encoder(load_pack(list_files(folder)), "coreml").encode_images(PICTURES)
        folders.append(runtime.devices["CoreMLExecutionProvider"].seen[0]["ModelCacheDirectory"])
    assert folders[0] != folders[1] and all(Path(each).is_dir() for each in folders)


def test_an_older_runtime_that_knows_fewer_options_still_runs(pack, monkeypatch):
    core_ml = FakeDevice(options={"ModelFormat"})
    runtime = FakeRuntime(monkeypatch, CoreML=core_ml)
    runtime.tells_nodes = False
    encoder = Encoder(pack, "coreml")
    encoder.encode_images(PICTURES)
    assert encoder.device == "coreml" and core_ml.seen[-1] == {"ModelFormat": "MLProgram"}


def test_a_device_that_failed_is_tried_again_after_an_hour(pack, monkeypatch):
    cuda = FakeDevice(is_silent=True)
    runtime = FakeRuntime(monkeypatch, CUDA=cuda)

    def device() -> str:
        encoder = Encoder(pack, AUTO)
        encoder.encode_images(PICTURES)
        return encoder.device

    assert device() == CPU
    cuda.is_silent = False
    assert device() == CPU and len(cuda.seen) == 1
    runtime.clock_s += 3601
    assert device() == "cuda"


def test_a_driver_that_ends_the_program_is_passed_over_by_the_next_one(pack, monkeypatch):
    class Killed(BaseException):
        pass

    FakeRuntime(monkeypatch, CUDA=FakeDevice(ends=Killed))
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)  # an ended program cleans nothing up
    with pytest.raises(Killed):
        Encoder(pack, AUTO).encode_images(PICTURES)
    encoder = Encoder(pack, AUTO)
    encoder.encode_images(PICTURES)
    assert encoder.device == CPU


@pytest.mark.parametrize("is_patient", [True, False])
def test_a_trial_that_runs_is_not_taken_for_one_that_crashed(pack, monkeypatch, is_patient):
    """A second program waits for the first one's trial, and tries the device itself if that takes long."""
    has_begun, may_end = threading.Event(), threading.Event()

    def change(rows: np.ndarray) -> np.ndarray:
        if not has_begun.is_set():
            has_begun.set()
            assert may_end.wait(PATIENCE_S)
        return rows

    cuda = FakeDevice(change=change)
    runtime = FakeRuntime(monkeypatch, CUDA=cuda)
    runtime.on_wait = may_end.set
    if not is_patient:
        monkeypatch.setattr("tr_desktop.models.trial._PATIENCE_S", 0)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(Encoder(pack, AUTO).picture_trials().fastest_first)
        try:
            assert has_begun.wait(PATIENCE_S)
            second = Encoder(pack, AUTO).picture_trials().fastest_first()
            assert may_end.is_set() == is_patient
        finally:
            may_end.set()
        assert [name for name, _ in first.result()] == [name for name, _ in second] == ["cuda"]
    assert len(cuda.seen) == (1 if is_patient else 2)


def test_ctrl_c_during_a_trial_says_nothing_about_the_device(pack, monkeypatch):
    cuda = FakeDevice(ends=KeyboardInterrupt)
    FakeRuntime(monkeypatch, CUDA=cuda)
    with pytest.raises(KeyboardInterrupt):
        Encoder(pack, AUTO).encode_images(PICTURES)
    cuda.ends = None
    encoder = Encoder(pack, AUTO)
    encoder.encode_images(PICTURES)
    assert encoder.device == "cuda"


def test_a_model_that_cannot_run_is_not_blamed_on_the_device(tmp_path, monkeypatch):
    folder = write_pack(tmp_path / "odd")
    (folder / "image.onnx").write_bytes(text_model().SerializeToString())
    FakeRuntime(monkeypatch, CUDA=FakeDevice())
    with pytest.raises(PackError, match=r"image\.onnx"):
        check_pack(load_pack(list_files(folder)), "cuda")


@pytest.mark.parametrize("damage", ["", "[]", '{"why": 3, "odd": 1}'])
def test_damaged_results_of_trials_are_found_again(pack, monkeypatch, damage):
    FakeRuntime(monkeypatch, CUDA=FakeDevice())
    Encoder(pack, "cuda").encode_images(PICTURES)
    for path in (cache_folder() / "devices").rglob("*"):
        if path.is_file():
            path.write_text(damage)
    encoder = Encoder(pack, AUTO)
    encoder.encode_images(PICTURES)
    assert encoder.device == "cuda"


def test_without_a_cache_devices_still_work(pack, monkeypatch):
    cache_folder().parent.mkdir(parents=True, exist_ok=True)
    cache_folder().write_text("not a folder")
    FakeRuntime(monkeypatch, CoreML=FakeDevice())
    encoder = Encoder(pack, AUTO)
    encoder.encode_images(PICTURES)
    assert encoder.device == "coreml"


@pytest.mark.parametrize(
    ("device", "batch"),
    [
        (FakeDevice(run_s=0.3, row_s=0.01), 32),  # a run costs most: the largest
        (FakeDevice(run_s=1, row_s=0.01), 4),  # a larger batch might hold up a stop for too long
        (FakeDevice(run_s=0.1, row_s=0.02), 32),
        (FakeDevice(run_s=0.02, row_s=0.02), 16),  # 32 would be 3 % faster
        (FakeDevice(run_s=0.0, row_s=0.01), 4),
        (FakeDevice(run_s=0.3, row_s=0.01, most_rows=20), 16),  # memory ends
    ],
)
def test_the_batch_grows_while_that_is_faster(pack, monkeypatch, device, batch):
    expected = vectors_on_the_cpu(pack)
    FakeRuntime(monkeypatch, CUDA=device)
    for _ in range(2):
        encoder = Encoder(pack, "cuda")
        assert encoder.batch == batch
        np.testing.assert_allclose(encoder.encode_images(PICTURES), expected, atol=1e-6)
    assert max(device.runs[-3:]) == min(batch, len(PICTURES))


def test_the_cpu_keeps_its_batch(pack, monkeypatch):
    runtime = FakeRuntime(monkeypatch)
    runtime.cpu.run_s = 1
    assert Encoder(pack, AUTO).batch == 4


@pytest.mark.parametrize("wanted", ["cpu", "cuda"])
def test_pictures_are_encoded_in_smaller_batches_once_memory_ends(pack, monkeypatch, wanted):
    expected = vectors_on_the_cpu(pack)
    runtime = FakeRuntime(monkeypatch, CUDA=FakeDevice(run_s=0.3))
    encoder = Encoder(pack, wanted)
    encoder.encode_images(PICTURES)
    device = runtime.devices["CUDAExecutionProvider"] if wanted == "cuda" else runtime.cpu
    device.most_rows, encoder_batch = 10, encoder.batch  # another program takes the memory
    device.runs.clear()
    np.testing.assert_allclose(encoder.encode_images(PICTURES), expected, atol=1e-6)
    assert min(device.runs) >= 2 and encoder.batch <= max(10, encoder_batch)
    device.runs.clear()
    encoder.encode_images(PICTURES)
    assert max(device.runs) <= 10  # and no run fails again
    device.most_rows = 0
    with pytest.raises(UserError, match="Memory isn't enough"):
        encoder.encode_images(PICTURES)


def test_an_error_that_is_not_about_memory_is_raised_at_once(pack, monkeypatch):
    runtime = FakeRuntime(monkeypatch, CUDA=FakeDevice())
    encoder = Encoder(pack, "cuda")
    encoder.encode_images(PICTURES)
    cuda = runtime.devices["CUDAExecutionProvider"]
    cuda.ends = ValueError
    with pytest.raises(ValueError):
        encoder.encode_images(PICTURES)


def test_threads_take_turns_on_a_device(pack, monkeypatch):
    FakeRuntime(monkeypatch, Dml=FakeDevice(change=lambda rows: (threading.Event().wait(0.01), rows)[1]))
    encoder = Encoder(pack, "directml")
    encoder.encode_images(PICTURES)
    with ThreadPoolExecutor(4) as pool:  # the fake session fails if two runs overlap
        found = list(pool.map(lambda _: encoder.encode_images(PICTURES[:2]), range(8)))
    assert all(np.array_equal(found[0], each) for each in found)


def test_every_choice_is_offered_on_the_command_line(capsys):
    with pytest.raises(SystemExit):
        main(["find", "--help"])
    assert "{" + ",".join(CHOICES) + "}" in capsys.readouterr().out.replace("\n", "").replace(" ", "")


def test_json_of_find_shows_the_device_of_the_search(pack, tmp_path, monkeypatch, capsys):
    clip = write_clip(tmp_path / "clip.mp4", [("red", 30), ("blue", 30)])
    FakeRuntime(monkeypatch, CUDA=FakeDevice())
    common = ["--library", str(tmp_path / "library"), "--model", str(pack.location), "--json", "--no-refine"]
    monkeypatch.setattr("tr_desktop.engine.read_isolated", read_here)
    main(["find", "blue", str(clip), *common, "--device", "cuda"])
    assert json.loads(capsys.readouterr().out)["model"]["device"] == "cuda"


def doctor(capsys, pack, *arguments: str) -> list[str]:
    assert main(["doctor", "--model", str(pack.location), *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_doctor_shows_what_runs_where_and_how_fast(pack, monkeypatch, capsys):
    monkeypatch.setattr("tr_desktop.engine.read_isolated", read_here)
    monkeypatch.setattr("sys.platform", "linux")
    runtime = FakeRuntime(
        monkeypatch, Tensorrt=FakeDevice(), CUDA=FakeDevice(run_s=0.1), OpenVINO=FakeDevice(takes_nodes=False)
    )
    lines = doctor(capsys, pack)
    assert "  cpu: 10 pictures a second, 4 at once, and 10 queries a second" in lines
    assert "  cuda: 76 pictures a second, 32 at once, and 9 queries a second" in lines
    assert any(line.startswith("  tensorrt: not tried") and "doctor --device tensorrt" in line for line in lines)
    assert any(line.startswith("  openvino: The models can't run") for line in lines)
    assert "  --device auto takes cuda for pictures and the CPU for sentences" in lines
    assert any("half precision" in line and line.endswith("on: cuda") for line in lines)
    assert runtime.devices["TensorrtExecutionProvider"].seen == []
    assert any(line.startswith("  tensorrt: 100 pictures") for line in doctor(capsys, pack, "--device", "tensorrt"))
    runtime.devices.clear()
    lines = doctor(capsys, pack)
    assert "  --device auto takes cpu for pictures and the CPU for sentences" in lines
    assert any("Not offered" in line and "OpenVINO (onnxruntime-openvino)" in line for line in lines)
    assert not any("DirectML" in line or "half precision" in line for line in lines)


def test_doctor_tries_a_device_anew_but_not_one_that_ended_the_program(pack, monkeypatch, capsys):
    monkeypatch.setattr("tr_desktop.engine.read_isolated", read_here)
    cuda = FakeDevice(is_silent=True)
    FakeRuntime(monkeypatch, CUDA=cuda)
    Encoder(pack, AUTO).encode_images(PICTURES)
    cuda.is_silent = False  # a driver was installed
    assert "  --device auto takes cuda for pictures and the CPU for sentences" in doctor(capsys, pack)
    cuda.ends = KeyboardInterrupt
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            Encoder(pack, AUTO).picture_trials().run("cuda")
    seen = len(cuda.seen)
    assert any("it ended the program" in line for line in doctor(capsys, pack)) and len(cuda.seen) == seen
