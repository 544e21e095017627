"""A graph as an `.mcpb` bundle: one file that Claude Desktop installs, with the runtime and the graph inside.

The client asks for the graph's inputs and secrets and keeps them; nothing of the author's keyring goes along. The
archive is made here rather than by the official tool, so that the same graph gives the same bytes.
"""

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import metadata, requires
from pathlib import Path
from typing import Any

import composite_runtime
from composite_runtime import paths
from composite_runtime.errors import ConfigError, FusionError
from composite_runtime.graph import file
from composite_runtime.graph.model import CompositeNode, Graph, ServerNode, StdioTransport
from composite_runtime.interop.export import entry_name
from composite_runtime.interop.plain_secrets import move
from composite_runtime.secrets import Reference, references, variable_of

_GRAPH = "graph.fusion"
_ENTRY_POINT = "src/server.py"
_ICON = "icon.png"

# Every process has these, so nobody is asked for them.
_GIVEN = {"HOME", "USER", "LOGNAME", "USERNAME", "USERPROFILE", "PATH", "TMPDIR", "TEMP", "LANG", "SHELL", "APPDATA"}

_SERVER = '''"""Serve the graph of this bundle."""

import sys
from pathlib import Path

from composite_runtime.cli import main

if __name__ == "__main__":
    sys.exit(main(["serve", str(Path(__file__).parent.parent / "graph.fusion"), *sys.argv[1:]]))
'''


@dataclass(frozen=True)
class Bundle:
    """The bytes of a bundle; `warnings` say what the machine it is installed on will need."""

    content: bytes
    manifest: dict[str, Any]
    warnings: tuple[str, ...]


def bundle(
    graph: Graph, composite: CompositeNode, *, author: str = "A user of Fusion", version: str = "1.0.0"
) -> Bundle:
    """Return the bundle that serves a composite of the graph.

    Raises:
        ConfigError: the graph holds a secret in plain text, or this installation has no sources to put in.
    """
    _refuse_plain_secrets(graph)
    manifest = _manifest(graph, composite, author, version)
    contents = {
        "manifest.json": json.dumps(manifest, indent=2, ensure_ascii=False) + "\n",
        "pyproject.toml": _project(manifest["name"], version),
        ".python-version": "3.12\n",
        _GRAPH: file.dumps(graph),
        _ENTRY_POINT: _SERVER,
        **dict(_sources()),
    }
    packed = {name: text.encode("utf-8") for name, text in contents.items()}
    packed[_ICON] = paths.resource("bundle-icon.png").read_bytes()
    return Bundle(_zipped(packed), manifest, tuple(_warnings(graph)))


