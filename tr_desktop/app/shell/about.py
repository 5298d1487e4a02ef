"""*Help*: what runs here, and under which licences."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from tr_desktop import licences
from tr_desktop.app.look import theme
from tr_desktop.app.look.translate import tr
from tr_desktop.app.look.widgets import title, words
from tr_desktop.errors import UserError
from tr_desktop.models.pack import Pack
from tr_desktop.version import this_version


def show_about(parent: QWidget, pack: Pack | None) -> None:
    """Say which version and which model pack run. pack: None while it isn't open."""
    version = this_version()
    lines = [tr("Version {version}", version=version.number)]
    if version.commit:
        lines.append(tr("Commit {commit} of {date}", commit=version.commit, date=version.date))
    lines.append(tr("No model pack is open") if pack is None else tr("Model pack {pack}", pack=_named(pack)))
    text = words("\n".join(lines))
    text.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    _dialog(parent, tr("About TimeRefine"), title(tr("TimeRefine Desktop")), text).open()


def show_licences(parent: QWidget) -> None:
    """Show the licences of the program and of all that it comes with."""
    text = QPlainTextEdit(readOnly=True)
    text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    text.setAccessibleName(tr("Licences"))
    try:
        text.setPlainText(licences.text())
    except UserError as error:
        text.setPlainText(str(error))
    dialog = _dialog(parent, tr("Licences"), text)
    dialog.resize(760, 620)
    dialog.open()


def _named(pack: Pack) -> str:
    return f"{pack.name} {pack.sha256[:12]}"


def _dialog(parent: QWidget, name: str, *widgets: QWidget) -> QDialog:
    dialog = QDialog(parent)
    dialog.setWindowTitle(name)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    rows = QVBoxLayout(dialog)
    rows.setContentsMargins(24, 20, 24, 20)
    rows.setSpacing(theme.SPACE)
    for widget in widgets:
        rows.addWidget(widget)
    rows.addWidget(buttons)
    return dialog
