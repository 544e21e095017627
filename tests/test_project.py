"""What the project as a whole promises: versions, files made from others, borders between packages, installation."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("composite_runtime", "fusion_desktop")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONSTRAINTS = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8")


def script(name: str) -> ModuleType:
    """Return a script of `packaging/`, which is no package, as a module."""
    spec = importlib.util.spec_from_file_location(f"packaging_{name}", ROOT / "packaging" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*words: str | Path, limit_s: float = 60, **more: str) -> str:
    """Return what a command printed; fail with all of it when it fails."""
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, **more}, capture_output=True, text=True, encoding="utf-8", timeout=limit_s
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_constraints_pin_exact_versions_and_say_nothing_about_where_from() -> None:
    lines = CONSTRAINTS.splitlines()

    assert [line for line in lines if not re.match(r"[a-z0-9-]+==[0-9][\w.]*( ; .+)?$", line)] == []
    assert not re.search(r"://|--|\bfile:|@", CONSTRAINTS)


def test_constraints_cover_every_dependency() -> None:
    groups = [*SETTINGS["project"]["optional-dependencies"].values(), *SETTINGS["dependency-groups"].values()]
    wanted = {re.split(r"[\[<>=; ]", line)[0].lower() for group in groups for line in group}
    wanted |= {re.split(r"[\[<>=; ]", line)[0].lower() for line in SETTINGS["project"]["dependencies"]}

    assert wanted - {line.partition("==")[0] for line in CONSTRAINTS.splitlines()} == set()


def test_pyside_on_python_3_11_is_one_that_does_not_abort() -> None:
    assert "pyside6-essentials==6.11.3 ; python_full_version < '3.12'" in CONSTRAINTS


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal since Python 3.12")
def test_painting_does_not_use_up_none() -> None:
    gui = pytest.importorskip("PySide6.QtGui")
    image = gui.QImage(8, 8, gui.QImage.Format.Format_ARGB32)
    painter, pen = gui.QPainter(image), gui.QPen()
    before = sys.getrefcount(None)
    for _ in range(1000):
        painter.setPen(pen)
    lost = before - sys.getrefcount(None)
    painter.end()

    assert lost < 100, "this PySide6 drops references to None and would end in an abort"


def test_the_schema_of_graphs_is_current() -> None:
    generate = script("generate")

    assert generate.SCHEMA.read_text(encoding="utf-8") == generate.schema_text(), "run python packaging/generate.py"


def test_the_version_has_its_place_in_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert f"## [{SETTINGS['project']['version']}]" in changelog


@pytest.mark.parametrize("package", PACKAGES)
def test_the_readme_of_a_package_lists_every_module(package: str) -> None:
    generate = script("generate")
    readme = ROOT / package / "README.md"
    is_current = readme.read_text(encoding="utf-8") == generate.readme_text(readme)

    assert is_current, "run python packaging/generate.py"


@pytest.mark.parametrize("package", [*PACKAGES, "packaging"])
def test_no_module_is_too_long(package: str) -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / package).rglob("*.py")
    }

    assert {name: length for name, length in lengths.items() if length > 500} == {}


def test_the_borders_between_the_rooms_hold() -> None:
    lint = pytest.importorskip("importlinter.cli")

    assert lint.lint_imports(no_cache=True) == 0


def test_the_runtime_package_itself_imports_nothing() -> None:
    assert ast.parse((ROOT / "composite_runtime" / "__init__.py").read_text(encoding="utf-8")).body == []


class TestBootstrap:
    """`packaging/fusion.py` before it has installed anything."""

    @pytest.mark.parametrize("word", ["run", "test"])
    def test_a_machine_without_the_system_libraries_is_told_the_command(
        self, word: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fusion = script("fusion")
        monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(fusion.shutil, "which", lambda name: f"/usr/bin/{name}")

        with pytest.raises(fusion.Stop, match="sudo apt-get install -y --no-install-recommends libegl1"):
            fusion.apt_install(fusion.DRAWING, "Qt cannot start")

    def test_a_machine_without_apt_is_told_the_packages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        fusion = script("fusion")
        monkeypatch.setattr(fusion.shutil, "which", lambda name: None)

        with pytest.raises(fusion.Stop, match="On Debian and Ubuntu these packages help: libegl1"):
            fusion.apt_install(["libegl1"], "Qt cannot start")

    def test_a_file_that_is_no_python_of_ours_stops_it(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        fusion = script("fusion")
        monkeypatch.setattr(fusion, "VENV", tmp_path)
        monkeypatch.setattr(fusion, "PYTHON", tmp_path / "bin" / "python")

        with pytest.raises(fusion.Stop, match="was not made by this script"):
            fusion.make_venv()

    @pytest.mark.parametrize(
        ("variables", "expected"),
        [({}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "w"}, True)],
    )
    def test_a_display_is_known_by_its_variable(
        self, variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "platform", "linux")

        assert script("fusion").has_display() is expected


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_wheel_serves_the_example_where_there_is_no_qt(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT, limit_s=120)
    wheel = next(tmp_path.glob("*.whl"))
    run(sys.executable, "-m", "venv", tmp_path / "venv", limit_s=60)
    python = next((tmp_path / "venv").glob("[bS]*/python*"))
    pip[0] = str(python)
    run(*pip, "install", "-c", ROOT / "packaging" / "constraints.txt", wheel, limit_s=200)
    command = python.with_name("composite-runtime")
    where = "from composite_runtime.paths import resource; print(resource('examples/first.fusion'))"
    example = run(python, "-I", "-c", where).strip()

    listed = run(command, "list", example)
    answer = run(command, "call", example, "text_digest", '{"text": "abc", "algorithm": "md5"}')

    assert Path(example).is_relative_to(tmp_path)
    assert "PySide6" not in run(*pip, "list")
    assert "notes_search" in listed
    assert json.loads(answer)["structuredContent"] == {"result": "900150983cd24fb0d6963f7d28e17f72"}
