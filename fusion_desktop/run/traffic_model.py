"""The messages at all hops as a bounded table, filtered, each with what became of it; and the traces of calls."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Qt, Signal

from composite_runtime.events import CallFinished, CallRepeated, CallStarted
from fusion_desktop.run.alone import ALONE, marked, words_for
from fusion_desktop.run.rows import NewestRows
from fusion_desktop.run.trace import Span, Traces
from fusion_desktop.run.traffic import CLIENT, Kind, Outcome, Pairing, Row, Told, http_of, is_gone
from fusion_desktop.run.traffic_filter import TrafficFilter

LIMIT = 50_000
"""How many messages are kept."""
SIZE_LIMIT = 48 * 1024 * 1024
"""How many characters the kept messages may have together."""
FLUSH_MS = 100
"""How often news reach the table, however many there are."""

TIME, HOP, MESSAGE, STATUS, TOOK, SIZE = range(6)


class TrafficModel(NewestRows[Row, TrafficFilter]):
    """The newest messages as rows. Rows are looked up by their number, which counts all that were ever seen."""

    COLUMNS = ("Time", "Hop", "Message", "Status", "Took", "Size")

    call_changed = Signal(str)
    """More is known about a call."""
    tools_listed = Signal(object)
    """A `Row` in which a node says which tools it has."""

    def __init__(self, parent: QObject | None = None, *, limit: int = LIMIT, size_limit: int = SIZE_LIMIT) -> None:
        super().__init__(TrafficFilter(), parent, limit=limit, size_limit=size_limit, flush_ms=FLUSH_MS)
        self._changed: dict[int, Row] = {}
        self._calls: set[str] = set()
        self._names: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        self._root = ""
        self._missed = 0
        self._pairing = Pairing(self.row, self._note)
        self.traces = Traces()

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
            self.wake()
        elif is_gone(told):
            self._pairing.child_lost(told.node)  # type: ignore[attr-defined]  # it is a change of a child
        elif (http := http_of(told)) is not None:
            self._add(self._pairing.http(*http))

    def _add(self, row: Row | None) -> None:
        if row is not None:
            self.add(row)

    def _note(self, row: Row) -> None:
        self._changed[row.number] = row
        self.wake()

    def row(self, number: int) -> Row | None:
        """Return a message by its number, if it is still kept."""
        for kept in (self._kept, self._waiting):
            if kept and kept[0].number <= number <= kept[-1].number:
                return kept[number - kept[0].number]
        return None

    def flush(self) -> None:
        """Show at once what came since the last time."""
        changed, self._changed = self._changed, {}
        calls, self._calls = self._calls, set()
        new = self.keep()
        for row in changed.values():
            self.traces.note(row)
        for row in new:
            self.traces.see(row)
            if row.method == "tools/list" and row.kind is Kind.RESPONSE and row.hop != CLIENT:
                self.tools_listed.emit(row)
        if not self._is_paused:
            self.drop_forgotten()
            self._show_changed(changed)
        self.show_new(new)
        calls |= {row.call for row in (*new, *changed.values()) if row.call}
        for call in calls:
            self.call_changed.emit(call)

    def _show_changed(self, changed: Mapping[int, Row]) -> None:
        """Bring up to date what is shown of rows that are known better now; some fit only now, or no longer."""
        first, last = len(self._shown), -1
        for number, row in changed.items():
            place = self._place(number)
            is_shown = place < len(self._shown) and self._shown[place].number == number
            fits = self._filter.is_settled or self._filter.fits(row)
            if is_shown and fits:
                first, last = min(first, place), max(last, place)
            elif is_shown:
                self.beginRemoveRows(QModelIndex(), place, place)
                del self._shown[place]
                self.endRemoveRows()
            elif fits and not self._filter.is_settled and self.row(number) is row:
                self.beginInsertRows(QModelIndex(), place, place)
                self._shown.insert(place, row)
                self.endInsertRows()
        last = min(last, len(self._shown) - 1)
        if first <= last:
            self.dataChanged.emit(self.index(first, MESSAGE), self.index(last, TOOK))

    def clear(self) -> None:
        """Forget every message and every trace."""
        self._changed.clear()
        self._calls.clear()
        self._missed = 0
        self._pairing.clear()
        self.traces.clear()
        super().clear()

    # What is shown

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
        self.column_changed(HOP)

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
        named = {CLIENT: "Client", ALONE: "Alone"}
        return self._names.get(node) or named.get(node, node)

    def ends_of(self, row: Row) -> tuple[str, str]:
        """Return from where to where a message went, in names."""
        if row.alone:
            outer, inner = self.name_of(row.hop), words_for(marked(ALONE, row.alone), self.name_of)
        elif row.hop == CLIENT:
            outer, inner = "Client", self.name_of(self._root) if self._root else "Composite"
        else:
            caller = self.traces.caller_of(row.span) or self._parents.get(row.hop) or self._root
            outer, inner = self.name_of(row.hop), self.name_of(caller) if caller else "Composite"
        return (outer, inner) if row.way == "in" else (inner, outer)

    def spans(self, call: str) -> tuple[Span, ...]:
        """Return what is known about a call, as a tree of spans in the order to be shown."""
        return self.traces.spans(call, self.name_of)

    def request(self, request_id: str) -> Row | None:
        """Return the newest message at the client's hop by which a call of this id was made, or went on."""
        for row in reversed(self.rows()):
            is_asked = row.hop == CLIENT and row.kind is Kind.REQUEST and bool(row.call)
            # A call that goes on after a question is another request, whose id begins alike.
            if is_asked and isinstance(row.id, str) and f"{row.id}.".startswith(f"{request_id}."):
                return row
        return None

    def rows(self) -> list[Row]:
        """Return the messages that are kept, whatever the filter."""
        return [*self._kept, *self._waiting]

    def load(self, told: Iterable[Told]) -> None:
        """Show a recording instead of what was here."""
        self.clear()
        for part in told:
            self.take(part)
        self.flush()

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole and section in {TOOK, SIZE}:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return super().headerData(section, orientation, role)

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

    def tip(self, row: Row, column: int) -> str | None:
        """Return the whole of what may be cut."""
        if column == HOP:
            return self.cell(row, HOP)
        return row.preview if column == MESSAGE else None


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
