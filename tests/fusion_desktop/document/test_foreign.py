import json
import zipfile
from pathlib import Path

import pytest

from composite_runtime.errors import FusionError
from composite_runtime.graph import file
from composite_runtime.graph.model import CompositeNode, HttpTransport, ServerNode, StdioTransport
from composite_runtime.interop import importing, paste
from composite_runtime.interop.importing import Source
from fusion_desktop.document import changes, copying, foreign, places
from tests.fusion_desktop.graphs import desk

CONFIG = {"mcpServers": {"files": {"command": "npx", "args": ["-y", "files"], "env": {"API_KEY": "s3cret-value"}}}}


def test_copied_nodes_come_back_as_they_were() -> None:
    part = foreign.from_text(copying.copied(desk(), ["box"])).part

    assert {node.id for node in part.nodes} == {"box", "inner"}


def test_a_client_s_configuration_becomes_servers_without_secrets() -> None:
    arrival = foreign.from_text(json.dumps(CONFIG))

    (node,) = arrival.part.nodes
    assert isinstance(node, ServerNode)
    assert isinstance(node.transport, StdioTransport)
    assert "s3cret" not in file.dumps(arrival.part)
    assert [secret.value for secret in arrival.secrets] == ["s3cret-value"]
    assert arrival.part.layout[node.id]


@pytest.mark.parametrize(
    "text",
    [
        '[mcp_servers.files]\ncommand = "npx"\nargs = ["-y", "files"]',
        "mcpServers:\n  files:\n    command: npx\n    args: [-y, files]\n",
        "npx -y files",
        '"files": {"command": "npx", "args": ["-y", "files"]},',
    ],
)
def test_a_server_is_understood_in_every_spelling(text: str) -> None:
    (node,) = foreign.from_text(text).part.nodes

    assert isinstance(node, ServerNode)
    assert isinstance(node.transport, StdioTransport)
    assert node.transport.command == "npx"


def test_a_url_becomes_a_server() -> None:
    (node,) = foreign.from_text(" https://mcp.example.org/mcp ").part.nodes

    assert isinstance(node, ServerNode)
    assert isinstance(node.transport, HttpTransport)
    assert node.name == "example"


@pytest.mark.parametrize("text", ["", "some words, no more", "{}", '{"version": 1}', "[1]", '{"nodes": []}'])
def test_what_is_no_node_is_refused(text: str) -> None:
    with pytest.raises(FusionError):
        foreign.from_text(text)


def test_several_files_become_one_arrival(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / ".mcp.json").write_text(json.dumps(CONFIG))
    other = tmp_path / "other.json"
    other.write_text('{"mcpServers": {"web": {"url": "https://example.org/mcp"}, "same": {"command": "files"}}}')

    arrival = foreign.from_paths([project, other])

    assert [node.name for node in arrival.part.nodes] == ["files", "web", "same"]


def test_a_folder_without_servers_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(FusionError, match=r"\.mcp\.json"):
        foreign.from_paths([tmp_path])


def test_a_bundle_is_unpacked_and_becomes_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_HOME", str(tmp_path / "home"))
    path = tmp_path / "hello.mcpb"
    manifest = {
        "manifest_version": "0.3",
        "name": "hello",
        "version": "1.0.0",
        "server": {
            "type": "node",
            "entry_point": "index.js",
            "mcp_config": {"command": "node", "args": ["${__dirname}/index.js"]},
        },
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("index.js", "")

    (node,) = foreign.from_paths([path]).part.nodes

    assert isinstance(node, ServerNode)
    assert isinstance(node.transport, StdioTransport)
    assert Path(node.transport.args[0]).is_file()


def test_a_graph_is_told_from_a_configuration(tmp_path: Path) -> None:
    graph, config = tmp_path / "graph.json", tmp_path / "config.json"
    graph.write_text(file.dumps(desk()))
    config.write_text(json.dumps(CONFIG))

    assert foreign.is_graph_file(graph)
    assert foreign.is_graph_file(tmp_path / "missing.fusion")
    assert not foreign.is_graph_file(config)


def test_servers_taken_over_lie_in_their_composite_and_on_nothing() -> None:
    found = importing.gather([Source("a client", paste.read(json.dumps(CONFIG)))])

    graph = foreign.taken_over(desk(), found.candidates, "box").graph

    assert places.homes(graph)["files"] == "box"
    assert not places.rect_of(graph, "files").overlaps(places.rect_of(graph, "inner"))


def test_without_a_composite_a_new_one_is_put_where_there_is_room() -> None:
    start = changes.removed(desk(), ["box", "inner"])
    found = importing.gather([Source("a client", paste.read(json.dumps(CONFIG)))])

    graph = foreign.taken_over(start, found.candidates, None).graph

    (composite,) = (node for node in graph.nodes if isinstance(node, CompositeNode))
    assert not places.rect_of(graph, composite.id).overlaps(places.rect_of(graph, "loose"))
    assert places.homes(graph) == {"files": composite.id}
