"""Background work: success, failure, progress, cancelling and shutting down."""

import os
import sys
import threading

import pytest

from tr_desktop.app.work.jobs import Jobs, Lane
from tr_desktop.errors import UserError


@pytest.fixture
def jobs(no_leaks, qtbot):
    made = Jobs()
    yield made
    assert made.shut_down(5)


def test_callbacks_run_in_the_qt_thread(jobs, qtbot):
    heard = []

    def hear(name):
        return lambda *values: heard.append((name, threading.current_thread() is threading.main_thread(), *values))

    def work(job):
        job.report(1)
        return threading.current_thread() is threading.main_thread()

    jobs.run(work, hear("done"), on_progress=hear("progress"), on_end=hear("end"))
    qtbot.waitUntil(lambda: bool(heard) and heard[-1][0] == "end")
    assert heard == [("progress", True, 1), ("done", True, False), ("end", True)]


def test_a_user_error_is_delivered_and_a_bug_is_raised(jobs, qtbot):
    def failing(_):
        raise UserError("no such file")

    with qtbot.waitSignal(jobs.failed) as reported:
        jobs.run(failing)
    assert str(reported.args[0]) == "no such file"

    mine = []
    jobs.run(failing, on_failure=mine.append)
    qtbot.waitUntil(lambda: bool(mine))

    def bug(_):
        raise ZeroDivisionError("a bug")

    with qtbot.captureExceptions() as raised:
        ended = []
        jobs.run(bug, on_end=lambda: ended.append(1))
        qtbot.waitUntil(lambda: bool(ended))
    assert [kind for kind, *_ in raised] == [ZeroDivisionError]


def test_whatever_ends_a_job_its_end_is_delivered(jobs, qtbot):
    class Panic(BaseException):
        """What native code raises that nobody is meant to catch."""

    def panic(_):
        raise Panic("no way on")

    ended = []
    with qtbot.captureExceptions() as raised:
        jobs.run(panic, on_end=lambda: ended.append(1))
        qtbot.waitUntil(lambda: bool(ended))
    assert [str(error) for _, error, _ in raised] == ["Panic: no way on"]


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
@pytest.mark.parametrize("lane", [None, *Lane])
def test_jobs_run_if_their_priority_cannot_be_set(no_leaks, qtbot, monkeypatch, lane):
    def refuse(*_):
        raise PermissionError("not permitted")

    monkeypatch.setattr(os, "setpriority", refuse)
    jobs, done = Jobs(), []
    jobs.run(lambda _: 1, done.append, lane=lane)
    qtbot.waitUntil(lambda: done == [1])
    assert jobs.shut_down(5)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
def test_a_job_never_gets_a_higher_priority_than_its_program(no_leaks, qtbot, monkeypatch):
    monkeypatch.setattr(os, "getpriority", lambda *_: 19)
    given, done = [], []
    monkeypatch.setattr(os, "setpriority", lambda _, __, nice: given.append(nice))
    jobs = Jobs()
    jobs.run(lambda _: 1, done.append, lane=Lane.LIBRARY)
    qtbot.waitUntil(lambda: done == [1])
    assert given == [19] and jobs.shut_down(5)


def test_a_cancelled_job_delivers_only_its_end(jobs, qtbot):
    heard, may_go_on = [], threading.Event()

    def work(job):
        may_go_on.wait(5)
        job.report("late")

    job = jobs.run(
        work, heard.append, on_progress=heard.append, on_failure=heard.append, on_end=lambda: heard.append("end")
    )
    job.cancel()
    may_go_on.set()
    qtbot.waitUntil(lambda: bool(heard))
    assert heard == ["end"] and job.is_over


def test_jobs_in_a_lane_run_one_after_the_other(jobs, qtbot):
    at_work, most, done = [], [], []

    def work(_):
        at_work.append(1)
        most.append(len(at_work))
        threading.Event().wait(0.02)
        at_work.pop()

    for _ in range(5):
        jobs.run(work, on_end=lambda: done.append(1), lane=Lane.LIBRARY)
    qtbot.waitUntil(lambda: len(done) == 5)
    assert max(most) == 1


def test_only_the_latest_progress_is_delivered(jobs, qtbot):
    heard, ended = [], []

    def work(job):
        for number in range(10_000):
            job.report(number)

    jobs.run(work, on_progress=heard.append, on_end=lambda: ended.append(1))
    threading.Event().wait(0.5)  # the window is busy meanwhile
    qtbot.waitUntil(lambda: bool(ended))
    assert heard[-1] == 9_999 and len(heard) < 100


def test_shutting_down_does_not_wait_for_jobs_that_have_not_begun(no_leaks, qtbot):
    jobs, may_end, begun = Jobs(), threading.Event(), threading.Event()

    def work(_):
        begun.set()
        may_end.wait(5)

    jobs.run(work, lane=Lane.LIBRARY)
    jobs.run(lambda _: None, lane=Lane.LIBRARY)
    assert begun.wait(5)
    threading.Timer(0.1, may_end.set).start()
    assert jobs.shut_down(5)


def test_nothing_is_delivered_after_shutting_down(no_leaks, qtbot):
    jobs, heard = Jobs(), []
    jobs.run(lambda _: 1, heard.append)
    assert jobs.shut_down(5)
    qtbot.wait(50)
    assert heard == []
