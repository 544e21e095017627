"""What carries the messages of one connection to a child."""

from collections.abc import Mapping
from typing import Any, Protocol

from composite_runtime.errors import ChildError
from composite_runtime.wire.jsonrpc import Json, RequestId


class SessionForgotten(ChildError):
    """The child did not know the session any more; what was asked has not been done and may be asked again."""


class NotUnderstood(ChildError):
    """The other side refused a message without an error of MCP: it may speak another revision."""


class AuthorizationNeeded(ChildError):
    """The server wants credentials it has not got; trying again does not help."""


class Receiver(Protocol):
    """Takes what comes in, synchronously and in the order of the wire."""

    def received(self, message: Any, related: RequestId | None = None, size: int = 0) -> None:
        """Take a message of so many bytes; `related` is the request on whose stream it came, where that can be told."""
        ...

    def noise(self, line: str) -> None:
        """Take a line that is no message."""
        ...

    def failed(self, request_id: RequestId, error: Exception) -> None:
        """Take note that a request cannot be answered, while others still can."""
        ...

    def lost(self, reason: str, *, forgotten: bool = False) -> None:
        """Take note that nothing more can come; `reason` is a sentence for the user.

        `forgotten` says that the other side did not know the session any more. Each request that met this is told by
        `failed`; what was asked before may still be answered until the connection is closed.
        """
        ...


class Transport(Protocol):
    """One connection; opened once, closed once."""

    needs_headers: bool
    """Whether messages want the routing headers of HTTP."""

    async def open(self, receiver: Receiver) -> None:
        """Connect; raise `ChildError` when that is impossible."""
        ...

    def send(self, message: Json, headers: Mapping[str, str] | None = None) -> int:
        """Send a message, and return how many bytes it has.

        What cannot be delivered is answered by an error response, or by `lost`.
        """
        ...

    def negotiated(self, version: str) -> None:
        """Take note of the protocol revision both sides have agreed on."""
        ...

    def abort(self, request_id: RequestId) -> bool:
        """Give a request up; return whether that tells the other side, so that no notification is needed."""
        ...

    async def close(self) -> None:
        """End the connection and all it holds, within a bound."""
        ...
