"""Plugins and scripts that search while the app is open: switched on and off, and selects that can be undone."""

import json
import re
import socket
import threading
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton

from tests.app.conftest import WAIT_MS
from tr_desktop import paths
from tr_desktop.serving.server import Server


class Client:
    """A script of the same user."""

    def __init__(self, folder) -> None:
        known = json.loads((folder / "serve.json").read_text())
        self._address, self._token = f"http://127.0.0.1:{known['port']}", known["token"]

    def ask(self, method, path, body=None):
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        with urlopen(Request(self._address + path, content, headers, method=method), timeout=WAIT_MS / 1000) as answer:
            return json.load(answer)

    def moments(self, query):
        search = self.ask("POST", "/v1/searches", {"query": query})["id"]
        events, is_done = [], False
        while not is_done:
            more = self.ask("GET", f"/v1/searches/{search}/events?after={len(events)}&wait=20")
            events += more["events"]
            is_done = more["done"]
        return events[-1]["answer"]["moments"]


def in_thread(hands, call):
    """What `call` returns in a thread of its own, while the window goes on."""
    results = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    hands.wait(lambda: not thread.is_alive())
    return results[0]


@pytest.fixture(autouse=True)
def free_ports(monkeypatch):
    """Another test, or the user, may use those that plugins know."""
    monkeypatch.setattr(Server.start, "__defaults__", ((0,),))


def switched_on(hands):
    hands.session.serving.switch(True)
    hands.wait(lambda: hands.session.serving.port)
    return Client(hands.session.settings.folder)


def test_a_plugin_finds_and_accepts_a_moment_and_the_editor_undoes_it(run_app, sample, library):
    def script(hands):
        project = hands.session.editing.project
        hands.wait(lambda: hands.session.indexing.status.coverage.searched)
        client = switched_on(hands)
        first, *_ = in_thread(hands, lambda: client.moments("a cat"))
        assert not project.selects
        added = in_thread(hands, lambda: client.ask("POST", "/v1/selects", {"moment": first["id"], "step": 0}))
        rough = first["steps"][0]
        (select,) = project.selects
        assert select.segment.start_frame == rough["start_frame"] == added["start_frame"]
        assert select.segment.end_frame == rough["end_frame"]
        kept = first["steps"][select.kept_step]  # perhaps a later one with the same edges
        assert (kept["start_frame"], kept["end_frame"]) == (rough["start_frame"], rough["end_frame"])
        assert project.depth == 1 and project.undoes == "Accept"
        in_window = in_thread(hands, lambda: client.ask("GET", "/v1/selects"))["selects"]
        assert [each["id"] for each in in_window] == [first["id"]]
        sent = in_thread(hands, lambda: client.ask("POST", "/v1/exports", {"selects": True}))
        assert str(paths.outbox_folder() / "latest.json") in sent["files"]
        hands.window.findChild(QAction, "edit.undo").trigger()
        assert not project.selects
        ends = {"moment": first["id"], "start_frame": 3, "end_frame": 9}
        in_thread(hands, lambda: client.ask("POST", "/v1/selects", ends))
        assert [(each.segment.start_frame, each.segment.end_frame) for each in project.selects] == [(3, 9)]

    assert run_app(script, sample, library=library) == 0


def test_nothing_listens_until_it_is_switched_on_and_nothing_afterwards(run_app, sample, library, monkeypatch):
    bound = []
    bind = socket.socket.bind
    monkeypatch.setattr(socket.socket, "bind", lambda self, address: bound.append(address) or bind(self, address))

    def script(hands):
        folder = hands.session.settings.folder
        hands.search("a cat")
        assert not bound and not hands.session.serving.port and not (folder / "serve.json").exists()
        switched_on(hands)
        port = hands.session.serving.port
        assert [host for host, _ in bound] == ["127.0.0.1"]
        hands.session.serving.switch(False)
        hands.wait(lambda: not hands.session.serving.port)
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.1", port))
        assert not (folder / "serve.json").exists()

    assert run_app(script, sample, library=library) == 0


def test_the_app_listens_again_when_it_was_left_switched_on(run_app, sample, library):
    def first(hands):
        hands.wait(lambda: hands.session.engine)
        switched_on(hands)

    def second(hands):
        hands.wait(lambda: hands.session.serving.port)

    assert run_app(first, sample, library=library) == 0
    assert run_app(second, sample, library=library) == 0


def test_ports_that_are_taken_are_told_and_it_stays_off(run_app, sample, library, monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setattr(Server.start, "__defaults__", ((other.getsockname()[1],),))

        def script(hands):
            hands.wait(lambda: hands.session.engine)
            hands.session.serving.switch(True)
            hands.wait(lambda: "No port is free" in hands.window.notice.text())
            assert not hands.session.serving.is_wanted

        assert run_app(script, sample, library=library) == 0


def open_access(hands):
    hands.window.findChild(QAction, "editors").trigger()
    hands.wait(lambda: hands.window.editors.isActiveWindow())
    return hands.window.editors.access


def pair(port, code, name):
    body = json.dumps({"code": code, "name": name}).encode()
    asked = Request(f"http://127.0.0.1:{port}/v1/pairings", body, {"Content-Type": "application/json"})
    with urlopen(asked, timeout=WAIT_MS / 1000) as answer:
        return json.load(answer)["token"]


def coverage(port, token):
    """The status of a request with this token."""
    asked = Request(f"http://127.0.0.1:{port}/v1/coverage", headers={"Authorization": f"Bearer {token}"})
    try:
        with urlopen(asked, timeout=WAIT_MS / 1000) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


def test_a_plugin_is_paired_by_the_code_on_screen_and_removed_again(run_app, sample, library):
    def script(hands):
        hands.wait(lambda: hands.session.engine)
        access = open_access(hands)
        assert not access.switch.isChecked() and "nothing listens" in access.state.text()
        assert not access.code_button.isEnabled()
        access.switch.click()
        hands.wait(access.code_button.isEnabled)
        port = hands.session.serving.port
        assert f"127.0.0.1:{port}" in access.state.text() and hands.session.settings.serves
        access.code_button.click()
        code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", access.code.text()).group()
        token = in_thread(hands, lambda: pair(port, code, "Premiere"))
        hands.wait(lambda: access.code.text() == "Premiere is paired.")
        assert in_thread(hands, lambda: coverage(port, token)) == 200
        (remove,) = access.plugins["Premiere"].findChildren(QPushButton)
        remove.click()
        assert not access.plugins
        assert in_thread(hands, lambda: coverage(port, token)) == 401
        access.code_button.click()
        code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", access.code.text()).group()
        hands.window.editors.close()  # nobody reads the code any more
        assert in_thread(hands, lambda: refused(port, code)) == 403
        access = open_access(hands)
        access.switch.click()
        hands.wait(lambda: "nothing listens" in access.state.text())

    assert run_app(script, sample, library=library) == 0


def refused(port, code):
    """The status with which a code is refused; 201 if it counts."""
    try:
        pair(port, code, "Late")
    except HTTPError as error:
        return error.code
    return 201
