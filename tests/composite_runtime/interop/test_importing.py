"""Taking servers over: each once, without their secrets, and never ourselves."""

import json
from pathlib import Path

import pytest

from composite_runtime import secrets
from composite_runtime.cli import main
from composite_runtime.graph import edit, file
from composite_runtime.graph.model import HttpTransport, StdioTransport
from composite_runtime.interop import importing
from composite_runtime.interop.clients import clients
from composite_runtime.interop.clients.format import FoundServer, Reading
from composite_runtime.interop.importing import Source, add_to, gather, named_in
from composite_runtime.interop.machine import Machine
from composite_runtime.interop.plain_secrets import looks_secret, move

SAMPLES = Path(__file__).parents[2] / "data" / "clients"
PLANTED = (
    "ghp_EXAMPLEexampleEXAMPLEexampleEXAMPLE00",
    "s3cr3t-pw",
    "tvly-EXAMPLE0000000000000000",
    "pa$$word ${not_a_var}",
)


def source(client: str, sample: str) -> Source:
    return importing.from_file(SAMPLES / client / sample, client)


def stdio(name: str, command: str, *args: str, **env: str) -> FoundServer:
    return FoundServer(name, StdioTransport(command=command, args=args, env=env))


def reading(*servers: FoundServer) -> Reading:
    return Reading(servers)


def test_the_same_server_in_three_clients_is_one() -> None:
    gathered = gather(
        [
            Source("A", reading(stdio("fs", "npx", "-y", "server-files", "/data"))),
            Source("B", reading(stdio("files", "C:\\node\\npx.cmd", "server-files", "/data", LOG="1"))),
            Source("C", reading(stdio("fs", "/usr/bin/npx", "--yes", "server-files", "/data"))),
        ]
    )

    (one,) = gathered.candidates
    assert one.labels == ("A", "B", "C")
    assert one.found.name == "fs"
    assert one.differs
    assert isinstance(one.found.transport, StdioTransport)
    assert one.found.transport.env == {"LOG": "1"}


def test_servers_that_differ_in_an_argument_stay_two() -> None:
    gathered = gather([Source("A", reading(stdio("a", "npx", "x", "/a"), stdio("b", "npx", "x", "/b")))])

    assert [one.found.name for one in gathered.candidates] == ["a", "b"]


def test_a_server_switched_on_somewhere_is_wanted() -> None:
    off = FoundServer("a", HttpTransport(url="https://x.test/mcp"), enabled=False)
    on = FoundServer("a", HttpTransport(url="https://x.test/mcp/"))

    (one,) = gather([Source("A", reading(off)), Source("B", reading(on))]).candidates
    assert one.found.enabled
    assert not gather([Source("A", reading(off))]).candidates[0].found.enabled


def test_our_own_entries_are_not_taken_over() -> None:
    gathered = gather([source("claude-desktop", "fusion-already-exported.json")])

    assert [one.found.name for one in gathered.ours] == ["fusion-research"]
    assert gathered.ours[0].found.graph_id == "0f2c6c1e-5a1f-4f0e-9a55-3c1d1f1f9a10"
    assert [one.found.name for one in gathered.candidates] == ["filesystem"]


def test_a_broken_file_does_not_hide_the_others() -> None:
    gathered = gather([source("goose", "malformed.yaml"), source("claude-desktop", "basic.json")])

    assert "line 3, column 1" in gathered.problems[0]
    assert len(gathered.candidates) == 2


def test_every_client_on_the_machine_is_read(tmp_path: Path) -> None:
    for client, sample in {
        "cursor": "cursor/global.mcp.json",
        "codex": "codex/config.toml",
        "goose": "goose/config.yaml",
        "zed": "zed/settings.json",
    }.items():
        path = clients[client].paths("linux", {}, tmp_path)[0].path
        path.parent.mkdir(parents=True)
        path.write_bytes((SAMPLES / sample).read_bytes())

    sources = importing.installed(Machine("linux", {}, tmp_path))
    assert [one.label for one in sources] == ["Cursor", "Zed", "Codex", "Goose"]
    assert len(gather(sources).candidates) >= 8


