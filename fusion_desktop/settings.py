"""What Fusion remembers between starts: window, looks and recent files. Documents keep everything else themselves."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QByteArray, QSettings

from composite_runtime import paths
from composite_runtime.interop.online_registry import DEFAULT_URL
from fusion_desktop.theme import Mode

RECENT_LIMIT = 12
ADDED_LIMIT = 5
WINDOW_VERSION = 1
"""Raised when docks are added or renamed, so that an old window state is not applied to a new window."""


class Settings:
    """Typed access to one INI file in Fusion's folder."""

    def __init__(self, file: Path | None = None) -> None:
        self._store = QSettings(str(file or paths.home() / "desktop.ini"), QSettings.Format.IniFormat)

    @property
    def mode(self) -> Mode:
        """Return how the user wants Fusion to look."""
        value = str(self._store.value("look/mode", Mode.SYSTEM))
        return Mode(value) if value in tuple(Mode) else Mode.SYSTEM

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._store.setValue("look/mode", str(mode))

    @property
    def transport(self) -> Literal["http", "stdio"]:
        """Return how the composite is served when it is run: http or stdio."""
        return "stdio" if self._store.value("run/transport") == "stdio" else "http"

    @transport.setter
    def transport(self, transport: Literal["http", "stdio"]) -> None:
        self._store.setValue("run/transport", transport)

    @property
    def asks_first_start(self) -> bool:
        """Return whether a command is shown before it is started for the first time."""
        return bool(self._store.value("run/asks_first_start", True, bool))

    @asks_first_start.setter
    def asks_first_start(self, asks: bool) -> None:
        self._store.setValue("run/asks_first_start", asks)

    @property
    def registry_url(self) -> str:
        """Return the address of the registry that is searched for servers."""
        return str(self._store.value("registry/url") or DEFAULT_URL)

    @registry_url.setter
    def registry_url(self, url: str) -> None:
        self._store.setValue("registry/url", url)

    @property
    def keys(self) -> dict[str, list[str]]:
        """Return the keys the user chose, by command; what cannot be read counts as not chosen."""
        try:
            stored = json.loads(str(self._store.value("keys/changed", "{}")))
        except ValueError:
            return {}
        if not isinstance(stored, dict):
            return {}
        return {str(name): [str(key) for key in keys] for name, keys in stored.items() if isinstance(keys, list)}

    @keys.setter
    def keys(self, keys: Mapping[str, Sequence[str]]) -> None:
        self._store.setValue("keys/changed", json.dumps(keys))

    @property
    def recent(self) -> list[Path]:
        """Return the files opened last that still exist, newest first."""
        stored = self._store.value("files/recent") or []
        names = [stored] if isinstance(stored, str) else [str(name) for name in stored]
        return [path for name in names if (path := Path(name)).exists()]

    def add_recent(self, path: Path) -> None:
        """Put a file at the head of the recent ones."""
        others = [other for other in self.recent if other != path.resolve()]
        self._store.setValue("files/recent", [str(p) for p in [path.resolve(), *others][:RECENT_LIMIT]])

    @property
    def added(self) -> list[str]:
        """Return the names of what was added last, newest first."""
        stored = self._store.value("nodes/added") or []
        return [stored] if isinstance(stored, str) else [str(name) for name in stored]

    def remember_added(self, name: str) -> None:
        """Put a name at the head of what was added last."""
        self._store.setValue("nodes/added", [name, *(other for other in self.added if other != name)][:ADDED_LIMIT])

    def inspected(self, graph_id: str) -> str:
        """Return what was settled in the inspector for a graph, as JSON text, or nothing."""
        return str(self._store.value(f"inspector/{_key(graph_id)}") or "")

    def save_inspected(self, graph_id: str, text: str) -> None:
        """Remember what was settled for a graph; an empty text forgets it."""
        key = f"inspector/{_key(graph_id)}"
        self._store.setValue(key, text) if text else self._store.remove(key)

    def save_window(self, geometry: QByteArray, state: QByteArray) -> None:
        """Remember where the window and its docks are."""
        self._store.setValue("window/geometry", geometry)
        self._store.setValue("window/state", state)

    def window(self) -> tuple[QByteArray, QByteArray]:
        """Return what `save_window` was given, or empty values."""
        empty = QByteArray()
        geometry, state = self._store.value("window/geometry", empty), self._store.value("window/state", empty)
        return (
            geometry if isinstance(geometry, QByteArray) else empty,
            state if isinstance(state, QByteArray) else empty,
        )


def _key(graph_id: str) -> str:
    return "".join(c for c in graph_id if c.isalnum() or c in "-_")[:64]
