import asyncio
import json

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from composite_runtime.graph import edit
from composite_runtime.interop import importing, paste
from composite_runtime.interop.importing import Gathered, Source
from fusion_desktop.dialogs.importing import ImportDialog
from fusion_desktop.document import foreign

SERVERS = {
    "files": {"command": "npx", "args": ["-y", "files"]},
    "web": {"url": "https://example.org/mcp?token=s3cret-value"},
}


def found(label: str = "Cursor") -> Gathered:
    return importing.gather([Source(label, paste.read(json.dumps({"mcpServers": SERVERS})))])


async def looked(qtbot: QtBot, gathered: Gathered, known: set[tuple[str, ...]] | None = None) -> ImportDialog:
    dialog = ImportDialog(known or set(), look=lambda: gathered)
    qtbot.addWidget(dialog)
    async with asyncio.timeout(10):
        while "Looking" in dialog.words.text():
            await asyncio.sleep(0.01)
    return dialog


async def test_every_server_is_listed_once_and_ticked(qtbot: QtBot) -> None:
    dialog = await looked(qtbot, found())

    assert [candidate.found.name for candidate in dialog.ticked()] == ["files", "web"]
    assert dialog.take.text() == "Import 2 servers"


async def test_only_what_is_ticked_is_taken(qtbot: QtBot) -> None:
    dialog = await looked(qtbot, found())
    row = dialog.list.topLevelItem(0)
    assert row is not None
    row.setCheckState(0, Qt.CheckState.Unchecked)

    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.take.click()

    assert [candidate.found.name for candidate in chosen.args[0]] == ["web"]


async def test_secrets_stay_in_the_graph_only_on_demand(qtbot: QtBot) -> None:
    dialog = await looked(qtbot, found())
    assert not dialog.moves.isHidden()
    assert "moves to the keyring" in dialog.words.text()
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.take.click()
    assert chosen.args[1] is False

    dialog.moves.setChecked(False)
    assert "stays in the graph as plain text" in dialog.words.text()
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.take.click()
    assert chosen.args[1] is True
    kept = foreign.taken_over(edit.new_graph(), chosen.args[0], None, keep_plain_secrets=True)
    assert not kept.secrets
    assert "s3cret-value" in kept.graph.model_dump_json()


async def test_what_the_graph_has_cannot_be_ticked(qtbot: QtBot) -> None:
    gathered = found()
    known = {importing.identity(gathered.candidates[0].found.transport)}

    dialog = await looked(qtbot, gathered, known)

    assert [candidate.found.name for candidate in dialog.ticked()] == ["web"]


async def test_no_secret_is_shown(qtbot: QtBot) -> None:
    dialog = await looked(qtbot, found())

    shown = [row.text(1) for number in range(2) if (row := dialog.list.topLevelItem(number))]
    assert "s3cret" not in "".join(shown)


async def test_a_machine_without_servers_says_what_else_can_be_done(qtbot: QtBot) -> None:
    dialog = await looked(qtbot, Gathered(problems=("cursor.json cannot be read",)))

    assert "paste one" in dialog.words.text()
    assert not dialog.take.isEnabled()
    assert dialog.problems.text() == "cursor.json cannot be read"


async def test_files_can_be_taken_instead(qtbot: QtBot) -> None:
    dialog = await looked(qtbot, found())
    with qtbot.waitSignal(dialog.files_chosen) as chosen:
        dialog.take_files(["/a/mcp.json", "/b/x.mcpb"])

    assert [path.name for path in chosen.args[0]] == ["mcp.json", "x.mcpb"]


async def test_secrets_are_told_by_name_with_what_becomes_of_them(qtbot: QtBot) -> None:
    dialog = await looked(qtbot, found())

    assert "to the keyring" in dialog.words.text()
    assert "s3cret" not in dialog.words.text()