def test_nodes_get_names_limits_and_a_composite() -> None:
    slow = FoundServer("Same", StdioTransport(command="a"), enabled=False, timeout_s=90.5)
    graph = edit.new_graph()
    imported = add_to(graph, gather([Source("A", reading(slow, stdio("Same", "b")))]).candidates)

    first, second = imported.nodes
    assert (first.name, second.name) == ("Same", "Same 2")
    assert first.limits.idle_s == 90.5
    assert not first.enabled
    (composite,) = imported.graph.roots()
    assert {edge.source for edge in imported.graph.members(composite.id)} == {first.id, second.id}


def test_what_the_graph_has_already_is_not_added_again() -> None:
    candidates = gather([source("claude-desktop", "secrets-in-plain-text.json")]).candidates
    once = add_to(edit.new_graph(), candidates)
    again = add_to(once.graph, candidates)

    assert len(once.nodes) == 3
    assert again.nodes == ()
    assert again.secrets == ()
    assert again.graph == once.graph


def test_secrets_in_plain_text_become_references() -> None:
    imported = add_to(edit.new_graph(), gather([source("claude-desktop", "secrets-in-plain-text.json")]).candidates)

    text = imported.graph.model_dump_json()
    for planted in PLANTED:
        assert planted not in text
        assert planted not in repr(imported.secrets)
    assert {secret.name: secret.is_argument for secret in imported.secrets} == {
        "github.GITHUB_PERSONAL_ACCESS_TOKEN": False,
        "pg.password": True,
        "search.api-key": True,
        "search.PASSWORD": False,
    }


def test_a_moved_secret_resolves_to_what_it_was(fusion_home: Path) -> None:
    imported = add_to(edit.new_graph(), gather([source("claude-desktop", "secrets-in-plain-text.json")]).candidates)
    importing.store(imported.secrets, in_file=True)

    search = next(node.transport for node in imported.nodes if node.name == "search")
    assert isinstance(search, StdioTransport)
    assert secrets.resolve(search.env["PASSWORD"]) == 'pa$$word ${not_a_var} \\ " é'
    assert secrets.resolve(search.args[2]) == "--api-key=tvly-EXAMPLE0000000000000000"


def test_a_secret_of_another_server_is_not_overwritten(fusion_home: Path) -> None:
    secrets.store("pg.password", "the older one", in_file=True)
    imported = add_to(edit.new_graph(), gather([source("claude-desktop", "secrets-in-plain-text.json")]).candidates)

    assert "pg.password-2" in {secret.name for secret in imported.secrets}
    assert "${secret:pg.password-2}" in imported.graph.model_dump_json()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("GITHUB_TOKEN", "abc", True),
        ("API_KEY", "abc", True),
        ("OPENAI_KEY", "abc", True),
        ("Authorization", "Bearer abc", True),
        ("X-Api-Key", "abc", True),
        ("anything", "ghp_EXAMPLEexampleEXAMPLEexample", True),
        ("DATABASE_URI", "postgresql://me:secret@db/x", True),
        ("MAX_TOKENS", "4096", False),
        ("TOKEN", "${env:TOKEN}", False),
        ("TOKEN_PATH", "/tmp/x", False),
        ("KEYBOARD", "de", False),
        ("LOG_LEVEL", "debug", False),
        ("API_KEY", "", False),
        ("PASSWORD_FILE", "/run/x", False),
    ],
)
def test_names_and_forms_decide_what_is_a_secret(name: str, value: str, expected: bool) -> None:
    assert looks_secret(name, value) is expected


@pytest.mark.parametrize(
    ("args", "moved"),
    [
        (("--token", "abc"), ("--token", "${secret:x.token}")),
        (("--token=abc",), ("--token=${secret:x.token}",)),
        (("--header", "Authorization: Bearer abc"), ("--header", "Authorization: ${secret:x.Authorization}")),
        (("--max-tokens", "12"), ("--max-tokens", "12")),
        (("https://me:pw@host/x",), ("https://me:${secret:x.password}@host/x",)),
        (("sk-abcdefghijklmnop1234",), ("${secret:x.token}",)),
        (("--no-auth", "--verbose"), ("--no-auth", "--verbose")),
        (("--token", "${env:T}"), ("--token", "${env:T}")),
    ],
)
def test_secrets_in_arguments_are_found(args: tuple[str, ...], moved: tuple[str, ...]) -> None:
    transport = move(StdioTransport(command="c", args=args), "x").transport
    assert isinstance(transport, StdioTransport)
    assert transport.args == moved


