"""`composite-runtime serve GRAPH`."""

import argparse
import logging
import os
from pathlib import Path

from composite_runtime import secrets
from composite_runtime.events import (
    ChildChanged,
    ChildState,
    Emit,
    Event,
    Following,
    Log,
    Ready,
    encode,
)
from composite_runtime.runtime import Address, Options
from composite_runtime.runtime import run as serve
from composite_runtime.stderr import Stderr


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("graph", type=Path, metavar="GRAPH", help="the graph file")
    parser.add_argument("--composite", metavar="ID", help="the composite to serve, by id or name")
    transport = parser.add_mutually_exclusive_group()
    transport.add_argument("--stdio", action="store_true", help="speak MCP on stdin and stdout (the default)")
    transport.add_argument(
        "--http",
        type=_address,
        metavar="HOST:PORT",
        help="speak streamable HTTP; port 0 chooses one; $FUSION_TOKEN, if set, is what clients must bring",
    )
    parser.add_argument(
        "--supervised", action="store_true", help="tell events as JSON lines on stderr, and end when stdin does"
    )
    parser.add_argument(
        "--trace", type=Path, metavar="FILE", help="record every message at both ends as JSON lines, secrets hidden"
    )
    parser.add_argument(
        "--watched", action="store_true", help="keep the first messages for whoever begins to watch within ten seconds"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until ended; what is told goes to stderr, as events or as text."""
    stderr = Stderr()
    emit = _Teller(stderr, supervised=args.supervised)
    logging.basicConfig(level=logging.WARNING, handlers=[_LogEvents(emit)], force=True)
    token = os.environ.get("FUSION_TOKEN") or None
    try:
        serve(Options(args.graph, args.composite, args.http, args.supervised, token, args.trace, args.watched), emit)
    finally:
        stderr.close()
    return 0


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


class _Teller:
    """Tells events on stderr: as JSON lines to a supervisor, as text to a person."""

    def __init__(self, stderr: Stderr, *, supervised: bool) -> None:
        self._stderr = stderr
        self._words = encode if supervised else _text

    def __call__(self, event: Event) -> None:
        # What tells of the loss must not be lost itself, and the count with it.
        if self._stderr.has_room and (lost := self._stderr.taken_lost()):
            self._tell(Log(level="warning", source="runtime", message=f"{lost} lines were dropped: nobody read them"))
            self._tell(Following(missed=lost))
        self._tell(event)

    def _tell(self, event: Event) -> None:
        line = self._words(event)
        if line is not None:
            self._stderr.write(secrets.redact(line))


def _text(event: Event) -> str | None:
    """Return what matters to a person: where we are, who is down, what children say."""
    if isinstance(event, Ready) and event.url:
        return f"serving at {event.url}"
    if isinstance(event, ChildChanged) and event.state in {ChildState.RETRYING, ChildState.FAILED}:
        return f"{event.node} is {event.state}: {event.reason}"
    if isinstance(event, Log):
        about = "" if event.stream else f"{event.level}: "
        return f"{about}[{event.source}] {event.message}"
    return None


class _LogEvents(logging.Handler):
    """What libraries log becomes an event like everything else."""

    def __init__(self, emit: Emit) -> None:
        super().__init__()
        self._emit = emit

    def emit(self, record: logging.LogRecord) -> None:
        self._emit(Log(level=record.levelname.lower(), source="runtime", message=self.format(record)))
