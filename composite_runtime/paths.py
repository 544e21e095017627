"""Where Fusion's own files live.

What desktop and runtime share lies in `~/.fusion`, never below AppData, which packaged Windows clients see redirected.
"""

import os
from pathlib import Path

_PACKAGES = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Return Fusion's folder: `$FUSION_HOME`, else `~/.fusion`. It may not exist yet."""
    return Path(os.environ.get("FUSION_HOME") or Path.home() / ".fusion")


def resource(name: str) -> Path:
    """Return the path of a file in `resources`, in a source tree as well as in an installed wheel."""
    source = _PACKAGES / "resources" / name
    return source if source.exists() else _PACKAGES / "fusion_desktop" / "resources" / name