def test_a_value_for_a_container_moves_to_its_environment() -> None:
    moved = move(StdioTransport(command="docker", args=("run", "-e", "API_KEY=abc", "-e", "TZ=UTC", "img")), "x")

    assert isinstance(moved.transport, StdioTransport)
    assert moved.transport.args == ("run", "-e", "API_KEY", "-e", "TZ=UTC", "img")
    assert moved.transport.env == {"API_KEY": "${secret:x.API_KEY}"}
    assert not moved.secrets[0].is_argument


def test_headers_and_urls_lose_their_secrets() -> None:
    moved = move(
        HttpTransport(url="https://x.test/mcp?api_key=abc&v=1", headers={"Authorization": "Bearer abc", "X-Team": "a"}),
        "x",
    )
    assert isinstance(moved.transport, HttpTransport)
    assert moved.transport.url == "https://x.test/mcp?api_key=${secret:x.url}&v=1"
    assert moved.transport.headers == {"Authorization": "Bearer ${secret:x.Authorization}", "X-Team": "a"}


class TestCommandLine:
    def run(self, *words: str) -> int:
        return main(["import", *words])

    def test_files_become_a_graph_without_secrets(
        self, tmp_path: Path, fusion_home: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        graph = tmp_path / "g.fusion"
        sample = SAMPLES / "claude-desktop" / "secrets-in-plain-text.json"

        assert self.run(str(sample), "--client", "claude-desktop", "-o", str(graph), "--secrets-in-file") == 0
        shown = capsys.readouterr()
        for planted in PLANTED:
            assert planted not in graph.read_text(encoding="utf-8") + shown.out + shown.err
        assert len(file.load(graph).nodes) == 4
        assert secrets.names().keys() >= {"pg.password"}
        assert self.run(str(sample), "-o", str(graph), "--secrets-in-file") == 1

    def test_without_a_keyring_nothing_is_written(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        graph = tmp_path / "g.fusion"
        sample = SAMPLES / "claude-desktop" / "secrets-in-plain-text.json"

        assert self.run(str(sample), "--client", "claude-desktop", "-o", str(graph)) == 1
        assert "keyring" in capsys.readouterr().err
        assert not graph.exists()

    def test_a_dry_run_writes_nothing_and_json_is_json(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        graph = tmp_path / "g.fusion"

        assert self.run(str(SAMPLES / "codex" / "config.toml"), "-o", str(graph), "--dry-run", "--json") == 0
        answer = json.loads(capsys.readouterr().out)
        assert [node["name"] for node in answer["nodes"]] == ["context7", "local", "dots.and@slash/x"]
        assert not graph.exists()

    def test_pasted_text_comes_from_standard_input(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import io
        import sys

        monkeypatch.setattr(sys, "stdin", io.StringIO("uvx mcp-server-time --local-timezone UTC"))
        graph = tmp_path / "g.fusion"
        assert self.run("-", "-o", str(graph)) == 0
        assert "time" in {node.id for node in file.load(graph).nodes}

    def test_a_choice_can_be_made(self, tmp_path: Path) -> None:
        graph = tmp_path / "g.fusion"
        assert self.run(str(SAMPLES / "codex" / "config.toml"), "-o", str(graph), "--only", "local") == 0
        assert len(file.load(graph).nodes) == 2

    def test_nothing_to_take_over_is_told(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.run(str(tmp_path / "missing.json"), "-o", str(tmp_path / "g.fusion")) == 1
        shown = capsys.readouterr()
        assert "does not exist" in shown.err
        assert "nothing new" in shown.out


def test_names_of_secrets_that_are_taken_elsewhere_are_not_given_away_again() -> None:
    candidates = gather([source("claude-desktop", "secrets-in-plain-text.json")]).candidates
    first = add_to(edit.new_graph(), candidates)
    taken = named_in(first.graph)
    assert taken

    second = add_to(edit.new_graph(), candidates, taken=taken)

    assert not taken & {secret.name for secret in second.secrets}
    assert not taken & named_in(second.graph)
