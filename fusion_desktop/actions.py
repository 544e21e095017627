"""All that can be done, in one table: menus, toolbar, context menus, palette and key sheet are made from it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from fusion_desktop import assets
from fusion_desktop.keymap import Command, Keymap
from fusion_desktop.menu_table import SUBMENUS


@dataclass(frozen=True)
class Situation:
    """What decides whether an action makes sense now."""

    nodes: int = 0
    annotations: int = 0
    edges: int = 0
    composites: int = 0
    remotes: int = 0
    shown: int = 0
    can_undo: bool = False
    can_redo: bool = False
    can_paste: bool = False
    is_running: bool = False
    is_attached: bool = False
    is_inside: bool = False


When = Callable[[Situation], bool]


def _always(_: Situation) -> bool:
    return True


def _nodes(now: Situation) -> bool:
    return now.nodes > 0


def _things(now: Situation) -> bool:
    return now.nodes + now.annotations > 0


def _several(now: Situation) -> bool:
    return now.nodes + now.annotations > 1


def _three(now: Situation) -> bool:
    return now.nodes + now.annotations > 2


def _annotations(now: Situation) -> bool:
    return now.annotations > 0


def _composites(now: Situation) -> bool:
    return now.composites > 0


def _one(now: Situation) -> bool:
    return now.nodes == 1 and not now.edges and not now.annotations


def _one_thing(now: Situation) -> bool:
    return now.nodes + now.annotations == 1 and not now.edges


def _composite(now: Situation) -> bool:
    return now.nodes == 1 and now.composites == 1


def _any(now: Situation) -> bool:
    return now.nodes + now.annotations + now.edges > 0


def _shown(now: Situation) -> bool:
    return now.shown > 0


@dataclass(frozen=True)
class Spec:
    """One action. Keys with scope `canvas` act only while the canvas has the focus, so that typing stays typing."""

    id: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str | None = None
    when: When = field(default=_always, repr=False)
    scope: str = "window"
    mac_keys: tuple[str, ...] | None = None
    help: str = ""


TABLE: tuple[Spec, ...] = (
    Spec("file.new", "New", ("Ctrl+N",), "new"),
    Spec("file.open", "Open…", ("Ctrl+O",), "folder-open"),
    Spec("file.save", "Save", ("Ctrl+S",), "save"),
    Spec("file.save_as", "Save as…", ("Ctrl+Shift+S",)),
    Spec(
        "file.export",
        "Export to a client…",
        ("Ctrl+E",),
        "export",
        _shown,
        help="Enter the composite into an MCP client",
    ),
    Spec("file.import", "Import from clients…", ("Ctrl+Shift+I",), "import", help="Take over servers of other clients"),
    Spec("file.secrets", "Secrets…", (), "key", help="See, store and delete secrets"),
    Spec("file.registry", "Search the registry…", (), "globe", help="Find servers in the MCP Registry"),
    Spec("file.picture", "Save as a picture…", ("Ctrl+Shift+E",), "page", _shown, help="PNG, SVG or Mermaid text"),
    Spec("file.versions", "Earlier versions…", (), "history", help="See and restore what was saved before"),
    Spec("file.preferences", "Preferences…", ("Ctrl+,",), "settings", help="Looks and keys"),
    Spec("file.quit", "Quit", ("Ctrl+Q",)),
    Spec("edit.undo", "Undo", ("Ctrl+Z",), "undo", lambda now: now.can_undo),
    Spec("edit.redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", lambda now: now.can_redo, mac_keys=("Ctrl+Shift+Z",)),
    Spec("edit.cut", "Cut", ("Ctrl+X",), "cut", _things, "canvas"),
    Spec("edit.copy", "Copy", ("Ctrl+C",), "copy", _things, "canvas"),
    Spec("edit.paste", "Paste", ("Ctrl+V",), "paste", lambda now: now.can_paste, "canvas"),
    Spec(
        "edit.paste_wired",
        "Paste with wires",
        ("Ctrl+Shift+V",),
        None,
        lambda now: now.can_paste,
        "canvas",
        help="Copies are connected with what their originals are connected with",
    ),
    Spec("edit.duplicate", "Duplicate", ("Ctrl+D",), "duplicate", _things, "canvas"),
    Spec("edit.delete", "Delete", ("Del", "Backspace"), "trash", _any, "canvas"),
    Spec(
        "edit.delete_reconnect",
        "Delete and reconnect",
        ("Ctrl+Del", "Ctrl+Backspace"),
        None,
        _nodes,
        "canvas",
        help="Members of a deleted composite join the composites it was in",
    ),
    Spec("edit.rename", "Rename", ("F2",), "rename", _one_thing, "canvas"),
    Spec("select.all", "Select all", ("Ctrl+A",), None, _shown, "canvas"),
    Spec("select.none", "Select nothing", ("Ctrl+Shift+A",), None, _any, "canvas"),
    Spec("select.invert", "Invert selection", ("Ctrl+I",), None, _shown, "canvas"),
    Spec("select.members", "Select all members", ("Alt+S, U",), None, _nodes, "canvas"),
    Spec("select.composites", "Select all composites around", ("Alt+S, D",), None, _nodes, "canvas"),
    Spec("select.connected", "Select all connected", ("Alt+S, C",), None, _nodes, "canvas"),
    Spec("go.left", "Go to the node on the left", ("Left",), None, _shown, "canvas"),
    Spec("go.right", "Go to the node on the right", ("Right",), None, _shown, "canvas"),
    Spec("go.up", "Go to the node above", ("Up",), None, _shown, "canvas"),
    Spec("go.down", "Go to the node below", ("Down",), None, _shown, "canvas"),
    Spec("extend.left", "Select also the node on the left", ("Ctrl+Shift+Left",), None, _nodes, "canvas"),
    Spec("extend.right", "Select also the node on the right", ("Ctrl+Shift+Right",), None, _nodes, "canvas"),
    Spec("extend.up", "Select also the node above", ("Ctrl+Shift+Up",), None, _nodes, "canvas"),
    Spec("extend.down", "Select also the node below", ("Ctrl+Shift+Down",), None, _nodes, "canvas"),
    Spec("move.left", "Move left", ("Shift+Left",), None, _things, "canvas"),
    Spec("move.right", "Move right", ("Shift+Right",), None, _things, "canvas"),
    Spec("move.up", "Move up", ("Shift+Up",), None, _things, "canvas"),
    Spec("move.down", "Move down", ("Shift+Down",), None, _things, "canvas"),
    Spec("nudge.left", "Nudge left", ("Alt+Left",), None, _things, "canvas"),
    Spec("nudge.right", "Nudge right", ("Alt+Right",), None, _things, "canvas"),
    Spec("nudge.up", "Nudge up", ("Alt+Up",), None, _things, "canvas"),
    Spec("nudge.down", "Nudge down", ("Alt+Down",), None, _things, "canvas"),
    Spec("graph.add", "Add…", ("Tab", "Shift+A"), "plus", _always, "canvas", help="Find a server and add it"),
    Spec("graph.composite", "New composite", ("Shift+C",), "composite", _always, "canvas"),
    Spec("graph.group", "Group into a composite", ("Ctrl+G",), "group", _nodes, "canvas"),
    Spec("graph.ungroup", "Ungroup", ("Ctrl+Shift+G",), "ungroup", _composite, "canvas"),
    Spec("graph.enter", "Enter composite", ("Ctrl+Down",), "enter", _composite, "canvas"),
    Spec("graph.leave", "Leave composite", ("Ctrl+Up",), "leave", lambda now: now.is_inside, "canvas"),
    Spec("wire.connect", "Connect to…", ("C",), "link", _nodes, "canvas", help="Choose what offers the selection"),
    Spec("wire.disconnect", "Disconnect from…", ("Shift+X",), None, _nodes, "canvas", help="End a membership"),
    Spec("wire.nest", "Move into…", ("Shift+I",), None, _nodes, "canvas", help="Choose where the selection lies"),
    Spec("wire.add", "Add connected…", ("Shift+Tab",), None, _one, "canvas", help="Add a node wired to this one"),
    Spec("wire.next", "Select the next wire", ("W",), None, _shown, "canvas"),
    Spec("graph.properties", "Edit properties", ("Return", "Enter"), "properties", _any, "canvas"),
    Spec("graph.toggle", "Enable or disable", ("D",), "power", _nodes, "canvas"),
    Spec(
        "graph.bypass",
        "Bypass",
        ("B",),
        "bypass",
        _composites,
        "canvas",
        help="Let what it is in offer its members directly, or no longer",
    ),
    Spec("graph.collapse", "Collapse or expand", ("Alt+C",), "collapse", _composites, "canvas"),
    Spec("graph.lock", "Lock or unlock", ("L",), "lock", _things, "canvas", help="Not to be moved or deleted by hand"),
    Spec(
        "graph.frame", "Frame", ("Ctrl+Shift+F",), "frame", _always, "canvas", help="A region around what is selected"
    ),
    Spec("graph.note", "Note", ("N",), "note", _always, "canvas", help="Words in Markdown"),
    Spec("colour.grey", "Colour grey", (), None, _annotations, "canvas"),
    Spec("colour.blue", "Colour blue", (), None, _annotations, "canvas"),
    Spec("colour.green", "Colour green", (), None, _annotations, "canvas"),
    Spec("colour.amber", "Colour amber", (), None, _annotations, "canvas"),
    Spec("colour.red", "Colour red", (), None, _annotations, "canvas"),
    Spec("colour.violet", "Colour violet", (), None, _annotations, "canvas"),
    Spec("graph.tidy", "Tidy up", ("Shift+Alt+T",), "tidy", _shown, "canvas"),
    Spec("align.left", "Align left edges", ("Alt+A, L",), None, _several, "canvas"),
    Spec("align.right", "Align right edges", ("Alt+A, R",), None, _several, "canvas"),
    Spec("align.top", "Align top edges", ("Alt+A, T",), None, _several, "canvas"),
    Spec("align.bottom", "Align bottom edges", ("Alt+A, B",), None, _several, "canvas"),
    Spec("align.middle", "Align in a row", ("Alt+A, M",), None, _several, "canvas", help="Middles at one height"),
    Spec("align.centre", "Align in a column", ("Alt+A, C",), None, _several, "canvas", help="Middles above each other"),
    Spec("distribute.across", "Distribute across", ("Alt+A, H",), None, _three, "canvas", help="Equal gaps in a row"),
    Spec("distribute.down", "Distribute down", ("Alt+A, V",), None, _three, "canvas", help="Equal gaps in a column"),
    Spec("view.zoom_in", "Zoom in", ("Ctrl+=", "Ctrl++"), "zoom-in"),
    Spec("view.zoom_out", "Zoom out", ("Ctrl+-",), "zoom-out"),
    Spec("view.zoom_reset", "True size", ("Ctrl+0",)),
    Spec("view.fit", "Show all", ("Ctrl+1", "Home"), "fit", _shown, "canvas"),
    Spec("view.fit_selection", "Show the selection", ("Ctrl+2", "F"), None, _any, "canvas"),
    Spec("view.find", "Find in graph", ("Ctrl+F",), "magnifier", _shown),
    Spec("view.full_screen", "Full screen", ("F11",), None, mac_keys=("Meta+Ctrl+F",)),
    Spec("panel.catalogue", "Catalogue", ("Ctrl+Shift+1",), "catalogue"),
    Spec("panel.minimap", "Map", ("Ctrl+Shift+2",), "minimap"),
    Spec("panel.properties", "Properties", ("Ctrl+Shift+3",), "properties"),
    Spec("panel.inspector", "Inspector", ("Ctrl+Shift+4",), "inspect"),
    Spec("panel.history", "History", ("Ctrl+Shift+5",), "history"),
    Spec("panel.log", "Log", ("Ctrl+Shift+6",), "log"),
    Spec("panel.problems", "Problems", ("Ctrl+Shift+7",), "warning"),
    Spec("panel.calls", "Calls", ("Ctrl+Shift+8",), "history"),
    Spec("panel.traffic", "Traffic", ("Ctrl+Shift+9",), "send"),
    Spec("panel.doctor", "Doctor", ("Ctrl+Alt+1",), "inspect"),
    Spec("panel.drift", "Changes", ("Ctrl+Alt+2",), "refresh"),
    Spec("panel.next", "Next panel", ("F6",)),
    Spec("panel.previous", "Previous panel", ("Shift+F6",)),
    Spec("run.start", "Run", ("F5",), "run", lambda now: now.shown > 0 and not now.is_running, mac_keys=("Ctrl+R",)),
    Spec("run.attach", "Attach to a running composite…", (), "eye", lambda now: not now.is_running),
    Spec("run.detach", "Stop watching", (), "close", lambda now: now.is_attached),
    Spec("run.recording", "Open recorded traffic…", (), "history"),
    Spec("run.stop", "Stop", ("Shift+F5",), "stop", lambda now: now.is_running, mac_keys=("Ctrl+.",)),
    Spec(
        "run.inspect",
        "Inspect alone",
        ("I",),
        "inspect",
        _one,
        "canvas",
        help="Try out what this node offers by itself",
    ),
    Spec(
        "run.save_call", "Save the last call…", (), "save", help="Keep it beside the graph, with what is expected of it"
    ),
    Spec(
        "run.drift",
        "What changed…",
        (),
        "history",
        lambda now: _one(now) and not now.composites,
        "canvas",
        help="Show what a server offers anew, no longer or otherwise since that was accepted",
    ),
    Spec(
        "run.doctor",
        "Find out why…",
        ("Shift+D",),
        "help",
        lambda now: _one(now) and not now.composites,
        "canvas",
        help="Examine a server that does not work, step by step",
    ),
    Spec("run.log", "Show its log", (), "log", _one, help="Show what this node has said, and nothing else"),
    Spec(
        "run.traffic",
        "Show its traffic",
        (),
        "send",
        lambda now: _one(now) and not now.composites,
        help="Show the messages from and to this server, and nothing else",
    ),
    Spec(
        "run.sign_in",
        "Sign in…",
        (),
        "key",
        lambda now: _one(now) and now.remotes == 1,
        "canvas",
        help="Sign in to a remote server in the browser",
    ),
    Spec("run.sign_out", "Sign out", (), None, lambda now: _one(now) and now.remotes == 1, "canvas"),
    Spec("help.palette", "All commands…", ("Ctrl+Shift+P", "Ctrl+K"), "palette"),
    Spec("help.keys", "Keys", ("?", "F1"), "keyboard", _always, "canvas"),
    Spec("help.about", "About Fusion"),
)


class Actions(QObject):
    """The table as Qt actions. Whoever can do one of them says so with `bind`."""

    def __init__(self, window: QWidget, canvas: QWidget, keymap: Keymap) -> None:
        super().__init__(window)
        self._made: dict[str, QAction] = {spec.id: self._make(spec, window, canvas) for spec in TABLE}
        self.rebind(keymap)

    def _make(self, spec: Spec, window: QWidget, canvas: QWidget) -> QAction:
        made = QAction(spec.text, self)
        made.setObjectName(spec.id)
        made.setStatusTip(spec.help)
        if spec.icon:
            made.setIcon(assets.icon(spec.icon))
        if spec.scope == "canvas":
            made.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            canvas.addAction(made)
        else:
            window.addAction(made)
        return made

    def rebind(self, keymap: Keymap) -> None:
        """Give every action the keys it has in a keymap."""
        self.keymap = keymap
        for spec in TABLE:
            made = self._made[spec.id]
            made.setShortcuts([QKeySequence(key) for key in keymap.keys(spec.id)])
            shortcut = made.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            made.setToolTip(f"{spec.help or spec.text.rstrip('…')}  {shortcut}".strip())

    def __getitem__(self, name: str) -> QAction:
        """Return the action with this id."""
        return self._made[name]

    def __iter__(self) -> Iterator[QAction]:
        """Return all actions in the order of the table."""
        return iter(self._made.values())

    def with_icons(self) -> Iterator[tuple[QAction, str | None]]:
        """Return each action with the name of its icon."""
        return ((self._made[spec.id], spec.icon) for spec in TABLE)

    def bind(self, handlers: Mapping[str, Callable[[], object]]) -> None:
        """Say what does each of these actions."""
        for name, handler in handlers.items():
            self._made[name].triggered.connect(lambda _checked=False, do=handler: do())

    def update(self, now: Situation) -> None:
        """Enable what makes sense now."""
        for spec in TABLE:
            self._made[spec.id].setEnabled(spec.when(now))

    def fill(self, menu: QMenu, names: Sequence[str], extra: Mapping[str, QMenu] | None = None) -> None:
        """Put actions into a menu; an empty name is a line, one with a star a menu from `extra`."""
        for name in names:
            if not name:
                menu.addSeparator()
            elif name.startswith("*"):
                if extra and name in extra:
                    menu.addMenu(extra[name])
                elif name in SUBMENUS:
                    title, inner = SUBMENUS[name]
                    self.fill(menu.addMenu(title), inner)
            else:
                menu.addAction(self._made[name])


def on_first(selected: Callable[[], Sequence[str]], do: Callable[[str], object]) -> Callable[[], object]:
    """Return what does something to the first of what is selected, or nothing if nothing is any more."""

    def act() -> None:
        for node_id in selected()[:1]:
            do(node_id)

    return act


def commands(*, is_mac: bool) -> tuple[Command, ...]:
    """Return the table as what keys can be given to."""
    return tuple(
        Command(
            spec.id,
            spec.text.rstrip("…"),
            GROUPS[spec.id.partition(".")[0]],
            keys_of(spec, is_mac=is_mac),
            spec.scope == "canvas",
        )
        for spec in TABLE
    )


def key_sheet(keymap: Keymap) -> dict[str, list[tuple[str, str]]]:
    """Return all commands that have keys, with their keys as the platform writes them, by group."""
    sheet: dict[str, list[tuple[str, str]]] = {}
    for command in keymap.commands:
        if keys := keymap.native(command.id):
            sheet.setdefault(command.group, []).append((command.text, keys))
    return sheet


GROUPS = {
    "file": "File",
    "edit": "Edit",
    "select": "Select",
    "go": "Go about",
    "extend": "Select",
    "wire": "Wires",
    "panel": "Panels",
    "move": "Move",
    "nudge": "Move",
    "graph": "Graph",
    "colour": "Graph",
    "align": "Arrange",
    "distribute": "Arrange",
    "view": "View",
    "run": "Run",
    "help": "Help",
}
"""What the first word of an action's id means."""


def keys_of(spec: Spec, *, is_mac: bool) -> tuple[str, ...]:
    """Return the keys of an action on a platform; in Qt's words Ctrl is the Command key of a Mac."""
    return spec.mac_keys if is_mac and spec.mac_keys is not None else spec.keys
