import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from composite_runtime.interop.launch import runtime_command, serve_command


def test_the_command_starts_this_runtime_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [*runtime_command(), "--version"], cwd=tmp_path, env={}, capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout.startswith("composite-runtime ")


def test_the_program_is_an_absolute_path() -> None:
    assert Path(runtime_command()[0]).is_absolute()


def test_without_an_installed_script_the_interpreter_starts_the_module(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))

    assert runtime_command() == (sys.executable, "-m", "composite_runtime")


def test_an_installer_puts_the_runtime_beside_the_desktop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "fusion-desktop"))
    monkeypatch.delenv("APPIMAGE", raising=False)

    (program,) = runtime_command()

    assert Path(program).parent == tmp_path
    assert Path(program).stem == "composite-runtime"


def test_an_app_image_is_started_itself_since_its_inside_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("APPIMAGE", "/apps/Fusion.AppImage")

    assert runtime_command() == ("/apps/Fusion.AppImage", "--runtime")


def test_a_graph_is_named_by_its_absolute_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    assert serve_command(Path("a.fusion"))[-2:] == ("serve", str((tmp_path / "a.fusion").resolve()))
    assert serve_command(Path("a.fusion"), "dev")[-2:] == ("--composite", "dev")
