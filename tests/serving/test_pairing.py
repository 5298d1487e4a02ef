"""Who may ask: codes, plugins that were paired, and the two files that say so."""

import json
import os
import re
import stat
import threading

import pytest

from tests.serving.asking import Client
from tr_desktop.serving.pairing import NotKeptError, Pairing, PairingError

needs_modes = pytest.mark.skipif(os.name != "posix", reason="files have no mode there")


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pairing(tmp_path, clock):
    return Pairing(tmp_path / "settings", clock)


def paired_file(tmp_path):
    return tmp_path / "settings" / "paired.json"


# Codes


def test_a_code_is_easy_to_read_and_pairs_once(pairing):
    code = pairing.new_code()
    assert re.fullmatch("[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}", code)
    plugin, token = pairing.pair(code, "Premiere")
    assert plugin.name == "Premiere" and pairing.knows(token) and len(token) >= 43
    with pytest.raises(PairingError, match="wrong or too old"):
        pairing.pair(code, "Premiere")
    assert [each.name for each in pairing.paired()] == ["Premiere"]


@pytest.mark.parametrize("change", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code.lower()} "])
def test_the_case_and_the_hyphen_of_a_code_do_not_matter(pairing, change):
    assert pairing.knows(pairing.pair(change(pairing.new_code()), "a")[1])


def test_codes_differ_and_the_newest_alone_counts(pairing):
    codes = [pairing.new_code() for _ in range(20)]
    assert len(set(codes)) == 20
    with pytest.raises(PairingError):
        pairing.pair(codes[-2], "a")
    pairing.pair(codes[-1], "a")


def test_after_five_wrong_tries_the_right_code_is_void(pairing):
    code = pairing.new_code()
    for wrong in ("", "AAAA-AAAA", code[:-1], code + "A", "ß" * 8):
        with pytest.raises(PairingError):
            pairing.pair(wrong, "a")
    with pytest.raises(PairingError, match="wrong or too old"):
        pairing.pair(code, "a")
    assert pairing.paired() == []


def test_after_four_wrong_tries_it_counts(pairing):
    code = pairing.new_code()
    for _ in range(4):
        with pytest.raises(PairingError):
            pairing.pair("AAAA-AAAA", "a")
    pairing.pair(code, "a")


def test_a_code_counts_for_ten_minutes(pairing, clock):
    code = pairing.new_code()
    clock.now_s += 599
    pairing.pair(code, "a")
    code = pairing.new_code()
    clock.now_s += 600
    with pytest.raises(PairingError):
        pairing.pair(code, "b")


def test_without_a_code_nothing_pairs(pairing):
    for code in ("", "-", " "):
        with pytest.raises(PairingError):
            pairing.pair(code, "a")
    code = pairing.new_code()
    pairing.end_code()
    with pytest.raises(PairingError):
        pairing.pair(code, "a")


def test_many_guesses_at_once_are_five(pairing):
    code = pairing.new_code()
    refused = []

    def guess() -> None:
        try:
            pairing.pair("AAAA-AAAA", "a")
        except PairingError:
            refused.append(1)

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 20
    with pytest.raises(PairingError):
        pairing.pair(code, "a")


# Names


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Premiere", "Premiere"),
        ("  My\n\tplugin \r\n", "My plugin"),
        ("a\x00b\x1b[31mc", "a\\x00b\\x1b[31mc"),
        ("\u202eabc", "\\u202eabc"),
        ("x" * 10_000, "x" * 60),
        ("ü 編集", "ü 編集"),
    ],
)
def test_a_hostile_name_becomes_one_short_line(pairing, given, kept):
    assert pairing.pair(pairing.new_code(), given)[0].name == kept
    assert [each.name for each in pairing.paired()] == [kept]


@pytest.mark.parametrize("name", ["", "   ", "\n"])
def test_a_plugin_has_a_name(pairing, name):
    code = pairing.new_code()
    with pytest.raises(PairingError, match="no name"):
        pairing.pair(code, name)
    pairing.pair(code, "a")  # the code still counts


