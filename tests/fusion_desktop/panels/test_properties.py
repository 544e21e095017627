"""Properties: each field that was changed is one edit, and what cannot be is refused."""

import asyncio
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from composite_runtime.graph import edit
from composite_runtime.graph.edit import add_annotation
from composite_runtime.graph.model import Auth, Box, Frame, HttpTransport, Note, ServerNode, StdioTransport
from fusion_desktop import tasks
from fusion_desktop.document.document import Document
from fusion_desktop.panels.node_secrets import SecretField
from fusion_desktop.panels.properties import PropertiesPanel
from tests.fusion_desktop.graphs import composite, desk, graph


@pytest.fixture
def panel(qtbot: QtBot, document: Document) -> PropertiesPanel:
    document.load(desk())
    panel = PropertiesPanel(document)
    qtbot.addWidget(panel)
    panel.resize(340, 700)
    panel.show()
    panel.show_selection(["loose"], [])
    return panel


def type_into(field: QLineEdit, text: str) -> None:
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def loose(document: Document) -> ServerNode:
    node = document.node("loose")
    assert isinstance(node, ServerNode)
    return node


def test_a_name_is_changed_by_one_step(document: Document, panel: PropertiesPanel) -> None:
    type_into(panel.node_page.name, "Free")

    assert loose(document).name == "Free"
    assert document.undo_stack.undoText() == "Rename Loose to Free"
    document.undo_stack.undo()
    assert panel.node_page.name.text() == "Loose"


def test_a_blank_name_is_refused_and_the_old_one_comes_back(
    document: Document, panel: PropertiesPanel, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(panel.refused):
        type_into(panel.node_page.name, " ")

    assert panel.node_page.name.text() == "Loose"
    assert document.undo_stack.count() == 0


def test_escape_takes_back_what_was_typed(document: Document, panel: PropertiesPanel) -> None:
    field = panel.node_page.name
    field.setFocus()
    QTest.keyClicks(field, "x")
    QTest.keyClick(field, Qt.Key.Key_Escape)

    assert field.text() == "Loose"
    assert document.undo_stack.count() == 0


def test_command_arguments_and_environment_are_edited(document: Document, panel: PropertiesPanel, qtbot: QtBot) -> None:
    page = panel.node_page
    type_into(page.command, "uvx")
    page.arguments.setFocus()
    page.arguments.setPlainText("mcp-server-time\n\n--local-timezone=UTC\n")
    page.name.setFocus()
    name, value, _ = page.variables._rows[0]
    type_into(name, "TZ")
    name, value, _ = page.variables._rows[0]
    type_into(value, "${env:TZ}")

    assert loose(document).transport == StdioTransport(
        command="uvx", args=("mcp-server-time", "--local-timezone=UTC"), env={"TZ": "${env:TZ}"}
    )


def test_a_server_can_be_reached_another_way(document: Document, panel: PropertiesPanel) -> None:
    page = panel.node_page
    page.kind.setCurrentIndex(page.kind.findData("http"))
    page.kind.activated.emit(page.kind.currentIndex())
    assert page.url.isVisible()
    assert not page.command.isVisible()

    type_into(page.url, "https://example.org/mcp")

    assert loose(document).transport == HttpTransport(url="https://example.org/mcp")


def test_switching_off_is_one_step(document: Document, panel: PropertiesPanel) -> None:
    panel.node_page.enabled.click()

    assert not loose(document).enabled
    assert document.undo_stack.undoText() == "Disable Loose"


def test_a_wire_shows_and_changes_the_namespace_of_its_member(document: Document, panel: PropertiesPanel) -> None:
    panel.show_selection([], [("inner", "box")])
    page = panel.edge_page
    assert page.isVisible()
    assert not page.namespace.isEnabled()

    page.inherit.click()
    type_into(page.namespace, "x")
    edge = document.edge("inner", "box")
    assert edge is not None
    assert edge.namespace == "x"

    page.inherit.click()
    edge = document.edge("inner", "box")
    assert edge is not None
    assert edge.namespace is None


def test_several_nodes_are_switched_off_in_one_step(document: Document, panel: PropertiesPanel) -> None:
    panel.show_selection(["loose", "inner"], [])

    panel.many_page.disable.click()

    assert not loose(document).enabled
    assert document.undo_stack.count() == 1


def test_what_was_being_typed_belongs_to_the_node_that_was_shown(document: Document, panel: PropertiesPanel) -> None:
    field = panel.node_page.name
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "Typed")

    panel.show_selection(["inner"], [])

    inner = document.node("inner")
    assert inner is not None
    assert inner.name == "Inner"


def test_a_composite_lists_its_members_with_what_they_are_called(document: Document, panel: PropertiesPanel) -> None:
    panel.show_selection(["box"], [])

    assert "inner_…" in panel.node_page._members.text()
    assert not panel.node_page.command.isVisible()


class Memory(KeyringBackend):
    """A keyring in memory; its low priority keeps it from being chosen by itself."""

    priority = -1  # type: ignore[assignment]  # a property there
    # Only keyrings known to be safe are used.
    __module__ = "keyring.backends.SecretService"

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def memory() -> Iterator[Memory]:
    before = keyring.get_keyring()
    memory = Memory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def ask_for_a_secret(document: Document, panel: PropertiesPanel) -> SecretField:
    transport = HttpTransport(url="https://example.org", headers={"Authorization": "Bearer ${secret:token}"})
    docs = ServerNode(id="docs", name="Docs", transport=transport)
    document.load(graph((docs, (0, 0)), (composite("box"), (400, 0, 300, 200))))
    panel.show_selection(["docs"], [])
    return panel.findChildren(SecretField)[-1]