def write(made: Bundle, path: Path) -> None:
    """Write the bundle in one step; raise `FusionError`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(made.content)
        temporary.replace(path)
    except OSError as error:
        raise FusionError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


def _refuse_plain_secrets(graph: Graph) -> None:
    for node in graph.nodes:
        if isinstance(node, ServerNode) and (found := move(node.transport, node.id).secrets):
            raise ConfigError(
                f"{node.name} has a secret in plain text in {found[0].place}, for everybody with the bundle to read:"
                f" store it with `composite-runtime secret set {found[0].name}` and refer to it",
                node.id,
            )


def _manifest(graph: Graph, composite: CompositeNode, author: str, version: str) -> dict[str, Any]:
    asked = list(_asked(graph))
    members = ", ".join(node.name for node in graph.nodes if isinstance(node, ServerNode) and node.enabled)
    env = {_variable(reference): f"${{user_config.{key}}}" for key, reference in asked}
    return {
        "manifest_version": "0.4",
        "name": entry_name(composite.name),
        "display_name": composite.name,
        "version": version,
        "description": f"{members or 'No servers'}, served as one MCP server.",
        "long_description": "\n".join(["Made with Fusion.", *_warnings(graph)]),
        "author": {"name": author},
        "icon": _ICON,
        "keywords": ["composite", "fusion"],
        "server": {
            "type": "uv",
            "entry_point": _ENTRY_POINT,
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", _ENTRY_POINT, "--composite", composite.id],
                "env": env,
            },
        },
        "tools_generated": True,
        "user_config": {key: _question(reference) for key, reference in asked},
        "compatibility": {"platforms": ["darwin", "win32", "linux"], "runtimes": {"python": ">=3.11"}},
        "_meta": {"dev.fusion": {"graph": graph.id}},
    }


def _asked(graph: Graph) -> Iterator[tuple[str, Reference]]:
    """Yield what the client has to ask for, with a key for each."""
    text = "\n".join(node.transport.model_dump_json() for node in graph.nodes if isinstance(node, ServerNode))
    met: dict[str, Reference] = {}
    for reference in references(text):
        if reference.kind == "env" and reference.name in _GIVEN:
            continue
        key = re.sub(r"[^a-z0-9]+", "_", f"{reference.kind}_{reference.name}".lower()).strip("_")
        met.setdefault(key, reference)
    yield from met.items()


def _variable(reference: Reference) -> str:
    return reference.name if reference.kind == "env" else variable_of(reference.name, reference.kind)


def _question(reference: Reference) -> dict[str, Any]:
    is_secret = reference.kind == "secret"
    what = {"secret": "Secret", "input": "Value", "env": "Value of the environment variable"}[reference.kind]
    question: dict[str, Any] = {
        "type": "string",
        "title": reference.name,
        "description": f"{what} {reference.name}, which the graph refers to.",
        "required": reference.default is None,
    }
    if is_secret:
        question["sensitive"] = True
    if reference.default:
        question["default"] = reference.default
    return question


def _project(name: str, version: str) -> str:
    needed = [line for line in requires("fusion-desktop") or () if "extra ==" not in line]
    listed = "".join(f"  {json.dumps(line)},\n" for line in sorted(needed))
    runtime_version = metadata("fusion-desktop")["Version"]
    # The project bears the name of the distribution, whose version the runtime looks up.
    return (
        f'[project]\nname = "fusion-desktop"\nversion = {json.dumps(runtime_version)}\n'
        f"description = {json.dumps(f'The runtime of Fusion, for the bundle {name} {version}')}\n"
        f'requires-python = ">=3.11"\ndependencies = [\n{listed}]\n\n'
        '[project.scripts]\ncomposite-runtime = "composite_runtime.cli:main"\n\n'
        '[build-system]\nrequires = ["hatchling>=1.27"]\nbuild-backend = "hatchling.build"\n\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["src/composite_runtime"]\n'
    )


def _sources() -> Iterator[tuple[str, str]]:
    root = Path(composite_runtime.__file__ or "").parent
    found = sorted(path for path in root.rglob("*.py") if "__pycache__" not in path.parts)
    if not found:
        raise ConfigError(
            "this installation of Fusion holds no sources to put into a bundle; make it from a pip install"
        )
    for path in found:
        yield f"src/composite_runtime/{path.relative_to(root).as_posix()}", path.read_text(encoding="utf-8")


def _zipped(contents: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            # Fixed times and modes: the same graph has to give the same bytes.
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(info, contents[name])
    return buffer.getvalue()


def _warnings(graph: Graph) -> Iterator[str]:
    servers = [node for node in graph.nodes if isinstance(node, ServerNode) and node.enabled]
    for program, thing in (("npx", "Node.js"), ("uvx", "uv"), ("docker", "Docker")):
        users = [node.name for node in servers if _program(node) == program]
        if users:
            yield f"{' and '.join(users)} needs {thing} on the machine."
    for node in servers:
        for word in _words(node):
            if re.match(r"/(?:Users|home|mnt|opt|srv|var)/|[A-Za-z]:\\", word):
                yield f"{node.name} uses {word}, which other machines do not have."


def _program(node: ServerNode) -> str:
    return Path(node.transport.command).stem if isinstance(node.transport, StdioTransport) else ""


def _words(node: ServerNode) -> Sequence[str]:
    if not isinstance(node.transport, StdioTransport):
        return ()
    return (node.transport.command, *node.transport.args, *node.transport.env.values())
