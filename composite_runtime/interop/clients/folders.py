"""The folders of a system below which programs keep their settings."""

from collections.abc import Mapping
from pathlib import Path


def config(platform: str, env: Mapping[str, str], home: Path) -> Path:
    """Return where graphical programs keep settings: Application Support, AppData/Roaming or `~/.config`."""
    if platform == "darwin":
        return home / "Library" / "Application Support"
    if platform == "win32":
        return Path(env.get("APPDATA") or home / "AppData" / "Roaming")
    return dot_config(env, home)


def dot_config(env: Mapping[str, str], home: Path) -> Path:
    """Return `~/.config`, or what the environment says instead."""
    return Path(env.get("XDG_CONFIG_HOME") or home / ".config")


def from_variable(env: Mapping[str, str], name: str, otherwise: Path) -> Path:
    """Return the folder an environment variable names, or another."""
    return Path(env[name]) if env.get(name) else otherwise
