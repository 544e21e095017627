"""The newest of what keeps coming, as a table: bounded, filtered, brought up to date a few times a second, paused."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

Index: TypeAlias = QModelIndex | QPersistentModelIndex


class Numbered(Protocol):
    """What a row can tell about itself."""

    @property
    def number(self) -> int:
        """Which of all that ever came it is."""

    @property
    def size(self) -> int:
        """How many characters it has."""


R = TypeVar("R", bound=Numbered)


class Choosing(Protocol[R]):
    """A filter."""

    def choose(self, rows: Iterable[R]) -> list[R]:
        """Return the rows that are shown."""


F = TypeVar("F", bound=Choosing[Any])
_number = attrgetter("number")


class NewestRows(QAbstractTableModel, Generic[R, F]):
    """Keeps rows as they come, as many as `limit` and together no more characters than `size_limit`.

    Rows come in the order of their numbers, without a gap.
    """

    COLUMNS: tuple[str, ...]
    RowRole = Qt.ItemDataRole.UserRole

    counted = Signal(int, int)
    """How many rows are shown, of how many."""

    def __init__(self, wanted: F, parent: QObject | None, *, limit: int, size_limit: int, flush_ms: int) -> None:
        super().__init__(parent)
        self._limit = limit
        self._size_limit = size_limit
        self._size = 0
        self._kept: deque[R] = deque()
        self._waiting: list[R] = []
        self._shown: list[R] = []
        self._filter = wanted
        self._is_paused = False
        self._flush = QTimer(self, interval=flush_ms, singleShot=True)
        self._flush.timeout.connect(self.flush)

    # What comes in

    def add(self, row: R) -> None:
        """Take in the next row; the table shows it a moment later, because an update costs the same for any number."""
        self._waiting.append(row)
        if len(self._waiting) > self._limit:
            del self._waiting[: len(self._waiting) - self._limit]
        self.wake()

    def wake(self) -> None:
        """See to it that the table is brought up to date."""
        if not self._flush.isActive():
            self._flush.start()

    def flush(self) -> None:
        """Show at once what came since the last time."""
        self.show_new(self.keep())

    def keep(self) -> list[R]:
        """Keep what has come, forget the oldest for it, and return what is new."""
        new, self._waiting = self._waiting, []
        self._kept.extend(new)
        self._size += sum(row.size for row in new)
        while self._kept and (len(self._kept) > self._limit or self._size > self._size_limit):
            self._size -= self._kept.popleft().size
        return new

    def show_new(self, new: list[R]) -> None:
        """Take what is forgotten out of the table and put what is new into it."""
        if not self._is_paused:
            self.drop_forgotten()
            # A burst longer than all that is kept has lost its head already.
            rows = [row for row in self._filter.choose(new) if self._kept and row.number >= self._kept[0].number]
            if rows:
                self.beginInsertRows(QModelIndex(), len(self._shown), len(self._shown) + len(rows) - 1)
                self._shown += rows
                self.endInsertRows()
        self._tell()

    def drop_forgotten(self) -> None:
        """Take what is forgotten out of the table."""
        gone = self._place(self._kept[0].number) if self._kept else len(self._shown)
        if gone:
            self.beginRemoveRows(QModelIndex(), 0, gone - 1)
            del self._shown[:gone]
            self.endRemoveRows()

    def clear(self) -> None:
        """Forget everything."""
        self.beginResetModel()
        self._kept.clear()
        self._waiting.clear()
        self._shown.clear()
        self._size = 0
        self.endResetModel()
        self._tell()

    # What is shown

    @property
    def filter(self) -> F:
        """Which rows are shown."""
        return self._filter

    def set_filter(self, wanted: F) -> None:
        """Show the rows that fit another filter."""
        self._filter = wanted
        self._choose_anew()

    @property
    def is_paused(self) -> bool:
        """Whether the table stands still while rows are still collected."""
        return self._is_paused

    def set_paused(self, is_paused: bool) -> None:
        """Let the table stand still, or show what was collected meanwhile."""
        self._is_paused = is_paused
        if not is_paused:
            self._choose_anew()

    def _choose_anew(self) -> None:
        self.beginResetModel()
        self._shown = self._filter.choose(self._kept)
        self.endResetModel()
        self._tell()

    def _tell(self) -> None:
        self.counted.emit(len(self._shown), len(self._kept))

    def shown(self) -> list[R]:
        """Return the rows that fit the filter."""
        return list(self._shown)

    def place_of(self, number: int) -> int | None:
        """Return in which line of the table a row is shown, if it is."""
        place = self._place(number)
        return place if place < len(self._shown) and self._shown[place].number == number else None

    def _place(self, number: int) -> int:
        return bisect_left(self._shown, number, key=_number)

    def column_changed(self, column: int) -> None:
        """Show all cells of a column anew."""
        if self._shown:
            self.dataChanged.emit(self.index(0, column), self.index(len(self._shown) - 1, column))

    def cell(self, row: R, column: int) -> str:
        """Return the words of one cell."""
        raise NotImplementedError

    def tip(self, row: R, column: int) -> str | None:
        """Return what a cell tells who points at it."""
        raise NotImplementedError

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 — Qt's own signature
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 — Qt's own signature
        return 0 if parent.isValid() else len(self.COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self.COLUMNS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self._shown[index.row()]
        if role == self.RowRole:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return self.cell(row, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.tip(row, index.column())
        return None
