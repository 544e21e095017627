"""Scenes of the window as pictures, and as text that says what is on them.

`python -m tests.fusion_desktop.scenes FOLDER [--theme dark] [--update]` saves every scene as a PNG into a folder, with
`QT_SCALE_FACTOR=2` for sharp ones, and with `--update` its text to `tests/data/scenes`.
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from composite_runtime import paths
from composite_runtime.events import Log
from composite_runtime.graph import edit
from composite_runtime.graph.model import Box, Graph
from fusion_desktop import theme
from fusion_desktop.app import Program
from fusion_desktop.canvas.access import Access
from fusion_desktop.canvas.state import State
from fusion_desktop.dialogs.export import ExportDialog
from fusion_desktop.dialogs.picture import PictureDialog
from fusion_desktop.settings import Settings
from tests.fusion_desktop.graphs import composite, graph, server

TWINS = Path(__file__).parents[1] / "data" / "scenes"
LISTED = 4
"""How many entries of a list are written down; the catalogue and the sheet of keys grow all the time."""
DETAILS = {
    "ready": "12 tools",
    "busy": "12 tools",
    "retrying": "Again in 4 s: it ended with code 1",
    "failed": "npx is not on the PATH",
    "quarantined": "Its tools changed",
}
_ROLES = {
    QAccessible.Role.Button: "button",
    QAccessible.Role.CheckBox: "check box",
    QAccessible.Role.ComboBox: "choice",
    QAccessible.Role.EditableText: "field",
    QAccessible.Role.StaticText: "text",
    QAccessible.Role.PageTab: "tab",
    QAccessible.Role.ListItem: "item",
    QAccessible.Role.TreeItem: "item",
    QAccessible.Role.Cell: "cell",
    QAccessible.Role.ButtonMenu: "menu button",
}
LINES = 48
"""How many lines tell what a scene is; the sheet of keys would go on."""
_CHANGING = (
    (re.compile(r"\d\d:\d\d:\d\d(\.\d+)?"), "hh:mm:ss"),
    (re.compile(r"\d+(\.\d+)? (ms|s)\b"), "n s"),
    (re.compile(r"Version \d\S*"), "Version n"),
    (re.compile(r" \(not found here\)"), ""),
)


def nested() -> Graph:
    """Return a composite within a composite, a wire from outside, and a server that is off."""
    return graph(
        (composite("dev", "Dev tools"), (360, 40, 620, 460)),
        (composite("git", "Git"), (400, 120, 300, 260)),
        (server("repo", "Repository"), (440, 200)),
        (server("issues", "Issues"), (440, 290)),
        (server("files", "Files").but(enabled=False), (730, 140)),
        (server("time", "Time"), (40, 200)),
        edges="git>dev repo>git issues>git files>dev time>dev time>git",
    )


def states() -> Graph:
    """Return a server for each state."""
    boxes = [(server(state.value, state.look.words), (n % 2 * 260, n // 2 * 90)) for n, state in enumerate(State)]
    return graph(*boxes)


def _show(program: Program, drawn: Graph) -> None:
    program.document.load(drawn)
    program.window.editing.fit()


def _example(program: Program) -> None:
    program.window.filing.open_example()


def _nested(program: Program) -> None:
    _show(program, nested())


def _entered(program: Program) -> None:
    _show(program, nested())
    program.window.editing.enter("git")


def _selected(program: Program) -> None:
    _show(program, nested())
    program.window.scene.select(["repo", "git"], [("time", "dev")])


def _states(program: Program) -> None:
    _show(program, states())
    for state in State:
        detail = DETAILS.get(state.value, "")
        program.window.scene.show_state(state.value, state, detail)


def _error(program: Program) -> None:
    _show(program, nested())
    program.window.show_error("first.fusion cannot be read: line 4 is no JSON. Nothing was changed.")


def _wire(program: Program) -> None:
    _show(program, nested())
    program.window.scene.select([], [("time", "dev")])


def _action(name: str, *select: str) -> Callable[[Program], None]:
    def do(program: Program) -> None:
        _show(program, nested())
        program.window.scene.select(select)
        program.window.enabling.refresh()
        program.window.actions_table[name].trigger()

    return do


def _panel(name: str) -> Callable[[Program], None]:
    def do(program: Program) -> None:
        broken = edit.add_node(nested(), server("extra", "Repository"), Box(x=40, y=400))
        _show(program, broken)
        program.log.append(Log(level="info", source="repo", message="Repository server running on stdio"))
        program.log.append(Log(level="warning", source="issues", message="Rate limit: 12 calls are left"))
        program.log.append(Log(level="error", source="runtime", message="Files cannot start: npx is not on the PATH"))
        program.window.focus.show(name)

    return do


def _export(program: Program) -> None:
    folder = Path(tempfile.mkdtemp(prefix="scene-"))
    _show(program, nested())
    program.file.save(folder / "dev.fusion")
    dialog = ExportDialog(folder / "dev.fusion", program.window)
    dialog.open()


def _picture(program: Program) -> None:
    _action("file.picture", "dev")(program)
    dialog = program.window.findChild(PictureDialog)
    assert isinstance(dialog, PictureDialog)
    # It begins with the look of the window.
    dialog.look.setCurrentIndex(dialog.look.findData("light"))


def _versions(program: Program) -> None:
    _show(program, nested())
    folder = Path(tempfile.mkdtemp(prefix="scene-"))
    program.file.save(folder / "dev.fusion")
    program.window.scene.select(["issues"])
    program.window.editing.delete()
    program.file.save()
    program.window.actions_table["file.versions"].trigger()


SCENES: dict[str, Callable[[Program], None]] = {
    "welcome": lambda program: None,
    "example": _example,
    "nested": _nested,
    "entered": _entered,
    "selected": _selected,
    "wire": _wire,
    "states": _states,
    "error": _error,
    "commands": _action("help.palette"),
    "add": _action("graph.add"),
    "connect": _action("wire.connect", "files"),
    "keys": _action("help.keys"),
    "problems": _panel("problems"),
    "inspector": _panel("inspector"),
    "log": _panel("log"),
    "export": _export,
    "import": _action("file.import"),
    "preferences": _action("file.preferences"),
    "picture": _picture,
    "versions": _versions,
}


async def settle() -> None:
    """Let layouts, what is delayed, and what is read in the background come to an end."""
    for _ in range(3):
        await asyncio.sleep(0.03)


async def stage(name: str, settings: Settings) -> Program:
    """Return a program that shows a scene."""
    program = Program(settings)
    program.window.show()
    await settle()
    SCENES[name](program)
    await settle()
    return program


async def clear(program: Program) -> None:
    """Close a program that showed a scene."""
    for dialog in dialogs(program):
        dialog.reject()
    program.document.undo_stack.setClean()
    program.window.close()
    await program.end()
    program.window.deleteLater()
    program.deleteLater()


def dialogs(program: Program) -> list[QDialog]:
    """Return the dialogs that are open."""
    return [dialog for dialog in program.window.findChildren(QDialog) if dialog.isVisible()]


def shown(program: Program) -> QWidget:
    """Return what the picture is of: the dialog that is open, else the window."""
    return next(iter(dialogs(program)), program.window)


def twin(program: Program) -> str:
    """Return what is on the picture in words: names, states and places, but no sizes that hang on a font."""
    top = shown(program)
    lines = [f"window: {top.windowTitle()}"]
    if top is program.window:
        lines += _canvas(program)
        palette = program.window.finding.palette
        if palette.isVisible():
            lines += ["palette:", f"  prompt: {palette.search.placeholderText()}"]
            model = palette.list.model()
            rows = [model.index(row, 0) for row in range(min(LISTED, model.rowCount()))]
            lines += [f"  entry: {row.data()}" for row in rows]
        for name, dock in program.window.docks.items():
            if dock.isVisible() and not dock.visibleRegion().isEmpty():
                lines += [f"panel {name}:", *_widgets(dock.widget(), 1)]
    else:
        lines += _widgets(top, 1)
    text = "\n".join(lines[:LINES]) + "\n"
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    text = re.sub(r"\S*scene-\w+", "FOLDER", text)
    return text.replace(str(Path.home()), "HOME").replace(os.environ.get("FUSION_HOME", "\0"), "FUSION")


def _canvas(program: Program) -> Iterator[str]:
    window = program.window
    access = window.findChild(Access)
    assert isinstance(access, Access)
    yield "canvas:"
    for item in access.shown():
        chosen = " (selected)" if item.isSelected() else ""
        yield f"  {access.describe(item)} at {item.pos().x():.0f},{item.pos().y():.0f}{chosen}"
    for edge in sorted(window.scene.edge_items, key=lambda edge: edge.ends):
        if edge.isVisible():
            yield f"  wire from {edge.ends[0]} to {edge.ends[1]}{' (selected)' if edge.is_chosen else ''}"
    if window.banner.isVisible():
        yield from ("banner:", *_widgets(window.banner, 1))
    if window.welcome.isVisible():
        yield from ("welcome:", *_widgets(window.welcome, 1))


def _widgets(top: QWidget | None, depth: int) -> Iterator[str]:
    interface = QAccessible.queryAccessibleInterface(top) if top is not None else None
    if interface is not None:
        yield from _read(interface, depth)


def _read(interface: QAccessibleInterface, depth: int) -> Iterator[str]:
    state, role = interface.state(), interface.role()
    name = interface.text(QAccessible.Text.Name) or interface.text(QAccessible.Text.Value)
    # Whether a row of tabs has to be scrolled hangs on the font.
    if state.invisible or name in {"Scroll Left", "Scroll Right"}:
        return
    if (word := _ROLES.get(role)) is not None and name.strip():
        signs = ", ".join(sign for sign in ("disabled", "checked") if getattr(state, sign))
        words = name.strip().replace("\n", " / ")
        yield f"{'  ' * depth}{word}: {words}{f' ({signs})' if signs else ''}"
        depth += 1
    if role in {QAccessible.Role.ComboBox, QAccessible.Role.EditableText}:
        return
    count = interface.childCount()
    if role in {QAccessible.Role.List, QAccessible.Role.Tree, QAccessible.Role.Table}:
        count = min(count, LISTED)
    for number in range(count):
        if (child := interface.child(number)) is not None:
            yield from _read(child, depth)


async def _main(folder: Path, look: str, update: bool, names: list[str]) -> None:
    theme.apply(look)
    for name in names or SCENES:
        with tempfile.TemporaryDirectory() as scratch:
            os.environ["FUSION_HOME"] = str(Path(scratch) / "fusion")
            program = await stage(name, Settings(Path(scratch) / "desktop.ini"))
            ratio = program.window.devicePixelRatioF()
            shown(program).grab().save(str(folder / f"{name}-{look}-{ratio:.0f}x.png"))
            (folder / f"{name}-{look}-{ratio:.0f}x.txt").write_text(twin(program), encoding="utf-8")
            if update:
                TWINS.mkdir(parents=True, exist_ok=True)
                (TWINS / f"{name}.txt").write_text(twin(program), encoding="utf-8")
            await clear(program)
            await settle()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Save pictures of the window.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--theme", default="light", choices=sorted(theme.THEMES))
    parser.add_argument("--update", action="store_true", help="renew the texts the tests compare with")
    told = parser.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_API"] = "pyside6"
    import qasync

    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    # A home of nobody: the import and export dialogs look around in it.
    with tempfile.TemporaryDirectory() as nobody, qasync.QEventLoop(app) as loop:
        os.environ["HOME"] = nobody
        assert paths.resource("examples").exists()
        loop.run_until_complete(_main(told.folder, told.theme, told.update, told.names))
