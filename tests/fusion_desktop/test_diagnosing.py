"""The doctor in the window: real faults of real processes, told step by step, and put right by a click."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QInputDialog, QLabel, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from composite_runtime import secrets
from composite_runtime.graph.edit import new_graph
from composite_runtime.graph.model import CompositeNode, Edge, HttpTransport, ServerNode, StdioTransport
from fusion_desktop import theme
from fusion_desktop.diagnosing import Diagnosing
from fusion_desktop.document.document import Document
from tests.fusion_desktop.run.servers import until
from tests.fusion_desktop.test_calling import opened
from tests.processes import descendants

pytestmark = pytest.mark.timeout(60)

EXAMPLE = ("-m", "composite_runtime", "example", "text")


@asynccontextmanager
async def examined(qtbot: QtBot, command: str, *args: str, **fields: object) -> AsyncIterator[Diagnosing]:
    """Examine a server with this command until the examination ends."""
    theme.apply("light")
    document = Document()
    transport = StdioTransport.model_validate({"command": command, "args": args, **fields})
    node = ServerNode(id="it", name="It", transport=transport)
    box = CompositeNode(id="box", name="Box")
    document.load(new_graph().but(nodes=(node, box), edges=(Edge(source="it", target="box"),)))
    diagnosing = Diagnosing(document, lambda go_on, _nodes: go_on())
    qtbot.addWidget(diagnosing.panel)
    diagnosing.panel.resize(340, 700)
    diagnosing.panel.show()
    diagnosing.examine("it")
    try:
        await until(lambda: diagnosing.doctor.diagnosis is not None)
        yield diagnosing
    finally:
        await diagnosing.end()
        diagnosing.deleteLater()
        document.deleteLater()


def words_in(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def button(widget: QWidget, words: str) -> QPushButton:
    return next(b for b in widget.findChildren(QPushButton) if b.text().startswith(words) and b.isVisible())


def fault(diagnosing: Diagnosing) -> str | None:
    assert diagnosing.doctor.diagnosis is not None
    return diagnosing.doctor.diagnosis.fault


async def again(diagnosing: Diagnosing) -> None:
    """Return when the examination that a remedy has started is done."""
    await until(lambda: diagnosing.doctor.diagnosis is None)
    await until(lambda: diagnosing.doctor.diagnosis is not None)


async def test_what_fails_is_told_with_what_was_seen_and_what_helps(qtbot: QtBot) -> None:
    async with examined(qtbot, sys.executable, "-c", "import no_such_module_at_all") as diagnosing:
        words = words_in(diagnosing.panel)

        assert "It fails at this check: First output." in words
        assert "has no module no_such_module_at_all" in words
        assert "Install the package" in words
        assert "ModuleNotFoundError" in words
        diagnosing.panel.copy_report()
        report = QGuiApplication.clipboard().text()
        assert report.startswith("It: python-module-missing")
        assert "ModuleNotFoundError" in report

        button(diagnosing.panel, "Install it with pip").click()
        (box,) = diagnosing.panel.findChildren(QMessageBox)
        assert "-m pip install no-such-module-at-all" in box.informativeText()
        next(b for b in box.buttons() if b.text() == "Cancel").click()


async def test_a_remedy_that_is_an_edit_is_one_step_and_is_looked_at_again(qtbot: QtBot) -> None:
    async with examined(qtbot, " ".join((sys.executable, *EXAMPLE))) as diagnosing:
        assert fault(diagnosing) == "command-has-arguments"
        document = diagnosing.document
        before = document.graph

        button(diagnosing.panel, "Split the command line").click()
        await again(diagnosing)

        assert "It works: every check passed." in words_in(diagnosing.panel)
        assert document.undo_stack.count() == 1
        assert document.undo_stack.undoText() == "Fix: Split the command line"
        document.undo_stack.undo()
        assert document.graph == before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="files have no such permission there")
async def test_a_remedy_that_is_a_command_is_shown_before_it_runs(qtbot: QtBot, tmp_path: Path) -> None:
    script = tmp_path / "my server"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} {' '.join(EXAMPLE)}\n", encoding="utf-8")
    async with examined(qtbot, str(script)) as diagnosing:
        assert fault(diagnosing) == "not-executable"

        button(diagnosing.panel, "Make it executable").click()
        (box,) = diagnosing.panel.findChildren(QMessageBox)
        assert box.informativeText() == f"chmod +x '{script}'"
        assert not script.stat().st_mode & 0o100
        next(b for b in box.buttons() if b.text() == "Run it").click()
        await again(diagnosing)

        assert fault(diagnosing) is None
        assert script.stat().st_mode & 0o100


@pytest.mark.slow
async def test_a_missing_secret_can_be_entered_and_never_reaches_the_graph(qtbot: QtBot) -> None:
    async with examined(qtbot, sys.executable, *EXAMPLE, env={"TOKEN": "${secret:weather}"}) as diagnosing:
        # There is no keyring in tests.
        assert fault(diagnosing) == "keyring-unavailable"

        button(diagnosing.panel, "Enter weather").click()
        (dialog,) = diagnosing.panel.findChildren(QInputDialog)
        assert "a private file, since this system has no keyring" in dialog.labelText()
        dialog.setTextValue("planted-4711")
        dialog.accept()
        await again(diagnosing)

        assert fault(diagnosing) is None
        assert secrets.resolve("${secret:weather}") == "planted-4711"
        assert "planted-4711" not in diagnosing.document.graph.model_dump_json()
        diagnosing.panel.copy_report()
        assert "planted-4711" not in QGuiApplication.clipboard().text()


@pytest.mark.slow
async def test_what_only_a_person_can_know_leads_to_the_properties(qtbot: QtBot) -> None:
    async with examined(qtbot, "a-command-of-nobody") as diagnosing:
        wanted: list[str] = []
        diagnosing.properties_wanted.connect(wanted.append)

        button(diagnosing.panel, "Change the command").click()

        assert wanted == ["it"]


@pytest.mark.slow
async def test_a_remote_server_has_its_own_steps(qtbot: QtBot) -> None:
    async with examined(qtbot, sys.executable, *EXAMPLE) as diagnosing:
        remote = ServerNode(id="it", name="It", transport=HttpTransport(url="http://127.0.0.1:9/mcp"))
        graph = diagnosing.document.graph
        diagnosing.document.edit("Edit", graph.but(nodes=(remote, *graph.nodes[1:])))

        button(diagnosing.panel, "Check again").click()
        await again(diagnosing)

        assert fault(diagnosing) == "connection-refused"
        assert "It fails at this check: Connection." in words_in(diagnosing.panel)
        assert button(diagnosing.panel, "Change the URL")


@pytest.mark.slow
async def test_a_server_that_does_not_come_up_is_told_with_a_way_to_find_out(qtbot: QtBot, tmp_path: Path) -> None:
    async with opened(tmp_path, is_running=False) as program:
        program.settings.asks_first_start = False
        bad = ServerNode(id="bad", name="Bad", transport=StdioTransport(command="a-command-of-nobody"))
        box = CompositeNode(id="box", name="Box")
        program.document.load(new_graph().but(nodes=(bad, box), edges=(Edge(source="bad", target="box"),)))

        program.window.actions_table["run.start"].trigger()
        banner = program.window.banner
        await until(lambda: "Bad cannot start" in banner.text)
        button(banner, "Find out why").click()

        await until(lambda: program.diagnosing.doctor.diagnosis is not None)
        assert program.diagnosing.panel.isVisible()
        assert fault(program.diagnosing) == "command-missing"


@pytest.mark.slow
async def test_closing_ends_an_examination_and_every_process_of_it(qtbot: QtBot) -> None:
    before = descendants()
    async with examined(qtbot, sys.executable, *EXAMPLE) as diagnosing:
        graph = diagnosing.document.graph
        silent = StdioTransport(command=sys.executable, args=("-c", "import time; time.sleep(600)"))
        diagnosing.document.edit(
            "Edit", graph.but(nodes=(ServerNode(id="it", name="It", transport=silent), *graph.nodes[1:]))
        )
        diagnosing.again()
        await until(lambda: len(descendants() - before) > 2)

    await until(lambda: not descendants() - before)
