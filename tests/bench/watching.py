"""`python -m tests.bench.watching`: what it costs the window to show 50,000 messages, and 1,000 events a second."""

import argparse
import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import qasync
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from composite_runtime.graph import file
from fusion_desktop import theme
from fusion_desktop.app import Program
from fusion_desktop.inspector.json_tree import JsonTree
from fusion_desktop.panels.traffic import TrafficPanel
from fusion_desktop.run.traffic_filter import parse
from fusion_desktop.run.traffic_model import TrafficModel
from fusion_desktop.settings import Settings

NONE = Qt.KeyboardModifier.NoModifier
MESSAGES = 50_000
FILTERS = (
    "method:tools/call",
    "status:error",
    ">40ms",
    "node:c3",
    "needle",
    "method:tools/call status:error >40ms node:c3",
)


def messages(count: int) -> list[tuple[dict[str, Any], str]]:
    """Return what a busy composite says, call by call: four messages each."""
    made: list[tuple[dict[str, Any], str]] = []
    for call in range(count // 4):
        node, at, failed = f"c{call % 8}", 1_700_000_000 + call * 0.01, call % 50 == 0
        ours = {"link": "s", "call": f"{call:x}"}
        arguments = {"query": f"words number {call}", "limit": call % 100, "path": f"/a/b/{call % 97}"}
        said = "needle" if call % 1000 == 0 else "x" * (60 + call % 200)
        body: dict[str, Any] = {"content": [{"type": "text", "text": said}], **({"isError": True} if failed else {})}
        ask = {"jsonrpc": "2.0", "id": call, "method": "tools/call"}
        took = 0.001 * (call % 60)
        asked, answered = {**ask, "params": {"name": "t", "arguments": arguments}}, {"id": call, "result": body}
        theirs = {"hop": node, "link": "1"}
        for head, message in (
            ({"at": at, "hop": "client", "way": "in", **ours}, asked),
            ({"at": at, "way": "out", **theirs}, asked),
            ({"at": at + took, "way": "in", **theirs}, {"jsonrpc": "2.0", **answered}),
            ({"at": at + took, "hop": "client", "way": "out", **ours}, {"jsonrpc": "2.0", **answered}),
        ):
            made.append((head, json.dumps(message)))
    return made


def cpu_ms(work: Callable[[], object], rounds: int = 5) -> float:
    """Return the median of the CPU time some work takes."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append((time.process_time() - began) * 1000)
    return statistics.median(times)


def rest() -> None:
    """Measure what is done with messages that have come."""
    model = TrafficModel()
    panel = TrafficPanel(model, JsonTree)
    panel.resize(1100, 420)
    panel.show()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = messages(MESSAGES)
    began = time.process_time()
    for part in told:
        model.take(part)
    model.flush()
    tell(f"| {MESSAGES:,} messages read and paired | {(time.process_time() - began) * 1e6 / MESSAGES:.0f} us each |")
    del told
    for text in FILTERS:
        wanted = parse(text)
        first = cpu_ms(lambda wanted=wanted: model.set_filter(wanted), 1)
        tell(
            f"| filter `{text}` | {cpu_ms(lambda wanted=wanted: model.set_filter(wanted)):.0f} ms, first {first:.0f} |"
        )
    model.set_filter(parse(""))
    QApplication.processEvents()
    bar = panel.table.verticalScrollBar()
    frames = []
    for step in range(200):
        bar.setValue(step * 37 % bar.maximum())
        frames.append(cpu_ms(panel.table.viewport().repaint, 1))
    tell(f"| a frame while scrolling | {statistics.median(frames):.1f} ms, longest {max(frames):.1f} ms |")
    for part in messages(MESSAGES):
        model.take(part)
    model.flush()
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    tell(f"| memory with {model.rowCount():,} kept after {2 * MESSAGES:,}, searched | {used:.0f} MB |")
    panel.close()


class _Keys(QObject):
    """Notes when keys arrive that were typed at a known time, as one who types would wait for them."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.typed = 0.0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and self.typed:
            self.waits.append((time.perf_counter() - self.typed) * 1000)
            self.typed = 0.0
        return False


async def live(seconds: float, rate: int) -> None:
    """Run a composite in the window, call it, and type meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder) / "desktop.ini")
        settings.asks_first_start = False
        program = Program(settings)
        program.document.load(file.load(_graph(Path(folder))))
        program.window.show()
        program.window.focus.show("traffic")
        program.window.actions_table["run.start"].trigger()
        async with asyncio.timeout(30):
            while not program.session.listing("tools").items:
                await asyncio.sleep(0.05)
        tool = program.session.listing("tools").items[0]["name"]
        keys, field = _Keys(), program.window.traffic_panel.search
        field.installEventFilter(keys)

        stopped = threading.Event()

        def type_keys() -> None:
            # From a thread of its own, as the system does: also while the window is busy.
            while not stopped.wait(0.05):
                if not keys.typed:
                    keys.typed = time.perf_counter()
                    QCoreApplication.postEvent(field, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Shift, NONE))

        typing = threading.Thread(target=type_keys)
        typing.start()
        seen = 0

        def count(_: object) -> None:
            nonlocal seen
            seen += 1

        program.watching._watcher.told.connect(count)
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.to_thread(_load, program.running.url, program.process.token, tool, rate, seconds)
        spent, busy = time.perf_counter() - began, time.process_time() - cpu
        stopped.set()
        typing.join()
        waits = sorted(keys.waits)
        tell(f"| told in {spent:.0f} s | {seen / spent:,.0f} a second |")
        middle, late = waits[len(waits) // 2], waits[len(waits) * 95 // 100]
        tell(f"| a key waits for the window | p50 {middle:.0f}, p95 {late:.0f}, at most {waits[-1]:.0f} ms |")
        tell(f"| CPU of the window | {100 * busy / spent:.0f} % of one core |")
        tell(f"| lost because the window was slow | {program.traffic.missed} |")
        program.document.undo_stack.setClean()
        program.window.close()
        await program.end()


def _graph(folder: Path) -> Path:
    child = {"type": "stdio", "command": sys.executable, "args": [str(Path(__file__).with_name("child.py"))]}
    path = folder / "bench.fusion"
    nodes = [
        {"id": "a", "type": "server", "name": "A", "namespace": "a", "transport": child},
        {"id": "all", "type": "composite", "name": "All"},
    ]
    graph = {"version": 1, "id": "bench", "name": "Bench", "nodes": nodes, "edges": [{"source": "a", "target": "all"}]}
    path.write_text(json.dumps(graph), encoding="utf-8")
    return path


def _load(url: str, token: str, tool: str, rate: int, seconds: float) -> None:
    """Call a tool so often that so many events and messages are told, from a process of its own."""
    import subprocess

    script = Path(__file__).with_name("caller.py")
    command = [sys.executable, str(script), url, tool, str(rate / 9), str(seconds)]
    subprocess.run(command, env={**os.environ, "FUSION_TOKEN": token}, check=True, timeout=seconds + 60)


def tell(text: str) -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Measure both."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.watching", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=1000, help="events and messages a second")
    args = parser.parse_args()
    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    theme.apply("dark")
    tell("| What | CPU |\n|---|---|")
    rest()
    with tempfile.TemporaryDirectory() as home, qasync.QEventLoop(app) as loop:
        os.environ["FUSION_HOME"] = home
        loop.run_until_complete(live(args.seconds, args.rate))
    return 0


if __name__ == "__main__":
    sys.exit(main())
