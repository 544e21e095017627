"""The environment a program of ours is started with."""

import os
import sys
from collections.abc import Mapping

from composite_runtime.interop import login_path

# What a bundled Python or Qt sets for itself breaks other programs: they would load our libraries and plugins.
_OURS = ("_PYI_", "QT_", "QML", "PYTHONHOME", "PYTHONPATH")
_RESTORED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def clean(environment: Mapping[str, str] | None = None, *, is_bundled: bool | None = None) -> dict[str, str]:
    """Return the environment without what a bundle of ours put there for itself; from source it stays as it is."""
    made = dict(os.environ if environment is None else environment)
    if not (getattr(sys, "frozen", False) if is_bundled is None else is_bundled):
        return made
    for name in [name for name in made if name.startswith(_OURS)]:
        del made[name]
    for name in _RESTORED:
        original = made.pop(f"{name}_ORIG", None)
        made.pop(name, None)
        if original:
            made[name] = original
    return made


def with_login_path(environment: Mapping[str, str], *, is_terminal: bool | None = None) -> dict[str, str]:
    """Return the environment with the PATH a terminal would have, as far as the login shell has told it already.

    Docks and menus start programs without what a shell's profile and version managers add. Who starts us in a terminal
    has that PATH already, perhaps with changes that are meant.
    """
    made = dict(environment)
    if not (_has_terminal() if is_terminal is None else is_terminal) and (login := login_path.remembered()):
        made["PATH"] = login_path.joined(login, made.get("PATH"))
    return made


def _has_terminal() -> bool:
    return any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
