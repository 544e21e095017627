"""JSON-RPC 2.0 messages as plain dictionaries."""

import json
from collections.abc import Mapping
from math import isinf
from typing import Any, Final, NoReturn, TypeAlias

from composite_runtime.wire import verbatim

Json: TypeAlias = dict[str, Any]
RequestId: TypeAlias = int | str

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
RESOURCE_NOT_FOUND: Final = -32002  # legacy only; modern servers say INVALID_PARAMS
URL_ELICITATION_REQUIRED: Final = -32042  # 2025-11-25 only
HEADER_MISMATCH: Final = -32020
MISSING_CLIENT_CAPABILITY: Final = -32021
UNSUPPORTED_VERSION: Final = -32022


class RpcError(Exception):
    """A JSON-RPC error as it crosses the wire: code, message and data pass through Fusion unchanged.

    `more` is what else it says, be it only that its data are null.
    """

    def __init__(self, code: int, message: str, data: Any = None, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.more = more or {}

    @classmethod
    def from_wire(cls, error: Any) -> "RpcError":
        """Return the error a response carries, also when a careless server left half of it out."""
        if not isinstance(error, dict):
            return cls(INTERNAL_ERROR, str(error))
        code = error.get("code")
        data = error.get("data")
        stated = {"code", "message"} if data is None else {"code", "message", "data"}
        more = {key: value for key, value in error.items() if key not in stated}
        return cls(code if isinstance(code, int) else INTERNAL_ERROR, str(error.get("message", "")), data, more)

    def to_wire(self) -> Json:
        """Return the `error` member of a response."""
        error: Json = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return {**error, **self.more}


def request(request_id: RequestId, method: str, params: Json | None) -> Json:
    """Return a request message."""
    return {"jsonrpc": "2.0", "id": request_id, "method": method, **({} if params is None else {"params": params})}


def notification(method: str, params: Json | None = None) -> Json:
    """Return a notification message."""
    return {"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})}


def response(request_id: RequestId | None, result: Json) -> Json:
    """Return a successful response."""
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def failure(request_id: RequestId | None, error: RpcError) -> Json:
    """Return an error response; the id is null when the request could not be read."""
    return {"jsonrpc": "2.0", "id": request_id, "error": error.to_wire()}


def number_in(request_id: Any) -> int:
    """Return the number a child was given as an id, or -1; some know texts only, and return it as one."""
    if isinstance(request_id, str) and request_id.isascii() and request_id.isdecimal() and len(request_id) < 16:
        return int(request_id)
    return request_id if isinstance(request_id, int) else -1


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _finite(word: str) -> float:
    number = float(word)
    if isinf(number):  # 1e400 is JSON, but there is no way to write it again
        raise ValueError(f"{word} is too large a number")
    return number


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
# A message has come off a wire or was made here; neither can hold itself, so nothing looks for that.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False).encode
_encode_ascii = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def decode(line: bytes | str) -> Any:
    """Return the JSON value of a message; raise `ValueError` when it is none."""
    try:
        text = line if isinstance(line, str) else line.decode("utf-8")
        del line
        text = text.removeprefix("\ufeff")  # some shells put a byte order mark before all they write
        return _decoder.decode(text) if len(text) < verbatim.LONG else verbatim.decode(_decoder, text)
    except RecursionError:
        raise ValueError("the message is nested too deeply") from None


def encode(message: Any) -> bytes:
    """Return the message as one line of UTF-8, without its line end."""
    if verbatim.remembers(message):
        return b"".join(expanded(parts(message)))
    text = _encode(message)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair: legal in JSON when escaped, but not in UTF-8
        return _encode_ascii(message).encode("ascii")


def parts(message: Any) -> list[bytes | verbatim.Slice]:
    """Return what the message is written in; its long parts are not yet bytes, and do not need the message any more."""
    return verbatim.encode(message, encode) if verbatim.remembers(message) else [encode(message)]


def expanded(parts: list[bytes | verbatim.Slice]) -> list[bytes]:
    """Return the bytes of a message, in pieces; the parts are used up, so that their text is not kept beside them."""
    pieces: list[bytes] = []
    while parts:
        part = parts.pop(0)
        pieces.extend((part,) if isinstance(part, bytes) else part.pieces())
    return pieces


def size_of(data: bytes | str) -> int:
    """Return how many bytes a message had on its way."""
    return len(data) if isinstance(data, bytes) or data.isascii() else len(data.encode())
