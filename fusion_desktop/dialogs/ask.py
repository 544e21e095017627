"""Ask a question without blocking anything: the answer arrives by a call."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from fusion_desktop.controls import restyle


def ask(
    parent: QWidget,
    question: str,
    detail: str,
    answers: Mapping[str, Callable[[], object]],
    *,
    default: str,
) -> QMessageBox:
    """Open a question with one button per answer; the last answer is also that of Escape."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "Fusion", question, parent=parent)
    box.setInformativeText(detail)
    box.setWindowModality(Qt.WindowModality.WindowModal)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    buttons = {}
    for words in answers:
        button = box.addButton(words, QMessageBox.ButtonRole.ActionRole)
        buttons[words] = button
        if words == default:
            box.setDefaultButton(button)
            restyle(button, primary=True)
    last = list(buttons)[-1]
    box.setEscapeButton(buttons[last])

    def answered(_: int) -> None:
        chosen = next((words for words, button in buttons.items() if button is box.clickedButton()), last)
        answers[chosen]()

    box.finished.connect(answered)
    box.open()
    return box
