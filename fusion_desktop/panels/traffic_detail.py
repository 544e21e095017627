"""One message in full: itself and its counterpart as trees, what HTTP added, and the trace of its call."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QTabWidget,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import plain, theme
from fusion_desktop.assets import icon
from fusion_desktop.controls import restyle
from fusion_desktop.panels.trace import Timeline, summary_words
from fusion_desktop.run.traffic import Kind, Row
from fusion_desktop.run.traffic_model import TrafficModel, duration_words, status_words

_MESSAGE, _PARTNER, _HTTP, _TRACE = range(4)


class TrafficDetail(QWidget):
    """Shows one message. `tree` makes the views of JSON values."""

    node_wanted = Signal(str)
    """The id of a node that a bar of the trace stands for."""

    def __init__(self, tree: Callable[[], QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row: Row | None = None
        self._headline = ""
        self._model: TrafficModel | None = None
        self._head = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._head.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._head.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy_button = QToolButton()
        self.copy_button.setIcon(icon("copy", "muted"))
        self.copy_button.setToolTip("Copy the message as indented JSON")
        self.copy_button.setAccessibleName("Copy the message as JSON")
        self.copy_button.clicked.connect(self.copy)
        self.message, self.partner = tree(), tree()
        self.http = _Headers()
        self.timeline = Timeline()
        self.timeline.chosen.connect(self.node_wanted)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("The message in full")
        for widget, name in (
            (self.message, "Message"),
            (self.partner, "Answer"),
            (self.http, "HTTP"),
            (self.timeline, "Trace"),
        ):
            self.tabs.addTab(widget, name)
        bar = QHBoxLayout()
        bar.setContentsMargins(3 * theme.GRID, theme.GRID, 2 * theme.GRID, 0)
        bar.addWidget(self._head, 1)
        bar.addWidget(self.copy_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.GRID)
        layout.addLayout(bar)
        layout.addWidget(self.tabs, 1)
        self.show_row(None, None)

    @property
    def row(self) -> Row | None:
        """The message that is shown."""
        return self._row

    def show_row(self, model: TrafficModel | None, row: Row | None) -> None:
        """Show a message of a model, or none."""
        is_other = row is not self._row
        self._model, self._row = model, row
        self.tabs.setVisible(row is not None)
        self.copy_button.setEnabled(row is not None and bool(row.text))
        if model is None or row is None:
            self._headline = "Choose a message to see all of it."
            self._fit_headline()
            restyle(self._head, role="muted")
            return
        restyle(self._head, role="")
        self._headline = _headline(model, row)
        self._head.setToolTip(self._headline)
        self._fit_headline()
        partner = model.row(row.partner) if row.partner is not None else None
        if is_other:
            _show(self.message, row)
        _show(self.partner, partner)
        self.http.show_http(row.http)
        spans = model.spans(row.call) if row.call else ()
        self.timeline.show_spans(spans)
        self.timeline.setToolTip("")
        self.tabs.setTabText(_PARTNER, "Request" if row.kind is Kind.RESPONSE else "Answer")
        self.tabs.setTabVisible(_MESSAGE, bool(row.text))
        self.tabs.setTabVisible(_PARTNER, partner is not None)
        self.tabs.setTabVisible(_HTTP, row.http is not None)
        self.tabs.setTabVisible(_TRACE, bool(spans))
        self.tabs.setTabToolTip(_TRACE, summary_words(spans))

    def refresh(self, call: str) -> None:
        """Show what is known by now, if the message belongs to this call."""
        if self._row is not None and self._row.call == call:
            self.show_row(self._model, self._row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_headline()

    def _fit_headline(self) -> None:
        # The panel's width, for the words have none of their own; beside them stand margins and a button.
        room = self.width() - 8 * theme.GRID - self.copy_button.sizeHint().width()
        shown = self._head.fontMetrics().elidedText(self._headline, Qt.TextElideMode.ElideRight, max(0, room))
        self._head.setText(shown)
        self._head.setAccessibleName(self._headline)

    def show_trace(self) -> None:
        """Bring the trace to the front."""
        self.tabs.setCurrentIndex(_TRACE)

    def copy(self) -> None:
        """Put the message on the clipboard, indented."""
        if self._row is not None and self._row.text:
            QGuiApplication.clipboard().setText(json.dumps(self._row.message, ensure_ascii=False, indent=2))


class _Headers(QTreeWidget):
    """What HTTP added to a message."""

    def __init__(self) -> None:
        super().__init__()
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setAccessibleName("HTTP")
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)

    def show_http(self, seen: Mapping[str, Any] | None) -> None:
        """Show status and headers."""
        self.clear()
        if seen is None:
            return
        top = QTreeWidgetItem([f"{seen.get('method')} {seen.get('url')}", f"Status {seen.get('status')}"])
        self.addTopLevelItem(top)
        for title, key in (("Request headers", "sent"), ("Response headers", "received")):
            group = QTreeWidgetItem([title, ""])
            headers = seen.get(key)
            for name, value in headers.items() if isinstance(headers, Mapping) else ():
                item = QTreeWidgetItem([str(name), str(value)])
                item.setFont(0, theme.font(mono=True))
                item.setFont(1, theme.font(mono=True))
                item.setToolTip(1, plain.tip(str(value)))
                group.addChild(item)
            self.addTopLevelItem(group)
            group.setExpanded(True)


def _show(view: Any, row: Row | None) -> None:
    view.show_value(row.message if row is not None else None)


def _headline(model: TrafficModel, row: Row) -> str:
    parts = (status_words(row), duration_words(row.milliseconds), f"{row.method} {row.name}".strip())
    return "  ·  ".join(part for part in (*parts, " → ".join(model.ends_of(row))) if part)
