"""Frames and notes: made, worded, coloured and resized, as pure functions of a graph."""

from collections.abc import Collection, Sequence
from typing import get_args

from composite_runtime.graph import edit
from composite_runtime.graph.model import Box, Colour, Frame, Graph, Note
from fusion_desktop.document import places
from fusion_desktop.document.places import FRAME_SIZE, HEADER, NOTE_SIZE, PADDING, Rect

COLOURS: tuple[Colour, ...] = get_args(Colour)
SMALLEST = (80.0, 60.0)


def framed(graph: Graph, ids: Sequence[str], at: tuple[float, float], inside: str | None) -> tuple[Graph, str]:
    """Return the graph with a frame around some things, or an empty one at a point, and its id."""
    held = places.holders(graph)
    levels = places.levels(graph)
    tops = places.outermost(held, ids)
    around = {levels.get(one) for one in tops}
    if tops and len(around) == 1:
        inside = around.pop()
        rect = places.covered([places.shown_rect(graph, one) for one in tops])
        box = Box(
            x=rect.x - PADDING,
            y=rect.y - HEADER - PADDING / 2,
            width=rect.width + 2 * PADDING,
            height=rect.height + HEADER + 1.5 * PADDING,
        )
    else:
        box = Box(x=at[0], y=at[1], width=FRAME_SIZE[0], height=FRAME_SIZE[1])
    frame = Frame(id=edit.fresh_id(graph, "frame"), title="Frame", colour="blue", inside=inside)
    graph = edit.add_annotation(graph, frame, box)
    return (places.enclosing(graph, inside, frame.id) if inside else graph), frame.id


def noted(graph: Graph, at: tuple[float, float], inside: str | None, text: str = "") -> tuple[Graph, str]:
    """Return the graph with one more note, and its id."""
    note = Note(id=edit.fresh_id(graph, "note"), text=text, inside=inside)
    graph = edit.add_annotation(graph, note, Box(x=at[0], y=at[1], width=NOTE_SIZE[0], height=NOTE_SIZE[1]))
    return (places.enclosing(graph, inside, note.id) if inside else graph), note.id


def worded(graph: Graph, annotation_id: str, words: str, height: float | None = None) -> Graph:
    """Return the graph in which a frame has another title, or a note another text and at least a height for it."""
    annotation = graph.annotation(annotation_id)
    if isinstance(annotation, Frame):
        return edit.replace_annotation(graph, annotation.but(title=words.strip()))
    if not isinstance(annotation, Note):
        return graph
    graph = edit.replace_annotation(graph, annotation.but(text=words))
    rect = places.annotation_rect(graph, annotation)
    if height is not None and height > rect.height:
        graph = resized(graph, annotation_id, Rect(rect.x, rect.y, rect.width, height))
    return graph


def coloured(graph: Graph, ids: Collection[str], colour: Colour) -> Graph:
    """Return the graph in which these frames and notes have another colour."""
    return graph.but(annotations=tuple(a.but(colour=colour) if a.id in ids else a for a in graph.annotations))


def resized(graph: Graph, annotation_id: str, rect: Rect) -> Graph:
    """Return the graph in which a frame or a note covers `rect`; the composite it is in grows along."""
    box = graph.layout.get(annotation_id, places.DEFAULT_BOX)
    width, height = max(SMALLEST[0], rect.width), max(SMALLEST[1], rect.height)
    graph = edit.move(graph, [(annotation_id, box.but(x=rect.x, y=rect.y, width=width, height=height))])
    annotation = graph.annotation(annotation_id)
    inside = annotation.inside if annotation is not None else None
    return places.enclosing(graph, inside, annotation_id) if inside and graph.node(inside) else graph
