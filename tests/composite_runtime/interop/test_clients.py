"""Every client's sample files: read, add an entry, verify, take it out, and the file is what it was, byte for byte."""

from pathlib import Path

import pytest

from composite_runtime.errors import ConfigError
from composite_runtime.graph.model import HttpTransport, SseTransport, StdioTransport
from composite_runtime.interop import config_file, export
from composite_runtime.interop.clients import clients
from composite_runtime.interop.clients.format import FoundServer, Reading
from composite_runtime.interop.machine import Machine

SAMPLES = Path(__file__).parents[2] / "data" / "clients"
COMMAND = ("/opt/Fusion ü/composite-runtime", "serve", "C:\\Użytkownicy\\研究\\r&d.fusion")

ACCEPTED = {
    "claude-desktop": [
        "basic.json", "big-200-servers.json", "bom-utf8.json", "crlf-tabs.json", "empty-object.json", "empty.json",
        "fusion-already-exported.json", "no-final-newline-minified.json", "no-mcpservers.json",
        "remote-entry-ignored.json", "secrets-in-plain-text.json", "unicode-names.json", "unknown-keys.json",
        "whitespace.json", "windows-paths.json",
    ],
    "claude-code": ["claude.json", "project.mcp.json", "partly-invalid.mcp.json", "managed-mcp.json"],
    "cursor": ["global.mcp.json", "project.mcp.json"],
    "vscode": [
        "user.mcp.json", "workspace.mcp.json", "comment-only.mcp.json", "empty-servers-with-comment.mcp.json",
        "inline-empty.mcp.json",
    ],
    "copilot-cli": ["mcp-config.json", "workspace.github-mcp.json"],
    "windsurf": ["mcp_config.json"],
    "cline": ["cline_mcp_settings.json"],
    "kiro": ["mcp.json"],
    "lmstudio": ["mcp.json"],
    "warp": ["mcp.json", "bare-map.mcp.json"],
    "zed": ["settings.json", "settings-no-context-servers.json"],
    "continue": ["config.yaml", "mcpServers/fusion.yaml"],
    "gemini-cli": ["settings.json"],
    "codex": ["config.toml", "bom-crlf.toml", "dotted-keys.toml", "inline-table.toml", "no-mcp.toml"],
    "goose": ["config.yaml", "anchors-merge.yaml", "empty.yaml", "extensions-null.yaml"],
    "opencode": ["opencode.json", "opencode-v2.jsonc", "missing-file-reference.fatal.json"],
}  # fmt: skip

REFUSED = {
    "claude-desktop/duplicate-keys.json": "written twice, again at line 6, column 3",
    "claude-desktop/mcpservers-array.json": "'mcpServers' is not an object",
    "claude-desktop/mcpservers-null.json": "'mcpServers' is not a JSON object at line 1, column 15",
    "claude-desktop/root-array.json": "not a JSON object",
    "claude-desktop/comments-rejected-by-client.json": "there is a comment at line 2, column 3",
    "claude-desktop/malformed-missing-comma.json": "line 4, column 5",
    "claude-desktop/malformed-truncated.json": "line 4, column 22",
    "claude-desktop/invalid-utf8.json": "line 1, column",
    "claude-desktop/utf16le-bom.json": "UTF-16",
    "claude-code/comments.rejected.mcp.json": "there is a comment at line 1, column 1",
    "continue/mcpservers-is-map.yaml": "'mcpServers' is not a list",
    "continue/malformed.yaml": "line 3, column 1",
    "gemini-cli/trailing-comma.fatal.json": "there is a comma too many at line 1, column 35",
    "gemini-cli/bom.fatal.json": "byte order mark",
    "codex/malformed.toml": "line 1, column 15",
    "codex/invalid-entry.stops-codex.toml": "'bad' needs either a command or a url",
    "codex/both-transports.stops-codex.toml": "'a' needs either a command or a url",
    "goose/malformed.yaml": "line 3, column 1",
    "opencode/command-string.fatal.json": "command of 'fusion' is a text",
    "opencode/opencode-v2-timeout.fatal.jsonc": "number 'timeout'",
}

ADDED = [(client, f"{client}/{name}") for client, names in ACCEPTED.items() for name in names]
ADDED += [("junie", "jetbrains/junie.mcp.json"), ("junie", "jetbrains/air.mcp.json")]


