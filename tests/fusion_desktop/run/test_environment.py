from pathlib import Path

import pytest

from composite_runtime.interop import login_path
from fusion_desktop.run import environment
from fusion_desktop.run.environment import clean

BUNDLED = {
    "PATH": "/usr/bin",
    "LD_LIBRARY_PATH": "/opt/fusion/_internal",
    "LD_LIBRARY_PATH_ORIG": "/usr/local/lib",
    "_PYI_ARCHIVE_FILE": "x",
    "QT_PLUGIN_PATH": "/opt/fusion/plugins",
    "PYTHONHOME": "/opt/fusion",
}


def test_what_a_bundle_put_into_the_environment_is_taken_out_again() -> None:
    assert clean(BUNDLED, is_bundled=True) == {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/usr/local/lib"}


def test_a_library_path_that_was_not_set_before_is_dropped() -> None:
    assert clean({"LD_LIBRARY_PATH": "/opt/fusion"}, is_bundled=True) == {}


def test_from_source_the_environment_stays_as_it_is() -> None:
    assert clean(BUNDLED, is_bundled=False) == BUNDLED


def test_from_a_dock_programs_get_the_path_of_the_login_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shell = tmp_path / "shell"
    shell.write_text('#!/bin/sh\nPATH=/versions/node/bin:/usr/bin; eval "$4"\n')
    shell.chmod(0o755)
    monkeypatch.setenv("SHELL", str(shell))
    ours = {"PATH": "/usr/bin:/bin", "LANG": "C"}

    assert environment.with_login_path(ours, is_terminal=False) == ours
    login_path.login_shell_path()

    assert environment.with_login_path(ours, is_terminal=False)["PATH"] == "/versions/node/bin:/usr/bin:/bin"
    assert environment.with_login_path(ours, is_terminal=True) == ours