def test_plugins_of_one_name_are_told_apart(pairing):
    assert [pairing.pair(pairing.new_code(), "a")[0].name for _ in range(3)] == ["a", "a 2", "a 3"]


# Tokens and files


def test_a_revoked_token_does_not_count_from_then_on(pairing, tmp_path):
    _, first = pairing.pair(pairing.new_code(), "a")
    _, second = pairing.pair(pairing.new_code(), "b")
    assert Pairing(tmp_path / "settings").forget("a")  # another process: at once
    assert not pairing.knows(first) and pairing.knows(second)
    assert not pairing.forget("a") and not pairing.forget("nobody")


@pytest.mark.parametrize("token", ["", "x", "ü" * 43, "\udcff", "a" * 100_000])
def test_what_is_no_token_is_not_known(pairing, token):
    pairing.pair(pairing.new_code(), "a")
    assert not pairing.knows(token)


def test_only_hashes_are_kept(pairing, tmp_path):
    code = pairing.new_code()
    _, token = pairing.pair(code, "a")
    text = paired_file(tmp_path).read_text()
    assert token not in text and code not in text and code.replace("-", "") not in text
    (entry,) = json.loads(text)["plugins"]
    assert entry.keys() == {"name", "token_sha256", "since"} and re.fullmatch("[0-9a-f]{64}", entry["token_sha256"])
    assert not pairing.knows(entry["token_sha256"])


@needs_modes
def test_both_files_are_closed_to_other_users(pairing, tmp_path):
    previous = os.umask(0)
    try:
        pairing.pair(pairing.new_code(), "a")
        announced = pairing.announce(47615)
        files = [paired_file(tmp_path), announced]
        assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
        for file in files:
            file.chmod(0o644)
        pairing.pair(pairing.new_code(), "b")
        pairing.announce(47615)
        assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    finally:
        os.umask(previous)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b"null",
        b'{"plugins": 5}',
        b'{"plugins": {"a": 1}}',
        b'{"plugins": ["a"]}',
        b'{"plugins": [{}]}',
        b'{"plugins": [{"name": "a"}]}',
        b'{"plugins": [{"name": null, "token_sha256": null}]}',
        b'{"plugins": [{"name": "a", "token_sha256": "\\ud800"}]}',
        b'{"plugins": [{"name": "a", "token_sha256": ""}]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_lets_nobody_in_and_is_not_replaced(pairing, tmp_path, content):
    _, old = pairing.pair(pairing.new_code(), "old")
    paired_file(tmp_path).write_bytes(content)
    assert not pairing.knows(old) and not pairing.knows("") and not pairing.knows("None")
    try:
        pairing.pair(pairing.new_code(), "new")
    except NotKeptError as error:
        assert "Delete it" in str(error) and paired_file(tmp_path).read_bytes() == content
        paired_file(tmp_path).unlink()
    assert pairing.knows(pairing.pair(pairing.new_code(), "newer")[1])


def test_a_server_takes_back_only_what_it_announced(tmp_path):
    first, second = Pairing(tmp_path), Pairing(tmp_path)
    path = first.announce(47615)
    document = json.loads(path.read_text())
    assert document.keys() == {"port", "token"} and first.knows(document["token"])
    assert not second.knows(document["token"])
    second.announce(47616)
    first.withdraw()
    assert json.loads(path.read_text())["port"] == 47616
    second.withdraw()
    assert not path.exists()
    second.withdraw()
    path.write_text("{")
    second.withdraw()