def enter(field: SecretField, value: str) -> None:
    QTest.keyClicks(field.value, value)
    QTest.mouseClick(field.button, Qt.MouseButton.LeftButton)


async def test_a_secret_goes_to_the_keyring_and_never_into_the_graph(
    qtbot: QtBot, document: Document, panel: PropertiesPanel, memory: Memory
) -> None:
    field = ask_for_a_secret(document, panel)
    assert field.value.echoMode() == QLineEdit.EchoMode.Password

    enter(field, "s3cret")
    async with asyncio.timeout(10):
        while "s3cret" not in memory.kept.values():
            await asyncio.sleep(0.02)
    await tasks.cancel_all()

    assert "s3cret" not in document.graph.model_dump_json()


async def test_a_computer_without_a_keyring_says_so(qtbot: QtBot, document: Document, panel: PropertiesPanel) -> None:
    refused: list[str] = []
    panel.refused.connect(refused.append)
    field = ask_for_a_secret(document, panel)

    enter(field, "s3cret")
    async with asyncio.timeout(10):
        while not refused:
            await asyncio.sleep(0.02)

    assert "keyring" in refused[0]
    assert "s3cret" not in refused[0]
    await tasks.cancel_all()


def test_marks_are_boxes_and_each_click_is_one_step(document: Document, panel: PropertiesPanel) -> None:
    before = document.graph
    panel.show_selection(["box"], [])
    assert panel.node_page.boxes.bypassed.isHidden(), "what is in nothing has nothing to pass its members to"

    panel.node_page.boxes.collapsed.click()
    panel.node_page.boxes.locked.click()

    assert document.box("box").collapsed
    assert document.box("box").locked
    assert document.undo_stack.undoText() == "Lock Box"
    panel.show_selection(["box", "loose"], [])
    assert panel.many_page.boxes.locked.checkState() == Qt.CheckState.PartiallyChecked
    panel.many_page.boxes.locked.click()
    assert document.box("loose").locked
    for _ in range(3):
        document.undo_stack.undo()
    assert document.graph == before


def test_a_frame_and_a_note_are_worded_and_coloured(document: Document, panel: PropertiesPanel) -> None:
    graph = add_annotation(document.graph, Frame(id="frame"), Box(x=0, y=0, width=200, height=200))
    document.load(add_annotation(graph, Note(id="note", text="Old"), Box(x=0, y=300, width=200, height=200)))
    before = document.graph
    page = panel.annotation_page

    panel.show_selection(["frame"], [])
    assert panel.currentWidget() is page
    page.title.setText("Team")
    page.title.editingFinished.emit()
    page.colours.buttons["red"].click()
    assert document.annotation("frame") == Frame(id="frame", title="Team", colour="red")

    panel.show_selection(["note"], [])
    panel.focus_name()
    page.words.setPlainText("New")
    page.words.clearFocus()
    note = document.annotation("note")
    assert isinstance(note, Note)
    assert note.text == "New"
    for _ in range(3):
        document.undo_stack.undo()
    assert document.graph == before
    for button in page.colours.buttons.values():
        assert button.accessibleName()


def test_a_mixed_selection_is_counted_by_kind(document: Document, panel: PropertiesPanel) -> None:
    document.load(add_annotation(document.graph, Note(id="note"), Box(x=0, y=300)))
    panel.show_selection(["loose", "inner", "note"], [("inner", "box")])
    assert panel.many_page._title.text() == "2 nodes, 1 note, 1 wire"


def test_a_client_registered_by_hand_is_entered_and_its_secret_only_by_name(
    document: Document, panel: PropertiesPanel, qtbot: QtBot
) -> None:
    remote = loose(document).but(transport=HttpTransport(url="https://a.test/mcp"))
    document.edit("Reach it", edit.replace_node(document.graph, remote))
    page = panel.node_page
    assert page.sign_in.isVisible()
    assert not page.client_secret.isVisible()
    type_into(page.client_id, "fusion")
    with qtbot.waitSignal(panel.refused):
        type_into(page.client_secret, "hunter2")
    type_into(page.client_secret, "${secret:a}")

    transport = loose(document).transport
    assert isinstance(transport, HttpTransport)
    assert transport.auth == Auth(client_id="fusion", client_secret="${secret:a}")
    assert "hunter2" not in "".join(document.undo_stack.text(n) for n in range(document.undo_stack.count()))
    type_into(page.client_id, " ")
    assert loose(document).transport == HttpTransport(url="https://a.test/mcp")


def test_a_server_with_credentials_of_its_own_needs_no_sign_in(document: Document, panel: PropertiesPanel) -> None:
    transport = HttpTransport(url="https://a.test/mcp", headers={"authorization": "Bearer ${secret:a}"})
    document.edit("Reach it", edit.replace_node(document.graph, loose(document).but(transport=transport)))

    assert not panel.node_page.sign_in.isVisible()
    assert not panel.node_page.client_id.isVisible()
