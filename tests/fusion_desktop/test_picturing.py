"""Pictures: sharp, in the look that was chosen, of the whole or of a part, and as text that other programs read."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtSvg import QSvgRenderer

from fusion_desktop import theme
from fusion_desktop.app import Program
from fusion_desktop.canvas import picture
from fusion_desktop.canvas.state import State
from fusion_desktop.dialogs.picture import PictureDialog, Wish
from tests.fusion_desktop.graphs import composite, desk, graph, server


@pytest.fixture
def look_of_window(qapp: object) -> None:
    theme.apply("light")


SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("look", ["light", "dark", "contrast"])
def test_a_picture_looks_as_was_chosen_whatever_the_window_looks_like(look_of_window: None, look: str) -> None:
    shown = theme.current().name

    image = picture.image(desk(), look)

    assert image.pixelColor(2, 2) == QColor(theme.THEMES[look].canvas)
    assert theme.current().name == shown


def test_twice_the_size_has_twice_the_pixels(look_of_window: None) -> None:
    once, twice = picture.image(desk(), "light"), picture.image(desk(), "light", 2.0)

    assert twice.size() == once.size() * 2


def test_a_huge_graph_fits_into_what_programs_can_show(look_of_window: None) -> None:
    far = graph((server("a"), (0, 0)), (server("b"), (40_000, 0)))

    assert picture.image(far, "light", 3.0).width() <= picture.LARGEST_SIDE


def test_a_transparent_picture_has_no_ground(look_of_window: None) -> None:
    assert picture.image(desk(), "light", clear=True).pixelColor(2, 2).alpha() == 0
    assert QSvgRenderer(picture.svg(desk(), "light", clear=True)).isValid()


def test_an_svg_holds_every_name_as_text(look_of_window: None) -> None:
    names = [f"Server {number}" for number in range(12)]
    drawn = graph(*((server(f"s{n}", name), (n % 4 * 260, n // 4 * 100)) for n, name in enumerate(names)))

    root = ElementTree.fromstring(picture.svg(drawn, "dark"))

    texts = [" ".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")]
    assert [text for text in texts if text in names] == names
    assert root.findtext(f"{SVG}title") == drawn.name


def test_only_the_selection_and_what_lies_in_it_is_drawn(program: Program) -> None:
    program.document.load(desk())
    program.window.scene.select(["box"])
    wish = Wish("mermaid", "light", only_selection=True)

    assert program.window.picturing.data(wish).decode() == (
        'flowchart LR\n    subgraph n0["Box"]\n        n1["Inner"]\n    end\n'
    )


def test_the_states_of_what_runs_are_drawn(program: Program) -> None:
    program.document.load(desk())
    before = program.window.picturing.data(Wish("png", "light"))

    program.window.scene.show_state("loose", State.FAILED, "no such command")

    assert program.window.picturing.data(Wish("png", "light")) != before


def test_the_picture_is_saved_and_copied(program: Program, tmp_path: Path) -> None:
    program.document.load(desk())
    told: list[str] = []
    program.window.picturing.refused.connect(told.append)

    program.window.picturing.save(Wish("png", "light", 2.0), tmp_path / "a.png")
    program.window.picturing.save(Wish("svg", "light"), tmp_path / "a.svg")
    program.window.picturing.save(Wish("svg", "light"), tmp_path / "missing" / "a.svg")
    program.window.picturing.copy(Wish("mermaid", "light"))

    assert not QImage(str(tmp_path / "a.png")).isNull()
    assert QSvgRenderer(str(tmp_path / "a.svg")).isValid()
    assert len(told) == 1
    assert "cannot be saved" in told[0]
    assert QGuiApplication.clipboard().text().startswith("flowchart LR")


def test_the_dialog_shows_what_would_be_saved(program: Program) -> None:
    program.document.load(graph((composite("box"), (0, 0))))
    program.window.actions_table["file.picture"].trigger()
    dialog = program.window.findChild(PictureDialog)
    assert dialog is not None
    assert not dialog.what.isEnabled(), "nothing is selected"
    assert not dialog.preview.image.isNull()

    assert dialog.preview.rect().toRectF().contains(dialog.preview.target), "all of it can be seen"

    dialog.form.setCurrentIndex(dialog.form.findData("mermaid"))

    assert dialog.text.toPlainText() == 'flowchart LR\n    n0[["Box"]]\n'
    assert not dialog.scale.isEnabled()
    dialog.reject()
