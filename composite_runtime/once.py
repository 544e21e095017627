"""A graph opened for a question or two, without serving it."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composite_runtime.composite import Composite
from composite_runtime.events import Emit
from composite_runtime.graph import file
from composite_runtime.runtime import served_root
from composite_runtime.supervisor import Supervisor
from composite_runtime.wire.call import Caller, Sizes
from composite_runtime.wire.era import LATEST_LEGACY, Era
from composite_runtime.wire.jsonrpc import METHOD_NOT_FOUND, Json, RpcError

CALLER = Caller(Era.LEGACY, LATEST_LEGACY, info={"name": "composite-runtime"})


@dataclass(frozen=True)
class LoneRelay:
    """The side traffic of a call nobody watches: progress is not wanted, questions are refused."""

    caller: Caller = CALLER
    call: str = field(default_factory=lambda: secrets.token_hex(6))
    progress_token: Any = None
    log_level: str | None = None
    sizes: Sizes = field(default_factory=Sizes)

    def can_answer(self, method: str) -> bool:
        """Say no, since there is nobody to ask."""
        return False

    def notify(self, method: str, params: Json) -> None:
        """Drop it."""

    async def ask(self, method: str, params: Json) -> Json:
        """Refuse, since there is nobody to ask."""
        raise RpcError(METHOD_NOT_FOUND, f"there is nobody to answer {method}")


@asynccontextmanager
async def opened(path: Path, wanted: str | None, emit: Emit) -> AsyncIterator[Composite]:
    """Open the composite of a graph file with its children; raise `GraphError` when that is impossible."""
    graph = file.load(path)
    supervisor = Supervisor(emit=emit, graph=str(path))
    try:
        composite = supervisor.apply(graph, served_root(graph, wanted))
        supervisor.start(CALLER)
        yield composite
    finally:
        await supervisor.close()
