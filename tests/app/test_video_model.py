"""A video language model in the window: its steps appear on the scrubber as it writes them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from tests.app.conftest import WAIT_MS
from tests.grounders.model_server import ModelServer, Request, serving
from tr_desktop.app.scrubber.step_row import StepRow
from tr_desktop.commands.main import main
from tr_desktop.moments import StepSource


def written(hands) -> list:
    moment = hands.stage.moment
    return [] if moment is None else [s for s in moment.refinement.steps if s.by is StepSource.MODEL]


def choose(hands, server: ModelServer) -> None:
    assert main(["models", "add", server.url, "--as", "big", "--preset", "time-r1"]) == 0
    hands.wait(lambda: hands.session.engine is not None)
    hands.session.video_model.choose_next()
    assert hands.session.settings.grounder == "big"


def test_each_step_is_shown_while_the_model_goes_on(run_app, sample, library):
    goes_on = threading.Event()

    def slowly(request: Request) -> Iterator[str]:
        """The moment is in the middle of what the model sees."""
        middle_s = float(request.times_s[-1] / 2)
        yield f"<think>A cat sits there: <timestep>{middle_s - 2:.1f} to {middle_s + 2:.1f}</timestep>."
        assert goes_on.wait(WAIT_MS / 1000)
        yield f"</think><answer>{middle_s - 1:.1f} to {middle_s + 1:.1f}</answer>"

    def script(hands):
        choose(hands, server)
        hands.press("Ctrl+F")
        hands.type("a cat")
        hands.press("Return")
        hands.wait(lambda: written(hands))
        assert not hands.session.searching.results.is_final
        (step,) = written(hands)
        assert step.said.startswith("A cat sits there: ")
        hands.wait(lambda: any(row.step == step.step for row in hands.stage.scrubber.findChildren(StepRow)))
        (row,) = (row for row in hands.stage.scrubber.findChildren(StepRow) if row.step == step.step)
        assert "video language model" in row.accessibleName() and step.said in row.toolTip()
        goes_on.set()
        hands.wait(lambda: hands.session.searching.results.is_final)
        hands.wait(lambda: len(written(hands)) >= 2)

    with serving(ModelServer(slowly)) as server:
        run_app(script, sample, library=library)


def test_a_new_search_lets_go_of_a_model_that_hangs(run_app, sample, library):
    def script(hands):
        choose(hands, server)
        hands.press("Ctrl+F")
        hands.type("a cat")
        hands.press("Return")
        hands.wait(lambda: server.requests)
        hands.session.video_model.choose_next()  # none
        hands.search("a rocket")
        assert not written(hands)

    with serving(ModelServer(lambda _: [])) as server:
        server.answer = server.hang
        run_app(script, sample, library=library)


def test_a_server_that_is_gone_is_said_and_the_search_goes_on(run_app, sample, library):
    def script(hands):
        with serving(ModelServer(lambda _: [])) as gone:
            choose(hands, gone)
        said: list[str] = []
        hands.session.notice.connect(said.append)
        hands.search("a cat")
        assert hands.stage.moment is not None and any("No model server answers" in sentence for sentence in said)

    run_app(script, sample, library=library)


def test_without_any_the_choice_says_what_to_do(run_app, sample, library):
    def script(hands):
        said: list[str] = []
        hands.session.notice.connect(said.append)
        hands.session.video_model.choose_next()
        assert said == ["No video language model was added yet. Add one: tr-desktop models add FOLDER"]

    run_app(script, sample, library=library)


def test_guesses_are_listed_while_the_model_looks_at_them(run_app, sample, library):
    goes_on = threading.Event()

    def slowly(request: Request) -> Iterator[str]:
        assert goes_on.wait(WAIT_MS / 1000)
        yield f"<answer>0.0 to {float(request.times_s[-1] / 2):.1f}</answer>"

    def script(hands):
        choose(hands, server)
        hands.press("Ctrl+F")
        hands.type("a submarine under the ice")
        hands.press("Return")
        hands.wait(lambda: server.requests)
        hands.wait(lambda: hands.stage.moment is not None)
        results = hands.session.searching.results
        assert not results.is_final and not results.has_confident
        panel = hands.window.results
        assert panel.list.moments.rowCount() and "looks at window 1 of" in panel.notice()
        assert panel.notice().endswith("These are guesses.")
        goes_on.set()
        hands.wait(lambda: hands.session.searching.results.is_final)
        assert "looks at window" not in panel.notice() and panel.notice().endswith("These are guesses.")

    with serving(ModelServer(slowly)) as server:
        run_app(script, sample, library=library)
