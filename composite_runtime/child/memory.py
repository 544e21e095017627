"""What each child offered last time, so that a client sees it before the child has started."""

import contextlib
import hashlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from composite_runtime import files, paths
from composite_runtime.drift import Drift, compare, merged
from composite_runtime.errors import FusionError
from composite_runtime.graph.model import ServerNode, StdioTransport
from composite_runtime.provider import Offers
from composite_runtime.wire.call import traits
from composite_runtime.wire.era import Era
from composite_runtime.wire.jsonrpc import Json


class Memory:
    """The remembered catalogues of children, one small file each; a file that cannot be read is as good as none."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or paths.home() / "catalogues"
        self._accepted = self._folder / "accepted"

    def recall(self, node: ServerNode, era: Era, told: Json) -> Offers | None:
        """Return what the child offered to such a caller."""
        return _offers_in(self._read(self._file(node, era, told)))

    def keep(self, node: ServerNode, era: Era, told: Json, offers: Offers) -> None:
        """Remember what the child offers; a disk that is full or read-only costs the memory, not the child."""
        self._write(self._file(node, era, told), offers)

    def drift(self, node: ServerNode, era: Era, told: Json, offers: Offers) -> Drift:
        """Return how an offer differs from what a person has accepted; what is seen first counts as accepted."""
        name = self._file(node, era, told).name
        accepted = _offers_in(self._read(self._accepted / name))
        if accepted is None:
            before = self.recall(node, era, told)
            accepted = before if before is not None and before.capabilities else offers
            self._write(self._accepted / name, accepted)
        return compare(accepted, offers)

    def known_drift(self, node: ServerNode) -> Drift:
        """Return how what was offered last, to any caller, differs from what a person has accepted."""
        drifts: list[Drift] = []
        for path in sorted(self._folder.glob(f"{_fingerprint(node)}-*.json")):
            accepted = _offers_in(self._read(self._accepted / path.name))
            offers = _offers_in(self._read(path))
            if accepted is not None and offers is not None:
                drifts.append(compare(accepted, offers))
        return merged(drifts)

    def accept(self, node: ServerNode) -> None:
        """Accept all that the child offered last; raise `FusionError` when that cannot be written."""
        for path in self._folder.glob(f"{_fingerprint(node)}-*.json"):
            files.write_text(self._accepted / path.name, files.read_text(path))

    def speaks(self, node: ServerNode) -> frozenset[Era]:
        """Return the eras the child is known not to refuse; empty when nothing is known."""
        eras = (self._read(self._eras(node)) or {}).get("speaks")
        return frozenset(era for era in Era if isinstance(eras, list) and era in eras)

    def refuses(self, node: ServerNode, era: Era) -> None:
        """Remember that the child does not speak this era."""
        other = Era.LEGACY if era is Era.MODERN else Era.MODERN
        with contextlib.suppress(FusionError):
            files.write_text(self._eras(node), json.dumps({"speaks": [other]}))

    def _write(self, path: Path, offers: Offers) -> None:
        # Not `asdict`, which copies every schema, and gives up on a deep one.
        parts = {field.name: getattr(offers, field.name) for field in fields(Offers)}
        with contextlib.suppress(FusionError, RecursionError):
            # Every call waits while this is written, so nobody waits for the disk.
            files.write_text(path, json.dumps({**parts, "complete": True}), durable=False)

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            data = json.loads(files.read_text(path))
        except (FusionError, ValueError, RecursionError):
            return None
        return data if isinstance(data, dict) else None

    def _file(self, node: ServerNode, era: Era, told: Json) -> Path:
        return self._folder / f"{_fingerprint(node)}-{era}-{_digest(traits(told))}.json"

    def _eras(self, node: ServerNode) -> Path:
        return self._folder / f"{_fingerprint(node)}.json"


def _offers_in(data: dict[str, Any] | None) -> Offers | None:
    """Return the offers of a file, or None when it does not hold any."""
    try:
        return _offers(data) if data is not None else None
    except (KeyError, TypeError):
        return None


def _offers(data: dict[str, Any]) -> Offers:
    """Return the offers of a file; raise `KeyError` or `TypeError` when it does not hold any."""
    parts: dict[str, Any] = {}
    for part, name in _NAMED.items():
        parts[part] = tuple(data[part])
        if not all(isinstance(entry[name], str) for entry in parts[part]):
            raise TypeError(f"an entry of {part} has no {name}")
    if not isinstance(data["capabilities"], dict) or not isinstance(data["instructions"], str | None):
        raise TypeError("capabilities or instructions are of the wrong kind")
    return Offers(**parts, capabilities=data["capabilities"], instructions=data["instructions"])


_NAMED = {"tools": "name", "prompts": "name", "resources": "uri", "templates": "uriTemplate"}


def _fingerprint(node: ServerNode) -> str:
    """Identify the program behind a node, whatever the node is called: by command and arguments, or by URL."""
    transport = node.transport
    if isinstance(transport, StdioTransport):
        return _digest([transport.command, list(transport.args), transport.cwd, sorted(transport.env)])
    return _digest([transport.type, transport.url])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
