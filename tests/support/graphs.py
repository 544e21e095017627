"""Graph files for tests."""

import json
import sys
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

ROOT = Path(__file__).parents[2]


def child(node: str, module: str, *arguments: str, namespace: str | None = None, **more: Any) -> Json:
    """Return a node that starts one of our servers over stdio."""
    transport = {
        "type": "stdio",
        "command": sys.executable,
        "args": ["-m", f"tests.servers.{module}", *arguments],
        "cwd": str(ROOT),
    }
    return {"id": node, "type": "server", "name": node, "namespace": namespace, "transport": transport, **more}


def remote(node: str, url: str, *, kind: str = "http", namespace: str | None = None, **more: Any) -> Json:
    """Return a node that reaches a server over HTTP."""
    transport = {"type": kind, "url": url}
    return {"id": node, "type": "server", "name": node, "namespace": namespace, "transport": transport, **more}


def composite(node: str, *, namespace: str | None = None) -> Json:
    return {"id": node, "type": "composite", "name": node, "namespace": namespace}


def edge(source: str, target: str, namespace: str | None = None) -> Json:
    return {"source": source, "target": target} | ({} if namespace is None else {"namespace": namespace})


def graph(nodes: list[Json], edges: list[Json]) -> Json:
    return {"version": 1, "id": "00000000-0000-4000-8000-000000000001", "name": "Test", "nodes": nodes, "edges": edges}


def flat(*nodes: Json) -> Json:
    """Return a graph of one composite, `all`, with these members."""
    return graph([*nodes, composite("all")], [edge(node["id"], "all") for node in nodes])


def saved(folder: Path, document: Json) -> Path:
    """Write a graph file and return its path."""
    path = folder / "test.fusion"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return path
