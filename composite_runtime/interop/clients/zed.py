"""Zed: `context_servers` in its large settings file, which people fill with comments."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from composite_runtime.interop.clients.decode import SECONDS, Dialect
from composite_runtime.interop.clients.folders import config, dot_config
from composite_runtime.interop.clients.format import Location
from composite_runtime.interop.clients.json_client import JsonClient


def _places(platform: str, env: Mapping[str, str], home: Path) -> Iterator[Location]:
    if platform == "win32":
        yield Location(config(platform, env, home) / "Zed" / "settings.json")
    else:
        yield Location((dot_config(env, home) if platform == "linux" else home / ".config") / "zed" / "settings.json")


ZED = JsonClient(
    title="Zed",
    places=_places,
    project_file=".zed/settings.json",
    container=("context_servers",),
    takes_comments=True,
    takes_trailing_commas=True,
    dialect=Dialect(timeout_unit_s=SECONDS),
    opens_urls=True,
    restart="Zed notices the change by itself.",
)
