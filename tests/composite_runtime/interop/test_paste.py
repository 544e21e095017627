"""What people paste, in the forms they paste it."""

import json
from pathlib import Path

import pytest

from composite_runtime.errors import ConfigError
from composite_runtime.graph.model import HttpTransport, SseTransport, StdioTransport
from composite_runtime.interop import links, paste
from composite_runtime.interop.clients.format import Entry

SAMPLES = Path(__file__).parents[2] / "data" / "clients"


def words(text: str) -> list[str]:
    """The first server in a text: its name, then its command line or URL."""
    found = paste.read(text).servers[0]
    if isinstance(found.transport, StdioTransport):
        return [found.name, found.transport.command, *found.transport.args]
    return [found.name, found.transport.url]


GENERIC = {
    "bare-map.json": ["a", "npx", "-y", "x"],
    "claude-mcp-add.txt": ["ctx7", "https://mcp.context7.com/mcp"],
    "command-line.txt": [
        "filesystem",
        "npx",
        "-y",
        "@modelcontextprotocol/server-filesystem",
        "/home/ada/My Docs",
        "/tmp",
    ],
    "fragment-without-braces.txt": ["myserver", "npx", "-y", "x"],
    "markdown-fence.txt": ["a", "npx", "-y", "x"],
    "mcpServers.json": ["a", "npx", "-y", "x"],
    "single-entry.json": ["x", "npx", "-y", "x"],
    "url.txt": ["deepwiki", "https://mcp.deepwiki.com/mcp"],
}


@pytest.mark.parametrize("sample", GENERIC)
def test_the_samples_are_understood(sample: str) -> None:
    assert words((SAMPLES / "generic" / sample).read_text(encoding="utf-8")) == GENERIC[sample]


def test_a_container_is_called_after_its_image() -> None:
    found = words((SAMPLES / "generic" / "docker-run.txt").read_text(encoding="utf-8"))
    assert found[:2] == ["github", "docker"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uvx mcp-server-time", ["time", "uvx", "mcp-server-time"]),
        ("$ npx -y @scope/pkg-mcp@1.2.3", ["pkg", "npx", "-y", "@scope/pkg-mcp@1.2.3"]),
        ("npx -y x \\\n  --flag", ["x", "npx", "-y", "x", "--flag"]),
        ('cmd /c npx -y @a/b "C:\\My Docs"', ["b", "npx", "-y", "@a/b", "C:\\My Docs"]),
        ("docker run -i --rm -e A=b mcp/time:1", ["time", "docker", "run", "-i", "--rm", "-e", "A=b", "mcp/time:1"]),
        ("/opt/my server/run", ["/opt/my", "/opt/my", "server/run"]),
        ("claude mcp add fs -e K=v -s user -- npx -y x --flag", ["fs", "npx", "-y", "x", "--flag"]),
        ("claude mcp add --transport sse old https://x.test/sse", ["old", "https://x.test/sse"]),
        ("codex mcp add d --url https://x.test/mcp --bearer-token-env-var TOK", ["d", "https://x.test/mcp"]),
        ("gemini mcp add t uvx mcp-server-time", ["t", "uvx", "mcp-server-time"]),
        ('claude mcp add-json n \'{"command":"c","args":["a"]}\'', ["n", "c", "a"]),
        ('code --add-mcp \'{"name":"z","command":"uvx","args":["t"]}\'', ["z", "uvx", "t"]),
        ('"a": {"command": "x"},', ["a", "x"]),
        ('// note\n{"a": {"command": "x",},}', ["a", "x"]),
        ('[{"name": "a", "command": "x"}]', ["a", "x"]),
        ('{"outer": {"a": {"command": "x"}}}', ["a", "x"]),
        ("mcpServers:\n  - name: y\n    command: z", ["y", "z"]),
        ('[mcp_servers.x]\ncommand = "y"', ["x", "y"]),
        ('mcp_servers.probe.command = "x"', ["probe", "x"]),
        ("https://mcp.example.test/mcp", ["test", "https://mcp.example.test/mcp"]),
    ],
)
def test_other_forms_are_understood(text: str, expected: list[str]) -> None:
    found = words(text)
    assert found[1:] == expected[1:]
    if not text.startswith(("/opt", "https")):
        assert found[0] == expected[0]


