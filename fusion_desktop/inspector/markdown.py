"""Markdown as it is meant to look, with nothing loaded from anywhere, and its plain text beside it."""

import re
from math import ceil
from typing import Any

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QResizeEvent, QTextDocument
from PySide6.QtWidgets import QTextBrowser, QToolButton, QVBoxLayout, QWidget

from fusion_desktop import theme
from fusion_desktop.inspector.editors import TextArea

LINES = 16
"""So many lines of a text are shown without scrolling."""
_LONGEST = 60_000
"""A longer text stays plain: laying it out would take too long."""
_HEIGHT = 320
_SIGNS = re.compile(
    r"^(#{1,6} \S|```|~~~|\|.+\|\s*$|> \S|[-*] \S|\d+\. \S)|\*\*\S.*?\S\*\*|\[[^\]\n]+\]\([^)\s]+\)", re.MULTILINE
)
_CERTAIN = re.compile(r"^(#{1,6} \S|```|\|[ :|-]+\|\s*$)|\[[^\]\n]+\]\([^)\s]+\)|\*\*\S.*?\S\*\*", re.MULTILINE)


def is_markdown(text: str, kind: str = "") -> bool:
    """Tell whether a text is Markdown: it is said to be, or it has more than one sign of it and one that is certain."""
    if len(text) > _LONGEST:
        return False
    if kind.startswith("text/markdown"):
        return True
    return _CERTAIN.search(text) is not None and len(_SIGNS.findall(text)) > 1


def plain_area(text: str) -> TextArea:
    """Return a field in which a text is read and copied as it is."""
    area = TextArea(lines=1, most=LINES)
    area.setReadOnly(True)
    area.setTabChangesFocus(True)
    area.setPlainText(text)
    area.setAccessibleName("Text result")
    return area


class _Page(QTextBrowser):
    """Shows Markdown; what it links to opens only when it is clicked, and pictures do not load at all."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setOpenLinks(False)
        self.setTabChangesFocus(True)
        self.setAccessibleName("Text result")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.document().setDocumentMargin(2 * theme.GRID)
        # HTML inside the Markdown stays text: it could name what loads by itself.
        features = QTextDocument.MarkdownFeature
        self.document().setMarkdown(text, features.MarkdownDialectGitHub | features.MarkdownNoHTML)
        self.anchorClicked.connect(_open)
        self._fit()

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        return None

    def sizeHint(self) -> QSize:
        return QSize(240, self._wanted())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _wanted(self) -> int:
        # Frame and padding of the style sheet lie around what shows the document.
        around = max(0, self.height() - self.viewport().height())
        return min(_HEIGHT, ceil(self.document().size().height()) + around + 1)

    def _fit(self) -> None:
        policy = Qt.ScrollBarPolicy
        is_long = self._wanted() >= _HEIGHT
        self.setVerticalScrollBarPolicy(policy.ScrollBarAsNeeded if is_long else policy.ScrollBarAlwaysOff)
        if self.height() != self._wanted():
            self.setFixedHeight(self._wanted())


class MarkdownText(QWidget):
    """A text both ways."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page, self._plain = _Page(text), plain_area(text)
        self._turn = QToolButton()
        self._turn.setCheckable(True)
        self._turn.setText("Plain text")
        self._turn.setToolTip("Show the text as it was sent")
        self._turn.toggled.connect(self._show)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.GRID)
        layout.addWidget(self._page)
        layout.addWidget(self._plain)
        layout.addWidget(self._turn, 0, Qt.AlignmentFlag.AlignRight)
        self._show(False)

    def _show(self, is_plain: bool) -> None:
        self._page.setVisible(not is_plain)
        self._plain.setVisible(is_plain)


def _open(link: QUrl) -> None:
    # A server may name a program or a file of this machine in a link; only pages are opened.
    if link.scheme() in {"http", "https"} and link.host():
        QDesktopServices.openUrl(link)
