"""What became of a call: running, answered, refused, cancelled; in blocks, as structure, and as the raw JSON."""

import math
import time
from collections.abc import Mapping
from typing import Any, TypeAlias

from PySide6.QtCore import QElapsedTimer, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import theme
from fusion_desktop.inspector.check import Checker
from fusion_desktop.inspector.contents import Contents
from fusion_desktop.inspector.json_tree import JsonTree
from fusion_desktop.inspector.long_text import excerpt
from fusion_desktop.inspector.values import json_text
from fusion_desktop.run.frames import Outcome, Progress, text_of

Json: TypeAlias = Any

_PATIENT_MS = 3000
"""From then on a running call also shows how long it is still waited for."""
_RAW_TAB = 2
_SHORT = 40
"""So high a result is shown at least; the window decides the rest."""
_CHECKED = 2_000_000
"""A longer structure is not held to its schema here: that would take too long."""


# The theme names every colour; `palette` reaches it and follows when it changes.
_BAR = """
QProgressBar { background: palette(mid); border: none; border-radius: 2px; }
QProgressBar::chunk { background: palette(link); border-radius: 2px; }
"""


class ResultView(QWidget):
    """Shows one request and its outcome; without `can_save` it does not offer to save the call."""

    wanted = Signal(str)
    """The URI of a linked resource that shall be read."""
    save_wanted = Signal(object)
    """The call with this `Outcome` shall be saved."""
    trace_wanted = Signal(object)
    """The trace of the call with this `Outcome` shall be shown."""

    def __init__(self, parent: QWidget | None = None, *, can_save: bool = True) -> None:
        super().__init__(parent)
        self._can_save = can_save
        self._outcome: Outcome | None = None
        self._written: str | None = None
        self._clock = QElapsedTimer()
        self._before_ms = 0.0
        self._tick = QTimer(self, interval=100)
        self._tick.timeout.connect(self._show_time)
        self._words = ""
        self._call_name = ""
        self._ends_at: float | None = None
        self._build()
        self.show_nothing()

    @property
    def headline(self) -> str:
        """What became of the request, in a line."""
        return self._head.text()

    def name_call(self, name: str) -> None:
        """Say whose outcome it is that will come, until the next call."""
        self._call_name = name

    def show_nothing(self, hint: str = "Nothing was called yet.") -> None:
        """Say that there is no result."""
        self._call_name = ""
        self._stop()
        self._tell(hint, "muted")
        self._tabs.hide()

    def show_running(self, words: str, *, since_ms: float = 0.0) -> None:
        """Say what is going on, and for how long; it may have begun before."""
        self._call_name = ""
        self._words = words
        self._before_ms = since_ms
        self._ends_at = None
        self._clock.start()
        self._tick.start()
        self._bar.setRange(0, 0)
        self._bar.show()
        self._save.hide()
        self._trace.hide()
        self._tabs.hide()
        self._note.hide()
        self._show_time()

    def show_words(self, words: str) -> None:
        """Say anew what is going on."""
        self._words = words
        self._show_time()

    def show_note(self, words: str) -> None:
        """Say something beside what is going on."""
        self._add_note(words, "warning")

    def show_progress(self, progress: Progress) -> None:
        """Show how far it has come."""
        if progress.total:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(1000 * min(1.0, progress.progress / progress.total)))
        of = f"{progress.progress:g} of {progress.total:g}" if progress.total else f"{progress.progress:g}"
        self._add_note(f"{of} · {progress.message}" if progress.message else of, "muted")

    def show_deadline(self, left_s: float) -> None:
        """Take note of how long the call may still be silent; while the user is asked there is no end."""
        self._ends_at = None if math.isinf(left_s) else time.monotonic() + left_s

    def show_cancelled(self) -> None:
        """Say that the user ended the call."""
        spent = self._stop()
        self.show_ended(f"Cancelled after {_seconds(spent)}. The server was told to stop.")

    def show_ended(self, words: str) -> None:
        """Say that there is no answer, and that none is missed."""
        self._stop()
        self._tell(words, "muted")
        self._tabs.hide()

    def show_failure(self, message: str) -> None:
        """Say why there is no answer at all."""
        self._stop()
        self._tell(message, "error")
        self._tabs.hide()

    def show_outcome(self, outcome: Outcome, output_schema: Mapping[str, Json] | None = None) -> None:
        """Show an answer."""
        self._stop()
        took = _seconds(outcome.milliseconds)
        self._outcome = outcome
        self._written = None
        self._raw.clear()
        self._note.hide()
        if outcome.error is not None:
            self._show_error(outcome.error, took)
        elif outcome.result is not None:
            self._show_result(outcome.result, took, output_schema)
        self._show_raw()
        self._save.setVisible(self._can_save)
        self._trace.setVisible(bool(outcome.request_id))
        self._tabs.show()

    @property
    def _raw_text(self) -> str:
        """Request and response as JSON, written when they are first looked at: large ones take a while."""
        if self._written is None and (outcome := self._outcome) is not None:
            answer = {"error": outcome.error} if outcome.error is not None else {"result": outcome.result}
            request = {"method": outcome.method, "params": outcome.params}
            self._written = json_text({"request": request, "response": answer})
        return self._written or ""

    def _show_raw(self) -> None:
        if self._tabs.currentIndex() != _RAW_TAB:
            self._raw.clear()
        elif not self._raw.toPlainText():
            raw = excerpt(self._raw_text)
            self._raw.setPlainText(f"{raw.text}\n… {raw.left_out} Copy takes all of it." if raw.left_out else raw.text)

    def _show_error(self, error: Json, took: str) -> None:
        self._tell(f"The server refused after {took}: {error.get('message')} ({error.get('code')})", "error")
        self._contents.show_blocks([error["data"]] if error.get("data") is not None else [])
        self._show_tabs(has_contents=error.get("data") is not None, has_structure=False)

    def _show_result(self, result: Json, took: str, schema: Mapping[str, Json] | None) -> None:
        is_error = result.get("isError") is True
        blocks = _blocks(result)
        structure = result.get("structuredContent")
        has_structure = "structuredContent" in result
        if is_error:
            self._tell(f"The tool reported an error after {took}.", "error")
        elif not blocks and not has_structure:
            self._tell(f"Done in {took}. The answer has no content.", "ready")
        else:
            self._tell(f"Done in {took}.", "ready")
        self._contents.show_blocks(blocks)
        if has_structure:
            self._structure.show_value(structure)
        self._check_structure(structure, schema, is_expected=not is_error, is_there=has_structure)
        self._show_tabs(has_contents=bool(blocks), has_structure=has_structure)

    def _check_structure(
        self, structure: Json, schema: Mapping[str, Json] | None, *, is_expected: bool, is_there: bool
    ) -> None:
        if schema is None or not is_expected:
            return
        if not is_there:
            self._warn("The tool declares an output schema but sent no structured content.")
            return
        if len(text_of(structure, indent=None)) > _CHECKED:
            self._warn("The structured content is too large to be held to the output schema here.")
            return
        checker = Checker(schema)
        faults = checker.faults(structure)
        if faults:
            listed = "\n".join(f"{fault.pointer or '(root)'}: {fault.message}" for fault in faults[:10])
            self._warn(f"The structured content does not fit the tool's own output schema:\n{listed}")
        elif checker.note:
            self._warn(checker.note)

    def _warn(self, text: str) -> None:
        self._add_note(text, "warning")

    def _add_note(self, text: str, role: str) -> None:
        self._note.setText(text)
        self._note.setProperty("role", role)
        self._note.style().polish(self._note)
        self._note.show()

    def _show_tabs(self, *, has_contents: bool, has_structure: bool) -> None:
        self._tabs.setTabVisible(0, has_contents)
        self._tabs.setTabVisible(1, has_structure)
        self._tabs.setCurrentIndex(0 if has_contents else 1 if has_structure else 2)

    def _tell(self, words: str, role: str) -> None:
        self._head.setText(f"{self._call_name}: {words}" if self._call_name else words)
        self._role = role
        self._colour()
        self._note.setVisible(False)
        self._save.hide()
        self._trace.hide()

    def _colour(self) -> None:
        self._head.setStyleSheet(f"color: {getattr(theme.current(), self._role)};")

    def _stop(self) -> float:
        self._tick.stop()
        self._bar.hide()
        return float(self._clock.elapsed()) if self._clock.isValid() else 0.0

    def _show_time(self) -> None:
        text = f"{self._words} · {(self._before_ms + self._clock.elapsed()) / 1000:.1f} s"
        left_s = self._ends_at - time.monotonic() if self._ends_at is not None else math.inf
        # Nobody wants to watch a clock run down while there is plenty of time.
        if self._clock.elapsed() > _PATIENT_MS and not math.isinf(left_s):
            text += f" · given up in {max(0, math.ceil(left_s))} s unless it shows progress"
        self._head.setText(text)
        self._role = "text"
        self._colour()

    def _build(self) -> None:
        self._role = "muted"
        self._head: QLabel = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._head.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._head.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._head.setObjectName("result-headline")
        theme.signals.changed.connect(self._colour)
        self._bar = QProgressBar(textVisible=False)
        self._bar.setFixedHeight(theme.GRID)
        self._bar.setStyleSheet(_BAR)
        self._bar.setAccessibleName("Progress of the call")
        self._note: QLabel = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._contents = Contents()
        self._contents.setContentsMargins(0, 2 * theme.GRID, 0, 0)  # clear of the tabs
        self._contents.wanted.connect(self.wanted)
        page = QScrollArea(widgetResizable=True)
        page.setAccessibleName("Content of the result")
        page.setFrameShape(QFrame.Shape.NoFrame)
        page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page.setWidget(self._contents)
        self._structure = JsonTree()
        self._structure.setMinimumHeight(_SHORT)
        page.setMinimumHeight(_SHORT)
        self._tabs = QTabWidget(documentMode=True)
        self._tabs.tabBar().setDrawBase(False)
        self._tabs.setAccessibleName("Ways to see the result")
        self._tabs.addTab(page, "Content")
        self._tabs.addTab(self._structure, "Structured")
        self._tabs.addTab(self._build_raw(), "Raw JSON")
        self._tabs.currentChanged.connect(lambda _: self._show_raw())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.GRID)
        self._save = QPushButton("Save…")
        self._save.setToolTip("Save this call beside the graph, to make it again and to test with it")
        self._save.setAccessibleName("Save this call")
        self._save.clicked.connect(lambda: self.save_wanted.emit(self._outcome))
        self._trace = QPushButton("Trace")
        self._trace.setToolTip("Show which way this call took, and where its time went")
        self._trace.setAccessibleName("Show the trace of this call")
        self._trace.clicked.connect(lambda: self.trace_wanted.emit(self._outcome))
        head = QHBoxLayout()
        head.setSpacing(2 * theme.GRID)
        head.addWidget(self._head, 1)
        head.addWidget(self._trace, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self._save, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(head)
        layout.addWidget(self._bar)
        layout.addWidget(self._note)
        layout.addWidget(self._tabs, 1)
        layout.addStretch(0)

    def _build_raw(self) -> QWidget:
        self._raw = QPlainTextEdit(readOnly=True)
        self._raw.setMinimumHeight(_SHORT)
        self._raw.setFont(theme.font(mono=True))
        self._raw.setTabChangesFocus(True)
        self._raw.setAccessibleName("Request and response as JSON")
        copy = QPushButton("Copy")
        copy.setAccessibleName("Copy request and response")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._raw_text))
        page = QWidget()
        head = QHBoxLayout()
        head.addStretch(1)
        head.addWidget(copy)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 2 * theme.GRID, 0, 0)
        layout.addLayout(head)
        layout.addWidget(self._raw, 1)
        return page


def _blocks(result: Mapping[str, Json]) -> list[Json]:
    """Return what can be shown block by block: contents of a tool or resource, messages of a prompt."""
    if isinstance(result.get("content"), list):
        return list(result["content"])
    if isinstance(result.get("contents"), list):
        return [{"type": "resource", "resource": part} for part in result["contents"]]
    if isinstance(result.get("messages"), list):
        return list(result["messages"])
    return []


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
