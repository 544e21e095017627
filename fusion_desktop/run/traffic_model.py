"""The messages at all hops as a bounded table, filtered, each with what became of it; and the traces of calls."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from composite_runtime.events import CallFinished, CallRepeated, CallStarted
from fusion_desktop.run.trace import Span, Traces
from fusion_desktop.run.traffic import CLIENT, Kind, Outcome, Pairing, Row, Told, http_of, is_gone
from fusion_desktop.run.traffic_filter import TrafficFilter

LIMIT = 50_000
"""How many messages are kept."""
SIZE_LIMIT = 48 * 1024 * 1024
"""How many characters the kept messages may have together."""
FLUSH_MS = 100
"""How often news reach the table, however many there are."""

Index: TypeAlias = QModelIndex | QPersistentModelIndex

TIME, HOP, MESSAGE, STATUS, TOOK, SIZE = range(6)


class TrafficModel(QAbstractTableModel):
    """The newest messages as rows. Rows are looked up by their number, which counts all that were ever seen."""

    COLUMNS = ("Time", "Hop", "Message", "Status", "Took", "Size")
    RowRole = Qt.ItemDataRole.UserRole

    counted = Signal(int, int)
    """How many messages are shown, of how many."""
    call_changed = Signal(str)
    """More is known about a call."""

    def __init__(self, parent: QObject | None = None, *, limit: int = LIMIT, size_limit: int = SIZE_LIMIT) -> None:
        super().__init__(parent)
        self._limit = limit
        self._size_limit = size_limit
        self._size = 0
        self._rows: deque[Row] = deque()
        self._waiting: list[Row] = []
        self._changed: dict[int, Row] = {}
        self._calls: set[str] = set()
        self._shown: list[Row] = []
        self._numbers: list[int] = []
        self._filter = TrafficFilter()
        self._names: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        self._root = ""
        self._missed = 0
        self._is_paused = False
        self._pairing = Pairing(self.row, self._note)
        self.traces = Traces()
        self._flush = QTimer(self, interval=FLUSH_MS, singleShot=True)
        self._flush.timeout.connect(self.flush)

    # What comes in

    def take(self, told: Told) -> None:
        """Take in a message or an event."""
        if isinstance(told, tuple):
            self._add(self._pairing.frame(*told))
            return
        if isinstance(told, CallStarted | CallFinished | CallRepeated):
            self.traces.take(told)
            if not isinstance(told, CallStarted):
                self._pairing.span_over(told.span)
            self._calls.add(told.call)
            self._wake()
        elif is_gone(told):
            self._pairing.child_lost(told.node)  # type: ignore[attr-defined]  # it is a change of a child
        elif (http := http_of(told)) is not None:
            self._add(self._pairing.http(*http))

    def _add(self, row: Row | None) -> None:
        if row is not None:
            self._waiting.append(row)
            # What waits is found by its number, so it must not grow beyond what is kept.
            if len(self._waiting) > self._limit:
                del self._waiting[: len(self._waiting) - self._limit]
            self._wake()

    def _note(self, row: Row) -> None:
        self._changed[row.number] = row
        self._wake()

    def _wake(self) -> None:
        if not self._flush.isActive():
            self._flush.start()

    def row(self, number: int) -> Row | None:
        """Return a message by its number, if it is still kept."""
        for kept in (self._rows, self._waiting):
            if kept and kept[0].number <= number <= kept[-1].number:
                return kept[number - kept[0].number]
        return None

    def flush(self) -> None:
        """Show at once what came since the last time."""
        new, self._waiting = self._waiting, []
        changed, self._changed = self._changed, {}
        calls, self._calls = self._calls, set()
        for row in new:
            self._rows.append(row)
            self._size += row.size
            self.traces.see(row)
        while self._rows and (len(self._rows) > self._limit or self._size > self._size_limit):
            self._size -= self._rows.popleft().size
        if not self._is_paused:
            self._drop_forgotten()
            self._show_changed(changed)
            self._show(self._filter.choose(new) if self._filter.terms else new)
        calls |= {row.call for row in (*new, *changed.values()) if row.call}
        for call in calls:
            self.call_changed.emit(call)
        self._tell()

    def _drop_forgotten(self) -> None:
        first = self._rows[0].number if self._rows else 0
        gone = bisect_left(self._numbers, first) if self._rows else len(self._numbers)
        if gone:
            self.beginRemoveRows(QModelIndex(), 0, gone - 1)
            del self._shown[:gone], self._numbers[:gone]
            self.endRemoveRows()

    def _show(self, rows: list[Row]) -> None:
        first = self._rows[0].number if self._rows else 0
        rows = [row for row in rows if row.number >= first]
        if rows:
            self.beginInsertRows(QModelIndex(), len(self._shown), len(self._shown) + len(rows) - 1)
            self._shown += rows
            self._numbers += [row.number for row in rows]
            self.endInsertRows()

    def _show_changed(self, changed: Mapping[int, Row]) -> None:
        """Bring up to date what is shown of rows that are known better now; some fit only now, or no longer."""
        first, last = len(self._shown), -1
        for number, row in changed.items():
            place = bisect_left(self._numbers, number)
            is_shown = place < len(self._numbers) and self._numbers[place] == number
            fits = self._filter.is_settled or self._filter.fits(row)
            if is_shown and fits:
                first, last = min(first, place), max(last, place)
            elif is_shown:
                self.beginRemoveRows(QModelIndex(), place, place)
                del self._shown[place], self._numbers[place]
                self.endRemoveRows()
            elif fits and not self._filter.is_settled and self.row(number) is row:
                self.beginInsertRows(QModelIndex(), place, place)
                self._shown.insert(place, row)
                self._numbers.insert(place, number)
                self.endInsertRows()
        last = min(last, len(self._shown) - 1)
        if first <= last:
            self.dataChanged.emit(self.index(first, MESSAGE), self.index(last, TOOK))

    def _tell(self) -> None:
        self.counted.emit(len(self._shown), len(self._rows))

    def clear(self) -> None:
        """Forget every message and every trace."""
        self.beginResetModel()
        for kept in (self._rows, self._waiting, self._shown, self._numbers, self._changed, self._calls):
            kept.clear()
        self._size = self._missed = 0
        self._pairing.clear()
        self.traces.clear()
        self.endResetModel()
        self._tell()

    # What is shown

    @property
    def filter(self) -> TrafficFilter:
        """Which messages are shown."""
        return self._filter

    def set_filter(self, wanted: TrafficFilter) -> None:
        """Show the messages that fit another filter."""
        self._filter = wanted
        self._choose_anew()

    @property
    def is_paused(self) -> bool:
        """Whether the table stands still while messages are still collected."""
        return self._is_paused

    def set_paused(self, is_paused: bool) -> None:
        """Let the table stand still, or show what was collected meanwhile."""
        self._is_paused = is_paused
        if not is_paused:
            self._choose_anew()

    def _choose_anew(self) -> None:
        self.beginResetModel()
        self._shown = self._filter.choose(self._rows)
        self._numbers = [row.number for row in self._shown]
        self.endResetModel()
        self._tell()

    @property
    def missed(self) -> int:
        """How many messages and events were lost on the way here."""
        return self._missed

    def miss(self, count: int) -> None:
        """Take note that so much was lost on the way here."""
        self._missed += count
        self._tell()

    def set_graph(self, names: Mapping[str, str], parents: Mapping[str, str], root: str = "") -> None:
        """Show nodes by these names. `parents` says which composite a node is a member of, `root` which is served."""
        if (names, parents, root) == (self._names, self._parents, self._root):
            return
        self._names, self._parents, self._root = dict(names), dict(parents), root
        if self._shown:
            self.dataChanged.emit(self.index(0, HOP), self.index(len(self._shown) - 1, HOP))

    @property
    def names(self) -> Mapping[str, str]:
        """What nodes are called."""
        return self._names

    @property
    def parents(self) -> Mapping[str, str]:
        """Which composite each node is a member of, as far as it is known."""
        return self._parents

    @property
    def root(self) -> str:
        """The composite that is served, if it is known."""
        return self._root

    def name_of(self, node: str) -> str:
        """Return how a hop is shown."""
        return "Client" if node == CLIENT else self._names.get(node, node)

    def ends_of(self, row: Row) -> tuple[str, str]:
        """Return from where to where a message went, in names."""
        if row.hop == CLIENT:
            outer, inner = "Client", self.name_of(self._root) if self._root else "Composite"
        else:
            caller = self.traces.caller_of(row.span) or self._parents.get(row.hop) or self._root
            outer, inner = self.name_of(row.hop), self.name_of(caller) if caller else "Composite"
        return (outer, inner) if row.way == "in" else (inner, outer)

    def spans(self, call: str) -> tuple[Span, ...]:
        """Return what is known about a call, as a tree of spans in the order to be shown."""
        return self.traces.spans(call, self.name_of)

    def rows(self) -> list[Row]:
        """Return the messages that are kept, whatever the filter."""
        return [*self._rows, *self._waiting]

    def shown(self) -> list[Row]:
        """Return the messages that pass the filter."""
        return list(self._shown)

    def place_of(self, number: int) -> int | None:
        """Return in which line of the table a message is shown, if it is."""
        place = bisect_left(self._numbers, number)
        return place if place < len(self._numbers) and self._numbers[place] == number else None

    def load(self, told: Iterable[Told]) -> None:
        """Show a recording instead of what was here."""
        self.clear()
        for part in told:
            self.take(part)
        self.flush()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 — Qt's own signature
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 — Qt's own signature
        return 0 if parent.isValid() else len(self.COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self.COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section in {TOOK, SIZE}:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self._shown[index.row()]
        if role == self.RowRole:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return self.cell(row, index.column())
        if role == Qt.ItemDataRole.ToolTipRole and index.column() in {MESSAGE, HOP}:
            return " → ".join(self.ends_of(row)) if index.column() == HOP else row.preview
        return None

    def cell(self, row: Row, column: int) -> str:
        """Return the words of one cell."""
        match column:
            case 0:
                return datetime.fromtimestamp(row.at).strftime("%H:%M:%S.%f")[:-3]
            case 1:
                return " → ".join(self.ends_of(row))
            case 2:
                return "  ".join(part for part in (row.method or "answer to nothing", row.name, row.preview) if part)
            case 3:
                return status_words(row)
            case 4:
                return duration_words(row.milliseconds)
            case _:
                return size_words(row.size)


def status_words(row: Row) -> str:
    """Return in a few words what became of a request."""
    words = {
        Outcome.PENDING: "Waiting",
        Outcome.OK: "OK",
        Outcome.ERROR: "Error",
        Outcome.FAILED: "Tool failed",
        Outcome.CANCELLED: "Cancelled",
        Outcome.LOST: "No answer",
    }
    said = words[row.outcome] if row.outcome is not None else ""
    if row.kind is Kind.HTTP:
        return str(row.code or said)
    if row.code is not None:
        said = f"{said} {row.code}"
    status = row.http.get("status") if row.http is not None else None
    return said if status in {None, 200, 202} else f"{said} · HTTP {status}".strip(" ·")


def duration_words(milliseconds: float | None) -> str:
    """Return a time as a person reads it."""
    if milliseconds is None:
        return ""
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.1f} s"


def size_words(size: int) -> str:
    """Return a length as a person reads it."""
    if not size:
        return ""
    return f"{size} B" if size < 1000 else f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"