def test_a_hundred_plugins_are_enough(pairing, tmp_path):
    pairing.pair(pairing.new_code(), "plugin 0")
    (entry,) = json.loads(paired_file(tmp_path).read_text())["plugins"]
    plugins = [entry | {"name": f"plugin {number}"} for number in range(100)]
    paired_file(tmp_path).write_text(json.dumps({"plugins": plugins}))
    code = pairing.new_code()
    with pytest.raises(PairingError, match="100 plugins"):
        pairing.pair(code, "one more")
    assert pairing.forget("plugin 7")
    pairing.pair(code, "one more")  # the code still counts


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a folder that can't be written")
def test_a_plugin_that_can_not_be_remembered_is_not_paired(pairing, tmp_path):
    (tmp_path / "settings").mkdir(mode=0o500)
    with pytest.raises(OSError):
        pairing.pair(pairing.new_code(), "a")


# Through the API


@pytest.fixture
def stranger(place, tmp_path, monkeypatch):
    """(pairing, client without a token): a server of the test's own."""
    from tr_desktop.serving.server import Server

    pairing = Pairing(tmp_path / "settings")
    server = Server(place.desk, pairing)
    yield pairing, Client(server.start([0]))
    server.stop()


def test_a_plugin_pairs_asks_and_is_revoked(stranger):
    pairing, client = stranger
    given = client.post("/v1/pairings", {"code": pairing.new_code().lower(), "name": "Premiere"})
    assert given.status == 201 and given.json.keys() == {"name", "token"} and given.json["name"] == "Premiere"
    plugin = Client(client.port, given.json["token"])
    assert plugin.get("/v1/coverage").status == 200
    pairing.forget("Premiere")
    assert plugin.get("/v1/coverage").status == 401


def test_a_program_of_the_same_user_reads_the_token(stranger, tmp_path):
    _, client = stranger
    said = json.loads((tmp_path / "settings" / "serve.json").read_text())
    assert said["port"] == client.port
    assert Client(client.port, said["token"]).get("/v1/coverage").status == 200


def test_wrong_codes_are_refused_and_void_the_right_one(stranger):
    pairing, client = stranger
    code = pairing.new_code()
    for _ in range(5):
        given = client.post("/v1/pairings", {"code": "AAAA-AAAA", "name": "a"})
        assert (
            given.status == 403 and given.error.startswith("The code is wrong or too old") and code not in given.error
        )
    assert client.post("/v1/pairings", {"code": code, "name": "a"}).status == 403
    assert pairing.paired() == []


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "code is missing"),
        ({"code": "a"}, "name is missing"),
        ({"code": 12345678, "name": "a"}, "code should be a valid string"),
        ({"code": "a" * 201, "name": "a"}, "code should have at most 200 characters"),
        ({"code": "a", "name": "x" * 10_000}, "name should have at most 200 characters"),
        ({"code": "a", "name": "a", "token": "mine"}, "token isn't known here"),
        ({"code": ["a"], "name": "a"}, "code should be a valid string"),
    ],
)
def test_a_pairing_that_is_not_as_it_should_be_costs_no_try(stranger, body, complaint):
    pairing, client = stranger
    code = pairing.new_code()
    for _ in range(6):
        given = client.post("/v1/pairings", body)
        assert given.status == 400 and given.error == complaint
    assert client.post("/v1/pairings", {"code": code, "name": "a"}).status == 201


def test_a_disk_that_is_full_is_told_and_the_code_counts_later(stranger, monkeypatch):
    pairing, client = stranger
    code = pairing.new_code()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/home/somebody/secret")

    with monkeypatch.context() as patch:
        patch.setattr(pairing, "_keep", full)
        given = client.post("/v1/pairings", {"code": code, "name": "a"})
    assert given.status == 500 and "No space left on device" in given.error and "secret" not in given.error
    assert client.post("/v1/pairings", {"code": code, "name": "a"}).status == 201


def test_the_code_ends_with_the_server(place, tmp_path):
    from tr_desktop.serving.server import Server

    pairing = Pairing(tmp_path)
    server = Server(place.desk, pairing)
    server.start([0])
    code = pairing.new_code()
    server.stop()
    with pytest.raises(PairingError):
        pairing.pair(code, "a")
    assert not (tmp_path / "serve.json").exists()
