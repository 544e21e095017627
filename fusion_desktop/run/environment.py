"""The environment a program of ours is started with."""

import os
import sys
from collections.abc import Mapping

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
