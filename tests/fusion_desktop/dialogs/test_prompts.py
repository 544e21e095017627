"""What a server asks for is filled in before it is added: checked, secrets apart, and never in what is shown."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from composite_runtime import secrets
from composite_runtime.graph.model import HttpTransport, ServerNode, StdioTransport
from composite_runtime.interop.needs import Need
from composite_runtime.interop.plain_secrets import PlainSecret
from fusion_desktop.app import Program
from fusion_desktop.dialogs.prompts import PromptDialog
from fusion_desktop.document import offers
from fusion_desktop.document.template import Template
from tests.fusion_desktop.graphs import desk
from tests.fusion_desktop.pointer import Pointer
from tests.fusion_desktop.test_first_starts import until
from tests.support.registry import ROOT

KNOWN = {template.known: template for template in offers.known()}
Answer = tuple[StdioTransport | HttpTransport, list[PlainSecret]]


def nothing(words: Sequence[str]) -> Need | None:
    return None


class Asked:
    """A dialog, and what it answered."""

    def __init__(self, qtbot: QtBot, template: Template, stored: tuple[str, ...] = ()) -> None:
        self.dialog = PromptDialog(template, stored=stored, look=nothing)
        qtbot.addWidget(self.dialog)
        self.answers: list[Answer] = []
        self.dialog.completed.connect(lambda *answer: self.answers.append(answer))

    def write(self, prompt: str, text: str) -> None:
        self.dialog.fields[prompt].write_path(text)

    def fault(self, prompt: str) -> str:
        return self.dialog.fields[prompt]._fault.text()


async def test_a_secret_is_masked_and_only_referred_to(qtbot: QtBot, look: None) -> None:
    asked = Asked(qtbot, KNOWN["brave-search"])
    editor = asked.dialog.fields["env.BRAVE_API_KEY"].editor
    assert isinstance(editor, QLineEdit)
    assert editor.echoMode() is QLineEdit.EchoMode.Password

    editor.setText("planted-key")
    assert "planted-key" not in asked.dialog._preview.text()
    asked.dialog.finish()

    transport, found = asked.answers[0]
    assert isinstance(transport, StdioTransport)
    assert transport.env["BRAVE_API_KEY"] == "${secret:brave-search.BRAVE_API_KEY}"
    assert [(one.name, one.value) for one in found] == [("brave-search.BRAVE_API_KEY", "planted-key")]


async def test_what_is_missing_is_said_at_its_field(qtbot: QtBot, look: None) -> None:
    asked = Asked(qtbot, KNOWN["brave-search"])
    asked.dialog.finish()
    assert not asked.answers
    assert asked.fault("env.BRAVE_API_KEY") == "BRAVE_API_KEY is required."
    asked.write("env.BRAVE_API_KEY", "x")
    assert asked.fault("env.BRAVE_API_KEY") == ""


async def test_a_secret_that_is_stored_already_is_used_or_gets_company(qtbot: QtBot, look: None) -> None:
    stored = ("brave-search.BRAVE_API_KEY",)
    kept = Asked(qtbot, KNOWN["brave-search"], stored)
    kept.dialog.finish()
    assert "${secret:brave-search.BRAVE_API_KEY}" in str(kept.answers[0][0])
    assert kept.answers[0][1] == []

    other = Asked(qtbot, KNOWN["brave-search"], stored)
    other.write("env.BRAVE_API_KEY", "another")
    other.dialog.finish()
    assert [one.name for one in other.answers[0][1]] == ["brave-search.BRAVE_API_KEY-2"]


async def test_folders_are_a_list_and_have_to_exist(qtbot: QtBot, look: None, tmp_path: Path) -> None:
    asked = Asked(qtbot, KNOWN["filesystem"])
    asked.write("arg.folder", str(tmp_path))
    asked.write("arg.folder", str(tmp_path / "no" / "such"))
    asked.dialog.finish()
    assert "does not exist" in asked.fault("arg.folder")

    (tmp_path / "no" / "such").mkdir(parents=True)
    asked.dialog.finish()
    transport, _ = asked.answers[0]
    assert isinstance(transport, StdioTransport)
    assert transport.args[-2:] == (str(tmp_path), str(tmp_path / "no" / "such"))


async def test_another_way_asks_for_other_things(qtbot: QtBot, look: None) -> None:
    asked = Asked(qtbot, KNOWN["notion"])
    assert asked.dialog.ways.count() == 2
    asked.dialog.ways.setCurrentIndex(1)
    asked.dialog.finish()
    assert asked.answers[0][0] == HttpTransport(url="https://mcp.notion.com/mcp")


async def test_a_missing_program_is_told_with_what_helps(qtbot: QtBot, look: None) -> None:
    def missing(words: Sequence[str]) -> Need:
        return Need(words[0], "Node.js", problem="Node.js is not installed, or not on the PATH")

    dialog = PromptDialog(KNOWN["brave-search"], look=missing)
    qtbot.addWidget(dialog)
    await until(lambda: "is not installed" in dialog._note.text())
    assert "nodejs.org" in dialog._note.text()


async def test_what_is_typed_stays_text_even_if_it_looks_like_a_reference(qtbot: QtBot, look: None) -> None:
    asked = Asked(qtbot, KNOWN["azure-devops"])
    (prompt,) = (key for key, field in asked.dialog.fields.items() if field.prompt.is_required)
    asked.write(prompt, "${env:HOME}")
    asked.dialog.finish()
    assert "$${env:HOME}" in asked.answers[0][0].args  # type: ignore[union-attr]


@pytest.mark.parametrize("way", ["catalogue", "drop", "paste", "palette"])
async def test_nothing_is_added_before_its_secret_is_kept(
    qtbot: QtBot, program: Program, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = program.window
    template = KNOWN["brave-search"]
    if way == "catalogue":
        window.catalogue.chosen.emit(template)
    elif way == "drop":
        window.view.template_dropped.emit(template, QPointF(40, 40))
    elif way == "palette":
        window.finding._add(None, template)
    else:
        window.arrivals.take_text(ROOT.joinpath("remote-headers.json").read_text(encoding="utf-8"), None)
    await until(lambda: window.findChild(PromptDialog) is not None)
    dialog = window.findChild(PromptDialog)
    assert dialog is not None
    assert not program.document.graph.nodes
    for field in dialog.fields.values():
        if field.prompt.is_required or field.prompt.is_secret:
            field.write_path("planted" if field.prompt.is_secret else "eu")
    dialog.finish()

    # There is no keyring here, so the user is asked; nothing was lost meanwhile.
    await until(lambda: "was not stored" in window.banner.text)
    assert not program.document.graph.nodes
    _press(window.banner, "Keep them in a file")
    await until(lambda: program.document.graph.nodes)
    (node,) = program.document.graph.nodes
    assert isinstance(node, ServerNode)
    assert "planted" not in node.model_dump_json()
    assert set(secrets.names().values()) == {"file"}
    assert program.document.undo_stack.count() == 1


async def test_a_template_dropped_into_a_composite_asks_and_then_joins_it(qtbot: QtBot, program: Program) -> None:
    program.document.load(desk())
    program.window.editing.fit()
    pointer = Pointer(program.window.view)
    mime = KNOWN["brave-search"].to_mime()
    assert pointer.drag_in(mime, 420, 330)
    pointer.drop(mime, 420, 330)
    await until(lambda: program.window.findChild(PromptDialog) is not None)
    dialog = program.window.findChild(PromptDialog)
    assert dialog is not None
    before = len(program.document.graph.nodes)
    dialog.fields["env.BRAVE_API_KEY"].write_path("planted")
    dialog.finish()
    await until(lambda: "was not stored" in program.window.banner.text)
    _press(program.window.banner, "Keep them in a file")
    await until(lambda: len(program.document.graph.nodes) == before + 1)

    assert program.document.homes[program.document.graph.nodes[-1].id] == "box"
    assert program.document.undo_stack.count() == 1


async def test_giving_up_adds_nothing(qtbot: QtBot, program: Program) -> None:
    program.window.catalogue.chosen.emit(KNOWN["brave-search"])
    dialog = program.window.findChild(PromptDialog)
    assert dialog is not None
    dialog.reject()
    assert not program.document.graph.nodes


def test_what_needs_nothing_is_added_at_once(program: Program) -> None:
    program.window.catalogue.chosen.emit(KNOWN["time"])
    assert [node.name for node in program.document.graph.nodes] == ["Time"]


def test_a_dragged_template_keeps_what_it_asks() -> None:
    dragged = Template.from_mime(KNOWN["github"].to_mime())
    assert dragged is not None
    assert dragged.asks
    assert dragged.ways == KNOWN["github"].ways


def _press(parent: object, words: str) -> None:
    from PySide6.QtWidgets import QPushButton, QWidget

    assert isinstance(parent, QWidget)
    next(button for button in parent.findChildren(QPushButton) if button.text() == words).click()
