"""The catalogue: what it offers can be found, dragged, and run as it says."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from composite_runtime.graph.check import Level, check
from composite_runtime.graph.edit import add_node, new_graph
from composite_runtime.graph.model import ServerNode, StdioTransport
from composite_runtime.interop.registry_entry import Text, fill
from fusion_desktop import assets
from fusion_desktop.document.template import Template
from fusion_desktop.panels.catalogue import OWN, CatalogueModel, CataloguePanel, load_catalogue

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
    node = filled(template).node
    assert isinstance(node, ServerNode)
    problems = check(add_node(new_graph(), node))
    assert not [problem for problem in problems if problem.level is Level.ERROR]
    assert template.summary
    assert not template.summary.endswith(".")
    assets.icon(template.icon)
    if isinstance(node.transport, StdioTransport) and node.transport.command in {"npx", "uvx"}:
        package = next(word for word in node.transport.args if not word.startswith("-"))
        assert "@" in package[1:] or "==" in package, "a version is named, so that what runs is what was looked at"


def filled(template: Template) -> Template:
    """Return the template with something in all that it requires."""
    if not template.ways:
        return template
    way = template.ways[0]
    plain: dict[str, Text] = {"number": "1", "boolean": True, "filepath": "/d", "string": "x"}
    answers = {
        key: [plain[prompt.kind]] if prompt.is_repeated else plain[prompt.kind]
        for key, prompt in way.prompts.items()
        if prompt.is_required and prompt.default is None
    }
    return template.completed(fill(way, answers, lambda prompt: prompt.label))  # type: ignore[arg-type]


def test_all_44_known_servers_are_in_it_with_a_category_and_an_icon_of_their_own() -> None:
    known = [template for template in TEMPLATES if template.known]
    assert len(known) == 44
    assert all(template.categories for template in known)
    assert "server" not in {template.icon for template in known}


def test_a_template_that_asks_for_a_secret_holds_none() -> None:
    for template in TEMPLATES:
        if template.asks_secret and isinstance(template.node, ServerNode):
            transport = template.node.transport
            values = transport.env if isinstance(transport, StdioTransport) else transport.headers
            assert all("${secret:" in value for value in values.values() if "ecret" in value)


def test_what_is_needed_is_told_before_the_first_start(panel: CataloguePanel) -> None:
    QTest.keyClicks(panel.search, "brave")
    words = panel.list.model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "Needs Node.js" in words
    assert "Asks for BRAVE_API_KEY" in words


def test_a_category_narrows_the_list(panel: CataloguePanel) -> None:
    panel.category.setCurrentIndex(panel.category.findData("database"))
    model = panel.list.model()
    shown = [model.index(row, 0).data(CatalogueModel.TemplateRole) for row in range(model.rowCount())]
    assert len(shown) > 5
    assert all("database" in template.categories for template in shown)


def test_a_search_keeps_what_has_every_word(panel: CataloguePanel) -> None:
    QTest.keyClicks(panel.search, "database quer")
    model = panel.list.model()
    names = [model.index(row, 0).data() for row in range(model.rowCount())]

    assert "PostgreSQL (Postgres MCP)" in names
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
