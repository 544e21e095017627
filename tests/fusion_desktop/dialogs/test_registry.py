"""Searching a real registry on this machine: only when asked to, page by page, offline from what was kept."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from composite_runtime.interop.registry_entry import Entry
from fusion_desktop.app import Program
from fusion_desktop.dialogs.prompts import PromptDialog
from fusion_desktop.dialogs.registry import RegistryDialog
from fusion_desktop.document.template import Template
from tests.fusion_desktop.test_first_starts import until
from tests.support.registry import ROOT, Answers, address

__all__ = ["address"]


@pytest.fixture
def opened(qtbot: QtBot, look: None) -> Callable[[str], RegistryDialog]:
    def make(url: str) -> RegistryDialog:
        dialog = RegistryDialog(url)
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    return make


async def test_nothing_is_asked_before_somebody_searches(address: str, opened: Callable[[str], RegistryDialog]) -> None:
    dialog = opened(address)
    dialog.search.setText("server")
    assert Answers.asked == []
    dialog.go.click()
    await until(lambda: dialog.list.count())
    assert len(Answers.asked) == 1
    assert dialog.add.isEnabled()


async def test_more_fetches_the_next_page(address: str, opened: Callable[[str], RegistryDialog]) -> None:
    dialog = opened(address)
    dialog.start()
    await until(dialog.more.isVisible)
    first = dialog.list.count()
    dialog.more.click()
    await until(lambda: dialog.list.count() > first)
    assert "cursor=" in Answers.asked[1]
    assert "cursor" not in Answers.asked[0]


async def test_without_a_network_the_kept_answer_is_shown_with_its_age(
    address: str, opened: Callable[[str], RegistryDialog], fusion_home: Path
) -> None:
    dialog = opened(address)
    dialog.start()
    await until(lambda: dialog.list.count())
    for file in (fusion_home / "registry").iterdir():
        data = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(data | {"fetched_at": data["fetched_at"] - 3 * 3600}), encoding="utf-8")
    Answers.broken = True
    dialog.start()
    await until(lambda: "3 hours ago" in dialog.status.text())
    assert dialog.list.count()


async def test_a_registry_that_is_away_is_told(opened: Callable[[str], RegistryDialog]) -> None:
    dialog = opened("http://127.0.0.1:9")
    dialog.start()
    await until(lambda: "cannot be reached" in dialog.status.text())
    assert dialog.go.isEnabled()


async def test_a_hostile_entry_is_shown_as_plain_text_and_blocked_with_its_reasons(
    address: str, opened: Callable[[str], RegistryDialog]
) -> None:
    dialog = opened(address)
    hostile = Entry.read(json.loads((ROOT / "dirty" / "hostile.json").read_text(encoding="utf-8")))
    from composite_runtime.interop.online_registry import Page

    dialog._show(Page((hostile,), None, 0.0))
    assert not dialog.add.isEnabled()
    chosen: list[Template] = []
    dialog.chosen.connect(chosen.append)
    dialog.list.itemActivated.emit(dialog.list.item(0))
    assert not chosen
    assert dialog.details._title.textFormat() is Qt.TextFormat.PlainText
    assert "\u202e" not in dialog.details._title.text()
    assert dialog.details._blocked.text().startswith("Blocked:")
    assert dialog.details._blocked.text().count("•") >= 3


def test_only_addresses_that_are_safe_are_taken(opened: Callable[[str], RegistryDialog]) -> None:
    dialog = opened("https://registry.test")
    changed: list[str] = []
    dialog.address_changed.connect(changed.append)
    dialog.set_address("http://elsewhere.test")
    assert "must start with https://" in dialog.status.text()
    dialog.set_address("https://mine.test/api")
    assert changed == ["https://mine.test/api"]


async def test_an_entry_becomes_a_node(qtbot: QtBot, program: Program, address: str) -> None:
    program.settings.registry_url = address
    program.window.actions_table["file.registry"].trigger()
    dialog = program.window.findChild(RegistryDialog)
    assert dialog is not None
    dialog.start()
    await until(lambda: dialog.list.count())
    row = next(n for n in range(dialog.list.count()) if "filesystem" in dialog.list.item(n).text())
    dialog.list.setCurrentRow(row)
    dialog.add.click()

    asking = program.window.findChild(PromptDialog)
    if asking is not None:
        for field in asking.fields.values():
            if field.prompt.is_required:
                field.write_path("/tmp")
        asking.finish()
    await until(lambda: program.document.graph.nodes)
    assert "filesystem" in program.document.graph.nodes[0].model_dump_json()
