"""Save and copy pictures of the graph: PNG, SVG, and Mermaid text."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QIODevice, QMimeData, QObject, QSaveFile, Qt, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from composite_runtime.graph.model import Graph
from fusion_desktop import theme
from fusion_desktop.canvas import picture
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.dialogs.picture import PictureDialog, Wish
from fusion_desktop.document import copying
from fusion_desktop.document.document import Document
from fusion_desktop.document.mermaid import mermaid

_SUFFIX = {"png": "png", "svg": "svg", "mermaid": "mmd"}
_FILTER = {"png": "PNG images (*.png)", "svg": "SVG drawings (*.svg)", "mermaid": "Mermaid charts (*.mmd)"}


class Picturing(QObject):
    """Carries out the action that makes pictures."""

    refused = Signal(str)
    said = Signal(str)

    def __init__(self, document: Document, scene: CanvasScene, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._scene = scene
        self._window = window

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what does each action of the table that makes pictures."""
        return {"file.picture": self.open}

    def open(self) -> None:
        """Let the user choose what kind of picture is wanted."""
        dialog = PictureDialog(
            self._preview,
            self._mermaid,
            look=theme.current().name,
            selected=len(self._scene.selected()),
            parent=self._window,
        )
        dialog.copy_wanted.connect(self.copy)
        dialog.save_wanted.connect(lambda wish: self._choose_file(wish, dialog))
        dialog.open()

    def data(self, wish: Wish) -> bytes:
        """Return the content of the file that is wished for."""
        if wish.form == "mermaid":
            return self._mermaid(wish).encode()
        if wish.form == "svg":
            return picture.svg(self._graph(wish), wish.look, clear=wish.is_clear, states=self._states())
        return picture.png(self._image(wish))

    def copy(self, wish: Wish) -> None:
        """Put the picture on the clipboard, as what the form is pasted as."""
        mime = QMimeData()
        if wish.form == "png":
            mime.setImageData(self._image(wish))
        else:
            text = self.data(wish)
            mime.setText(text.decode())
            if wish.form == "svg":
                mime.setData("image/svg+xml", text)
        QGuiApplication.clipboard().setMimeData(mime)
        self.said.emit("Copied the picture")

    def save(self, wish: Wish, path: Path) -> None:
        """Write the picture, wholly or not at all."""
        file = QSaveFile(str(path))
        content = self.data(wish)
        if not file.open(QIODevice.OpenModeFlag.WriteOnly) or file.write(content) < 0 or not file.commit():
            self.refused.emit(f"The picture cannot be saved to {path}: {file.errorString()}")
            return
        self.said.emit(f"Saved {path.name}")

    def _choose_file(self, wish: Wish, dialog: QWidget) -> None:
        suffix = _SUFFIX[wish.form]
        chooser = QFileDialog(dialog, "Save the picture", "", _FILTER[wish.form])
        chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chooser.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        chooser.setDefaultSuffix(suffix)
        chooser.selectFile(f"{self._document.graph.name}.{suffix}")
        chooser.fileSelected.connect(lambda name: self.save(wish, Path(name)))
        chooser.fileSelected.connect(lambda _: dialog.close())
        chooser.open()

    def _preview(self, wish: Wish) -> QImage:
        return self._image(wish)

    def _image(self, wish: Wish) -> QImage:
        return picture.image(self._graph(wish), wish.look, wish.scale, clear=wish.is_clear, states=self._states())

    def _mermaid(self, wish: Wish) -> str:
        return mermaid(self._graph(wish))

    def _graph(self, wish: Wish) -> Graph:
        graph = self._document.graph
        return copying.part_of(graph, self._scene.selected()) if wish.only_selection else graph

    def _states(self) -> picture.States:
        items = ((item.node_id, item.state, item.detail) for item in self._scene.node_items)
        return {node_id: (state, detail) for node_id, state, detail in items if state is not None}
