"""One run of the runtime: a graph file, served until somebody ends it."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import TypeAlias

from composite_runtime.attach.feed import Feed
from composite_runtime.errors import FusionError, GraphError
from composite_runtime.events import Emit, Event, GraphChanged, Http, Log, Ready, Stopped, encode
from composite_runtime.front.server import Server
from composite_runtime.graph import file
from composite_runtime.graph.check import Level, check, served_composite
from composite_runtime.graph.model import CompositeNode, Graph, ServingLimits
from composite_runtime.supervisor import Supervisor
from composite_runtime.tasks import Tasks
from composite_runtime.wire.call import Caller
from composite_runtime.wire.era import LATEST_LEGACY, Era
from composite_runtime.wire.tap import HttpSeen, Recorder, Seen, Switch, frame_body, frame_head, untapped

_log = logging.getLogger(__name__)

WATCH_S = 0.5
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# An unsupervised client may close our stdin while calls are in flight; what can still be answered is.
_DRAIN_S = 5.0
_SUPERVISED_DRAIN_S = 0.5


@dataclass(frozen=True)
class Address:
    """Where to listen for HTTP; port 0 lets the system choose."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return the address written as HOST:PORT; raise `ValueError` when it is none."""
        host, separator, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not separator or not host or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
            raise ValueError(f"{text!r} is not HOST:PORT")
        return cls(host, int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:  # a name, and only one is sure to stay on this machine
            return self.host == "localhost"


@dataclass(frozen=True)
class Options:
    """How to serve: `http` is None for stdio; `supervised` means that the end of stdin ends us."""

    graph: Path
    composite: str | None = None
    http: Address | None = None
    supervised: bool = False
    token: str | None = None
    trace: Path | None = None
    watched: bool = False


def prepare_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the factory of the event loop: uvloop where it is installed, since that makes a call a little cheaper."""
    # Python 3.11 would wait for each child in a thread of its own; later versions do this themselves.
    if sys.version_info < (3, 12) and hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            os.close(os.pidfd_open(os.getpid()))
            asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
    try:
        uvloop = import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def run(options: Options, emit: Emit) -> None:
    """Serve until the client, the supervisor or a signal ends it; raise `FusionError` when it cannot begin."""
    with asyncio.Runner(loop_factory=prepare_loop()) as runner:
        runner.run(_Run(options, emit).serve())


class _Run:
    def __init__(self, options: Options, emit: Emit) -> None:
        self._options = options
        self._tell = emit
        self._recorder = Recorder(options.trace) if options.trace is not None else None
        self._taps = Switch(self._recorder)
        self._feed = Feed(str(options.graph.resolve()), supervised=options.supervised, keeps_first=options.watched)
        self._supervisor = Supervisor(emit=self._emit, recorder=self._taps, graph=str(options.graph.resolve()))
        self._stop = asyncio.Event()
        self._tasks = Tasks()
        self._feeding = Tasks()

    async def serve(self) -> None:
        try:
            await self._serve_graph()
        finally:
            await self._feeding.close()  # last, so that watchers hear of the end

    async def _serve_graph(self) -> None:
        seen = _stamp(self._options.graph)  # before it is read, or a change meanwhile would not be seen
        graph = file.load(self._options.graph)
        self._root = root = served_root(graph, self._options.composite)
        composite = self._supervisor.apply(graph, root)
        server = Server(composite, version("fusion-desktop"), self._emit)
        server.limit(limits_of(graph, root))
        self._tap(server)
        self._feeding.start(self._serve_feed())
        self._catch_signals()
        self._tasks.start(self._watch(server, seen))
        _keep_buffers()
        gc.freeze()
        # asyncio leaves a circle behind for each connection. What is young is looked through often enough that few pile
        # up, and seldom enough that no call waits for it.
        gc.set_threshold(20_000, 50, 100)
        reason: str | None = None
        try:
            if self._options.http is None:
                reason = await self._serve_stdio(server, root)
            else:
                await self._serve_http(server, root, self._options.http)
        finally:
            await self._tasks.close()
            await self._supervisor.close()
            if self._recorder is not None:
                self._recorder.close()
        self._emit(Stopped(reason=reason))

    def _emit(self, event: Event) -> None:
        self._tell(event)
        self._feed.tell(event)

    async def _serve_feed(self) -> None:
        try:
            await self._feed.serve()
        except FusionError as error:
            self._tell(Log(level="warning", source="runtime", message=str(error)))

    def _tap(self, server: Server) -> None:
        """Have messages seen at both ends by the file and the watchers that want them, and by nobody else."""
        tap = self._taps.at("client")

        def switch(watched: bool, frames: bool) -> None:
            self._taps.listener = _Watchers(self._feed) if frames else None
            server.tap = tap if frames or self._recorder is not None else untapped
            server.is_heard = watched or self._options.supervised or self._recorder is not None

        self._feed.watched = switch
        switch(self._options.watched, self._options.watched)

    async def _serve_stdio(self, server: Server, root: str) -> str | None:
        from composite_runtime.front.stdio import StdioFront

        server.on_first_caller = self._supervisor.start
        front = StdioFront(server, drain_s=_SUPERVISED_DRAIN_S if self._options.supervised else _DRAIN_S)
        serving = self._tasks.start(front.serve())
        self._emit(Ready(transport="stdio", composite=root))
        stopped = self._tasks.start(self._stop.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        front.stop()
        await serving
        return front.reason

    async def _serve_http(self, server: Server, root: str, address: Address) -> None:
        # Imported here because a runtime on stdio starts in half the time without an HTTP server.
        from composite_runtime.front.http import HttpFront
        from composite_runtime.front.listener import Limits, Listener

        if not address.is_loopback and self._options.token is None:
            raise FusionError(
                f"{address.host} can be reached from other machines, so a token is needed: set FUSION_TOKEN"
            )
        listening = _bound(address)
        hosts = _LOOPBACK | {address.host} if address.is_loopback else None
        front = HttpFront(server, path="/mcp", hosts=hosts, token=self._options.token)
        listener = Listener(front, listening)

        def limit(limits: ServingLimits) -> None:
            listener.limits = Limits(body_bytes=limits.message_bytes)

        server.on_limits = limit
        limit(server.limits)
        if self._options.supervised:
            self._tasks.start(_stdin_ended(self._stop.set))
        self._supervisor.start(Caller(Era.LEGACY, LATEST_LEGACY))
        serving = self._tasks.start(listener.serve())
        host = f"[{address.host}]" if ":" in address.host else address.host
        url = f"http://{host}:{listening.getsockname()[1]}/mcp"
        self._emit(Ready(transport="http", composite=root, url=url))
        stopped = self._tasks.start(self._stop.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        server.close()
        await front.close()
        await listener.stop()
        await serving

    async def _watch(self, server: Server, seen: "_Stamp | None") -> None:
        """Apply the graph file whenever it changes; one that cannot be used leaves the last good graph served."""
        is_missed = False
        while True:
            await asyncio.sleep(WATCH_S)
            now = _stamp(self._options.graph)
            # An editor that replaces the file may take it away for a moment, so it is missed only at the second look.
            is_missed, was_missed = now is None, is_missed
            if now != seen and (now is not None or was_missed):
                seen = now
                self._reload(server)

    def _reload(self, server: Server) -> None:
        try:
            graph = file.load(self._options.graph)
            root = served_root(graph, followed(graph, self._options.composite, self._root))
            self._supervisor.apply(graph, root)
            server.limit(limits_of(graph, root))
            self._root = root
        except FusionError as error:
            reason = str(error)
        except Exception as error:
            _log.exception("unexpected")
            reason = f"unexpected: {error}"
        else:
            self._emit(GraphChanged(composite=self._root))
            return
        self._emit(GraphChanged(error=reason))
        self._emit(Log(level="warning", source="runtime", message=f"the graph was not changed: {reason}"))

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)
            if number is None:
                continue
            try:
                loop.add_signal_handler(number, self._stop.set)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._stop.set))


class _Watchers:
    """Hands what passes the hops on to those who watch."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def frame(self, hop: str, seen: Seen) -> None:
        self._feed.line(f'{frame_head(hop, seen)},"event":"frame",{frame_body(seen)}')

    def http(self, hop: str, seen: HttpSeen) -> None:
        self._feed.line(encode(Http(hop=hop, http=asdict(seen))))


def served_root(graph: Graph, wanted: str | None) -> str:
    """Return the id of the composite to serve; raise `GraphError` in the words of the check when there are errors."""
    root = served_composite(graph, wanted).id
    errors = [problem for problem in check(graph) if problem.level is Level.ERROR]
    if errors:
        lines = "".join(f"\n  {problem.message}. {problem.fix}" for problem in errors)
        raise GraphError(f"{graph.name!r} cannot be served:{lines}", errors[0].node)
    return root


def followed(graph: Graph, wanted: str | None, present: str) -> str | None:
    """Return which composite of a changed graph to ask for: what a fresh start would serve, if that is clear.

    Else it is the one that is served at present, or whichever the graph offers now that this one is gone.
    """
    with contextlib.suppress(GraphError):
        return served_composite(graph, wanted).id
    return present if isinstance(graph.node(present), CompositeNode) else None


def limits_of(graph: Graph, root: str) -> ServingLimits:
    """Return what the clients of a composite may use up."""
    node = graph.node(root)
    return node.limits if isinstance(node, CompositeNode) else ServingLimits()


_Stamp: TypeAlias = tuple[int, int, int]


def _keep_buffers() -> None:
    """Have the memory that every read is given stay ours: asking the system for it anew costs half of a call."""
    # asyncio reads into 256 KiB. glibc maps and unmaps what is larger than a threshold, and takes the largest block it
    # was given back as the new threshold; elsewhere this does nothing.
    buffer = bytearray(1024 * 1024)
    del buffer


def _stamp(path: Path) -> _Stamp | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _bound(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # Without the protocol named, asyncio would leave Nagle's algorithm on, which costs 40 ms a call.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
        listening.listen(512)
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        raise FusionError(
            f"{address.host}:{address.port} cannot be listened on: {reason}; choose another port, or 0 for any"
        ) from None
    return listening


async def _stdin_ended(then: Callable[[], None]) -> None:
    """Wait for the end of stdin, which says that who started us has gone."""

    def read() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(then)

    loop = asyncio.get_running_loop()
    threading.Thread(target=read, daemon=True).start()
