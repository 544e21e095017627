"""What keys and menus mark on the canvas: disabled, bypassed, locked and collapsed things, frames and notes."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, QPointF, Signal

from composite_runtime.errors import FusionError
from composite_runtime.graph.model import Colour, CompositeNode, Frame, Graph
from fusion_desktop.canvas.annotation_item import height_for
from fusion_desktop.canvas.gestures.base import snapped
from fusion_desktop.canvas.scene import CanvasScene
from fusion_desktop.canvas.view import CanvasView
from fusion_desktop.document import annotating, marks, places
from fusion_desktop.document.document import Document


class Marking(QObject):
    """Edits the document on behalf of the user; what is on for some and off for others is switched on for all."""

    refused = Signal(str)

    def __init__(self, document: Document, scene: CanvasScene, view: CanvasView) -> None:
        super().__init__(view)
        self._document = document
        self._scene = scene
        self._view = view
        view.fold_wanted.connect(lambda node_id: self._fold([node_id]))
        view.worded.connect(self.word)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return what does each of these actions of the table."""
        return {
            "graph.toggle": self.toggle,
            "graph.bypass": self.bypass,
            "graph.lock": self.lock,
            "graph.collapse": lambda: self._fold(self._composites()),
            "graph.frame": self.frame,
            "graph.note": self.note,
            **{f"colour.{colour}": partial(self.colour, colour) for colour in annotating.COLOURS},
        }

    # States

    def toggle(self) -> None:
        """Switch the selected nodes off, or on if all of them are off."""
        if nodes := self._scene.selected_nodes():
            on = not any(node.enabled for n in nodes if (node := self._document.node(n)) is not None)
            self._do(f"{'Enable' if on else 'Disable'} {self.what(nodes)}", lambda g: marks.enabled(g, nodes, on))

    def bypass(self) -> None:
        """Let the selected composites pass their members on, or no longer if all of them do."""
        nodes = self._composites()
        if not nodes:
            self.refused.emit("Only a composite can be bypassed: its members then join what it is in")
            return
        held = [n for n in nodes if self._document.graph.memberships(n)]
        if not held:
            self.refused.emit(f"{self.what(nodes)} is in no composite that could offer its members instead")
            return
        found = [self._document.node(n) for n in held]
        on = not all(isinstance(node, CompositeNode) and node.bypassed for node in found)
        self._do(f"{'Bypass' if on else 'End bypass of'} {self.what(held)}", lambda g: marks.bypassed(g, held, on))

    def lock(self) -> None:
        """Lock what is selected, or unlock it if all of it is locked."""
        if ids := self._scene.selected():
            on = not all(self._document.box(one).locked for one in ids)
            self._do(f"{'Lock' if on else 'Unlock'} {self.what(ids)}", lambda g: marks.locked(g, ids, on))

    def _fold(self, composites: Sequence[str]) -> None:
        if not composites:
            self.refused.emit("Only a composite can be collapsed")
            return
        on = not all(self._document.box(n).collapsed for n in composites)
        text = f"{'Collapse' if on else 'Expand'} {self.what(composites)}"
        self._do(text, lambda g: marks.collapsed(g, composites, on))

    def _composites(self) -> list[str]:
        return [n for n in self._scene.selected_nodes() if isinstance(self._document.node(n), CompositeNode)]

    # Frames and notes

    def frame(self) -> None:
        """Draw a frame around what is selected, or an empty one, and ask for its title."""
        at, inside = self._spot(places.FRAME_SIZE)
        ids = self._scene.selected()
        graph, made = annotating.framed(self._document.graph, ids, at, inside)
        self._document.edit(f"Frame {self.what(ids)}" if ids else "Add a frame", graph)
        self._scene.select([made])
        self._view.rename(made)

    def note(self) -> None:
        """Add an empty note and let the user write it."""
        at, inside = self._spot(places.NOTE_SIZE)
        graph, made = annotating.noted(self._document.graph, at, inside)
        self._document.edit("Add a note", graph)
        self._scene.select([made])
        self._view.rename(made)

    def word(self, annotation_id: str, words: str) -> None:
        """Give a frame its title, or a note its text and the height that it needs."""
        annotation = self._document.annotation(annotation_id)
        if annotation is None:
            return
        if isinstance(annotation, Frame):
            text = f"Rename frame to {words.strip()}" if words.strip() else "Remove the frame's title"
            self._do(text, lambda g: annotating.worded(g, annotation_id, words))
            return
        width = places.annotation_rect(self._document.graph, annotation).width
        height = snapped(height_for(words, width) + 9)
        self._do("Write a note", lambda g: annotating.worded(g, annotation_id, words, height))

    def colour(self, colour: Colour) -> None:
        """Give the selected frames and notes a colour."""
        if ids := [one for one in self._scene.selected() if self._document.annotation(one) is not None]:
            self._do(f"Colour {self.what(ids)} {colour}", lambda g: annotating.coloured(g, ids, colour))

    def _spot(self, size: tuple[float, float]) -> tuple[tuple[float, float], str | None]:
        """Return where something new of a size goes: where the pointer is, or in the middle of what is shown."""
        point = self._view.pointer_point() - QPointF(size[0] / 2, 20)
        under = self._scene.composite_at(point + QPointF(size[0] / 2, 20))
        inside = under.node_id if under is not None and not under.is_collapsed else self._scene.root
        return (snapped(point.x()), snapped(point.y())), inside

    # Helpers

    def _do(self, text: str, change: Callable[[Graph], Graph]) -> None:
        try:
            self._document.edit(text, change(self._document.graph))
        except FusionError as error:
            self.refused.emit(error.message)

    def what(self, ids: Sequence[str]) -> str:
        """Return in words what an edit is about."""
        graph = self._document.graph
        if len(ids) == 1:
            return marks.called(graph, ids[0])
        notes = sum(graph.annotation(one) is not None for one in ids)
        return f"{len(ids)} {'things' if notes else 'nodes'}"
