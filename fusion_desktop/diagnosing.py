"""Find out why a server does not work, and put it right: as an edit, as a command that is shown first, as a secret."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QInputDialog, QLineEdit, QWidget

from composite_runtime import secrets
from composite_runtime.events import ChildState
from composite_runtime.graph.model import Node, ServerNode
from fusion_desktop.actions import on_first
from fusion_desktop.dialogs.ask import ask
from fusion_desktop.document.document import Document
from fusion_desktop.panels.banner import Banner
from fusion_desktop.panels.doctor import DoctorPanel, Offer
from fusion_desktop.run.command import RuntimeCommand
from fusion_desktop.run.doctor import Doctor
from fusion_desktop.run.status import Status
from fusion_desktop.tasks import spawn

if TYPE_CHECKING:
    from composite_runtime.doctor import Check, Fix
    from composite_runtime.doctor.commands import Command

Guard = Callable[[Callable[[], object], Sequence[Node] | None], None]

_EDITED = {
    "use-absolute-path": "Use {}",
    "split-command": "Split the command line",
    "add-to-path": "Add {} to its PATH",
    "add-argument": "Add the argument {}",
    "pin-version": "Pin {}",
    "set-url": "Use {}",
    "set-transport": "Connect over {}",
    "set-era": "Let the revision be found out",
}
_COMMANDS = {
    "install": "Install {}…",
    "update": "Update {}…",
    "install-module": "Install it with pip…",
    "make-executable": "Make it executable…",
    "convert-line-ends": "Convert its line ends…",
    "start": "Start {}…",
    "join-group": "Join the group {}…",
}
_BY_HAND = {
    "choose-command": "Change the command…",
    "edit-arguments": "Change the arguments…",
    "set-url": "Change the URL…",
    "set-folder": "Change the folder…",
    "set-header": "Set the header…",
    "set-env": "Set {}…",
    "set-input": "Set {}…",
    "use-program": "Change the command…",
}
# By whether there is no keyring.
_KEPT = {False: "the system keyring", True: "a private file, since this system has no keyring"}
_LONGEST = 28
_NAMED = 4
_DOWN = frozenset({ChildState.FAILED, ChildState.RETRYING})
_SETTLE_MS = 700
"""Servers that fail together are told together."""


class Diagnosing(QObject):
    """Connects the doctor with the document; `guard` asks before a command is started for the first time."""

    shown = Signal()
    """The panel has something to show."""
    properties_wanted = Signal(str)
    """The id of a node that has to be changed by hand."""
    sign_in_wanted = Signal(str)
    """The id of a node somebody has to sign in to."""
    refused = Signal(str)

    def __init__(self, document: Document, guard: Guard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self._guard = guard
        self.doctor = Doctor(self)
        self._runner = RuntimeCommand(self)
        self._runner.told.connect(lambda _: None)
        self._runner.ended.connect(self._ran)
        self.panel = DoctorPanel(self.doctor, self._offers)
        self.panel.again_wanted.connect(self.again)
        self._node_id: str | None = None
        document.loaded.connect(self.doctor.stop)

    def handlers(self, selected: Callable[[], Sequence[str]]) -> dict[str, Callable[[], object]]:
        """Return what the action does to the one node that is selected."""
        return {"run.doctor": on_first(selected, self.examine)}

    def examine(self, node_id: str) -> None:
        """Examine a server, and show it."""
        node = self.document.node(node_id)
        if not isinstance(node, ServerNode):
            self.refused.emit("Only servers are examined; a composite works when its members do.")
            return
        self._node_id = node_id
        self.shown.emit()
        self._guard(lambda: self.doctor.examine(self.document.graph, node), [node])

    def again(self) -> None:
        """Examine the same server as it is now."""
        if self._node_id is not None and self.document.node(self._node_id) is not None:
            self.examine(self._node_id)

    def follow(self, status: Status, banner: Banner) -> None:
        """Tell in the banner which servers of a run do not come up, with a button that finds out why."""
        telling = QTimer(self, interval=_SETTLE_MS, singleShot=True)
        troubled: set[str] = set()
        told: set[str] = set()
        was_ready: set[str] = set()

        def look(node_id: str) -> None:
            now = status.of(node_id)
            if now.state is ChildState.READY:
                was_ready.add(node_id)
                troubled.discard(node_id)
            # One that was up and is started again is no news; the canvas shows it.
            elif now.state in _DOWN and now.action is None and node_id not in was_ready | told:
                troubled.add(node_id)
                telling.start()

        def forget() -> None:
            for one in (troubled, told, was_ready):
                one.clear()
            telling.stop()

        def tell() -> None:
            found = [node for one in sorted(troubled) if isinstance(node := self.document.node(one), ServerNode)]
            told.update(troubled)
            troubled.clear()
            if found:
                first = found[0]
                banner.tell(
                    _trouble(found, status.of(first.id).reason),
                    role="error",
                    choices=(("Find out why…", lambda: self.examine(first.id)),),
                )

        telling.timeout.connect(tell)
        status.changed.connect(look)
        status.reset.connect(forget)

    async def end(self) -> None:
        """Return when nothing runs any more."""
        await self._runner.end()
        await self.doctor.end()

    def _offers(self, node: ServerNode, check: "Check") -> list[Offer]:
        assert check.finding is not None
        no_keyring = check.finding.fault == "keyring-unavailable"
        found = [
            offer for fix in check.finding.fixes if (offer := self._offer(node, fix, in_file=no_keyring)) is not None
        ]
        return [Offer(offer.words, offer.about, offer.do, number == 0) for number, offer in enumerate(found)]

    def _offer(self, node: ServerNode, fix: "Fix", *, in_file: bool) -> Offer | None:
        from composite_runtime.doctor import repaired
        from composite_runtime.doctor.commands import command_for

        if repaired(node, fix) is not None:
            words = _cut(_EDITED.get(fix.action, fix.action).format(fix.value))
            return Offer(words, f"Changes {node.name}; can be undone", lambda: self._edit(node.id, fix, words))
        if fix.action == "set-secret":
            words, about = _cut(f"Enter {fix.value}…"), f"Stores it in {_KEPT[in_file]}"
            return Offer(words, about, lambda: self._ask_secret(fix.value, in_file=in_file))
        command = command_for(fix, node)
        if command is not None:
            words = _cut(_COMMANDS[fix.action].format(fix.value))
            return Offer(words, f"Shows the command first: {command}", lambda: self._ask_command(command))
        if fix.action == "sign-in":
            return Offer("Sign in…", "Opens your browser", lambda: self.sign_in_wanted.emit(node.id))
        if fix.action in _BY_HAND:
            words = _cut(_BY_HAND[fix.action].format(fix.value or "the variable"))
            return Offer(words, "Shows its properties", lambda: self.properties_wanted.emit(node.id))
        return None

    def _edit(self, node_id: str, fix: "Fix", words: str) -> None:
        """Apply a remedy to the node as it is now, in one step, and look again."""
        from composite_runtime.doctor import repaired

        node = self.document.node(node_id)
        changed = repaired(node, fix) if isinstance(node, ServerNode) else None
        if changed is None:
            self.refused.emit("That server is not in the graph any more, or is of another kind by now.")
            return
        graph = self.document.graph
        nodes = tuple(changed if one.id == node_id else one for one in graph.nodes)
        self.document.edit(f"Fix: {words}", graph.but(nodes=nodes))
        self.again()

    def _ask_command(self, command: "Command") -> None:
        text = str(command)
        answers: dict[str, Callable[[], object]] = {"Copy": lambda: QGuiApplication.clipboard().setText(text)}
        if command.can_run:
            answers["Run it"] = lambda: self._run(command)
        answers["Cancel"] = lambda: None
        default = "Run it" if command.can_run else "Copy"
        where = "It is run here, as you." if command.can_run else "Run it in a terminal, then check again."
        ask(self._window(), where, text, answers, default=default)

    def _run(self, command: "Command") -> None:
        self.panel.say(f"Running {command}", "muted")
        self._runner.run(command.words)

    def _ran(self, code: int, words: str) -> None:
        if code:
            self.panel.say(f"That failed: {words.splitlines()[-1] if words else f'exit code {code}'}", "error")
        else:
            self.again()

    def _ask_secret(self, name: str, *, in_file: bool) -> None:
        dialog = QInputDialog(self._window())
        dialog.setWindowTitle("Fusion")
        dialog.setLabelText(f"The value of the secret {name}. It goes into {_KEPT[in_file]}, never into the graph.")
        dialog.setTextEchoMode(QLineEdit.EchoMode.Password)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.textValueSelected.connect(
            lambda value: spawn(self._store(name, value, in_file=in_file), failed=self.refused.emit)
        )
        dialog.open()

    async def _store(self, name: str, value: str, *, in_file: bool) -> None:
        await asyncio.to_thread(secrets.store, name, value, in_file=in_file)
        self.again()

    def _window(self) -> QWidget:
        return self.panel.window()


def _trouble(nodes: Sequence[ServerNode], reason: str | None) -> str:
    if len(nodes) == 1:
        name = nodes[0].name
        if not reason:
            return f"{name} does not work."
        # Many a reason names the server itself.
        return reason if reason.startswith(f"{name} ") else f"{name} does not work: {reason}"
    names = ", ".join(node.name for node in nodes[:_NAMED])
    more = f" and {len(nodes) - _NAMED} more" if len(nodes) > _NAMED else ""
    return f"{len(nodes)} servers do not work: {names}{more}. The first: {reason or 'it does not answer'}"


def _cut(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
