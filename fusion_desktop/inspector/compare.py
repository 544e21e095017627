"""The same call made twice, of a node directly and through the composite, with both results side by side."""

import asyncio
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from composite_runtime.errors import FusionError
from fusion_desktop import theme
from fusion_desktop.inspector.side_by_side import SideBySide
from fusion_desktop.inspector.values import DraftError, json_text, parse_json, same
from fusion_desktop.run.frames import Json, JsonObject, Outcome
from fusion_desktop.run.session import InspectorSession, SessionState
from fusion_desktop.tasks import spawn

_OPEN_S = 60.0
"""So long a node may take to start."""
_OWN = {"io.modelcontextprotocol/serverInfo", "io.modelcontextprotocol/related-task"}


@dataclass(frozen=True)
class Side:
    """One of the two ways to make the call."""

    title: str
    session: InspectorSession
    method: str
    params: JsonObject


class CompareDialog(QDialog):
    """Makes a call both ways, one after the other, and shows in what the results differ."""

    def __init__(self, left: Side, right: Side, parent: QWidget) -> None:
        super().__init__(parent)
        self._sides = (left, right)
        self._task: asyncio.Task[None] | None = None
        self.setWindowTitle(f"{left.params.get(key_of(left.method))} – direct and through the composite")
        self.resize(960, 600)
        self._build()
        self.finished.connect(self._stop)
        self.again()

    @property
    def is_running(self) -> bool:
        """Whether an answer is awaited."""
        return self._task is not None

    @property
    def verdict(self) -> str:
        """Whether the results are the same, in words."""
        return self._verdict.text()

    def again(self) -> None:
        """Make both calls."""
        self._stop()
        self._again.setEnabled(False)
        self._texts.show_texts("", "")
        self._tell("Calling…", "muted")
        for words in self._words:
            words.setText("waiting")
        self._task = spawn(self._call(), failed=self._fail)

    def _build(self) -> None:
        self._verdict = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        heads = QGridLayout()
        heads.setHorizontalSpacing(2 * theme.GRID)
        heads.setVerticalSpacing(0)
        self._words = (QLabel(), QLabel())
        for column, (side, words) in enumerate(zip(self._sides, self._words, strict=True)):
            title = QLabel(side.title, textFormat=Qt.TextFormat.PlainText)
            title.setFont(theme.font(bold=True))
            words.setProperty("role", "caption")
            heads.addWidget(title, 0, column)
            heads.addWidget(words, 1, column)
            heads.setColumnStretch(column, 1)
        self._texts = SideBySide()
        buttons = QDialogButtonBox()
        self._again = QPushButton("Call again")
        self._again.clicked.connect(self.again)
        buttons.addButton(self._again, QDialogButtonBox.ButtonRole.ActionRole)
        close = buttons.addButton("Close", QDialogButtonBox.ButtonRole.RejectRole)
        close.setDefault(True)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * theme.GRID, 4 * theme.GRID, 4 * theme.GRID, 4 * theme.GRID)
        layout.setSpacing(3 * theme.GRID)
        layout.addWidget(self._verdict)
        layout.addLayout(heads)
        layout.addWidget(self._texts, 1)
        layout.addWidget(buttons)
        theme.signals.changed.connect(self._colour)
        self._role = "muted"

    async def _call(self) -> None:
        # One after the other: two at once could disturb each other on the same server.
        outcomes = []
        for side, words in zip(self._sides, self._words, strict=True):
            words.setText("starting…" if side.session.state is not SessionState.OPEN else "calling…")
            await _opened(side)
            words.setText("calling…")
            outcome = await side.session.tasks.settled(await side.session.send(side.method, side.params))
            words.setText(_told(outcome))
            outcomes.append(outcome)
        self._show(*outcomes)
        self._end()

    def _show(self, left: Outcome, right: Outcome) -> None:
        one, two = _value(left), _value(right)
        texts = json_text(_opened_up(one)), json_text(_opened_up(two))
        if not same(one, two) and texts[0] == texts[1]:
            texts = json_text(one), json_text(two)
        self._texts.show_texts(*texts)
        count = self._texts.differing
        if count:
            self._tell(f"The results differ in {count} line{'s' if count > 1 else ''}.", "warning")
            self._texts.show_first_difference()
        else:
            self._tell("The results are the same.", "ready")

    def _fail(self, message: str) -> None:
        self._tell(message, "error")
        self._end()

    def _end(self) -> None:
        self._task = None
        self._again.setEnabled(True)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _tell(self, words: str, role: str) -> None:
        self._role = role
        self._verdict.setText(words)
        self._colour()

    def _colour(self) -> None:
        self._verdict.setStyleSheet(f"color: {getattr(theme.current(), self._role)};")


async def _opened(side: Side) -> None:
    """Return once the node can be called."""
    session = side.session
    changed = asyncio.Event()

    def wake(*_: object) -> None:
        changed.set()

    session.state_changed.connect(wake)
    session.listed.connect(wake)
    try:
        async with asyncio.timeout(_OPEN_S):
            while session.state is not SessionState.OPEN or not _is_listed(side):
                if session.state is SessionState.LOST:
                    raise FusionError(f"{side.title} cannot be reached: {session.reason}")
                changed.clear()
                await changed.wait()
    except TimeoutError:
        if session.state is not SessionState.OPEN:
            raise FusionError(f"{side.title} did not start within {_OPEN_S:.0f} s.") from None
    finally:
        session.state_changed.disconnect(wake)
        session.listed.disconnect(wake)


def key_of(method: str) -> str:
    """Return which parameter says what is used: the URI of a resource, the name of everything else."""
    return "uri" if method == "resources/read" else "name"


def _is_listed(side: Side) -> bool:
    """Whether the node has said that it offers what shall be called; a child may still be starting."""
    kind = {"tools/call": "tools", "prompts/get": "prompts"}.get(side.method)
    if kind is None:
        # A template may make what no list holds; so it is enough that the node has said what it has.
        return any(side.session.listing(kind).items for kind in ("resources", "templates"))
    return any(item["name"] == side.params.get("name") for item in side.session.listing(kind).items)


def _value(outcome: Outcome) -> Json:
    if outcome.result is None:
        return {"error": outcome.error}
    # Who answered, and in which task, is never the same.
    meta = {key: value for key, value in (outcome.result.get("_meta") or {}).items() if key not in _OWN}
    result = {key: value for key, value in outcome.result.items() if key != "_meta"}
    return {**result, "_meta": meta} if meta else result


def _opened_up(value: Json) -> Json:
    """Return a value in which texts stand line by line, and JSON in a text as that JSON."""
    if isinstance(value, dict):
        return {key: _opened_up(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_opened_up(part) for part in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            inner = parse_json(value)
        except DraftError:
            inner = value
        return inner
    return value.split("\n") if isinstance(value, str) and "\n" in value else value


def _told(outcome: Outcome) -> str:
    what = "refused" if outcome.error is not None else "reported an error" if outcome.is_failure else "answered"
    return f"{what} after {outcome.milliseconds:.1f} ms"
