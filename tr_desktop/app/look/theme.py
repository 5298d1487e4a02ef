"""Colours, sizes and the style sheet: dark by default, light, or as the system is set.

Painters read `colours()` each time they paint, so a change of theme needs only a repaint. In both themes text has a
contrast of 4.5 : 1 or more on every ground that it is drawn on; the tests compute it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

SPACE = 8  # the grid, in device-independent pixels: everything is a half, one, one and a half or two of it
RADIUS = 6
ROW = 28  # buttons, fields
# The first that is installed; each is made for small sizes on screens.
FONTS = ["Inter", "SF Pro Text", "Segoe UI Variable Text", "Segoe UI", "Noto Sans", "DejaVu Sans"]
FONT_PX = 13
SMALL_PX = 11


class Theme(Enum):
    DARK = "dark"
    LIGHT = "light"
    SYSTEM = "system"


@dataclass(frozen=True)
class Colours:
    """One theme. Grounds from back to front: well, window, panel, raised, hover; `text` and `dim` are read on all."""

    picture: str  # behind pictures
    well: str  # in fields
    window: str
    panel: str
    raised: str
    hover: str
    line: str
    text: str
    dim: str
    accent: str
    on_accent: str
    accent_ground: str  # behind what is selected
    good: str
    warn: str
    bad: str
    rough: str  # the first refinement step; later ones go from here to the accent


DARK = Colours(
    picture="#0a0b0c",
    well="#0d0e10",
    window="#141518",
    panel="#191b1f",
    raised="#22252a",
    hover="#2a2d34",
    line="#2c2f36",
    text="#e7e8eb",
    dim="#9fa5b0",
    accent="#6ea8ff",
    on_accent="#0b1526",
    accent_ground="#1f2d47",
    good="#63c99a",
    warn="#e5b567",
    bad="#f08a85",
    rough="#8b93a3",
)
LIGHT = Colours(
    picture="#c9cdd4",
    well="#ffffff",
    window="#eceef1",
    panel="#f6f7f9",
    raised="#ffffff",
    hover="#e3e6eb",
    line="#cfd4dc",
    text="#17191d",
    dim="#535a66",
    accent="#1a5fd0",
    on_accent="#ffffff",
    accent_ground="#d9e6fb",
    good="#12693f",
    warn="#7d5200",
    bad="#b3261e",
    rough="#5a6270",
)

_current = DARK


def colours() -> Colours:
    """The colours of the current theme."""
    return _current


def step_colour(step: int) -> QColor:
    """A step's colour: from grey for the rough answer to the accent for the third step and later."""
    share = min(step / 3, 1.0)
    mixed = [round(a + (b - a) * share) for a, b in zip(_rgb(_current.rough), _rgb(_current.accent), strict=True)]
    return QColor(*mixed)


def contrast_ratio(a: str, b: str) -> float:
    """The WCAG 2 contrast ratio of two colours, in [1, 21]."""
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


def use(app: QApplication, theme: Theme) -> None:
    """Apply `theme` to the whole application and repaint every widget."""
    global _current
    is_light = theme is Theme.LIGHT or (
        theme is Theme.SYSTEM and QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light
    )
    _current = LIGHT if is_light else DARK
    app.setStyle("Fusion")
    app.setPalette(_palette(_current))
    app.setFont(font())
    app.setStyleSheet(_style_sheet(_current))


def font(size_px: int = FONT_PX, *, is_bold: bool = False) -> QFont:
    chosen = QFont()
    chosen.setFamilies(FONTS)
    chosen.setPixelSize(size_px)
    chosen.setWeight(QFont.Weight.DemiBold if is_bold else QFont.Weight.Normal)
    return chosen


def figures_font(size_px: int = FONT_PX) -> QFont:
    """A font for timecode, with figures of one width: running numbers don't jitter."""
    chosen = font(size_px)
    chosen.setFeature(QFont.Tag("tnum"), 1)
    return chosen


def _luminance(name: str) -> float:
    linear = [float(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4) for c in map(_share, _rgb(name))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rgb(name: str) -> tuple[int, int, int]:
    colour = QColor(name)
    return colour.red(), colour.green(), colour.blue()


def _share(channel: int) -> float:
    return channel / 255


def _palette(c: Colours) -> QPalette:
    roles = {
        QPalette.ColorRole.Window: c.window,
        QPalette.ColorRole.WindowText: c.text,
        QPalette.ColorRole.Base: c.well,
        QPalette.ColorRole.AlternateBase: c.panel,
        QPalette.ColorRole.Text: c.text,
        QPalette.ColorRole.PlaceholderText: c.dim,
        QPalette.ColorRole.Button: c.raised,
        QPalette.ColorRole.ButtonText: c.text,
        QPalette.ColorRole.BrightText: c.bad,
        QPalette.ColorRole.ToolTipBase: c.raised,
        QPalette.ColorRole.ToolTipText: c.text,
        QPalette.ColorRole.Highlight: c.accent_ground,
        QPalette.ColorRole.HighlightedText: c.text,
        QPalette.ColorRole.Link: c.accent,
        QPalette.ColorRole.Light: c.hover,
        QPalette.ColorRole.Mid: c.line,
        QPalette.ColorRole.Dark: c.line,
        QPalette.ColorRole.Shadow: c.well,
        QPalette.ColorRole.Accent: c.accent,
    }
    palette = QPalette()
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
        if role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(c.rough))
    return palette


