from pathlib import Path

import pytest

from composite_runtime import paths


def test_home_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FUSION_HOME", str(tmp_path))

    assert paths.home() == tmp_path


@pytest.mark.parametrize("value", ["", None])
def test_home_is_in_the_users_folder_otherwise(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("FUSION_HOME")
    if value is not None:
        monkeypatch.setenv("FUSION_HOME", value)

    assert paths.home() == Path.home() / ".fusion"


def test_a_resource_is_found() -> None:
    assert paths.resource("examples/first.fusion").is_file()
