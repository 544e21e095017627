"""Twenty scenes of the window look as they should: the same in every theme and size, and as they are written down."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from fusion_desktop import theme
from fusion_desktop.settings import Settings
from tests.fusion_desktop.scenes import SCENES, TWINS, clear, settle, shown, stage, twin

QUICK = ["connect"]


@pytest.mark.parametrize("name", QUICK)
async def test_another_theme_changes_colours_and_nothing_else(
    qtbot: QtBot, look: None, tmp_path: Path, name: str
) -> None:
    program = await stage(name, Settings(tmp_path / "desktop.ini"))
    light, before = twin(program), shown(program).grab().toImage()

    theme.apply("dark")
    await settle()

    dark, after = twin(program), shown(program).grab().toImage()
    theme.apply("light")
    await clear(program)
    assert dark == light
    assert after.size() == before.size()
    assert _brightness(after) < 80 < 160 < _brightness(before)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("look_name", "scale"), [("light", 1), ("dark", 2)])
def test_every_scene_is_as_it_is_written_down(tmp_path: Path, look_name: str, scale: int) -> None:
    environment = {**os.environ, "QT_SCALE_FACTOR": str(scale), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "tests.fusion_desktop.scenes", str(tmp_path), "--theme", look_name]

    subprocess.run(command, env=environment, check=True, timeout=300, capture_output=True)

    for name in SCENES:
        picture = QImage(str(tmp_path / f"{name}-{look_name}-{scale}x.png"))
        text = (tmp_path / f"{name}-{look_name}-{scale}x.txt").read_text(encoding="utf-8")
        assert not picture.isNull(), name
        spots = {picture.pixel(x, y) for x in range(0, picture.width(), 5) for y in range(0, picture.height(), 5)}
        assert len(spots) > 8, f"{name} is blank"
        written = (TWINS / f"{name}.txt").read_text(encoding="utf-8")
        assert text == written, (
            f"{name} looks different: see it, then renew its text as tests/fusion_desktop/scenes.py says"
        )


def _brightness(image: QImage) -> float:
    small = image.scaled(32, 32)
    return sum(small.pixelColor(x, y).lightness() for x in range(32) for y in range(32)) / 32**2