def _style_sheet(c: Colours) -> str:
    return f"""
* {{ outline: none; }}
QToolTip {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.line}; padding: 4px 6px; }}
QMainWindow, QDialog {{ background: {c.window}; }}
QMainWindow::separator {{ background: {c.well}; width: 1px; height: 1px; }}
QSplitter::handle {{ background: {c.well}; }}
QSplitter::handle:hover {{ background: {c.accent}; }}
QMenuBar {{ background: {c.window}; border-bottom: 1px solid {c.well}; padding: 2px 4px; }}
QMenuBar::item {{ padding: 3px 8px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected {{ background: {c.hover}; }}
QMenu {{ background: {c.raised}; border: 1px solid {c.line}; padding: 4px; }}
QMenu::item {{ padding: 5px 28px 5px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {c.accent_ground}; }}
QMenu::item:disabled {{ color: {c.rough}; }}
QMenu::separator {{ height: 1px; background: {c.line}; margin: 4px 8px; }}
#panel {{ background: {c.panel}; }}
#well {{ background: {c.well}; }}
#bar {{ background: {c.window}; }}
#notice {{ background: {c.raised}; border: 1px solid {c.line}; border-radius: {RADIUS}px; }}
QLabel[role="title"] {{ font-weight: 600; font-size: {SMALL_PX}px; color: {c.dim}; }}
QLabel[role="heading"] {{ font-weight: 600; font-size: 20px; }}
QLabel[role="dim"] {{ color: {c.dim}; }}
QLabel[role="small"] {{ color: {c.dim}; font-size: {SMALL_PX}px; }}
QLabel[role="warn"] {{ color: {c.warn}; }}
QLabel[role="bad"] {{ color: {c.bad}; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QDateEdit, QPlainTextEdit {{
  background: {c.well}; border: 1px solid {c.line}; border-radius: {RADIUS}px; padding: 4px 8px; min-height: 18px;
  selection-background-color: {c.accent}; selection-color: {c.on_accent};
}}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QDateEdit:focus, QPlainTextEdit:focus {{
  border-color: {c.accent};
}}
QAbstractSpinBox {{ padding: 2px 0; }}
QAbstractSpinBox QLineEdit {{ border: none; padding: 0; min-height: 0; background: transparent; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: none; }}
QLineEdit[role="search"] {{ font-size: 15px; padding: 7px 12px; border-radius: 8px; }}
QComboBox::drop-down {{ border: none; width: 20px; }}
QComboBox QAbstractItemView {{ background: {c.raised}; border: 1px solid {c.line};
  selection-background-color: {c.accent_ground}; }}
QPushButton {{ background: {c.raised}; border: 1px solid {c.line}; border-radius: {RADIUS}px; padding: 5px 12px; }}
QPushButton:hover {{ background: {c.hover}; }}
QPushButton:focus {{ border-color: {c.accent}; }}
QPushButton:disabled {{ color: {c.rough}; background: {c.panel}; }}
QPushButton[role="main"] {{ background: {c.accent}; border-color: {c.accent}; color: {c.on_accent}; font-weight: 600; }}
QPushButton[role="main"]:hover {{ border-color: {c.text}; }}
QPushButton[role="main"]:disabled {{ background: {c.raised}; border-color: {c.line}; color: {c.rough}; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: {RADIUS}px; padding: 4px; }}
QToolButton:hover {{ background: {c.hover}; }}
QToolButton:checked {{ background: {c.accent_ground}; color: {c.text}; }}
QToolButton:focus {{ border-color: {c.accent}; }}
QToolButton[role="text"] {{ padding: 4px 8px; color: {c.dim}; }}
QToolButton[role="text"]:hover {{ color: {c.text}; }}
QToolButton[role="tab"] {{ padding: 6px 2px; margin: 0 8px 0 0; border-radius: 0; border: none; color: {c.dim};
  border-bottom: 2px solid transparent; font-weight: 600; background: transparent; }}
QToolButton[role="tab"]:checked {{ color: {c.text}; border-bottom-color: {c.accent}; background: transparent; }}
QToolButton[role="tab"]:focus {{ color: {c.accent}; }}
QAbstractItemView {{ background: transparent; border: none; selection-color: {c.text}; }}
QListView:focus, QTreeView:focus {{ border: none; }}
QHeaderView::section {{ background: {c.panel}; color: {c.dim}; border: none; padding: 4px 8px; }}
QScrollArea {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {c.line}; border-radius: 3px; margin: 2px; min-height: 28px; min-width: 28px; }}
QScrollBar::handle:hover {{ background: {c.rough}; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
  background: none; border: none; width: 0; height: 0;
}}
QProgressBar {{ background: {c.well}; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }}
QProgressBar::chunk {{ background: {c.accent}; border-radius: 2px; }}
QCheckBox {{ spacing: 8px; }}
QStatusBar {{ background: {c.window}; color: {c.dim}; border-top: 1px solid {c.well}; font-size: {SMALL_PX}px; }}
QStatusBar::item {{ border: none; }}
"""
