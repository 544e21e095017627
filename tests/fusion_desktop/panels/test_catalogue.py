"""The catalogue: what it offers can be found, dragged, and run as it says."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from composite_runtime import paths
from composite_runtime.graph.check import Level, check
from composite_runtime.graph.edit import add_node, new_graph
from composite_runtime.graph.model import ServerNode, StdioTransport
from fusion_desktop import assets
from fusion_desktop.document.template import Template
from fusion_desktop.panels.catalogue import OWN, CataloguePanel, load_catalogue

TEMPLATES = load_catalogue()


@pytest.fixture
def panel(qtbot: QtBot) -> CataloguePanel:
    panel = CataloguePanel(TEMPLATES)
    qtbot.addWidget(panel)
    panel.show()
    return panel


def test_it_offers_a_composite_a_command_and_a_url_first_and_more_than_a_dozen_servers() -> None:
    assert [template.node.name for template in TEMPLATES[:3]] == ["Composite", "Command", "URL"]
    assert len(TEMPLATES) > 15


@pytest.mark.parametrize("template", TEMPLATES[len(OWN) :], ids=lambda template: template.node.name)
def test_every_server_in_it_is_one_that_can_be_started(template: Template) -> None:
    node = template.node
    assert isinstance(node, ServerNode)
    problems = check(add_node(new_graph(), node))
    assert not [problem for problem in problems if problem.level is Level.ERROR]
    assert template.summary
    assert not template.summary.endswith(".")
    assets.icon(template.icon)
    if isinstance(node.transport, StdioTransport) and node.transport.command in {"npx", "uvx"}:
        package = next(word for word in node.transport.args if not word.startswith("-"))
        assert "@" in package[1:], "a version is named, so that what runs tomorrow is what was looked at"


def test_no_secret_is_written_into_it() -> None:
    data = json.loads(paths.resource("catalogue.json").read_text(encoding="utf-8"))
    for entry in data["servers"]:
        values = {**entry["transport"].get("env", {}), **entry["transport"].get("headers", {})}
        for name, value in values.items():
            if any(word in name.upper() for word in ("KEY", "TOKEN", "SECRET", "AUTHORIZATION")):
                assert "${secret:" in value, (entry["id"], name)


def test_a_search_keeps_what_has_every_word(panel: CataloguePanel) -> None:
    QTest.keyClicks(panel.search, "database quer")
    model = panel.list.model()
    names = [model.index(row, 0).data() for row in range(model.rowCount())]

    assert "PostgreSQL" in names
    assert "Time" not in names


def test_a_search_without_result_says_what_to_do(panel: CataloguePanel) -> None:
    QTest.keyClicks(panel.search, "qqqq")

    assert panel._nothing.isVisible()
    assert "Command" in panel._nothing.text()


def test_enter_adds_the_first_that_fits(panel: CataloguePanel, qtbot: QtBot) -> None:
    QTest.keyClicks(panel.search, "time zones")
    with qtbot.waitSignal(panel.chosen) as chosen:
        QTest.keyClick(panel.search, Qt.Key.Key_Return)

    assert chosen.args[0].node.name == "Time"


def test_a_row_travels_as_a_template(panel: CataloguePanel) -> None:
    model = panel.list.model()
    mime = model.mimeData([model.index(5, 0)])

    template = Template.from_mime(mime)

    assert template is not None
    assert template.node == TEMPLATES[5].node
