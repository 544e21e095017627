"""The inspector dock: what the running composite offers, to be tried out as any client would."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QTabWidget, QToolButton, QVBoxLayout, QWidget

from fusion_desktop import theme
from fusion_desktop.assets import icon
from fusion_desktop.inspector.answers import Answers
from fusion_desktop.inspector.pages import Page, PromptPage, ResourcePage, TemplatePage, ToolPage
from fusion_desktop.inspector.questions import Questions
from fusion_desktop.inspector.room import Yielding
from fusion_desktop.inspector.server_page import ServerPage
from fusion_desktop.inspector.task_page import TaskPage
from fusion_desktop.run.frames import JsonObject
from fusion_desktop.run.session import InspectorSession, SessionState

_ICON_TAB = 12 * theme.GRID
_TASK_TAB = 14 * theme.GRID
_BESIDE_QUESTION = 48 * theme.GRID
_PADDING = 8
"""To the left and right of a tab's words."""


class InspectorPanel(QWidget):
    """Everything the running composite offers, to be tried out."""

    save_wanted = Signal(object)
    """The call with this `Outcome` shall be saved."""
    trace_wanted = Signal(object)
    """The trace of the call with this `Outcome` shall be shown."""

    def __init__(
        self, session: InspectorSession, answers: Answers | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.answers = answers or Answers(self)
        self.questions = Questions(self.answers)
        self.tools = ToolPage(session)
        self.resources = ResourcePage(session)
        self.prompts = PromptPage(session)
        self.templates = TemplatePage(session)
        pages = (self.tools, self.resources, self.templates, self.prompts)
        self._waiting: tuple[str, str] | None = None
        self._trouble: tuple[str, str] | None = None
        self._titles: dict[str, str] = {}
        self._older = 0
        self._pages: dict[str, Page] = {page.kind: page for page in pages}
        self.server = ServerPage(session, self.answers)
        self.tasks = TaskPage(session)
        self.tasks.counted.connect(self._show_tasks)
        for result in (*(page.result for page in pages), self.tasks.result):
            result.trace_wanted.connect(self.trace_wanted)
        self.tasks.result.save_wanted.connect(self.save_wanted)
        for page in pages:
            page.call.set_answers(self.answers)
            page.result.save_wanted.connect(self.save_wanted)
        self._build()
        self.answers.changed.connect(self._settle)
        self._settle()
        self.questions.counted.connect(self._make_room)
        session.asked.connect(self.questions.add)
        session.withdrawn.connect(self.questions.withdraw)
        session.state_changed.connect(self._show_state)
        session.listed.connect(self._count)
        self._show_state(session.state, session.reason)

    @property
    def session(self) -> InspectorSession:
        """The connection whose offers are shown."""
        return self._session

    def show_tool(self, name: str) -> bool:
        """Select a tool, and tell whether it is offered."""
        self.tabs.setCurrentWidget(self.tools)
        self.tools.offers.search.clear()
        return self.tools.offers.select(name)

    def set_waiting(self, title: str, words: str) -> None:
        """Say something else while there is no connection."""
        self._waiting = (title, words)
        self._show_state(self._session.state, self._session.reason)

    def show_older(self, count: int) -> None:
        """Say that so many tools are offered to older clients only."""
        self._older = count
        self._show_protocol()

    def show_trouble(self, title: str, words: str) -> None:
        """Say why what is inspected does not answer; no words when it does."""
        self._trouble = (title, words) if words else None
        self._show_state(self._session.state, self._session.reason)

    def show_call(self, method: str, params: JsonObject, *, is_sent: bool = False) -> bool:
        """Show a call in its form, and send it if wanted; tell whether it is offered."""
        kind, key = _PLACES.get(method, ("", ""))
        page = self._pages.get(kind)
        if page is None or not page.fill(str(params.get(key)), params.get("arguments") or {}):
            return False
        page.set_meta(params.get("_meta"))
        if isinstance(page, ToolPage):
            page.as_task.setChecked("task" in params or not page.as_task.isEnabled())
        self.tabs.setCurrentWidget(page)
        if is_sent:
            if page.call.is_running:
                page.call.cancel()
            page.send()
        return True

    def _build(self) -> None:
        self._server = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._server.setFont(theme.font(bold=True))
        self._words = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._words.setProperty("role", "caption")
        again = QToolButton()
        again.setIcon(icon("refresh", "muted"))
        again.setToolTip("Ask the server anew what it offers")
        again.setAccessibleName("Refresh what is offered")
        again.clicked.connect(lambda: self._session.refresh())
        self._again = again
        lines = QVBoxLayout()
        lines.setSpacing(0)
        lines.addWidget(self._server)
        lines.addWidget(self._words)
        head = QHBoxLayout()
        head.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 2 * theme.GRID, 0)
        head.addLayout(lines, 1)
        head.addWidget(again, 0, Qt.AlignmentFlag.AlignTop)
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.setUsesScrollButtons(False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideRight)
        self.tabs.setAccessibleName("What the composite offers")
        for kind, page in self._pages.items():
            self.tabs.addTab(page, kind.capitalize())
        self.tabs.addTab(self.tasks, icon("clock", "muted"), "")
        self.tabs.addTab(self.server, icon("settings", "muted"), "")
        self.tabs.setTabToolTip(self.tabs.indexOf(self.server), "About the server, roots and saved answers")
        self.tabs.tabBar().setAccessibleTabName(self.tabs.indexOf(self.server), "Server")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.GRID)
        layout.addLayout(head)
        layout.addWidget(self._build_protocol())
        asked = QVBoxLayout()
        asked.setContentsMargins(2 * theme.GRID, 0, 2 * theme.GRID, 0)
        asked.addWidget(self.questions)
        layout.addLayout(asked)
        self._below = Yielding(self.tabs, least=_BESIDE_QUESTION)
        layout.addWidget(self._below, 1)

    def _build_protocol(self) -> QWidget:
        self._spoken = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._spoken.setProperty("role", "muted")
        self._speak = QPushButton()
        self._speak.clicked.connect(lambda: self._session.speak(is_legacy=not self._session.speaks_legacy))
        self._strip = QWidget()
        row = QHBoxLayout(self._strip)
        row.setContentsMargins(3 * theme.GRID, 0, 2 * theme.GRID, 0)
        row.setSpacing(2 * theme.GRID)
        row.addWidget(self._spoken, 1)
        row.addWidget(self._speak, 0, Qt.AlignmentFlag.AlignTop)
        return self._strip

    def _show_protocol(self) -> None:
        """Offer to speak as older clients do when they see more, and to end that."""
        server, is_older = self._session.server, self._session.speaks_legacy
        is_open = self._session.state is SessionState.OPEN and server is not None
        self._strip.setVisible(is_open and (is_older or (self._older > 0 and server is not None and server.is_modern)))
        if is_older:
            self._spoken.setText("Shown as clients of 2025-11-25 see it.")
            self._speak.setText("See the newest")
        else:
            one = self._older == 1
            self._spoken.setText(f"{self._older} more tool{' runs' if one else 's run'} only as a task of 2025-11-25.")
            self._speak.setText("Show it" if one else "Show them")

    def _show_state(self, state: SessionState, reason: str) -> None:
        server = self._session.server
        if self._trouble is not None:
            self._server.setText(self._trouble[0])
            self._words.setText(self._trouble[1])
        elif state is SessionState.OPEN and server is not None:
            self._server.setText(server.title)
            self._words.setText(f"MCP {server.revision}")
        else:
            title, words = self._waiting if self._waiting and state is SessionState.CLOSED else _WORDS[state]
            self._server.setText(title)
            self._words.setText(reason or words)
        self._again.setEnabled(state is SessionState.OPEN)
        self._show_protocol()
        for kind in self._pages:
            self._count(kind)
        self._show_tasks()

    def _show_tasks(self) -> None:
        """Show that there are tasks, or may be, and how many are under way."""
        tab, count = self.tabs.indexOf(self.tasks), self.tasks.under_way
        self.tabs.setTabVisible(tab, self.tasks.is_wanted)
        self.tabs.setTabText(tab, str(count) if count else "")
        self.tabs.setTabIcon(tab, icon("clock", "busy" if count else "muted"))
        self.tabs.setTabToolTip(tab, f"Tasks: {count} under way" if count else "Tasks: calls the server answers later")
        self.tabs.tabBar().setAccessibleTabName(tab, f"Tasks, {count} under way" if count else "Tasks")
        self._show_titles()

    def _make_room(self) -> None:
        """Let a question take the room of what lies below it: the window must not get higher than the screen."""
        self._below.set_yielding(bool(self.questions.waiting))

    def _settle(self) -> None:
        self._session.set_roots(self.answers.roots)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_titles()

    def _show_titles(self) -> None:
        """Count what is offered on the tabs, where there is room for it."""
        metrics = QFontMetrics(theme.font())
        room = self.width() - 2 * theme.GRID - _ICON_TAB - (_TASK_TAB if self.tasks.is_wanted else 0)
        needed = sum(metrics.horizontalAdvance(title) + 2 * _PADDING + 2 for title in self._titles.values())
        padding = _PADDING if needed <= room else theme.GRID
        # The first title stands where everything below it begins.
        first = 3 * theme.GRID - padding
        bare = sum(metrics.horizontalAdvance(kind.capitalize()) + 2 * padding + 2 for kind in self._titles)
        size = theme.BODY if min(needed, bare) <= room else theme.CAPTION
        style = (
            f"QTabBar {{ font-size: {size}px; }}"
            f"QTabBar::tab {{ padding-left: {padding}px; padding-right: {padding}px; }}"
            f"QTabBar::tab:first {{ margin-left: {first}px; }}"
        )
        # Of the bar alone: the results on the pages have tabs of their own.
        if self.tabs.tabBar().styleSheet() != style:
            self.tabs.tabBar().setStyleSheet(style)
        for kind, title in self._titles.items():
            mark = " ⚠" if self._session.listing(kind).broken else ""
            shown = title if needed <= room else kind.capitalize()
            self.tabs.setTabText(self.tabs.indexOf(self._pages[kind]), f"{shown}{mark}")

    def _count(self, kind: str) -> None:
        if (page := self._pages.get(kind)) is None:
            return
        listing = self._session.listing(kind)
        tab = self.tabs.indexOf(page)
        self._titles[kind] = f"{kind.capitalize()} {len(listing.items)}" if listing.items else kind.capitalize()
        self._show_titles()
        self.tabs.setTabToolTip(tab, "\n".join(("Not usable:", *listing.broken)) if listing.broken else "")


_PLACES = {"tools/call": ("tools", "name"), "prompts/get": ("prompts", "name"), "resources/read": ("resources", "uri")}
_WORDS = {
    SessionState.CLOSED: ("Nothing is running", "Press Run; then what a client would see can be tried out here."),
    SessionState.CONNECTING: ("Connecting…", ""),
    SessionState.LOST: ("The connection is lost", ""),
    SessionState.OPEN: ("", ""),
}
