"""The inspector of any node: the running composite, an inner composite, or one server alone; and both compared."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from composite_runtime.errors import FusionError
from composite_runtime.events import Event, Ready
from composite_runtime.graph.model import CompositeNode, Graph
from fusion_desktop import theme
from fusion_desktop.assets import icon
from fusion_desktop.inspector.answers import Answers
from fusion_desktop.inspector.compare import CompareDialog, Side, key_of
from fusion_desktop.inspector.pages import Page
from fusion_desktop.inspector.panel import InspectorPanel
from fusion_desktop.run.direct import Direct, Directs
from fusion_desktop.run.frames import JsonObject
from fusion_desktop.run.names import Origin, origins, readers
from fusion_desktop.run.session import InspectorSession, SessionState

_RUNNING = "Running composite"
_WAYS = 20
"""No menu offers more ways to make a call."""


class Inspector(QWidget):
    """A chooser of what is inspected above the panel of what was chosen."""

    refused = Signal(str)
    """Words why a node cannot be inspected."""
    save_wanted = Signal(object, object)
    """The call with this `Outcome` shall be saved, with the id of the node if it was called alone."""
    trace_wanted = Signal(object)
    """The trace of the call with this `Outcome` shall be shown."""

    def __init__(
        self,
        session: InspectorSession,
        directs: Directs,
        answers: Answers | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.answers = answers or Answers(self)
        self._session = session
        self._directs = directs
        self._served: str | None = None
        self._panels: dict[str, InspectorPanel] = {}
        self.panel = InspectorPanel(session, self.answers)
        self._build()
        self._offer_comparison(self.panel, None)
        self.panel.save_wanted.connect(lambda outcome: self.save_wanted.emit(outcome, None))
        self.panel.trace_wanted.connect(self.trace_wanted)
        directs.listed.connect(self._fill)
        directs.opened.connect(self._add)
        directs.closed.connect(self._remove)
        # The panels have heard it before, and may have answered it as the user has settled it.
        session.asked.connect(lambda question: self.show_running() if question.is_open else None)
        self._fill()

    @property
    def current(self) -> InspectorPanel:
        """The panel of what is inspected now."""
        panel = self._stack.currentWidget()
        assert isinstance(panel, InspectorPanel)
        return panel

    def take(self, event: Event) -> None:
        """Note which composite runs."""
        if isinstance(event, Ready):
            self._served = event.composite

    def show_running(self) -> None:
        """Inspect what runs."""
        self._chooser.setCurrentIndex(0)

    def inspect(self, node_id: str) -> bool:
        """Inspect a node alone; tell whether it can be."""
        self._chooser.setCurrentIndex(max(0, self._chooser.findData(node_id)))
        return bool(self._chooser.currentData() == node_id)

    def panel_of(self, node_id: str) -> InspectorPanel | None:
        """Return the panel of a node that is inspected alone."""
        return self._panels.get(node_id)

    def _build(self) -> None:
        self._chooser = QComboBox()
        self._chooser.setAccessibleName("What is inspected")
        self._chooser.setToolTip("Inspect what runs, or one node alone")
        self._chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._chooser.setMinimumContentsLength(10)
        self._chooser.currentIndexChanged.connect(lambda _: self._choose())
        self._stop = QToolButton()
        self._stop.setIcon(icon("stop", "muted"))
        self._stop.setToolTip("Stop inspecting this node alone")
        self._stop.setAccessibleName("Stop inspecting this node")
        self._stop.clicked.connect(self._close_current)
        head = QHBoxLayout()
        head.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 2 * theme.GRID, 0)
        head.addWidget(self._chooser, 1)
        head.addWidget(self._stop)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.panel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._stack, 1)

    def _fill(self) -> None:
        """Offer the nodes of the graph, composites before servers."""
        chosen = self._chooser.currentData()
        self._chooser.blockSignals(True)
        self._chooser.clear()
        self._chooser.addItem(icon("run", "muted"), _RUNNING, None)
        graph = self._directs.graph
        nodes = sorted(graph.nodes, key=lambda node: not isinstance(node, CompositeNode)) if graph is not None else []
        for node in nodes:
            kind = "composite" if isinstance(node, CompositeNode) else "server"
            self._chooser.addItem(icon(kind, "muted"), f"{node.name} alone", node.id)
        self._chooser.setCurrentIndex(max(0, self._chooser.findData(chosen)))
        self._chooser.blockSignals(False)
        if self._chooser.currentData() != chosen:
            self._choose()
        self._stop.setVisible(self._chooser.currentIndex() > 0)

    def _choose(self) -> None:
        node_id = self._chooser.currentData()
        panel = self.panel
        if isinstance(node_id, str):
            try:
                panel = self._panels[self._directs.open(node_id).node_id]
            except FusionError as error:
                self.refused.emit(error.message)
                self._chooser.setCurrentIndex(0)
                return
        self._stack.setCurrentWidget(panel)
        self._stop.setVisible(panel is not self.panel)

    def _add(self, direct: Direct) -> None:
        panel = InspectorPanel(direct.session, self.answers)
        self._panels[direct.node_id] = panel
        panel.save_wanted.connect(lambda outcome: self.save_wanted.emit(outcome, direct.node_id))
        panel.trace_wanted.connect(self.trace_wanted)
        self._stack.addWidget(panel)

        def tell() -> None:
            panel.show_trouble(f"{direct.name} does not run", direct.trouble)

        direct.changed.connect(tell)
        panel.set_waiting(f"{direct.name} alone", "It is started by itself, beside whatever else runs.")
        # A call of the comparison may ask something, which only this panel can answer.
        direct.session.asked.connect(lambda question: self.inspect(direct.node_id) if question.is_open else None)
        self._offer_comparison(panel, direct)

    def _remove(self, direct: Direct) -> None:
        panel = self._panels.pop(direct.node_id, None)
        if panel is None:
            return
        if self._stack.currentWidget() is panel:
            self._chooser.setCurrentIndex(0)
            self._stack.setCurrentWidget(self.panel)
        self._stack.removeWidget(panel)
        # Until it has stopped it may still tell something.
        direct.destroyed.connect(panel.deleteLater)

    def _close_current(self) -> None:
        node_id = self._chooser.currentData()
        if isinstance(node_id, str):
            self._directs.close(node_id)

    def _offer_comparison(self, panel: InspectorPanel, direct: Direct | None) -> None:
        for page in (panel.tools, panel.prompts, panel.resources, panel.templates):
            menu = QMenu(page)
            menu.aboutToShow.connect(lambda page=page, menu=menu: self._fill_comparison(page, menu, direct))
            page.add_menu("Compare", "Make the same call of a node directly and through the composite", menu)

    def _fill_comparison(self, page: Page, menu: QMenu, direct: Direct | None) -> None:
        menu.clear()
        ready = page.ready()
        graph = self._directs.graph
        if ready is None or graph is None or self._session.state is not SessionState.OPEN or self._served is None:
            words = "Fill in the arguments first" if self._session.state is SessionState.OPEN else "Press Run first"
            menu.addAction(words).setEnabled(False)
            return
        method, params = ready
        key = key_of(method)
        found = self._pairs(graph, page.kind, str(params.get(key)), direct)
        for origin, public in found[:_WAYS]:
            name = f"{origin.node_name} · {origin.own_name}"
            words = f"with {origin.node_name if key == 'uri' else name}"
            if direct is not None:
                words = f"with {public}, as it runs"
            menu.addAction(words, partial(self.compare, origin, public, method, params))
        if not found:
            menu.addAction("No other way leads to it").setEnabled(False)

    def _pairs(self, graph: Graph, kind: str, name: str, direct: Direct | None) -> list[tuple[Origin, str]]:
        """Return the ways to make a call: a node with its own name for it, and the name in what runs."""
        assert self._served is not None
        if kind in {"resources", "templates"}:
            return self._reading(graph, name, direct)
        if direct is None:
            return [(origin, name) for origin in origins(graph, self._served, name)]
        return [
            (origin, item["name"])
            for item in self._session.listing(kind).items
            for origin in origins(graph, self._served, item["name"])
            if origin.node_id == direct.node_id and origin.own_name == name
        ]

    def _reading(self, graph: Graph, uri: str, direct: Direct | None) -> list[tuple[Origin, str]]:
        """Return the ways to read a resource; who is known not to list it is left out."""
        assert self._served is not None
        if direct is None:
            return [
                (origin, uri)
                for origin in readers(graph, self._served, uri)
                if (known := self._directs.of(origin.node_id)) is None or _may_have(known.session, origin.own_name)
            ]
        publics = {uri, *(item["uri"] for item in self._session.listing("resources").items)}
        return [
            (origin, public)
            for public in sorted(publics)
            for origin in readers(graph, self._served, public)
            if origin.node_id == direct.node_id and origin.own_name == uri
        ]

    def compare(self, origin: Origin, public: str, method: str, params: JsonObject) -> CompareDialog | None:
        """Make a call of a node directly and through what runs, and show both results."""
        try:
            direct = self._directs.open(origin.node_id)
        except FusionError as error:
            self.refused.emit(error.message)
            return None
        if "task" in params:
            for session in (direct.session, self._session):
                session.speak(is_legacy=True)  # only older clients ask for one
        server = self._session.server
        through = server.title if server is not None else _RUNNING
        key, own = key_of(method), origin.own_name
        left = Side(f"{origin.node_name} · {own}", direct.session, method, {**params, key: own})
        right = Side(f"{through} · {public}", self._session, method, {**params, key: public})
        dialog = CompareDialog(left, right, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        return dialog


def _may_have(session: InspectorSession, uri: str) -> bool:
    """Whether a node may have a resource: it lists it, makes some from templates, or has not said anything yet."""
    listed = [item["uri"] for item in session.listing("resources").items]
    return not listed or uri in listed or bool(session.listing("templates").items)
