"""Fetching a bundle that an entry of a registry names, and holding it to the digest the entry gives."""

import hashlib
import os
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from composite_runtime import paths
from composite_runtime.errors import FusionError

_LARGEST = 512 * 1024 * 1024
_TIMEOUT_S = 30.0
_PIECE = 1 << 18


def fetched(address: str, digest: str) -> Path:
    """Return the bundle as a file of ours; one that is here already is not fetched again. It blocks.

    Raises:
        FusionError: it cannot be fetched, is too large, or is not what the entry says.
    """
    target = paths.home() / "downloads" / f"{digest.lower()}.mcpb"
    if target.exists():
        return target
    host = urlsplit(address).hostname
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(address, part, digest)
        part.replace(target)
    except urllib.error.HTTPError as error:
        error.close()
        raise FusionError(f"{host} answered with the status {error.code} instead of the bundle") from None
    except (OSError, ValueError) as error:
        raise FusionError(f"the bundle cannot be fetched from {host}: {getattr(error, 'reason', error)}") from None
    finally:
        part.unlink(missing_ok=True)
    return target


def _copy(address: str, part: Path, digest: str) -> None:
    seen, size = hashlib.sha256(), 0
    request = urllib.request.Request(address, headers={"User-Agent": "Fusion"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response, part.open("wb") as file:
        while piece := response.read(_PIECE):
            size += len(piece)
            if size > _LARGEST:
                raise FusionError(f"the bundle has more than {_LARGEST >> 20} MiB, so it was not fetched")
            seen.update(piece)
            file.write(piece)
    if seen.hexdigest() != digest.lower():
        raise FusionError("what was fetched is not the bundle the entry describes: its SHA-256 differs; it was deleted")
