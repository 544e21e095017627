"""Set Fusion up in this folder and run it, or run its tests. Needs only Python 3.11 or later with venv and pip.

    python3 packaging/fusion.py run [GRAPH]      the window; without a display, the graph served over HTTP
    python3 packaging/fusion.py test [...]       the tests; what follows is handed to pytest

Everything is installed into `.venv` beside this folder, at exactly the versions of `packaging/constraints.txt`.
"""

from __future__ import annotations  # lets an older Python come as far as the message below

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
EXAMPLE = ROOT / "resources" / "examples" / "first.fusion"
OLDEST = (3, 11)

# What Debian and Ubuntu call the system libraries that Qt's wheels expect to find: to draw at all, and on a display.
DRAWING = ("libegl1", "libgl1", "libglib2.0-0", "libdbus-1-3", "libfontconfig1", "libxkbcommon0", "fonts-dejavu-core")
DISPLAY = ("libxkbcommon-x11-0", "libxcb-cursor0", "libxcb-icccm4", "libxcb-keysyms1", "libxcb-shape0")

TRY_QT = """
import PySide6.QtNetwork, PySide6.QtSvg, PySide6.QtTest, PySide6.QtWidgets
PySide6.QtWidgets.QApplication([])
"""


class Stop(Exception):
    """Set-up cannot go on; the message says why and what helps."""


def main(words: Sequence[str]) -> int:
    """Do what the words ask for and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="fusion.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="open the window on a graph, or serve it where there is no display")
    running.add_argument("graph", nargs="?", type=Path, default=EXAMPLE, help="the graph file (default: an example)")
    running.add_argument("--headless", action="store_true", help="serve the graph even though there is a display")
    commands.add_parser("test", help="run the tests", add_help=False)
    args, rest = parser.parse_known_args(words)
    if rest and args.command == "run":
        parser.error(f"unknown arguments: {' '.join(rest)}")
    try:
        return test(rest) if args.command == "test" else run(args.graph.resolve(), headless=args.headless)
    except Stop as stop:
        print(f"fusion: {stop}", file=sys.stderr)
        return 1


def run(graph: Path, *, headless: bool) -> int:
    """Open the window on the graph; without a display, serve it instead and say so."""
    if headless or not has_display():
        install("runtime", ["."])
        return serve(graph, "As you asked" if headless else "There is no display")
    install("desktop", [".[desktop]"])
    need_qt({**os.environ, "QT_QPA_PLATFORM": "offscreen"}, DRAWING)
    if sys.platform == "linux" and "DISPLAY" in os.environ:
        need_libraries()
    if sys.platform == "linux" and (failure := qt_failure(os.environ)):
        return serve(graph, f"Qt cannot open the display ({failure})")
    return start([str(PYTHON), "-m", "fusion_desktop", str(graph)])


def serve(graph: Path, why: str) -> int:
    """Serve the graph over HTTP on a free port of this machine until interrupted."""
    print(f"{why}, so Fusion serves {graph.name} over HTTP, for any MCP client on this machine. Ctrl+C ends it.")
    command = BIN / ("composite-runtime.exe" if os.name == "nt" else "composite-runtime")
    print(f"To see what it offers:  {command} list {graph}", flush=True)
    return start([str(command), "serve", str(graph), "--http", "127.0.0.1:0"])


def test(arguments: Sequence[str]) -> int:
    """Run the tests; windows are drawn in memory unless QT_QPA_PLATFORM says otherwise."""
    install("test", [".[desktop,fast]", *group("dev")])
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    if environment["QT_QPA_PLATFORM"] == "xcb":
        need_libraries()
    need_qt(environment, DRAWING)
    pytest = [str(PYTHON), "-m", "pytest"]
    code = _run([*pytest, "-n", "auto", *arguments], environment)
    if code != 1:
        return code
    print("\nWhat failed is tried once more, by itself: on busy cores a wait can be too short.", flush=True)
    return start([*pytest, "--last-failed", "--last-failed-no-failures", "none", *arguments], environment)


def start(command: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Become the command where that is possible, so that signals reach it and nothing stands in between."""
    if os.name != "nt":
        os.chdir(ROOT)
        os.execve(command[0], list(command), dict(environment))
    return _run(command, environment)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    try:
        return subprocess.run(command, env=dict(environment), cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 130


def has_display() -> bool:
    """Tell whether a window could be seen."""
    if os.environ.get("QT_QPA_PLATFORM") in {"offscreen", "minimal"}:
        return False
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def group(name: str) -> list[str]:
    """Return what a dependency group holds; pip itself can read them only since 25.1."""
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(settings["dependency-groups"][name])


def install(kind: str, wanted: Sequence[str]) -> None:
    """Install into `.venv`, unless that was done before and nothing it depends on has changed since."""
    stamp = VENV / f"fusion-{kind}.stamp"
    state = _state(wanted)
    if PYTHON.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == state and _works(PYTHON):
        return
    make_venv()
    print(f"Installing into {VENV} ...", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(CONSTRAINTS)]
    # Building in this environment, not in one of pip's own, holds the build to the constraints as well.
    steps = [[*pip, *group("build")], [*pip, "--no-build-isolation", "-e", *wanted]]
    for step in steps:
        if subprocess.run(step, cwd=ROOT, check=False).returncode:
            raise Stop(
                "pip could not install what Fusion needs; its own words are above. It needs the network, or a pip "
                "configuration that names a local package index. Nothing outside .venv was changed; try again."
            )
    stamp.write_text(state, encoding="utf-8")


def _state(wanted: Sequence[str]) -> str:
    content = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "packaging/constraints.txt"))
    return hashlib.sha256(content + repr((ROOT, wanted)).encode()).hexdigest()


