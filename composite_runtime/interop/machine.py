"""The computer whose client configurations are meant: this one, or in a test any other."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """What decides where programs keep their files; `platform` is spelled as in `sys.platform`."""

    platform: str
    env: Mapping[str, str]
    home: Path

    @classmethod
    def this(cls) -> "Machine":
        """Return the computer we run on."""
        return cls(sys.platform, dict(os.environ), Path.home())
