"""Exporting to a client: shown first, then written so that nothing of the user's is ever lost."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from composite_runtime.errors import ConfigError, UnknownName
from composite_runtime.interop import config_file, export
from composite_runtime.interop.clients import clients
from composite_runtime.interop.machine import Machine

SAMPLES = Path(__file__).parents[2] / "data" / "clients"
COMMAND = ("/opt/Fusion ü/composite-runtime", "serve", "/home/ada/My Graphs/r&d.fusion")
GRAPH_ID = "0f2c6c1e-5a1f-4f0e-9a55-3c1d1f1f9a10"


def sample(name: str, folder: Path) -> Path:
    file = folder / Path(name).name
    file.write_bytes((SAMPLES / name).read_bytes())
    return file


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name != "fusion-home"]


def plan(file: Path, name: str = "fusion-test") -> export.Plan:
    return export.plan("claude-desktop", name, COMMAND, file=file, graph_id=GRAPH_ID)


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    file = sample("claude-desktop/basic.json", tmp_path)
    content = file.read_bytes()

    planned = plan(file)

    assert file.read_bytes() == content
    assert leftovers(tmp_path) == [file]
    assert planned.diff.count("\n+ ") == 10
    assert not planned.replaces


def test_an_applied_plan_keeps_a_backup_and_can_be_undone(tmp_path: Path) -> None:
    file = sample("claude-desktop/crlf-tabs.json", tmp_path)
    content = file.read_bytes()

    planned = plan(file)
    backup = export.apply(planned)

    assert backup is not None
    assert backup.read_bytes() == content
    assert file.read_bytes() == planned.after.encode()
    entry = clients["claude-desktop"].read(planned.after).server("fusion-test")
    assert entry is not None
    assert (entry.transport.command, *entry.transport.args) == COMMAND  # type: ignore[union-attr]  # it is stdio
    assert entry.graph_id == GRAPH_ID
    assert entry.is_ours

    export.undo(planned)
    assert file.read_bytes() == content


def test_exporting_twice_changes_nothing_the_second_time(tmp_path: Path) -> None:
    file = sample("claude-desktop/basic.json", tmp_path)
    export.apply(plan(file))

    again = plan(file)
    assert again.changes_nothing
    assert again.diff == ""
    assert export.apply(again) is None
    assert len(config_file.backups(file)) == 1


def test_an_older_entry_of_ours_is_replaced_in_its_place(tmp_path: Path) -> None:
    file = sample("claude-desktop/fusion-already-exported.json", tmp_path)
    planned = plan(file, "fusion-research")
    export.apply(planned)

    assert planned.replaces
    text = file.read_text(encoding="utf-8")
    assert "old-location" not in text
    assert text.startswith((SAMPLES / "claude-desktop/fusion-already-exported.json").read_text()[:120])


def test_a_server_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'time' that is no graph of Fusion's.*--name"):
        plan(sample("claude-desktop/basic.json", tmp_path), "time")


def test_a_missing_file_is_made_private_and_undo_takes_it_away(tmp_path: Path) -> None:
    file = tmp_path / "new" / "claude_desktop_config.json"
    planned = plan(file)

    assert not planned.existed
    assert export.apply(planned) is None
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
    export.undo(planned)
    assert not file.exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of this kind are POSIX")
def test_a_link_stays_a_link_and_permissions_stay(tmp_path: Path) -> None:
    real = sample("claude-desktop/basic.json", tmp_path)
    real.chmod(0o640)
    link = tmp_path / "dotfiles" / "config.json"
    link.parent.mkdir()
    link.symlink_to(real)

    backup = export.apply(plan(link))

    assert link.is_symlink()
    assert "fusion-test" in real.read_text(encoding="utf-8")
    assert real.stat().st_mode & 0o777 == 0o640
    assert backup is not None
    assert backup.parent == tmp_path
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_file_changed_since_the_preview_is_not_written(tmp_path: Path) -> None:
    file = sample("claude-desktop/basic.json", tmp_path)
    planned = plan(file)
    file.write_text("{}", encoding="utf-8")

    with pytest.raises(ConfigError, match="changed by another program"):
        export.apply(planned)
    assert file.read_text(encoding="utf-8") == "{}"
    assert leftovers(tmp_path) == [file]


def test_undo_is_refused_after_somebody_else_wrote(tmp_path: Path) -> None:
    file = sample("claude-desktop/basic.json", tmp_path)
    planned = plan(file)
    export.apply(planned)
    file.write_text("{}", encoding="utf-8")

    with pytest.raises(ConfigError, match="changed by another program"):
        export.undo(planned)


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    planned = plan(file)
    file.write_text("{}", encoding="utf-8")

    with pytest.raises(ConfigError, match="changed by another program"):
        export.apply(planned)


def test_two_exports_planned_at_once_do_not_lose_one(tmp_path: Path) -> None:
    file = sample("claude-desktop/basic.json", tmp_path)
    first, second = plan(file, "one"), plan(file, "two")
    export.apply(first)

    with pytest.raises(ConfigError, match="changed"):
        export.apply(second)
    export.apply(plan(file, "two"))
    assert {"one", "two"} <= {server.name for server in clients["claude-desktop"].read(file.read_text()).servers}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("duplicate-keys.json", "written twice, again at line 6, column 3"),
        ("mcpservers-array.json", "'mcpServers' is not an object"),
        ("root-array.json", "not a JSON object"),
        (
            "comments-rejected-by-client.json",
            "Claude Desktop itself cannot read this file: there is a comment at line 2",
        ),
        ("malformed-missing-comma.json", "missing at line 4, column 5"),
        ("malformed-truncated.json", "ends too early at line 4, column 22"),
        ("invalid-utf8.json", "not UTF-8 text: see line 1, column"),
        ("utf16le-bom.json", "UTF-16"),
    ],
)
def test_a_broken_file_is_refused_with_its_place_and_stays(name: str, reason: str, tmp_path: Path) -> None:
    file = sample(f"claude-desktop/{name}", tmp_path)
    content = file.read_bytes()

    with pytest.raises(ConfigError) as caught:
        plan(file)

    assert reason in str(caught.value)
    assert str(file) in str(caught.value)
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("command", "reason"), [((), "absolute"), (("npx", "x"), "absolute"), (("/Volumes/Fusion/r",), "last")]
)
def test_a_command_that_would_not_last_is_refused(command: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=reason):
        export.plan("claude-desktop", "fusion", command, file=tmp_path / "c.json")


@pytest.mark.parametrize("name", ["", "Fusion", "a b", "x" * 41, "-a", "a.b"])
def test_a_name_some_client_refuses_is_refused_with_a_better_one(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="would be one"):
        plan(tmp_path / "c.json", name)
    assert plan(tmp_path / "c.json", export.entry_name(name)).entry_name == export.entry_name(name)


def test_an_unknown_client_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'claude-desktop'"):
        export.plan("claude-desktp", "fusion", COMMAND)


def test_the_preview_shows_no_secret_of_other_servers(tmp_path: Path) -> None:
    for name in ("secrets-in-plain-text.json", "no-final-newline-minified.json"):
        planned = plan(sample(f"claude-desktop/{name}", tmp_path))
        for secret in ("EXAMPLE", "s3cr3t", "pa$$word"):
            assert secret not in planned.diff
            assert secret not in repr(planned)
        assert COMMAND[0] in planned.diff


def test_an_entry_can_be_taken_out_by_name_leaving_the_file_as_it_was(tmp_path: Path) -> None:
    for name in ("no-mcpservers.json", "empty-object.json", "bom-utf8.json", "unknown-keys.json", "whitespace.json"):
        file = sample(f"claude-desktop/{name}", tmp_path)
        content = file.read_bytes()
        export.apply(plan(file))
        export.apply(
            export.plan("claude-desktop", "fusion-test", ("/elsewhere", "serve", "g"), file=file, graph_id="x")
        )

        export.remove("claude-desktop", "fusion-test", file=file)

        assert file.read_bytes() == content, name


def test_taking_out_keeps_what_was_added_since(tmp_path: Path) -> None:
    file = sample("claude-desktop/no-mcpservers.json", tmp_path)
    export.apply(plan(file))
    export.apply(plan(file, "second"))

    export.remove("claude-desktop", "fusion-test", file=file)

    assert [server.name for server in clients["claude-desktop"].read(file.read_text()).servers] == ["second"]


def test_what_is_not_ours_or_not_there_is_not_taken_out(tmp_path: Path) -> None:
    file = sample("claude-desktop/basic.json", tmp_path)

    with pytest.raises(ConfigError, match="no graph of Fusion's"):
        export.remove("claude-desktop", "time", file=file)
    with pytest.raises(ConfigError, match="has no entry 'nothing'"):
        export.remove("claude-desktop", "nothing", file=file)
    with pytest.raises(ConfigError, match="has no entry"):
        export.remove("claude-desktop", "nothing", file=tmp_path / "missing.json")


def test_only_the_newest_backups_are_kept(tmp_path: Path) -> None:
    file = sample("claude-desktop/basic.json", tmp_path)
    for number in range(13):
        export.apply(export.plan("claude-desktop", "fusion", ("/c", "serve", str(number)), file=file, graph_id="x"))

    backups = config_file.backups(file)
    assert len(backups) == 10
    assert '"11"' in backups[0].read_text(encoding="utf-8")
    assert '"2"' in backups[-1].read_text(encoding="utf-8")


def test_a_lock_of_the_client_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = sample("claude-desktop/basic.json", tmp_path)
    lock = tmp_path / "basic.json.lock"
    lock.mkdir()
    stale = time.time() - 9.5
    os.utime(lock, (stale, stale))

    started = time.monotonic()
    export.apply(plan(file))

    assert 0.2 < time.monotonic() - started < 5


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everything")
def test_a_read_only_file_is_respected(tmp_path: Path) -> None:
    file = sample("claude-desktop/basic.json", tmp_path)
    file.chmod(0o400)

    with pytest.raises(ConfigError, match="read-only"):
        export.apply(plan(file))


@pytest.mark.skipif(os.name != "posix", reason="kills with a signal")
@pytest.mark.parametrize("moment", range(6))
def test_a_crash_while_writing_leaves_the_old_file_or_the_new_one(moment: int, tmp_path: Path) -> None:
    file = sample("claude-desktop/big-200-servers.json", tmp_path)
    content = file.read_bytes()
    planned = plan(file)
    code = f"""
        import os, signal
        from pathlib import Path
        from composite_runtime.interop import config_file
        calls = 0
        def dying(name):
            real = getattr(os, name)
            def call(*args, **kwargs):
                global calls
                calls += 1
                if calls == {moment} + 1:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*args, **kwargs)
            setattr(os, name, call)
        dying("fsync"); dying("rename"); dying("replace")
        path = Path({str(file)!r})
        text = config_file.load(path)
        config_file.replace(path, text, Path({str(tmp_path / "after")!r}).read_bytes().decode())
    """
    (tmp_path / "after").write_bytes(planned.after.encode())
    process = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], timeout=30)

    assert process.returncode in (0, -signal.SIGKILL)
    assert file.read_bytes() in (content, planned.after.encode())
    if process.returncode:
        export.apply(export.plan("claude-desktop", "later", COMMAND, file=file))


class TestWhereClaudeDesktopIs:
    def machine(self, platform: str, home: Path) -> Machine:
        env = {"APPDATA": str(home / "Roaming"), "LOCALAPPDATA": str(home / "Local")} if platform == "win32" else {}
        return Machine(platform, env, home)

    def target(self, platform: str, home: Path) -> Path:
        return export.target(clients["claude-desktop"], machine=self.machine(platform, home))

    def packaged(self, home: Path, package: str) -> Path:
        folder = home / "Local" / "Packages" / package
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "LocalCache" / "Roaming" / "Claude" / "claude_desktop_config.json"

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}", encoding="utf-8")

    def test_on_macos_and_linux(self, tmp_path: Path) -> None:
        name = "claude_desktop_config.json"
        assert self.target("darwin", tmp_path) == tmp_path / "Library/Application Support/Claude" / name
        assert self.target("linux", tmp_path) == tmp_path / ".config/Claude" / name

    def test_the_classic_app_without_any_package(self, tmp_path: Path) -> None:
        assert self.target("win32", tmp_path) == tmp_path / "Roaming" / "Claude" / "claude_desktop_config.json"

    def test_the_packaged_app_before_its_first_configuration(self, tmp_path: Path) -> None:
        file = self.packaged(tmp_path, "Claude_pzs8sxrjxfjjc")
        assert self.target("win32", tmp_path) == file

    def test_a_classic_file_counts_while_the_package_has_none(self, tmp_path: Path) -> None:
        self.packaged(tmp_path, "Claude_pzs8sxrjxfjjc")
        classic = tmp_path / "Roaming" / "Claude" / "claude_desktop_config.json"
        self.write(classic)
        assert self.target("win32", tmp_path) == classic

    def test_the_file_of_the_package_is_preferred(self, tmp_path: Path) -> None:
        file = self.packaged(tmp_path, "Claude_pzs8sxrjxfjjc")
        self.write(file)
        self.write(tmp_path / "Roaming" / "Claude" / "claude_desktop_config.json")
        self.packaged(tmp_path, "Claude_other")
        assert self.target("win32", tmp_path) == file

    def test_several_packages_need_a_choice(self, tmp_path: Path) -> None:
        for package in ("Claude_a", "Claude_b"):
            self.write(self.packaged(tmp_path, package))
        with pytest.raises(ConfigError, match="more than once"):
            self.target("win32", tmp_path)
