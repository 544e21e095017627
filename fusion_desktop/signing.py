"""Remote servers that want somebody to sign in: say so, do it, and undo it."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt, Signal, SignalInstance
from PySide6.QtWidgets import QMainWindow

from composite_runtime.graph.check import Level, Problem
from composite_runtime.graph.model import ServerNode, StdioTransport
from fusion_desktop.actions import on_first
from fusion_desktop.document.document import Document
from fusion_desktop.panels.banner import Banner
from fusion_desktop.panels.node_page import NodePage
from fusion_desktop.panels.problems import ProblemsPanel
from fusion_desktop.run.status import Status
from fusion_desktop.tasks import spawn


class Signing(QObject):
    """Follows which nodes want a person; `window` is what its dialog opens over."""

    needs_changed = Signal(list)
    """A problem for each server that waits for somebody to sign in."""
    said = Signal(str)
    refused = Signal(str)
    changed = Signal()
    """Somebody has signed in or out."""

    def __init__(self, document: Document, status: Status, window: QMainWindow) -> None:
        super().__init__(window)
        self._document = document
        self._status = status
        self._window = window
        self._waiting: frozenset[str] = frozenset()
        self._banner: Banner | None = None
        self._words = ""
        status.changed.connect(lambda _: self._look())
        status.reset.connect(self._look)
        document.edited.connect(self._look)

    def show_in(self, banner: Banner, problems: ProblemsPanel, page: NodePage, *askers: SignalInstance) -> None:
        """Tell what is needed in these; sign in when they want it, or one of the other signals."""
        self._banner = banner
        self.refused.connect(lambda text: banner.tell(text, role="error"))
        self.said.connect(lambda text: self._window.statusBar().showMessage(text, 4000))
        self.needs_changed.connect(problems.show_needs)
        self.changed.connect(page.show_sign_in)
        page.sign_in.sign_out_wanted.connect(self.sign_out)
        for wanted in (page.sign_in.sign_in_wanted, problems.sign_in_wanted, *askers):
            wanted.connect(self.sign_in)

    def handlers(self, selected: Callable[[], Sequence[str]]) -> dict[str, Callable[[], object]]:
        """Return what the actions do to the one node that is selected."""
        return {
            "run.sign_in": on_first(selected, self.sign_in),
            "run.sign_out": on_first(selected, self.sign_out),
        }

    def is_remote(self, node_id: str) -> bool:
        """Say whether a node is a server one may have to sign in to."""
        node = self._document.node(node_id)
        return isinstance(node, ServerNode) and not isinstance(node.transport, StdioTransport)

    def sign_in(self, node_id: str) -> None:
        """Open the window that signs in to the server of a node."""
        node = self._remote(node_id)
        if node is None:
            return
        # Imported here because few sessions sign in to anything.
        from fusion_desktop.dialogs.sign_in import SignInDialog

        dialog = SignInDialog(node, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.signed_in.connect(lambda _: self.changed.emit())
        dialog.open()

    def sign_out(self, node_id: str) -> None:
        """Forget the sign-in to the server of a node."""
        node = self._remote(node_id)
        if node is not None:
            spawn(self._sign_out(node), failed=self.refused.emit)

    async def _sign_out(self, node: ServerNode) -> None:
        from composite_runtime.auth.sign_in import key_of, sign_out

        was_there = await sign_out(key_of(node))
        self.said.emit(f"Signed out of {node.name}" if was_there else f"Nobody was signed in to {node.name}")
        self.changed.emit()

    def _remote(self, node_id: str) -> ServerNode | None:
        node = self._document.node(node_id)
        if isinstance(node, ServerNode) and self.is_remote(node_id):
            return node
        self.refused.emit("Only remote servers want somebody to sign in.")
        return None

    def _look(self) -> None:
        waiting = {
            node_id: node
            for node_id, status in self._status.nodes().items()
            if status.action == "sign-in" and isinstance(node := self._document.node(node_id), ServerNode)
        }
        if waiting.keys() == self._waiting:
            return
        new = waiting.keys() - self._waiting
        self._waiting = frozenset(waiting)
        self.needs_changed.emit([_problem(node, self._status.of(node_id).reason) for node_id, node in waiting.items()])
        if new:
            self._tell(list(waiting.values()))
        elif not waiting and self._banner is not None and self._banner.text == self._words:
            self._banner.hide()

    def _tell(self, nodes: list[ServerNode]) -> None:
        if self._banner is None:
            return
        first, names = nodes[0], ", ".join(node.name for node in nodes)
        if len(nodes) == 1:
            self._words, words = f"{names} wants you to sign in.", "Sign in…"
        else:
            self._words, words = f"{len(nodes)} servers want you to sign in: {names}.", f"Sign in to {first.name}…"
        self._banner.tell(self._words, choices=((words, lambda: self.sign_in(first.id)),))


def _problem(node: ServerNode, reason: str | None) -> Problem:
    again = " again" if reason and "again" in reason else ""
    more = " for more rights" if reason and "more rights" in reason else ""
    return Problem(
        Level.WARNING,
        "sign-in",
        node.id,
        f"{node.name} wants you to sign in{again}{more}",
        "It opens in your browser, and what runs uses it at once.",
    )
