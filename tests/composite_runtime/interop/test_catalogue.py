"""The catalogue that comes with Fusion, and the registry online."""

import json
from pathlib import Path
from typing import Any

import pytest

from composite_runtime.cli import main
from composite_runtime.errors import FusionError, UnknownName
from composite_runtime.graph import file
from composite_runtime.graph.model import ServerNode, StdioTransport
from composite_runtime.interop import catalogue
from composite_runtime.interop.online_registry import OnlineRegistry
from composite_runtime.interop.registry_entry import Prompt, Text, Way, fill
from tests.support.registry import Answers, address

__all__ = ["address"]

SAMPLES = Path(__file__).parents[2] / "data" / "clients" / "registry" / "api"


def answers(way: Way) -> dict[str, Text]:
    def answer(prompt: Prompt) -> Text:
        plain = {"number": "1", "boolean": True, "filepath": "/d", "string": "https://v.test"}[prompt.kind]
        chosen: Any = prompt.default or (prompt.choices[0] if prompt.choices else plain)
        return [chosen] if prompt.is_repeated else chosen

    return {prompt.id: answer(prompt) for prompt in way.prompts.values()}


def test_every_known_server_becomes_a_node_in_each_of_its_ways() -> None:
    assert len(catalogue.known_servers()) == 44
    for server in catalogue.known_servers():
        assert server.entry.ways, server.id
        assert server.entry.title
        assert server.entry.description
        for way in server.entry.ways:
            assert not way.is_blocked, (server.id, way.findings)
            fill(way, answers(way), lambda prompt: prompt.id)


def test_packages_are_pinned_or_say_that_they_are_not() -> None:
    for server in catalogue.known_servers():
        for way in server.entry.ways:
            newer = [finding.message for finding in way.findings if "newer one" in finding.message]
            assert way.origin == "oci" or not newer, server.id


def test_ids_are_unique_and_a_server_is_found_by_its_own() -> None:
    ids = [server.id for server in catalogue.known_servers()]
    assert len(set(ids)) == len(ids)
    assert catalogue.known_server("time").entry.title == "Time"
    assert catalogue.known_server("time").needs == "uv"
    with pytest.raises(UnknownName, match="catalogue search"):
        catalogue.known_server("nothing")


def test_words_and_categories_narrow_the_search() -> None:
    assert catalogue.search("git")[0].id in {"git", "github"}
    assert {server.id for server in catalogue.search("database sql")} <= {
        server.id for server in catalogue.search("database")
    }
    assert all("database" in server.categories for server in catalogue.search("", "database"))
    assert catalogue.search("no such words") == []
    assert len(catalogue.search()) == 44
    assert "database" in catalogue.categories()


def test_pages_are_fetched_once_and_then_kept(address: str) -> None:
    registry = OnlineRegistry(address)
    first = registry.search("server")
    assert first.cursor
    second = registry.search("server", first.cursor)
    assert {entry.name for entry in first.entries}.isdisjoint(entry.name for entry in second.entries)
    assert first.entries[0].ways

    assert registry.search("server").entries == first.entries
    assert len(Answers.asked) == 2
    assert "version=latest" in Answers.asked[0]


def test_an_old_answer_does_when_the_registry_is_away(
    address: str, fusion_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = OnlineRegistry(address).search("server")
    for kept in (fusion_home / "registry").iterdir():
        data = json.loads(kept.read_text(encoding="utf-8"))
        kept.write_text(json.dumps(data | {"fetched_at": 1.0}), encoding="utf-8")
    Answers.broken = True

    again = OnlineRegistry(address).search("server")
    assert again.entries == first.entries
    assert again.offline_reason is not None
    assert main(["catalogue", "search", "server", "--online", "--registry", address]) == 0
    assert "older answer" in capsys.readouterr().out


def test_a_registry_that_is_away_is_told() -> None:
    with pytest.raises(FusionError, match=r"127\.0\.0\.1 cannot be reached"):
        OnlineRegistry("http://127.0.0.1:9").search("x")


def test_an_answer_that_is_none_is_told(address: str) -> None:
    Answers.broken = True
    with pytest.raises(FusionError, match="not JSON"):
        OnlineRegistry(address).search("x")


def test_one_entry_can_be_asked_for(address: str) -> None:
    entry = OnlineRegistry(address).entry("io.github.modelcontextprotocol/server-git")
    assert entry.title == "Git"
    with pytest.raises(FusionError, match="no such server"):
        OnlineRegistry(address).entry("io.github.example/missing")


@pytest.mark.parametrize("url", ["", "ftp://x", "http://example.test", "file:///etc"])
def test_a_registry_is_reached_safely_or_not_at_all(url: str) -> None:
    with pytest.raises(FusionError, match="no address of a registry"):
        OnlineRegistry(url)


def test_the_command_line_searches(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "search", "time"]) == 0
    assert "mcp-server-time" in capsys.readouterr().out
    assert main(["catalogue", "search", "brave", "--json"]) == 0
    (brave,) = json.loads(capsys.readouterr().out)
    assert brave["ways"][0]["asks"] == ["BRAVE_API_KEY (secret)"]
    assert brave["ways"][0]["needs"] == "Node.js"
    assert main(["catalogue", "search", "no-such-thing"]) == 1


def test_the_command_line_adds_a_known_server_to_a_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "desk.fusion"
    added = ["catalogue", "add", "filesystem", "-o", str(target), "--set", "folder=/data", "--set", "folder=/more"]
    assert main(added) == 0
    assert "needs Node.js" in capsys.readouterr().out
    assert main(["catalogue", "add", "brave-search", "-o", str(target), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["missing_secrets"] == ["brave-search.BRAVE_API_KEY"]

    graph = file.load(target)
    files, brave = (node.transport for node in graph.nodes if isinstance(node, ServerNode))
    assert isinstance(files, StdioTransport)
    assert files.args[-2:] == ("/data", "/more")
    assert isinstance(brave, StdioTransport)
    assert brave.env == {"BRAVE_API_KEY": "${secret:brave-search.BRAVE_API_KEY}"}
    assert len(graph.edges) == 2
    assert main(added) == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["filesystem"], "add --set folder=VALUE"),
        (["filesystem", "--set", "colour=red"], "asks for folder"),
        (["brave-search", "--set", "BRAVE_API_KEY=planted-value"], "is a secret"),
        (["time", "--way", "oci"], "its ways are"),
        (["no-such-server"], "catalogue search"),
    ],
)
def test_what_cannot_be_added_is_told(
    words: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "desk.fusion"
    assert main(["catalogue", "add", *words, "-o", str(target)]) == 1
    said = capsys.readouterr().err
    assert reason in said
    assert "planted-value" not in said
    assert not target.exists()
