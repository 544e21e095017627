"""The desktop as a process of its own: it opens a graph, runs it, makes calls, saves what it can, and waits.

`python -m tests.support.calling_desktop GRAPH FOLDER`, with the arguments of its calls on stdin, says READY once all is
written, while one call is still open.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qasync
from PySide6.QtWidgets import QApplication

from fusion_desktop import theme
from fusion_desktop.app import Program
from fusion_desktop.inspector.save_call import SaveCallDialog
from fusion_desktop.run.history import Kept
from fusion_desktop.settings import Settings
from fusion_desktop.tasks import spawn


async def until(claim: Callable[[], object]) -> None:
    while not claim():
        await asyncio.sleep(0.02)


async def work(graph: Path, folder: Path, given: dict[str, Any]) -> None:
    settings = Settings(folder / "desktop.ini")
    settings.asks_first_start = False
    program = Program(settings)
    window, session, calling = program.window, program.session, program.calling
    window.show()
    window.filing.open(graph)
    window.focus.show("calls")
    window.actions_table["run.start"].trigger()
    await until(lambda: {"child_tell", "remote_tell"} <= {t["name"] for t in session.listing("tools").items})
    for tool in ("child_tell", "remote_tell", "child_fail"):
        await session.call(tool, given)
    spawn(session.call("child_wait", {"note": given["password"]}))

    kept: list[Kept] = []
    calling.history.read.connect(kept.append)
    done = [entry for entry in await listed(program, 4) if entry.target == "child_tell"]
    calling.history.fetch(done[0])
    await until(lambda: any(one.entry.target == "child_tell" and one.outcome is not None for one in kept))
    calling.save(next(one for one in kept if one.entry.target == "child_tell"))
    dialog = window.findChild(SaveCallDialog)
    assert dialog is not None
    dialog.expectations.add_button.menu().actions()[1].trigger()
    dialog.accept()
    assert calling.saved.calls
    await until(lambda: len(program.traffic.rows()) > 8)
    program.traffic.flush()
    program.log.flush()
    window.traffic_panel.save_to(folder / "traffic.jsonl")
    await until(lambda: "were written" in window.traffic_panel.words)
    window.log_panel.save_to(folder / "log.txt")
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def listed(program: Program, count: int) -> list[Any]:
    """Return the entries of the history once there are so many."""
    found: list[Any] = []
    program.calling.history.found.connect(lambda _, entries: found.__setitem__(slice(None), entries))
    while len(found) < count or not all(entry.milliseconds for entry in found if entry.target != "child_wait"):
        program.calling.history.look()
        await asyncio.sleep(0.05)
    return found


def main() -> None:
    graph, folder, given = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.stdin.readline())
    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    theme.apply("light")
    with qasync.QEventLoop(app) as loop:
        loop.run_until_complete(work(graph, folder, given))


if __name__ == "__main__":
    main()
