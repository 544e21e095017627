"""How Fusion looks: colours by role, one type scale, one spacing grid. Nothing else in the desktop names a colour."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from composite_runtime import paths

GRID = 4
"""Every distance is a multiple of this many pixels."""
RADIUS = 6
CAPTION, BODY, TITLE, DISPLAY = 11, 13, 15, 22
"""The type scale, in pixels."""


class Mode(StrEnum):
    """What the user asked for."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"
    CONTRAST = "contrast"


@dataclass(frozen=True, kw_only=True)
class Theme:
    """One colour per role, as `#rrggbb`."""

    name: str
    is_dark: bool
    # Surfaces, from the back to the front.
    window: str
    panel: str
    field: str
    raised: str
    hover: str
    canvas: str
    grid: str
    node: str
    composite: str
    # Lines.
    border: str
    outline: str
    node_border: str
    composite_border: str
    wire: str
    # Words.
    text: str
    muted: str
    faint: str
    # The one accent, and what lies on it.
    accent: str
    on_accent: str
    selection: str
    # Meaning. Never the only sign: a shape and a letter go with it.
    stopped: str
    starting: str
    ready: str
    busy: str
    retrying: str
    degraded: str
    failed: str
    disabled: str
    quarantined: str
    sign_in: str
    info: str
    warning: str
    error: str
    added: str
    removed: str


LIGHT = Theme(
    name="light",
    is_dark=False,
    window="#eff1f4",
    panel="#f8f9fb",
    field="#ffffff",
    raised="#ffffff",
    hover="#e6e9ef",
    canvas="#e9ecf1",
    grid="#c9ced8",
    node="#ffffff",
    composite="#f4f6f9",
    border="#d8dce4",
    outline="#848b99",
    node_border="#c3c9d4",
    composite_border="#a9b1c0",
    wire="#6c7587",
    text="#1b2130",
    muted="#555d6e",
    faint="#8a92a1",
    accent="#2b5fd9",
    on_accent="#ffffff",
    selection="#dbe6fd",
    stopped="#6b7383",
    starting="#2b5fd9",
    ready="#14804a",
    busy="#0b7285",
    retrying="#a25b00",
    degraded="#a25b00",
    failed="#c8302f",
    disabled="#676f7e",
    quarantined="#8236b5",
    sign_in="#2b5fd9",
    info="#2b5fd9",
    warning="#925200",
    error="#c02a2a",
    added="#11703f",
    removed="#b92a2a",
)

DARK = Theme(
    name="dark",
    is_dark=True,
    window="#15181e",
    panel="#1a1e25",
    field="#12151a",
    raised="#262b35",
    hover="#2a303b",
    canvas="#111419",
    grid="#2a303a",
    node="#222731",
    composite="#191d24",
    border="#2c323d",
    outline="#727c8d",
    node_border="#3a4250",
    composite_border="#4d5666",
    wire="#8791a3",
    text="#e7eaf0",
    muted="#a3acbb",
    faint="#727b8b",
    accent="#86acff",
    on_accent="#0d1526",
    selection="#263a63",
    stopped="#9aa3b2",
    starting="#86acff",
    ready="#4cc38a",
    busy="#4fc3d6",
    retrying="#f0a94b",
    degraded="#f0a94b",
    failed="#ff7b78",
    disabled="#8891a0",
    quarantined="#cf9bf5",
    sign_in="#86acff",
    info="#86acff",
    warning="#f0b35a",
    error="#ff8a87",
    added="#58cf95",
    removed="#ff8f8b",
)

CONTRAST = Theme(
    name="contrast",
    is_dark=True,
    window="#000000",
    panel="#000000",
    field="#000000",
    raised="#101010",
    hover="#2b2b2b",
    canvas="#000000",
    grid="#3a3a3a",
    node="#000000",
    composite="#0a0a0a",
    border="#9a9a9a",
    outline="#ffffff",
    node_border="#ffffff",
    composite_border="#ffffff",
    wire="#ffffff",
    text="#ffffff",
    muted="#e0e0e0",
    faint="#b0b0b0",
    accent="#ffd60a",
    on_accent="#000000",
    selection="#4a3f00",
    stopped="#e0e0e0",
    starting="#7fd0ff",
    ready="#5dff9b",
    busy="#6ff3ff",
    retrying="#ffbf5c",
    degraded="#ffbf5c",
    failed="#ff8f8f",
    disabled="#c0c0c0",
    quarantined="#e3b6ff",
    sign_in="#ffd60a",
    info="#7fd0ff",
    warning="#ffcf6b",
    error="#ff9c9c",
    added="#5dff9b",
    removed="#ff9c9c",
)

