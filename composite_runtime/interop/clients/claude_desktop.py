"""Claude Desktop: strict JSON, commands only, no references; on Windows in one of two places."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from composite_runtime.interop.clients.folders import dot_config
from composite_runtime.interop.clients.format import Location
from composite_runtime.interop.clients.json_client import JsonClient

_NAME = "claude_desktop_config.json"


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    if platform == "darwin":
        yield Location(home / "Library" / "Application Support" / "Claude" / _NAME)
    elif platform == "win32":
        yield from _on_windows(env, home)
    else:
        # Claude Desktop is not made for Linux; the builds people make of it agree on this folder.
        yield Location(dot_config(env, home) / "Claude" / _NAME)


def _on_windows(env: Mapping[str, str], home: Path) -> Iterator[Location]:
    """Yield the redirected folders of the packaged app and the folder of the classic one, the likeliest first.

    The packaged app, which is the default installer's, reads a copy below its own package instead of AppData.
    """
    classic = Path(env.get("APPDATA") or home / "AppData" / "Roaming") / "Claude" / _NAME
    packages = Path(env.get("LOCALAPPDATA") or home / "AppData" / "Local") / "Packages"
    packaged = [folder / "LocalCache" / "Roaming" / "Claude" / _NAME for folder in sorted(packages.glob("Claude_*"))]
    written = [path for path in packaged if path.exists()]
    if written:
        likely = written
    elif classic.exists():
        likely = [classic]
    else:
        likely = packaged
    for path in dict.fromkeys((*likely, *packaged, classic)):
        kind = "the classic app" if path == classic else "the packaged app"
        sign = None if path == classic else path.parents[3]
        yield Location(path, note=kind, sign=sign, is_rival=len(likely) > 1 and path in likely)


CLAUDE_DESKTOP = JsonClient(
    title="Claude Desktop",
    places=_places,
    restart="Quit Claude Desktop completely (closing the window is not enough) and start it again.",
)
