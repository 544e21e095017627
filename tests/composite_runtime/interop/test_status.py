"""Which clients are here, and whether what they have of ours still works."""

import json
from pathlib import Path

import pytest

from composite_runtime.cli import main
from composite_runtime.interop import export
from composite_runtime.interop.clients import clients
from composite_runtime.interop.launch import runtime_command, serve_command
from composite_runtime.interop.machine import Machine
from composite_runtime.interop.status import ClientStatus, State, status, statuses
from composite_runtime.paths import resource

GRAPH = resource("examples") / "first.fusion"
SAMPLES = Path(__file__).parents[2] / "data" / "clients"


def cursor(home: Path) -> ClientStatus:
    return status("cursor", Machine("linux", {}, home))


def config(home: Path) -> Path:
    file = home / ".cursor" / "mcp.json"
    file.parent.mkdir(exist_ok=True)
    return file


def exported(home: Path, command: tuple[str, ...]) -> None:
    export.apply(export.plan("cursor", "tools", command, file=config(home), graph_id="id-1"))


def test_an_empty_home_has_no_clients(tmp_path: Path) -> None:
    assert {one.state for one in statuses(Machine("linux", {}, tmp_path))} == {State.NOT_INSTALLED}


def test_a_folder_of_the_client_is_enough_to_export(tmp_path: Path) -> None:
    config(tmp_path)
    assert cursor(tmp_path).state is State.CAN_EXPORT


def test_an_entry_that_starts_this_fusion_on_its_graph_is_current(tmp_path: Path) -> None:
    exported(tmp_path, serve_command(GRAPH))

    found = cursor(tmp_path)
    assert found.state is State.EXPORTED
    assert found.entries[0].graph == str(GRAPH.resolve())
    assert found.entries[0].graph_id == "id-1"


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (("/nowhere/composite-runtime", "serve", str(GRAPH)), "/nowhere/composite-runtime is not there"),
        (("/bin/sh", "serve", str(GRAPH)), "another installation"),
        ((*runtime_command(), "serve", "/nowhere/g.fusion"), "/nowhere/g.fusion is not there"),
    ],
)
def test_an_entry_that_no_longer_works_is_stale_with_the_reason(
    command: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    exported(tmp_path, command)

    found = cursor(tmp_path)
    assert found.state is State.STALE
    assert problem in (found.entries[0].problem or "")


def test_a_broken_file_is_told_with_its_place(tmp_path: Path) -> None:
    config(tmp_path).write_text("{ broken", encoding="utf-8")

    found = cursor(tmp_path)
    assert found.state is State.UNREADABLE
    assert "line 1, column 3" in (found.problem or "")


def test_a_client_that_is_only_read_is_told_apart(tmp_path: Path) -> None:
    file = tmp_path / ".aws" / "amazonq" / "mcp.json"
    file.parent.mkdir(parents=True)
    file.write_bytes((SAMPLES / "amazon-q" / "legacy.mcp.json").read_bytes())

    assert status("amazon-q", Machine("linux", {}, tmp_path)).state is State.READ_ONLY


class TestCommandLine:
    @pytest.fixture(autouse=True)
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for name in ("CODEX_HOME", "CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME", "COPILOT_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        return tmp_path

    def test_clients_are_listed_exported_to_and_left_again(
        self, home: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = config(home)
        file.write_text('{\n  "mcpServers": {}\n}\n', encoding="utf-8")

        assert main(["clients"]) == 0
        assert "cursor           can export" in capsys.readouterr().out
        assert main(["export", str(GRAPH), "--client", "cursor", "--name", "mine"]) == 0
        capsys.readouterr()
        assert main(["clients", "--json"]) == 0
        listed = {one["client_id"]: one for one in json.loads(capsys.readouterr().out)}
        assert listed["cursor"]["state"] == "exported"
        assert len(listed) == len(clients)
        assert main(["unexport", "mine", "--client", "cursor"]) == 0
        assert "Took 'mine' out" in capsys.readouterr().out
        assert file.read_text(encoding="utf-8") == '{\n  "mcpServers": {}\n}\n'
        assert main(["unexport", "mine", "--client", "cursor"]) == 1

    def test_a_stale_entry_has_an_exit_code(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        exported(home, ("/nowhere/composite-runtime", "serve", str(GRAPH)))

        assert main(["clients"]) == 1
        assert "is not there any more" in capsys.readouterr().out

    def test_no_client_at_all_is_said(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["clients"]) == 0
        assert "No MCP client was found" in capsys.readouterr().out

    def test_a_project_has_a_file_of_its_own(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        project = tmp_path / "project"
        project.mkdir()

        assert main(["export", str(GRAPH), "--client", "vscode", "--project", str(project)]) == 0
        assert "desk" in (project / ".vscode" / "mcp.json").read_text(encoding="utf-8")
        assert main(["export", str(GRAPH), "--client", "lmstudio", "--project", str(project)]) == 1
        assert "no configuration in a project" in capsys.readouterr().err

    def test_links_commands_and_text_are_printed(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for form, expected in {
            "link": "cursor://",
            "command": "claude mcp add-json",
            "json": "{",
            "markdown": "## ",
        }.items():
            assert main(["export", str(GRAPH), "--print", form]) == 0
            assert expected in capsys.readouterr().out
        assert main(["export", str(GRAPH), "--print", "link", "--client", "goose"]) == 1
        assert main(["export", str(GRAPH)]) == 1
        assert "--client" in capsys.readouterr().err
        assert not (home / ".cursor").exists()

    def test_a_url_is_exported_instead_of_a_command(self, home: Path) -> None:
        assert main(["export", str(GRAPH), "--client", "cursor", "--url", "http://127.0.0.1:8931/mcp"]) == 0
        assert '"url": "http://127.0.0.1:8931/mcp"' in config(home).read_text(encoding="utf-8")
