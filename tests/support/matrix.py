"""The matrix: clients of both eras, all kinds of children, between them a runtime over stdio or HTTP, or nothing."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tests.servers.core import META
from tests.servers.features import Features
from tests.support import graphs
from tests.support.client import Client
from tests.support.runtime import Runtime, http_server, stdio_server

Json: TypeAlias = dict[str, Any]

CHILDREN = {
    "legacy": ("legacy", "stdio"),
    "modern": ("modern", "stdio"),
    "dual": ("dual", "stdio"),
    "legacyhttp": ("legacy", "http"),
    "modernhttp": ("modern", "http"),
    "dualhttp": ("dual", "http"),
    "oldsse": ("legacy", "sse"),
}
"""Name of each child, and namespace: its era and how it is reached."""

ANSWERS: Json = {
    "sampling/createMessage": {
        "role": "assistant",
        "content": {"type": "text", "text": "42", "annotations": {"x": None}},
        "model": "some-model",
        "stopReason": "endTurn",
        "x-usage": {"tokens": 3, "none": None},
    },
    "elicitation/create": {"action": "accept", "content": {"color": "rot"}, "x-kept": None},
    "roots/list": {"roots": [{"uri": "file:///tmp/a%20b", "name": "ab", "x-kept": None}]},
}


def answer(method: str, params: Json) -> Json:
    """Give what a server asks for; a page that was opened has no content."""
    if params.get("mode") == "url":
        return {"action": "accept"}
    given: Json = ANSWERS[method]
    return given


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix: a connected client, and the child it looks at."""

    client: Client
    name: str
    prefix: str
    era: str
    front: str

    @property
    def mirrored(self) -> str:
        """The era in which the child ought to be addressed: the client's where the child speaks it."""
        return self.client.era if self.era == "dual" else self.era

    @property
    def server(self) -> Features:
        """What the child offers, as it was before any test changed it."""
        return Features(self.name, ("legacy", "modern"))

    def named(self, name: str) -> str:
        return self.prefix + name

    def call(self, tool: str, arguments: Json | None = None, **options: Any) -> Json:
        return self.client.call(self.named(tool), arguments, **options)

    def told(self, tool: str, arguments: Json | None = None) -> Any:
        """Call a tool that tells something as JSON text, and return it."""
        return json.loads(self.call(tool, arguments)["content"][0]["text"])

    def bare(self, result: Json) -> Json:
        """Return a result without what the client's era adds; fail when the other era's marks are in it."""
        result = dict(result)
        if self.client.era == "legacy":
            assert not {"resultType", "ttlMs", "cacheScope"} & result.keys()
            assert META + "serverInfo" not in (result.get("_meta") or {})
            return result
        assert result.pop("resultType") == "complete"
        result.pop("ttlMs", None)
        result.pop("cacheScope", None)
        meta = dict(result.pop("_meta"))
        assert meta.pop(META + "serverInfo")["name"]
        return {**result, "_meta": meta} if meta else result


@dataclass(frozen=True)
class Bench:
    """A client that is connected to all the children at once, or direct to one of them."""

    client: Client
    front: str

    def cell(self, name: str) -> Cell:
        era, _ = CHILDREN[name]
        prefix = "" if self.front == "direct" else f"{name}_"
        return Cell(self.client, name, prefix, era, self.front)


@contextlib.contextmanager
def bench(folder: Path, front: str, era: str) -> Iterator[Bench]:
    """Run everything one client of the matrix needs."""
    if front == "direct":
        with stdio_server("features", "--name", "dual") as pipes, Client(pipes, era, answer=answer) as client:
            yield Bench(client, front)
        return
    with contextlib.ExitStack() as stack:
        nodes = [_node(stack, name, chosen, transport) for name, (chosen, transport) in CHILDREN.items()]
        path = graphs.saved(folder, graphs.flat(*nodes))
        env = {"FUSION_HOME": str(folder / "home")}
        runtime = stack.enter_context(Runtime(path, http=front == "http", env=env))
        client = stack.enter_context(runtime.client(era, answer=answer))
        # Over stdio the children are started in the era of the client, so not before it has spoken.
        runtime.wait_ready(*CHILDREN)
        yield Bench(client, front)


def _node(stack: contextlib.ExitStack, name: str, era: str, transport: str) -> Json:
    arguments = ("--name", name, "--era", era)
    if transport == "stdio":
        return graphs.child(name, "features", *arguments)
    url = stack.enter_context(http_server("features", *arguments))
    return graphs.remote(name, url.replace("/mcp", "/sse") if transport == "sse" else url, kind=transport)
