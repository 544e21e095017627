"""Recording every message at both ends: JSON lines, for looking at a session later.

Each line is `{"at": seconds since the epoch, "hop": "client" or a node's id, "way": "in" or "out", "message": ...}`,
where *in* means towards the runtime. Values of secrets are replaced by their references.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias

from composite_runtime import secrets
from composite_runtime.errors import FusionError
from composite_runtime.wire import jsonrpc
from composite_runtime.wire.jsonrpc import Json, RequestId
from composite_runtime.wire.transport import Receiver, Transport

Tap: TypeAlias = Callable[[str, Json | bytes], None]


def untapped(way: str, message: Json | bytes) -> None:
    """Record nothing."""


class Taps(Protocol):
    """Gives each hop its tap."""

    def at(self, hop: str) -> Tap:
        """Return the tap of one hop."""
        ...


class Switch:
    """Taps that cost next to nothing while nobody listens: a file may, and whoever sets `listener`."""

    def __init__(self, recorder: "Recorder | None" = None) -> None:
        self._recorder = recorder
        self.listener: Callable[[str, str, Json | bytes], None] | None = None

    def at(self, hop: str) -> Tap:
        """Return the tap of one hop."""
        record = self._recorder.at(hop) if self._recorder is not None else untapped

        def tap(way: str, message: Json | bytes) -> None:
            if record is not untapped:
                record(way, message)
            if self.listener is not None:
                self.listener(hop, way, message)

        return tap


class Recorder:
    """Writes the messages of all hops into one file."""

    def __init__(self, path: Path) -> None:
        try:
            path.touch(mode=0o600)  # what is called and answered is nobody else's business
            self._file: IO[str] = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise FusionError(f"{path} cannot be written: {error.strerror}") from None

    def at(self, hop: str) -> Tap:
        """Return the tap of one hop."""
        return lambda way, message: self._record(hop, way, message)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def _record(self, hop: str, way: str, message: Json | bytes) -> None:
        if self._file.closed:
            return
        text = message.decode("utf-8") if isinstance(message, bytes) else jsonrpc.encode(message).decode("utf-8")
        head = f'{{"at":{time.time():.6f},"hop":{json.dumps(hop)},"way":"{way}","message":'
        self._file.write(f"{head}{secrets.redact(text)}}}\n")


class TappedTransport:
    """A transport whose messages are recorded."""

    def __init__(self, transport: Transport, tap: Tap) -> None:
        self._transport = transport
        self._tap = tap
        self.needs_headers = transport.needs_headers
        self._receiver: Receiver | None = None

    @property
    def pid(self) -> int | None:
        """The number of the child's process, if it has one."""
        return getattr(self._transport, "pid", None)

    async def open(self, receiver: Receiver) -> None:
        """Connect."""
        self._receiver = receiver
        await self._transport.open(self)

    def send(self, message: Json, headers: Mapping[str, str] | None = None) -> None:
        """Send a message."""
        self._tap("out", message)
        self._transport.send(message, headers)

    def negotiated(self, version: str) -> None:
        """Take note of the revision."""
        self._transport.negotiated(version)

    def abort(self, request_id: RequestId) -> bool:
        """Give a request up."""
        return self._transport.abort(request_id)

    async def close(self) -> None:
        """End the connection."""
        await self._transport.close()

    def received(self, message: Any, related: RequestId | None = None) -> None:
        """Take a message off the wire."""
        self._tap("in", message)
        if self._receiver is not None:
            self._receiver.received(message, related)

    def noise(self, line: str) -> None:
        """Take a line that is no message."""
        if self._receiver is not None:
            self._receiver.noise(line)

    def failed(self, request_id: RequestId, error: Exception) -> None:
        """Take note that a request cannot be answered."""
        if self._receiver is not None:
            self._receiver.failed(request_id, error)

    def lost(self, reason: str, *, forgotten: bool = False) -> None:
        """Take note that nothing more can come."""
        if self._receiver is not None:
            self._receiver.lost(reason, forgotten=forgotten)
