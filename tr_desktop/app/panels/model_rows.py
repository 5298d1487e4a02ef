"""One model in the list of models."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QPushButton, QToolButton

from tr_desktop.app.look import theme
from tr_desktop.app.look.icons import IconButton
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import breakable, words
from tr_desktop.app.panels import model_text
from tr_desktop.app.panels.named_row import NamedRow, named_button
from tr_desktop.app.work.changing import Preparation
from tr_desktop.app.work.packs import KnownPack
from tr_desktop.models.convert.catalogue import OpenModel


class PackRow(NamedRow):
    """A pack that this machine has. use, use_now, stay, measure, remove: what the user wants with it."""

    use = Signal()
    use_now = Signal()
    stay = Signal()
    measure = Signal()
    remove = Signal()

    def __init__(self, known: KnownPack) -> None:
        super().__init__(known.name)
        self.name.setMinimumHeight(theme.ROW)  # as high as with buttons
        self.facts, self.state = words("", "small"), words("", "dim")
        self.bar = QProgressBar(textVisible=False, maximum=1000)
        self.bar.setAccessibleName(tr("Indexing with {name}", name=known.name))
        for widget in (self.facts, self.state, self.bar):
            self.lines.addWidget(widget)
        self.measure_button = named_button(
            QToolButton(), tr("Measure"), tr("Measure the speed of {name}", name=known.name)
        )
        self.measure_button.setProperty("role", "text")
        self.use_button = named_button(QPushButton(), tr("Use"), tr("Use {name}", name=known.name))
        self.now_button = named_button(
            QPushButton(), tr("Use now"), tr("Use {name} for the footage that it has indexed so far", name=known.name)
        )
        self.stay_button = named_button(QPushButton(), tr("Cancel"), tr("Don’t change to {name}", name=known.name))
        self.remove_button = IconButton("close", tr("Remove {name}", name=known.name))
        for button, signal in (
            (self.measure_button, self.measure),
            (self.use_button, self.use),
            (self.now_button, self.use_now),
            (self.stay_button, self.stay),
            (self.remove_button, self.remove),
        ):
            button.clicked.connect(signal)
            self.buttons.addWidget(button)

    def show_pack(
        self,
        known: KnownPack,
        *,
        is_used: bool,
        speed: float,
        is_being_measured: bool,
        at: Preparation | None,
        is_wanted: bool,
    ) -> None:
        """is_used: whether searches use it. is_being_measured: whether its speed is. at: how far it has come, if it
        `is_wanted`."""
        pack = known.pack
        self.mark.show_icon("check", "accent" if is_used else "panel")
        self.facts.setText(model_text.facts(known, speed))
        self.facts.setVisible(pack is not None)
        if pack is None:
            said = known.problem
        elif is_used:
            said = tr("In use")
        elif is_wanted:
            said = model_text.preparation(at)
        else:
            said = model_text.cost(known, pack, speed)
        self.state.setText(breakable(said))
        role = "bad" if pack is None else "dim"
        if self.state.property("role") != role:
            self.state.setProperty("role", role)
            self.state.style().polish(self.state)
        progress = at.progress if at is not None and is_wanted else None
        self.bar.setVisible(progress is not None)
        if progress is not None:
            self.bar.setValue(round(1000 * progress.done_bytes / max(progress.total_bytes, 1)))
        self.measure_button.setVisible(pack is not None and not speed)
        self.measure_button.setEnabled(not is_being_measured)
        self.measure_button.setText(tr("Measuring…") if is_being_measured else tr("Measure"))
        self.use_button.setVisible(pack is not None and not is_used and not is_wanted)
        self.now_button.setVisible(is_wanted and at is not None)
        self.stay_button.setVisible(is_wanted)
        self.remove_button.setVisible(not (known.is_embedded or is_used or is_wanted))


class OpenModelRow(NamedRow):
    """A model that can be fetched. get: the user wants it."""

    get = Signal()

    def __init__(self, model: OpenModel) -> None:
        super().__init__(model.name)
        self.model = model
        self.facts = words(model_text.open_model(model), "small")
        self.lines.addWidget(words(tr("For {purpose}", purpose=model.good_for), "dim"))
        self.lines.addWidget(self.facts)
        self.get_button = named_button(QPushButton(), tr("Get…"), tr("Get {name}…", name=model.name))
        self.get_button.clicked.connect(self.get)
        self.buttons.addWidget(self.get_button)

    def show_model(self, *, is_here: bool, may_get: bool) -> None:
        self.mark.show_icon("check", "good" if is_here else "panel")
        self.get_button.setText(tr("Added") if is_here else tr("Get…"))
        self.get_button.setEnabled(may_get and not is_here)
