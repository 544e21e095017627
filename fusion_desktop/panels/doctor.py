"""The doctor: what was checked of a server, step by step, where it fails, what helps, and buttons that do it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from composite_runtime.graph.model import ServerNode
from fusion_desktop import theme
from fusion_desktop.assets import icon
from fusion_desktop.controls import reading
from fusion_desktop.run.doctor import Doctor, report, steps_of

if TYPE_CHECKING:
    from composite_runtime.doctor import Check, Diagnosis

TITLES = {
    "command": "Command",
    "version": "Version of its runtime",
    "folder": "Working folder",
    "references": "Secrets and variables",
    "spawn": "Start",
    "output": "First output",
    "address": "Address",
    "connection": "Connection",
    "encryption": "Encryption",
    "answer": "Answer",
    "authorization": "Authorization",
    "handshake": "Handshake",
    "era": "Revision of the protocol",
    "lists": "What it offers",
}
# Icon and colour role of each outcome; those not made yet have no outcome.
_SIGNS = {
    "passed": ("check", "ready"),
    "warned": ("warning", "warning"),
    "failed": ("error", "error"),
    "skipped": ("minus", "faint"),
    "": ("more", "faint"),
    "now": ("clock", "busy"),
}
_DETAIL = 4000
_SIGN = QSize(16, 16)


@dataclass(frozen=True)
class Offer:
    """One way to apply a remedy: the words on its button, what it will do, and the doing."""

    words: str
    about: str
    do: Callable[[], object]
    is_first: bool = False


class DoctorPanel(QWidget):
    """Shows the examination of one server."""

    again_wanted = Signal()
    """The same server shall be examined anew."""

    def __init__(
        self, doctor: Doctor, offers: "Callable[[ServerNode, Check], Sequence[Offer]]", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._doctor = doctor
        self._offers = offers
        self._node: ServerNode | None = None
        self._rows: dict[str, _Row] = {}
        self._role = "muted"
        self._build()
        theme.signals.changed.connect(self._colour)
        doctor.began.connect(self._begin)
        doctor.checked.connect(self._check)
        doctor.finished.connect(self._finish)
        doctor.failed.connect(self._fail)
        self._tell("No server was examined yet", "Choose “Find out why…” in the menu of a server that does not work.")

    def _build(self) -> None:
        self._name = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._name.setProperty("role", "heading")
        self._words = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._words.setObjectName("doctor-summary")
        self._list = QVBoxLayout()
        self._list.setContentsMargins(3 * theme.GRID, 0, 3 * theme.GRID, 3 * theme.GRID)
        self._list.setSpacing(theme.GRID)
        self._list.addStretch(1)
        page = QWidget()
        page.setLayout(self._list)
        self._area = QScrollArea(widgetResizable=True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setAccessibleName("Checks")
        self._area.setWidget(page)
        self.again = QPushButton("Check again")
        self.again.clicked.connect(self.again_wanted)
        self.copy = QPushButton("Copy report")
        self.copy.setToolTip("Copy all checks as text; secrets in it are references")
        self.copy.clicked.connect(self.copy_report)
        buttons = QHBoxLayout()
        buttons.setSpacing(2 * theme.GRID)
        buttons.addWidget(self.again)
        buttons.addWidget(self.copy)
        buttons.addStretch(1)
        head = QVBoxLayout()
        head.setContentsMargins(3 * theme.GRID, 3 * theme.GRID, 3 * theme.GRID, 0)
        head.setSpacing(theme.GRID)
        head.addWidget(self._name)
        head.addWidget(self._words)
        foot = QVBoxLayout()
        foot.setContentsMargins(3 * theme.GRID, 0, 3 * theme.GRID, 3 * theme.GRID)
        foot.addLayout(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.GRID)
        layout.addLayout(head)
        layout.addWidget(self._area, 1)
        layout.addLayout(foot)
        layout.addStretch(0)

    def copy_report(self) -> None:
        """Put the examination on the clipboard."""
        if self._node is not None and self._doctor.diagnosis is not None:
            QGuiApplication.clipboard().setText(report(self._node, self._doctor.diagnosis))

    def say(self, words: str, role: str) -> None:
        """Say below the name how things stand, in a colour that goes with it."""
        self._words.setText(words)
        self._role = role
        self._colour()

    def _colour(self) -> None:
        self._words.setStyleSheet(_colour(self._role))

    def _tell(self, title: str, words: str, role: str = "muted") -> None:
        self._name.setText(title)
        self.say(words, role)
        self.again.setVisible(self._node is not None)
        self.copy.setVisible(self._node is not None)
        self._area.setVisible(self._node is not None)
        self.copy.setEnabled(self._doctor.diagnosis is not None)

    def _begin(self, node: ServerNode) -> None:
        self._node = node
        for row in self._rows.values():
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = {step: _Row(TITLES.get(step, step)) for step in steps_of(node)}
        for place, row in enumerate(self._rows.values()):
            self._list.insertWidget(place, row)
        self._tell(node.name, "Examining…")
        self._mark_next()

    def _check(self, check: "Check") -> None:
        row = self._rows.get(check.step)
        if row is None or self._node is None:
            return
        offers = self._offers(self._node, check) if check.finding is not None else ()
        row.show_check(check, offers)
        if check.outcome != "failed":
            self._mark_next()

    def _mark_next(self) -> None:
        waiting = next((row for row in self._rows.values() if not row.outcome), None)
        if waiting is not None:
            waiting.show_sign("now")

    def _finish(self, diagnosis: "Diagnosis") -> None:
        name = self._node.name if self._node is not None else diagnosis.name
        for check in diagnosis.checks:
            row = self._rows.get(check.step)
            if row is not None and row.outcome != check.outcome:
                row.show_check(check, ())
        worst = diagnosis.worst
        if worst is None:
            self._tell(name, "It works: every check passed.", "ready")
        elif diagnosis.is_healthy:
            self._tell(name, f"It works, but something is odd: {worst.message}.", "warning")
        else:
            self._tell(name, f"It fails at this check: {TITLES.get(worst.step, worst.step)}.", "error")
        if worst is not None and (row := self._rows.get(worst.step)) is not None:
            self._area.ensureWidgetVisible(row)

    def _fail(self, words: str) -> None:
        self._tell(self._node.name if self._node is not None else "Doctor", words, "error")
        for row in self._rows.values():
            if not row.outcome:
                row.show_sign("")


class _Row(QFrame):
    """One check: not made yet, under way, or made."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.outcome = ""
        self._title_text = title
        self.setObjectName("check")
        self._sign = QLabel()
        self._sign.setFixedWidth(_SIGN.width())
        self._title = QLabel(title, textFormat=Qt.TextFormat.PlainText)
        self._message = _text("muted")
        self._remedy = _text("")
        self._buttons = QVBoxLayout()
        self._buttons.setSpacing(theme.GRID)
        self._detail = _text("")
        self._detail.setFont(theme.font(theme.CAPTION, mono=True))
        self._more = QToolButton()
        self._more.setText("What was seen")
        self._more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._more.setIcon(icon("chevron-right", "muted"))
        self._more.clicked.connect(lambda: self._unfold(self._detail.isHidden()))
        words = QVBoxLayout()
        words.setSpacing(theme.GRID)
        words.addWidget(self._title)
        words.addWidget(self._message)
        words.addWidget(self._remedy)
        words.addLayout(self._buttons)
        words.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        words.addWidget(self._detail)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * theme.GRID, theme.GRID, 2 * theme.GRID, theme.GRID)
        layout.setSpacing(2 * theme.GRID)
        layout.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        for part in (self._message, self._remedy, self._more, self._detail):
            part.hide()
        theme.signals.changed.connect(self._recolour)
        self.show_sign("")

    def show_sign(self, outcome: str) -> None:
        """Show how it stands before there is an outcome."""
        self._shown = outcome
        self._recolour()

    def show_check(self, check: "Check", offers: Sequence[Offer]) -> None:
        """Show how it went; what failed or is odd is opened."""
        self.outcome = str(check.outcome)
        finding = check.finding
        self._title.setFont(theme.font(bold=self.outcome in {"failed", "warned"}))
        message = check.message[:1].upper() + check.message[1:]
        self._message.setText(message)
        self._message.setVisible(bool(message) and self.outcome != "skipped")
        self.setAccessibleName(f"{self._title_text}: {self.outcome}. {message}")
        self.setToolTip(message if self.outcome == "skipped" else "")
        if finding is not None:
            self._remedy.setText(finding.remedy)
            self._remedy.show()
            for offer in offers:
                self._buttons.addWidget(_button(offer))
        if check.detail:
            text = "\n".join(check.detail)
            self._detail.setText(text if len(text) <= _DETAIL else f"{text[:_DETAIL]}…")
            self._more.show()
            self._unfold(self.outcome == "failed")
        self.show_sign(self.outcome)

    def _unfold(self, is_open: bool) -> None:
        self._detail.setVisible(is_open)
        self._more.setIcon(icon("chevron-down" if is_open else "chevron-right", "muted"))

    def _recolour(self) -> None:
        name, role = _SIGNS[self._shown]
        self._sign.setPixmap(icon(name, role).pixmap(_SIGN))
        self._title.setStyleSheet("" if self.outcome in {"passed", "failed", "warned"} else _colour("muted"))
        self._message.setStyleSheet(_colour(role) if self.outcome in {"failed", "warned"} else "")
        line = theme.colour(role, 120)
        back = theme.colour(role, 16)
        is_marked = self.outcome in {"failed", "warned"}
        self.setStyleSheet(
            f"#check {{ border: 1px solid rgba({line.red()},{line.green()},{line.blue()},{line.alpha()});"
            f" border-radius: {theme.RADIUS}px;"
            f" background: rgba({back.red()},{back.green()},{back.blue()},{back.alpha()}); }}"
            if is_marked
            else "#check { border: 1px solid transparent; }"
        )


def _colour(role: str) -> str:
    return f"color: {getattr(theme.current(), role)};"


def _text(role: str) -> QLabel:
    label = reading(role=role)
    # A path without a space would else keep the panel from being narrow.
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    policy.setHeightForWidth(True)
    label.setSizePolicy(policy)
    return label


def _button(offer: Offer) -> QPushButton:
    button = QPushButton(offer.words)
    button.setToolTip(offer.about)
    button.setProperty("primary", offer.is_first)
    button.clicked.connect(lambda _checked=False: offer.do())
    return button
