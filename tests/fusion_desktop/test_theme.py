"""Words can be read and signs be seen in every theme."""

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QSpinBox
from pytestqt.qtbot import QtBot

from fusion_desktop import theme
from fusion_desktop.theme import THEMES, Theme

SURFACES = ("window", "panel", "field", "raised", "hover", "canvas", "node", "composite", "selection")
STATES = ("stopped", "starting", "ready", "busy", "retrying", "degraded", "failed", "disabled", "quarantined")


def contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
        for value in (QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF())
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.fixture(params=THEMES.values(), ids=THEMES.keys())
def look(request: pytest.FixtureRequest) -> Theme:
    assert isinstance(request.param, Theme)
    return request.param


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("role", ["text", "muted"])
def test_words_can_be_read_on_every_surface(look: Theme, role: str, surface: str) -> None:
    assert contrast(getattr(look, role), getattr(look, surface)) >= 4.5


@pytest.mark.parametrize("role", ["error", "warning", "info", "added", "removed"])
@pytest.mark.parametrize("surface", ["panel", "field", "raised"])
def test_coloured_words_can_be_read(look: Theme, role: str, surface: str) -> None:
    assert contrast(getattr(look, role), getattr(look, surface)) >= 4.5


@pytest.mark.parametrize("role", STATES)
def test_the_reason_on_a_node_can_be_read(look: Theme, role: str) -> None:
    assert contrast(getattr(look, role), look.node) >= 4.5


def test_what_lies_on_the_accent_can_be_read(look: Theme) -> None:
    assert contrast(look.on_accent, look.accent) >= 4.5
    assert contrast(look.window, look.error) >= 4.5


@pytest.mark.parametrize("surface", ["canvas", "composite", "node"])
@pytest.mark.parametrize("role", ["wire", "accent", *STATES])
def test_wires_ports_and_states_can_be_seen(look: Theme, role: str, surface: str) -> None:
    assert contrast(getattr(look, role), getattr(look, surface)) >= 3


@pytest.mark.parametrize("surface", ["panel", "field", "window"])
def test_the_edge_of_a_field_and_the_focus_can_be_seen(look: Theme, surface: str) -> None:
    assert contrast(look.outline, getattr(look, surface)) >= 3
    assert contrast(look.accent, getattr(look, surface)) >= 3


@pytest.mark.usefixtures("qapp")
def test_the_style_sheet_names_only_roles_that_exist(look: Theme) -> None:
    assert "@" not in theme.style_sheet(look)


@pytest.mark.parametrize("mode", ["dark", "light"])
def test_the_number_in_a_box_and_both_its_arrows_can_be_seen(qtbot: QtBot, mode: str) -> None:
    theme.apply(mode)
    box = QSpinBox(value=888)
    qtbot.addWidget(box)
    box.resize(160, box.sizeHint().height())
    box.show()

    image, field = box.grab().toImage(), theme.current().field

    def seen(left: int, top: int, right: int, bottom: int) -> float:
        """Return the strongest contrast to the field within some pixels."""
        return max(
            contrast(image.pixelColor(x, y).name(), field) for x in range(left, right) for y in range(top, bottom)
        )

    middle = box.height() // 2
    assert seen(4, 4, 60, box.height() - 4) >= 4.5
    assert seen(box.width() - 18, 4, box.width() - 4, middle) >= 3
    assert seen(box.width() - 18, middle, box.width() - 4, box.height() - 4) >= 3
