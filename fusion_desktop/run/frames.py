"""The messages of one connection, as plain JSON values."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from composite_runtime.errors import FusionError

Json: TypeAlias = Any
"""A JSON value from outside."""
JsonObject: TypeAlias = dict[str, Any]


class Direction(StrEnum):
    """Which way a message went, seen from here."""

    SENT = "sent"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class Frame:
    """One JSON-RPC message; `at` is in seconds since the epoch."""

    at: float
    direction: Direction
    message: JsonObject


def text_of(value: Json, *, indent: int | None = 2) -> str:
    """Return a JSON value as text; numbers of any size and every character stay as they are."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


@dataclass(frozen=True)
class Progress:
    """How far a call has come; without `total` only that it is going on."""

    progress: float
    total: float | None = None
    message: str | None = None


@dataclass(frozen=True)
class Patience:
    """How long a request may take: without any sign of life, and in all; None waits for ever."""

    idle_s: float | None = 60.0
    total_s: float | None = 600.0


@dataclass(frozen=True)
class Outcome:
    """What became of one request: exactly one of `result` and `error` is set, unless it was cancelled."""

    method: str
    params: Mapping[str, Any]
    milliseconds: float
    result: JsonObject | None = None
    error: JsonObject | None = None
    is_cancelled: bool = False
    request_id: str = ""
    """The id the request had on the wire, by which its trace is found; empty for one of an earlier session."""

    @property
    def is_failure(self) -> bool:
        """Whether the server refused the request, or a tool reported that it failed."""
        return self.error is not None or bool(self.result and self.result.get("isError") is True)


class ServerError(FusionError):
    """A server answered with an error; `code` and `data` are as it sent them."""

    def __init__(self, code: int, message: str, data: Json = None) -> None:
        super().__init__(message or f"error {code}")
        self.code = code
        self.data = data

    def to_json(self) -> JsonObject:
        """Return the error as it was on the wire."""
        error: JsonObject = {"code": self.code, "message": self.message}
        return error if self.data is None else {**error, "data": self.data}


class Refused(FusionError):
    """The user does not answer what a server asked."""


class Question:
    """Something a server asks the user while it works: `sampling/createMessage` or `elicitation/create`."""

    def __init__(self, method: str, params: JsonObject) -> None:
        self.method = method
        self.params = params
        self._answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()

    @property
    def is_open(self) -> bool:
        """Whether an answer is still wanted."""
        return not self._answer.done()

    def answer(self, result: JsonObject) -> None:
        """Send the answer."""
        if self.is_open:
            self._answer.set_result(result)

    def refuse(self, reason: str) -> None:
        """Answer with an error."""
        if self.is_open:
            self._answer.set_exception(Refused(reason))

    async def answered(self) -> JsonObject:
        """Return the answer once it is given; raise `Refused` when it is not given."""
        return await self._answer