def copied(sample: str, folder: Path) -> Path:
    file = folder / "config" / Path(sample).name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes((SAMPLES / sample).read_bytes())
    return file


def read(client: str, name: str) -> Reading:
    return clients[client].read((SAMPLES / client / name).read_bytes().decode())


def server(client: str, name: str, key: str) -> FoundServer:
    found = read(client, name).server(key)
    assert found is not None
    return found


def stdio(found: FoundServer) -> StdioTransport:
    assert isinstance(found.transport, StdioTransport)
    return found.transport


def http(found: FoundServer) -> HttpTransport:
    assert isinstance(found.transport, HttpTransport)
    return found.transport


@pytest.mark.parametrize(("client", "sample"), ADDED, ids=[sample for _, sample in ADDED])
def test_an_entry_is_added_and_taken_out_again(client: str, sample: str, tmp_path: Path) -> None:
    file = copied(sample, tmp_path)
    content = file.read_bytes()
    before = clients[client].read(content.decode())

    plan = export.plan(client, "fusion-test", COMMAND, file=file, graph_id="id-1")
    export.apply(plan)

    after = clients[client].read(file.read_bytes().decode())
    added = after.server("fusion-test")
    assert added is not None
    assert (stdio(added).command, *stdio(added).args) == COMMAND
    assert added.graph_id == "id-1"
    assert added.is_ours
    assert [found for found in after.servers if found.name != "fusion-test"] == list(before.servers)
    assert after.problems == before.problems
    assert clients[client].why_unreadable(file.read_bytes().decode()) is None
    if b"\r\n" in content:
        assert b"\n" not in file.read_bytes().replace(b"\r\n", b"")

    again = export.plan(client, "fusion-test", COMMAND, file=file, graph_id="id-1")
    assert again.changes_nothing

    export.remove(client, "fusion-test", file=file)
    assert file.read_bytes() == content


@pytest.mark.parametrize(("client", "sample"), ADDED, ids=[sample for _, sample in ADDED])
def test_taking_an_entry_out_without_a_backup_leaves_the_same_servers(client: str, sample: str, tmp_path: Path) -> None:
    file = copied(sample, tmp_path)
    before = clients[client].read(file.read_bytes().decode())
    export.apply(export.plan(client, "fusion-test", COMMAND, file=file))
    for backup in config_file.backups(file):
        backup.unlink()

    export.apply(export.plan(client, "fusion-test", (*COMMAND, "--composite", "x"), file=file))
    for backup in config_file.backups(file):
        backup.unlink()
    export.remove(client, "fusion-test", file=file)

    assert clients[client].read(file.read_bytes().decode()) == before


@pytest.mark.parametrize("sample", REFUSED)
def test_what_cannot_be_changed_safely_is_refused_with_its_place(sample: str, tmp_path: Path) -> None:
    file = copied(sample, tmp_path)

    with pytest.raises(ConfigError) as caught:
        export.plan(sample.partition("/")[0], "fusion-test", COMMAND, file=file)

    assert REFUSED[sample] in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("client", clients)
@pytest.mark.parametrize("platform", ["darwin", "win32", "linux"])
def test_every_client_is_found_in_the_home_folder_of_each_system(client: str, platform: str, tmp_path: Path) -> None:
    env = {"APPDATA": str(tmp_path / "Roaming"), "LOCALAPPDATA": str(tmp_path / "Local")} if platform == "win32" else {}
    locations = clients[client].paths(platform, env, tmp_path)

    for location in locations:
        assert location.path.is_absolute()
        assert tmp_path in location.path.parents
        assert not location.is_installed() or location.path.parent == tmp_path
    assert locations or client in {"jetbrains", "antigravity"}


@pytest.mark.parametrize("client", [name for name in clients if not clients[name].why_read_only])
def test_a_file_that_is_missing_is_made_so_that_the_client_can_read_it(client: str, tmp_path: Path) -> None:
    machine = Machine("linux", {}, tmp_path)
    plan = export.plan(client, "fusion-test", COMMAND, machine=machine, graph_id="id-1")
    export.apply(plan)

    text = config_file.load(plan.path)
    assert text is not None
    assert clients[client].why_unreadable(text) is None
    assert clients[client].restart
    assert [found.name for found in clients[client].read(text).servers] == ["fusion-test"]


