"""What is wrong with the graph, live: a click goes to the node."""

from typing import Any, TypeAlias

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from composite_runtime.graph.check import Level, Problem
from fusion_desktop import assets, theme
from fusion_desktop.document.document import Document
from fusion_desktop.document.fixes import Fix, fix_for

Index: TypeAlias = QModelIndex | QPersistentModelIndex


class _Problems(QAbstractListModel):
    ProblemRole = Qt.ItemDataRole.UserRole

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._problems: list[Problem] = []

    def show(self, problems: list[Problem]) -> None:
        if problems != self._problems:
            self.beginResetModel()
            self._problems = problems
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(self._problems)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        problem = self._problems[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{problem.level.capitalize()}: {problem.message}"
        if role in {Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole}:
            return problem.fix
        return problem if role == self.ProblemRole else None


class _Row(QStyledItemDelegate):
    """Paints what is wrong and, below it, what helps."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, 46)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        problem: Problem = index.data(_Problems.ProblemRole)
        area: QRect = option.rect.adjusted(4, 1, -4, -1)
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selection" if state & QStyle.StateFlag.State_Selected else "hover"))
            painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        role = "error" if problem.level is Level.ERROR else "warning"
        assets.icon(role, role).paint(painter, QRect(area.x() + 8, area.y() + 6, 18, 18))
        left, width = area.x() + 36, area.width() - 44
        for text, font, colour, top in (
            (problem.message[:1].upper() + problem.message[1:], theme.font(), "text", 5),
            (problem.fix, theme.font(theme.CAPTION), "muted", 24),
        ):
            painter.setFont(font)
            painter.setPen(theme.colour(colour))
            shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, width)
            painter.drawText(QRect(left, area.y() + top, width, 18), Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()


class ProblemsPanel(QWidget):
    """The list, or the good news that there is none."""

    chosen = Signal(str)
    """The id of the node a problem is about."""
    counted = Signal(int, int)
    """How many errors and warnings there are."""
    sign_in_wanted = Signal(str)
    """The id of a node somebody has to sign in to."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._needs: list[Problem] = []
        self._model = _Problems(self)
        self.fix = QPushButton("Fix")
        self.fix.clicked.connect(self.apply)
        self.fix.hide()
        self.list = QListView()
        self.list.setAccessibleName("Problems of the graph")
        self.list.setModel(self._model)
        self.list.setItemDelegate(_Row(self.list))
        self.list.setMouseTracking(True)
        self.list.clicked.connect(self._choose)
        self.list.activated.connect(self._choose)
        nothing = QLabel("No problems. The graph can run.")
        nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        nothing.setProperty("role", "muted")
        some = QWidget()
        some.setObjectName("problems")
        row = QHBoxLayout(some)
        row.setContentsMargins(0, 4, 12, 0)
        row.addWidget(self.list, 1)
        row.addWidget(self.fix, 0, Qt.AlignmentFlag.AlignTop)
        row.setSpacing(8)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(nothing)
        self._pages.addWidget(some)
        self.list.selectionModel().currentChanged.connect(self._offer)
        document.problems_changed.connect(self.refresh)
        self.refresh()

    def show_needs(self, needs: list[Problem]) -> None:
        """Show what a person has to do for what runs, beside what is wrong with the graph."""
        self._needs = needs
        self.refresh()

    def refresh(self) -> None:
        """Show what is wrong now."""
        problems = [*self._needs, *self._document.problems]
        self._model.show(problems)
        self._pages.setCurrentIndex(1 if problems else 0)
        if problems and not self.list.currentIndex().isValid():
            self.list.setCurrentIndex(self._model.index(0))
        self._offer()
        errors = sum(problem.level is Level.ERROR for problem in problems)
        self.counted.emit(errors, len(problems) - errors)

    def apply(self) -> None:
        """Put right what is selected, as far as one click can."""
        problem, fix = self._problem(), self._fix()
        if problem is not None and problem.rule == "sign-in" and problem.node is not None:
            self.sign_in_wanted.emit(problem.node)
        elif problem is not None and fix is not None:
            self._document.edit(f"Fix: {fix.words}", fix.graph)

    def _problem(self) -> Problem | None:
        index = self.list.currentIndex()
        return index.data(_Problems.ProblemRole) if index.isValid() else None

    def _fix(self) -> Fix | None:
        problem = self._problem()
        return fix_for(self._document.graph, problem) if problem is not None else None

    def _offer(self) -> None:
        problem, fix = self._problem(), self._fix()
        wants_sign_in = problem is not None and problem.rule == "sign-in"
        self.fix.setVisible(fix is not None or wants_sign_in)
        if fix is not None or wants_sign_in:
            self.fix.setText(fix.words if fix is not None else "Sign in…")

    def _choose(self, index: QModelIndex) -> None:
        problem: Problem = index.data(_Problems.ProblemRole)
        if problem.node is not None:
            self.chosen.emit(problem.node)
