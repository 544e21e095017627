"""Marks for what a node tells that is inspected alone: the same node may run in the composite and say things there."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from composite_runtime.events import CallFinished, CallRepeated, CallStarted, ChildChanged, Http

if TYPE_CHECKING:
    from fusion_desktop.run.traffic import Told

ALONE: Final = "alone"
"""The composite around a server that is inspected alone."""
_BETWEEN: Final = "\t"
_SPANS: Final = 1_000_000_000
"""More spans than one runtime counts: each counts from one."""


def marked(place: str, alone: str) -> str:
    """Return a hop or a source as it is known where this node is inspected alone; without one it stays as it is."""
    return f"{alone}{_BETWEEN}{place}" if alone else place


def split(place: str) -> tuple[str, str]:
    """Return which node is inspected alone, or nothing, and the hop or source there."""
    alone, _, inner = place.rpartition(_BETWEEN)
    return alone, inner


def node_of(place: str) -> str:
    """Return the node a source belongs to."""
    alone, inner = split(place)
    return alone if inner in {"runtime", "inspector", ALONE} and alone else inner


def words_for(place: str, name_of: Callable[[str], str]) -> str:
    """Return what a hop or a source is called."""
    alone, inner = split(place)
    if not alone:
        return name_of(inner)
    name = f"{name_of(alone)} alone"
    return name if inner in {alone, "runtime", ALONE} else f"{name_of(inner)} in {name}"


def told_alone(told: "Told", alone: str, number: int) -> "Told":
    """Return what the runtime of a node that is inspected alone tells, marked; `number` is that runtime's own."""
    shift = number * _SPANS
    if isinstance(told, tuple):
        head, text = told
        changed = {**head, "hop": marked(str(head.get("hop")), alone)}
        return ({**changed, "span": int(head["span"]) + shift} if head.get("span") else changed), text
    if isinstance(told, CallStarted):
        parent = told.parent + shift if told.parent is not None else None
        return replace(told, span=told.span + shift, parent=parent)
    if isinstance(told, CallFinished | CallRepeated):
        return replace(told, span=told.span + shift)
    if isinstance(told, ChildChanged):
        return replace(told, node=marked(told.node, alone))
    return replace(told, hop=marked(told.hop, alone)) if isinstance(told, Http) else told