@pytest.mark.parametrize("client", [name for name in clients if clients[name].opens_urls])
def test_a_url_is_added_where_the_client_opens_urls(client: str, tmp_path: Path) -> None:
    plan = export.plan_url(client, "fusion-test", "http://127.0.0.1:8931/mcp", file=tmp_path / "config" / "file")
    export.apply(plan)

    (found,) = clients[client].read(plan.after).servers
    assert http(found).url == "http://127.0.0.1:8931/mcp"
    assert clients[client].why_unreadable(plan.after) is None


def test_a_client_that_opens_no_urls_is_not_given_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be given a URL"):
        export.plan_url("claude-desktop", "fusion-test", "http://127.0.0.1:8931/mcp", file=tmp_path / "f")


@pytest.mark.parametrize("client", ["roo", "amazon-q", "jetbrains", "antigravity"])
def test_a_client_that_is_only_read_says_why(client: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be exported to"):
        export.plan(client, "fusion-test", COMMAND, file=tmp_path / "f")


def test_what_a_person_added_to_our_entry_stays_when_it_is_exported_again(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(
        '{"mcpServers":{"fusion":{"command":"/old/composite-runtime","args":["serve","g"],"disabled":true,'
        '"autoApprove":["x"],"env":{"LOG":"1"}}}}',
        encoding="utf-8",
    )
    export.apply(export.plan("cline", "fusion", COMMAND, file=file, graph_id="id-1"))

    entry = clients["cline"].read(file.read_text(encoding="utf-8")).server("fusion")
    assert entry is not None
    assert not entry.enabled
    assert entry.notes == ("tools allowed without asking are not taken over",)
    assert stdio(entry).env == {"LOG": "1", "FUSION_GRAPH_ID": "id-1"}
    assert stdio(entry).command == COMMAND[0]


@pytest.mark.parametrize("client", ["codex", "goose", "continue"])
def test_the_preview_of_a_line_oriented_file_hides_the_values_of_others(client: str, tmp_path: Path) -> None:
    sample = {"codex": "codex/config.toml", "goose": "goose/config.yaml", "continue": "continue/config.yaml"}[client]
    diff = export.plan(client, "fusion-test", COMMAND, file=copied(sample, tmp_path)).diff

    assert "Fusion ü" in diff
    for value in ("gpt-5.5-mini", "claude-x", "trusted", "true      #", "qwen3", "mcp-sqlite"):
        assert value not in diff


class TestReading:
    def test_claude_code_has_servers_for_a_user_and_for_a_project(self) -> None:
        assert http(server("claude-code", "claude.json", "context7")).url == "https://mcp.context7.com/mcp"
        memory = server("claude-code", "claude.json", "memory")
        assert memory.timeout_s == 60
        assert memory.notes == ("Claude Code used it in /home/ada/work/api only",)

    def test_claude_code_refers_to_variables_in_braces(self) -> None:
        team = stdio(server("claude-code", "project.mcp.json", "fusion-team"))
        assert team.command == "${env:FUSION_RUNTIME:-fusion-runtime}"
        assert team.args[3] == "${env:CLAUDE_PROJECT_DIR:-.}/fusion/team.fusion.json"
        assert team.env["HTTP_PROXY"] == "${env:HTTP_PROXY:-}"
        docs = server("claude-code", "project.mcp.json", "docs")
        assert http(docs).headers["Authorization"] == "Bearer ${env:DOCS_TOKEN}"
        assert "the program that makes its headers is not taken over" in docs.notes
        assert isinstance(server("claude-code", "project.mcp.json", "legacy").transport, SseTransport)
        assert read("claude-code", "project.mcp.json").problems == ("'sock': servers of type 'ws' are not supported",)

    def test_a_bad_entry_does_not_hide_the_good_ones(self) -> None:
        found = read("claude-code", "partly-invalid.mcp.json")
        assert {one.name for one in found.servers} >= {"ok"}

    def test_cursor_refers_to_the_environment(self) -> None:
        acme = server("cursor", "global.mcp.json", "acme")
        assert http(acme).headers == {"Authorization": "Bearer ${env:ACME_TOKEN}", "X-Home": "${env:HOME}"}
        assert acme.notes == ("its sign-in settings are not taken over",)
        project = server("cursor", "project.mcp.json", "fusion")
        assert stdio(project).args[3] == "$${workspaceFolder}$${pathSeparator}fusion.json"
        assert "${workspaceFolder} has no meaning here and stays text" in project.notes
        assert project.is_ours

    def test_vscode_asks_for_inputs(self) -> None:
        github = server("vscode", "user.mcp.json", "github")
        assert http(github).headers == {
            "Authorization": "Bearer ${secret:gh-token}",
            "X-Region": "${input:region:-eu}",
        }
        assert github.notes == ()
        assert stdio(server("vscode", "user.mcp.json", "dev")).env == {"PORT": "8080"}
        assert "'sock'" in read("vscode", "user.mcp.json").problems[0]

    @pytest.mark.parametrize(("name", "key"), [("settings-legacy.json", "old"), ("devcontainer.json", "time")])
    def test_vscode_has_older_places_for_servers(self, name: str, key: str) -> None:
        assert stdio(server("vscode", name, key)).args

    def test_copilot_cli_refers_to_variables_with_and_without_braces(self) -> None:
        assert stdio(server("copilot-cli", "mcp-config.json", "playwright")).env == {"TOKEN": "${env:PW_TOKEN}"}
        docs = server("copilot-cli", "mcp-config.json", "docs")
        assert docs.timeout_s == 30
        assert http(docs).headers == {"Authorization": "Bearer ${env:CTX7}"}
        assert stdio(server("copilot-cli", "mcp-config.json", "defaults")).cwd == "~/work"

    def test_windsurf_names_its_urls_differently(self) -> None:
        remote = server("windsurf", "mcp_config.json", "remote")
        assert http(remote).url == "https://mcp.example.test/mcp"
        assert "${file:~/.keys/mcp} has no meaning here and stays text" in remote.notes
        assert not server("windsurf", "mcp_config.json", "off").enabled

    def test_cline_nests_and_counts_in_seconds(self) -> None:
        assert http(server("cline", "cline_mcp_settings.json", "nested")).headers == {"X": "1"}
        flat = server("cline", "cline_mcp_settings.json", "flat")
        assert flat.timeout_s == 60
        assert not flat.enabled
        assert "tools allowed without asking are not taken over" in flat.notes
        assert http(server("cline", "cline_mcp_settings.json", "legacy-http"))
        assert isinstance(server("cline", "cline_mcp_settings.json", "means-sse").transport, SseTransport)

    def test_roo_and_amazon_q_can_be_read(self) -> None:
        assert server("roo", "mcp_settings.json", "http").timeout_s == 3600
        assert stdio(server("roo", "mcp_settings.json", "local")).env == {"T": "${env:TOKEN}"}
        assert server("amazon-q", "agent-default.json", "git").timeout_s == 120
        assert stdio(server("amazon-q", "legacy.mcp.json", "time")).command == "uvx"

    def test_zed_has_older_shapes_and_extensions(self) -> None:
        assert server("zed", "settings.json", "time").timeout_s == 30
        assert stdio(server("zed", "settings.json", "old-shape")).args == ("mcp-server-git",)
        assert read("zed", "settings.json").problems == ("'mcp-server-github': it has neither a command nor a URL",)

    def test_gemini_cli_refers_to_variables_and_has_an_older_word_for_urls(self) -> None:
        py = server("gemini-cli", "settings.json", "py")
        assert stdio(py).env == {"KEY": "${env:MY_KEY}", "D": "${env:DIR:-/tmp}"}
        assert py.timeout_s == 15
        assert http(server("gemini-cli", "settings.json", "old"))
        assert isinstance(server("gemini-cli", "settings.json", "sse").transport, SseTransport)

    def test_codex_names_variables_without_a_spelling_for_them(self) -> None:
        assert http(server("codex", "config.toml", "context7")).headers == {
            "X-Region": "eu",
            "X-Key": "${env:CTX7_KEY}",
            "Authorization": "Bearer ${env:CTX7}",
        }
        local = server("codex", "config.toml", "local")
        assert stdio(local).env == {
            "GIT_TOKEN": "${env:GIT_TOKEN}",
            "SSH_KEY": "${env:SSH_KEY}",
            "LANG": "de_AT.UTF-8",
        }
        assert local.timeout_s == 90.5
        assert "its hidden tools are not taken over" in local.notes

    def test_goose_keeps_secrets_and_extensions_of_its_own(self) -> None:
        found = read("goose", "config.yaml")
        assert [one.name for one in found.servers] == ["github", "web", "dead"]
        assert stdio(server("goose", "config.yaml", "github")).env == {
            "GITHUB_PERSONAL_ACCESS_TOKEN": "${secret:GITHUB_PERSONAL_ACCESS_TOKEN}"
        }
        web = server("goose", "config.yaml", "web")
        assert not web.enabled
        assert http(web).headers == {"Authorization": "Bearer ${env:TOKEN}"}
        assert stdio(server("goose", "anchors-merge.yaml", "a")).command == "x"

    def test_continue_lists_servers_and_refers_to_secrets(self) -> None:
        assert stdio(server("continue", "config.yaml", "SQLite")).env == {"TOKEN": "${secret:SQLITE_TOKEN}"}
        remote = server("continue", "config.yaml", "Remote")
        assert http(remote).headers == {"Authorization": "Bearer ${secret:REMOTE_KEY}", "X-Team": "a"}
        assert stdio(server("continue", "mcpServers/mcp.json", "fusion-research")).env == {"T": "${env:TOKEN}"}

    def test_opencode_has_commands_as_lists(self) -> None:
        fusion = server("opencode", "opencode.json", "fusion")
        assert stdio(fusion).command == "fusion-runtime"
        assert stdio(fusion).env == {"T": "${env:FUSION_TOKEN}"}
        assert stdio(fusion).cwd == "/work"
        assert not server("opencode", "opencode.json", "remote").enabled
        assert stdio(server("opencode", "opencode-v2.jsonc", "fusion")).args == ("serve", "--stdio")

    def test_jetbrains_takes_two_spellings(self) -> None:
        for name in ("ai-assistant-paste.json", "junie.mcp.json", "air.mcp.json", "copilot-intellij.mcp.json"):
            assert server("jetbrains", name, "fusion").is_ours
        web = server("jetbrains", "copilot-intellij.mcp.json", "web")
        assert http(web).headers == {"Authorization": "Bearer example"}

    def test_claude_desktop_takes_every_text_as_it_is(self) -> None:
        search = stdio(server("claude-desktop", "secrets-in-plain-text.json", "search"))
        assert search.env["PASSWORD"] == 'pa$$word $${not_a_var} \\ " é'
        memory = stdio(server("claude-desktop", "windows-paths.json", "memory"))
        assert memory.command == "npx"
        assert memory.env["MEMORY_FILE_PATH"] == "%APPDATA%\\memory\\kg.json"


class TestPlaces:
    def test_the_environment_moves_files(self, tmp_path: Path) -> None:
        moved = {
            "claude-code": ({"CLAUDE_CONFIG_DIR": "/c"}, "/c/.claude.json"),
            "codex": ({"CODEX_HOME": "/c"}, "/c/config.toml"),
            "copilot-cli": ({"COPILOT_HOME": "/c"}, "/c/mcp-config.json"),
            "cline": ({"CLINE_DIR": "/c"}, "/c/data/settings/cline_mcp_settings.json"),
            "goose": ({"GOOSE_PATH_ROOT": "/c"}, "/c/config/config.yaml"),
            "zed": ({"XDG_CONFIG_HOME": "/c"}, "/c/zed/settings.json"),
        }
        for client, (env, file) in moved.items():
            assert clients[client].paths("linux", env, tmp_path)[0].path == Path(file)

    def test_opencode_reads_the_file_with_comments_first(self, tmp_path: Path) -> None:
        folder = tmp_path / ".config" / "opencode"
        folder.mkdir(parents=True)
        for name in ("opencode.json", "opencode.jsonc"):
            (folder / name).write_text("{}", encoding="utf-8")
            assert clients["opencode"].paths("linux", {}, tmp_path)[0].path.name == name

    def test_an_older_place_counts_until_there_is_a_newer_one(self, tmp_path: Path) -> None:
        for place in (".cache/lm-studio/mcp.json", ".lmstudio/mcp.json"):
            (tmp_path / place).parent.mkdir(parents=True)
            (tmp_path / place).write_text("{}", encoding="utf-8")
            assert clients["lmstudio"].paths("linux", {}, tmp_path)[0].path == tmp_path / place

    def test_profiles_and_old_places_are_read_as_well(self, tmp_path: Path) -> None:
        profile = tmp_path / ".config/Code/User/profiles/p1/mcp.json"
        old_cline = tmp_path / ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"
        for file in (profile, old_cline):
            file.parent.mkdir(parents=True)
            file.write_text("{}", encoding="utf-8")
        assert profile in [place.path for place in clients["vscode"].paths("linux", {}, tmp_path)]
        assert clients["cline"].paths("linux", {}, tmp_path)[1].path == old_cline
