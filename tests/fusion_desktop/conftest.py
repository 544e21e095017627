"""A document, a canvas and a whole program, made anew for each test and left as clean as they were found."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from pytestqt.qtbot import QtBot

from composite_runtime.graph import file
from composite_runtime.graph.model import Graph
from fusion_desktop import theme
from fusion_desktop.app import Program
from fusion_desktop.canvas.editing import Editing
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document.document import Document
from fusion_desktop.settings import Settings
from tests.fusion_desktop.pointer import Pointer


@pytest.fixture
def look(qapp: object) -> None:
    theme.apply("light")


@pytest.fixture
def document(qtbot: QtBot) -> Document:
    return Document()


@pytest.fixture
def scene(document: Document, look: None) -> CanvasScene:
    return CanvasScene(document)


@pytest.fixture
def view(qtbot: QtBot, document: Document, scene: CanvasScene) -> CanvasView:
    view = CanvasView(document, scene)
    qtbot.addWidget(view)
    view.resize(QSize(1200, 800))
    view.show()
    qtbot.waitExposed(view)
    view.centerOn(400, 300)
    return view


@pytest.fixture
def editing(document: Document, scene: CanvasScene, view: CanvasView) -> Editing:
    return Editing(document, scene, view)


@pytest.fixture
def pointer(view: CanvasView) -> Pointer:
    return Pointer(view)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(tmp_path / "desktop.ini")
    settings.asks_first_start = False  # the tests that are about it ask
    return settings


@pytest.fixture
def program(qtbot: QtBot, look: None, settings: Settings) -> Iterator[Program]:
    program = Program(settings)
    program.window.resize(QSize(1300, 900))
    program.window.show()
    qtbot.waitExposed(program.window)
    yield program
    program.document.undo_stack.setClean()
    program.window.close()
    program.window.deleteLater()
    program.deleteLater()


@pytest.fixture
def graph_file(tmp_path: Path) -> Callable[[Graph], Path]:
    """Return a function that saves a graph and tells where."""

    def save(graph: Graph, name: str = "graph.fusion") -> Path:
        file.save(graph, tmp_path / name)
        return tmp_path / name

    return save
