"""Whatever the keyboard can reach has a name that a screen reader says: in the window, its panels and its dialogs."""

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QDialog, QFileDialog, QLineEdit, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from fusion_desktop.app import Program
from tests.fusion_desktop.graphs import desk

OPENING = [
    "file.picture",
    "file.versions",
    "file.preferences",
    "file.import",
    "file.export",
    "file.registry",
    "file.secrets",
    "run.start",
    "help.keys",
    "help.about",
]


def reachable(top: QWidget) -> Iterator[QWidget]:
    """Yield what Tab stops at, shown or on a page that is not shown now."""
    for widget in top.findChildren(QWidget):
        is_part = isinstance(widget.parentWidget(), QAbstractSpinBox | QComboBox) or _in_popup(widget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not is_part:
            yield widget


def _in_popup(widget: QWidget) -> bool:
    window = widget.window()
    return bool(window.windowFlags() & Qt.WindowType.Popup == Qt.WindowType.Popup)


def spoken(widget: QWidget) -> str:
    """Return what a screen reader would say; the tabs of a bar have names of their own."""
    if isinstance(widget, QTabBar):
        return " ".join(widget.tabText(n) for n in range(widget.count())) or "empty"
    interface = QAccessible.queryAccessibleInterface(widget)
    # A box says its value first; what it is for is what it was called.
    name = widget.accessibleName() if isinstance(widget, QComboBox | QLineEdit) else ""
    return name or (interface.text(QAccessible.Text.Name) if interface is not None else "")


def nameless(top: QWidget) -> list[str]:
    found = []
    for widget in reachable(top):
        if not spoken(widget).strip():
            around = [type(parent).__name__ for parent in _parents(widget)][:3]
            found.append(f"{type(widget).__name__} {widget.objectName()!r} in {' in '.join(around)}")
    return found


def _parents(widget: QWidget) -> Iterator[QWidget]:
    parent = widget.parentWidget()
    while parent is not None:
        yield parent
        parent = parent.parentWidget()


def test_everything_in_the_window_and_its_panels_has_a_name(program: Program) -> None:
    program.document.load(desk())
    for selected in (["loose"], ["box"], ["loose", "box"]):
        program.window.scene.select(selected)
        program.window.properties.show_selection(selected, ())

        assert nameless(program.window) == []


async def test_everything_in_a_dialog_has_a_name(program: Program, qtbot: QtBot, tmp_path: Path) -> None:
    program.document.load(desk())
    program.window.file.save(tmp_path / "desk.fusion")
    # The first start of a command asks.
    program.settings.asks_first_start = True
    for action in OPENING:
        program.window.actions_table[action].trigger()

        dialogs = [d for d in program.window.findChildren(QDialog) if d.isVisible() and not isinstance(d, QFileDialog)]
        assert len(dialogs) == 1, action
        assert dialogs[0].windowTitle()
        assert nameless(dialogs[0]) == [], action
        dialogs[0].reject()
    await program.end()