def test_variables_and_headers_are_taken_along() -> None:
    command = paste.read("API_KEY=$MY_KEY uvx mcp-server-time").servers[0].transport
    assert isinstance(command, StdioTransport)
    assert command.env == {"API_KEY": "${env:MY_KEY}"}
    added = paste.read((SAMPLES / "generic" / "claude-mcp-add.txt").read_text(encoding="utf-8")).servers[0].transport
    assert isinstance(added, HttpTransport)
    assert added.headers == {"CONTEXT7_API_KEY": "KEY"}
    codex = paste.read("codex mcp add d --url https://x.test/mcp --bearer-token-env-var TOK").servers[0].transport
    assert isinstance(codex, HttpTransport)
    assert codex.headers == {"Authorization": "Bearer ${env:TOK}"}
    old = paste.read("claude mcp add --transport sse old https://x.test/sse").servers[0].transport
    assert isinstance(old, SseTransport)


@pytest.mark.parametrize(
    "sample",
    [
        "codex/config.toml", "codex/inline-table.toml", "goose/config.yaml", "continue/config.yaml",
        "zed/settings.json", "opencode/opencode.json", "opencode/opencode-v2.jsonc", "vscode/user.mcp.json",
        "vscode/settings-legacy.json", "vscode/devcontainer.json", "claude-code/claude.json", "warp/bare-map.mcp.json",
        "cline/cline_mcp_settings.json", "jetbrains/copilot-intellij.mcp.json", "amazon-q/agent-default.json",
        "windsurf/mcp_config.json",
    ],
)  # fmt: skip
def test_a_whole_configuration_of_any_client_is_understood(sample: str) -> None:
    assert paste.read((SAMPLES / sample).read_bytes().decode()).servers


def test_install_links_are_decoded() -> None:
    known = json.loads((SAMPLES / "cursor" / "deeplinks.json").read_text(encoding="utf-8"))
    for kind in ("cursor", "cursor_https", "lmstudio", "lmstudio_https", "vscode", "vscode_insiders", "vscode_https"):
        assert words(known[kind]) == ["fusion-research", known["config"]["command"], *known["config"]["args"]], kind
    token = paste.read(known["vscode"]).servers[0].transport
    assert isinstance(token, StdioTransport)
    assert token.env == {"FUSION_TOKEN": "${secret:fusion-token}"}


def test_our_links_are_those_of_the_samples() -> None:
    known = json.loads((SAMPLES / "cursor" / "deeplinks.json").read_text(encoding="utf-8"))
    entry = Entry("fusion-research", (known["config"]["command"], *known["config"]["args"]))

    assert links.links(entry)["cursor"] == known["cursor"]
    assert links.links(entry)["lmstudio"] == known["lmstudio"]
    assert links.web_links(entry)["cursor"] == known["cursor_https"]
    assert links.web_links(entry)["lmstudio"] == known["lmstudio_https"]


def test_what_we_hand_out_is_what_we_read() -> None:
    entry = Entry("fusion-x", ("/opt/a b/composite-runtime", "serve", "/tmp/r&d+ü.fusion"), {"FUSION_GRAPH_ID": "1"})
    expected = [entry.name, *entry.command]

    for text in (*links.links(entry).values(), *links.web_links(entry).values()):
        assert words(text) == expected
    for client in ("codex", "vscode"):
        assert words(links.commands(entry)[client]) == expected
    assert words(links.as_json(entry)) == expected
    assert words(links.as_markdown(entry, "Tools")) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "nothing to read"),
        ("hello world", "no configuration, command, link or URL"),
        ("{“a”: {“command”: “x”}}", "typographic quotes"),
        ('{"a": 1}', "no server in it"),
        ('{"a": {"command": "x"', "a comma or '}' is missing at line 1, column 22"),
        ("npx -y 'x", "quote in this command is not closed"),
        ("claude mcp add fs", "names no server to add"),
        ("cursor://anysphere.cursor-deeplink/mcp/install?name=x&config=%%%", "install link holds no configuration"),
        ("[mcp_servers.a\ncommand = 1", "line 1, column 15"),
        ("extensions:\n  a: {type: stdio", "line 2, column"),
        ("// only a comment", "not the description of a server"),
    ],
)
def test_what_is_not_understood_is_answered_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        paste.read(text)
    assert message in str(caught.value)


def test_entries_of_the_registry_are_understood() -> None:
    folder = SAMPLES / "registry"
    assert words((folder / "time.json").read_text(encoding="utf-8")) == ["Time", "uvx", "mcp-server-time==2026.10.19"]
    page = paste.read((folder / "api" / "list-page1.json").read_text(encoding="utf-8"))
    assert len(page.servers) + len(page.problems) == 2
    asking = paste.read((folder / "filesystem.json").read_text(encoding="utf-8"))
    assert "is required" in asking.problems[0]
    hostile = paste.read((folder / "dirty" / "hostile.json").read_text(encoding="utf-8"))
    assert "blocked" in hostile.problems[0]
