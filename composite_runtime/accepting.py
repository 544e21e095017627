"""What servers have changed since a person accepted it, for programs that show that and ask."""

from composite_runtime.child.memory import Memory
from composite_runtime.drift import Drift
from composite_runtime.graph.model import ServerNode


def known_drift(node: ServerNode) -> Drift:
    """Return how what a server offered last differs from what a person has accepted; empty when nothing is known."""
    return Memory().known_drift(node)


def accept(node: ServerNode) -> None:
    """Accept all that a server offered last; raise `FusionError` when that cannot be written."""
    Memory().accept(node)
