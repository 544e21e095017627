"""Entries of other catalogues become ways with prompts, by the same rules as those of the registry."""

from pathlib import Path
from typing import Any

import pytest

from composite_runtime.errors import ConfigError
from composite_runtime.graph.model import HttpTransport, StdioTransport
from composite_runtime.interop import paste
from composite_runtime.interop.registry_entry import Entry, fill

SAMPLES = Path(__file__).parents[2] / "data" / "clients"


def entries(name: str) -> dict[str, Entry]:
    found = paste.entries((SAMPLES / name).read_text(encoding="utf-8"))
    return {entry.name: entry for entry in found}


def filled(entry: Entry, **answers: Any) -> Any:
    way = entry.ways[0]
    by_label = {prompt.label: key for key, prompt in way.prompts.items()}
    return fill(way, {by_label[label]: answer for label, answer in answers.items()}, lambda prompt: prompt.label)


def test_dockers_catalogue_becomes_containers_and_remotes() -> None:
    found = entries("docker-mcp/catalog.yaml")
    assert set(found) == {"fusion", "context7"}

    container = filled(found["fusion"], graph_dir="/graphs here", TAVILY_API_KEY="given")
    assert container == StdioTransport(
        command="docker",
        args=(
            *("run", "-i", "--rm", "-e", "TAVILY_API_KEY", "-e", "TZ", "-v", "/graphs here:/graphs:ro"),
            *("example/fusion-runtime:1.0.0", "serve", "--stdio", "--graph", "/graphs/research.fusion.json"),
        ),
        env={"TAVILY_API_KEY": "${secret:TAVILY_API_KEY}", "TZ": "UTC"},
    )
    remote = filled(found["context7"], CONTEXT7_API_KEY="given")
    assert remote == HttpTransport(
        url="https://mcp.context7.com/mcp", headers={"CONTEXT7_API_KEY": "${secret:CONTEXT7_API_KEY}"}
    )


def test_a_file_of_dockers_registry_asks_once_for_folders_used_twice() -> None:
    (entry,) = entries("docker-mcp/servers/server.yaml").values()
    assert entry.title == "Example Tool"
    assert sorted(prompt.label for prompt in entry.ways[0].prompts.values()) == ["EXAMPLE_API_KEY", "paths", "url"]

    made = filled(entry, EXAMPLE_API_KEY="given", paths=["/a", "/b c"])
    assert made.args[5:] == (
        *("-v", "/a:/a", "-v", "/b c:/b c"),
        *("mcp/example-tool", "--transport=stdio", "/a", "/b c"),
    )


@pytest.mark.parametrize(
    "change",
    [{"volumes": ["/:/host"]}, {"volumes": ["/var/run/docker.sock:/s"]}, {"image": "--privileged"}],
    ids=["disk", "socket", "image"],
)
def test_a_hostile_entry_of_docker_is_blocked(change: dict[str, Any]) -> None:
    import yaml

    entry = {"type": "server", "image": "example/x:1", **change}
    (found,) = paste.entries(yaml.safe_dump({"registry": {"x": entry}}))
    assert found.ways[0].is_blocked


def test_a_card_and_a_catalogue_of_cards_lead_to_the_server() -> None:
    (card,) = entries("server-card/server-card.json").values()
    made = filled(card, token="given")
    assert made.headers == {"Authorization": "Bearer ${secret:token}"}

    text = (SAMPLES / "server-card" / "ai-catalog.json").read_text(encoding="utf-8")
    (server,) = paste.read(text).servers
    assert server.transport == HttpTransport(url="http://127.0.0.1:8931/mcp")


def test_a_plain_command_of_smithery_is_taken_over_and_its_secret_is_a_reference() -> None:
    (server,) = paste.read((SAMPLES / "smithery" / "smithery.yaml").read_text(encoding="utf-8")).servers
    assert server.transport == StdioTransport(
        command="fusion-runtime", args=("serve",), env={"KEY": "${secret:fusion-research.apiKey}"}
    )
    assert server.is_ours


def test_a_program_of_smithery_is_never_run() -> None:
    text = "name: odd\nstartCommand:\n  commandFunction: |\n    (config) => ({ command: run(config), args: [a()] })\n"
    with pytest.raises(ConfigError, match="does not run"):
        paste.read(text)


def test_dockers_own_entry_in_a_client_is_a_server_like_any_other() -> None:
    (server,) = paste.read((SAMPLES / "docker-mcp" / "client-entry.json").read_text(encoding="utf-8")).servers
    assert server.name == "MCP_DOCKER"