def make_venv() -> None:
    """Make `.venv`, or make it anew when its Python is gone or has no pip."""
    if PYTHON.exists() and _works(PYTHON, "import pip, sys; assert sys.version_info >= (3, 11)"):
        return
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        name = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        apt_install([name], f"{sys.executable} cannot make virtual environments")
    if VENV.exists() and not any(VENV.glob("fusion-*.stamp")):
        words = [str(PYTHON), "-m", "ensurepip"]
        if PYTHON.exists() and subprocess.run(words, capture_output=True, check=False).returncode == 0:
            return
        raise Stop(f"{VENV} was not made by this script and cannot be used: move it away, then try again")
    print(f"Making a virtual environment with Python {sys.version.split()[0]} ...", flush=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Stop(f"{VENV} cannot be made: {(made.stdout + made.stderr).strip()}")


def _works(python: Path, code: str = "") -> bool:
    try:
        return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def need_qt(environment: Mapping[str, str], packages: Sequence[str]) -> None:
    """Make sure that Qt can draw, installing the system libraries it lacks where that is possible."""
    if failure := qt_failure(environment):
        apt_install(packages, f"Qt cannot start: {failure}")
        if failure := qt_failure(environment):
            raise Stop(f"Qt cannot start: {failure}")


def qt_failure(environment: Mapping[str, str]) -> str | None:
    """Return the last words of Qt when it cannot start, or None when it can."""
    try:
        done = subprocess.run(
            [PYTHON, "-c", TRY_QT], env=dict(environment), capture_output=True, text=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return "it does not answer"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return None if done.returncode == 0 else (lines[-1] if lines else f"exit code {done.returncode}")


def need_libraries() -> None:
    """Make sure that Qt's part for X displays finds its libraries; asked itself, Qt names the wrong one."""
    places = VENV.glob("lib*/python*/site-packages/PySide6/Qt/plugins/platforms/libqxcb.so")
    if (plugin := next(places, None)) is None or (ldd := shutil.which("ldd")) is None:
        return
    told = subprocess.run([ldd, str(plugin)], capture_output=True, text=True, check=False).stdout
    missing = [line.split()[0] for line in told.splitlines() if "not found" in line]
    if missing:
        apt_install(DISPLAY, f"Qt lacks {', '.join(missing)}")


def apt_install(packages: Sequence[str], why: str) -> None:
    """Install system packages when we may; else say the command that does."""
    words = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if sys.platform != "linux" or shutil.which("apt-get") is None:
        raise Stop(f"{why}. On Debian and Ubuntu these packages help: {' '.join(packages)}")
    if os.geteuid() != 0:
        raise Stop(f"{why}. This helps; then try again:\n\n    sudo {' '.join(words)}\n")
    print(f"{why}; installing {' '.join(packages)} ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Stop(f"{why}, and apt-get could not install what helps:\n{done.stderr.strip()}")


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.exit(f"fusion: Fusion needs Python {OLDEST[0]}.{OLDEST[1]} or later; this is {sys.version.split()[0]}")
    sys.exit(main(sys.argv[1:]))
