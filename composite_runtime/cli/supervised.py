"""What commands share that another program follows: JSON lines on stdout, and an end when stdin ends."""

import json
import os
import signal
import sys
import threading
from typing import Any

HELP = "print JSON lines as things happen, and end when stdin does"


def end_with_stdin() -> None:
    """Interrupt the command when stdin ends, which says that who started us has gone or has heard enough."""
    # Who was started in the background of a shell ignores interrupts, also its own.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A thread that reads cannot be ended, so it must not keep the program alive.
    threading.Thread(target=_watch, daemon=True).start()


def tell(kind: str, data: dict[str, Any]) -> None:
    """Print one line."""
    print(json.dumps({"event": kind, **data}, ensure_ascii=False), flush=True)


def _watch() -> None:
    try:
        while os.read(sys.stdin.fileno(), 4096):
            pass
    except (OSError, ValueError):
        return
    signal.raise_signal(signal.SIGINT)