SHADES = {
    "grey": "outline",
    "blue": "info",
    "green": "ready",
    "amber": "warning",
    "red": "error",
    "violet": "quarantined",
}
"""The role that each colour of a frame or a note has, so that it reads well in every theme."""

THEMES = {theme.name: theme for theme in (LIGHT, DARK, CONTRAST)}


class _Signals(QObject):
    changed = Signal()


signals = _Signals()
"""Its signal `changed` tells that `current()` is another theme; widgets follow the palette by themselves."""

_current = LIGHT


def current() -> Theme:
    """Return the theme in use."""
    return _current


def colour(role: str, alpha: int = 255) -> QColor:
    """Return the colour of a role of the theme in use."""
    made = QColor(getattr(_current, role))
    made.setAlpha(alpha)
    return made


def font(size: int = BODY, *, bold: bool = False, mono: bool = False) -> QFont:
    """Return the interface font, or the one for code, in a size of the type scale."""
    base = QFontDatabase.SystemFont.FixedFont if mono else QFontDatabase.SystemFont.GeneralFont
    made = QFontDatabase.systemFont(base)
    if not mono and (chosen := _interface_families()):
        made.setFamilies(list(chosen))
    made.setPixelSize(size)
    made.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return made


@contextmanager
def painting(mode: Mode | str) -> Iterator[None]:
    """Let what is made and painted meanwhile look like another theme; what the window shows stays as it is."""
    global _current
    before, _current = _current, _system_theme() if mode == Mode.SYSTEM else THEMES[str(mode)]
    try:
        yield
    finally:
        _current = before


def apply(mode: Mode | str) -> None:
    """Dress the whole program in what the user asked for."""
    global _current
    wanted = _system_theme() if mode == Mode.SYSTEM else THEMES[str(mode)]
    _current = wanted
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    # Under a style sheet the style no longer tells its name, and setting it again costs as much as the sheet.
    if not app.property("has_our_style"):
        app.setStyle("Fusion")
        app.setProperty("has_our_style", True)
    app.setFont(font())
    app.setPalette(palette(wanted))
    app.setStyleSheet(style_sheet(wanted))
    signals.changed.emit()


def palette(theme: Theme) -> QPalette:
    """Return the theme in Qt's terms."""
    roles = QPalette.ColorRole
    made = QPalette()
    for role, name in {
        roles.Window: theme.panel,
        roles.WindowText: theme.text,
        roles.Base: theme.field,
        roles.AlternateBase: theme.panel,
        roles.Text: theme.text,
        roles.Button: theme.raised,
        roles.ButtonText: theme.text,
        roles.BrightText: theme.error,
        roles.Highlight: theme.selection,
        roles.HighlightedText: theme.text,
        roles.Accent: theme.accent,
        roles.Link: theme.accent,
        roles.LinkVisited: theme.accent,
        roles.ToolTipBase: theme.raised,
        roles.ToolTipText: theme.text,
        roles.PlaceholderText: theme.muted,
        roles.Light: theme.hover,
        roles.Midlight: theme.border,
        roles.Mid: theme.border,
        roles.Dark: theme.outline,
        roles.Shadow: theme.window,
    }.items():
        made.setColor(role, QColor(name))
    for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.faint))
    return made


def style_sheet(theme: Theme) -> str:
    """Return the few rules the palette cannot express."""
    values = {key: value for key, value in vars(theme).items() if isinstance(value, str)}
    sheet = paths.resource("theme.qss").read_text(encoding="utf-8")
    # Longer names first, so that `@node` does not eat the start of `@node_border`.
    sheet = sheet.replace("@icons", paths.resource("icons").as_posix())
    for key in sorted(values, key=len, reverse=True):
        sheet = sheet.replace(f"@{key}", values[key])
    return sheet


def _system_theme() -> Theme:
    hints = QGuiApplication.styleHints()
    return DARK if hints.colorScheme() == Qt.ColorScheme.Dark else LIGHT


@cache
def _interface_families() -> tuple[str, ...]:
    # Bare Linux desktops fall back to a wide screen font of the nineties; a better one is often installed.
    installed = set(QFontDatabase.families())
    preferred = [name for name in ("Inter", "Cantarell", "Noto Sans", "Ubuntu") if name in installed]
    system = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()
    return (*preferred[:1], system) if system in {"DejaVu Sans", "Sans Serif", "Sans"} else ()
