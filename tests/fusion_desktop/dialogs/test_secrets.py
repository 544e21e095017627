"""Secrets are listed by name, stored and deleted; a value is never shown, and a missing keyring is told."""

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QLineEdit, QTreeWidgetItem
from pytestqt.qtbot import QtBot

from composite_runtime import secrets
from composite_runtime.graph import edit
from composite_runtime.graph.model import HttpTransport, ServerNode, StdioTransport
from fusion_desktop.app import Program
from fusion_desktop.dialogs.secrets import SecretsDialog, used_in
from tests.fusion_desktop.test_first_starts import until

USED = {"mine": ["Time"], "other": ["Time", "Web"]}


@pytest.fixture
def opened(qtbot: QtBot, look: None) -> Callable[[], SecretsDialog]:
    def make() -> SecretsDialog:
        dialog = SecretsDialog(USED)
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    return make


def rows(dialog: SecretsDialog) -> list[list[str]]:
    found = [dialog.list.topLevelItem(number) for number in range(dialog.list.topLevelItemCount())]
    return [[row.text(column) for column in range(3)] for row in found if isinstance(row, QTreeWidgetItem)]


def test_what_a_graph_refers_to_is_found_with_who_needs_it() -> None:
    time = StdioTransport(command="x", args=("--key", "${secret:mine}"), env={"A": "${secret:other}", "B": "${env:C}"})
    web = HttpTransport(url="https://w.test", headers={"Authorization": "Bearer ${secret:other}"})
    graph = edit.new_graph()
    for node_id, name, transport in (("t", "Time", time), ("w", "Web", web)):
        graph = edit.add_node(graph, ServerNode(id=node_id, name=name, transport=transport))
    assert used_in(graph) == USED


async def test_what_is_missing_comes_first_and_is_stored_where_the_user_says(
    opened: Callable[[], SecretsDialog],
) -> None:
    secrets.store("kept", "value-of-kept", in_file=True)
    dialog = opened()
    await until(lambda: dialog.list.topLevelItemCount() == 3)
    assert rows(dialog) == [
        ["mine", "Missing", "Time"],
        ["other", "Missing", "Time, Web"],
        ["kept", "Private file", ""],
    ]
    # There is no keyring here: that is told, and the file is offered.
    await until(lambda: "private file" in dialog._note.text())
    assert dialog.place.currentData() == "file"

    assert dialog.name.text() == "mine"
    assert dialog.value.echoMode() is QLineEdit.EchoMode.Password
    dialog.value.setText("planted-value")
    dialog.store.click()
    await until(lambda: ["mine", "Private file", "Time"] in rows(dialog))
    assert dialog.value.text() == ""
    assert secrets.resolve("${secret:mine}") == "planted-value"


async def test_a_keyring_that_is_not_there_is_told_and_nothing_is_lost(opened: Callable[[], SecretsDialog]) -> None:
    dialog = opened()
    await until(lambda: dialog.list.topLevelItemCount() == 2)
    dialog.place.setCurrentIndex(dialog.place.findData("keyring"))
    dialog.value.setText("planted-value")
    dialog.store.click()
    await until(dialog.fault.isVisible)
    assert "was not stored" in dialog.fault.text()
    assert "planted" not in dialog.fault.text()
    assert dialog.value.text() == "planted-value"
    assert dialog.store.isEnabled()


async def test_a_secret_is_deleted(opened: Callable[[], SecretsDialog]) -> None:
    secrets.store("mine", "planted-value", in_file=True)
    dialog = opened()
    await until(lambda: ["mine", "Private file", "Time"] in rows(dialog))
    dialog.list.setCurrentItem(dialog.list.topLevelItem(1))
    assert dialog.name.text() == "mine"
    dialog.delete.click()
    await until(lambda: ["mine", "Missing", "Time"] in rows(dialog))
    assert secrets.names() == {}


async def test_the_window_opens_it(qtbot: QtBot, program: Program) -> None:
    program.window.actions_table["file.secrets"].trigger()
    dialog = program.window.findChild(SecretsDialog)
    assert dialog is not None
    await until(lambda: "private file" in dialog._note.text())
    dialog.reject()
