"""Looking servers up in the MCP Registry: only when asked to, from a cache where there is one, and without it offline.

The registry promises no uptime and asks to be queried sparingly, so an answer counts for an hour and is kept for good.
"""

import hashlib
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from composite_runtime import files, paths
from composite_runtime.errors import FusionError
from composite_runtime.interop.registry_entry import Entry

DEFAULT_URL = "https://registry.modelcontextprotocol.io"

_FRESH_S = 3600.0
_TIMEOUT_S = 10.0
_LARGEST = 8 * 1024 * 1024
_PAGE = 30


@dataclass(frozen=True)
class Page:
    """Some entries; `cursor` leads to the next ones. `offline_reason` is set when an old answer had to do."""

    entries: tuple[Entry, ...]
    cursor: str | None
    fetched_at: float
    offline_reason: str | None = None


class OnlineRegistry:
    """A registry at a URL; others with the same interface, such as a company's own, can be used as well."""

    def __init__(self, base_url: str = DEFAULT_URL, cache: Path | None = None) -> None:
        parts = urlsplit(base_url)
        is_local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_local)):
            raise FusionError(f"{base_url!r} is no address of a registry: it must start with https://")
        self._base = base_url.rstrip("/")
        self._cache = cache or paths.home() / "registry"

    def search(self, text: str = "", cursor: str | None = None) -> Page:
        """Return the newest versions of servers whose names hold `text`. It blocks: call it in a thread.

        Raises:
            FusionError: there is no answer, not even an old one.
        """
        query = {"limit": str(_PAGE), "version": "latest"}
        query |= {key: value for key, value in (("search", text.strip()), ("cursor", cursor)) if value}
        data, fetched_at, reason = self._get(f"/v0.1/servers?{urlencode(query)}")
        listed = data.get("servers") if isinstance(data.get("servers"), list) else []
        metadata = data.get("metadata") if isinstance(data.get("metadata"), dict) else {}
        entries = (Entry.read(item) for item in listed or () if isinstance(item, dict))
        following = (metadata or {}).get("nextCursor")
        shown = tuple(entry for entry in entries if entry.name and entry.status != "deleted")
        return Page(shown, following if isinstance(following, str) and following else None, fetched_at, reason)

    def entry(self, name: str) -> Entry:
        """Return the newest version of the server of this name; raise `FusionError`."""
        data, _, _ = self._get(f"/v0.1/servers/{quote(name, safe='')}/versions/latest")
        return Entry.read(data)

    def _get(self, path: str) -> tuple[dict[str, Any], float, str | None]:
        url = self._base + path
        file = self._cache / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"
        kept, kept_at = _kept(file)
        if kept is not None and 0 <= time.time() - kept_at < _FRESH_S:
            return kept, kept_at, None
        try:
            data = _fetched(url)
        except FusionError as error:
            if kept is None:
                raise
            return kept, kept_at, str(error)
        now = time.time()
        files.write_text(file, json.dumps({"url": url, "fetched_at": now, "answer": data}, ensure_ascii=False))
        return data, now, None


def _kept(file: Path) -> tuple[dict[str, Any] | None, float]:
    try:
        data = json.loads(files.read_text(file))
        return dict(data["answer"]), float(data["fetched_at"])
    except (FusionError, ValueError, KeyError, TypeError):
        return None, 0.0


def _fetched(url: str) -> dict[str, Any]:
    host = urlsplit(url).hostname
    request = urllib.request.Request(url, headers={"Accept": "application/json", "User-Agent": "Fusion"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            content = response.read(_LARGEST + 1)
    except urllib.error.HTTPError as error:
        error.close()
        what = "has no such server" if error.code == 404 else f"answered with the status {error.code}"
        raise FusionError(f"{host} {what}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise FusionError(f"{host} cannot be reached: {reason}") from None
    if len(content) > _LARGEST:
        raise FusionError(f"{host} answered with more than {_LARGEST >> 20} MiB")
    try:
        data = json.loads(content)
    except ValueError:
        raise FusionError(f"{host} answered with something that is not JSON; is it a registry?") from None
    if not isinstance(data, dict):
        raise FusionError(f"{host} answered with something that is no registry's answer")
    return data
