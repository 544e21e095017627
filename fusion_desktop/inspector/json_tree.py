"""A JSON value as a tree; branches are made when they are opened, so that a large value costs nothing unseen."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHeaderView, QMenu, QTreeWidget, QTreeWidgetItem, QWidget

from fusion_desktop import theme
from fusion_desktop.inspector.values import json_text

Json: TypeAlias = Any

_BRANCH = 500
"""More children than this are shown in steps."""
_LENGTH = 300
_VALUE = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class _More:
    """What comes after the children that are shown."""

    children: list[tuple[str, Json]]
    start: int


@dataclass(frozen=True)
class _Held:
    """A value in a shell that Qt does not open: it would turn numbers into its own, which are small."""

    value: Json


class JsonTree(QTreeWidget):
    """Keys and values of one JSON value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setFont(theme.font(mono=True))
        self.setAccessibleName("JSON")
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._offer)
        self.itemExpanded.connect(self._open)

    def show_value(self, value: Json) -> None:
        """Show a value, its first level open."""
        self.clear()
        self._add(self.invisibleRootItem(), _children(value) if _is_branch(value) else [("", value)], 0)

    def _open(self, item: QTreeWidgetItem) -> None:
        if isinstance(more := item.data(0, _VALUE), _More):
            parent = item.parent() or self.invisibleRootItem()
            parent.removeChild(item)
            self._add(parent, more.children, more.start)
            return
        first = item.child(0)
        if first is not None and first.data(0, _VALUE) is None and not first.text(0):
            item.takeChild(0)
            self._add(item, _children(item.data(0, _VALUE).value), 0)

    def _add(self, parent: QTreeWidgetItem, children: list[tuple[str, Json]], start: int) -> None:
        for key, value in children[start : start + _BRANCH]:
            item = QTreeWidgetItem([key, _summary(value)])
            item.setData(0, _VALUE, _Held(value))
            item.setToolTip(1, value[:2000] if isinstance(value, str) else "")
            if _is_branch(value) and value:
                item.addChild(QTreeWidgetItem())
            parent.addChild(item)
        if (left := len(children) - start - _BRANCH) > 0:
            more = QTreeWidgetItem(["…", f"{left} more"])
            more.setData(0, _VALUE, _More(children, start + _BRANCH))
            more.addChild(QTreeWidgetItem())
            parent.addChild(more)

    def _offer(self, place: QPoint) -> None:
        item = self.itemAt(place)
        held = item.data(0, _VALUE) if item is not None else None
        if item is None or not isinstance(held, _Held):
            return
        key = item.text(0)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        value = held.value
        text = value if isinstance(value, str) else json_text(value)
        menu.addAction("Copy value", lambda: QGuiApplication.clipboard().setText(text))
        menu.addAction("Copy key", lambda: QGuiApplication.clipboard().setText(key))
        menu.popup(self.viewport().mapToGlobal(place))


def _is_branch(value: Json) -> bool:
    return isinstance(value, dict | list)


def _children(value: Json) -> list[tuple[str, Json]]:
    if isinstance(value, dict):
        return list(value.items())
    return [(str(position), item) for position, item in enumerate(value)]


def _summary(value: Json) -> str:
    if isinstance(value, dict):
        return f"{{{len(value)}}}" if value else "{}"
    if isinstance(value, list):
        return f"[{len(value)}]" if value else "[]"
    # A long text is cut before it is escaped, not after.
    is_long = isinstance(value, str) and len(value) > _LENGTH
    return f"{json_text(value[:_LENGTH])}…" if is_long else json_text(value)
