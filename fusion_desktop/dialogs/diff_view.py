"""A unified diff in colour; the signs at the line starts say the same without it."""

from PySide6.QtGui import QSyntaxHighlighter, QTextCharFormat, QTextDocument
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from fusion_desktop import theme


class DiffView(QPlainTextEdit):
    """Shows a diff to be read and copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setFont(theme.font(mono=True))
        self.setAccessibleName("What would change")
        self._colours = _Colours(self.document())
        theme.signals.changed.connect(self._colours.rehighlight)


class _Colours(QSyntaxHighlighter):
    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)

    def highlightBlock(self, text: str) -> None:
        is_head = text.startswith(("+++", "---", "@@"))
        role = "muted" if is_head else {"+": "added", "-": "removed"}.get(text[:1])
        if role is None:
            return
        look = QTextCharFormat()
        look.setForeground(theme.colour(role))
        if not is_head:
            look.setBackground(theme.colour(role, 28))
        self.setFormat(0, len(text), look)
